/** Who is let in, by tokens of every kind; the authority is a server of its own on loopback. */
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { limits, ManualClock } from "../../../shared/core/index.ts";
import type { AccessSettings } from "../../../shared/http/index.ts";
import { jsonAnswer, route } from "../../../shared/http/route.ts";
import { Asked } from "../../support/http-world.ts";
import {
  audience,
  claimsAt,
  newKey,
  signed,
  signedWithPublicKey,
  tampered,
  tenantId,
  TokenAuthority,
  unsigned,
  type Claims,
} from "../../support/token-authority.ts";

const nowMs = Date.parse("2026-03-01T00:00:00Z");
const now = nowMs / 1000;

type Key = Awaited<ReturnType<typeof newKey>>;
let key: Key;
let other: Key;
let authority: TokenAuthority;
let clock: ManualClock;
beforeAll(async () => {
  [key, other] = await Promise.all([newKey("one"), newKey("two")]);
});
beforeEach(async () => {
  authority = await TokenAuthority.start([key]);
  clock = new ManualClock(nowMs);
});
afterEach(async () => {
  vi.useRealTimers();
  await authority[Symbol.asyncDispose]();
});

const read = route<undefined>({
  id: "read",
  method: "GET",
  path: "/api/read",
  role: "Dyne.Reader",
  summary: "",
  description: "",
  answers: [],
  problems: [],
  handle: async () => jsonAnswer({ read: true }),
});
const operate = { ...read, id: "operate", path: "/api/operate", role: "Dyne.Operator" as const };

function service(settings: Partial<Extract<AccessSettings, { kind: "entra" }>> = {}): Asked<undefined> {
  const access: AccessSettings = {
    kind: "entra",
    tenantId,
    audiences: [audience],
    authorityHost: authority.host,
    ...settings,
  };
  return new Asked({ routes: [read, operate], services: async () => undefined, clock, access });
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const tokenOf = (changed: Claims = {}, by: Key = key) => signed(claimsAt(now, changed), by);

/** Version 1 has another name for the client. */
const version1 = { azp: undefined, appid: "77777777-8888-4777-a666-555555555555" };

describe("a token is accepted", () => {
  test.each<[string, () => Promise<string>]>([
    ["of version 2", () => tokenOf()],
    [
      "of version 1",
      () => tokenOf({ ...version1, iss: `https://sts.windows.net/${tenantId}/`, aud: `api://${audience}` }),
    ],
    ["of the authority of the settings", () => tokenOf({ iss: `${authority.host}/${tenantId}/v2.0` })],
    ["for several audiences, ours among them", () => tokenOf({ aud: ["another", audience] })],
    ["that expired half a minute ago, as clocks differ", () => tokenOf({ exp: now - 30 })],
    ["that is valid in half a minute", () => tokenOf({ nbf: now + 30 })],
    ["of an operator, who may read too", () => tokenOf({ roles: ["Dyne.Operator"] })],
  ])("%s", async (_, make) => {
    const { status, json } = await service().ask("/api/read", bearer(await make()));
    expect([status, json]).toEqual([200, { read: true }]);
  });

  test("for an audience of its own name, where that is the one of the settings", async () => {
    const asked = service({ audiences: ["api://dyne-prod", "x"] });
    expect((await asked.ask("/api/read", bearer(await tokenOf({ aud: "api://dyne-prod" })))).status).toBe(200);
    expect((await asked.ask("/api/read", bearer(await tokenOf()))).status).toBe(401);
  });
});

describe("a request is answered with 401 that brings", () => {
  const claims = claimsAt(now);
  test.each<[string, () => Promise<string>]>([
    ["an expired token", async () => `Bearer ${await tokenOf({ exp: now - 61 })}`],
    ["a token that never expires", async () => `Bearer ${await tokenOf({ exp: undefined })}`],
    ["a token that is not valid yet", async () => `Bearer ${await tokenOf({ nbf: now + 61 })}`],
    ["a token for another audience", async () => `Bearer ${await tokenOf({ aud: "api://another" })}`],
    ["a token of somebody's sign-in to us", () => tokenOf({ azp: undefined }).then((token) => `Bearer ${token}`)],
    ["a token without an audience", async () => `Bearer ${await tokenOf({ aud: undefined })}`],
    [
      "a token of another issuer",
      async () => `Bearer ${await tokenOf({ iss: `https://evil.example/${tenantId}/v2.0` })}`,
    ],
    [
      "a token of another tenant",
      async () =>
        `Bearer ${await tokenOf({ iss: "https://login.microsoftonline.com/66666666-2222-4333-8444-555555555555/v2.0" })}`,
    ],
    ["a token without an issuer", async () => `Bearer ${await tokenOf({ iss: undefined })}`],
    ["a token without a signature", async () => `Bearer ${unsigned(claims, "none")}`],
    ["a token whose signature was cut off", async () => `Bearer ${(await tokenOf()).replace(/[^.]*$/, "")}`],
    ["a token signed with the public key as a secret", async () => `Bearer ${await signedWithPublicKey(claims, key)}`],
    [
      "a token with other claims under its signature",
      async () => `Bearer ${tampered(await tokenOf({ roles: [] }), claims)}`,
    ],
    ["a token of an unknown key", async () => `Bearer ${await tokenOf({}, other)}`],
    ["a token of another key under a known name", async () => `Bearer ${await tokenOf({}, { ...other, kid: "one" })}`],
    ["no JSON in its token", async () => "Bearer YQ.YQ.YQ"],
    [
      "a right token longer than any is",
      async () => `Bearer ${await tokenOf({ padding: "x".repeat(limits.httpTokenBytes) })}`,
    ],
    ["half a token", async () => "Bearer a.b"],
    ["no token", async () => "Bearer"],
    ["another scheme", async () => "Basic YTpi"],
    ["two tokens", async () => `Bearer ${await tokenOf()}, Bearer ${await tokenOf()}`],
    ["a token too many", async () => `Bearer ${await tokenOf()} ${await tokenOf()}`],
    ["a token without end", async () => `Bearer ${(await tokenOf()).replace(".", `${"A".repeat(20_000)}.`)}`],
  ])("%s", async (_, make) => {
    const asked = service();
    const answer = await asked.ask("/api/read", { authorization: await make() });
    expect(answer.status).toBe(401);
    expect(answer.headers["www-authenticate"]).toBe('Bearer realm="dyne", error="invalid_token"');
    expect(answer.json).toMatchObject({ code: "UNAUTHENTICATED", status: 401, title: "Unauthorized" });
    expect(asked.lines.filter(({ level }) => level === "error")).toEqual([]);
  });

  test("nothing, or its token in the address", async () => {
    const token = await tokenOf();
    for (const path of ["/api/read", `/api/read?access_token=${token}&authorization=Bearer%20${token}`]) {
      const { status, headers } = await service().ask(path);
      expect([status, headers["www-authenticate"]]).toEqual([401, 'Bearer realm="dyne"']);
    }
    expect(authority.requests).toBe(0);
  });

  test("whatever, while tenant or audience are not set, which only the log says", async () => {
    for (const settings of [{ tenantId: undefined }, { audiences: [] }]) {
      const asked = service(settings);
      const { status, text } = await asked.ask("/api/read", bearer(await tokenOf()));
      expect([status, text.includes("DYNE_TENANT_ID")]).toEqual([401, false]);
      expect(asked.lines[0]).toMatchObject({ level: "error", message: expect.stringContaining("DYNE_TENANT_ID") });
    }
  });
});

describe("a role that is missing", () => {
  test.each<[string, unknown, string, string]>([
    ["none", undefined, "/api/read", "Dyne.Reader"],
    ["no list", "Dyne.Reader", "/api/read", "Dyne.Reader"],
    ["others", ["dyne.reader", "Other"], "/api/read", "Dyne.Reader"],
    ["a reader's", ["Dyne.Reader"], "/api/operate", "Dyne.Operator"],
  ])("is named by a 403: %s", async (_, roles, path, missing) => {
    const answer = await service().ask(path, bearer(await tokenOf({ roles })));
    expect(answer.json).toMatchObject({ status: 403, code: "FORBIDDEN", detail: expect.stringContaining(missing) });
    expect(answer.headers["www-authenticate"]).toContain('error="insufficient_scope"');
  });
});

describe("the authority's keys", () => {
  test("are fetched once for many tokens", async () => {
    const asked = service();
    const token = await tokenOf();
    await Promise.all(Array.from({ length: 8 }, () => asked.ask("/api/read", bearer(token))));
    expect(authority.requests).toBe(1);
  });

  test("that are new are found without a restart, and unknown ones do not make it be asked each time", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: nowMs });
    const asked = service();
    const [old, unknown, rotated] = await Promise.all([
      tokenOf(),
      tokenOf({}, { ...other, kid: "no such" }),
      tokenOf({}, other),
    ]);
    const status = async (token: string) => (await asked.ask("/api/read", bearer(token))).status;
    expect(await status(old)).toBe(200);
    for (let i = 0; i < 5; i++) expect(await status(unknown)).toBe(401);
    expect(authority.requests).toBe(1);
    authority.keys = [other];
    vi.setSystemTime(nowMs + 31_000);
    expect([await status(rotated), authority.requests]).toEqual([200, 2]);
    expect([await status(old), await status(unknown), authority.requests]).toEqual([401, 401, 2]);
  });

  test("that cannot be had are a 503, soon asked for again but not at every request", async () => {
    const asked = service();
    const status = async () => asked.ask("/api/read", bearer(await tokenOf()));
    authority.keys = undefined;
    const answer = await status();
    expect([answer.status, answer.json["code"], answer.headers["retry-after"]]).toEqual([
      503,
      "AUTHORITY_UNAVAILABLE",
      "5",
    ]);
    expect([(await status()).status, authority.requests]).toEqual([503, 1]);
    authority.keys = [key];
    clock.advance(5_000);
    expect((await status()).status).toBe(200);
  });

  test("of an authority that is not there are a 503", async () => {
    const asked = service({ authorityHost: "http://127.0.0.1:1" });
    expect((await asked.ask("/api/read", bearer(await tokenOf()))).status).toBe(503);
  });

  test("are not taken from an answer that is no list of keys", async () => {
    const asked = service();
    authority.keys = [{ ...key, jwk: null as never }];
    expect((await asked.ask("/api/read", bearer(await tokenOf()))).status).toBe(503);
  });
});

describe("without tokens, on this machine", () => {
  const local = () => new Asked({ routes: [operate], services: async () => undefined, clock });

  test("everybody is an operator who asks by a name of it", async () => {
    for (const host of ["localhost:7071", "127.0.0.1:7071", "127.1.2.3", "[::1]:7071"])
      expect((await local().ask("/api/operate", { host })).status).toBe(200);
  });

  test.each([
    { host: "dyne.example" },
    { host: "localhost.evil.example" },
    { host: "127.0.0.1.evil.example" },
    { host: "localhost@evil.example" },
    { host: "10.0.0.1" },
    { host: "" },
    { host: "localhost", "x-forwarded-host": "dyne.example" },
    { host: "localhost", origin: "https://evil.example" },
    { host: "localhost", origin: "null" },
  ])("nobody is let in by %o", async (headers) => {
    expect((await local().ask("/api/operate", headers as Record<string, string>)).json).toMatchObject({
      status: 403,
      code: "FORBIDDEN",
    });
  });
});

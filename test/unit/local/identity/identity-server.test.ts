import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { DefaultAzureCredential, ManagedIdentityCredential } from "@azure/identity";
import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { resources, TokenCheck, TokenIssuer } from "../../../../local/identity/index.ts";
import { ManualClock, systemClock, systemRandom } from "../../../../shared/core/index.ts";
import { localIdentity, type LocalIdentity } from "../../../support/identity.ts";

let local: LocalIdentity;
beforeAll(async () => {
  local = await localIdentity({ otherIsSystemAssigned: true });
});
afterAll(() => local[Symbol.asyncDispose]());
afterEach(() => void vi.unstubAllEnvs());

const asked = (query: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) => {
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = local.identity.environment;
  const url = new URL(IDENTITY_ENDPOINT);
  url.search = new URLSearchParams({ "api-version": "2019-08-01", resource: resources.storage, ...query }).toString();
  return fetch(url, { headers: { "x-identity-header": IDENTITY_HEADER, ...headers } });
};

describe("the token endpoint", () => {
  test("gives the SDK a token of the identity whose client id it names, in the form that Azure's services get", async () => {
    await local.become();
    const credential = new ManagedIdentityCredential({ clientId: local.app.clientId });
    const { token, expiresOnTimestamp } = await credential.getToken(`${resources.eventHubs}/.default`);
    expect(decodeJwt(token)).toMatchObject({
      aud: resources.eventHubs,
      iss: `https://sts.windows.net/${local.identity.tenantId}/`,
      tid: local.identity.tenantId,
      oid: local.app.objectId,
      appid: local.app.clientId,
      ver: "1.0",
    });
    expect(Math.abs(expiresOnTimestamp - (decodeJwt(token).exp ?? 0) * 1000)).toBeLessThan(2_000);
  });

  test("gives the default credential the identity that AZURE_CLIENT_ID names, and without it the app's own", async () => {
    await local.become();
    vi.stubEnv("AZURE_CLIENT_ID", local.app.clientId);
    const named = await new DefaultAzureCredential().getToken(`${resources.keyVault}/.default`);
    vi.stubEnv("AZURE_CLIENT_ID", undefined);
    const own = await new DefaultAzureCredential().getToken(`${resources.keyVault}/.default`);
    expect([decodeJwt(named.token)["oid"], decodeJwt(own.token)["oid"]]).toEqual([
      local.app.objectId,
      local.other.objectId,
    ]);
  });

  test.each([
    [401, "another header", {}, { "x-identity-header": "guessed" }],
    [401, "an empty header", {}, { "x-identity-header": "" }],
    [400, "another version of the protocol", { "api-version": "2017-09-01" }, {}],
    [400, "a resource that there is not", { resource: "https://graph.microsoft.com" }, {}],
    [400, "no resource", { resource: "" }, {}],
    [400, "an identity that the app has not", { client_id: "c0000000-0000-4000-8000-000000000001" }, {}],
  ])("answers %i to %s", async (status, _, query, headers) => {
    const response = await asked(query, headers);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({
      error: { code: expect.any(String), message: expect.any(String) },
    });
  });
});

test("a path that is none is refused, and the endpoint goes on", async () => {
  const { port } = new URL(local.identity.environment.IDENTITY_ENDPOINT);
  const [response] = (await once(get({ host: "127.0.0.1", port, path: "//" }), "response")) as [IncomingMessage];
  response.resume();
  expect(response.statusCode).toBe(400);
  expect((await asked({ client_id: local.app.clientId })).status).toBe(200);
});

describe("the authority", () => {
  test("names its keys over TLS, and an API's tokens carry audience and app roles in the v2 form", async () => {
    const { authorityHost, tenantId } = local.identity;
    const found = await fetch(`${authorityHost}/${tenantId}/v2.0/.well-known/openid-configuration`);
    const { issuer, jwks_uri } = (await found.json()) as { issuer: string; jwks_uri: string };
    expect(new URL(jwks_uri).protocol).toBe("https:");
    const token = await local.identity.apiToken({
      principal: local.app,
      audience: "api://dyne",
      roles: ["Dyne.Reader"],
    });
    const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(jwks_uri)), {
      issuer,
      audience: "api://dyne",
    });
    expect(payload).toMatchObject({ roles: ["Dyne.Reader"], azp: local.app.clientId, ver: "2.0", tid: tenantId });
    expect(issuer).toBe(`${authorityHost}/${tenantId}/v2.0`);
  });
});

describe("a service that looks at a token", () => {
  const audience = resources.eventHubs;

  test("takes one that is meant for it, and knows whose it is and until when", async () => {
    const token = await local.identity.resourceToken(local.app, audience, 60_000);
    expect(await local.check(audience).judge(token)).toEqual({
      kind: "valid",
      objectId: local.app.objectId,
      expiresMs: (decodeJwt(token).exp ?? 0) * 1000,
    });
  });

  test.each([
    ["is for another service", /aud/, () => local.identity.resourceToken(local.app, resources.storage)],
    ["has expired", /expired/, () => local.identity.resourceToken(local.app, audience, -1_000)],
    ["is of another issuer", /iss/, () => local.identity.apiToken({ principal: local.app, audience, roles: [] })],
    ["is signed by a key that nobody knows", /not signed/, () => forged({})],
    ["names the right key and is signed by another", /not signed/, async () => forged({ keyId: await realKeyId() })],
    ["is not signed", /read/, async () => `${btoa('{"alg":"none"}')}.${btoa('{"oid":"1"}')}.`.replaceAll("=", "")],
    ["is none", /read/, async () => "SharedAccessSignature sr=x&sig=y"],
  ])("refuses one that %s", async (_, reason, token) => {
    expect(await local.check(audience).judge(await token())).toEqual({
      kind: "refused",
      reason: expect.stringMatching(reason),
    });
  });

  test("refuses one that is not good yet", async () => {
    await using ahead = await localIdentity({ clock: new ManualClock(Date.now() + 600_000) });
    const token = await ahead.identity.resourceToken(ahead.app, audience);
    expect(await ahead.check(audience).judge(token)).toEqual({
      kind: "refused",
      reason: expect.stringContaining("nbf"),
    });
  });

  test("refuses all where it cannot get the keys", async () => {
    const check = new TokenCheck(
      { keysUrl: "http://127.0.0.1:1/keys", issuer: local.identity.resourceIssuer, audience },
      systemClock,
    );
    const token = await local.identity.resourceToken(local.app, audience);
    expect(await check.judge(token)).toEqual({ kind: "refused", reason: expect.stringContaining("fetched") });
  });

  const claims = () => ({
    principal: local.app,
    audience,
    issuer: local.identity.resourceIssuer,
    version: "1.0" as const,
    lifetimeMs: 3_600_000,
  });
  async function forged(key: { readonly keyId?: string }): Promise<string> {
    const issuer = await TokenIssuer.create({ clock: systemClock, random: systemRandom, ...key });
    return issuer.issue(claims());
  }
  async function realKeyId(): Promise<string> {
    const { keys } = (await (await fetch(local.identity.keysUrl)).json()) as { keys: { kid: string }[] };
    return keys[0]!.kid;
  }
});

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resources, type TokenLifetime } from "../../local/identity/index.ts";
import { silentLogger, systemClock, systemRandom } from "../../shared/core/index.ts";
import { credentialOf, openSecrets, openStores, readSettings } from "../../shared/runtime/index.ts";
import { apiAudience } from "../../local/platform/security.ts";
import { eventually } from "./eventually.ts";
import { runPlatform, type RunningPlatform } from "./running-platform.ts";

const airports = `iata,name,city,state,country,latitude,longitude
LAS,McCarran International,Las Vegas,NV,USA,36.080,-115.152
PHL,Philadelphia Intl,Philadelphia,PA,USA,39.870,-75.245
`;
const waves = 8;
const flightsPerWave = 50;
const total = waves * flightsPerWave;

const validMs = 6_000;
/**
 * Tokens live for six seconds. A client of Event Hubs renews two minutes before the end that it is told, one of storage a second before: they
 * are told another end, so that both renew in time on a machine that is busy.
 */
const shortLived = (resource: string): TokenLifetime => ({
  validMs,
  announcedMs: resource === resources.eventHubs ? 122_000 : 5_000,
});

const flight = (k: number): Buffer =>
  Buffer.from(
    JSON.stringify({
      flight_id: `F${k}`,
      date: "2001-01-01T00:01:00Z",
      delay: k % 60,
      distance: 2176,
      origin: "LAS",
      destination: "PHL",
    }),
  );

describe("a platform without keys", () => {
  let running: RunningPlatform;
  beforeAll(async () => {
    running = await runPlatform({ identity: { lifetime: shortLived } });
  }, 60_000);
  afterAll(async () => running?.[Symbol.asyncDispose]());

  it("takes events and files to gold over TLS and by tokens that expire on the way", async () => {
    await running.landing.getBlockBlobClient("airports/airports.csv").uploadData(Buffer.from(airports));
    const startedMs = performance.now();
    for (let wave = 0; wave < waves; wave++) {
      const batch = await running.producer.createBatch({ partitionId: String(wave % 2) });
      for (let k = 0; k < flightsPerWave; k++) batch.tryAdd({ body: flight(wave * flightsPerWave + k) });
      await running.producer.sendBatch(batch);
      await sleep(900);
    }
    expect(performance.now() - startedMs).toBeGreaterThan(validMs);
    const gold = await running.rowsWhen("lake/gold/route_daily", (rows) => rows[0]?.["flights"] === total);
    expect(gold).toMatchObject([{ origin: "LAS", destination: "PHL", flights: total }]);
    expect(await running.rows("lake/bronze/flights")).toHaveLength(total);
    expect(await running.rows("lake/silver/flights")).toHaveLength(total);
    expect(await running.rows("lake/bronze/airports")).toHaveLength(2);
    expect(running.complaints).toEqual([]);
    expect(running.platform.security?.identity.issued).toBeGreaterThan(10);
  });

  it("was never refused: no function failed, and nothing was denied", () => {
    const lines = readFileSync(join(running.folder, "logs", "functions.log"), "utf8")
      .trim()
      .split("\n");
    const loud = lines.filter((line) => !/"level":"(?:debug|info)"/.test(line));
    expect(loud).toEqual([]);
  });

  it("tells the Functions host no key and no connection string, in settings, arguments or environment", () => {
    const children = toldChildren("cmdline");
    const told = [JSON.stringify(running.platform.settings), ...children, ...toldChildren("environ")].join("\n");
    expect(told).toContain("EVENTS__fullyQualifiedNamespace");
    expect(told).not.toMatch(/AccountKey|SharedAccess|Endpoint=(?:sb|https?):|[?&]sig=/);
    // Everybody on the machine can read arguments.
    const { IDENTITY_HEADER = "" } = running.platform.security?.identity.environment ?? {};
    expect(IDENTITY_HEADER).not.toBe("");
    expect(children.join("\n")).not.toContain(IDENTITY_HEADER);
    expect(running.platform.eventHubs).toBe("");
    expect(existsSync(join(running.folder, "endpoints.json"))).toBe(false);
  });

  it("says what is missing: the role where storage refuses a token, the setting where there is none", async () => {
    const { settings, security } = running.platform;
    const token = await security!.identity.resourceToken(security!.app, resources.keyVault);
    const forVaults = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
    const refused = openStores(readSettings(settings), forVaults);
    await expect(refused.lake.get("lake/nothing")).rejects.toMatchObject({
      code: "STORAGE_DENIED",
      message: expect.stringContaining("Storage Blob Data Contributor"),
    });
    const nobody = openStores(readSettings({ ...settings, AZURE_CLIENT_ID: systemRandom.uuid() }));
    await expect(nobody.lake.get("lake/nothing")).rejects.toMatchObject({
      code: "IDENTITY_DENIED",
      message: expect.stringContaining("AZURE_CLIENT_ID"),
    });
  });

  it("gives the app a secret of its vault", async () => {
    const { keyVault, clientId } = readSettings(running.platform.settings);
    running.platform.security?.vault.set("sql-password", "of the test");
    const services = { clock: systemClock, logger: silentLogger };
    const secret = await openSecrets(keyVault, credentialOf(clientId), services).get("sql-password");
    expect(secret.reveal()).toBe("of the test");
  });

  describe("answers over HTTP", () => {
    interface Wanted {
      readonly roles?: readonly string[];
      readonly audience?: string;
      readonly method?: string;
      readonly body?: object;
    }
    async function ask(path: string, { roles, audience = apiAudience, method = "GET", body }: Wanted = {}) {
      const { identity, sender } = running.platform.security!;
      const token = roles === undefined ? undefined : await identity.apiToken({ principal: sender, audience, roles });
      const answer = await fetch(`${running.platform.http}${path}`, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
    }
    const [reader, operator] = [["Dyne.Reader"], ["Dyne.Operator"]];
    const refresh = { kind: "refresh", table: "gold.route_daily" };

    it.each<[number, string, Wanted]>([
      [200, "/api/health/live", {}],
      [401, "/api/health/ready", {}],
      [200, "/api/health/ready", { roles: reader }],
      [401, "/api/status", { roles: reader, audience: "api://somebody-else" }],
      [403, "/api/status", { roles: [] }],
      [403, "/api/backfill", { roles: reader, method: "POST", body: refresh }],
    ])("%i to %s, asked with %j", async (status, path, wanted) => {
      expect(await ask(path, wanted)).toMatchObject({ status });
    });

    it("rows and where the flows stand, to a reader", async () => {
      const { json } = await ask("/api/tables/gold.route_daily/rows?where=origin:eq:LAS&select=flights", {
        roles: reader,
      });
      expect(json).toMatchObject({ table: "gold.route_daily", rows: [{ flights: total }], next: null });
      const { json: status } = await ask("/api/status", { roles: reader });
      expect(JSON.stringify(status)).toContain('"flow":"silver.flights"');
    });

    it("jobs that an operator asks for, and the platform does", async () => {
      const taken = await ask("/api/backfill", { roles: operator, method: "POST", body: refresh });
      expect(taken.status).toBe(202);
      const job = await eventually(
        () => ask(String(taken.json["statusUrl"]), { roles: reader }),
        ({ json }) => json["state"] === "SUCCEEDED",
        running.platform.failed,
      );
      expect(job.json).toMatchObject({ requestedBy: running.platform.security!.sender.objectId, rows: 1 });
    });
  });

  /** What the system knows of the processes that run dyne's code, where it says so. */
  function toldChildren(what: "cmdline" | "environ"): readonly string[] {
    return ["lock.functions", "lock.event-hubs"]
      .map((lock) => /\d+/.exec(readFileSync(join(running.folder, lock), "utf8"))?.[0] ?? "")
      .map((pid) => `/proc/${pid}/${what}`)
      .filter((file) => existsSync(file))
      .map((file) => readFileSync(file, "utf8"));
  }
});

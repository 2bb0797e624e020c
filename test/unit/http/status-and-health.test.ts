/** Where tables stand and whether the service can work, over HTTP. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DyneError, limits, ManualClock } from "../../../shared/core/index.ts";
import { routes, type HttpServices } from "../../../shared/http/index.ts";
import { EngineBench, EngineWorld, startMs } from "../../support/engine-harness.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { readingAt } from "../../support/engine-scenario.ts";
import { Asked, askedOf } from "../../support/http-world.ts";
import { Meter } from "../../support/metered-store.ts";

let bench: EngineBench;
let world: EngineWorld;
beforeAll(async () => {
  bench = await EngineBench.open();
  world = new EngineWorld({ bench, pipeline: engineFixture({ readingsOnly: true }) });
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
  world.send("0", [readingAt(0, "a", "d1", 1), "no json"]);
  await world.quiet();
  world.send("1", [readingAt(1, "b", "d1", 2)]);
});
afterAll(() => bench[Symbol.asyncDispose]());

const routeOf = (path: string) => routes.find((route) => route.path === path)!;

describe("the status", () => {
  test("has every table with its rows, its last batch, and what waits in its input", async () => {
    const { status, json } = await askedOf(world).ask("/api/status");
    expect([status, routeOf("/api/status").answers[0]!.schema.parse(json)]).toEqual([200, json]);
    expect(json["tables"]).toMatchObject([
      {
        table: "bronze.events",
        flow: "bronze.events",
        kind: "hub",
        state: "RUNNING",
        rows: 2,
        lastBatch: { lane: "0", batchId: 1, inputRows: 2, outputRows: 2 },
        lag: [{ kind: "hub", hub: "events", eventsBehind: 1, partitions: [{ eventsBehind: 0 }, { eventsBehind: 1 }] }],
      },
      { table: "bronze.devices", kind: "files", rows: 1, lag: [] },
      {
        table: "silver.readings",
        rows: 1,
        freshnessMs: expect.any(Number),
        lastBatch: { inputRows: 2, outputRows: 1, quarantinedRows: 1 },
        lag: [{ kind: "table", table: "bronze.events", versionsBehind: 0 }],
      },
    ]);
  });

  test("of what has not run says so", async () => {
    const fresh = new EngineWorld({ bench, pipeline: engineFixture() });
    const { json } = await askedOf(fresh).ask("/api/status");
    expect(routeOf("/api/status").answers[0]!.schema.parse(json)).toEqual(json);
    expect((json["tables"] as { state: string }[]).every(({ state }) => state === "NEW")).toBe(true);
  });

  test("of a flow that failed says what failed it", async () => {
    const failing = new EngineWorld({ bench, pipeline: engineFixture({ readingsOnly: true, failAtValue: 3 }) });
    await failing.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
    failing.send("0", [readingAt(0, "a", "d1", 3)]);
    await failing.quiet();
    const { json } = await askedOf(failing).ask("/api/status");
    expect(routeOf("/api/status").answers[0]!.schema.parse(json)).toEqual(json);
    expect((json["tables"] as object[])[2]).toMatchObject({ state: "FAILED", failure: { code: "EXPECTATION_FAILED" } });
  });
});

test("live is answered to everybody, by whatever name they ask, and opens nothing", async () => {
  const opened: string[] = [];
  const service = new Asked<HttpServices>({
    routes,
    services: async () => {
      opened.push("services");
      throw new Error("nothing can be opened");
    },
    clock: new ManualClock(0),
    access: { kind: "entra", tenantId: undefined, audiences: [], authorityHost: "http://127.0.0.1:1" },
  });
  const live = await service.ask("/api/health/live", { host: "anything.example" });
  expect([live.status, live.json, opened]).toEqual([200, { status: "live" }, []]);
  for (const path of ["/api/health/ready", "/api/status", "/api/tables/silver.readings/rows"])
    expect((await service.ask(path)).status).toBe(401);
  expect(opened).toEqual([]);
});

describe("ready", () => {
  test("asks both accounts, the hub and the compute, and names them", async () => {
    const meters = { host: new Meter(), lake: new Meter() };
    const { host, lake } = world.estate;
    const service = askedOf(world, { host: meters.host.of(host), lake: meters.lake.of(lake) });
    const { status, json } = await service.ask("/api/health/ready");
    expect([status, meters.host.calls, meters.lake.calls]).toEqual([200, { head: 1 }, { head: 1 }]);
    expect(routeOf("/api/health/ready").answers[0]!.schema.parse(json)).toEqual(json);
    const names = (json["checks"] as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual(["storage host", "storage lake", "hub events", "compute"]);
  });

  const denied = () =>
    Promise.reject(new DyneError("STORAGE_DENIED", "Storage refuses access. Check the identity's roles."));
  const broken = () => Promise.reject(new Error("a secret"));
  const gone = { describe: denied, partition: denied };
  test.each<[string, string, (services: HttpServices) => Partial<HttpServices>]>([
    ["storage host", "STORAGE_DENIED", ({ host }) => ({ host: { ...host, head: denied } })],
    ["storage lake", "STORAGE_DENIED", ({ lake }) => ({ lake: { ...lake, head: denied } })],
    ["hub events", "STORAGE_DENIED", () => ({ hubs: gone })],
    ["compute", "INTERNAL_ERROR", () => ({ compute: { run: broken, close: async () => undefined } })],
  ])("is a 503 that names what failed: %s", async (name, code, change) => {
    const service = askedOf(world, change(servicesOf(world)));
    const { status, json, headers, text } = await service.ask("/api/health/ready");
    expect([status, json["code"], headers["retry-after"]]).toEqual([503, "NOT_READY", "5"]);
    expect(json["checks"]).toEqual([{ name, code, detail: expect.any(String) }]);
    expect(json["detail"]).toContain(name);
    expect(text).not.toContain("secret");
    const cause = code === "INTERNAL_ERROR" ? "a secret" : "Check the identity's roles";
    expect(service.lines.at(-1)).toMatchObject({ level: "warn", fields: { cause: expect.stringContaining(cause) } });
  });

  test("is a 503 too where a service does not answer at all", async () => {
    const clock = new ManualClock(startMs);
    const silent = { describe: () => new Promise<never>(() => undefined), partition: denied };
    const answering = askedOf(world, { clock, hubs: silent }).ask("/api/health/ready");
    await new Promise((resolve) => setTimeout(resolve, 50));
    clock.advance(limits.httpCheckMs);
    expect((await answering).json).toMatchObject({
      status: 503,
      checks: [{ name: "hub events", code: "REQUEST_TIMED_OUT" }],
    });
  });
});

function servicesOf({ estate }: EngineWorld): HttpServices {
  return { host: estate.host, lake: estate.lake } as HttpServices;
}

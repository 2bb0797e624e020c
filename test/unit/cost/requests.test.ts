/** The requests of a batch that the estimate counts with are those that the engine makes. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { requestsOfCare, requestsPerBatch, type Requests } from "../../../infra/cost/requests.ts";
import { limits } from "../../../shared/core/index.ts";
import { CareSnapshots, SelfCare } from "../../../shared/engine/index.ts";
import { definePipeline } from "../../../shared/pipeline/index.ts";
import { EngineBench, EngineWorld } from "../../support/engine-harness.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { Meter } from "../../support/metered-store.ts";

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

const writing = ["put", "putIfAbsent", "putIfMatch", "uploadFile", "list"];
const reading = ["get", "getRange", "head", "downloadFile"];

/** What a few events cost on their way through these tables, each in one batch, after some batches before. */
async function costOf(names: readonly string[]): Promise<Requests> {
  const tables = engineFixture().tables.filter(({ name }) => names.includes(name));
  const meters = { host: new Meter(), lake: new Meter() };
  const pipeline = definePipeline("cost", tables);
  const world = new EngineWorld({ bench, pipeline, wrap: (store, root) => meters[root].of(store) });
  const send = async (round: number) => {
    const event_time = new Date(world.clock.nowMs()).toISOString();
    const bodies = Array.from({ length: 20 }, (_, index) => ({
      reading_id: `r${round}-${index}`,
      device: `d${index % 3}`,
      event_time,
      value: index,
    }));
    await world.engine.hubEvents("events", "0", world.send("0", bodies));
    world.clock.advance(60_000);
  };
  await world.land("landing/devices/devices.csv", "code,site,weight\nd0,a,1\nd1,b,2\nd2,a,3\n");
  await world.engine.sweep();
  for (let round = 0; round < 4; round++) await send(round);
  await world.quiet();
  for (const meter of Object.values(meters)) meter.reset();
  await send(4);
  expect(await world.rows(names.at(-1) ?? "")).not.toEqual([]);
  return requestsIn(meters);
}

function requestsIn(meters: { readonly host: Meter; readonly lake: Meter }): Requests {
  const calls = (root: "host" | "lake", methods: readonly string[]) =>
    methods.reduce((sum, method) => sum + (meters[root].calls[method] ?? 0), 0);
  // A lease is taken and given back, which are no reads and cost as much.
  const leases = 2 * (meters.host.calls["acquireLease"] ?? 0);
  return {
    hostReads: calls("host", reading) + leases,
    hostWrites: calls("host", writing),
    lakeReads: calls("lake", reading),
    lakeWrites: calls("lake", writing),
  };
}

it(
  "self-care asks for what infra/cost/requests.ts says, at each sweep and at each look",
  { timeout: 60_000 },
  async () => {
    const tables = engineFixture().tables.filter(({ name }) => ["bronze.events", "bronze.devices"].includes(name));
    const world = new EngineWorld({ bench, pipeline: definePipeline("cost", tables) });
    await world.land("landing/devices/devices.csv", "code,site,weight\nd0,a,1\n");
    world.send("0", [{ reading_id: "r", device: "d0", event_time: "2026-01-01T00:00:00Z", value: 1 }]);
    await world.quiet();
    const meters = { host: new Meter(), lake: new Meter() };
    const snapshots = new CareSnapshots(100);
    const sweep = async () => {
      for (const meter of Object.values(meters)) meter.reset();
      const context = world.context((store, root) => meters[root].of(store));
      await new SelfCare(context, world.engine, limits, snapshots).run();
      return requestsIn(meters);
    };
    await sweep();
    const tableCount = snapshots.size;
    const each = (of: (key: (typeof keys)[number]) => number) =>
      Object.fromEntries(keys.map((key) => [key, tableCount * of(key)]));
    expect(await sweep()).toEqual(each((key) => requestsOfCare.sweep[key]));
    world.clock.advance(limits.selfCareEveryMs);
    expect(await sweep()).toEqual(each((key) => requestsOfCare.sweep[key] + requestsOfCare.look[key]));
    expect(requestsOfCare.sweepsPerLook * 60_000).toBe(limits.selfCareEveryMs);
  },
);

const keys = ["hostReads", "hostWrites", "lakeReads", "lakeWrites"] as const;
const difference = (whole: Requests, part: Requests) =>
  Object.fromEntries(keys.map((key) => [key, whole[key] - part[key]])) as unknown as Requests;

it(
  "a batch of a hub, a stream and a view asks for what infra/cost/requests.ts says, or up to a fifth less",
  { timeout: 60_000 },
  async () => {
    const hub = await costOf(["bronze.events"]);
    const withStream = await costOf(["bronze.events", "bronze.devices", "silver.readings"]);
    const withView = await costOf(["bronze.events", "bronze.devices", "silver.readings", "gold.by_device"]);
    const counted = { hub, stream: difference(withStream, hub), view: difference(withView, withStream) };
    for (const [kind, requests] of Object.entries(counted)) {
      for (const key of keys) {
        const told = requestsPerBatch[kind as keyof typeof counted][key];
        expect(requests[key], `${kind}, ${key}: counted now; the table says ${told}`).toBeLessThanOrEqual(told);
        expect(requests[key], `${kind}, ${key}: counted now; the table says ${told}`).toBeGreaterThanOrEqual(
          Math.floor(told * 0.8),
        );
      }
    }
  },
);

/** Where flows stand, told from their logs (engine-rules 7). */
import { afterAll, beforeAll, expect, test } from "vitest";
import { flowId, instantText, laneId, replayLane } from "../../../shared/core/index.ts";
import { flowStatus, type FlowStatus } from "../../../shared/serving/index.ts";
import { optimize } from "../../../shared/table/index.ts";
import { EngineBench, EngineWorld, startMs } from "../../support/engine-harness.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { InstantClock } from "../../support/instant-clock.ts";
import { readingAt } from "../../support/engine-scenario.ts";

const readings = "silver.readings";

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

async function statusOf(world: EngineWorld, flow: string): Promise<FlowStatus> {
  const declared = world.pipeline.flows.find(({ id }) => id === flow);
  if (declared === undefined) throw new Error(`no flow ${flow}`);
  return await flowStatus(
    world.context((store) => store),
    declared,
  );
}

async function worldWith(pipeline = engineFixture()): Promise<EngineWorld> {
  const world = new EngineWorld({ bench, pipeline });
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
  world.send("0", [readingAt(0, "a", "d1", 1), readingAt(1, "b", "d1", 2)]);
  world.send("1", [readingAt(2, "c", "d1", 3)]);
  return world;
}

test("a flow that has not run is NEW, and has nothing", async () => {
  const world = await worldWith();
  expect(await statusOf(world, readings)).toEqual({
    flow: readings,
    kind: "stream",
    state: "NEW",
    failure: null,
    generation: null,
    lanes: 0,
    batches: 0,
    openBatches: 0,
    lastCommitTime: null,
    version: null,
    rows: null,
    bytes: null,
    freshnessMs: null,
    intervalMs: 0,
    lastBatch: null,
    waitsFor: ["bronze.devices"],
    lag: [{ kind: "table", table: "bronze.events", versionsBehind: null }],
  });
});

test("a flow that joins a table without rows says that it waits for it, until there are some", async () => {
  const world = new EngineWorld({ bench, pipeline: engineFixture() });
  world.send("0", [readingAt(0, "a", "d1", 1)]);
  await world.quiet();
  const waiting = await statusOf(world, readings);
  expect([waiting.state, waiting.batches, waiting.waitsFor]).toEqual(["RUNNING", 0, ["bronze.devices"]]);
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
  await world.quiet();
  const gone = await statusOf(world, readings);
  expect([gone.batches, gone.waitsFor]).toEqual([1, []]);
  expect((await statusOf(world, "gold.with_device")).waitsFor).toEqual([]);
});

test("a flow that ran says how old that is, what its last batch did, and that nothing is left of its input", async () => {
  const world = await worldWith();
  world.send("0", ["no json"]);
  await world.quiet();
  world.clock.advance(60_000);
  const status = await statusOf(world, readings);
  expect(status.freshnessMs).toBe(world.clock.nowMs() - Date.parse(status.lastCommitTime!));
  expect(status.freshnessMs).toBeGreaterThanOrEqual(60_000);
  expect(status.lastBatch).toMatchObject({
    lane: "0",
    batchId: status.batches,
    committedTime: status.lastCommitTime,
    inputRows: 4,
    outputRows: 3,
    duplicates: 0,
    late: 0,
    quarantinedRows: 1,
  });
  expect(status.lag).toEqual([{ kind: "table", table: "bronze.events", versionsBehind: 0 }]);
});

test("what waits in a hub is counted by partition, and what waits in a table by version", async () => {
  const world = await worldWith();
  expect((await statusOf(world, "bronze.events")).lag).toEqual([hubLag([2, 1])]);
  await world.quiet();
  expect((await statusOf(world, "bronze.events")).lag).toEqual([hubLag([0, 0])]);
  world.send("1", ["x", "y", "z"]);
  await world.engine.pause(readings);
  expect((await statusOf(world, "bronze.events")).lag).toEqual([hubLag([0, 3])]);
  await world.quiet();
  const { version } = await world.table("lake/silver/readings").latest();
  expect((await statusOf(world, readings)).lag).toEqual([{ kind: "table", table: "bronze.events", versionsBehind: 1 }]);
  expect((await statusOf(world, "gold.total")).lag).toEqual([{ kind: "table", table: readings, versionsBehind: 0 }]);
  expect(version).toBeGreaterThan(0);
  world.estate.hub.recreate(1n);
  expect((await statusOf(world, "bronze.events")).lag).toEqual([hubLag([null, null])]);
});

test("a lane without new rows is not behind, nor is a view whose input was only merged into fewer files", async () => {
  const world = await worldWith();
  await world.quiet();
  world.send("1", [readingAt(3, "d", "d1", 4)]);
  await world.quiet();
  const upToDate = (table: string) => [{ kind: "table", table, versionsBehind: 0 }];
  expect((await statusOf(world, "silver.bodies")).lag).toEqual(upToDate("bronze.events"));
  const merged = await optimize({ compute: bench.compute, table: world.table("lake/silver/readings") });
  expect(merged.kind).toBe("committed");
  expect((await statusOf(world, "gold.total")).lag).toEqual(upToDate(readings));
  world.send("0", [readingAt(4, "e", "d1", 5)]);
  for (const flow of ["silver.bodies", readings]) await world.engine.pause(flowId(flow));
  await world.quiet();
  expect((await statusOf(world, "silver.bodies")).lag).toMatchObject([{ versionsBehind: 1 }]);
});

test("a hub that does not answer is waited for a moment, and what waits in it is not known", async () => {
  const world = await worldWith();
  await world.quiet();
  const context = world.context((store) => store);
  const silent = () => new Promise<never>(() => undefined);
  const failing = () => Promise.reject(new Error("away"));
  const [flow] = world.pipeline.flows;
  for (const ask of [silent, failing]) {
    const status = await flowStatus(
      { ...context, clock: new InstantClock(startMs), hubs: { describe: ask, partition: ask } },
      flow!,
    );
    expect([status.state, status.lag]).toEqual(["RUNNING", [{ ...hubLag([]), eventsBehind: null }]]);
  }
  const { hubs: _, ...without } = context;
  expect((await flowStatus(without, flow!)).lag).toEqual([{ ...hubLag([]), eventsBehind: null }]);
});

function hubLag(behind: readonly (number | null)[]) {
  return {
    kind: "hub",
    hub: "events",
    eventsBehind: behind.includes(null) ? null : behind.reduce<number>((sum, events) => sum + (events ?? 0), 0),
    partitions: behind.map((eventsBehind, partition) => ({ partition: String(partition), eventsBehind })),
  };
}

test("a flow that runs says its lanes, its batches, and what is in its table", async () => {
  const world = await worldWith();
  await world.quiet();
  const bronze = await statusOf(world, "bronze.events");
  const { version, files } = await world.table("lake/bronze/events").latest();
  expect(bronze).toMatchObject({
    state: "RUNNING",
    generation: 1,
    lanes: 2,
    batches: 2,
    openBatches: 0,
    version,
    rows: 3,
  });
  expect(bronze.bytes).toBe([...files].reduce((bytes, { size }) => bytes + size, 0));
  expect(bronze.lastCommitTime).toMatch(/^2026-03-01T/);
  await world.engine.reset("bronze.events");
  await world.quiet();
  expect(await statusOf(world, "bronze.events")).toMatchObject({ generation: 2, batches: 2, rows: 3 });
});

test("a paused flow is PAUSED until it is resumed", async () => {
  const world = await worldWith();
  await world.engine.pause(readings);
  await world.quiet();
  expect(await statusOf(world, readings)).toMatchObject({ state: "PAUSED", generation: null });
  await world.engine.resume(readings);
  await world.quiet();
  expect(await statusOf(world, readings)).toMatchObject({ state: "RUNNING", generation: 1, rows: 3 });
});

test("a failed flow says what failed it, and no more once it was reset", async () => {
  const world = await worldWith(engineFixture({ failAtValue: 3 }));
  await world.quiet();
  const failed = await statusOf(world, readings);
  expect(failed).toMatchObject({ state: "FAILED", failure: { lane: "0", batchId: 1 }, openBatches: 1 });
  const mended = new EngineWorld({ bench, pipeline: engineFixture({ failAtValue: 3 }) }, world.estate);
  await mended.engine.reset(readings);
  expect(await statusOf(mended, readings)).toMatchObject({ state: "RUNNING", failure: null, generation: 2 });
});

test("a flow whose query is another one is PLAN_CHANGED, and its data stand", async () => {
  const world = await worldWith();
  await world.quiet();
  const changed = new EngineWorld({ bench, pipeline: engineFixture({ minimumValue: 2 }) }, world.estate);
  expect(await statusOf(changed, readings)).toMatchObject({ state: "PLAN_CHANGED", rows: 3 });
  await changed.engine.continue(readings);
  expect(await statusOf(changed, readings)).toMatchObject({ state: "RUNNING", generation: 2, rows: 3 });
});

test("a flow whose rows all went to quarantine has run all the same", async () => {
  const world = new EngineWorld({ bench, pipeline: engineFixture() });
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
  world.send("0", ["no json"]);
  await world.quiet();
  expect(await statusOf(world, readings)).toMatchObject({ state: "RUNNING", lanes: 1, batches: 1, rows: 0 });
});

test("lanes of replays are not counted among the lanes, and their batches are", async () => {
  const world = await worldWith();
  await world.quiet();
  const before = await statusOf(world, "bronze.events");
  const epoch = instantText((await world.estate.hub.describe()).epochUs);
  const part = { kind: "hub", epoch, generation: 1, fromSequence: 0, untilSequence: 2 } as const;
  await world.engine.replay("bronze.events", replayLane(laneId("0")), "job", part, 10_000);
  const after = await statusOf(world, "bronze.events");
  expect([after.lanes, after.batches]).toEqual([before.lanes, before.batches + 1]);
});

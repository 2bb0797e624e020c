/** Where flows stand, told from their logs (engine-rules 7). */
import { afterAll, beforeAll, expect, test } from "vitest";
import { flowStatus, type FlowStatus } from "../../../shared/serving/index.ts";
import { EngineBench, EngineWorld } from "../../support/engine-harness.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
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
  });
});

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

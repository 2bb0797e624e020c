/** Backfills from a hub and from landing (engine-rules 18, 19): what is missing comes in once, beside the live stream, and reaches silver. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { batchId, generation, instantText, laneId, replayLane } from "../../../shared/core/index.ts";
import { layout } from "../../../shared/checkpoint/index.ts";
import {
  definePipeline,
  eventHub,
  fromJson,
  long,
  readStream,
  streamingTable,
  string,
  struct,
  timestamp,
  type Pipeline,
} from "../../../shared/pipeline/index.ts";
import { EngineBench, EngineWorld, newEstate, type Estate } from "../../support/engine-harness.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { readingAt } from "../../support/engine-scenario.ts";

const [bronze, silver, counted] = ["bronze.events", "silver.readings", "silver.values"] as const;
const lane = laneId("0");
const soon = { minInterval: "0 seconds" } as const;

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

/** A hub of which only what comes from now on is read, and readings without duplicates; `values` reads them once more. */
function fixture(): Pipeline {
  const events = streamingTable(bronze, {
    ...soon,
    from: eventHub("events", { partitions: 2, startingPosition: "latest" }),
  });
  const Reading = struct({ reading_id: string(), event_time: timestamp(), value: long() });
  const readings = streamingTable(silver, {
    ...soon,
    query: readStream(events)
      .withColumns(({ event_data }) => ({ reading: fromJson(event_data, Reading) }))
      .select(({ reading, enqueued_time }) => ({ ...reading.fields, enqueued_time }))
      .withWatermark("event_time", "10 minutes", { maxAhead: "30 days" })
      .dropDuplicatesWithinWatermark(["reading_id"]),
  });
  const values = streamingTable(counted, {
    ...soon,
    query: readStream(readings)
      .select(({ reading_id, event_time, value }) => ({ reading_id, event_time, value }))
      .withWatermark("event_time", "10 minutes", { maxAhead: "30 days" })
      .dropDuplicatesWithinWatermark(["value"]),
  });
  return definePipeline("fixture", [events, readings, values]);
}

/** Three readings are in the hub before the lane begins, and two come after; the first of those has ended the time of the others. */
async function newWorld(): Promise<EngineWorld> {
  const world = new EngineWorld({ bench, pipeline: fixture() });
  world.send("0", [readingAt(0, "a", null, 1), readingAt(5, "b", null, 2), readingAt(500, "d", null, 4)]);
  await world.quiet();
  world.send("0", [readingAt(500, "d", null, 4), readingAt(505, "e", null, 5)]);
  await world.quiet();
  return world;
}

async function epochOf({ hub }: Estate): Promise<string> {
  return instantText((await hub.describe()).epochUs);
}

async function replay(world: EngineWorld, job: string, fromSequence: number, untilSequence: number) {
  const generations = (await world.hostPaths()).filter((path) => path.startsWith(`checkpoints/${bronze}/generations/`));
  const at = { epoch: await epochOf(world.estate), generation: generations.length };
  const part = { kind: "hub", ...at, fromSequence, untilSequence } as const;
  const result = await world.engine.replay(bronze, replayLane(lane), job, part, 60_000);
  await world.quiet();
  return result;
}

const sequences = async (world: EngineWorld) =>
  (await world.rows(bronze)).map((row) => Number(row["sequence_number"])).sort((a, b) => a - b);
const ids = async (world: EngineWorld, table: string = silver) =>
  (await world.rows(table)).map((row) => String(row["reading_id"])).sort();

describe("events that were in the hub before its table", () => {
  test("come in by a replay, once, however often it is asked for", async () => {
    const world = await newWorld();
    expect(await sequences(world)).toEqual([3, 4]);
    expect(await replay(world, "job-1", 0, 5)).toMatchObject({ kind: "ran", rows: 5 });
    expect(await sequences(world)).toEqual([0, 1, 2, 3, 4]);
    expect(await replay(world, "job-1", 0, 5)).toEqual({ kind: "idle" });
    expect(await replay(world, "job-2", 0, 5)).toMatchObject({ kind: "ran", rows: 5 });
    expect(await sequences(world)).toEqual([0, 1, 2, 3, 4]);
  });

  test("are not late downstream, and a key that is there already is a duplicate though the state has let it go", async () => {
    const world = await newWorld();
    world.send("0", [readingAt(900, "f", null, 6), readingAt(905, "g", null, 7)]);
    world.send("1", [readingAt(900, "h", null, 8)]);
    await world.quiet();
    expect(await ids(world)).toEqual(["d", "e", "f", "g", "h"]);
    const state = await world
      .table(`checkpoints/${silver}/00000000000000000001/state/drop_duplicates`, "host")
      .latest();
    expect([...state.files].map(({ stats }) => stats).join()).not.toContain("08:20:00");
    await replay(world, "job-1", 0, 7);
    const all = ["a", "b", "d", "e", "f", "g", "h"];
    expect(await ids(world)).toEqual(all);
    expect(await world.rows(silver, { quarantine: true })).toEqual([]);
    expect(await ids(world, counted)).toEqual(all);
  });

  test("carry the name of their backfill from table to table", async () => {
    const world = await newWorld();
    await replay(world, "job-1", 0, 3);
    for (const table of [bronze, silver, counted]) {
      const { files } = await world.table(`lake/${table.replace(".", "/")}`).latest();
      expect([...files].filter(({ tags }) => tags?.["job"] === "job-1").length, table).toBeGreaterThan(0);
    }
  });

  test("do not move the watermark, nor the time for which a lane has been silent", async () => {
    const world = new EngineWorld({ bench, pipeline: fixture() });
    world.send("0", [readingAt(800, "ahead", null, 8)]);
    await world.quiet();
    world.send("0", [readingAt(500, "d", null, 4)]);
    await world.quiet();
    world.clock.advance(60_000);
    await replay(world, "job-1", 0, 1);
    const entry = (log: "offsets" | "outcome") =>
      world.record(layout.entry(world.flow(silver).id, generation(1), lane, log, batchId(2)));
    const [offsets, outcome] = [await entry("offsets"), await entry("outcome")];
    expect([offsets?.["job"], outcome?.["job"]]).toEqual(["job-1", "job-1"]);
    expect(outcome?.["watermark"]).toEqual(offsets?.["watermark"]);
    world.send("0", [readingAt(496, "on time", null, 9)]);
    await world.quiet();
    expect(await ids(world)).toEqual(["ahead", "d", "on time"]);
  });

  test("are a batch of their own, between live rows that are judged as ever", async () => {
    const world = await newWorld();
    await world.engine.pause(silver);
    world.send("0", [readingAt(506, "f", null, 6)]);
    await replay(world, "job-1", 0, 3);
    world.send("0", [readingAt(100, "late", null, 7)]);
    await world.quiet();
    await world.engine.resume(silver);
    await world.quiet();
    expect(await ids(world)).toEqual(["a", "b", "d", "e", "f"]);
    expect((await world.rows(silver, { quarantine: true })).map(({ reason }) => reason)).toEqual(["LATE"]);
  });

  test("are a duplicate's first of what comes live after them", async () => {
    const world = await newWorld();
    world.send("1", [readingAt(2, "z", null, 30)]);
    await replay(world, "job-1", 0, 3);
    world.send("1", [readingAt(6, "b", null, 2)]);
    await world.quiet();
    expect(await ids(world)).toEqual(["a", "b", "d", "e", "z"]);
  });
});

describe("a replay is clipped", () => {
  test("to what the live lane has committed", async () => {
    const world = await newWorld();
    world.send("0", [readingAt(510, "x", null, 7)]);
    const at = { epoch: await epochOf(world.estate), generation: 1 };
    const part = { kind: "hub", ...at, fromSequence: 0, untilSequence: 100 } as const;
    expect(await world.engine.replay(bronze, replayLane(lane), "job-1", part, 60_000)).toMatchObject({ rows: 5 });
    await world.quiet();
    expect(await sequences(world)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("to what the hub still holds", async () => {
    const world = await newWorld();
    world.estate.hub.expireBefore("0", 2);
    expect(await replay(world, "job-1", 0, 5)).toMatchObject({ kind: "ran", rows: 3 });
    expect(await sequences(world)).toEqual([2, 3, 4]);
  });

  test("to the hub that was asked for", async () => {
    const world = await newWorld();
    const at = { epoch: "2020-01-01T00:00:00.000000Z", generation: 1 };
    const part = { kind: "hub", ...at, fromSequence: 0, untilSequence: 9 } as const;
    expect(await world.engine.replay(bronze, replayLane(lane), "job-1", part, 60_000)).toEqual({ kind: "idle" });
  });
});

test("events that expire between the plan and the batch are left out, and neither the flow nor the replay stops", async () => {
  const estate = newEstate();
  let expires = false;
  const pipeline = fixture();
  const world = new EngineWorld(
    {
      bench,
      pipeline,
      wrapHub: (hub) => ({
        describe: (name) => hub.describe(name),
        partition: (name, partition) => hub.partition(name, partition),
        sequenceAt: (name, partition, timeUs) => hub.sequenceAt(name, partition, timeUs),
        close: () => hub.close(),
        read: (range, signal) => {
          if (expires) estate.hub.expireBefore("0", 2);
          return hub.read(range, signal);
        },
      }),
    },
    estate,
  );
  world.send("0", [readingAt(0, "a", null, 1), readingAt(5, "b", null, 2), readingAt(6, "c", null, 3)]);
  await world.quiet();
  expires = true;
  await replay(world, "job-1", 0, 3);
  expect(await sequences(world)).toEqual([2]);
  expect(await world.stateOf(bronze)).toBe("RUNNING");
});

test("a reset fences a replay of the generation before, also one that had not written yet", async () => {
  const world = await newWorld();
  const zombie = new EngineWorld({ bench, pipeline: world.pipeline }, world.estate);
  await replay(zombie, "job-0", 3, 4);
  await world.engine.reset(bronze);
  await world.quiet();
  const rows = await sequences(world);
  const { txns } = await world.table("lake/bronze/events").latest();
  for (const each of ["replay-0", "replay-1"]) expect(txns.get(`dyne/fixture/${bronze}/${each}`)).toBe(2 * 2 ** 32);
  expect(await replay(world, "job-1", 0, 5)).toMatchObject({ kind: "ran", rows: 5 });
  expect((await sequences(world)).length).toBe(5);
  expect(rows.length).toBeLessThanOrEqual(5);
  expect(
    await world.record(layout.entry(world.flow(bronze).id, generation(2), replayLane(lane), "commits", batchId(1))),
  ).toMatchObject({ generation: 2 });
});

test("landed files that the ledger does not name come in by a replay of their folder, once", async () => {
  const devices = "bronze.devices";
  const world = new EngineWorld({ bench, pipeline: engineFixture({ readingsOnly: true }) });
  await world.land("landing/devices/2025/a.csv", "code,site,weight\nd1,north,5\n");
  await world.land("landing/devices/2026/b.csv", "code,site,weight\nd2,south,6\n");
  const part = { kind: "files", prefix: "landing/devices/2026/" } as const;
  expect(await world.engine.replay(devices, lane, "job-1", part, 60_000)).toMatchObject({ kind: "ran", rows: 1 });
  expect((await world.rows(devices)).map(({ code }) => code)).toEqual(["d2"]);
  expect(await world.engine.replay(devices, lane, "job-2", part, 60_000)).toEqual({ kind: "idle" });
  await world.quiet();
  expect((await world.rows(devices)).map(({ code }) => code)).toEqual(["d1", "d2"]);
});

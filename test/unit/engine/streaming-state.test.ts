/** The state of de-duplication and the joined tables of a stream (engine-rules 4, 5, 8, 11), step by step. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ComputeJob } from "../../../shared/compute/index.ts";
import { limits } from "../../../shared/core/index.ts";
import {
  definePipeline,
  files,
  long,
  readStream,
  streamingTable,
  string,
  struct,
  timestamp,
} from "../../../shared/pipeline/index.ts";
import { dyingAtCommit, dyingAtOutcome, expectCrash } from "../../support/engine-faults.ts";
import { EngineBench, EngineWorld, startMs } from "../../support/engine-harness.ts";
import { committedBatches, judgeStream, judgeView } from "../../support/engine-oracle.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { readingAt } from "../../support/engine-scenario.ts";

const readings = "silver.readings";
const statePath = `checkpoints/${readings}/00000000000000000001/state/drop_duplicates`;

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

async function newWorld(pipeline = engineFixture()): Promise<EngineWorld> {
  const world = new EngineWorld({ bench, pipeline });
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
  await world.engine.sweep();
  return world;
}

async function expectLaw(world: EngineWorld): Promise<void> {
  const { actual, lawful } = await judgeStream(world, readings);
  expect(actual).toEqual(lawful);
  for (const { name } of world.pipeline.tables.filter(({ kind }) => kind === "materializedView")) {
    const view = await judgeView(world, name);
    expect(view.actual, name).toEqual(view.lawful);
  }
}

describe("the keys seen", () => {
  test("are forgotten once no lane can need them, by a batch without input", async () => {
    const world = await newWorld();
    world.send("0", [readingAt(0, "a", "d1", 1)]);
    world.send("1", [readingAt(5, "b", "d1", 2)]);
    await world.quiet();
    const keys = async () => (await world.table(statePath, "host").latest()).files.size;
    expect(await keys()).toBe(1);
    world.send(
      "1",
      Array.from({ length: 10 }, (_, n) => readingAt(10 + n * 5, `d${n}`, "d1", 4)),
    );
    await world.quiet();
    expect(await keys()).toBe(2);
    world.send("0", [readingAt(60, "c", "d1", 3)]);
    await world.quiet();
    const last = (await committedBatches(world, readings)).at(-1);
    expect(last?.commit.progress.counts).toMatchObject({ inputRows: 0, outputRows: 0 });
    expect(last?.offsets.watermark?.evictedBefore).toBe(
      new Date(startMs + 35 * 60_000).toISOString().replace("Z", "000Z"),
    );
    expect(await keys()).toBe(2);
    await world.quiet();
    expect((await committedBatches(world, readings)).at(-1)).toEqual(last);
    await expectLaw(world);
  });

  test("are merged into one file from time to time, and still known", { timeout: 30_000 }, async () => {
    const world = await newWorld(engineFixture({ readingsOnly: true }));
    const batches = limits.stateSmallFilesMax + 4;
    for (let n = 0; n < batches; n++) {
      world.send("0", [readingAt(n / 4, `r${n}`, "d1", n)]);
      await world.engine.sweep();
    }
    world.send(
      "0",
      Array.from({ length: batches }, (_, n) => readingAt(n / 4 + 1, `r${n}`, "d1", n)),
    );
    await world.quiet();
    expect(await world.rows(readings)).toHaveLength(batches);
    expect((await committedBatches(world, readings)).at(-1)?.commit.progress.counts).toMatchObject({
      inputRows: batches,
      duplicates: batches,
    });
    expect((await world.table(statePath, "host").latest()).files.size).toBeLessThan(limits.stateSmallFilesMax);
    await expectLaw(world);
  });

  test("do not hold keys of rows that went to quarantine", async () => {
    const world = await newWorld();
    world.send("0", [readingAt(0, "a", "d1", -1), readingAt(1, "a", "d1", 5), readingAt(2, "a", "d1", 6)]);
    await world.quiet();
    expect((await world.rows(readings)).map((row) => row["value"])).toEqual([5]);
  });

  test("tell a row without an event time from no other: it stays, each time", async () => {
    const world = await newWorld();
    for (let time = 0; time < 2; time++) {
      world.send("0", [
        { reading_id: "a", device: "d1", value: 1 },
        { reading_id: "a", device: "d1", event_time: null, value: 1 },
      ]);
      await world.engine.sweep();
    }
    expect(await world.rows(readings)).toHaveLength(4);
    await expectLaw(world);
  });
});

describe("a joined table", () => {
  test("is waited for before the first batch is planned", async () => {
    const world = new EngineWorld({ bench, pipeline: engineFixture() });
    world.send("0", [readingAt(0, "a", "d1", 1)]);
    await world.quiet();
    expect(await committedBatches(world, readings)).toEqual([]);
    await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
    await world.quiet();
    expect((await world.rows(readings)).map((row) => row["site"])).toEqual(["north"]);
  });

  test("counts as it stood when the batch that read the row was planned", async () => {
    const world = await newWorld();
    world.send("0", [readingAt(0, "a", "d2", 1)]);
    await world.quiet();
    await world.land("landing/devices/b.csv", "code,site,weight\nd2,south,5\n");
    await world.quiet();
    world.send("0", [readingAt(1, "b", "d2", 1)]);
    await world.quiet();
    expect((await world.rows(readings)).map((row) => [row["reading_id"], row["site"]])).toEqual([
      ["a", null],
      ["b", "south"],
    ]);
    await expectLaw(world);
  });
});

describe("a batch that is run again", () => {
  test("reads the joined table as it stood at the first run", async () => {
    const world = await newWorld();
    world.send("0", [readingAt(0, "a", "d2", 1)]);
    world.restart(dyingAtOutcome(readings));
    await world.engine.sweep().catch(expectCrash);
    await world.land("landing/devices/b.csv", "code,site,weight\nd2,south,5\n");
    world.restart();
    await world.quiet();
    expect((await world.rows(readings)).map((row) => row["site"])).toEqual([null]);
    await expectLaw(world);
  });

  test("is not run again once it is decided: what was decided is rolled forward", async () => {
    const jobs: string[] = [];
    const watched = { run: (job: ComputeJob) => (jobs.push(job.name), bench.compute.run(job)), close: async () => {} };
    const world = new EngineWorld({
      bench: { compute: watched, directory: bench.directory },
      pipeline: engineFixture(),
    });
    await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
    world.send("0", [readingAt(0, "a", "d1", 1), "oops"]);
    world.restart(dyingAtCommit("quarantine/silver/readings"));
    await world.engine.sweep().catch(expectCrash);
    expect(jobs).toContain(`${readings}/0/1`);
    jobs.length = 0;
    world.restart();
    await world.engine.ring(readings);
    expect(jobs).not.toContain(`${readings}/0/1`);
    expect(await world.rows(readings)).toHaveLength(1);
    await expectLaw(world);
  });
});

describe("late rows", () => {
  test("are counted and kept nowhere where the watermark says so", async () => {
    const world = await newWorld(engineFixture({ late: "count", readingsOnly: true }));
    world.send("0", [readingAt(30, "a", "d1", 1)]);
    world.send(
      "0",
      Array.from({ length: 6 }, (_, n) => readingAt(30, `b${n}`, "d1", 2)),
    );
    world.send("0", [readingAt(1, "late", "d1", 1)]);
    await world.quiet();
    expect(await world.rows(readings, { quarantine: true })).toEqual([]);
    const late = (await committedBatches(world, readings)).reduce(
      (sum, { commit }) => sum + commit.progress.counts.late,
      0,
    );
    expect(late).toBe(1);
  });

  test("are not made by one event of the far future", async () => {
    const world = await newWorld();
    world.send("0", [readingAt(0, "a", "d1", 1), readingAt(38_000_000, "future", "d1", 1), readingAt(5, "b", "d1", 1)]);
    await world.engine.sweep();
    world.send("0", [readingAt(10, "c", "d1", 1)]);
    await world.quiet();
    expect((await world.rows(readings)).map((row) => row["reading_id"])).toEqual(["a", "b", "c", "future"]);
    await expectLaw(world);
  });

  test("are not made by a faster lane", async () => {
    const world = await newWorld();
    world.send("0", [
      readingAt(0, "a", "d1", 1),
      ...Array.from({ length: 20 }, (_, n) => readingAt(5 * n, `f${n}`, "d1", 1)),
    ]);
    await world.engine.sweep();
    world.send("1", [readingAt(0, "slow", "d1", 1)]);
    await world.quiet();
    expect(await world.rows(readings, { quarantine: true })).toEqual([]);
    await expectLaw(world);
  });
});

test("a lane that was silent for long does not hold the state; its rows behind the others are late, and counted apart", async () => {
  const world = await newWorld(engineFixture({ readingsOnly: true }));
  const hour = 3_600_000;
  world.send("1", [readingAt(0, "silent", "d1", 1)]);
  for (let n = 0; n < 14; n++) {
    world.clock.advance(3 * hour);
    world.send("0", [readingAt(5 + 5 * n, `r${n}`, "d1", 1)]);
    await world.engine.sweep();
  }
  world.send("1", [
    readingAt(40, "behind", "d1", 1),
    readingAt(70, "in time", "d1", 1),
    readingAt(59, "silent", "d1", 1),
  ]);
  await world.quiet();
  const quarantine = await world.rows(readings, { quarantine: true });
  expect(quarantine.map((row) => [row["reason"], row["rule"], row["position"]])).toEqual([
    ["LATE", "idle_lane", 1],
    ["LATE", null, 3],
  ]);
  const counts = (await committedBatches(world, readings)).map(({ commit }) => commit.progress.counts);
  expect(counts.reduce((sum, { lateIdle }) => sum + lateIdle, 0)).toBe(1);
  expect(counts.reduce((sum, { late }) => sum + late, 0)).toBe(2);
  await expectLaw(world);
});

test("a body of a megabyte, broken or not, goes its way like any other", async () => {
  const world = await newWorld();
  const long = "x".repeat(1_048_576);
  world.send("0", [{ ...readingAt(0, "a", long, 1) }, long, Uint8Array.from({ length: 1_048_576 }, (_, n) => n % 251)]);
  await world.quiet();
  expect((await world.rows(readings)).map((row) => String(row["device"]).length)).toEqual([1_048_576]);
  const quarantine = await world.rows(readings, { quarantine: true });
  expect(
    Object.fromEntries(quarantine.map((row) => [row["position"], [row["reason"], row["event_data"] === null]])),
  ).toEqual({
    1: ["MALFORMED", false],
    2: ["MALFORMED", true],
  });
  await expectLaw(world);
});

test.each(["x", "y"])(
  "files that share positions, in partitions of one commit, have one order (%s first)",
  async (first) => {
    const landed = streamingTable("bronze.landed", {
      minInterval: "0 seconds",
      from: files("landing/rows/**.csv", {
        format: "csv",
        schema: struct({ kind: string(), at: timestamp(), id: long() }),
      }),
      partitionBy: ["kind"],
    });
    const timed = streamingTable("silver.timed", {
      minInterval: "0 seconds",
      query: readStream(landed)
        .select(({ kind, at, id }) => ({ kind, at, id }))
        .withWatermark("at", "1 minute", { maxAhead: "365 days" }),
    });
    const world = new EngineWorld({ bench, pipeline: definePipeline("landed", [landed, timed]) });
    const [early, late] = ["2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z"];
    const rows = Array.from(
      { length: 5 },
      (_, id) => `x,${first === "x" ? early : late},${id}\ny,${first === "y" ? early : late},${id}\n`,
    );
    await world.land("landing/rows/a.csv", `kind,at,id\n${rows.join("")}`);
    await world.quiet();
    const counts = (await committedBatches(world, "silver.timed"))[0]?.commit.progress.counts;
    expect(counts).toMatchObject({ inputRows: 10, late: 4, outputRows: 6 });
  },
);

test.each(["0000-02-29T00:00:00Z", "0001-01-01T00:00:00Z", "1582-10-10T00:00:00Z", "9999-12-31T23:59:59.999999Z"])(
  "an event time of %s stops nothing and is in every table",
  async (time) => {
    const world = await newWorld();
    for (let n = 0; n < 3; n++) {
      for (const partition of ["0", "1"])
        world.send(partition, [{ reading_id: `${partition}-${n}`, device: "d1", event_time: time, value: n }]);
      await world.quiet();
    }
    expect(await world.rows(readings)).toHaveLength(6);
    await expectLaw(world);
  },
);

/** What goes wrong around a replay: generations in the middle, files that are gone, events that expire, several instances at once. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Compute } from "../../../../shared/compute/index.ts";
import { DyneError, limits, seededRandom } from "../../../../shared/core/index.ts";
import type { EventHubReader } from "../../../../shared/sources/index.ts";
import type { ObjectStore } from "../../../../shared/storage/index.ts";
import { Worker, all, bronze, newWorld, pipeline, rewrite, seed, silver } from "../../../support/backfill-harness.ts";
import { dyingAtOutcome, expectCrash, withoutLeases } from "../../../support/engine-faults.ts";
import { EngineBench, EngineWorld, newEstate } from "../../../support/engine-harness.ts";
import { readingAt } from "../../../support/engine-scenario.ts";

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

test("a batch of a replay is no larger than a live one", async () => {
  const world = await newWorld(bench);
  await world.engine.pause(silver);
  const padding = randomBytes(1024 * 1024).toString("hex");
  world.send(
    "0",
    Array.from({ length: 12 }, (_, n) => ({ ...readingAt(500, `big ${n}`, null, 1), padding })),
  );
  await world.quiet();
  const worker = new Worker(world);
  await worker.backfill.submit({ ...all, partition: "0" });
  await worker.work(1);
  const entry = `checkpoints/${bronze}/00000000000000000001/replay-0/commits/00000000000000000001`;
  const commit = (await world.record(entry)) as { progress: { counts: { inputBytes: number } } } | undefined;
  expect(commit?.progress.counts.inputBytes).toBeLessThanOrEqual(limits.hubBatchBytes + 3 * 1024 * 1024);
});

describe("a generation that begins around a replay", () => {
  test("is waited for: a job never ends with nothing because lanes have not begun in it", async () => {
    const worker = new Worker(await newWorld(bench));
    await worker.world.engine.reset(bronze);
    const { jobId } = await worker.backfill.submit(all);
    await worker.work(1);
    await worker.world.engine.sweep();
    await worker.work();
    expect(await worker.backfill.find(jobId)).toMatchObject({ state: "SUCCEEDED", rows: 4 });
  });

  test.each(["reset", "rewind"] as const)("does not leave out what the job had brought before it: %s", async (how) => {
    const estate = newEstate(seed);
    let isSlow = false;
    const wrapHub = (hub: EventHubReader): EventHubReader => ({
      describe: (name) => hub.describe(name),
      partition: (name, partition) => hub.partition(name, partition),
      sequenceAt: (name, partition, timeUs) => hub.sequenceAt(name, partition, timeUs),
      close: () => hub.close(),
      read: (range, signal) => {
        if (isSlow) estate.clock.advance(1_000);
        return hub.read(range, signal);
      },
    });
    const world = new EngineWorld({ bench, pipeline, seed, wrapHub }, estate);
    world.send("0", [readingAt(0, "a", null, 1), readingAt(5, "b", null, 2)]);
    world.send("1", [readingAt(10, "c", null, 2), readingAt(11, "c", null, 2)]);
    await world.quiet();
    world.send("0", [readingAt(500, "d", null, 1)]);
    await world.quiet();
    const before = (await world.table("lake/bronze/events").latest()).version;
    const worker = new Worker(world);
    const { jobId } = await worker.backfill.submit(all);
    // One partition of two is done, then the instance has no more time.
    isSlow = true;
    await worker.backfill.advance(jobId, 500);
    isSlow = false;
    expect(await worker.backfill.find(jobId)).toMatchObject({ state: "RUNNING" });
    expect((await world.rows(bronze)).length).toBe(3);
    if (how === "reset") await world.engine.reset(bronze);
    else await world.engine.restore(bronze, before, "rewind");
    await world.engine.sweep().catch(() => undefined);
    await worker.work();
    const job = await worker.backfill.find(jobId);
    expect([job.state, (await world.rows(bronze)).length]).toEqual(["SUCCEEDED", 5]);
  });
});

test("events that expire again and again while they are read never stop the flow", async () => {
  let from = Number.POSITIVE_INFINITY;
  const estate = newEstate(seed);
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
          if (from < 5) estate.hub.expireBefore("0", ++from);
          return hub.read(range, signal);
        },
      }),
    },
    estate,
  );
  world.send(
    "0",
    Array.from({ length: 8 }, (_, n) => readingAt(n, `r${n}`, null, n)),
  );
  await world.quiet();
  const worker = new Worker(world);
  from = 0;
  const job = await worker.done({ ...all, partition: "0" });
  expect([job.state, await world.stateOf(bronze)]).toEqual(["SUCCEEDED", "RUNNING"]);
});

test("an open batch of a replay whose table was rewritten since never stops the flow", async () => {
  const world = await newWorld(bench);
  const dying = new EngineWorld(
    { bench, pipeline, wrap: (store, root) => (root === "host" ? dyingAtOutcome(`${bronze}`)(store) : store) },
    world.estate,
  );
  const dead = new Worker(dying);
  const { jobId } = await dead.backfill.submit({ ...all, partition: "0" });
  await dead.work().catch(expectCrash);
  world.clock.advance(60_000);
  // Another machine, which has no copies of files.
  await using other = await EngineBench.open(seededRandom(7));
  const worker = new Worker(new EngineWorld({ bench: other, pipeline }, world.estate));
  await worker.backfill.cancel(jobId);
  await rewrite(world, "lake/bronze/events");
  const job = await worker.done({ ...all, partition: "0" });
  expect([await world.stateOf(bronze), job.state, (await world.rows(bronze)).length]).toEqual([
    "RUNNING",
    "SUCCEEDED",
    4,
  ]);
});

test("a table that was rewritten while it was quiet is still held against rows of a replay", async () => {
  const world = new EngineWorld({ bench, pipeline, seed });
  world.send("0", [readingAt(0, "a", null, 1), readingAt(5, "b", null, 2)]);
  await world.quiet();
  world.send("0", [readingAt(6, "b", null, 1)]);
  await world.quiet();
  await rewrite(world, "lake/silver/readings");
  // Another machine, which has no copies of files.
  await using other = await EngineBench.open(seededRandom(7));
  const worker = new Worker(new EngineWorld({ bench: other, pipeline }, world.estate));
  const job = await worker.done(all);
  expect([job.state, await world.stateOf(silver)]).toEqual(["SUCCEEDED", "RUNNING"]);
  expect((await world.rows(silver)).map((row) => row["reading_id"])).toEqual(["a", "b"]);
});

test("a table downstream that cannot be computed does not end a job that has nothing to do with it", async () => {
  const world = await newWorld(bench);
  const compute: Compute = {
    run: async (job) => {
      if (job.name.startsWith(silver)) throw new DyneError("COMPUTE_FAILED", "broken");
      return bench.compute.run(job);
    },
    close: async () => undefined,
  };
  const worker = new Worker(
    new EngineWorld(
      { bench: { compute, directory: bench.directory, checkpoints: bench.checkpoints }, pipeline },
      world.estate,
    ),
  );
  const { jobId } = await worker.backfill.submit(all);
  await worker.work();
  expect(await worker.backfill.find(jobId)).toMatchObject({ state: "SUCCEEDED", rows: 4 });
});

test("two instances at one job, beside the live lane and without leases, bring each event once", async () => {
  const world = await newWorld(bench);
  const wrap = (store: ObjectStore): ObjectStore => withoutLeases(store);
  const [one, two, live] = [1, 2, 3].map(() => new EngineWorld({ bench, pipeline, wrap }, world.estate)) as [
    EngineWorld,
    EngineWorld,
    EngineWorld,
  ];
  const [first, second] = [new Worker(one), new Worker(two)];
  const { jobId } = await first.backfill.submit(all);
  second.rung.push(jobId);
  const stream = async () => {
    for (let n = 0; n < 4; n++) {
      world.send("0", [readingAt(503 + n, `live ${n}`, null, n)]);
      await live.engine.sweep().catch(() => undefined);
    }
  };
  await Promise.all([first.work(), second.work(), stream()]);
  await first.work();
  await world.quiet();
  const seqs = (await world.rows(bronze))
    .map((row) => `${String(row["partition"])}/${String(row["sequence_number"])}`)
    .sort();
  expect(seqs).toEqual(["0/0", "0/1", "0/2", "0/3", "0/4", "0/5", "0/6", "1/0", "1/1", "1/2"]);
  expect((await world.rows(silver)).map((row) => row["reading_id"])).toEqual([
    "a",
    "b",
    "c",
    "d",
    "e",
    "live 0",
    "live 1",
    "live 2",
    "live 3",
  ]);
  expect(await first.backfill.find(jobId)).toMatchObject({ state: "SUCCEEDED", rows: 4 });
});

test("a batch of a replay leaves a state of many small files as it is", async () => {
  const world = new EngineWorld({ bench, pipeline, seed });
  world.send("0", [readingAt(0, "old", null, 1)]);
  await world.quiet();
  for (let n = 0; n < limits.stateSmallFilesMax; n++) {
    world.send("0", [readingAt(500, `r${n}`, null, n)]);
    await world.quiet();
  }
  expect(await new Worker(world).done(all)).toMatchObject({ state: "SUCCEEDED", rows: 1 });
  world.send("0", [readingAt(501, "r0", null, 0), readingAt(501, "r15", null, 0)]);
  await world.quiet();
  expect(await world.rows(silver)).toHaveLength(limits.stateSmallFilesMax + 1);
});

test("rows of a backfill are as all others where a table is read from what it holds at a version", async () => {
  const world = new EngineWorld({ bench, pipeline, seed });
  world.send("0", [readingAt(0, "a", null, 1), readingAt(5, "b", null, 2)]);
  await world.quiet();
  await new Worker(world).done(all);
  world.send("0", [readingAt(500, "d", null, 1), readingAt(100, "late", null, 1)]);
  await world.quiet();
  const version = (await world.table("lake/bronze/events").latest()).version;
  world.send("0", [readingAt(502, "gone", null, 1)]);
  await world.quiet();
  await world.engine.restore(bronze, version, "keep-position");
  await world.engine.sweep();
  expect(await world.stateOf(silver)).toBe("FAILED");
  await world.engine.reset(silver);
  await world.quiet();
  expect((await world.rows(silver)).map((row) => row["reading_id"])).toEqual(["a", "b", "d"]);
  expect((await world.rows(silver, { quarantine: true })).map(({ reason }) => reason)).toEqual(["LATE"]);
});

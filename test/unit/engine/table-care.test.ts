/** Tables of flows are kept in shape while these run (engine-rules 1, 4, 12, 13). */
import { afterAll, beforeAll, expect, test } from "vitest";
import { batchId, flowId, generation, laneId } from "../../../shared/core/index.ts";
import { LaneLog, LeaseKeeper, layout } from "../../../shared/checkpoint/index.ts";
import { tablePath } from "../../../shared/pipeline/index.ts";
import { optimize, vacuum } from "../../../shared/table/index.ts";
import { EngineBench, EngineWorld } from "../../support/engine-harness.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { readingAt } from "../../support/engine-scenario.ts";

const sinks = ["bronze.events", "bronze.devices", "silver.bodies", "silver.readings", "gold.by_device", "gold.total"];

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

async function newWorld(): Promise<EngineWorld> {
  const world = new EngineWorld({ bench, pipeline: engineFixture() });
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\nd2,south,6\n");
  return world;
}

async function turn(world: EngineWorld, number: number): Promise<void> {
  for (const partition of ["0", "1"]) {
    const id = `${partition}${number}`;
    world.send(partition, [readingAt(number * 10 + Number(partition) * 5, id, number % 2 === 0 ? "d1" : "d2", number)]);
    await world.quiet();
  }
}

test("flows go on over tables that are optimized and vacuumed between their batches, as if nothing had been", async () => {
  const [cared, plain] = [await newWorld(), await newWorld()];
  const rewritten = new Map<string, number>();
  for (let number = 1; number <= 4; number++) {
    for (const world of [cared, plain]) await turn(world, number);
    for (const name of sinks) {
      const path = tablePath(name);
      const table = cared.context().tables.open("lake", path);
      const done = await cared.engine.care(name, () => optimize({ compute: cared.compute, table }));
      if (done?.result.kind === "committed")
        rewritten.set(name, (rewritten.get(name) ?? 0) + done.result.metrics.filesRemoved);
      cared.clock.advance(2 * 3_600_000);
      plain.clock.advance(2 * 3_600_000);
      await vacuum(table, { retentionMs: 0, force: true, keep: cared.engine.keptFiles(path) });
    }
  }
  expect([...rewritten.keys()]).toEqual(expect.arrayContaining(["bronze.events", "silver.bodies", "silver.readings"]));
  for (const name of ["silver.bodies", "silver.readings", "gold.by_device", "gold.total"])
    expect((await cared.rows(name)).length, name).toBe((await plain.rows(name)).length);
  expect(await cared.rows("gold.by_device")).toEqual(await plain.rows("gold.by_device"));
  expect(await cared.rows("gold.total")).toEqual(await plain.rows("gold.total"));
  const lanes = new Set(
    [...(await cared.table(tablePath("bronze.events")).latest()).files].map(({ tags }) => tags?.["lane"]),
  );
  expect(lanes).toEqual(new Set(["0", "1"]));
}, 60_000);

test("files of an outcome that is not committed yet are kept, those of a merge done again too", async () => {
  const world = await newWorld();
  await turn(world, 1);
  const { host: store, clock, random } = world.context();
  const log = new LaneLog({ store, clock, random }, flowId("silver.readings"), generation(1), laneId("0"));
  const { lastOutcome, lastCommit } = await log.head();
  const file = { path: "part-open.parquet", sizeBytes: 1, rowCount: 1, partitionValues: {}, stats: "{}" };
  const tables = lastOutcome!.tables.map((table) => ({ ...table, add: [file] }));
  const open = { ...lastOutcome!, batchId: batchId(lastCommit!.batchId + 1) };
  await log.putOutcome({ ...open, tables });
  const again = tables.map((table) => ({ ...table, add: [{ ...file, path: "part-again.parquet" }] }));
  await log.putOutcome({ ...open, tables: again, redo: 1 });
  const path = tablePath("silver.readings");
  expect([...(await world.engine.keptFiles(path).openFiles())].sort()).toEqual([
    `${path}/part-again.parquet`,
    `${path}/part-open.parquet`,
  ]);
  expect([...(await world.engine.keptFiles(tablePath("gold.total")).openFiles())]).toEqual([]);
});

test("what the slowest reader of a table has taken in is what is needed of it", async () => {
  const world = await newWorld();
  await turn(world, 1);
  const { version } = await world.table(tablePath("silver.readings")).latest();
  const neededFrom = () => world.engine.keptFiles(tablePath("silver.readings")).neededFrom();
  expect(await neededFrom()).toBe(version);
  await world.engine.pause("gold.total");
  await turn(world, 2);
  expect((await world.table(tablePath("silver.readings")).latest()).version).toBeGreaterThan(version);
  expect(await neededFrom()).toBe(version);
  expect(await world.engine.keptFiles(tablePath("gold.total")).neededFrom()).toBe(Number.POSITIVE_INFINITY);
});

test("a merged table is not rewritten while a batch of its flow runs elsewhere; one that is only appended to is", async () => {
  const world = await newWorld();
  await turn(world, 1);
  for (const [name, isFree] of [
    ["gold.by_device", false],
    ["silver.readings", true],
  ] as const) {
    const context = world.context();
    const lease = await LeaseKeeper.acquire(
      context.host,
      layout.lease(flowId(name), generation(1), laneId("0")),
      context,
    );
    expect(await world.engine.care(name, async () => "done")).toEqual(isFree ? { result: "done" } : undefined);
    await lease![Symbol.asyncDispose]();
    expect(await world.engine.care(name, async () => "done")).toEqual({ result: "done" });
  }
});

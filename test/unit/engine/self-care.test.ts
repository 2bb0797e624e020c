/** Tables of flows that keep themselves in shape: what is merged and vacuumed, how often, and what keeps it from being done. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { flowId, generation, laneId, limits, type Clock } from "../../../shared/core/index.ts";
import { LeaseKeeper, layout } from "../../../shared/checkpoint/index.ts";
import { CareSnapshots, SelfCare, type EngineContext } from "../../../shared/engine/index.ts";
import { tablePath } from "../../../shared/pipeline/index.ts";
import { setProperties, unsetProperties } from "../../../shared/table/index.ts";
import { Meter } from "../../support/metered-store.ts";
import { EngineBench, EngineWorld } from "../../support/engine-harness.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { readingAt } from "../../support/engine-scenario.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

/** A world after so many batches of each lane of bronze, and of what follows them. */
async function worldAfter(batches: number, pipeline = engineFixture({ readingsOnly: true })): Promise<EngineWorld> {
  const world = new EngineWorld({ bench, pipeline });
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\nd2,south,6\n");
  for (let number = 1; number <= batches; number++) await turn(world, number);
  return world;
}

async function turn(world: EngineWorld, number: number): Promise<void> {
  for (const partition of ["0", "1"])
    world.send(partition, [readingAt(number * 10 + Number(partition) * 5, `${partition}${number}`, "d1", number)]);
  await world.quiet();
}

const caring = (world: EngineWorld, smallFiles = 3) =>
  new SelfCare(world.context(), world.engine, { ...limits, selfCareSmallFiles: smallFiles });
const filesOf = async (world: EngineWorld, name: string) => (await world.table(tablePath(name)).latest()).files.size;
const optimizesOf = async (world: EngineWorld, name: string) => {
  const table = world.table(tablePath(name));
  const commits = await table.changes(-1, (await table.latest()).version);
  return commits.flatMap(({ commitInfo, adds, removes }) =>
    commitInfo?.operation === "OPTIMIZE"
      ? [{ auto: commitInfo.operationParameters?.["auto"], added: adds.length, removed: removes.length }]
      : [],
  );
};

test("many small files become one for each lane, rows stay, and flows go on as if nothing had been", async () => {
  const [cared, plain] = [await worldAfter(3), await worldAfter(3)];
  await caring(cared).run();
  expect(await optimizesOf(cared, "bronze.events")).toEqual([{ auto: true, added: 2, removed: 6 }]);
  expect(await filesOf(cared, "bronze.events")).toBe(2);
  for (const world of [cared, plain]) await turn(world, 4);
  for (const name of ["bronze.events", "silver.readings"])
    expect(await cared.rows(name), name).toEqual(await plain.rows(name));
  expect(cared.lines).toEqual([]);
}, 60_000);

test("the table of all batches is merged and vacuumed as others are, and loses no batch", async () => {
  const progressPath = "lake/system/progress";
  const world = new EngineWorld({ bench, pipeline: engineFixture({ readingsOnly: true }), progressPath });
  for (let number = 1; number <= 4; number++) {
    await turn(world, number);
    world.clock.advance(limits.progressFoldMs);
    await world.engine.sweep();
  }
  const table = world.table(progressPath);
  const [rows, before] = [await world.rows("system.progress"), (await table.latest()).files.size];
  expect(before).toBeGreaterThan(3);
  await caring(world).run();
  expect((await optimizesOf(world, "system.progress")).length).toBe(1);
  expect((await table.latest()).files.size).toBeLessThan(before);
  expect(await world.rows("system.progress")).toEqual(rows);

  world.clock.advance(8 * dayMs);
  await caring(world).run();
  const files: string[] = [];
  for await (const { path } of world.estate.lake.list(`${progressPath}/`))
    if (path.endsWith(".parquet") && !path.includes("_delta_log")) files.push(path);
  expect(files).toHaveLength((await table.latest()).files.size);
  expect(await world.rows("system.progress")).toEqual(rows);
}, 60_000);

test("a table is looked at once in a while, by one of all instances, if it wants to be and nothing stops them", async () => {
  const world = await worldAfter(3);
  await caring(world, 4).run();
  world.clock.advance(limits.selfCareEveryMs - 1);
  await caring(world).run();
  expect(await filesOf(world, "bronze.events"), "looked at a moment ago, with too few files").toBe(6);
  world.clock.advance(1);
  const table = world.table(tablePath("bronze.events"));
  await setProperties({ table }, { "delta.autoOptimize.autoCompact": "FALSE" });
  await caring(world).run();
  expect(await filesOf(world, "bronze.events"), "not wanted").toBe(6);
  await unsetProperties({ table }, ["delta.autoOptimize.autoCompact"]);
  world.clock.advance(limits.selfCareEveryMs);
  const closed = caring(world);
  await closed.close();
  await closed.run();
  await new SelfCare(world.context(), world.engine, { ...limits, selfCareSmallFiles: 3, selfCareBudgetMs: 0 }).run();
  expect(await filesOf(world, "bronze.events"), "closed, or without time").toBe(6);
  await Promise.all([caring(world).run(), caring(world).run()]);
  expect(await optimizesOf(world, "bronze.events")).toEqual([{ auto: true, added: 2, removed: 6 }]);
}, 60_000);

test("a table that was looked at by a clock far ahead is looked at again by one that is right", async () => {
  const world = await worldAfter(3);
  world.clock.advance(365 * dayMs);
  await caring(world, 100).run();
  world.clock.advance(-365 * dayMs);
  await caring(world).run();
  expect(await filesOf(world, "bronze.events")).toBe(2);
}, 60_000);

test("a table whose flow merges into it is left alone while a batch has the lease, and done at the next time", async () => {
  const world = await worldAfter(1, engineFixture());
  const flow = flowId("gold.by_device");
  const cared = new Map<string, boolean>();
  const engine = {
    flows: world.engine.flows,
    keptFiles: (path: string) => world.engine.keptFiles(path),
    care: async <Result>(name: string, work: (signal: AbortSignal) => Promise<Result>) => {
      const done = await world.engine.care(name, work);
      cared.set(name, done !== undefined);
      return done;
    },
  };
  const care = () => new SelfCare(world.context(), engine, { ...limits, selfCareSmallFiles: 1 }).run();
  const lease = layout.lease(flow, generation(1), laneId("0"));
  {
    await using held = await LeaseKeeper.acquire(world.estate.host, lease, world.context());
    expect(held).toBeDefined();
    await care();
  }
  expect([cared.get("gold.by_device"), cared.get("bronze.events")]).toEqual([false, true]);
  world.clock.advance(limits.selfCareEveryMs);
  await care();
  expect(cared.get("gold.by_device")).toBe(true);
}, 60_000);

test("files that were merged go a week later, a day after the last vacuum, unless the table keeps them", async () => {
  const world = await worldAfter(3);
  await caring(world).run();
  // Whoever reads the table goes past the merge with the next rows.
  await turn(world, 4);
  const table = world.table(tablePath("bronze.events"));
  const silver = world.table(tablePath("silver.readings"));
  await setProperties({ table: silver }, { "dyne.autoVacuum": "false" });
  const stored = async (path: string) =>
    (await Array.fromAsync(world.estate.lake.list(`${path}/`))).filter((each) => each.path.endsWith(".parquet")).length;
  const [inBronze, inSilver] = [await stored(table.path), await stored(silver.path)];
  world.clock.advance(7 * dayMs);
  await caring(world).run();
  expect(await stored(table.path)).toBe(inBronze);
  world.clock.advance(dayMs - hourMs);
  await caring(world).run();
  expect(await stored(table.path)).toBe(inBronze);
  world.clock.advance(hourMs);
  await caring(world).run();
  expect(await stored(table.path)).toBe(inBronze - 6);
  expect(await stored(silver.path)).toBe(inSilver);
  expect(await world.rows("bronze.events")).toHaveLength(8);
}, 60_000);

test("an instance whose clock is days ahead of the store's vacuums nothing, and says so", async () => {
  const world = await worldAfter(3);
  await caring(world).run();
  await turn(world, 4);
  const table = world.table(tablePath("bronze.events"));
  const stored = async () => (await Array.fromAsync(world.estate.lake.list(`${table.path}/`))).length;
  const before = await stored();
  const clock: Clock = {
    nowMs: () => world.clock.nowMs() + 8 * dayMs,
    sleep: (ms, signal) => world.clock.sleep(ms, signal),
  };
  await new SelfCare({ ...world.context(), clock }, world.engine, { ...limits, selfCareSmallFiles: 100 }).run();
  expect(await stored()).toBe(before);
  expect(world.lines.filter(({ message }) => message.includes("the clock is not the store's")).length).toBeGreaterThan(
    0,
  );
}, 60_000);

test("a table that is looked at again is not opened again: of the new commits each is read once", async () => {
  const world = await worldAfter(2);
  const meter = new Meter();
  const context: { -readonly [Name in keyof EngineContext]: EngineContext[Name] } = {
    ...world.context(),
    lake: meter.of(world.estate.lake),
  };
  const look = async (snapshots: CareSnapshots) => {
    meter.reset();
    await new SelfCare(context, world.engine, { ...limits, selfCareSmallFiles: 100 }, snapshots).run();
    world.clock.advance(limits.selfCareEveryMs);
    const ofLog = meter.read.filter(
      ({ path, bytes }) => bytes > 0 && path.startsWith("lake/bronze/events/_delta_log/"),
    );
    return { listings: meter.calls["list"] ?? 0, commits: ofLog.map(({ path }) => path.split("/").at(-1)) };
  };
  const snapshots = new CareSnapshots(100);
  expect((await look(snapshots)).commits.length).toBeGreaterThan(4);
  expect(await look(snapshots)).toMatchObject({ listings: 0, commits: [] });
  const { version } = await world.table("lake/bronze/events").latest();
  await turn(world, 3);
  const added = [1, 2].map((next) => `${String(version + next).padStart(20, "0")}.json`);
  expect(await look(snapshots)).toMatchObject({ listings: 0, commits: added });
  expect(snapshots.size).toBe(world.engine.flows.flatMap((flow) => ("quarantine" in flow ? [1, 2] : [1])).length);

  // What the engine has of a table is not read again either.
  for (const { output } of world.engine.flows) await context.tables.open("lake", output.path).find();
  expect(await look(new CareSnapshots(100))).toMatchObject({ commits: [] });
  context.tables = world.context().tables;

  const small = new CareSnapshots(5);
  for (let looks = 0; looks < 2; looks++) expect((await look(small)).listings).toBeGreaterThan(0);
}, 60_000);

test("a table that was made anew since it was looked at is opened afresh", async () => {
  const world = await worldAfter(4);
  const snapshots = new CareSnapshots(1_000);
  const look = (selfCareSmallFiles: number) =>
    new SelfCare(world.context(), world.engine, { ...limits, selfCareSmallFiles }, snapshots).run();
  await look(100);
  const other = await worldAfter(1);
  for (const { path } of await Array.fromAsync(world.estate.lake.list("lake/bronze/events/")))
    await world.estate.lake.delete(path);
  for (const { path } of await Array.fromAsync(other.estate.lake.list("lake/bronze/events/")))
    await world.estate.lake.put(path, (await other.estate.lake.get(path))!.bytes);
  const before = await Array.fromAsync(world.estate.lake.list("lake/bronze/events/_delta_log/"));
  world.clock.advance(limits.selfCareEveryMs);
  await look(2);
  const ofBronze = world.lines.filter(({ fields }) => fields["table"] === "lake/bronze/events");
  expect(ofBronze).toEqual([]);
  expect(await Array.fromAsync(world.estate.lake.list("lake/bronze/events/_delta_log/"))).toEqual(before);
}, 60_000);

test("a vacuum that the time was too short for goes on after the next sweep, and is not begun again after it", async () => {
  const world = await worldAfter(1);
  await caring(world, 100).run();
  world.clock.advance(-8 * dayMs);
  const [path, count] = ["lake/bronze/events", 2 * limits.vacuumBatchFiles + 1];
  for (let number = 0; number < count; number++)
    await world.estate.lake.put(`${path}/part-${number}.parquet`, new Uint8Array(1));
  world.clock.advance(9 * dayMs);
  const left = async () =>
    (await Array.fromAsync(world.estate.lake.list(`${path}/part-`))).filter((each) => each.sizeBytes === 1).length;
  const engine = {
    flows: world.engine.flows.filter(({ id }) => id === "bronze.events"),
    care: <Result>(name: string, work: (signal: AbortSignal) => Promise<Result>) => world.engine.care(name, work),
    // From here on there is no time any more.
    keptFiles: (name: string) => {
      world.clock.advance(limits.selfCareBudgetMs);
      return world.engine.keptFiles(name);
    },
  };
  const sweep = () => new SelfCare(world.context(), engine, { ...limits, selfCareSmallFiles: 100 }).run();
  const counts: number[] = [];
  for (let sweeps = 1; sweeps <= 3; sweeps++) {
    await sweep();
    counts.push(await left());
  }
  expect(counts).toEqual([1_001, 1, 0]);
  const { version } = await world.table(path).latest();
  await world.estate.lake.put(`${path}/part-late.parquet`, new Uint8Array(1));
  world.clock.advance(dayMs - hourMs);
  await sweep();
  expect((await world.table(path).latest()).version).toBe(version);
}, 60_000);

test("what fails at one table is said, and the others are looked after", async () => {
  const world = await worldAfter(3);
  await world.estate.host.put(layout.care(flowId("bronze.events"), "sink"), new TextEncoder().encode("not JSON"));
  await caring(world, 2).run();
  expect(world.lines).toEqual([
    expect.objectContaining({ level: "warn", fields: expect.objectContaining({ table: "lake/bronze/events" }) }),
  ]);
  expect(await filesOf(world, "bronze.events")).toBe(6);
  expect(await optimizesOf(world, "silver.readings")).toHaveLength(1);
}, 60_000);

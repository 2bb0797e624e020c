/** What happens to logs and state files between the batches: when, by whom, and what is never touched. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LaneLog, layout } from "../../../shared/checkpoint/index.ts";
import { batchId, flowId, generation, laneId, limits } from "../../../shared/core/index.ts";
import { Maintenance } from "../../../shared/engine/maintenance.ts";
import type { TableReader } from "../../../shared/engine/readers.ts";
import { aroundStore } from "../../support/engine-faults.ts";
import { EngineBench, EngineWorld, newEstate, type Wrap } from "../../support/engine-harness.ts";
import { FaultyStore } from "../../support/faulty-store.ts";
import { commitOf, generationOf, offsets, outcome } from "../checkpoint/records-under-test.ts";
import { flow, FlowUnderTest, lane, minuteMs, never, pipeline, sinkPath, statePath } from "./flow-under-test.ts";

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

const goneSoon = { "delta.logRetentionDuration": "interval 0 seconds" };

const checkpointsOf = async (under: FlowUnderTest, role: "sink" | "state:keys"): Promise<number[]> =>
  (await under.names(role, "checkpoints")).map((name) => Number(name.slice("_delta_log/".length).slice(0, 20)));

describe("the tables of a flow", () => {
  test("get a checkpoint once their logs are long, and not before", async () => {
    const under = new FlowUnderTest(bench);
    const maintenance = under.maintenance();
    await under.run(98);
    await under.maintain(maintenance);
    expect(await checkpointsOf(under, "sink")).toEqual([]);
    await under.run(50);
    await under.maintain(maintenance);
    expect(await checkpointsOf(under, "sink")).toEqual([148]);
    expect(await checkpointsOf(under, "state:keys")).toEqual([148]);
    await under.run(51);
    await under.maintain(maintenance);
    await under.run(60);
    await under.maintain(maintenance);
    expect(await checkpointsOf(under, "sink")).toEqual([148, 259]);
    expect((await under.fresh("sink")).files.size).toBe(259);
  });

  test("cost nothing between the looks at them", async () => {
    const under = new FlowUnderTest(bench);
    const maintenance = under.maintenance();
    await under.run(150);
    await under.maintain(maintenance);
    const warm = await under.warm();
    under.meter.reset();
    for (let i = 0; i < 10; i++) await maintenance.run(warm, never);
    expect(under.meter.totalCalls).toBe(0);
  });

  test("are checkpointed from what the instance knows: the log is not read again", async () => {
    const under = new FlowUnderTest(bench);
    const maintenance = under.maintenance();
    await under.run(150);
    await under.maintain(maintenance);
    await under.run(120);
    const warm = await under.warm();
    under.meter.reset();
    await maintenance.run(warm, never);
    expect(await checkpointsOf(under, "sink")).toEqual([150, 270]);
    expect(under.meter.calls["downloadFile"]).toBeUndefined();
    // For each table: the hint before the tail and before it is written, and the hint when the log is cleaned.
    expect(under.meter.calls["get"]).toBe(6);
    const known = under.table("sink").known!;
    const again = await under.fresh("sink");
    expect([...again.files].map(({ path }) => path).sort()).toEqual([...known.files].map(({ path }) => path).sort());
  });

  test("get a compaction of a hundred commits where the checkpoint is so large that the next is far off", async () => {
    const under = new FlowUnderTest(bench);
    const maintenance = under.maintenance();
    await under.run(150);
    await under.maintain(maintenance);
    const hint = new TextEncoder().encode('{"version":150,"size":1000000,"sizeInBytes":50000000}');
    await under.world.estate.lake.put(`${sinkPath}/_delta_log/_last_checkpoint`, hint);
    const compactions = async (): Promise<readonly string[]> =>
      (await under.names("sink", "commits")).filter((name) => name.endsWith(".compacted.json"));
    await under.run(60);
    await under.maintain(maintenance);
    expect(await compactions()).toEqual([]);
    await under.run(60);
    under.meter.reset();
    await under.maintain(maintenance);
    expect(await compactions()).toEqual([
      `_delta_log/${"151".padStart(20, "0")}.${"270".padStart(20, "0")}.compacted.json`,
    ]);
    // None of the commits is read again: hints, and the state's checkpoint, which is due.
    expect(under.meter.read.filter(({ path }) => path.endsWith(".json"))).toEqual([]);
    expect(await checkpointsOf(under, "sink")).toEqual([150]);
    expect((await under.fresh("sink")).files.size).toBe(270);
    expect((await under.fresh("sink", 269)).files.size).toBe(269);
  });

  test("are left to another instance that is at it", async () => {
    const under = new FlowUnderTest(bench);
    await under.run(150);
    const lease = await under.world.estate.host.acquireLease(layout.maintenance(flow), limits.leaseSeconds);
    await under.maintain();
    expect(await checkpointsOf(under, "sink")).toEqual([]);
    await lease?.release();
    await under.maintain();
    expect(await checkpointsOf(under, "sink")).toEqual([150]);
  });

  test("may be maintained by two that know nothing of each other", async () => {
    const under = new FlowUnderTest(bench);
    await under.run(400);
    const unleased: Wrap = (store) => ({
      ...under.meter.of(store),
      acquireLease: async () => ({ renew: async () => true, release: async () => {} }),
    });
    const before = await under.fresh("sink");
    await Promise.all([1, 2, 3].map(() => under.maintain(under.maintenance([], unleased))));
    expect(await checkpointsOf(under, "sink")).toEqual([400]);
    expect((await under.fresh("sink")).files.size).toBe(before.files.size);
    expect((await under.fresh("state:keys")).files.size).toBe(under.table("state:keys").known!.files.size);
  });

  test("do not fail a pass when the store does: it is tried again after the next fifty commits", async () => {
    const under = new FlowUnderTest(bench);
    await under.run(150);
    const faulty: FaultyStore[] = [];
    const maintenance = under.maintenance([], (store) => {
      faulty.push(
        new FaultyStore(store, {
          random: under.world.estate.random,
          rates: { lostRequest: 1 },
          only: ({ name }) => name === "acquireLease" || name === "delete",
        }),
      );
      return faulty.at(-1)!;
    });
    await under.maintain(maintenance);
    for (const store of faulty) await store.heal();
    await under.run(50);
    await under.maintain(maintenance);
    expect(await checkpointsOf(under, "sink")).toEqual([200]);
  });
});

describe("the state of a flow", () => {
  test("keeps the files and the log that its last commit needs, and no others, however long it runs", async () => {
    const under = new FlowUnderTest(bench);
    const maintenance = under.maintenance();
    const counts: number[][] = [];
    for (let i = 0; i < 12; i++) {
      await under.run(60);
      await under.maintain(maintenance);
      counts.push([
        (await under.names("state:keys", "files")).length,
        (await under.names("state:keys", "commits")).length,
      ]);
      for (const file of (await under.fresh("state:keys")).files)
        expect(await under.world.estate.host.head(`${statePath}/${file.path}`)).toBeDefined();
    }
    const [files, commits] = [counts.map(([count]) => count!), counts.map(([, count]) => count!)];
    expect(Math.max(...files)).toBeLessThanOrEqual(140);
    expect(Math.max(...commits)).toBeLessThanOrEqual(300);
    expect(Math.max(...files.slice(6))).toBeLessThanOrEqual(Math.max(...files.slice(0, 6)));
    expect((await checkpointsOf(under, "state:keys")).length).toBeLessThanOrEqual(3);
  });

  test("is checkpointed at the version of the last commit, not at that of an open batch", async () => {
    const under = new FlowUnderTest(bench);
    await under.run(120);
    const head = await under.warm();
    await under.run(5);
    await under.maintenance().run(head, never);
    expect(await checkpointsOf(under, "state:keys")).toEqual([120]);
    expect(await checkpointsOf(under, "sink")).toEqual([125]);
    expect((await under.fresh("state:keys", 120)).files.size).toBeGreaterThan(0);
  });

  test("spares files that were dropped a moment ago, until the next time", async () => {
    const under = new FlowUnderTest(bench);
    const maintenance = under.maintenance();
    await under.run(128 + 8);
    await under.maintain(maintenance);
    const files = await under.names("state:keys", "files");
    expect(files).not.toContain("part-k111.parquet");
    expect(files).toEqual(expect.arrayContaining(["part-k112.parquet", "part-k127.parquet", "part-k128.parquet"]));
    await under.run(104);
    await under.maintain(maintenance);
    expect((await under.names("state:keys", "files")).toSorted()[0]).toBe("part-k224.parquet");
  });

  test("spares files that a batch after the last known commit drops, whatever their age", async () => {
    const under = new FlowUnderTest(bench);
    await under.run(130);
    const before = await under.warm();
    await under.run(14);
    under.world.clock.advance(60 * minuteMs);
    await under.maintenance().run(before, never);
    const files = await under.names("state:keys", "files");
    expect(files).not.toContain("part-k127.parquet");
    expect(files).toEqual(expect.arrayContaining(["part-k128.parquet", "part-k129.parquet", "part-k130.parquet"]));
  });

  test("is left alone by an instance that does not know all lanes", async () => {
    const under = new FlowUnderTest(bench);
    await under.run(150);
    const context = under.world.context();
    await context.tables.open("lake", sinkPath).latest();
    const driver = { flow, lanes: async () => [lane, laneId("1")] } as unknown as ConstructorParameters<
      typeof Maintenance
    >[1];
    await new Maintenance(context, driver, () => []).run(await under.warm(), never);
    expect(await checkpointsOf(under, "sink")).toEqual([150]);
    expect(await checkpointsOf(under, "state:keys")).toEqual([]);
  });
});

describe("the log of a table that other flows read", () => {
  const reader = flowId("gold.by_device");
  const tableName = "silver.readings";

  /** A reader that has taken in the sink up to a version; with `open`, it reads on from there, joining the table at a version. */
  async function readUpTo(under: FlowUnderTest, version: number, joins?: number): Promise<TableReader> {
    const log = new LaneLog({ ...under.world.estate, store: under.world.estate.host }, reader, generation(1), lane);
    const range = (afterVersion: number, toVersion: number) => ({
      [tableName]: { kind: "delta" as const, tableId: "", afterVersion, toVersion },
    });
    await under.world.estate.host.put(
      layout.generation(reader, generation(1)),
      new TextEncoder().encode(JSON.stringify({ ...generationOf(1), flow: reader })),
    );
    const common = { flow: reader, lane };
    await log.putOffsets({ ...offsets(1), ...common, inputs: range(-1, version) });
    await log.putOutcome({ ...outcome(1), ...common });
    await log.putCommit({ ...commitOf(1), ...common });
    if (joins !== undefined) {
      const statics = { [tableName]: { tableId: "", version: joins } };
      await log.putOffsets({ ...offsets(2), ...common, inputs: {}, statics });
    }
    return { driver: { flow: reader, lanes: async () => [lane] }, table: tableName };
  }

  /** Checkpoints at 150, 300 and 450, the last one written when the first 449 entries were older than the retention. */
  async function cleaned(
    readers: (under: FlowUnderTest) => Promise<readonly TableReader[]>,
    ageMs = limits.logRetentionMs,
  ) {
    const under = new FlowUnderTest(bench);
    const known = await readers(under);
    const maintenance = under.maintenance(known);
    for (const until of [150, 300]) {
      await under.run(until - under.batches);
      await under.maintain(maintenance);
    }
    await under.run(100);
    under.world.clock.advance(ageMs);
    await under.run(50);
    await under.maintain(maintenance);
    const [first] = await under.names("sink", "commits");
    return { under, first: Number(first?.slice("_delta_log/".length, -".json".length)) };
  }

  test.each([
    ["a reader who is up to date", 450, undefined, 300],
    ["a slow reader", 299, undefined, 150],
    ["a reader at the first version", 0, undefined, 0],
    ["a reader up to date whose open batch joins an old version", 450, 170, 150],
  ])("is kept for %s", async (_what, version, joins, first) => {
    const kept = await cleaned(async (under) => [await readUpTo(under, version, joins)]);
    expect(kept.first).toBe(first);
    expect((await kept.under.fresh("sink", Math.max(first, version))).version).toBe(Math.max(first, version));
  });

  test("is kept for a reader that has not begun", async () => {
    const notBegun: TableReader = { driver: { flow: reader, lanes: async () => [lane] }, table: tableName };
    expect((await cleaned(async () => [notBegun])).first).toBe(0);
  });

  test.each([
    ["for ten minutes, where the table wants it gone at once", goneSoon, 1_000, 0],
    ["no longer, where the table wants it gone at once", goneSoon, minuteMs, 150],
    ["for as long as the table says", { "delta.logRetentionDuration": "interval 3 hours" }, minuteMs, 0],
    ["for ever, where the table says so", { ...goneSoon, "delta.enableExpiredLogCleanup": "false" }, minuteMs, 0],
  ])("is kept %s", async (_what, configuration, stepMs, first) => {
    const under = new FlowUnderTest(bench);
    under.configuration = configuration;
    const maintenance = under.maintenance();
    for (let round = 0; round < 2; round++) {
      await under.run(150, stepMs);
      await under.maintain(maintenance);
    }
    expect((await under.names("sink", "commits"))[0]).toBe(`_delta_log/${String(first).padStart(20, "0")}.json`);
  });

  test("is not kept for a reader that stands still for a quarter of a year", async () => {
    const { first } = await cleaned(async (under) => [await readUpTo(under, 10)], limits.consumerLagMaxMs);
    expect(first).toBe(300);
  });

  test("is kept where it is younger than the table's retention", async () => {
    const { first } = await cleaned(async (under) => [await readUpTo(under, 450)], limits.logRetentionMs - 86_400_000);
    expect(first).toBe(0);
  });
});

test("a lane's old entries go when a hundred batches came since, and a batch that died long ago is still found", async () => {
  const under = new FlowUnderTest(bench);
  const maintenance = under.maintenance();
  await under.run(1_700);
  await under.log.putOffsets({ ...offsets(1_701), flow, lane });
  await under.maintain(maintenance);
  await under.maintain(maintenance);
  expect(await under.log.commitAt(batchId(1))).toBeUndefined();
  // 1,700 minutes are more than a day: entries of the last 1,440 stay.
  expect(await under.log.commitAt(batchId(300))).toBeDefined();
  const head = await under.log.head();
  expect([head.lastCommit?.batchId, head.openOffsets?.batchId]).toEqual([1_700, 1_701]);
});

test("an instance that was overtaken while it planned, and finds its state gone, stops quietly: the flow does not fail", async () => {
  await using other = await EngineBench.open();
  const estate = newEstate();
  const withoutLeases: Wrap = (store) => ({
    ...aroundStore(store, (_operation, work) => work()),
    acquireLease: async () => ({ renew: async () => true, release: async () => {} }),
  });
  const ahead = new EngineWorld({ bench, pipeline, wrap: withoutLeases }, estate);
  await ahead.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
  await ahead.engine.sweep();
  const overtaken: string[] = [];
  const behind = new EngineWorld(
    {
      bench: other,
      pipeline,
      wrap: (store) =>
        aroundStore(store, async ({ name, path }, work) => {
          if (name === "downloadFile" && path.includes("/state/files/") && overtaken.length === 0) {
            overtaken.push(path);
            await ahead.land("landing/devices/b.csv", "code,site,weight\nd2,south,7\n");
            await ahead.engine.sweep();
            await estate.host.delete(path);
          }
          return work();
        }),
    },
    estate,
  );
  await behind.engine.sweep();
  expect(overtaken).toHaveLength(1);
  expect(await behind.stateOf("bronze.devices")).toBe("RUNNING");
  expect(await behind.rows("bronze.devices")).toHaveLength(2);
});

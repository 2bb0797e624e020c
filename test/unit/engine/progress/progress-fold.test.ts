/** `system.progress` has every committed batch once: whoever folds, however often, and wherever one dies. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commitRecord, queryProgress, type CommitRecord } from "../../../../shared/checkpoint/index.ts";
import {
  batchId,
  generation,
  laneId,
  limits,
  seededRandom,
  txnVersion,
  type FlowId,
} from "../../../../shared/core/index.ts";
import { ProgressFold, type FlowToFold } from "../../../../shared/engine/progress/progress-fold.ts";
import { laneCommits } from "../../../../shared/engine/progress/lane-commits.ts";
import { long } from "../../../../shared/pipeline/index.ts";
import { aroundStore, Baton, CrashPoint, expectCrash } from "../../../support/engine-faults.ts";
import { EngineBench, EngineWorld, sorted, type Row, type Wrap } from "../../../support/engine-harness.ts";
import { engineFixture } from "../../../support/engine-pipeline.ts";
import { readingAt, scenario } from "../../../support/engine-scenario.ts";
import { Meter } from "../../../support/metered-store.ts";
import { FlowUnderTest, flow as flowUnderTest, lane as laneUnderTest, never } from "../flow-under-test.ts";

const progressPath = "lake/system/progress";
const minuteMs = 60_000;
let bench: EngineBench;

beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

/** The scenario, run without folding. */
async function ranWorld(): Promise<EngineWorld> {
  const world = new EngineWorld({ bench, pipeline: engineFixture({ readingsOnly: true }) });
  for (const act of scenario) {
    world.clock.advance(minuteMs);
    await act.happens(world);
    await act.works(world);
  }
  await world.quiet();
  return world;
}

async function commitsOf(world: EngineWorld): Promise<readonly CommitRecord[]> {
  const records: CommitRecord[] = [];
  for (const path of await world.hostPaths()) {
    if (!path.includes("/commits/")) continue;
    const record = commitRecord.parse(await world.record(path));
    if (record.batchId > 0) records.push(record);
  }
  return records;
}

/** What the rows of the table have to say, of each batch in the logs. */
async function expected(world: EngineWorld): Promise<Row[]> {
  const records = await commitsOf(world);
  return sorted(
    records.map((record) => {
      const {
        name,
        lane,
        generation: g,
        batchId: batch,
        runId,
        numInputRows,
        durationMs,
        observedMetrics,
        sources,
      } = queryProgress(world.pipeline.name, record);
      return {
        name,
        lane,
        generation: g,
        batchId: batch,
        runId,
        numInputRows,
        durationMs,
        observedMetrics,
        sources: sources.map(({ endOffset }) => endOffset),
      };
    }),
  );
}

async function folded(world: EngineWorld, name = "system.progress"): Promise<Row[]> {
  return sorted(
    (await world.rows(name)).map((row) => ({
      name: row["name"],
      lane: row["lane"],
      generation: row["generation"],
      batchId: row["batchId"],
      runId: row["runId"],
      numInputRows: row["numInputRows"],
      durationMs: fromEntries(row["durationMs"]),
      observedMetrics: fromEntries(row["observedMetrics"]),
      sources: (row["sources"] as { endOffset: string }[]).map(({ endOffset }) => endOffset),
    })),
  );
}

/** A map, which is a list of keys and values in rows as text. */
function fromEntries(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const entries = value as readonly { readonly key: string; readonly value: unknown }[];
  return Object.fromEntries(entries.map(({ key, value: inner }) => [key, fromEntries(inner)]));
}

const cold = (world: EngineWorld): readonly FlowToFold[] =>
  world.engine.flows.map(({ id }) => ({ flow: id, warm: undefined }));

const foldBy = (world: EngineWorld, wrap?: Wrap, path = progressPath): Promise<void> =>
  new ProgressFold(world.context(wrap), path).run(cold(world), "sweep", never);

describe("the progress of batches", () => {
  test("is folded by sweeps, every batch once, as its record says", async () => {
    const world = new EngineWorld({ bench, pipeline: engineFixture(), progressPath });
    for (const act of scenario) {
      world.clock.advance(minuteMs);
      await act.happens(world);
      await act.works(world);
    }
    await world.quiet();
    world.clock.advance(limits.progressFoldMs);
    await world.engine.sweep();
    const rows = await folded(world);
    expect(rows).toEqual(await expected(world));
    expect(rows.length).toBeGreaterThan(20);
    const whole = await world.rows("system.progress");
    const silver = whole.filter(({ name }) => name === "silver.readings");
    // Of the first batch: readings at 0, 1, 12, 20 and 24 minutes; the second finds the lane behind at 12, and rows may be 10 late.
    const eventTimes = silver
      .toSorted((a, b) => Number(a["batchId"]) - Number(b["batchId"]))
      .map(({ eventTime }) => eventTime);
    expect(eventTimes[0]).toEqual({
      min: "2026-03-01T00:00:00.000000Z",
      max: "2026-03-01T00:24:00.000000Z",
      avg: "2026-03-01T00:11:24.000000Z",
      watermark: null,
    });
    expect(eventTimes[1]).toMatchObject({
      max: "2026-03-01T00:28:00.000000Z",
      watermark: "2026-03-01T00:02:00.000000Z",
    });
    const state = await world
      .table(`checkpoints/silver.readings/${"1".padStart(20, "0")}/state/drop_duplicates`, "host")
      .find();
    const last = silver.toSorted((a, b) => Number(a["batchId"]) - Number(b["batchId"])).at(-1);
    const [operator] = (last?.["stateOperators"] ?? []) as readonly Row[];
    const stateRows = [...(state?.files ?? [])].reduce(
      (sum, { stats }) => sum + Number(JSON.parse(stats ?? "{}").numRecords),
      0,
    );
    expect(operator).toMatchObject({ operatorName: "drop_duplicates", numRowsTotal: stateRows });
    const views = whole.filter(({ name }) => name === "gold.by_device");
    expect(views.every(({ strategy }) => Number((strategy as Row)["touchedBytes"]) >= 0)).toBe(true);
  });

  test("costs no request where no batch ran since, and no commit where there was nothing to add", async () => {
    const world = await ranWorld();
    const meter = new Meter();
    const fold = new ProgressFold(
      world.context((store) => meter.of(store)),
      progressPath,
    );
    await fold.run(cold(world), "sweep", never);
    const version = (await world.table(progressPath).latest()).version;
    expect(meter.totalCalls).toBeGreaterThan(0);
    meter.reset();
    world.clock.advance(limits.progressFoldMs);
    await fold.run(cold(world), "sweep", never);
    expect(meter.totalCalls).toBe(0);
    world.clock.advance(limits.progressLookMs);
    await fold.run(cold(world), "sweep", never);
    expect((await world.table(progressPath).latest()).version).toBe(version);
  });

  test("is there for ninety days: older ones go, and are not folded again", async () => {
    const world = await ranWorld();
    const fold = new ProgressFold(world.context(), progressPath);
    await fold.run(cold(world), "sweep", never);
    const first = await folded(world);
    expect(first.length).toBeGreaterThan(0);

    world.clock.advance(limits.progressDaysKept * 24 * 60 * minuteMs);
    await fold.run(cold(world), "sweep", never);
    expect(await folded(world)).toEqual(first);

    world.send("0", [readingAt(90, "z", "d1", 5)]);
    await world.quiet();
    world.clock.advance(24 * 60 * minuteMs);
    await fold.run(cold(world), "sweep", never);
    world.clock.advance(limits.progressLookMs);
    await fold.run(cold(world), "sweep", never);
    const left = await folded(world);
    expect(left.length).toBeGreaterThan(0);
    expect(left.every((row) => !first.some((old) => JSON.stringify(old) === JSON.stringify(row)))).toBe(true);
  });

  test("is not held back by a lane that was read on in another generation, nor by a flow that is paused", async () => {
    const world = await ranWorld();
    await foldBy(world);
    await world.engine.reset("silver.readings");
    world.send("0", [readingAt(90, "z", "d1", 5)]);
    await world.quiet();
    await world.engine.pause("silver.readings");
    world.restart();
    await foldBy(world);
    const rows = await folded(world);
    expect(rows).toEqual(await expected(world));
    expect(rows.some(({ name, generation: g }) => name === "silver.readings" && g === 2)).toBe(true);
  });

  test("goes on behind entries that were cleaned before anybody folded them", async () => {
    const under = new FlowUnderTest(bench);
    await under.run(30);
    const host = under.world.estate.host;
    for (let batch = 1; batch <= 12; batch++)
      await host.delete(
        `checkpoints/${flowUnderTest}/${"1".padStart(20, "0")}/0/commits/${String(batch).padStart(20, "0")}`,
      );
    const read = (last: number | undefined, max = 100) =>
      laneCommits(
        { ...under.world.estate, store: host },
        {
          flow: flowUnderTest,
          lane: laneUnderTest,
          after: { generation: 1, batchId: 0 },
          newest: 3,
          last: last === undefined ? undefined : { generation: 1, batchId: last },
        },
        max,
      );
    const all = Array.from({ length: 18 }, (_, i) => 13 + i);
    expect((await read(undefined)).map((record) => record.batchId)).toEqual(all);
    expect((await read(30)).map((record) => record.batchId)).toEqual(all);
    expect((await read(30, 5)).map((record) => record.batchId)).toEqual(all.slice(0, 5));
  });

  test("is folded into a table of a newer build, whose columns it leaves NULL", async () => {
    const world = await ranWorld();
    await foldBy(world);
    const table = world.table(progressPath);
    const { schema } = await table.latest();
    await table.addColumns({ kind: "struct", fields: { ...schema.fields, later: { type: long(), nullable: true } } });
    world.send("0", [readingAt(90, "z", "d1", 5)]);
    await world.quiet();
    await foldBy(world);
    expect(await folded(world)).toEqual(await expected(world));
  });

  test("is folded anew, as far as logs reach, where somebody deleted the table", async () => {
    const world = await ranWorld();
    const fold = new ProgressFold(world.context(), progressPath);
    await fold.run(cold(world), "sweep", never);
    for await (const { path } of world.estate.lake.list(`${progressPath}/`)) await world.estate.lake.delete(path);
    world.clock.advance(limits.progressLookMs);
    await fold.run(cold(world), "sweep", never);
    expect(await folded(world)).toEqual(await expected(world));
  });
});

describe("an instance that folds", () => {
  test("and dies at any call leaves every batch to be there once", async () => {
    const world = await ranWorld();
    const all = await expected(world);
    const undying = new CrashPoint(Number.POSITIVE_INFINITY, "before");
    await foldBy(world, (store) => aroundStore(store, undying.around), "lake/system/whole");
    expect(undying.calls).toBeGreaterThan(50);
    const everyCall = process.env["CRASHES"] === "all";
    for (let back = 0, at = undying.calls; at >= 1; back++, at -= everyCall || back < 20 ? 1 : 25) {
      for (const moment of ["before", "after"] as const) {
        const crash = new CrashPoint(at, moment);
        const name = `system.p${at}_${moment}`;
        const path = `lake/${name.replace(".", "/")}`;
        await foldBy(world, (store) => aroundStore(store, crash.around), path).catch(expectCrash);
        await foldBy(world, undefined, path);
        expect(await folded(world, name), crash.place).toEqual(all);
      }
    }
  }, 120_000);

  test.each([1, 2])(
    "beside another one adds no batch twice, and what one gives up the next adds (seed %i)",
    async (seed) => {
      const world = await ranWorld();
      const baton = new Baton(seededRandom(seed), ["one", "two"]);
      const instance = (name: string) =>
        baton.run(name, () => foldBy(world, (store) => aroundStore(store, baton.around(name))));
      const both = [instance("one"), instance("two")];
      baton.begin();
      await Promise.all(both);
      await foldBy(world);
      expect(await folded(world)).toEqual(await expected(world));
    },
  );
});

describe("the logs of a lane", () => {
  const commitsLeft = async (under: FlowUnderTest): Promise<number> =>
    (await under.world.hostPaths()).filter((path) => path.includes("/commits/")).length;
  const flows: readonly FlowToFold[] = [{ flow: flowUnderTest, warm: undefined }];

  test("are not cleaned of what is not folded, and are once it is", async () => {
    const under = new FlowUnderTest(bench);
    await under.run(300, 10 * minuteMs);
    await under.world.estate.host.put(
      `checkpoints/${flowUnderTest}/generations/${"1".padStart(20, "0")}`,
      new TextEncoder().encode(JSON.stringify(under.record)),
    );
    const fold = new ProgressFold(under.world.context(), progressPath);
    await under.maintain(under.maintenance([], undefined, fold));
    expect(await commitsLeft(under)).toBe(300);
    await fold.run(flows, "now", never);
    await under.maintain(under.maintenance([], undefined, fold));
    expect(await commitsLeft(under)).toBeLessThan(200);
    const rows = await under.world.rows("system.progress");
    expect(rows.map((row) => Number(row["batchId"])).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 300 }, (_, i) => i + 1),
    );
  });

  test("are cleaned all the same where folding has not come about for ten thousand batches", async () => {
    const under = new FlowUnderTest(bench);
    await under.run(30);
    under.world.clock.advance(2 * limits.laneEntriesKeptMs);
    const { generation: record, lanes } = await under.warm();
    const { log, head } = lanes.get(laneUnderTest)!;
    const later = { ...head, lastCommit: { ...under.commit!, batchId: limits.progressLagEntriesMax + 110 } };
    await under
      .maintenance([], undefined, { foldedTo: async () => 0 })
      .run({ generation: record, lanes: new Map([[laneUnderTest, { log, head: later }]]) }, never);
    expect(await commitsLeft(under)).toBe(20);
  });
});

test("how far a lane was folded is told by generation", async () => {
  const world = await ranWorld();
  await foldBy(world);
  const flow = "silver.readings" as FlowId;
  const fold = new ProgressFold(world.context(), progressPath);
  const last = Number(await fold.foldedTo(flow, 1, laneId("0"), 1));
  expect(last).toBeGreaterThan(1);
  expect(await fold.foldedTo(flow, 2, laneId("0"), 1)).toBe(0);
  const { txns } = await world.table(progressPath).latest();
  expect(txns.get(`progress/${world.pipeline.name}/${flow}/0`)).toBe(txnVersion(generation(1), batchId(last)));
});

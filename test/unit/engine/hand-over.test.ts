/** A new generation of a flow (engine-rules 2): reset, refresh, restore, a plan that goes on; and whoever still runs the one before. */
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FlowLog, layout, type GenerationRecord } from "../../../shared/checkpoint/index.ts";
import {
  batchId,
  flowId,
  generation,
  isDyneError,
  laneId,
  seededRandom,
  txnVersion,
} from "../../../shared/core/index.ts";
import { raiseGeneration, type GenerationChange } from "../../../shared/engine/generation.ts";
import { StreamDriver } from "../../../shared/engine/drivers/stream-driver.ts";
import { HubDriver } from "../../../shared/engine/drivers/hub-driver.ts";
import type { FlowDriver } from "../../../shared/engine/flow.ts";
import { definePipeline, tablePath } from "../../../shared/pipeline/index.ts";
import type { ObjectStore } from "../../../shared/storage/index.ts";
import { EngineBench, EngineWorld, newEstate, sorted, type Row } from "../../support/engine-harness.ts";
import { aroundStore, Baton, CrashPoint, dyingAtCommit, dyingAtOutcome, isCrash } from "../../support/engine-faults.ts";
import { commitsOfTxns, judgeStream, judgeView } from "../../support/engine-oracle.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { readingAt, scenario } from "../../support/engine-scenario.ts";

const seed = Number(process.env["SEED"] ?? 20_260_401);
const crashTries = process.env["CRASHES"] === "all" ? Number.POSITIVE_INFINITY : 3;
const replay = `SEED=${seed} CRASHES=${process.env["CRASHES"] ?? "sample"} npx vitest run --project unit test/unit/engine/hand-over.test.ts`;
const needed = ["bronze.events", "bronze.devices", "silver.bodies", "silver.readings", "gold.by_device"];
const pipeline = definePipeline(
  "fixture",
  engineFixture().tables.filter(({ name }) => needed.includes(name)),
);
const [events, readings, byDevice] = ["bronze.events", "silver.readings", "gold.by_device"] as const;

let bench: EngineBench;
let otherBench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
  otherBench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await otherBench[Symbol.asyncDispose]();
});

/** A world in which every flow has run a few batches. */
async function busyWorld(acts = scenario.length): Promise<EngineWorld> {
  const world = new EngineWorld({ bench, pipeline }, newEstate(seed));
  for (const act of scenario.slice(0, acts)) {
    await act.happens(world);
    await act.works(world);
  }
  await world.quiet();
  return world;
}

/** Another instance over the same estate. */
function beside(world: EngineWorld, wrap?: ConstructorParameters<typeof EngineWorld>[0]["wrap"]): EngineWorld {
  return new EngineWorld({ bench, pipeline, ...(wrap === undefined ? {} : { wrap }) }, world.estate);
}

async function newest(world: EngineWorld, flow: string): Promise<GenerationRecord> {
  const { host, clock, random } = world.context((store) => store);
  const records = await new FlowLog({ store: host, clock, random }, world.flow(flow).id).generations();
  return records.at(-1) as GenerationRecord;
}

function driverOf(world: EngineWorld, flow: string) {
  const context = world.context((store) => store);
  const declared = (name: string) => world.flow(name) as never;
  return flow === events
    ? { context, driver: new HubDriver(context, declared(events)) }
    : { context, driver: new StreamDriver(context, declared(flow), new HubDriver(context, declared(events))) };
}

async function raise(world: EngineWorld, flow: string, change: GenerationChange): Promise<void> {
  const { context, driver } = driverOf(world, flow);
  await raiseGeneration(context, driver, change);
}

async function operations(world: EngineWorld, flow: string): Promise<(string | undefined)[]> {
  const table = world.table(tablePath(flow));
  const commits = await table.changes(-1, (await table.latest()).version);
  return commits.map(({ commitInfo }) => commitInfo?.operation);
}

/** A static table is joined as it stands when a batch is planned: rows that are read again meet a newer one. */
function withoutSite(rows: readonly Row[] = []): Row[] {
  return sorted(rows.map((row) => ({ ...row, site: null })));
}

async function expectTxnsOnce(world: EngineWorld, where = ""): Promise<void> {
  // The swap of a generation is one commit with the txn of every lane; batches have theirs once as well.
  expect(
    [...(await commitsOfTxns(world))].filter(([, count]) => count !== 1),
    where,
  ).toEqual([]);
}

const changes: readonly { readonly name: string; readonly change: (world: EngineWorld) => Promise<void> }[] = [
  { name: "reset", change: (world) => world.engine.reset(readings) },
  { name: "continuing plan", change: (world) => raise(world, readings, { reason: "plan" }) },
  { name: "reset of bronze's reader without state", change: (world) => world.engine.reset("silver.bodies") },
];

describe("a flow that is reset", () => {
  test("loses its rows in one commit per table and makes them again from the start of its input", async () => {
    const world = await busyWorld();
    const before = await world.everything();
    await world.engine.reset(readings);
    await world.quiet();
    const after = await world.everything();
    expect(withoutSite(after[readings])).toEqual(withoutSite(before[readings]));
    expect(after[`${readings} (quarantine)`]).toEqual(before[`${readings} (quarantine)`]);
    expect((await operations(world, readings)).filter((operation) => operation === "RESET")).toHaveLength(1);
    const { actual, lawful } = await judgeStream(world, readings);
    expect(actual).toEqual(lawful);
    expect(await newest(world, readings)).toMatchObject({
      generation: 2,
      reason: "reset",
      continues: { kind: "start" },
      swap: { quarantine: { "0": null }, sink: { "0": null } },
    });
    await expectTxnsOnce(world);
  });

  test("with several lanes fences all of them, and each reads its partition from the start", async () => {
    const world = await busyWorld();
    const before = await world.rows(events);
    await world.engine.reset(events);
    await world.quiet();
    expect(await world.rows(events)).toEqual(before);
    const table = await world.table(tablePath(events)).latest();
    for (const lane of ["0", "1"]) {
      expect(table.txns.get(`dyne/fixture/${events}/${lane}`)).toBeGreaterThan(txnVersion(generation(2), batchId(0)));
    }
    expect(await world.stateOf(readings), "rows of bronze were removed, which its reader must not overlook").toBe(
      "FAILED",
    );
  });

  test("makes a FAILED flow run again", async () => {
    const failing = engineFixture({ failAtValue: 5 });
    const world = new EngineWorld({ bench, pipeline: failing });
    await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
    world.send("0", [readingAt(0, "a", "d1", 5)]);
    await world.quiet();
    expect(await world.stateOf(readings)).toBe("FAILED");
    const { failure } = (await world.record(layout.state(world.flow(readings).id))) as {
      failure: { generation: number };
    };
    expect(failure.generation).toBe(1);
    const mended = new EngineWorld({ bench, pipeline: engineFixture() }, world.estate);
    await raise(mended, readings, { reason: "reset" });
    await mended.quiet();
    expect(await mended.rows(readings)).toHaveLength(1);
  });

  test("and never ran is refused", async () => {
    const world = new EngineWorld({ bench, pipeline });
    await expect(world.engine.reset(readings)).rejects.toThrow(/has not run yet/);
    await expect(world.engine.reset("silver.nothing")).rejects.toThrow(/Choose one of bronze\.events/);
  });
});

describe("an instance of the generation before", () => {
  const sleepers: readonly { readonly until: string; readonly wrap: () => (store: never) => never }[] = [
    { until: "the outcome", wrap: () => dyingAtOutcome(readings) as never },
    { until: "the sink's commit", wrap: () => dyingAtCommit(tablePath(readings)) as never },
  ];

  test.each(sleepers)("that died before $until leaves a batch that a reset does not want", async ({ wrap }) => {
    const world = await busyWorld(1);
    await scenario[1]?.happens(world);
    world.restart(wrap() as never);
    await world.engine.sweep().catch((error: unknown) => {
      if (!isCrash(error)) throw error;
    });
    const other = beside(world);
    other.restart();
    await other.engine.reset(readings);
    await other.quiet();
    const { actual, lawful } = await judgeStream(other, readings);
    expect(actual).toEqual(lawful);
    await expectTxnsOnce(other);
  });

  test.each(sleepers)(
    "that died before $until leaves a batch that a continuing plan finishes or reads again",
    async ({ wrap }) => {
      const world = await busyWorld(1);
      await scenario[1]?.happens(world);
      world.restart(wrap() as never);
      await world.engine.sweep().catch((error: unknown) => {
        if (!isCrash(error)) throw error;
      });
      const quiet = await busyWorld(2);
      const other = beside(world);
      other.restart();
      await raise(other, readings, { reason: "plan" });
      await other.quiet();
      expect(await other.rows(readings)).toEqual(await quiet.rows(readings));
      expect(await other.rows(readings, { quarantine: true })).toEqual(
        await quiet.rows(readings, { quarantine: true }),
      );
      await expectTxnsOnce(other);
    },
  );

  test.each(changes.flatMap(({ name, change }) => [1].map((run) => ({ name, change, run: seed + run }))))(
    "that works on beside a $name changes nothing of the result (seed $run)",
    { timeout: 60_000 },
    async ({ change, run }) => {
      const world = await busyWorld(1);
      const quiet = await busyWorld(2);
      const baton = new Baton(seededRandom(run), ["old", "young"]);
      const instance = (name: "old" | "young", own: EngineBench): EngineWorld =>
        new EngineWorld(
          { bench: own, pipeline, wrap: (store) => aroundStore(withoutLeases(store), baton.around(name)) },
          world.estate,
        );
      const [old, young] = [instance("old", bench), instance("young", otherBench)];
      await scenario[1]?.happens(world);
      baton.begin();
      await Promise.all([
        baton.run("old", () => old.engine.sweep()),
        baton.run("young", async () => {
          await change(young);
          await young.engine.sweep();
        }),
      ]);
      world.restart();
      await world.quiet();
      const where = `again with: SEED=${run - 1} npx vitest run --project unit test/unit/engine/hand-over.test.ts`;
      expect(await world.everything(), where).toEqual(await quiet.everything());
      expect(await world.stateOf(readings)).toBe("RUNNING");
      await expectTxnsOnce(world, where);
    },
  );
});

test("a plan that goes on keeps state, watermark and place: no row is read twice, no duplicate let through", async () => {
  const world = await busyWorld(2);
  await raise(world, readings, { reason: "plan" });
  await raise(world, events, { reason: "plan" });
  await world.quiet();
  await raise(world, readings, { reason: "plan" });
  for (const act of scenario.slice(2)) {
    await act.happens(world);
    await act.works(world);
  }
  await world.quiet();
  expect(await world.everything()).toEqual(await (await busyWorld()).everything());
  expect(await newest(world, readings)).toMatchObject({ generation: 3, reason: "plan", swap: null });
  expect(await operations(world, readings)).not.toContain("PLAN");
  await expectTxnsOnce(world);
});

describe("a generation that is raised before all lanes have begun the one before", () => {
  const bodies = "silver.bodies";
  const firsts: readonly { readonly name: string; readonly change: GenerationChange; readonly keeps: string[] }[] = [
    { name: "a reset", change: { reason: "reset" }, keeps: ["0", "1"] },
    {
      name: "a change that swaps the rows of one lane",
      change: { reason: "restore", versions: { sink: { "0": null } }, continues: { kind: "seal" } },
      keeps: ["1"],
    },
  ];

  test.each(firsts)("finds $name done for each lane, also where another lane went on", async ({ change, keeps }) => {
    const world = await busyWorld();
    const before = await world.rows(bodies);
    await raise(world, bodies, change);
    await raise(world, bodies, { reason: "plan" });
    world.send("0", [readingAt(90, "z", "d1", 1)]);
    await world.quiet();
    expect(await world.stateOf(bodies)).toBe("RUNNING");
    const ofLanes = (rows: readonly Row[]) => rows.filter(({ partition }) => keeps.includes(String(partition)));
    const sent = (await world.rows(bodies)).filter((row) => !before.some((each) => isDeepStrictEqual(each, row)));
    expect(sent).toHaveLength(1);
    expect(ofLanes(await world.rows(bodies))).toEqual(sorted([...ofLanes(before), ...ofLanes(sent)]));
    await expectTxnsOnce(world);
  });
});

test("a view that is refreshed shows its old rows until one commit replaces them", async () => {
  const world = await busyWorld();
  const before = await world.rows(byDevice);
  const commits = (await operations(world, byDevice)).length;
  await world.engine.refresh(byDevice);
  await world.quiet();
  expect(await world.rows(byDevice)).toEqual(before);
  expect(await operations(world, byDevice)).toHaveLength(commits + 1);
  const { actual, lawful } = await judgeView(world, byDevice);
  expect(actual).toEqual(lawful);
  await expect(world.engine.refresh(readings)).rejects.toThrow(/is not refreshed/);
});

describe("a flow that is restored to a version of its sink", () => {
  /** The version of the sink after the second act, and its rows. */
  async function restorable(): Promise<{
    world: EngineWorld;
    version: number;
    rows: readonly Row[];
    all: readonly Row[];
  }> {
    const world = await busyWorld(2);
    const { version } = await world.table(tablePath(readings)).latest();
    const rows = await world.rows(readings);
    for (const act of scenario.slice(2)) {
      await act.happens(world);
      await act.works(world);
    }
    await world.quiet();
    return { world, version, rows, all: await world.rows(readings) };
  }

  test("and rewound reads again what came after it, into sink, state and quarantine", async () => {
    const { world, version, all } = await restorable();
    const quarantine = await world.rows(readings, { quarantine: true });
    await world.engine.restore(readings, version, "rewind");
    await world.quiet();
    expect(withoutSite(await world.rows(readings))).toEqual(withoutSite(all));
    expect(await world.rows(readings, { quarantine: true })).toEqual(quarantine);
    await expectTxnsOnce(world);
  });

  test("and keeps its place does not", async () => {
    const { world, version, rows } = await restorable();
    await world.engine.restore(readings, version, "keep-position");
    await world.quiet();
    expect(await world.rows(readings)).toEqual(rows);
    world.send("1", [readingAt(90, "z", "d1", 1)]);
    await world.quiet();
    expect(await world.rows(readings)).toHaveLength(rows.length + 1);
  });

  test("and keeps its place finishes the batch that was decided before", async () => {
    const { world, version } = await restorable();
    world.send("1", ["oops", readingAt(90, "z", "d1", 1)]);
    world.restart(dyingAtCommit(tablePath(readings)));
    await world.engine.sweep().catch((error: unknown) => {
      if (!isCrash(error)) throw error;
    });
    world.restart();
    await world.engine.restore(readings, version, "keep-position");
    await world.quiet();
    expect(await world.stateOf(readings)).toBe("RUNNING");
    world.send("1", [readingAt(91, "y", "d1", 1)]);
    await world.quiet();
    expect((await world.rows(readings)).map(({ reading_id }) => reading_id)).toContain("y");
    await expectTxnsOnce(world);
  });

  test("with lanes of their own goes back lane by lane", async () => {
    const world = await busyWorld(2);
    const { version } = await world.table(tablePath("silver.bodies")).latest();
    for (const act of scenario.slice(2)) {
      await act.happens(world);
      await act.works(world);
    }
    await world.quiet();
    const all = await world.rows("silver.bodies");
    await world.engine.restore("silver.bodies", version, "rewind");
    await world.quiet();
    expect(await world.rows("silver.bodies")).toEqual(all);
  });

  test("that is from before its state was made anew cannot be rewound, and says what can be done", async () => {
    const { world, version } = await restorable();
    await world.engine.reset(readings);
    await world.quiet();
    await expect(world.engine.restore(readings, version, "rewind")).rejects.toSatisfy(
      (error: unknown) => isDyneError(error, "VERSION_NOT_FOUND") && /keep-position, or reset/.test(error.message),
    );
  });
});

describe("an instance that dies while a lane passes to a new generation", () => {
  test.each(changes)(
    "$name: another one finishes it, and the tables are those of a quiet run",
    { timeout: 600_000 },
    async ({ change }) => {
      const quiet = await (await busyWorld(2)).everything();
      const counter = new CrashPoint(0, "before");
      const whole = await busyWorld(1);
      await scenario[1]?.happens(whole);
      await change(whole);
      whole.restart((store) => aroundStore(store, counter.around));
      await whole.engine.sweep();
      const step = Math.max(1, (2 * counter.calls) / crashTries);
      for (let i = seededRandom(seed).next() * step; i < 2 * counter.calls; i += step) {
        const point = new CrashPoint(Math.floor(i / 2) + 1, i % 2 < 1 ? "before" : "after");
        const world = await busyWorld(1);
        await scenario[1]?.happens(world);
        await change(world);
        world.restart((store) => aroundStore(store, point.around));
        await world.engine.sweep().catch((error: unknown) => {
          if (!isCrash(error)) throw error;
        });
        world.restart();
        await world.quiet();
        const where = `${point.place}; again with: ${replay}`;
        expect(await world.everything(), where).toEqual(quiet);
        await expectTxnsOnce(world, where);
      }
    },
  );
});

describe("a lane that a reset does not know of, because it appeared at that moment,", () => {
  /** What the generation before sees of the account `host`: nothing of the one that follows it. */
  function unaware(store: ObjectStore): ObjectStore {
    const isHidden = (path: string) => path === layout.generation(flowId(events), generation(2));
    return {
      ...aroundStore(store, (_operation, work) => work()),
      get: async (path, options) => (isHidden(path) ? undefined : store.get(path, options)),
      async *list(prefix, options) {
        for await (const meta of store.list(prefix, options)) if (!isHidden(meta.path)) yield meta;
      },
    };
  }

  /** A reset of bronze that was decided when only lane 0 was there; lane 1 has an event that nobody has read. */
  async function halfKnown(): Promise<{ old: EngineWorld; young: EngineWorld }> {
    const world = new EngineWorld({ bench, pipeline }, newEstate(seed));
    const sent = world.send("0", [readingAt(0, "a", "d1", 5), readingAt(1, "b", "d1", 5)]);
    await world.engine.hubEvents("events", "0", sent);
    world.send("1", [readingAt(2, "c", "d1", 5)]);
    const { context, driver } = driverOf(world, events);
    const lanes = async () => [laneId("0")];
    const record = await raiseGeneration(context, delegated(driver, { lanes }), { reason: "reset" });
    expect(record.swap).toEqual({ sink: { "0": null } });
    return { old: beside(world, unaware), young: beside(world) };
  }

  test("is continued where the generation before left it", async () => {
    const { old, young } = await halfKnown();
    await old.engine.sweep();
    expect(await old.rows(events)).toHaveLength(3);
    young.restart();
    await young.quiet();
    expect(await young.rows(events)).toHaveLength(3);
    const begin = layout.entry(flowId(events), generation(2), laneId("1"), "commits", batchId(0));
    expect(await young.record(begin)).toMatchObject({ continues: { generation: 1, batchId: 1 } });
    await expectTxnsOnce(young);
  });

  test("is sealed by the new generation first, and the one before stops quietly there", async () => {
    const { old, young } = await halfKnown();
    await young.engine.sweep();
    old.restart(unaware);
    await old.engine.sweep();
    young.restart();
    await young.quiet();
    expect(await young.rows(events)).toHaveLength(3);
    await expectTxnsOnce(young);
  });
});

/** A driver with some of its methods replaced. */
function delegated(driver: FlowDriver, replaced: Partial<FlowDriver>): FlowDriver {
  return {
    flow: driver.flow,
    planFingerprint: driver.planFingerprint,
    minIntervalMs: driver.minIntervalMs,
    position: driver.position,
    tables: (g) => driver.tables(g),
    lanes: () => driver.lanes(),
    start: (lane) => driver.start(lane),
    plan: (lane, head, hint, record) => driver.plan(lane, head, hint, record),
    compute: (batch) => driver.compute(batch),
    ...replaced,
  };
}

/** A store on which everybody gets every lease and keeps it. */
function withoutLeases(store: ObjectStore): ObjectStore {
  return {
    ...aroundStore(store, (_operation, work) => work()),
    acquireLease: async () => ({ renew: async () => true, release: async () => {} }),
  };
}

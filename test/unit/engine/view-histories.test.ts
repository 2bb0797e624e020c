/**
 * Whatever happens to a table, each view above it equals its batch query after each of its batches (engine-rules 8–12), and a death in
 * between changes nothing.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aroundStore, CrashPoint, dyingAtCommit, expectCrash } from "../../support/engine-faults.ts";
import { layout } from "../../../shared/checkpoint/index.ts";
import { generation, limits, seededRandom } from "../../../shared/core/index.ts";
import { rewriteTable } from "../../support/engine-foreign.ts";
import { EngineBench, EngineWorld, newEstate, type Wrap } from "../../support/engine-harness.ts";
import { committedBatches, judgeView } from "../../support/engine-oracle.ts";
import { relatedViews } from "../../support/view-relations.ts";
import {
  expectViewLaw,
  fileWith,
  reprice,
  sale,
  sales,
  salesPipeline,
  salesViews,
  salesWorld,
  sell,
  stocked,
  strategies,
  unsell,
  type Sale,
} from "../../support/view-sales.ts";
import { hiddenTables } from "../../../shared/engine/incremental/hidden-tables.ts";
import { viewPlan } from "../../../shared/engine/incremental/view-plan.ts";
import type { LogicalPlan } from "../../../shared/plan/index.ts";
import { call, column, long, nothing, text } from "../../../shared/engine/incremental/expressions.ts";
import { count, materializedView, read, tablePath, type DeclaredTable } from "../../../shared/pipeline/index.ts";

const seed = Number(process.env["SEED"] ?? 29);
const numRuns = Number(process.env["RUNS"] ?? 1);
const replay = `again with: SEED=${seed} RUNS=${numRuns} [FC_PATH=…] npx vitest run --project unit test/unit/engine/view-histories.test.ts`;
const settings: fc.Parameters<unknown> = {
  seed,
  numRuns,
  endOnFailure: process.env["SHRINK"] === undefined,
  ...(process.env["FC_PATH"] === undefined ? {} : { path: process.env["FC_PATH"] }),
};

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

const allViews = Object.values(salesViews);
const kinds: readonly {
  readonly what: string;
  readonly views: readonly DeclaredTable[];
  readonly ways: readonly string[];
}[] = [
  { what: "rows and groups", views: allViews, ways: ["append", "full", "merge-partials", "recompute-keys"] },
  {
    what: "joins, windows and unions",
    views: Object.values(relatedViews),
    ways: ["append", "full", "merge-partials", "recompute-keys"],
  },
];
const newWorld = (views: readonly DeclaredTable[]): Promise<EngineWorld> => salesWorld(bench, views);
const one = (world: EngineWorld) => sell(world, [sale({ day: 1, shop: "b", item: "new", amount: 70 })]);

const anything = fc.oneof;
const arbitrarySale: fc.Arbitrary<Sale> = fc.record({
  day: anything(fc.constant(null), fc.nat(2)),
  shop: fc.constantFrom("a", "b", "", "A", null),
  item: fc.constantFrom("x", "y", "z", null),
  amount: anything(
    { weight: 4, arbitrary: fc.integer({ min: -3, max: 9 }) },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
  price: fc.constantFrom("0.10", "-2.35", "9999999999.99", null),
  // Quarters add up without loss, whatever the order.
  weight: anything(
    fc.integer({ min: -20, max: 20 }).map((quarters) => quarters / 4),
    fc.constant(null),
  ),
});

type Step =
  | { readonly kind: "sell"; readonly rows: readonly Sale[] }
  | { readonly kind: "delete"; readonly of: readonly [string, string | null]; readonly which: number | undefined }
  | { readonly kind: "reprice"; readonly by: number; readonly which: number | undefined }
  | { readonly kind: "optimize"; readonly table: string; readonly which: number | undefined }
  | { readonly kind: "wait" };

const which = fc.option(fc.nat(20), { nil: undefined });
const stepOn = (tables: readonly DeclaredTable[]): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant("sell" as const),
        rows: fc.array(arbitrarySale, { minLength: 1, maxLength: 5 }),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant("delete" as const),
        of: fc.oneof(
          fc.tuple(fc.constant("shop"), fc.constantFrom("a", "b", "", null)),
          fc.tuple(fc.constant("item"), fc.constantFrom("x", "y", "z", null)),
        ),
        which: fc.option(fc.nat(20), { nil: undefined, freq: 1 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("reprice" as const), by: fc.integer({ min: -1, max: 1 }), which }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("optimize" as const),
        table: fc.constantFrom("bronze.sales", ...tables.map(({ name }) => name as string)),
        which,
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: "wait" as const }) },
  );

async function take(world: EngineWorld, now: Step): Promise<void> {
  switch (now.kind) {
    case "sell":
      return sell(world, now.rows);
    case "delete": {
      const [name, value] = now.of;
      const given = value === null ? nothing({ kind: "string" }) : text(value);
      return unsell(world, call("not", call("eq_null_safe", column(name), given)), now.which);
    }
    case "reprice":
      return reprice(world, "amount", call("plus", column("amount"), long(now.by)), now.which);
    case "optimize":
      await rewriteTable(world, now.table, { dataChange: false, which: now.which });
      return;
    case "wait":
      return world.engine.sweep();
  }
}

describe("views", () => {
  test.each(kinds)(
    "of $what equal their queries after each batch of any history",
    { timeout: 300_000 },
    async ({ views: drawn, ways }) => {
      const taken = new Set<string>();
      await fc.assert(
        fc.asyncProperty(
          fc.array(arbitrarySale, { minLength: 8, maxLength: 16 }),
          fc.array(stepOn(drawn), { minLength: 5, maxLength: 10, size: "max" }),
          async (stock, history) => {
            // The size of a change is no reason here: every way there is for it is taken.
            const views = drawn.map((view) => ({ ...view, refresh: "incremental" as const }));
            const world = await newWorld(views);
            await sell(world, stock);
            await world.quiet();
            for (const now of history) {
              await take(world, now);
              if (now.kind !== "optimize") await world.engine.sweep();
            }
            await world.quiet();
            await expectViewLaw(world, views, replay);
            for (const view of views) for (const name of await strategies(world, view)) taken.add(name);
          },
        ),
        settings,
      );
      if (process.env["SEED"] === undefined) expect([...taken].sort(), "ways that were taken").toEqual(ways);
    },
  );
});

describe("hidden tables", () => {
  test("are written with the view by one outcome, and the view has its own columns only", async () => {
    const world = await newWorld([salesViews.perShop]);
    await stocked(world);
    const last = (await committedBatches(world, "gold.per_shop")).at(-1)?.commit;
    expect(Object.keys(last?.tables ?? {})).toEqual([
      "state:aggregate-0",
      "state:aggregate-0-values-0",
      "state:aggregate-0-values-1",
      "state:aggregate-0-values-2",
      "sink",
    ]);
    expect(new Set(Object.values(last?.tables ?? {}).map(({ txn }) => txn)).size).toBe(1);
    const { schema } = await world.table(tablePath("gold.per_shop")).latest();
    expect(schema).toEqual(salesViews.perShop.schema);
  });

  test("of new groups in every batch are few files, and no group is lost in them", async () => {
    const view = salesViews.perShop;
    const world = await newWorld([view]);
    await stocked(world);
    for (let batch = 0; batch < 12; batch++) {
      await sell(world, [sale({ day: 1, shop: `new ${batch}`, item: `of ${batch}`, amount: batch })]);
      await world.quiet();
      for (const { name } of hiddenTables(viewPlan(view.query as LogicalPlan), {
        ...view,
        path: tablePath(view.name),
      })) {
        const hidden = layout.stateTable(world.flow(view.name).id, generation(1), name);
        const { files } = await world.table(hidden, "host").latest();
        const byDay = Object.groupBy([...files], ({ partitionValues }) => JSON.stringify(partitionValues));
        expect(Object.keys(byDay).length).toBe(6);
        for (const ofDay of Object.values(byDay))
          expect(ofDay?.length, `${name} after batch ${batch}`).toBeLessThanOrEqual(limits.hiddenSmallFilesMax);
      }
    }
    await unsell(world, call("not", call("eq", column("shop"), text("new 1"))), await fileWith(world, "new 1"));
    await world.quiet();
    await expectViewLaw(world, [view], "after the groups of twelve batches");
    expect(new Set((await strategies(world, view)).slice(-13))).toEqual(new Set(["merge-partials"]));
  });

  test("are read as the last commit left them, also after a death between them and the view", async () => {
    const views = [salesViews.perShop];
    for (const dies of [
      "checkpoints/gold.per_shop/00000000000000000001/state/aggregate-0",
      tablePath("gold.per_shop"),
    ]) {
      const world = await newWorld(views);
      await stocked(world);
      await one(world);
      world.restart(dyingAtCommit(dies));
      await world.engine.sweep().catch(expectCrash);
      await sell(world, [sale({ day: 1, shop: "b", item: "newer", amount: 71 })]);
      world.restart();
      await world.quiet();
      await expectViewLaw(world, views, dies);
    }
  });

  test.each<[string, (tables: Readonly<Record<string, unknown>>) => Record<string, unknown>]>([
    ["was made without", ({ sink }) => ({ sink })],
    [
      "has in another form",
      (tables) => ({
        ...tables,
        "state:aggregate-0": tables["state:aggregate-1"] ?? tables["state:aggregate-0-values-0"],
      }),
    ],
  ])("that a generation %s are not missed: touched groups are computed from their rows", async (_, changed) => {
    const [single, chain] = [salesViews.perShop, salesViews.perDay];
    const world = await newWorld([single, chain]);
    await stocked(world);
    for (const { name } of [single, chain]) {
      const path = layout.generation(world.flow(name).id, generation(1));
      const record = (await world.record(path)) as { tables: Record<string, unknown> };
      const tables = changed(record.tables);
      await world.estate.host.put(path, new TextEncoder().encode(JSON.stringify({ ...record, tables })));
    }
    world.restart();
    await one(world);
    await world.quiet();
    expect((await strategies(world, single)).at(-1)).toBe("recompute-keys");
    expect((await strategies(world, chain)).at(-1)).toBe("full");
    await expectViewLaw(world, [single, chain], "without hidden tables");
  });

  test("that a batch of another build has passed by are made anew, and kept from then on", async () => {
    const view = salesViews.perShop;
    const world = await newWorld([view]);
    await stocked(world);
    // The same query and the same data, and no use for hidden tables.
    const inFull = { ...view, refresh: "full" as const };
    const other = new EngineWorld({ bench, pipeline: salesPipeline([inFull]) }, world.estate);
    await one(other);
    await other.quiet();
    world.restart();
    for (const _ of ["made anew", "kept"]) {
      await one(world);
      await world.quiet();
    }
    expect((await strategies(world, view)).slice(-3)).toEqual(["full", "full", "merge-partials"]);
    await expectViewLaw(world, [view], "passed by");
  });

  test("of one group over the groups of nothing are made before the first row, and kept from then on", async () => {
    const view = materializedView("gold.shops", {
      minInterval: "0 seconds",
      query: read(sales)
        .select(({ shop }) => ({ shop }))
        .distinct()
        .groupBy()
        .agg(({ shop }) => ({ shops: count(shop) })),
      refresh: "incremental",
    });
    const world = await salesWorld(bench, [view]);
    await world.quiet();
    for (const shop of ["a", "b", "c"]) {
      await sell(world, [sale({ shop })]);
      await world.quiet();
    }
    expect(await strategies(world, view)).toEqual(["full", "merge-partials", "merge-partials", "merge-partials"]);
    await expectViewLaw(world, [view], "over nothing at first");
  });

  test("and their view are right after a death at any call of a refresh", { timeout: 600_000 }, async () => {
    const views = [salesViews.perShop, salesViews.perDay, salesViews.extremes];
    const before = await newWorld(views);
    await stocked(before);
    await unsell(before, call("ne", column("item"), text("i7")), 1);
    await one(before);
    const calls = new CrashPoint(0, "before");
    const whole = await copyOf(before, calls);
    await whole.quiet();
    const undisturbed = await whole.everything();
    const tries = process.env["CRASHES"] === "all" ? calls.calls : 8;
    const first = seededRandom(seed).next();
    for (let n = 0; n < tries; n++) {
      const at = 1 + Math.floor(((n + first) / tries) * calls.calls);
      const moment = n % 2 === 0 ? "before" : "after";
      const world = await copyOf(before, new CrashPoint(at, moment));
      await world.engine.sweep().catch(expectCrash);
      world.restart();
      await world.quiet();
      const where = `${moment} call ${at}; CRASHES=${process.env["CRASHES"] ?? "sample"} ${replay}`;
      expect(await world.everything(), where).toEqual(undisturbed);
      await sell(world, [sale({ day: 1, shop: "b", item: "later", amount: 7 })]);
      await world.quiet();
      for (const { name } of views) {
        const { actual, lawful } = await judgeView(world, name);
        expect(actual, `${name}, ${where}`).toEqual(lawful);
      }
    }
  });

  test.each([
    { view: salesViews.perShop, way: "merge-partials" },
    { view: salesViews.overall, way: "merge-partials" },
    { view: salesViews.extremes, way: "recompute-keys" },
    { view: salesViews.perDay, way: "merge-partials" },
    { view: salesViews.large, way: "recompute-keys" },
    { view: salesViews.unsplit, way: "recompute-keys" },
  ])(
    "stay as they were decided where only the merge of $view.name is done again, after $way",
    async ({ view, way }) => {
      const world = await newWorld([view]);
      await stocked(world);
      await unsell(world, call("ne", column("item"), text("i7")), 1);
      world.restart(dyingAtCommit(tablePath(view.name)));
      await world.engine.sweep().catch(expectCrash);
      await rewriteTable(world, view.name, { dataChange: false });
      world.restart();
      await world.quiet();
      const redone = (await world.hostPaths()).filter((path) => /outcome\/0*\d+\.1$/.test(path));
      expect(redone).toHaveLength(1);
      expect((await strategies(world, view)).at(-1)).toBe(way);
      await expectViewLaw(world, [view], "after the redo");
      await one(world);
      await world.quiet();
      await expectViewLaw(world, [view], "after the batch that follows");
    },
  );

  test("are nobody else's: one that was rewritten under a decided batch fails the flow", async () => {
    const view = salesViews.perShop;
    const world = await newWorld([view]);
    await stocked(world);
    await one(world);
    const hidden = layout.stateTable(world.flow(view.name).id, generation(1), "aggregate-0");
    world.restart(dyingAtCommit(hidden));
    await world.engine.sweep().catch(expectCrash);
    const table = world.table(hidden, "host");
    const removes = [...(await table.latest()).files].map(({ path }) => ({ remove: { path, dataChange: false } }));
    await table.commit({ actions: removes, isBlindAppend: false, operation: "OPTIMIZE" });
    world.restart();
    await world.engine.sweep().catch(() => undefined);
    expect(await world.stateOf(view.name)).toBe("FAILED");
    expect(await world.record(layout.state(world.flow(view.name).id))).toMatchObject({
      failure: { code: "SINK_CHANGED" },
    });
  });
});

/** Another world with the same tables and logs, whose instance dies at a point. */
async function copyOf(world: EngineWorld, point: CrashPoint): Promise<EngineWorld> {
  const estate = newEstate(seed);
  for (const [root, container] of [
    ["host", "checkpoints/"],
    ["lake", "lake/"],
    ["lake", "quarantine/"],
  ] as const) {
    for await (const { path } of world.estate[root].list(container)) {
      const object = await world.estate[root].get(path);
      if (object !== undefined) await estate[root].put(path, object.bytes);
    }
  }
  const wrap: Wrap = (store) => aroundStore(store, point.around);
  return new EngineWorld({ bench, pipeline: world.pipeline, wrap }, estate);
}

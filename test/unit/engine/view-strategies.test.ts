/** Which way a view is refreshed, and that it is right (engine-rules 8–11): appended, merged, recomputed by keys, by partitions, in full. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { dyingAtOutcome, expectCrash } from "../../support/engine-faults.ts";
import { EngineBench, EngineWorld } from "../../support/engine-harness.ts";
import { committedBatches } from "../../support/engine-oracle.ts";
import { rewriteTable } from "../../support/engine-foreign.ts";
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
import { bool, call, column, long, nothing, text } from "../../../shared/engine/incremental/expressions.ts";
import type { SmallInput } from "../../../shared/engine/context.ts";
import { nextRefresh, type DeclaredFlow } from "../../../shared/engine/index.ts";
import { materializedView, read, sum, tablePath, type DeclaredTable } from "../../../shared/pipeline/index.ts";
import { restoreTable } from "../../../shared/table/index.ts";

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

const newWorld = (views: readonly DeclaredTable[], smallInput?: SmallInput): Promise<EngineWorld> =>
  salesWorld(bench, views, smallInput);

interface Way {
  readonly what: string;
  readonly view: DeclaredTable;
  readonly change: (world: EngineWorld) => Promise<void>;
  readonly way: string;
  readonly reason: string;
}

const selling = (rows: readonly Sale[]) => (world: EngineWorld) => sell(world, rows);
const deleting = (world: EngineWorld) => unsell(world, call("ne", column("item"), text("i7")), 1);
const one = selling([sale({ day: 1, shop: "b", item: "new", amount: 70 })]);

const ways: readonly Way[] = [
  {
    what: "exact sums, after an append",
    view: salesViews.perShop,
    change: one,
    way: "merge-partials",
    reason: "1 added and 0 removed files are added",
  },
  {
    what: "exact sums, after a delete",
    view: salesViews.perShop,
    change: deleting,
    way: "merge-partials",
    reason: "1 added and 1 removed files are added",
  },
  {
    what: "one group, after a delete",
    view: salesViews.overall,
    change: deleting,
    way: "merge-partials",
    reason: "1 removed",
  },
  {
    what: "a minimum, after an append",
    view: salesViews.extremes,
    change: one,
    way: "merge-partials",
    reason: "1 added",
  },
  {
    what: "a minimum, after a delete",
    view: salesViews.extremes,
    change: deleting,
    way: "recompute-keys",
    reason: "rows were removed",
  },
  {
    what: "a floating-point sum, after an append",
    view: salesViews.floats,
    change: one,
    way: "merge-partials",
    reason: "1 added",
  },
  {
    what: "a floating-point sum, after a delete",
    view: salesViews.floats,
    change: deleting,
    way: "recompute-keys",
    reason: "rows were removed",
  },
  {
    what: "a list, after an append",
    view: salesViews.lists,
    change: one,
    way: "recompute-keys",
    reason: "needs the rows of its group",
  },
  {
    what: "windows of time, after an append",
    view: salesViews.twoDays,
    change: one,
    way: "merge-partials",
    reason: "1 added",
  },
  {
    what: "different rows, after an append",
    view: salesViews.pairs,
    change: one,
    way: "append",
    reason: "only new rows",
  },
  {
    what: "a join of different rows and of groups that have only keys, after an append",
    view: salesViews.shopsOfItems,
    change: one,
    way: "append",
    reason: "only new rows",
  },
  {
    what: "a join of different rows and of groups that have only keys, after a delete",
    view: salesViews.shopsOfItems,
    change: deleting,
    way: "recompute-keys",
    reason: "a join's rows are made anew by key",
  },
  {
    what: "different rows, after a delete",
    view: salesViews.pairs,
    change: deleting,
    way: "merge-partials",
    reason: "1 removed",
  },
  {
    what: "groups of different rows, after a delete",
    view: salesViews.itemsOfShop,
    change: deleting,
    way: "merge-partials",
    reason: "1 removed",
  },
  {
    what: "groups of groups, after a delete",
    view: salesViews.perDay,
    change: deleting,
    way: "merge-partials",
    reason: "1 removed",
  },
  { what: "single rows, after an append", view: salesViews.large, change: one, way: "append", reason: "only added" },
  {
    what: "single rows, after a delete",
    view: salesViews.large,
    change: deleting,
    way: "recompute-keys",
    reason: "found by the values in their columns",
  },
  {
    what: "single rows that are not split, after a delete",
    view: salesViews.unsplit,
    change: deleting,
    way: "recompute-keys",
    reason: "found by the values in their columns",
  },
  {
    what: "a change of more than half",
    view: salesViews.perShop,
    change: (world) => reprice(world, "amount", call("plus", column("amount"), long(1))),
    way: "full",
    reason: "more than half",
  },
];

describe("the way of a refresh", () => {
  const smallTables = { bytesMax: 0, filesMax: 0, unaskedBytesMax: 1_000_000, unaskedFilesMax: 8 };
  test.each(
    ways.flatMap((each) => [
      { ...each, tables: "whatever the tables' size", smallInput: undefined },
      { ...each, tables: "where tables are small", smallInput: smallTables },
    ]),
  )("of $what is $way, $tables", async ({ view, change, way, reason, smallInput }) => {
    const world = await newWorld([view], smallInput);
    await stocked(world);
    await change(world);
    const paths = await world.hostPaths();
    const next = await nextRefresh(world.context(), world.flow(view.name) as Extract<DeclaredFlow, { kind: "view" }>);
    expect(await world.hostPaths(), "telling what is next writes nothing").toEqual(paths);
    await world.quiet();
    const strategy = (await committedBatches(world, view.name)).at(-1)?.commit.progress.strategy;
    const told = next.kind === "refresh" ? next.strategy : undefined;
    expect(strategy).toEqual({ ...told, touched: strategy?.touched });
    for (const unit of ["files", "bytes"] as const)
      expect(strategy?.touched?.[unit], unit).toBeLessThanOrEqual(told?.touched[unit] ?? -1);
    expect(strategy).toMatchObject({ name: way, reason: expect.stringContaining(reason) });
    expect(strategy?.change?.files).toBeGreaterThan(0);
    await expectViewLaw(world, [view], way);
  });

  test("of a view over a view follows the rows that changed, not the files that were rewritten", async () => {
    const world = await newWorld([salesViews.perShop, salesViews.ofPerShop]);
    await stocked(world);
    await one(world);
    await world.quiet();
    const last = (await committedBatches(world, "gold.of_per_shop")).at(-1)?.commit.progress;
    expect(last?.strategy.name).toBe("recompute-keys");
    expect(last?.counts.outputRows, "of three shops").toBe(1);
    await expectViewLaw(world, [salesViews.perShop, salesViews.ofPerShop], "view over view");
  });
});

test("a view of little is computed in full without hidden tables, and follows changes again once there is more", async () => {
  const views = [salesViews.perShop, salesViews.perDay];
  const smallInput = { bytesMax: 30_000, filesMax: 40, unaskedBytesMax: 0, unaskedFilesMax: 0 };
  const world = new EngineWorld({ bench, pipeline: salesPipeline(views), smallInput });
  await world.engine.sweep();
  for (let round = 0; round < 3; round++) {
    await one(world);
    await world.engine.sweep();
  }
  const states = async () =>
    (await committedBatches(world, salesViews.perDay.name)).map(
      ({ commit }) => commit.tables["state:aggregate-0"]?.txn,
    );
  expect((await strategies(world, salesViews.perDay)).every((name) => name === "full")).toBe(true);
  expect(new Set(await states()).size, "hidden tables are left alone").toBeLessThanOrEqual(1);
  for (let day = 0; day < 6; day++)
    await sell(
      world,
      Array.from({ length: 2_000 }, (_, n) => sale({ day, item: `i${n}`, amount: n * 7919, price: `${n}.11` })),
    );
  await world.quiet();
  await one(world);
  await world.quiet();
  await one(world);
  await world.quiet();
  for (const view of views) expect((await strategies(world, view)).at(-1), view.name).toBe("merge-partials");
  await expectViewLaw(world, views, "in the end");
});

test.each([
  ["more than 0 bytes", { unaskedBytesMax: 0, unaskedFilesMax: 100 }, ["touched", "rows", "merge"]],
  ["more than 0 files", { unaskedBytesMax: 1_000_000, unaskedFilesMax: 0 }, ["touched", "rows", "merge"]],
  ["less than that", { unaskedBytesMax: 1_000_000, unaskedFilesMax: 100 }, ["rows", "merge"]],
])("what a change touches in tables of %s takes these jobs: %j", async (_size, unasked, jobs) => {
  const view = salesViews.perDay;
  const smallInput = { bytesMax: 0, filesMax: 0, ...unasked };
  const world = new EngineWorld({ bench, pipeline: salesPipeline([view]), smallInput });
  await world.engine.sweep();
  await stocked(world);
  const run = vi.spyOn(bench.compute, "run");
  await one(world);
  await world.quiet();
  const names = run.mock.calls.map(([{ name }]) => name).filter((name) => name.startsWith(`${view.name}/`));
  run.mockRestore();
  expect(names.map((name) => name.split("/").at(-1))).toEqual(jobs);
  expect((await strategies(world, view)).at(-1)).toBe("merge-partials");
  await sell(world, [sale({ day: 1 })]);
  await world.quiet();
  await expectViewLaw(world, [view], "in the end");
});

test("a view that has no rows of little does not forget that little once there is more", async () => {
  const view = materializedView("gold.busy_shops", {
    minInterval: "0 seconds",
    query: read(sales)
      .groupBy("shop")
      .agg(({ amount }) => ({ total: sum(amount) }))
      .filter(({ total }) => total.gt(300)),
  });
  const smallInput = { bytesMax: 1_000_000, filesMax: 4, unaskedBytesMax: 0, unaskedFilesMax: 0 };
  const world = new EngineWorld({ bench, pipeline: salesPipeline([view]), smallInput });
  await world.engine.sweep();
  for (let round = 1; round <= 5; round++) {
    expect(await world.rows(view.name), `of ${round - 1} sales`).toEqual([]);
    await one(world);
    await world.engine.sweep();
  }
  expect(await world.rows(view.name)).toEqual([{ shop: "b", total: 350 }]);
  await one(world);
  await world.quiet();
  expect((await strategies(world, view)).at(-1)).toBe("merge-partials");
  await expectViewLaw(world, [view], "in the end");
});

test("the next refresh of a view is its first build, then nothing, then what an open batch was planned to do", async () => {
  const view = salesViews.perShop;
  const world = new EngineWorld({ bench, pipeline: salesPipeline([view]) });
  const flow = world.flow(view.name) as Extract<DeclaredFlow, { kind: "view" }>;
  expect(await nextRefresh(world.context(), flow)).toEqual({ kind: "not-built" });
  await world.engine.sweep();
  await stocked(world);
  expect(await nextRefresh(world.context(), flow)).toEqual({ kind: "nothing" });
  await one(world);
  world.restart(dyingAtOutcome(view.name));
  await world.engine.sweep().catch(expectCrash);
  await sell(world, [sale({})]);
  const [planned] = (await world.hostPaths())
    .filter((path) => path.includes(`${view.name}/`) && path.includes("/offsets/"))
    .slice(-1);
  const { inputs } = (await world.record(planned ?? "")) as {
    inputs: { "bronze.sales": { afterVersion: number; toVersion: number } };
  };
  expect(
    await nextRefresh(
      world.context((store) => store),
      flow,
    ),
  ).toMatchObject({
    kind: "refresh",
    isOpen: true,
    inputs: {
      "bronze.sales": {
        afterVersion: inputs["bronze.sales"].afterVersion,
        toVersion: inputs["bronze.sales"].toVersion,
      },
    },
    strategy: { name: "merge-partials", change: { files: 1 } },
  });
});

test("sales that were merged and brought back by a restore count once, in views that did not look in between", async () => {
  const view = { ...salesViews.perShop, refresh: "incremental" as const };
  const world = await newWorld([view]);
  await stocked(world);
  await one(world);
  const table = world.table(tablePath("bronze.sales"));
  const { version } = await table.latest();
  await rewriteTable(world, "bronze.sales", { dataChange: false });
  await restoreTable(table, { version });
  await world.quiet();
  await expectViewLaw(world, [view], "after a restore");
});

describe("a group", () => {
  test("goes with its last row, and comes back with the next", async () => {
    const views = [salesViews.perShop, salesViews.pairs, salesViews.overall];
    const world = await newWorld(views);
    await stocked(world);
    const shops = async () => new Set((await world.rows("gold.per_shop")).map(({ shop }) => shop));
    await sell(world, [sale({ day: 2, shop: "short", item: "x", amount: null })]);
    await world.quiet();
    expect(await shops()).toContain("short");
    await unsell(world, call("ne", column("shop"), text("short")), await fileWith(world, "short"));
    await world.quiet();
    expect(await shops()).not.toContain("short");
    await sell(world, [sale({ day: 2, shop: "short", item: "y", amount: 4 })]);
    await world.quiet();
    expect((await world.rows("gold.per_shop")).find(({ shop }) => shop === "short")).toMatchObject({
      sales: 1,
      total: 4,
      items: 1,
    });
    await expectViewLaw(world, views, "gone and back");
    expect(new Set((await strategies(world, salesViews.perShop)).slice(3))).toEqual(new Set(["merge-partials"]));
  });

  test("whose values are all gone has no sum and no mean, and still its rows", async () => {
    const world = await newWorld([salesViews.perShop]);
    await stocked(world);
    await sell(world, [
      sale({ day: 2, shop: "quiet", amount: null, price: null }),
      sale({ day: 2, shop: "quiet", amount: 8 }),
    ]);
    await world.quiet();
    await unsell(
      world,
      call("eq_null_safe", column("amount"), nothing({ kind: "long" })),
      await fileWith(world, "quiet"),
    );
    await world.quiet();
    expect((await world.rows("gold.per_shop")).find(({ shop }) => shop === "quiet")).toMatchObject({
      sales: 1,
      amounts: 0,
      total: null,
      mean: null,
      money: null,
    });
    expect((await strategies(world, salesViews.perShop)).at(-1)).toBe("merge-partials");
    await expectViewLaw(world, [salesViews.perShop], "without values");
  });

  test("of all rows is there before the first row and after the last", async () => {
    const view = { ...salesViews.overall, refresh: "incremental" as const };
    const world = await newWorld([view]);
    await sell(world, [sale({})]);
    await world.quiet();
    await unsell(world, bool(false));
    await world.quiet();
    expect(await world.rows("gold.overall")).toEqual([{ sales: 0, total: null, items: 0 }]);
    expect((await strategies(world, view)).at(-1)).toBe("merge-partials");
    await sell(world, [sale({ amount: 3 })]);
    await world.quiet();
    expect(await world.rows("gold.overall")).toEqual([{ sales: 1, total: 3, items: 1 }]);
  });

  test("of huge amounts has the batch query's mean to the last digit, however it was added up", async () => {
    const view = { ...salesViews.perShop, refresh: "incremental" as const };
    const world = await newWorld([view]);
    for (const amount of [
      9_007_199_254_740_993n,
      4_611_686_018_427_387_905n,
      -1_234_567_890_123_456_789n,
      3n,
      3_000_000_000_000_000_001n,
    ]) {
      await sell(world, [sale({ amount })]);
      await world.quiet();
    }
    const [first, ...others] = await strategies(world, view);
    expect([first, new Set(others)]).toEqual(["full", new Set(["merge-partials"])]);
    await expectViewLaw(world, [view], "huge amounts");
  });

  test("whose sum fits although the change's does not is right; one that does not fit fails the flow", async () => {
    const view = { ...salesViews.overall, refresh: "incremental" as const };
    const world = await newWorld([view]);
    const most = 9_223_372_036_854_775_807n;
    await sell(world, [sale({ amount: -most })]);
    await world.quiet();
    await sell(world, [sale({ amount: most }), sale({ amount: most })]);
    await world.quiet();
    expect((await strategies(world, view)).at(-1)).toBe("merge-partials");
    await expectViewLaw(world, [view], "beyond 64 bits on the way");
    await sell(world, [sale({ amount: most })]);
    await world.engine.sweep().catch(() => undefined);
    expect(await world.stateOf("gold.overall")).toBe("FAILED");
  });
});

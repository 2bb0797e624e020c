/** A table of sales that a test appends to and takes from as it likes, and a view of every kind above it. */
import {
  avg,
  collectList,
  count,
  countDistinct,
  countIf,
  date,
  decimal,
  definePipeline,
  double,
  files,
  long,
  materializedView,
  max,
  median,
  min,
  namedStruct,
  read,
  streamingTable,
  string,
  struct,
  sum,
  timestamp,
  upper,
  windows,
  type DeclaredTable,
  type Pipeline,
} from "../../shared/pipeline/index.ts";
import { encodeLogPath, type Action } from "../../shared/delta/index.ts";
import type { SmallInput } from "../../shared/engine/context.ts";
import { column } from "../../shared/engine/incremental/expressions.ts";
import { tablePath } from "../../shared/pipeline/index.ts";
import type { Expression, LogicalPlan } from "../../shared/plan/index.ts";
import type { RowValue } from "../../shared/compute/index.ts";
import { EngineWorld, type Bench } from "./engine-harness.ts";
import { committedBatches, judgeHistory, judgeView } from "./engine-oracle.ts";
import { expect } from "vitest";
import { rewriteTable } from "./engine-foreign.ts";

const soon = { minInterval: "0 seconds" } as const;

export const sales = streamingTable("bronze.sales", {
  ...soon,
  from: files("landing/sales/**.csv", {
    format: "csv",
    schema: struct({
      day: date(),
      shop: string(),
      item: string(),
      amount: long(),
      price: decimal(12, 2),
      weight: double(),
    }),
  }),
  partitionBy: ["day"],
});

const perShopAndDay = read(sales)
  .groupBy("shop", "day")
  .agg(({ amount, price, item, shop, day: _day, ...rest }) => {
    void rest;
    return {
      sales: count(),
      amounts: count(amount),
      total: sum(amount),
      mean: avg(amount),
      money: sum(price),
      mean_price: avg(price),
      large: countIf(amount.gt(5)),
      of_large: sum(amount).filter(amount.gt(5)),
      items: countDistinct(item),
      large_items: countDistinct(item).filter(amount.gt(5)),
      per_item: sum(amount).plus(count()),
      places: countDistinct(upper(shop)),
    };
  });

const perShop = materializedView("gold.per_shop", { ...soon, query: perShopAndDay, partitionBy: ["day"] });

/** Views by what they are kept up to date with. */
export const salesViews = {
  perShop,
  overall: materializedView("gold.overall", {
    ...soon,
    query: read(sales)
      .groupBy()
      .agg(({ amount, item }) => ({ sales: count(), total: sum(amount), items: countDistinct(item) })),
  }),
  extremes: materializedView("gold.extremes", {
    ...soon,
    query: read(sales)
      .groupBy("shop")
      .agg(({ amount, item, day }) => ({
        least: min(amount),
        last_item: max(item),
        last_day: max(day),
        sales: count(),
      })),
  }),
  floats: materializedView("gold.floats", {
    ...soon,
    query: read(sales)
      .groupBy("item")
      .agg(({ weight }) => ({ weight: sum(weight), mean: avg(weight) })),
  }),
  lists: materializedView("gold.lists", {
    ...soon,
    query: read(sales)
      .groupBy("item", "day")
      .agg(({ amount }) => ({ amounts: collectList(amount), total: sum(amount), middle: median(amount) })),
  }),
  pairs: materializedView("gold.pairs", {
    ...soon,
    query: read(sales)
      .select(({ shop, item }) => ({ shop, item }))
      .distinct(),
  }),
  twoDays: materializedView("gold.two_days", {
    ...soon,
    query: read(sales)
      .explode("span", ({ day }) => windows(day.cast(timestamp()), "2 days", "1 day"))
      .groupBy("span", "shop")
      .agg(({ amount, weight }) => ({ total: sum(amount), mean: avg(weight), most: max(amount) }))
      .select(({ span, shop, total, mean, most }) => ({ from: span.fields.start, shop, total, mean, most })),
  }),
  shopsOfItems: materializedView("gold.shops_of_items", {
    ...soon,
    query: read(sales)
      .select(({ shop, item }) => ({ shop, item }))
      .distinct()
      .join(
        read(sales)
          .groupBy("shop", "day")
          .agg(() => ({})),
        "shop",
      ),
  }),
  itemsOfShop: materializedView("gold.items_of_shop", {
    ...soon,
    query: read(sales)
      .filter(({ amount }) => amount.gt(1))
      .select(({ shop, item }) => ({ shop, item }))
      .distinct()
      .groupBy("shop")
      .agg(({ item }) => ({ items: count(item), last: max(item) })),
  }),
  perDay: materializedView("gold.per_day", {
    ...soon,
    query: read(sales)
      .groupBy("shop", "day")
      .agg(({ amount }) => ({ total: sum(amount), sales: count() }))
      .filter(({ sales: rows }) => rows.gt(1))
      .groupBy("day")
      .agg(({ total, shop }) => ({ shops: countDistinct(shop), total: sum(total), best: max(total) })),
  }),
  sameLists: materializedView("gold.same_lists", {
    ...soon,
    query: read(sales)
      .groupBy("shop", "day")
      .agg(({ amount }) => ({ amounts: collectList(amount), least: min(amount) }))
      .groupBy("amounts")
      .agg(({ shop, least }) => ({
        groups: count(),
        first_shop: min(shop),
        least: sum(least),
        shops: countDistinct(shop),
      })),
  }),
  itemsPerCount: materializedView("gold.items_per_count", {
    ...soon,
    query: read(sales)
      .select(({ shop, item, price }) => ({ shop, item, price }))
      .distinct()
      .groupBy(({ item, shop }) => ({ place: namedStruct({ item, shop: upper(shop) }) }))
      .agg(({ price }) => ({ prices: count(), dearest: max(price), money: sum(price) }))
      .filter(({ place }) => place.fields.item.isNotNull())
      .groupBy("prices")
      .agg(({ place, money, dearest }) => ({ places: countDistinct(place), money: sum(money), dearest: max(dearest) }))
      .groupBy()
      .agg(({ prices, places }) => ({ kinds: count(), places: sum(places), most: max(prices) })),
  }),
  ofPerShop: materializedView("gold.of_per_shop", {
    ...soon,
    refresh: "incremental",
    query: read(perShop)
      .groupBy("shop")
      .agg(({ total, items, day }) => ({ days: count(), total: sum(total), items: sum(items), last: max(day) })),
  }),
  large: materializedView("gold.large", {
    ...soon,
    query: read(sales)
      .filter(({ amount }) => amount.gt(3))
      .select(({ day, shop, amount }) => ({ day, shop, twice: amount.times(2) })),
    partitionBy: ["day"],
  }),
  unsplit: materializedView("gold.unsplit", {
    ...soon,
    query: read(sales).select(({ shop, amount }) => ({ shop, amount })),
  }),
} satisfies Readonly<Record<string, DeclaredTable>>;

export function salesPipeline(views: readonly DeclaredTable[] = Object.values(salesViews)): Pipeline {
  return definePipeline("sales", [sales, ...views]);
}

export interface Sale {
  /** Days after the first. */
  readonly day?: number | null;
  readonly shop?: string | null;
  readonly item?: string | null;
  readonly amount?: bigint | number | null;
  /** As text. */
  readonly price?: string | null;
  readonly weight?: number | null;
}

/** The first day of sales, in days since the epoch. */
export const firstDay = 20_000;

/** A sale about which nothing is missing. */
export const sale = (rest: Sale): Sale => ({
  day: 0,
  shop: "a",
  item: "x",
  amount: 1,
  price: "1.00",
  weight: 0.25,
  ...rest,
});

/** Appends sales by one commit, as a foreign writer does. */
export async function sell(world: EngineWorld, rows: readonly Sale[]): Promise<void> {
  const table = world.table(tablePath("bronze.sales"));
  const { schema, partitionBy } = await table.latest();
  const names = Object.keys(schema.fields);
  const valueOf = (row: Sale, name: string): RowValue => {
    if (name === "day") return row.day === undefined || row.day === null ? null : firstDay + row.day;
    if (name === "amount") return row.amount === undefined || row.amount === null ? null : BigInt(row.amount);
    return (row as Readonly<Record<string, RowValue>>)[name] ?? null;
  };
  const result = await world.compute.run({
    name: "sell",
    inputs: {
      rows: {
        kind: "rows",
        schema,
        rowCount: rows.length,
        columns: Object.fromEntries(names.map((name) => [name, rows.map((row) => valueOf(row, name))])),
      },
    },
    steps: [],
    writes: [
      {
        name: "rows",
        plan: { kind: "scan", source: "rows", schema, streaming: false },
        target: { store: world.estate.lake, path: table.path, schema, partitionBy, sortBy: [] },
      },
    ],
    collects: [],
    parameters: {},
  });
  if (result.kind === "pending") throw new Error("pending");
  const actions = (result.written["rows"] ?? []).map((file): Action => ({
    add: {
      path: encodeLogPath(file.path),
      partitionValues: file.partitionValues,
      size: file.sizeBytes,
      modificationTime: world.clock.nowMs(),
      dataChange: true,
      stats: file.stats,
    },
  }));
  await table.commit({ actions, isBlindAppend: true, operation: "WRITE" });
}

/** Deletes the sales that do not pass, from one file or from all. */
export async function unsell(world: EngineWorld, kept: Expression, which?: number): Promise<void> {
  const keep = (input: LogicalPlan): LogicalPlan => ({ kind: "filter", input, condition: kept });
  await rewriteTable(world, "bronze.sales", { dataChange: true, which, keep });
}

/** Gives sales other values, in one file or in all. */
export async function reprice(world: EngineWorld, name: string, to: Expression, which?: number): Promise<void> {
  const schema = (await world.table(tablePath("bronze.sales")).latest()).schema;
  const keep = (input: LogicalPlan): LogicalPlan => ({
    kind: "project",
    input,
    columns: Object.keys(schema.fields).map((each) => ({ name: each, expression: each === name ? to : column(each) })),
  });
  await rewriteTable(world, "bronze.sales", { dataChange: true, which, keep });
}

/** Bronze there, empty, and the views of the test above it. */
export async function salesWorld(
  bench: Bench,
  views: readonly DeclaredTable[],
  smallInput?: SmallInput,
): Promise<EngineWorld> {
  const world = new EngineWorld({ bench, pipeline: salesPipeline(views), smallInput });
  await world.engine.sweep();
  return world;
}

/** The strategies of a view's batches, in order. */
export async function strategies(world: EngineWorld, { name }: Pick<DeclaredTable, "name">): Promise<string[]> {
  return (await committedBatches(world, name)).map(({ commit }) => commit.progress.strategy.name);
}

/** Enough sales that a small change is a small part of them. */
export async function stocked(world: EngineWorld): Promise<void> {
  for (const day of [0, 1, 2, 3, 4, 5]) {
    await sell(
      world,
      Array.from({ length: 60 }, (_, n) =>
        sale({ day, shop: ["a", "b", "c"][n % 3] as string, item: `i${n % 20}`, amount: n }),
      ),
    );
  }
  await world.quiet();
}

/** The number of the file of bronze that holds a shop, as `rewriteTable` counts them. */
export async function fileWith(world: EngineWorld, shop: string): Promise<number> {
  const files = [...(await world.table(tablePath("bronze.sales")).latest()).files];
  return files.findIndex(({ stats }) => stats?.includes(`"${shop}"`) === true);
}

/** Each view equals its query after each of its batches and now, and its flow runs. */
export async function expectViewLaw(
  world: EngineWorld,
  views: readonly Pick<DeclaredTable, "name">[],
  where: string,
): Promise<void> {
  for (const { name } of views) {
    for (const [batch, { actual, lawful }] of (await judgeHistory(world, name)).entries())
      expect(actual, `${name}, batch ${batch}, ${where}`).toEqual(lawful);
    const { actual, lawful } = await judgeView(world, name);
    expect(actual, `${name} now, ${where}`).toEqual(lawful);
  }
  for (const { name } of views) expect(await world.stateOf(name), `${name}, ${where}`).toBe("RUNNING");
}

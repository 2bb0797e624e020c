/**
 * Zeros of both signs (SPEC.md 10): where values are compared they are one, as in Spark; a value that is shown keeps its sign, so that a view
 * which shows it follows a change of the sign alone.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, choose, column, text } from "../../../shared/engine/incremental/expressions.ts";
import {
  count,
  countDistinct,
  lit,
  materializedView,
  max,
  min,
  namedStruct,
  read,
  rowNumber,
  double,
  toJson,
} from "../../../shared/pipeline/index.ts";
import type { Expression } from "../../../shared/plan/index.ts";
import { EngineBench } from "../../support/engine-harness.ts";
import { expectViewLaw, reprice, sale, sales, salesWorld, sell, strategies } from "../../support/view-sales.ts";

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

const soon = { minInterval: "0 seconds", refresh: "incremental" } as const;
const rows = materializedView("gold.rows", {
  ...soon,
  query: read(sales).select(({ item, weight }) => ({ item, shown: toJson(namedStruct({ weight })), weight })),
});
const nested = materializedView("gold.nested", {
  ...soon,
  query: read(sales).select(({ item, weight }) => ({ item, weights: namedStruct({ weight, one: lit(1, double()) }) })),
});
const views = {
  rows,
  nested,
  overNested: materializedView("gold.over_nested", {
    ...soon,
    query: read(nested).select(({ item, weights }) => ({ item, shown: toJson(weights) })),
  }),
  joined: materializedView("gold.joined", {
    ...soon,
    query: read(sales)
      .select("item")
      .join(
        read(sales).select(({ item, weight }) => ({ item, weight })),
        "item",
      )
      .select(({ item, weight }) => ({ item, shown: toJson(namedStruct({ weight })) })),
  }),
  first: materializedView("gold.first", {
    ...soon,
    query: read(sales)
      .select(({ shop, item, weight }) => ({
        shop,
        shown: toJson(namedStruct({ weight })),
        place: rowNumber().over({ partitionBy: [shop], orderBy: [item] }),
      }))
      .filter(({ place }) => place.eq(1)),
  }),
  extremes: materializedView("gold.extremes", {
    ...soon,
    query: read(sales)
      .groupBy("item")
      .agg(({ weight }) => ({ least: min(weight), most: max(weight) }))
      .select(({ item, least, most }) => ({ item, shown: toJson(namedStruct({ least, most })) })),
  }),
  weights: materializedView("gold.weights", {
    ...soon,
    query: read(sales)
      .groupBy("weight")
      .agg(({ item }) => ({ items: count(), different: countDistinct(item) }))
      .select(({ weight, items, different }) => ({ shown: toJson(namedStruct({ weight })), items, different })),
  }),
  keyed: materializedView("gold.keyed", {
    ...soon,
    query: read(sales)
      .select(({ weight, shop }) => ({ weight, shop }))
      .join(
        read(sales).select(({ weight, item }) => ({ weight, item })),
        "weight",
      )
      .select(({ shop, item, weight }) => ({ shop, item, shown: toJson(namedStruct({ weight })) })),
  }),
  ranked: materializedView("gold.ranked", {
    ...soon,
    query: read(sales).select(({ item, weight }) => ({
      shown: toJson(namedStruct({ weight })),
      place: rowNumber().over({ partitionBy: [weight], orderBy: [item] }),
    })),
  }),
  different: materializedView("gold.different", {
    ...soon,
    query: read(sales)
      .select("weight")
      .distinct()
      .select(({ weight }) => ({ shown: toJson(namedStruct({ weight })) })),
  }),
};
const all = Object.values(views);

const weigh = (item: string, to: number): Expression =>
  choose([
    [call("eq", column("item"), text(item)), { kind: "literal", value: to, type: { kind: "double" } }],
    [call("ne", column("item"), text(item)), column("weight")],
  ]);

test("a zero that changes its sign changes the views that show it, and no others", async () => {
  const world = await salesWorld(bench, all);
  await sell(world, [
    sale({ item: "a", weight: 0 }),
    sale({ item: "b", shop: "b", weight: -0 }),
    sale({ item: "c", shop: "c", weight: Number.NaN }),
    sale({ item: "d", shop: "d", weight: 1 }),
  ]);
  await world.quiet();
  const shown = async (view: { readonly name: string }, item: string): Promise<unknown> =>
    (await world.rows(view.name)).find((row) => row["item"] === item)?.["shown"];
  for (const [item, weight, expected] of [
    ["a", -0, "-0.0"],
    ["b", 0, "0.0"],
    ["c", -0, "-0.0"],
    ["c", Number.NaN, '"NaN"'],
  ] as const) {
    const groups = [await world.rows(views.weights.name), await world.rows(views.different.name)];
    await reprice(world, "weight", weigh(item, weight));
    await world.quiet();
    expect(await shown(rows, item), `${item} becomes ${expected}`).toBe(`{"weight":${expected}}`);
    expect(await shown(views.joined, item)).toBe(`{"weight":${expected}}`);
    expect(await shown(views.extremes, item)).toBe(`{"least":${expected},"most":${expected}}`);
    expect(await shown(views.overNested, item)).toBe(`{"weight":${expected},"one":1.0}`);
    if (item !== "c")
      expect([await world.rows(views.weights.name), await world.rows(views.different.name)]).toEqual(groups);
  }
  expect((await world.rows(views.different.name)).map((row) => row["shown"])).toEqual([
    '{"weight":0.0}',
    '{"weight":1.0}',
    '{"weight":"NaN"}',
  ]);
  expect((await strategies(world, rows)).slice(2)).toEqual(Array.from({ length: 4 }, () => "recompute-keys"));
  await expectViewLaw(world, all, "in the end");
});

test("a NaN that is written again is no change", async () => {
  const world = await salesWorld(bench, [rows]);
  await sell(world, [sale({ item: "a", weight: Number.NaN }), sale({ item: "b", weight: 0 })]);
  await world.quiet();
  const before = (await world.table("lake/gold/rows").latest()).version;
  await reprice(world, "weight", weigh("a", Number.NaN));
  await world.quiet();
  expect((await world.table("lake/gold/rows").latest()).version).toBe(before);
});

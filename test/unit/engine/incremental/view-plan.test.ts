/** How a view is refreshed, told from its query alone (engine-rules 10). */
import { describe, expect, test } from "vitest";
import { viewPlan } from "../../../../shared/engine/incremental/view-plan.ts";
import { date, decimal, double, long, map, string, struct, array } from "../../../../shared/pipeline/index.ts";
import {
  avg,
  collectList,
  countDistinct,
  count,
  max,
  min,
  read,
  rowNumber,
  sum,
  upper,
  toDate,
  window,
  namedStruct,
  timestamp,
} from "../../../../shared/pipeline/index.ts";
import { modeFor, type KeyedOperator } from "../../../../shared/engine/incremental/operators/keyed-operator.ts";
import type { LogicalPlan } from "../../../../shared/plan/index.ts";

const sales = read({
  name: "silver.sales",
  schema: struct({
    id: long(),
    shop: string(),
    day: date(),
    at: timestamp(),
    amount: long(),
    rate: double(),
    tags: array(string()),
    labels: map(string(), string()),
  }),
});
const shops = read({ name: "silver.shops", schema: struct({ shop: string(), city: string() }) });
const prices = read({
  name: "silver.prices",
  schema: struct({ shop: string(), price: decimal(12, 2), turnover: decimal(30, 2) }),
});
const byShop = sales.groupBy("shop");
const grouped = sales.groupBy("shop", "day").agg(({ amount }) => ({ total: sum(amount), sales: count() }));

interface Keyed {
  readonly what: string;
  readonly plan: LogicalPlan;
  /** The view's columns by which rows are replaced. */
  readonly keys: readonly string[];
}

const ofWindow = sales.groupBy(({ at, shop }) => ({ span: window(at, "1 hour"), shop })).agg(() => ({ n: count() }));

const keyed: readonly Keyed[] = [
  {
    what: "groups of one table",
    plan: grouped.plan,
    keys: ["shop", "day"],
  },
  {
    what: "groups whose keys are renamed above",
    plan: grouped.select(({ shop, day, total }) => ({ place: shop, total, day })).plan,
    keys: ["place", "day"],
  },
  {
    what: "groups of which some are left out",
    plan: grouped.filter(({ total }) => total.gt(5)).plan,
    keys: ["shop", "day"],
  },
  {
    what: "sorted groups",
    plan: grouped.orderBy("total").plan,
    keys: ["shop", "day"],
  },
  {
    what: "groups by something computed",
    plan: sales.groupBy(({ shop, at }) => ({ shop: upper(shop), day: toDate(at) })).agg(() => ({ sales: count() }))
      .plan,
    keys: ["shop", "day"],
  },
  {
    what: "groups of filtered and computed rows",
    plan: sales
      .filter(({ amount }) => amount.gt(0))
      .withColumns(({ shop }) => ({ shop: upper(shop) }))
      .groupBy("shop", "day")
      .agg(({ id }) => ({ ids: countDistinct(id) })).plan,
    keys: ["shop", "day"],
  },
  {
    what: "groups of exploded rows",
    plan: sales
      .explode("tag", ({ tags }) => tags)
      .groupBy("tag")
      .agg(({ amount }) => ({ lowest: min(amount), highest: max(amount) })).plan,
    keys: ["tag"],
  },
  { what: "one group of all rows", plan: sales.groupBy().agg(() => ({ sales: count() })).plan, keys: [] },
  {
    what: "groups of groups, whose keys are no columns of the table any more",
    plan: grouped.groupBy("day").agg(({ total }) => ({ best: max(total) })).plan,
    keys: ["day"],
  },
  {
    what: "different rows",
    plan: sales.select(({ shop, day }) => ({ shop, day })).distinct().plan,
    keys: ["shop", "day"],
  },
  {
    what: "groups of different rows",
    plan: sales
      .select(({ shop, day }) => ({ shop, day }))
      .distinct()
      .groupBy("shop")
      .agg(() => ({ days: count() })).plan,
    keys: ["shop"],
  },
  {
    what: "groups of joined rows",
    plan: sales
      .join(shops, "shop")
      .groupBy("city")
      .agg(() => ({ sales: count() })).plan,
    keys: ["city"],
  },
  { what: "joined rows", plan: sales.join(shops, "shop").plan, keys: ["shop"] },
  {
    what: "joined rows whose key is renamed above",
    plan: sales.join(shops, "shop", "left").select(({ id, shop, city }) => ({ id, place: shop, city })).plan,
    keys: ["place"],
  },
  { what: "rows of either side", plan: sales.join(shops, "shop", "full").plan, keys: ["shop"] },
  {
    what: "rows that the right side has",
    plan: sales.join(
      shops.select(({ shop, city }) => ({ town: shop, city })),
      { left: "shop", right: "town" },
      "right",
    ).plan,
    keys: ["town"],
  },
  {
    what: "windows by where they begin",
    plan: ofWindow.select(({ span, shop, n }) => ({ from: span.fields.start, shop, n })).plan,
    keys: ["from", "shop"],
  },
  {
    what: "sliding windows by where they end, renamed and filtered",
    plan: sales
      .groupBy(({ at }) => ({ span: window(at, "1 hour", "10 minutes") }))
      .agg(() => ({ n: count() }))
      .select(({ span, n }) => ({ all: span, n }))
      .filter(({ n }) => n.gt(1))
      .select(({ all, n }) => ({ until: all.fields.end, n }))
      .select(({ until, n }) => ({ n, upTo: until })).plan,
    keys: ["upTo"],
  },
  { what: "rows with a match", plan: sales.join(shops, "shop", "semi").plan, keys: ["shop"] },
  {
    what: "a rank among the groups",
    plan: grouped.withColumns(({ day, total }) => ({
      rank: rowNumber().over({ partitionBy: [day], orderBy: [total] }),
    })).plan,
    keys: ["day"],
  },
  {
    what: "one row of each day",
    plan: sales.select(({ day, id, shop }) => ({ day, id, shop })).dropDuplicates(["day"]).plan,
    keys: ["day"],
  },
];

/** Rows are found by all columns that can be compared. */
const byColumns: readonly Keyed[] = [
  {
    what: "groups by a struct of which a field alone is left",
    plan: sales
      .groupBy(({ shop, day }) => ({ place: namedStruct({ shop, day }) }))
      .agg(() => ({ n: count() }))
      .select(({ place, n }) => ({ shop: place.fields.shop, n })).plan,
    keys: ["shop", "n"],
  },
  {
    what: "groups of windows of which something else than an end is left",
    plan: ofWindow.select(({ span, shop, n }) => ({ on: toDate(span.fields.start), shop, n })).plan,
    keys: ["on", "shop", "n"],
  },
  {
    what: "single rows",
    plan: sales.filter(({ amount }) => amount.gt(5)).drop("labels", "tags").plan,
    keys: ["id", "shop", "day", "at", "amount"],
  },
  {
    what: "rows of two tables",
    plan: sales.select(({ shop }) => ({ shop })).union(shops.select(({ shop }) => ({ shop }))).plan,
    keys: ["shop"],
  },
  {
    what: "groups of which a grouping column is left out above",
    plan: grouped.select(({ shop, total }) => ({ shop, total })).plan,
    keys: ["shop", "total"],
  },
  {
    what: "groups of which a grouping column is changed above",
    plan: grouped.withColumns(({ shop }) => ({ shop: upper(shop) })).plan,
    keys: ["shop", "day", "total", "sales"],
  },
  {
    what: "joined rows without the column that they are joined by",
    plan: sales.join(shops, "shop").select(({ id, city }) => ({ id, city })).plan,
    keys: ["id", "city"],
  },
  {
    what: "a full join by two columns that stay two",
    plan: sales
      .select(({ shop, id }) => ({ shop, id }))
      .join(
        shops.select(({ shop, city }) => ({ town: shop, city })),
        { left: "shop", right: "town" },
        "full",
      ).plan,
    keys: ["shop", "id", "town", "city"],
  },
];

const full: readonly { readonly what: string; readonly plan: LogicalPlan; readonly reason: string }[] = [
  {
    what: "a window of all rows",
    plan: sales.withColumns(({ id }) => ({ n: rowNumber().over({ orderBy: [id] }) })).plan,
    reason: "without a partition",
  },
  {
    what: "windows that share no column",
    plan: sales.select(({ id, shop, day }) => ({
      n: rowNumber().over({ partitionBy: [shop], orderBy: [id] }),
      m: rowNumber().over({ partitionBy: [day], orderBy: [id] }),
    })).plan,
    reason: "without a common one",
  },
  {
    what: "a join by an inexact column",
    plan: sales
      .groupBy("shop")
      .agg(({ rate }) => ({ rate: sum(rate) }))
      .join(
        sales.select(({ id, rate }) => ({ id, rate })),
        "rate",
      ).plan,
    reason: '"rate" is inexact',
  },
  {
    what: "a join of different types",
    plan: sales
      .select(({ id }) => ({ id }))
      .join(
        sales.select(({ rate }) => ({ rate })),
        { left: "id", right: "rate" },
      ).plan,
    reason: "another type",
  },
  {
    what: "floats without any column to find them by",
    plan: sales
      .groupBy(({ rate }) => ({ rate }))
      .agg(() => ({}))
      .select(({ rate }) => ({ rate: rate.plus(1) })).plan,
    reason: "no column of an exact type",
  },
  {
    what: "groups of groups whose totals are inexact",
    plan: sales
      .groupBy("shop", "day")
      .agg(({ rate }) => ({ rate: sum(rate) }))
      .groupBy("day")
      .agg(({ rate }) => ({ rate: max(rate) })).plan,
    reason: '"rate" is inexact',
  },
  {
    what: "distinct maps",
    plan: sales.select(({ labels }) => ({ labels })).distinct().plan,
    reason: "maps cannot be compared",
  },
  {
    what: "the first groups of all",
    plan: grouped.orderBy("total").limit(3).plan,
    reason: "limit looks at all rows",
  },
];

function changing(plan: LogicalPlan) {
  const view = viewPlan(plan);
  if (view.kind === "full") throw new Error(view.reason);
  const { replaces } = view;
  return {
    ...view,
    by: replaces.kind,
    keys: replaces.kind === "none" ? [] : replaces.keys.map(({ output }) => output),
  };
}

describe("rows of a view are replaced by the keys of the operator that makes them, where it is", () => {
  test.each(keyed)("$what", ({ plan, keys }) => {
    expect(changing(plan)).toMatchObject({ by: "operator", keys });
  });
});

describe("rows of a view are replaced by the values of their columns, where it is", () => {
  test.each(byColumns)("$what", ({ plan, keys }) => {
    expect(changing(plan)).toMatchObject({ by: "columns", keys });
  });
});

test("what a query does not read of a table cannot change its view", () => {
  const columns = (plan: LogicalPlan) => changing(plan).scans.map((place) => place.columns.toSorted());
  expect(columns(grouped.plan)).toEqual([["amount", "day", "shop"]]);
  expect(
    columns(
      sales
        .join(shops, "shop")
        .groupBy("city")
        .agg(({ id }) => ({ n: countDistinct(id) })).plan,
    ),
  ).toEqual([
    ["id", "shop"],
    ["city", "shop"],
  ]);
  expect(columns(sales.groupBy().agg(() => ({ n: count() })).plan)).toEqual([["id"]]);
});

describe("what an aggregate keeps of a group", () => {
  const kept: readonly {
    readonly what: string;
    readonly plan: LogicalPlan;
    readonly merge: readonly string[];
    readonly takesBack: boolean;
  }[] = [
    {
      what: "count() is the number of rows, which every group has",
      plan: byShop.agg(() => ({ a: count() })).plan,
      merge: [],
      takesBack: true,
    },
    {
      what: "sum and avg share a sum and a number of values",
      plan: byShop.agg(({ amount }) => ({ a: sum(amount), b: avg(amount) })).plan,
      merge: ["add", "add"],
      takesBack: true,
    },
    {
      what: "a mean of decimals is a sum and a number of values too",
      plan: prices.groupBy("shop").agg(({ price }) => ({ a: sum(price), b: avg(price) })).plan,
      merge: ["add", "add"],
      takesBack: true,
    },
    {
      what: "a mean of decimals whose sums have more digits than are kept is computed from the rows",
      plan: prices.groupBy("shop").agg(({ turnover }) => ({ a: avg(turnover) })).plan,
      merge: ["rows"],
      takesBack: false,
    },
    {
      what: "a distinct count is a number and a table of values",
      plan: byShop.agg(({ id }) => ({ a: countDistinct(id), b: countDistinct(id) })).plan,
      merge: ["add"],
      takesBack: true,
    },
    {
      what: "a least value cannot be taken back",
      plan: byShop.agg(({ amount }) => ({ a: min(amount), b: max(amount) })).plan,
      merge: ["least", "greatest"],
      takesBack: false,
    },
    {
      what: "a floating-point sum is added to, and not taken from",
      plan: byShop.agg(({ rate }) => ({ a: sum(rate) })).plan,
      merge: ["add", "add"],
      takesBack: false,
    },
    {
      what: "a floating-point sum that decides which groups there are is computed from the rows",
      plan: byShop.agg(({ rate }) => ({ rate: sum(rate) })).filter(({ rate }) => rate.gt(1)).plan,
      merge: ["rows"],
      takesBack: false,
    },
    {
      what: "a list needs the rows",
      plan: byShop.agg(({ amount }) => ({ a: collectList(amount), b: count() })).plan,
      merge: ["rows"],
      takesBack: false,
    },
  ];

  test.each(kept)("$what", ({ plan, merge, takesBack }) => {
    const view = changing(plan);
    const [operator] = view.operators as [KeyedOperator];
    expect(operator.accumulators.map((each) => (typeof each.merge === "string" ? each.merge : "rows"))).toEqual(merge);
    expect(modeFor(operator, false) === "merge").toBe(takesBack);
    expect(view.keepsState).toBe(!merge.includes("rows"));
  });
});

describe("a view is computed in full, and says why, where it is", () => {
  test.each(full)("$what", ({ plan, reason }) => {
    const view = viewPlan(plan);
    expect(view.kind === "full" && view.reason).toContain(reason);
  });
});

/** How a view is refreshed, told from its query alone (engine-rules 10). */
import { describe, expect, test } from "vitest";
import { viewPlan } from "../../../../shared/engine/incremental/view-plan.ts";
import { date, double, long, map, string, struct, array } from "../../../../shared/pipeline/index.ts";
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
const byShop = sales.groupBy("shop");
const grouped = sales.groupBy("shop", "day").agg(({ amount }) => ({ total: sum(amount), sales: count() }));

interface Keyed {
  readonly what: string;
  readonly plan: LogicalPlan;
  /** Output and source column of each key. */
  readonly keys: readonly (readonly [string, string | undefined])[];
}

const keyed: readonly Keyed[] = [
  {
    what: "groups of one table",
    plan: grouped.plan,
    keys: [
      ["shop", "shop"],
      ["day", "day"],
    ],
  },
  {
    what: "groups whose keys are renamed above",
    plan: grouped.select(({ shop, day, total }) => ({ place: shop, total, day })).plan,
    keys: [
      ["place", "shop"],
      ["day", "day"],
    ],
  },
  {
    what: "groups of which some are left out",
    plan: grouped.filter(({ total }) => total.gt(5)).plan,
    keys: [
      ["shop", "shop"],
      ["day", "day"],
    ],
  },
  {
    what: "sorted groups",
    plan: grouped.orderBy("total").plan,
    keys: [
      ["shop", "shop"],
      ["day", "day"],
    ],
  },
  {
    what: "groups by something computed",
    plan: sales.groupBy(({ shop, at }) => ({ shop: upper(shop), day: toDate(at) })).agg(() => ({ sales: count() }))
      .plan,
    keys: [
      ["shop", undefined],
      ["day", undefined],
    ],
  },
  {
    what: "groups of filtered and computed rows",
    plan: sales
      .filter(({ amount }) => amount.gt(0))
      .withColumns(({ shop }) => ({ shop: upper(shop) }))
      .groupBy("shop", "day")
      .agg(({ id }) => ({ ids: countDistinct(id) })).plan,
    keys: [
      ["shop", undefined],
      ["day", "day"],
    ],
  },
  {
    what: "groups of exploded rows",
    plan: sales
      .explode("tag", ({ tags }) => tags)
      .groupBy("tag")
      .agg(({ amount }) => ({ lowest: min(amount), highest: max(amount) })).plan,
    keys: [["tag", undefined]],
  },
  { what: "one group of all rows", plan: sales.groupBy().agg(() => ({ sales: count() })).plan, keys: [] },
  {
    what: "groups of groups, whose keys are no columns of the table any more",
    plan: grouped.groupBy("day").agg(({ total }) => ({ best: max(total) })).plan,
    keys: [["day", undefined]],
  },
  {
    what: "different rows",
    plan: sales.select(({ shop, day }) => ({ shop, day })).distinct().plan,
    keys: [
      ["shop", "shop"],
      ["day", "day"],
    ],
  },
  {
    what: "groups of different rows",
    plan: sales
      .select(({ shop, day }) => ({ shop, day }))
      .distinct()
      .groupBy("shop")
      .agg(() => ({ days: count() })).plan,
    keys: [["shop", undefined]],
  },
];

const full: readonly { readonly what: string; readonly plan: LogicalPlan; readonly reason: string }[] = [
  {
    what: "a join",
    plan: sales
      .join(shops, "shop")
      .groupBy("city")
      .agg(() => ({ sales: count() })).plan,
    reason: "2 tables",
  },
  {
    what: "a join of a table with itself",
    plan: sales
      .select(({ id, shop }) => ({ id, shop }))
      .join(
        sales.select(({ id, day }) => ({ other: id, day })),
        { left: "id", right: "other" },
      )
      .groupBy("shop")
      .agg(() => ({ sales: count() })).plan,
    reason: "no rule yet for join",
  },
  {
    what: "groups of numbered rows",
    plan: sales
      .withColumns(({ id, shop }) => ({ n: rowNumber().over({ partitionBy: [shop], orderBy: [id] }) }))
      .groupBy("n")
      .agg(() => ({ sales: count() })).plan,
    reason: "more than one row",
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
    what: "a group column that is left out above",
    plan: grouped.select(({ shop, total }) => ({ shop, total })).plan,
    reason: '"day"',
  },
  {
    what: "a group column that is changed above",
    plan: grouped.withColumns(({ shop }) => ({ shop: upper(shop) })).plan,
    reason: '"shop"',
  },
  {
    what: "the first groups of all",
    plan: grouped.orderBy("total").limit(3).plan,
    reason: "no rule yet for limit",
  },
  {
    what: "a rank among the groups, which a change of one moves for all",
    plan: grouped.withColumns(({ day, total }) => ({
      rank: rowNumber().over({ partitionBy: [day], orderBy: [total] }),
    })).plan,
    reason: "more than one row",
  },
];

describe("a view is refreshed by keys where it is", () => {
  test.each(keyed)("$what", ({ plan, keys }) => {
    const view = viewPlan(plan);
    if (view.kind !== "keyed") throw new Error(view.kind === "full" ? view.reason : view.kind);
    expect(view.keys.map(({ output, source }) => [output, source])).toEqual(keys);
  });
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
    const view = viewPlan(plan);
    if (view.kind !== "keyed") throw new Error(view.kind);
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

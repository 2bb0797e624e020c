/** How a view is refreshed, told from its query alone (engine-rules 10). */
import { describe, expect, test } from "vitest";
import { viewPlan } from "../../../../shared/engine/incremental/view-plan.ts";
import { date, long, string, struct, array } from "../../../../shared/pipeline/index.ts";
import {
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
import type { LogicalPlan } from "../../../../shared/plan/index.ts";

const sales = read({
  name: "silver.sales",
  schema: struct({ id: long(), shop: string(), day: date(), at: timestamp(), amount: long(), tags: array(string()) }),
});
const shops = read({ name: "silver.shops", schema: struct({ shop: string(), city: string() }) });
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
    reason: "more than rows taken one by one",
  },
  { what: "no groups", plan: sales.select(({ id }) => ({ id })).plan, reason: "no groups" },
  { what: "a global aggregate", plan: sales.groupBy().agg(() => ({ sales: count() })).plan, reason: "one group" },
  {
    what: "groups of groups",
    plan: grouped.groupBy("day").agg(({ total }) => ({ best: max(total) })).plan,
    reason: "more than rows taken one by one",
  },
  {
    what: "groups of distinct rows",
    plan: sales
      .select(({ shop, day }) => ({ shop, day }))
      .distinct()
      .groupBy("shop")
      .agg(() => ({ days: count() })).plan,
    reason: "more than rows taken one by one",
  },
  {
    what: "groups of numbered rows",
    plan: sales
      .withColumns(({ id, shop }) => ({ n: rowNumber().over({ partitionBy: [shop], orderBy: [id] }) }))
      .groupBy("n")
      .agg(() => ({ sales: count() })).plan,
    reason: "more than rows taken one by one",
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
  { what: "the first groups of all", plan: grouped.orderBy("total").limit(3).plan, reason: "no groups" },
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
    if (view.kind === "full") throw new Error(view.reason);
    expect(view.keys.map(({ output, source }) => [output, source])).toEqual(keys);
  });
});

describe("a view is computed in full, and says why, where it is", () => {
  test.each(full)("$what", ({ plan, reason }) => {
    const view = viewPlan(plan);
    expect(view.kind === "full" && view.reason).toContain(reason);
  });
});

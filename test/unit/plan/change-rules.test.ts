/** Whether a query can be kept up to date by changes is told when it is loaded: what has no rule, where it stands, and what to write instead. */
import { describe, expect, test } from "vitest";
import { isDyneError } from "../../../shared/core/index.ts";
import {
  count,
  countDistinct,
  double,
  long,
  map,
  materializedView,
  read,
  rowNumber,
  string,
  struct,
  sum,
} from "../../../shared/pipeline/index.ts";
import { changeProblem, type DataFrame } from "../../../shared/plan/index.ts";

const sales = read({
  name: "bronze.sales",
  schema: struct({ id: long(), shop: string(), day: string(), rate: double(), labels: map(string(), string()) }),
});
const plain = sales.select("id", "shop", "day", "rate");
const rates = plain.groupBy("shop").agg(({ rate }) => ({ rate: sum(rate) }));

interface Refused {
  readonly what: string;
  readonly query: DataFrame<never>;
  readonly place: string;
  readonly reason: string;
  readonly remedy: string;
}
const loose = (query: unknown) => query as DataFrame<never>;

const refused: readonly Refused[] = [
  {
    what: "a limit of all rows",
    query: loose(plain.orderBy("id").limit(3)),
    place: "limit",
    reason: "looks at all rows",
    remedy: "number them in a window partitioned by it",
  },
  {
    what: "a limit below a join",
    query: loose(plain.join(plain.select("shop").orderBy("shop").limit(3), "shop", "semi")),
    place: "limit",
    reason: "looks at all rows",
    remedy: "number them in a window partitioned by it",
  },
  {
    what: "a window of all rows",
    query: loose(plain.withColumns(({ id }) => ({ place: rowNumber().over({ orderBy: [id] }) }))),
    place: 'the windows of "place"',
    reason: "without a partition",
    remedy: "partition them by a common column",
  },
  {
    what: "windows that share no partition",
    query: loose(
      plain.select(({ id, shop, day }) => ({
        first: rowNumber().over({ partitionBy: [shop], orderBy: [id] }),
        second: rowNumber().over({ partitionBy: [day], orderBy: [id] }),
      })),
    ),
    place: 'the windows of "first" and "second"',
    reason: "without a common one",
    remedy: "partition them by a common column",
  },
  {
    what: "groups over inexact sums",
    query: loose(rates.groupBy().agg(({ rate }) => ({ rate: sum(rate) }))),
    place: "groupBy",
    reason: '"rate" is inexact',
    remedy: "a view of its own",
  },
  {
    what: "windows over inexact sums",
    query: loose(rates.withColumns(({ shop }) => ({ n: rowNumber().over({ partitionBy: [shop], orderBy: [shop] }) }))),
    place: 'the windows of "n"',
    reason: '"rate" is inexact',
    remedy: "a view of its own",
  },
  {
    what: "different rows with maps",
    query: loose(sales.distinct()),
    place: "distinct",
    reason: "maps cannot be compared",
    remedy: "select the values that you need",
  },
  {
    what: "groups that no column of the view tells apart",
    query: loose(
      plain
        .groupBy("shop")
        .agg(({ rate }) => ({ rate: sum(rate) }))
        .select("rate"),
    ),
    place: "the result",
    reason: "no column of an exact type",
    remedy: "keep the columns that it is grouped or joined by",
  },
];

describe("a view that must be refreshed by changes is refused when it is declared, where it has", () => {
  test.each(refused)("$what", ({ query, place, reason, remedy }) => {
    let error: unknown;
    try {
      materializedView("gold.x", { query, refresh: "incremental" });
    } catch (caught) {
      error = caught;
    }
    if (!isDyneError(error, "INVALID_PIPELINE")) throw new Error(`not refused, but ${String(error)}`);
    expect(error.details).toMatchObject({ table: "gold.x", clause: place });
    for (const part of ["gold.x: ", `because of ${place}: `, reason, remedy]) expect(error.message).toContain(part);
    expect(
      () => materializedView("gold.x", { query, refresh: "auto" }),
      "by itself it is computed in full",
    ).not.toThrow();
    expect(() => materializedView("gold.x", { query, refresh: "full" })).not.toThrow();
  });
});

describe("a query has rules for all of it where it", () => {
  test.each<[string, { readonly plan: DataFrame<never>["plan"] }]>([
    ["only counts maps", sales.groupBy("shop").agg(({ labels }) => ({ n: count(labels) }))],
    ["only takes maps along", sales.filter(({ id }) => id.gt(1))],
    ["has floating-point numbers alone, but only ever adds rows", plain.select("rate")],
    ["has its groups' keys, whatever their type", plain.groupBy("rate").agg(({ id }) => ({ n: countDistinct(id) }))],
    ["has one group", plain.groupBy().agg(({ rate }) => ({ rate: sum(rate) }))],
    [
      "has windows with a common partition among others",
      plain.select(({ id, shop, day }) => ({
        id,
        n: rowNumber().over({ partitionBy: [shop], orderBy: [id] }),
        m: rowNumber().over({ partitionBy: [shop, day], orderBy: [id] }),
      })),
    ],
  ])("%s", (_, { plan }) => {
    expect(changeProblem(plan)).toBeUndefined();
  });
});

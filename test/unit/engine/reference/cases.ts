/** What a view of each kind holds, step by step, and by which way it got there. The steps are in inputs.ts. */
import {
  avg,
  collectList,
  count,
  countDistinct,
  countIf,
  denseRank,
  lag,
  lead,
  max,
  min,
  rank,
  rowNumber,
  sum,
  window,
  type DataFrame,
} from "../../../../shared/pipeline/index.ts";
import type { ColumnTypes, DataType, Schema, StructField } from "../../../../shared/plan/index.ts";
import { brief, shop, viewOf, visit } from "./inputs.ts";

/** The ways of a view's batches: of the first rows, and of all that comes after them. */
type Ways = readonly [Way, Way];
type Way = "append" | "merge-partials" | "recompute-keys" | "full";

/** `expected` has the rows after each step, in any order; `ofNothing` those before the first. A row is its values: "1 a NULL; 2 b 5" are two rows. */
function referenceCase<Types extends ColumnTypes>(
  name: string,
  query: DataFrame<Types>,
  ways: Ways,
  expected: readonly string[],
  ofNothing = "",
) {
  const schema = query.schema as Schema;
  return {
    name,
    ...viewOf(query),
    ways,
    expected: expected.map((rows) => rowsOf(rows, schema)),
    ofNothing: rowsOf(ofNothing, schema),
  };
}

function rowsOf(text: string, schema: Schema) {
  if (text === "") return [];
  const fields = Object.entries<StructField>(schema.fields);
  return text.split("; ").map((row) => {
    const values = row.split(" ");
    if (values.length !== fields.length) throw new Error(`"${row}" has not ${fields.length} values`);
    return Object.fromEntries(fields.map(([name, { type }], index) => [name, valueOf(values[index] as string, type)]));
  });
}

function valueOf(text: string, { kind }: DataType): unknown {
  if (text === "NULL") return null;
  if (kind === "string" || kind === "timestamp") return text;
  return JSON.parse(text);
}

/** Every operator that a view can have. */
export const referenceCases = [
  referenceCase(
    "filter",
    brief.filter(({ spent }) => spent.gt(6)),
    ["append", "recompute-keys"],
    ["1 a 10; 2 a 20; 4 NULL 7", "1 a 11; 2 a 20; 4 NULL 7", "1 a 11", "", ""],
  ),
  referenceCase(
    "project",
    brief.select(({ id, spent }) => ({ id, twice: spent.times(2) })),
    ["append", "recompute-keys"],
    ["1 20; 2 40; 3 10; 4 14", "1 22; 2 40; 3 10; 4 14; 5 10; 6 NULL", "1 22; 3 10; 5 10; 6 NULL", "7 2", ""],
  ),
  referenceCase(
    "project of what is the same for many rows",
    brief.select(({ shop }) => ({ shop })),
    ["append", "recompute-keys"],
    ["a; a; b; NULL", "a; a; b; b; c; NULL", "a; b; b; c", "a", ""],
  ),
  referenceCase(
    "explode",
    visit.explode("tag", ({ tags }) => tags).select("id", "tag"),
    ["append", "recompute-keys"],
    ["1 x; 1 y; 3 x", "1 x; 1 y; 3 x; 5 y; 6 z; 6 NULL", "1 x; 1 y; 3 x; 5 y; 6 z; 6 NULL", "7 x", ""],
  ),
  referenceCase(
    "outer explode",
    visit.explode("tag", ({ tags }) => tags, { outer: true }).select("id", "tag"),
    ["append", "recompute-keys"],
    [
      "1 x; 1 y; 2 NULL; 3 x; 4 NULL",
      "1 x; 1 y; 2 NULL; 3 x; 4 NULL; 5 y; 6 z; 6 NULL",
      "1 x; 1 y; 3 x; 5 y; 6 z; 6 NULL",
      "7 x",
      "",
    ],
  ),
  referenceCase(
    "union",
    brief.select(({ shop }) => ({ shop })).union(shop.select(({ shop }) => ({ shop }))),
    ["append", "recompute-keys"],
    [
      "a; a; a; b; c; NULL; NULL",
      "a; a; a; b; b; b; c; c; NULL; NULL",
      "a; a; b; b; b; c; NULL",
      "a; a; b; NULL",
      "a; b; NULL",
    ],
  ),
  referenceCase(
    "intersect",
    brief.select("shop").intersect(shop.select("shop")),
    ["recompute-keys", "recompute-keys"],
    ["a; NULL", "a; b; c; NULL", "a; b", "a", ""],
  ),
  referenceCase(
    "except",
    brief.select("shop").except(shop.select("shop")),
    ["recompute-keys", "recompute-keys"],
    ["b", "", "c", "", ""],
  ),
  referenceCase(
    "distinct",
    brief.select("shop").distinct(),
    ["append", "merge-partials"],
    ["a; b; NULL", "a; b; c; NULL", "a; b; c", "a", ""],
  ),
  referenceCase(
    "dropDuplicates",
    brief.dropDuplicates(["shop"]),
    ["recompute-keys", "recompute-keys"],
    ["1 a 10; 3 b 5; 4 NULL 7", "1 a 11; 3 b 5; 4 NULL 7; 6 c NULL", "1 a 11; 3 b 5; 6 c NULL", "7 a 1", ""],
  ),
  referenceCase(
    "inner join",
    brief.join(shop, "shop"),
    ["append", "recompute-keys"],
    [
      "1 a 10 Rome; 2 a 20 Rome",
      "1 a 11 Rome; 2 a 20 Rome; 3 b 5 Bonn; 5 b 5 Bonn; 6 c NULL Oslo",
      "1 a 11 Paris; 3 b 5 Bonn; 5 b 5 Bonn",
      "7 a 1 Paris",
      "",
    ],
  ),
  referenceCase(
    "left join",
    brief.join(shop, "shop", "left"),
    ["recompute-keys", "recompute-keys"],
    [
      "1 a 10 Rome; 2 a 20 Rome; 3 b 5 NULL; 4 NULL 7 NULL",
      "1 a 11 Rome; 2 a 20 Rome; 3 b 5 Bonn; 4 NULL 7 NULL; 5 b 5 Bonn; 6 c NULL Oslo",
      "1 a 11 Paris; 3 b 5 Bonn; 5 b 5 Bonn; 6 c NULL NULL",
      "7 a 1 Paris",
      "",
    ],
  ),
  referenceCase(
    "right join",
    brief.join(shop, "shop", "right"),
    ["recompute-keys", "recompute-keys"],
    [
      "1 a 10 Rome; 2 a 20 Rome; NULL c NULL Oslo; NULL NULL NULL Nowhere",
      "1 a 11 Rome; 2 a 20 Rome; 3 b 5 Bonn; 5 b 5 Bonn; 6 c NULL Oslo; NULL NULL NULL Nowhere",
      "1 a 11 Paris; 3 b 5 Bonn; 5 b 5 Bonn; NULL NULL NULL Nowhere",
      "7 a 1 Paris; NULL b NULL Bonn; NULL NULL NULL Nowhere",
      "NULL a NULL Paris; NULL b NULL Bonn; NULL NULL NULL Nowhere",
    ],
  ),
  referenceCase(
    "full join",
    brief.join(shop, "shop", "full"),
    ["recompute-keys", "recompute-keys"],
    [
      "1 a 10 Rome; 2 a 20 Rome; 3 b 5 NULL; 4 NULL 7 NULL; NULL c NULL Oslo; NULL NULL NULL Nowhere",
      "1 a 11 Rome; 2 a 20 Rome; 3 b 5 Bonn; 4 NULL 7 NULL; 5 b 5 Bonn; 6 c NULL Oslo; NULL NULL NULL Nowhere",
      "1 a 11 Paris; 3 b 5 Bonn; 5 b 5 Bonn; 6 c NULL NULL; NULL NULL NULL Nowhere",
      "7 a 1 Paris; NULL b NULL Bonn; NULL NULL NULL Nowhere",
      "NULL a NULL Paris; NULL b NULL Bonn; NULL NULL NULL Nowhere",
    ],
  ),
  referenceCase(
    "semi join",
    brief.join(shop, "shop", "semi"),
    ["recompute-keys", "recompute-keys"],
    ["1 a 10; 2 a 20", "1 a 11; 2 a 20; 3 b 5; 5 b 5; 6 c NULL", "1 a 11; 3 b 5; 5 b 5", "7 a 1", ""],
  ),
  referenceCase(
    "anti join",
    brief.join(shop, "shop", "anti"),
    ["recompute-keys", "recompute-keys"],
    ["3 b 5; 4 NULL 7", "4 NULL 7", "6 c NULL", "", ""],
  ),
  referenceCase(
    "cross join",
    brief.select("id").crossJoin(shop.select("city")),
    ["append", "recompute-keys"],
    [
      "1 Nowhere; 1 Oslo; 1 Rome; 2 Nowhere; 2 Oslo; 2 Rome; 3 Nowhere; 3 Oslo; 3 Rome; 4 Nowhere; 4 Oslo; 4 Rome",
      "1 Bonn; 1 Nowhere; 1 Oslo; 1 Rome; 2 Bonn; 2 Nowhere; 2 Oslo; 2 Rome; 3 Bonn; 3 Nowhere; 3 Oslo; 3 Rome; 4 Bonn; 4 Nowhere; 4 Oslo; 4 Rome; 5 Bonn; 5 Nowhere; 5 Oslo; 5 Rome; 6 Bonn; 6 Nowhere; 6 Oslo; 6 Rome",
      "1 Bonn; 1 Nowhere; 1 Paris; 3 Bonn; 3 Nowhere; 3 Paris; 5 Bonn; 5 Nowhere; 5 Paris; 6 Bonn; 6 Nowhere; 6 Paris",
      "7 Bonn; 7 Nowhere; 7 Paris",
      "",
    ],
  ),
  referenceCase(
    "self join",
    brief
      .select("id", "shop")
      .join(
        brief.select(({ id, shop }) => ({ other: id, shop })),
        "shop",
      )
      .filter(({ id, other }) => id.lt(other)),
    ["append", "recompute-keys"],
    ["1 a 2", "1 a 2; 3 b 5", "3 b 5", "", ""],
  ),
  referenceCase(
    "count and sum",
    brief.groupBy("shop").agg(({ spent }) => ({ visits: count(), paid: count(spent), spent: sum(spent) })),
    ["merge-partials", "merge-partials"],
    [
      "a 2 2 30; b 1 1 5; NULL 1 1 7",
      "a 2 2 31; b 2 2 10; c 1 0 NULL; NULL 1 1 7",
      "a 1 1 11; b 2 2 10; c 1 0 NULL",
      "a 1 1 1",
      "",
    ],
  ),
  referenceCase(
    "average",
    brief.groupBy("shop").agg(({ spent }) => ({ mean: avg(spent) })),
    ["merge-partials", "merge-partials"],
    ["a 15; b 5; NULL 7", "a 15.5; b 5; c NULL; NULL 7", "a 11; b 5; c NULL", "a 1", ""],
  ),
  referenceCase(
    "minimum and maximum",
    brief.groupBy("shop").agg(({ spent }) => ({ least: min(spent), most: max(spent) })),
    ["merge-partials", "recompute-keys"],
    ["a 10 20; b 5 5; NULL 7 7", "a 11 20; b 5 5; c NULL NULL; NULL 7 7", "a 11 11; b 5 5; c NULL NULL", "a 1 1", ""],
  ),
  referenceCase(
    "conditional count",
    brief
      .groupBy("shop")
      .agg(({ spent }) => ({ large: countIf(spent.gt(6)), of_large: sum(spent).filter(spent.gt(6)) })),
    ["merge-partials", "merge-partials"],
    [
      "a 2 30; b 0 NULL; NULL 1 7",
      "a 2 31; b 0 NULL; c 0 NULL; NULL 1 7",
      "a 1 11; b 0 NULL; c 0 NULL",
      "a 0 NULL",
      "",
    ],
  ),
  referenceCase(
    "count of distinct values",
    brief.groupBy("shop").agg(({ spent }) => ({ amounts: countDistinct(spent) })),
    ["merge-partials", "merge-partials"],
    ["a 2; b 1; NULL 1", "a 2; b 1; c 0; NULL 1", "a 1; b 1; c 0", "a 1", ""],
  ),
  referenceCase(
    "collected list",
    brief.groupBy("shop").agg(({ id }) => ({ ids: collectList(id) })),
    ["recompute-keys", "recompute-keys"],
    ["a [1,2]; b [3]; NULL [4]", "a [1,2]; b [3,5]; c [6]; NULL [4]", "a [1]; b [3,5]; c [6]", "a [7]", ""],
  ),
  referenceCase(
    "one group of all rows",
    brief.groupBy().agg(({ spent }) => ({ visits: count(), spent: sum(spent), most: max(spent) })),
    ["merge-partials", "full"],
    ["4 42 20", "6 48 20", "4 21 11", "1 1 1", "0 NULL NULL"],
    "0 NULL NULL",
  ),
  referenceCase(
    "groups of groups",
    brief
      .groupBy("shop")
      .agg(({ spent }) => ({ spent: sum(spent) }))
      .groupBy("spent")
      .agg(() => ({ shops: count() })),
    ["merge-partials", "merge-partials"],
    ["30 1; 5 1; 7 1", "10 1; 31 1; 7 1; NULL 1", "10 1; 11 1; NULL 1", "1 1", ""],
  ),
  referenceCase(
    "groups of joined rows",
    brief
      .join(shop, "shop", "left")
      .groupBy("city")
      .agg(({ spent }) => ({ visits: count(), spent: sum(spent) })),
    ["merge-partials", "merge-partials"],
    [
      "Rome 2 30; NULL 2 12",
      "Bonn 2 10; Oslo 1 NULL; Rome 2 31; NULL 1 7",
      "Bonn 2 10; Paris 1 11; NULL 1 NULL",
      "Paris 1 1",
      "",
    ],
  ),
  referenceCase(
    "join of groups",
    brief
      .groupBy("shop")
      .agg(({ spent }) => ({ spent: sum(spent) }))
      .join(shop, "shop", "full"),
    ["recompute-keys", "recompute-keys"],
    [
      "a 30 Rome; b 5 NULL; c NULL Oslo; NULL 7 NULL; NULL NULL Nowhere",
      "a 31 Rome; b 10 Bonn; c NULL Oslo; NULL 7 NULL; NULL NULL Nowhere",
      "a 11 Paris; b 10 Bonn; c NULL NULL; NULL NULL Nowhere",
      "a 1 Paris; b NULL Bonn; NULL NULL Nowhere",
      "a NULL Paris; b NULL Bonn; NULL NULL Nowhere",
    ],
  ),
  referenceCase(
    "filtered groups",
    brief
      .groupBy("shop")
      .agg(() => ({ visits: count() }))
      .filter(({ visits }) => visits.gt(1)),
    ["merge-partials", "merge-partials"],
    ["a 2", "a 2; b 2", "b 2", "", ""],
  ),
  referenceCase(
    "row number",
    brief.withColumns(({ id, shop, spent }) => ({
      place: rowNumber().over({ partitionBy: [shop], orderBy: [spent.desc(), id] }),
    })),
    ["recompute-keys", "recompute-keys"],
    [
      "1 a 10 2; 2 a 20 1; 3 b 5 1; 4 NULL 7 1",
      "1 a 11 2; 2 a 20 1; 3 b 5 1; 4 NULL 7 1; 5 b 5 2; 6 c NULL 1",
      "1 a 11 1; 3 b 5 1; 5 b 5 2; 6 c NULL 1",
      "7 a 1 1",
      "",
    ],
  ),
  referenceCase(
    "rank and dense rank",
    brief.select(({ id, shop, spent }) => ({
      id,
      rank: rank().over({ partitionBy: [shop], orderBy: [spent] }),
      dense: denseRank().over({ partitionBy: [shop], orderBy: [spent] }),
    })),
    ["recompute-keys", "recompute-keys"],
    [
      "1 1 1; 2 2 2; 3 1 1; 4 1 1",
      "1 1 1; 2 2 2; 3 1 1; 4 1 1; 5 1 1; 6 1 1",
      "1 1 1; 3 1 1; 5 1 1; 6 1 1",
      "7 1 1",
      "",
    ],
  ),
  referenceCase(
    "lag and lead",
    brief.select(({ id, shop }) => ({
      id,
      before: lag(id).over({ partitionBy: [shop], orderBy: [id] }),
      after: lead(id).over({ partitionBy: [shop], orderBy: [id] }),
    })),
    ["recompute-keys", "recompute-keys"],
    [
      "1 NULL 2; 2 1 NULL; 3 NULL NULL; 4 NULL NULL",
      "1 NULL 2; 2 1 NULL; 3 NULL 5; 4 NULL NULL; 5 3 NULL; 6 NULL NULL",
      "1 NULL NULL; 3 NULL 5; 5 3 NULL; 6 NULL NULL",
      "7 NULL NULL",
      "",
    ],
  ),
  referenceCase(
    "sum over a partition",
    brief.select(({ id, shop, spent }) => ({
      id,
      of_shop: sum(spent).over({ partitionBy: [shop] }),
      so_far: sum(spent).over({ partitionBy: [shop], orderBy: [id] }),
    })),
    ["recompute-keys", "recompute-keys"],
    [
      "1 30 10; 2 30 30; 3 5 5; 4 7 7",
      "1 31 11; 2 31 31; 3 10 5; 4 7 7; 5 10 10; 6 NULL NULL",
      "1 11 11; 3 10 5; 5 10 10; 6 NULL NULL",
      "7 1 1",
      "",
    ],
  ),
  referenceCase(
    "row number of all rows",
    brief.select(({ id }) => ({ id, place: rowNumber().over({ orderBy: [id.desc()] }) })),
    ["full", "full"],
    ["1 4; 2 3; 3 2; 4 1", "1 6; 2 5; 3 4; 4 3; 5 2; 6 1", "1 4; 3 3; 5 2; 6 1", "7 1", ""],
  ),
  referenceCase(
    "first rows of each key",
    brief.topK({ by: ["shop"], orderBy: ({ spent }) => [spent.desc()], count: 1 }),
    ["recompute-keys", "recompute-keys"],
    ["2 a 20; 3 b 5; 4 NULL 7", "2 a 20; 3 b 5; 4 NULL 7; 6 c NULL", "1 a 11; 3 b 5; 6 c NULL", "7 a 1", ""],
  ),
  referenceCase(
    "first rows of all",
    brief.orderBy(({ spent }) => [spent.desc()]).limit(2),
    ["full", "full"],
    ["1 a 10; 2 a 20", "1 a 11; 2 a 20", "1 a 11; 3 b 5", "7 a 1", ""],
  ),
  referenceCase(
    "tumbling windows",
    visit
      .groupBy(({ at }) => ({ during: window(at, "5 minutes") }))
      .agg(({ spent }) => ({ visits: count(), spent: sum(spent) }))
      .select(({ during, visits, spent }) => ({ start: during.fields.start, visits, spent })),
    ["merge-partials", "merge-partials"],
    [
      "2026-01-01T10:00:00Z 2 30; 2026-01-01T10:05:00Z 1 5; 2026-01-01T10:10:00Z 1 7",
      "2026-01-01T10:00:00Z 2 31; 2026-01-01T10:05:00Z 1 5; 2026-01-01T10:10:00Z 2 12",
      "2026-01-01T10:00:00Z 1 11; 2026-01-01T10:05:00Z 1 5; 2026-01-01T10:10:00Z 1 5",
      "2026-01-01T10:00:00Z 1 1",
      "",
    ],
  ),
  referenceCase(
    "sliding windows",
    visit
      .groupBy(({ at, shop }) => ({ during: window(at, "10 minutes", "5 minutes"), shop }))
      .agg(() => ({ visits: count() }))
      .select(({ during, shop, visits }) => ({ start: during.fields.start, shop, visits })),
    ["merge-partials", "merge-partials"],
    [
      "2026-01-01T09:55:00Z a 2; 2026-01-01T10:00:00Z a 2; 2026-01-01T10:00:00Z b 1; 2026-01-01T10:05:00Z b 1; 2026-01-01T10:05:00Z NULL 1; 2026-01-01T10:10:00Z NULL 1",
      "2026-01-01T09:55:00Z a 2; 2026-01-01T10:00:00Z a 2; 2026-01-01T10:00:00Z b 1; 2026-01-01T10:05:00Z b 2; 2026-01-01T10:05:00Z NULL 1; 2026-01-01T10:10:00Z b 1; 2026-01-01T10:10:00Z NULL 1",
      "2026-01-01T09:55:00Z a 1; 2026-01-01T10:00:00Z a 1; 2026-01-01T10:00:00Z b 1; 2026-01-01T10:05:00Z b 2; 2026-01-01T10:10:00Z b 1",
      "2026-01-01T09:55:00Z a 1; 2026-01-01T10:00:00Z a 1",
      "",
    ],
  ),
];

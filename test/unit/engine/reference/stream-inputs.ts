/** A hub of visits, a table of shops to look up, and what arrives: what the reference cases of streams are about. */
import {
  array,
  count,
  definePipeline,
  eventHub,
  files,
  fromJson,
  long,
  materializedView,
  read,
  readStream,
  streamingTable,
  string,
  struct,
  sum,
  timestamp,
  type DataFrame,
  type Rules,
} from "../../../../shared/pipeline/index.ts";
import type { ColumnTypes } from "../../../../shared/plan/index.ts";
import { addData, advanceTime, type Action } from "../../../../shared/testing/index.ts";

export const startTime = "2026-01-01T10:10:00Z";

const Visit = struct({ id: long(), shop: string(), spent: long(), tags: array(string()), at: timestamp() });

const arrivals = streamingTable("bronze.arrivals", { from: eventHub("arrivals", { partitions: 2 }) });
const shops = streamingTable("bronze.shops", {
  from: files("landing/shops/**.jsonl", { format: "jsonl", schema: struct({ shop: string(), city: string() }) }),
});

/** The visits, each taken out of its event. */
export const visits = readStream(arrivals)
  .withColumns(({ event_data }) => ({ visit: fromJson(event_data, Visit, { nullInput: "reject" }) }))
  .select(({ visit }) => visit.fields);
/** Without what only some queries look at. */
export const brief = visits.select("id", "shop", "spent");
/** As it stands when a batch looks something up. */
export const shop = read(shops).select("shop", "city");

/** The streaming table `silver.visits` of a query. */
export function streamOf<Types extends ColumnTypes>(query: DataFrame<Types>, expect?: Rules<Types>) {
  const table = streamingTable("silver.visits", expect === undefined ? { query } : { query, expect });
  return { table, pipeline: definePipeline("reference", [arrivals, shops, table]) };
}

/** Visits that count, what each shop took, and over that view how many shops took how much. */
export function viewsOverViews() {
  const table = streamingTable("silver.visits", { query: brief });
  const takings = materializedView("gold.takings", {
    query: read(table)
      .groupBy("shop")
      .agg(({ spent }) => ({ took: sum(spent) })),
  });
  const alike = materializedView("gold.alike", {
    query: read(takings)
      .groupBy("took")
      .agg(() => ({ shops: count() })),
  });
  return { table, takings, alike, pipeline: definePipeline("reference", [arrivals, shops, table, takings, alike]) };
}

const first = { id: 1, shop: "a", spent: 10, tags: ["x", "y"], at: "2026-01-01T10:01:00Z" };

/** What arrives, step by step, in both partitions of the hub. */
export const arriving: readonly { readonly what: string; readonly actions: readonly Action[] }[] = [
  {
    what: "the first visits, and the shops of two of them",
    actions: [
      addData(shops, [
        { shop: "a", city: "Rome" },
        { shop: "b", city: "Bonn" },
        { shop: null, city: "Nowhere" },
      ]),
      addData(arrivals, [first, { id: 2, shop: "a", spent: 20, tags: [], at: "2026-01-01T10:04:00Z" }]),
      addData(arrivals, [{ id: 3, shop: "b", spent: 5, tags: ["x"], at: "2026-01-01T10:06:00Z" }], { partition: "1" }),
    ],
  },
  {
    what: "one again by the other partition, one of an unknown shop, and NULLs",
    actions: [
      advanceTime("1 minute"),
      addData(arrivals, [{ id: 4, shop: null, spent: 7, tags: null, at: "2026-01-01T10:11:00Z" }]),
      addData(arrivals, [first, { id: 5, shop: "c", spent: null, tags: ["z", null], at: "2026-01-01T10:09:00Z" }], {
        partition: "1",
      }),
    ],
  },
  {
    what: "its shop, in time for the next visit there, a visit of long ago, and none",
    actions: [
      advanceTime("10 minutes"),
      addData(shops, [{ shop: "c", city: "Oslo" }]),
      addData(arrivals, [
        { id: 6, shop: "c", spent: 5, tags: ["y"], at: "2026-01-01T10:20:00Z" },
        { id: 7, shop: "a", spent: 1, tags: ["x"], at: "2026-01-01T09:00:00Z" },
        "no visit",
      ]),
    ],
  },
];

/** Two small tables and what happens to them: what the reference cases of operators are about. */
import {
  array,
  definePipeline,
  files,
  long,
  materializedView,
  read,
  streamingTable,
  string,
  struct,
  timestamp,
  type DataFrame,
} from "../../../../shared/pipeline/index.ts";
import type { ColumnTypes } from "../../../../shared/plan/index.ts";
import {
  appendData,
  deleteData,
  optimize,
  overwriteData,
  updateData,
  type Action,
} from "../../../../shared/testing/index.ts";

export const visits = streamingTable("bronze.visits", {
  from: files("landing/visits/**.jsonl", {
    format: "jsonl",
    schema: struct({ id: long(), shop: string(), spent: long(), tags: array(string()), at: timestamp() }),
  }),
});
export const shops = streamingTable("bronze.shops", {
  from: files("landing/shops/**.jsonl", { format: "jsonl", schema: struct({ shop: string(), city: string() }) }),
});

export const visit = read(visits).select("id", "shop", "spent", "tags", "at");
/** Without what only some operators look at. */
export const brief = read(visits).select("id", "shop", "spent");
export const shop = read(shops).select("shop", "city");

/** The view `gold.view` over both tables. */
export function viewOf<Types extends ColumnTypes>(query: DataFrame<Types>) {
  const view = materializedView("gold.view", { query });
  return { view, pipeline: definePipeline("reference", [visits, shops, view]) };
}

/** What happens, step by step. The last steps leave one visit, and then none. */
export const steps: readonly { readonly what: string; readonly actions: readonly Action[] }[] = [
  {
    what: "the first rows",
    actions: [
      appendData(visits, [
        { id: 1, shop: "a", spent: 10, tags: ["x", "y"], at: "2026-01-01T10:01:00Z" },
        { id: 2, shop: "a", spent: 20, tags: [], at: "2026-01-01T10:04:00Z" },
        { id: 3, shop: "b", spent: 5, tags: ["x"], at: "2026-01-01T10:06:00Z" },
        { id: 4, shop: null, spent: 7, tags: null, at: "2026-01-01T10:11:00Z" },
      ]),
      appendData(shops, [
        { shop: "a", city: "Rome" },
        { shop: "c", city: "Oslo" },
        { shop: null, city: "Nowhere" },
      ]),
    ],
  },
  {
    what: "more rows on both sides, and one that is updated",
    actions: [
      appendData(visits, [
        { id: 5, shop: "b", spent: 5, tags: ["y"], at: "2026-01-01T10:12:00Z" },
        { id: 6, shop: "c", spent: null, tags: ["z", null], at: null },
      ]),
      updateData(visits, { set: { spent: 11 }, where: ({ id }) => id.eq(1) }),
      appendData(shops, [{ shop: "b", city: "Bonn" }]),
    ],
  },
  {
    what: "rows that are deleted, a row of the other side too, and one of its updated",
    actions: [
      deleteData(visits, ({ id }) => id.isin(2, 4)),
      deleteData(shops, ({ shop }) => shop.eq("c")),
      updateData(shops, { set: { city: "Paris" }, where: "shop = 'a'" }),
    ],
  },
  {
    what: "files that are put together, and then other rows in the place of all",
    actions: [
      optimize(visits),
      overwriteData(visits, [{ id: 7, shop: "a", spent: 1, tags: ["x"], at: "2026-01-01T10:00:00Z" }]),
    ],
  },
  { what: "no row any more", actions: [deleteData(visits)] },
];

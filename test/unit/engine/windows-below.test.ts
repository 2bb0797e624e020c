/** What stands on a window's columns: they are no values of the changed rows, however few columns the window looks at (engine-rules 10). */
import { expect, test } from "vitest";
import {
  count,
  definePipeline,
  files,
  long,
  materializedView,
  max,
  read,
  streamingTable,
  struct,
  sum,
} from "../../../shared/pipeline/index.ts";
import type { Column, PrimitiveType } from "../../../shared/plan/index.ts";
import {
  addData,
  checkEqualsQuery,
  checkStrategy,
  PipelineTest,
  processAllAvailable,
} from "../../../shared/testing/index.ts";

const visits = streamingTable("bronze.visits", {
  from: files("landing/visits/**.jsonl", { format: "jsonl", schema: struct({ id: long(), shop: long() }) }),
});

type Long = Column<PrimitiveType<"long">>;
const windows: readonly (readonly [string, (shop: Long) => Long])[] = [
  ["the number of its rows", (shop) => count().over({ partitionBy: [shop] })],
  ["a sum of the partition's own column", (shop) => sum(shop).over({ partitionBy: [shop] })],
  [
    "a value made of such a window",
    (shop) =>
      max(shop)
        .over({ partitionBy: [shop] })
        .plus(count().over({ partitionBy: [shop] })),
  ],
];

test.each(windows)("groups by %s are those of all rows after each batch", async (_, windowOf) => {
  const view = materializedView("gold.sizes", {
    refresh: "incremental",
    query: read(visits)
      .withColumns(({ shop }) => ({ size: windowOf(shop) }))
      .groupBy("size")
      .agg(() => ({ visits: count() })),
  });
  await using given = await PipelineTest.open(definePipeline("sizes", [visits, view]));
  await given.run([
    addData(visits, [{ id: 1, shop: 7 }]),
    processAllAvailable(),
    ...[2, 3, 4].flatMap((id) => [
      addData(visits, [{ id, shop: 7 }]),
      processAllAvailable(),
      checkStrategy(view, "merge-partials"),
      checkEqualsQuery(),
    ]),
  ]);
  expect(await given.rows(view)).toHaveLength(1);
});

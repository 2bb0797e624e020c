/** A streaming query taken apart at its stateful operator (engine-rules 5). */
import { expect, test } from "vitest";
import { isDyneError } from "../../../../shared/core/index.ts";
import { streamingPlan } from "../../../../shared/engine/incremental/streaming-plan.ts";
import { long, read, readStream, string, struct, timestamp, count } from "../../../../shared/pipeline/index.ts";
import type { LogicalPlan } from "../../../../shared/plan/index.ts";

const table = { name: "bronze.events", schema: struct({ id: string(), at: timestamp(), amount: long() }) };
const stream = readStream(table);

test("what lies below the de-duplication is computed row by row", () => {
  const below = stream.filter(({ amount }) => amount.gt(0)).withWatermark("at", "5 minutes");
  const plan = streamingPlan(below.dropDuplicatesWithinWatermark(["id"]).plan);
  expect(plan.stream.source).toBe("bronze.events");
  expect(plan.rowLocal).toEqual(below.plan);
  expect(plan.watermark).toMatchObject({
    eventTime: "at",
    delayMs: 300_000,
    maxAheadMs: 300_000,
    idleAfterMs: 300_000,
    late: "quarantine",
  });
  expect(plan.deduplicate?.keys).toEqual(["id"]);
  expect(Object.keys(plan.schema.fields)).toEqual(["id", "at", "amount"]);
});

test("a query without state is row by row as a whole", () => {
  const { plan: query } = stream.select(({ id }) => ({ id }));
  const plan = streamingPlan(query);
  expect(plan.rowLocal).toBe(query);
  expect([plan.watermark, plan.deduplicate]).toEqual([undefined, undefined]);
});

const refused: readonly { readonly what: string; readonly plan: () => LogicalPlan; readonly code: string }[] = [
  { what: "no stream", plan: () => read(table).plan, code: "INVALID_PIPELINE" },
  {
    what: "two streams",
    plan: () =>
      stream.join(
        readStream({ ...table, name: "bronze.others" }).select(({ id }) => ({ id })),
        "id",
      ).plan,
    code: "INVALID_PIPELINE",
  },
  { what: "groups", plan: () => stream.groupBy("id").agg(() => ({ n: count() })).plan, code: "UNBOUNDED_STATE" },
  { what: "distinct rows", plan: () => stream.distinct().plan, code: "UNBOUNDED_STATE" },
  { what: "the first rows of all", plan: () => stream.limit(3).plan, code: "UNBOUNDED_STATE" },
  {
    what: "something after the de-duplication",
    plan: () =>
      stream
        .withWatermark("at", "1 hour")
        .dropDuplicatesWithinWatermark(["id"])
        .filter(({ amount }) => amount.gt(0)).plan,
    code: "UNSUPPORTED_FEATURE",
  },
];

test.each(refused)("$what is refused with $code", ({ plan, code }) => {
  let error: unknown;
  try {
    streamingPlan(plan());
  } catch (thrown) {
    error = thrown;
  }
  expect(isDyneError(error) && error.code).toBe(code);
});

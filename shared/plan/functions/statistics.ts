/** Aggregates of statistics. Each but the percentiles holds the values of a group in memory, where DuckDB's own would stop at an infinity. */
import type { DataType } from "../types.ts";
import type { AggregateFunction, TypeRule } from "./function-definition.ts";
import { exactly, numericKinds } from "./type-rules.ts";

const doubleType: DataType = { kind: "double" };

const ofDoubles: TypeRule = (args) => {
  const typed = exactly([numericKinds], doubleType)(args);
  return "mismatch" in typed ? typed : { result: doubleType, args: [doubleType] };
};

const percentileType: TypeRule = (args) => {
  const typed = exactly([numericKinds, ["double"]], doubleType)(args);
  return "mismatch" in typed ? typed : { result: doubleType, args: [doubleType, doubleType] };
};

/** Deviations and variances: added up from doubles, so that the last digits depend on the order of the rows. */
function deviation(name: string, face: string, does: string): AggregateFunction {
  return {
    kind: "aggregate",
    name,
    deterministic: true,
    exactness: "approximate",
    doc: { usage: `${face}(value: number): double`, does, difference: "the last digits may differ" },
    allowsDistinct: false,
    inexact: () => true,
    type: ofDoubles,
    sql: {
      duckdb: {
        call: ([a]) => `list(${a})`,
        finish: (value, { bind }) => {
          const values = bind(`list_filter(${value}, lambda __dyne_e: __dyne_e IS NOT NULL)`);
          const least = name.endsWith("samp") ? 2 : 1;
          const nan = "CAST('NaN' AS DOUBLE)";
          const isFinite = `len(list_filter(${values}, lambda __dyne_e: NOT isfinite(__dyne_e))) = 0`;
          return `CASE WHEN len(${values}) < ${least} OR ${values} IS NULL THEN NULL WHEN ${isFinite} THEN coalesce(TRY(list_aggregate(${values}, '${name}')), ${nan}) ELSE ${nan} END`;
        },
      },
      spark: { call: ([a]) => `${name}(${a})`, finish: (value) => value },
    },
  };
}

/** Statistics; NULL over no values. */
export const statistics = [
  deviation("stddev_samp", "stddevSamp", "The standard deviation of a sample; NULL below two values. Spark's stddev."),
  deviation("stddev_pop", "stddevPop", "The standard deviation of all values."),
  deviation("var_samp", "varSamp", "The variance of a sample; NULL below two values. Spark's variance."),
  deviation("var_pop", "varPop", "The variance of all values."),
  {
    kind: "aggregate",
    name: "percentile",
    deterministic: true,
    exactness: "approximate",
    doc: {
      usage: "percentile(value: number, share: double literal): double",
      does: "The value below which a share of all values lies, between two of them by their distance; median is that of 0.5.",
      difference: "the last digits may differ, and infinities are values like others",
    },
    allowsDistinct: false,
    inexact: () => true,
    type: percentileType,
    sql: {
      duckdb: { call: ([a, share]) => `quantile_cont(${a}, ${share})`, finish: (value) => value },
      spark: { call: ([a, share]) => `percentile(${a}, ${share})`, finish: (value) => value },
    },
  },
] as const satisfies readonly AggregateFunction[];

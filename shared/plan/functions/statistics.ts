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

const ofPairs: TypeRule = (args) => {
  const typed = exactly([numericKinds, numericKinds], doubleType)(args);
  return "mismatch" in typed ? typed : { result: doubleType, args: [doubleType, doubleType] };
};

const covarianceBeyondDoubles =
  "the last digits may differ; where the values' sum is beyond a double the result is NaN, where only their products are (numbers beyond about 1e154) an infinity, of which Spark gives NaN";
const beyondDoubles = {
  covar_pop: covarianceBeyondDoubles,
  covar_samp: covarianceBeyondDoubles,
  corr: "the last digits may differ; where squares of the values or of their distances from the mean are no doubles (numbers beyond about 1e154, distances below about 1e-154), the result is NaN, 0 or an infinity, of which Spark gives NaN or an error",
} as const;

/** How two values go together, over the rows that have both. */
function ofBoth(name: "corr" | "covar_pop" | "covar_samp", face: string, does: string): AggregateFunction {
  return {
    kind: "aggregate",
    name,
    deterministic: true,
    exactness: "approximate",
    doc: { usage: `${face}(a: number, b: number): double`, does, difference: beyondDoubles[name] },
    allowsDistinct: false,
    inexact: () => true,
    type: ofPairs,
    sql: {
      duckdb: {
        call: ([a, b]) => `list(struct_pack(a := ${a}, b := ${b}))`,
        finish: (value, { bind }) => {
          const pairs = bind(
            `list_filter(${value}, lambda __dyne_e: __dyne_e.a IS NOT NULL AND __dyne_e.b IS NOT NULL)`,
          );
          const [left, right] = ["a", "b"].map((part) =>
            bind(`list_transform(${pairs}, lambda __dyne_e: struct_extract(__dyne_e, '${part}'))`),
          ) as [string, string];
          const isFinite = bind(
            `len(list_filter(${pairs}, lambda __dyne_e: NOT (isfinite(__dyne_e.a) AND isfinite(__dyne_e.b)))) = 0`,
          );
          const count = bind(`coalesce(len(${pairs}), 0)`);
          const [far, wide] = [left, right].map((values) => {
            const mean = bind(`CASE WHEN ${isFinite} THEN TRY(list_aggregate(${values}, 'avg')) END`);
            return bind(`list_transform(${values}, lambda __dyne_e: __dyne_e - ${mean})`);
          }) as [string, string];
          const products = (a: string, b: string): string =>
            `TRY(list_aggregate(list_transform(list_zip(${a}, ${b}), lambda __dyne_e: __dyne_e[1] * __dyne_e[2]), 'sum'))`;
          const together = bind(products(far, wide));
          const nan = "CAST('NaN' AS DOUBLE)";
          const least = name === "covar_pop" ? 1 : 2;
          const of = (result: string): string =>
            `CASE WHEN ${count} < ${least} THEN NULL WHEN ${isFinite} THEN coalesce(${result}, ${nan}) ELSE ${nan} END`;
          if (name !== "corr") return of(`${together} / (${name === "covar_pop" ? count : `(${count} - 1)`})`);
          const same = [left, right].map((values) => `list_min(${values}) = list_max(${values})`).join(" OR ");
          return {
            sql: of(`${together} / sqrt(${products(far, far)} * ${products(wide, wide)})`),
            errors: [
              {
                when: `(${count} >= 2 AND ${isFinite} AND (${same}))`,
                message: "'values that are all the same have no correlation'",
              },
            ],
          };
        },
      },
      spark: { call: ([a, b]) => `${name}(${a}, ${b})`, finish: (value) => value },
    },
  };
}

/** Statistics; NULL over no values. */
export const statistics = [
  deviation("stddev_samp", "stddevSamp", "The standard deviation of a sample; NULL below two values. Spark's stddev."),
  deviation("stddev_pop", "stddevPop", "The standard deviation of all values."),
  deviation("var_samp", "varSamp", "The variance of a sample; NULL below two values. Spark's variance."),
  deviation("var_pop", "varPop", "The variance of all values."),
  ofBoth("covar_samp", "covarSamp", "The covariance of a sample, over rows that have both; NULL below two of them."),
  ofBoth("covar_pop", "covarPop", "The covariance of all rows that have both."),
  ofBoth(
    "corr",
    "corr",
    "Pearson's correlation over rows that have both, -1 to 1; NULL below two of them, an error where one of the values is the same in all.",
  ),
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

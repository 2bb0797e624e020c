import type { DataType } from "../types.ts";
import { isIntegral, typeName } from "../type-name.ts";
import { duckdbType } from "../sql/quoting.ts";
import type {
  AggregateFunction,
  AggregateSpelling,
  Spelled,
  SpellingContext,
  TypeRule,
} from "./function-definition.ts";
import { anything, exactly, isOrdered, numericKinds } from "./type-rules.ts";

const never = (): boolean => false;
const isFloating = ([type]: readonly DataType[]): boolean => type?.kind === "float" || type?.kind === "double";
const plain = (name: string): AggregateSpelling => ({
  call: ([a], distinct) => `${name}(${distinct ? "DISTINCT " : ""}${a})`,
  finish: (value) => value,
});

const sumType: TypeRule = exactly([numericKinds], ([type]) => {
  if (type?.kind === "decimal")
    return { kind: "decimal", precision: Math.min(38, type.precision + 10), scale: type.scale };
  return { kind: type !== undefined && isIntegral(type) ? "long" : "double" };
});

/** DuckDB adds whole numbers up in 128 bits; Spark's result has 64, and what does not fit is an error. */
function finishSum(value: string, { result, bind }: SpellingContext): string | Spelled {
  if (result.kind === "double") return value;
  const total = bind(`TRY_CAST(${value} AS ${duckdbType(result)})`);
  return {
    sql: total,
    errors: [
      {
        when: `(${total} IS NULL AND ${value} IS NOT NULL)`,
        message: `'the sum does not fit into ${typeName(result)}'`,
      },
    ],
  };
}

const avgType: TypeRule = (args) => {
  if (args[0]?.kind === "decimal") return { mismatch: "of decimals is not supported; cast the value to double first" };
  return exactly([numericKinds], { kind: "double" })(args);
};

function extreme(name: "min" | "max"): AggregateFunction {
  return {
    kind: "aggregate",
    name,
    deterministic: true,
    exactness: "exact",
    allowsDistinct: false,
    inexact: never,
    type: (args) => {
      const typed = anything(1, 1, ([type]) => type as DataType)(args);
      return "mismatch" in typed || isOrdered(typed.result) ? typed : { mismatch: "cannot order maps or variants" };
    },
    sql: { duckdb: plain(name), spark: plain(name) },
  };
}

const count = (args: readonly string[], distinct: boolean): string =>
  `count(${distinct ? "DISTINCT " : ""}${args[0] ?? "*"})`;

/** Aggregates. All but `count` are NULL over no values; NULLs do not take part. */
export const aggregates = [
  {
    kind: "aggregate",
    name: "count",
    deterministic: true,
    exactness: "exact",
    allowsDistinct: true,
    inexact: never,
    type: anything(0, 1, () => ({ kind: "long" })),
    sql: { duckdb: { call: count, finish: (value) => value }, spark: { call: count, finish: (value) => value } },
  },
  {
    kind: "aggregate",
    name: "sum",
    deterministic: true,
    exactness: "exact",
    allowsDistinct: false,
    inexact: isFloating,
    type: sumType,
    sql: { duckdb: { ...plain("sum"), finish: finishSum }, spark: plain("sum") },
  },
  {
    kind: "aggregate",
    name: "avg",
    deterministic: true,
    exactness: "exact",
    allowsDistinct: false,
    inexact: isFloating,
    type: avgType,
    sql: { duckdb: plain("avg"), spark: plain("avg") },
  },
  extreme("min"),
  extreme("max"),
  {
    kind: "aggregate",
    name: "collect_list",
    deterministic: true,
    // Sorted, where Spark's order is that of arrival: so that equal input gives equal rows.
    exactness: "approximate",
    allowsDistinct: false,
    inexact: never,
    type: (args) => {
      const typed = anything(1, 1, ([type]) => ({ kind: "array", element: type as DataType, containsNull: false }))(
        args,
      );
      return "mismatch" in typed || isOrdered(args[0] as DataType)
        ? typed
        : { mismatch: "cannot order maps or variants" };
    },
    sql: {
      duckdb: {
        call: ([a]) => `list(${a})`,
        finish: (value) => `coalesce(list_sort(list_filter(${value}, lambda e: e IS NOT NULL)), [])`,
      },
      spark: { call: ([a]) => `collect_list(${a})`, finish: (value) => `array_sort(${value})` },
    },
  },
] as const satisfies readonly AggregateFunction[];

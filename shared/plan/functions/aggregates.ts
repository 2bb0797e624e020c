import type { DataType, DecimalType } from "../types.ts";
import { groupedValue } from "../sql/grouped-value.ts";
import { holdsFloat, isIntegral, typeName } from "../type-name.ts";
import { duckdbType } from "../sql/quoting.ts";
import { meanType } from "./decimals.ts";
import type {
  AggregateFunction,
  AggregateSpelling,
  Spelled,
  SpellingContext,
  TypeRule,
} from "./function-definition.ts";
import { anything, exactly, isComparable, integralKinds, isKey, isOrdered, numericKinds } from "./type-rules.ts";

const never = (): boolean => false;
const isFloating = ([type]: readonly DataType[]): boolean => type?.kind === "float" || type?.kind === "double";
const plain = (name: string): AggregateSpelling => ({
  call: ([a], distinct) => `${name}(${distinct ? "DISTINCT " : ""}${a})`,
  finish: (value) => value,
});

/** The elements of a list that may be NULL. */
const present = (list: string): string => `coalesce(list_filter(${list}, lambda __dyne_e: __dyne_e IS NOT NULL), [])`;

/** Zeros of both signs are equal, so that a list's order would be that in which its rows came: the text of a zero has its sign. */
function sortedWithSigns(list: string, type: DataType): string {
  if (!holdsFloat(type)) return `list_sort(${list})`;
  const shown = "lambda __dyne_e: struct_pack(v := __dyne_e, t := CAST(__dyne_e AS VARCHAR))";
  return `list_transform(list_sort(list_transform(${list}, ${shown})), lambda __dyne_e: struct_extract(__dyne_e, 'v'))`;
}

const sumType: TypeRule = exactly([numericKinds], ([type]) => {
  if (type?.kind === "decimal")
    return { kind: "decimal", precision: Math.min(38, type.precision + 10), scale: type.scale };
  return { kind: type !== undefined && isIntegral(type) ? "long" : "double" };
});

function decimalMost({ precision, scale }: DecimalType): string {
  const digits = "9".repeat(precision);
  const text = scale === 0 ? digits : `${digits.slice(0, precision - scale)}.${digits.slice(precision - scale)}`;
  return `CAST('${text}' AS DECIMAL(${precision},${scale}))`;
}

/** DuckDB adds whole numbers up in 128 bits; Spark's result has 64, and what does not fit is an error. */
function finishSum(value: string, { result, bind }: SpellingContext): string | Spelled {
  if (result.kind === "double") return value;
  // Of decimals DuckDB lets sums through that have a digit too many; beyond 128 bits it stops by itself.
  const cast = `TRY_CAST(${value} AS ${duckdbType(result)})`;
  const most = result.kind === "decimal" && result.precision === 38 ? decimalMost(result) : undefined;
  const total = bind(most === undefined ? cast : `CASE WHEN ${value} BETWEEN -${most} AND ${most} THEN ${cast} END`);
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

const avgType: TypeRule = exactly([numericKinds], ([type]) =>
  type?.kind === "decimal" ? meanType(type) : { kind: "double" },
);

function extreme(name: "min" | "max", does: string): AggregateFunction {
  return {
    kind: "aggregate",
    name,
    deterministic: true,
    exactness: "exact",
    doc: { usage: `${name}(value)`, does },
    allowsDistinct: false,
    inexact: never,
    type: (args) => {
      const typed = anything(1, 1, ([type]) => type as DataType)(args);
      return "mismatch" in typed || isOrdered(typed.result)
        ? typed
        : { mismatch: `cannot order ${typeName(typed.result)}` };
    },
    sql: { duckdb: plain(name), spark: plain(name) },
  };
}

const count = (args: readonly string[], distinct: boolean): string =>
  `count(${distinct ? "DISTINCT " : ""}${args[0] ?? "*"})`;

/** An aggregate that means the same in both dialects, whatever the order of the rows. */
function shared(name: string, usage: string, does: string, type: TypeRule): AggregateFunction {
  return {
    kind: "aggregate",
    name,
    deterministic: true,
    exactness: "exact",
    doc: { usage, does },
    allowsDistinct: false,
    inexact: never,
    type,
    sql: { duckdb: plain(name), spark: plain(name) },
  };
}

function ofConditions(name: string, face: string, does: string): AggregateFunction {
  return shared(name, `${face}(condition: boolean): boolean`, does, exactly([["boolean"]], { kind: "boolean" }));
}

function ofBits(name: string, face: string, does: string): AggregateFunction {
  return shared(
    name,
    `${face}(value: bigint)`,
    does,
    exactly([integralKinds], ([type]) => type as DataType),
  );
}

/** The order is made total by the value itself, NULL below all others: so that equal rows give an equal value. */
function valueBy(name: "max_by" | "min_by", face: string, which: "greatest" | "least"): AggregateFunction {
  return {
    kind: "aggregate",
    name,
    deterministic: true,
    exactness: "approximate",
    doc: {
      usage: `${face}(value, by)`,
      does: `The value of the row with the ${which} \`by\`; rows where that is NULL are passed over.`,
      difference: `of several rows with the ${which}, the ${which} value is taken, where Spark takes any`,
    },
    allowsDistinct: false,
    inexact: never,
    type: (args) => {
      const typed = anything(2, 2, ([type]) => type as DataType)(args);
      if ("mismatch" in typed) return typed;
      if (!isComparable(typed.result)) return { mismatch: "cannot order maps" };
      const by = args[1] as DataType;
      return isOrdered(by) ? typed : { mismatch: `cannot order by ${typeName(by)}` };
    },
    sql: {
      duckdb: {
        call: ([value, by]) =>
          `${name === "max_by" ? "arg_max_null" : "arg_min_null"}(${value}, CASE WHEN ${by} IS NOT NULL THEN struct_pack(b := ${by}, h := ${value} IS NOT NULL, v := ${value}) END)`,
        finish: (value) => value,
      },
      spark: {
        call: ([value, by]) =>
          `${name}(${value}, CASE WHEN ${by} IS NOT NULL THEN struct(${by} AS b, ${value} IS NOT NULL AS h, ${value} AS v) END)`,
        finish: (value) => value,
      },
    },
  };
}

/** Aggregates. All but `count` are NULL over no values; NULLs do not take part. */
export const aggregates = [
  {
    kind: "aggregate",
    name: "count",
    deterministic: true,
    exactness: "exact",
    doc: {
      usage: "count(value?): bigint",
      does: "Rows, or values that are not NULL; countDistinct and countIf count different values, and rows for which a condition is true.",
    },
    allowsDistinct: true,
    inexact: never,
    type: anything(0, 1, () => ({ kind: "long" })),
    sql: { duckdb: { call: count, finish: (value) => value }, spark: { call: count, finish: (value) => value } },
  },
  {
    kind: "aggregate",
    name: "sum",
    deterministic: true,
    exactness: "approximate",
    doc: {
      difference: "Spark also stops where only a part of a sum of longs does not fit",
      usage: "sum(value: number): bigint | double | decimal",
      does: "The sum; NULL over none, an error where it does not fit.",
    },
    allowsDistinct: false,
    inexact: isFloating,
    type: sumType,
    sql: { duckdb: { ...plain("sum"), finish: finishSum }, spark: plain("sum") },
  },
  {
    kind: "aggregate",
    name: "avg",
    deterministic: true,
    exactness: "approximate",
    doc: {
      usage: "avg(value: number): double | decimal",
      does: "The mean; NULL over none. Of decimals a decimal with four digits more, rounded half up from the exact sum, and an error where that does not fit.",
      difference:
        "of decimals of up to 11 digits Spark computes with doubles, which can cost the last digit; of others it also stops where only a part of the sum has more than 38",
    },
    allowsDistinct: false,
    inexact: isFloating,
    type: avgType,
    sql: { duckdb: plain("avg"), spark: plain("avg") },
  },
  extreme("min", "The least value; NULL over none."),
  extreme("max", "The greatest value, NaN above every number; NULL over none."),
  {
    kind: "aggregate",
    name: "collect_list",
    deterministic: true,
    exactness: "approximate",
    doc: {
      usage: "collectList(value): array",
      does: "All values that are not NULL, sorted, so that equal rows give equal lists.",
      difference: "Spark's order is that of arrival",
    },
    allowsDistinct: false,
    inexact: never,
    type: (args) => {
      const typed = anything(1, 1, ([type]) => ({ kind: "array", element: type as DataType, containsNull: false }))(
        args,
      );
      return "mismatch" in typed || isComparable(args[0] as DataType)
        ? typed
        : { mismatch: "cannot order maps or variants" };
    },
    sql: {
      duckdb: {
        call: ([a]) => `list(${a})`,
        finish: (value, { result }) => sortedWithSigns(present(value), result),
      },
      spark: { call: ([a]) => `collect_list(${a})`, finish: (value) => `array_sort(${value})` },
    },
  },
  {
    kind: "aggregate",
    name: "collect_set",
    deterministic: true,
    exactness: "approximate",
    doc: {
      usage: "collectSet(value): array",
      does: "The different values that are not NULL, sorted, so that equal rows give equal lists; of zeros the positive one.",
      difference: "Spark's order is that of arrival, and so is the sign of its zeros",
    },
    allowsDistinct: false,
    inexact: never,
    type: (args) => {
      const typed = anything(1, 1, ([type]) => ({ kind: "array", element: type as DataType, containsNull: false }))(
        args,
      );
      return "mismatch" in typed || isOrdered(args[0] as DataType)
        ? typed
        : { mismatch: `cannot order ${typeName(args[0] as DataType)}` };
    },
    sql: {
      duckdb: {
        call: ([a]) => `list(DISTINCT ${a})`,
        // DuckDB keeps the zero that it met first.
        finish: (value, { result }) => `list_sort(${groupedValue(present(value), result, "duckdb")})`,
      },
      spark: { call: ([a]) => `collect_set(${a})`, finish: (value) => `array_sort(${value})` },
    },
  },
  ofConditions("bool_and", "boolAnd", "Whether a condition is true of every row where it is not NULL; NULL over none."),
  ofConditions("bool_or", "boolOr", "Whether a condition is true of some row; NULL over none where it is not NULL."),
  valueBy("max_by", "maxBy", "greatest"),
  valueBy("min_by", "minBy", "least"),
  {
    kind: "aggregate",
    name: "mode",
    deterministic: true,
    exactness: "exact",
    doc: {
      usage: "mode(value)",
      does: "The value that most rows have, of several the least; NULL over none. Not of binary, of which Spark counts every value apart.",
    },
    allowsDistinct: false,
    inexact: never,
    type: (args) => {
      const typed = anything(1, 1, ([type]) => type as DataType)(args);
      if ("mismatch" in typed || (isKey(typed.result) && typed.result.kind !== "binary")) return typed;
      const instead = typed.result.kind === "binary" ? "; count their hex or base64 text" : "";
      return { mismatch: `cannot count values of ${typeName(typed.result)}${instead}` };
    },
    sql: {
      duckdb: {
        call: ([a]) => `histogram(${a})`,
        finish: (counts) =>
          `struct_extract(list_sort(list_transform(map_entries(${counts}), lambda __dyne_e: struct_pack(n := -CAST(struct_extract(__dyne_e, 'value') AS BIGINT), v := struct_extract(__dyne_e, 'key'))))[1], 'v')`,
      },
      spark: { call: ([a]) => `mode(${a}, true)`, finish: (value) => value },
    },
  },
  ofBits("bit_and", "bitAnd", "The bits that all values have; NULL over none."),
  ofBits("bit_or", "bitOr", "The bits that one of the values has; NULL over none."),
  ofBits("bit_xor", "bitXor", "The bits that an odd number of values has; NULL over none."),
] as const satisfies readonly AggregateFunction[];

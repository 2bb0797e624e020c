import { booleanType, calling, scalarEntry } from "./define.ts";
import type { ScalarEntry } from "./define.ts";
import type { Mismatch, ScalarFunction, Spelling, TypeRule } from "./function-definition.ts";
import { typeName } from "../type-name.ts";
import type { DataType } from "../types.ts";
import { firstOf } from "./sorted-array.ts";
import { anything, common, commonType, exactly, isComparable, isOrdered } from "./type-rules.ts";

interface LogicEntry extends Omit<ScalarEntry, "duckdb" | "spark" | "difference"> {
  /** In both dialects. */
  readonly sql: Spelling;
}

function logic({ sql, ...entry }: LogicEntry): ScalarFunction {
  return scalarEntry({ binds: false, ...entry, duckdb: sql, spark: sql });
}

const two = exactly([["boolean"], ["boolean"]], booleanType);
const comparable = (type: DataType): DataType | Mismatch =>
  isComparable(type) ? type : { mismatch: `cannot compare ${typeName(type)}` };

/** The outermost value. Of nested ones that are equal, which zeros of both signs can be, Spark takes the first. */
function outermost(name: "greatest" | "least", does: string): ScalarFunction {
  return scalarEntry({
    name,
    usage: `${name}(first, ...others)`,
    does,
    type: common(2, 1_000, comparable),
    binds: false,
    duckdb: (values, { args: [type] }) =>
      isOrdered(type!)
        ? `${name}(${values.join(", ")})`
        : firstOf(`[${values.join(", ")}]`, type!, name === "least" ? "ASC" : "DESC"),
    spark: calling(name),
  });
}

const nvl2Type: TypeRule = (args) => {
  const [value, then, otherwise] = args;
  if (value === undefined || then === undefined || otherwise === undefined || args.length !== 3)
    return { mismatch: `needs 3 arguments, not ${args.length}` };
  const result = commonType(then, otherwise);
  return result === undefined ? { mismatch: "needs results of one type" } : { result, args: [value, result, result] };
};

/** Three-valued logic and choices around NULL. Arguments that Spark does not evaluate raise no row error here either. */
export const logicFunctions = [
  logic({
    name: "and",
    usage: "condition.and(other: boolean): boolean",
    does: "Both are true; false if one is false, whatever the other.",
    type: two,
    sql: ([a, b]) => `(${a} AND ${b})`,
    evaluates: ([a], index) => (index === 1 ? `(${a}) IS DISTINCT FROM FALSE` : undefined),
  }),
  logic({
    name: "or",
    usage: "condition.or(other: boolean): boolean",
    does: "One is true; true if one is true, whatever the other.",
    type: two,
    sql: ([a, b]) => `(${a} OR ${b})`,
    evaluates: ([a], index) => (index === 1 ? `(${a}) IS DISTINCT FROM TRUE` : undefined),
  }),
  logic({
    name: "not",
    usage: "condition.not(): boolean",
    does: "The opposite; NULL of NULL.",
    type: exactly([["boolean"]], booleanType),
    sql: ([a]) => `(NOT ${a})`,
  }),
  logic({
    name: "is_null",
    usage: "value.isNull(): boolean",
    does: "Whether there is no value.",
    type: anything(1, 1, () => booleanType),
    sql: ([a]) => `(${a} IS NULL)`,
  }),
  logic({
    name: "is_not_null",
    usage: "value.isNotNull(): boolean",
    does: "Whether there is a value.",
    type: anything(1, 1, () => booleanType),
    sql: ([a]) => `(${a} IS NOT NULL)`,
  }),
  logic({
    name: "coalesce",
    usage: "coalesce(first, ...others)",
    does: "The first value that is not NULL; those behind it are not computed. Spark's ifnull and nvl too.",
    type: common(1, 1_000, (type) => type),
    sql: (args) => `coalesce(${args.join(", ")})`,
    evaluates: (args, index) =>
      index === 0
        ? undefined
        : args
            .slice(0, index)
            .map((arg) => `${arg} IS NULL`)
            .join(" AND "),
  }),
  logic({
    name: "nullif",
    usage: "nullif(value, other)",
    does: "NULL where both are equal, otherwise the first.",
    type: common(2, 2, comparable),
    sql: ([a, b]) => `nullif(${a}, ${b})`,
  }),
  logic({
    name: "nvl2",
    usage: "nvl2(value, then, otherwise)",
    does: "`then` where there is a value, `otherwise` where it is NULL.",
    type: nvl2Type,
    sql: ([a, b, c]) => `CASE WHEN ${a} IS NOT NULL THEN ${b} ELSE ${c} END`,
    evaluates: ([a], index) => [undefined, `${a} IS NOT NULL`, `${a} IS NULL`][index],
  }),
  outermost("greatest", "The greatest value; NULLs are passed over."),
  outermost("least", "The least value; NULLs are passed over."),
  scalarEntry({
    name: "isnan",
    usage: "isnan(value: double): boolean",
    does: "Whether the value is NaN; false for NULL.",
    type: exactly([["float", "double"]], booleanType),
    binds: false,
    duckdb: ([a]) => `coalesce(isnan(${a}), FALSE)`,
    spark: ([a]) => `isnan(${a})`,
  }),
  scalarEntry({
    name: "nanvl",
    usage: "nanvl(value: double, otherwise: double): double",
    does: "The value, or the other where it is NaN.",
    type: common(2, 2, (type) =>
      type.kind === "double" || type.kind === "float" ? type : { mismatch: "needs floating-point numbers" },
    ),
    duckdb: ([a, b]) => `CASE WHEN isnan(${a}) THEN ${b} ELSE ${a} END`,
    spark: ([a, b]) => `nanvl(${a}, ${b})`,
    evaluates: ([a], index) => (index === 1 ? `isnan(${a})` : undefined),
  }),
] as const satisfies readonly ScalarFunction[];

import { booleanType, scalarEntry } from "./define.ts";
import type { Mismatch, ScalarFunction } from "./function-definition.ts";
import { typeName } from "../type-name.ts";
import type { DataType } from "../types.ts";
import { common, isComparable, isOrdered } from "./type-rules.ts";

function comparison(name: string, usage: string, does: string, operator: string, spark = operator): ScalarFunction {
  const needsOrder = !["eq", "ne", "eq_null_safe"].includes(name);
  const rule = (type: DataType): DataType | Mismatch =>
    (needsOrder ? isOrdered : isComparable)(type)
      ? booleanType
      : { mismatch: `cannot ${needsOrder ? "order" : "compare"} ${typeName(type)}` };
  return scalarEntry({
    name,
    usage: `value.${usage}(other): boolean`,
    does,
    type: common(2, 2, rule),
    binds: false,
    duckdb: ([a, b]) => `(${a} ${operator} ${b})`,
    spark: ([a, b]) => `(${a} ${spark} ${b})`,
  });
}

/** Comparisons. NULL compared is NULL; NaN equals itself and is greater than every number; text compares by code point. */
export const comparisons = [
  comparison("eq", "eq", "Equal; NULL if either side is. NaN equals itself.", "="),
  comparison("ne", "ne", "Not equal; NULL if either side is.", "<>"),
  comparison("lt", "lt", "Less; NULL if either side is. NaN is greater than every number.", "<"),
  comparison("le", "le", "Less or equal; NULL if either side is.", "<="),
  comparison("gt", "gt", "Greater; NULL if either side is.", ">"),
  comparison("ge", "ge", "Greater or equal; NULL if either side is.", ">="),
  comparison(
    "eq_null_safe",
    "eqNullSafe",
    "Equal, NULL being equal to NULL; never NULL.",
    "IS NOT DISTINCT FROM",
    "<=>",
  ),
  scalarEntry({
    name: "isin",
    usage: "value.isin(...values): boolean",
    does: "Equal to one of the values; NULL if to none and one of them is NULL.",
    type: common(2, 10_000, (type) => (isComparable(type) ? booleanType : { mismatch: "cannot compare maps" })),
    binds: false,
    duckdb: ([value, ...list]) => `(${value} IN (${list.join(", ")}))`,
    spark: ([value, ...list]) => `(${value} IN (${list.join(", ")}))`,
  }),
] as const satisfies readonly ScalarFunction[];

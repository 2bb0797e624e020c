import { orderedValue } from "../sql/ordered-value.ts";
import { booleanType, scalarEntry } from "./define.ts";
import type { Mismatch, ScalarFunction } from "./function-definition.ts";
import { typeName } from "../type-name.ts";
import type { DataType } from "../types.ts";
import { common, isComparable, isOrdered } from "./type-rules.ts";

const compared = (type: DataType): DataType | Mismatch =>
  isComparable(type) ? booleanType : { mismatch: `cannot compare ${typeName(type)}` };

function comparison(name: string, usage: string, does: string, operator: string, spark = operator): ScalarFunction {
  const byOrder = !["eq", "ne", "eq_null_safe"].includes(name);
  return scalarEntry({
    name,
    usage: `value.${usage}(other): boolean`,
    does,
    type: common(2, 2, compared),
    binds: false,
    duckdb: (values, { args, bind }) => {
      const [type] = args;
      const nested = byOrder && !isOrdered(type!);
      const [a, b] = nested ? values.map((value) => orderedValue(bind(value), type!, "duckdb")) : values;
      return `(${a} ${operator} ${b})`;
    },
    spark: ([a, b]) => `(${a} ${spark} ${b})`,
  });
}

/**
 * Comparisons. NULL compared is NULL; NaN equals itself and is greater than every number; text compares by code point. Structs compare field by
 * field, arrays element by element, a shorter one first; within them NULL equals NULL and is less than every value.
 */
export const comparisons = [
  comparison(
    "eq",
    "eq",
    "Equal; NULL if either side is. NaN equals itself. Structs and arrays are equal where all within is, NULL being equal to NULL.",
    "=",
  ),
  comparison("ne", "ne", "Not equal; NULL if either side is.", "<>"),
  comparison(
    "lt",
    "lt",
    "Less; NULL if either side is. NaN is greater than every number. Structs compare by field, arrays by element; within them NULL is less than every value.",
    "<",
  ),
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
    type: common(2, 10_000, compared),
    binds: false,
    duckdb: ([value, ...list]) => `(${value} IN (${list.join(", ")}))`,
    spark: ([value, ...list]) => `(${value} IN (${list.join(", ")}))`,
  }),
] as const satisfies readonly ScalarFunction[];

import type { BooleanType } from "../data-type.ts";
import type { ScalarFunction } from "./function-definition.ts";
import { common, isOrdered } from "./type-rules.ts";

const booleanType: BooleanType = { kind: "boolean" };

function comparison(name: string, operator: string, spark = operator): ScalarFunction {
  return {
    kind: "scalar",
    name,
    deterministic: true,
    exactness: "exact",
    type: common(2, 2, (type) => (isOrdered(type) ? booleanType : { mismatch: "cannot compare maps" })),
    sql: { duckdb: ([a, b]) => `(${a} ${operator} ${b})`, spark: ([a, b]) => `(${a} ${spark} ${b})` },
  };
}

/** Comparisons. NULL compared is NULL; NaN equals itself and is greater than every number; text compares by code point. */
export const comparisons = [
  comparison("eq", "="),
  comparison("ne", "<>"),
  comparison("lt", "<"),
  comparison("le", "<="),
  comparison("gt", ">"),
  comparison("ge", ">="),
  comparison("eq_null_safe", "IS NOT DISTINCT FROM", "<=>"),
  {
    kind: "scalar",
    name: "isin",
    deterministic: true,
    exactness: "exact",
    type: common(2, 10_000, () => booleanType),
    sql: {
      duckdb: ([value, ...list]) => `(${value} IN (${list.join(", ")}))`,
      spark: ([value, ...list]) => `(${value} IN (${list.join(", ")}))`,
    },
  },
] as const satisfies readonly ScalarFunction[];

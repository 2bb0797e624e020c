import type { BooleanType } from "../data-type.ts";
import type { ScalarFunction, Spelling, TypeRule } from "./function-definition.ts";
import { anything, common, exactly, isOrdered } from "./type-rules.ts";

const booleanType: BooleanType = { kind: "boolean" };

function logic(name: string, type: TypeRule, spelling: Spelling, rest: Partial<ScalarFunction> = {}): ScalarFunction {
  return {
    kind: "scalar",
    name,
    deterministic: true,
    exactness: "exact",
    type,
    sql: { duckdb: spelling, spark: spelling },
    ...rest,
  };
}

const two = exactly([["boolean"], ["boolean"]], booleanType);

/** Three-valued logic and choices around NULL. Arguments that Spark does not evaluate raise no row error here either. */
export const logicFunctions = [
  logic("and", two, ([a, b]) => `(${a} AND ${b})`, {
    evaluates: ([a], index) => (index === 1 ? `(${a}) IS DISTINCT FROM FALSE` : undefined),
  }),
  logic("or", two, ([a, b]) => `(${a} OR ${b})`, {
    evaluates: ([a], index) => (index === 1 ? `(${a}) IS DISTINCT FROM TRUE` : undefined),
  }),
  logic("not", exactly([["boolean"]], booleanType), ([a]) => `(NOT ${a})`),
  logic(
    "is_null",
    anything(1, 1, () => booleanType),
    ([a]) => `(${a} IS NULL)`,
  ),
  logic(
    "is_not_null",
    anything(1, 1, () => booleanType),
    ([a]) => `(${a} IS NOT NULL)`,
  ),
  logic(
    "coalesce",
    common(1, 1_000, (type) => type),
    (args) => `coalesce(${args.join(", ")})`,
    {
      evaluates: (args, index) =>
        index === 0
          ? undefined
          : args
              .slice(0, index)
              .map((arg) => `${arg} IS NULL`)
              .join(" AND "),
    },
  ),
  logic(
    "nullif",
    common(2, 2, (type) => type),
    ([a, b]) => `nullif(${a}, ${b})`,
  ),
  logic(
    "greatest",
    common(2, 1_000, (type) => (isOrdered(type) ? type : { mismatch: "cannot order maps" })),
    (args) => `greatest(${args.join(", ")})`,
  ),
  logic(
    "least",
    common(2, 1_000, (type) => (isOrdered(type) ? type : { mismatch: "cannot order maps" })),
    (args) => `least(${args.join(", ")})`,
  ),
] as const satisfies readonly ScalarFunction[];

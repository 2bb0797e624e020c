/** Words and signs of Spark's SQL expressions, in terms of the table of functions. */
import type { DataType } from "../types.ts";

/** They all bind alike, from the left. */
export const comparisons: Readonly<Record<string, string>> = {
  "=": "eq",
  "==": "eq",
  "<>": "ne",
  "!=": "ne",
  "<": "lt",
  "<=": "le",
  ">": "gt",
  ">=": "ge",
  "<=>": "eq_null_safe",
};
/** They bind alike, and looser than products. */
export const sums: Readonly<Record<string, string>> = { "+": "plus", "-": "minus", "||": "concat" };
export const products: Readonly<Record<string, string>> = { "*": "times", "/": "divide", "%": "modulo", div: "div" };
/** They bind looser than sums, the first of them the tightest. */
export const bitOperators: readonly Readonly<Record<string, string>>[] = [
  { "&": "bitwise_and" },
  { "^": "bitwise_xor" },
  { "|": "bitwise_or" },
];
/** Words that end an operand: they are no columns unless they stand in backticks. */
export const reserved = new Set(
  "and or not in between like ilike rlike regexp is null true false case when then else end as cast escape distinct from".split(
    " ",
  ),
);
/** Types that stand before a literal: `DATE '2001-01-01'`. */
export const literalTypes: Readonly<Record<string, DataType>> = {
  date: { kind: "date" },
  timestamp: { kind: "timestamp" },
  timestamp_ltz: { kind: "timestamp" },
  timestamp_ntz: { kind: "timestamp_ntz" },
};

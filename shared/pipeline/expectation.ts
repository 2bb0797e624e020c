/** Data quality rules of a streaming table, over its output columns. A rule holds where its condition is true; NULL does not hold. */
import type { BooleanType, Column, Expression } from "../plan/index.ts";

/** `warn` counts rows that break the rule, `drop` puts them into quarantine, `fail` stops the flow. */
export type ExpectationAction = "warn" | "drop" | "fail";

/** A rule that has no name yet. */
export interface Rule {
  readonly action: ExpectationAction;
  readonly condition: Column<BooleanType>;
}

/** A rule of a table. */
export interface Expectation {
  readonly name: string;
  readonly action: ExpectationAction;
  readonly predicate: Expression;
}

/** Rows that break the rule stay, and are counted. */
export function warn(condition: Column<BooleanType>): Rule {
  return { action: "warn", condition };
}
/** Rows that break the rule go to quarantine, with the rule's name. */
export function drop(condition: Column<BooleanType>): Rule {
  return { action: "drop", condition };
}
/** A row that breaks the rule stops the flow: the batch commits nothing. */
export function fail(condition: Column<BooleanType>): Rule {
  return { action: "fail", condition };
}

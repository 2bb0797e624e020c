import type { AggregateCall, Expression, Literal } from "../expression.ts";
import type { Dialect, Spelled } from "../functions/index.ts";
import type { Schema } from "../types.ts";
import type { Binder } from "./binder.ts";

/** What an expression is rendered over. */
export interface Scope {
  readonly dialect: Dialect;
  readonly schema: Schema;
  readonly binder: Binder;
  /** Values of batch parameters by name. */
  readonly parameters: Readonly<Record<string, Literal["value"]>>;
  /** Where aggregates have been computed below: their value as SQL. */
  readonly aggregated?: (call: AggregateCall) => string;
  /** Names of columns as SQL, where they are not their own. */
  readonly columns?: ReadonlyMap<string, string>;
  /** The variables of the lambdas around, by name, as SQL. */
  readonly variables?: ReadonlyMap<string, string>;
  /** How many lambdas are around. */
  readonly depth?: number;
}

/** Renders an expression over a scope. */
export type Speller = (expression: Expression, scope: Scope) => Spelled;

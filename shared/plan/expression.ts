/** Expressions as frozen data. They know nothing of dialects; `sql/` renders them, `analysis/` types them. */
import type { DataType, StructType } from "./types.ts";

export type Expression =
  | ColumnReference
  | Literal
  | Cast
  | FunctionCall
  | HigherOrderCall
  | LambdaVariable
  | CaseWhen
  | FieldAccess
  | FromJson
  | AggregateCall
  | WindowCall
  | BatchParameter;

/** A column of the input by name. */
export interface ColumnReference {
  readonly kind: "column";
  readonly name: string;
}
/** A constant. Timestamps are ISO-8601 text with microseconds and Z, dates YYYY-MM-DD, decimals text, binary base64 text, long bigint or number. */
export interface Literal {
  readonly kind: "literal";
  readonly value: null | boolean | number | bigint | string;
  readonly type: DataType;
}
/** `ansi` is Spark's cast with ANSI on: a value that cannot be cast is an error of the row. `try` gives NULL. */
export interface Cast {
  readonly kind: "cast";
  readonly mode: "ansi" | "try";
  readonly input: Expression;
  readonly to: DataType;
}
/** A scalar function of the function table. */
export interface FunctionCall {
  readonly kind: "call";
  readonly name: string;
  readonly args: readonly Expression[];
}
/** A function of the table that computes something of every element: the values come first, the lambdas after them. */
export interface HigherOrderCall {
  readonly kind: "higherOrder";
  readonly name: string;
  readonly args: readonly Expression[];
  readonly lambdas: readonly Lambda[];
}
/** What is computed of each element. The body may read columns and the variables of lambdas around it too, but no rows beside its own. */
export interface Lambda {
  readonly parameters: readonly LambdaVariable[];
  readonly body: Expression;
}
/** What a lambda is given: bound by the innermost lambda around it that has a parameter of its name. Never a column. */
export interface LambdaVariable {
  readonly kind: "variable";
  readonly name: string;
  readonly type: DataType;
}
export interface CaseWhen {
  readonly kind: "case";
  readonly branches: readonly { readonly when: Expression; readonly then: Expression }[];
  readonly otherwise: Expression | undefined;
}
export interface FieldAccess {
  readonly kind: "field";
  readonly input: Expression;
  readonly name: string;
}
/** Spark's from_json with a schema. What does not fit is an error of the row, never an exception. */
export interface FromJson {
  readonly kind: "fromJson";
  readonly input: Expression;
  readonly schema: StructType;
  /** `reject` makes a field outside of the schema an error of the row. */
  readonly unknownFields: "ignore" | "reject";
  /** `reject` makes a NULL input (bytes that were no text) an error of the row. */
  readonly nullInput: "null" | "reject";
}
/** An aggregate of the function table, valid in `aggregate` and, with a window, anywhere. */
export interface AggregateCall {
  readonly kind: "aggregate";
  readonly name: string;
  readonly args: readonly Expression[];
  readonly distinct: boolean;
  readonly filter: Expression | undefined;
}
export interface SortOrder {
  readonly by: Expression;
  readonly direction: "ascending" | "descending";
  readonly nulls: "first" | "last";
}
/**
 * A window function or an aggregate over a window. Frames are in rows. Without a frame an aggregate is about the whole partition, or with
 * an order about all rows up to the current one and its peers (rows that are equal in the order), as in Spark.
 */
export interface WindowCall {
  readonly kind: "window";
  readonly call: FunctionCall | AggregateCall;
  readonly partitionBy: readonly Expression[];
  readonly orderBy: readonly SortOrder[];
  /** Row offsets relative to the current row, inclusive; undefined = unbounded. */
  readonly frame: { readonly startRow: number | undefined; readonly endRow: number | undefined } | undefined;
}
/** A value that the batch gives: pinned in its offsets, so that a re-run is the same run (SPEC.md 3). */
export interface BatchParameter {
  readonly kind: "parameter";
  readonly name: string;
  readonly type: DataType;
}

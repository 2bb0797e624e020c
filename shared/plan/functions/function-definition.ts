/** What the table of functions says of each function. A spelling that a dialect lacks does not compile. */
import type { DataType } from "../types.ts";

/** The SQL dialects that plans are rendered for. */
export type Dialect = "duckdb" | "spark";

/**
 * `exact`: checked against Spark 4 (ANSI on, UTC). `approximate`: may differ from Spark in corner cases that the definition states.
 */
export type Exactness = "exact" | "approximate";

/** Argument types in, result type out. `args` are the types that the arguments are widened to before the call. */
export type TypeRule = (args: readonly DataType[]) => Typed | Mismatch;
export interface Typed {
  readonly result: DataType;
  readonly args: readonly DataType[];
}
/** Why the function does not take these arguments, as the end of a sentence: "needs …". */
export interface Mismatch {
  readonly mismatch: string;
}

/** A condition under which a row has an error, and the error's text, both as SQL. */
export interface RowError {
  readonly when: string;
  readonly message: string;
  /** What the query stops with; `DATA_ERROR` where it is not said. */
  readonly code?: "CONSTRAINT_VIOLATED";
}
/** SQL that never throws, with the conditions under which its value must not be used. */
export interface Spelled {
  readonly sql: string;
  readonly errors: readonly RowError[];
}
export interface SpellingContext extends Typed {
  /** Computes an expression once per row and gives the name to use for it. */
  readonly bind: (sql: string) => string;
}
export type Spelling = (args: readonly string[], context: SpellingContext) => string | Spelled;

/** What docs/functions.md says of a function. */
export interface FunctionDoc {
  /** How a query calls it, with Spark's names of types: `left(text: string, count: int): string`, `text.contains(part: string): boolean`. */
  readonly usage: string;
  /** One sentence: what it gives, where it is NULL, and what is an error of the row. */
  readonly does: string;
  /** How an approximate function may differ from Spark. Exact ones have none. */
  readonly difference?: string;
}

interface Definition {
  readonly name: string;
  readonly deterministic: boolean;
  readonly exactness: Exactness;
  /** Undefined for what only the engine calls. */
  readonly doc: FunctionDoc | undefined;
  readonly type: TypeRule;
}
/** One value per row. */
export interface ScalarFunction extends Definition {
  readonly kind: "scalar";
  readonly sql: Readonly<Record<Dialect, Spelling>>;
  /** The spelling repeats its arguments, so they are bound first. */
  readonly bindsArguments?: true;
  /** For arguments that are only evaluated sometimes: the DuckDB condition under which argument `index` is. */
  readonly evaluates?: (args: readonly string[], index: number) => string | undefined;
  /** A check of literal arguments at load time: what is wrong, or undefined. */
  readonly checkLiterals?: (values: readonly unknown[]) => string | undefined;
}
/** One value per group. */
export interface AggregateFunction extends Definition {
  readonly kind: "aggregate";
  /** Whether `count(distinct x)` style is meant to work. */
  readonly allowsDistinct: boolean;
  /** Whether the value depends on the order of addition for this argument type (floating point). */
  readonly inexact: (args: readonly DataType[]) => boolean;
  readonly sql: Readonly<Record<Dialect, AggregateSpelling>>;
}
export interface AggregateSpelling {
  /** The aggregate call itself, without FILTER and OVER. */
  readonly call: (args: readonly string[], distinct: boolean) => string;
  /** Turns the call's value into Spark's result type. */
  readonly finish: (value: string, context: SpellingContext) => string | Spelled;
}
/** One value per row that looks at the rows of a window. */
export interface WindowFunction extends Definition {
  readonly kind: "window";
  /** Whether its window may or must say which rows it is about. Where it must, the default would end at the row itself. */
  readonly frame: "none" | "optional" | "required";
  /** Rows that are equal in the order have the same value, so that no order among them is needed. */
  readonly ranks?: true;
  /** The value is a count, which has 64 bits in DuckDB and 32 in Spark. */
  readonly counts?: true;
  /** A check of literal arguments at load time: what is wrong, or undefined. */
  readonly checkLiterals?: (values: readonly unknown[]) => string | undefined;
  /** The call without OVER. */
  readonly sql: Readonly<Record<Dialect, Spelling>>;
}

export type FunctionDefinition = ScalarFunction | AggregateFunction | WindowFunction;

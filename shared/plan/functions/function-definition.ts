/** What the table of functions says of each function. A spelling that a dialect lacks does not compile. */
import type { DataType } from "../types.ts";

/** The SQL dialects that plans are rendered for. */
export type Dialect = "duckdb" | "spark";

/**
 * `exact`: checked against Spark 4 (ANSI on, UTC). `approximate`: may differ from Spark in corner cases that the definition states.
 */
export type Exactness = "exact" | "approximate";

/**
 * Argument types in, result type out. `args` are the types that the arguments are widened to before the call. The values of those arguments
 * that are literals are there for the few functions whose type depends on one.
 */
export type TypeRule = (args: readonly DataType[], literals?: readonly unknown[]) => Typed | Mismatch;
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

/** What a lambda of a function can be given, and whether it may be left out. */
export interface LambdaRule {
  /** The types of its parameters, in order. */
  readonly parameters: readonly DataType[];
  /** So many of them it must take; the others it may leave away. */
  readonly least: number;
  readonly optional?: true;
}
/** One value per row, for which lambdas are computed of the elements of arrays and maps. */
export interface HigherOrderFunction extends Omit<Definition, "type"> {
  readonly kind: "higherOrder";
  /** The lambdas that it takes with values of these types. */
  readonly lambdas: (args: readonly DataType[]) => readonly LambdaRule[] | Mismatch;
  /** Types of the values and of what the lambdas give in, result type out. */
  readonly type: (args: readonly DataType[], bodies: readonly DataType[]) => Typed | Mismatch;
  /** For values that are only evaluated sometimes: the DuckDB condition under which value `index` is. */
  readonly evaluates?: (args: readonly string[], index: number) => string | undefined;
  /** In DuckDB. Spark's spelling is the same for all: the name, the values, and the lambdas with arrows. */
  readonly duckdb: (
    args: readonly string[],
    lambdas: readonly SpelledLambda[],
    context: SpellingContext,
  ) => string | Spelled;
}
/** A lambda on its way to SQL. */
export interface SpelledLambda {
  /** Names for what DuckDB's own lambda is given, which no column and no lambda around it has. */
  readonly names: readonly string[];
  /** Whether its body uses more than the first parameter that the function gives. */
  readonly count: number;
  /**
   * The body of parameters with these values, as an expression that never throws. `of` makes it of the body's value and of the SQL of its
   * error's text, which is NULL where there is none; undefined for a body that cannot be wrong.
   */
  readonly body: (
    parameters: readonly string[],
    of: (value: string, error: string | undefined) => string,
  ) => SpelledBody;
}
export interface SpelledBody {
  readonly sql: string;
  readonly fails: boolean;
}

export type FunctionDefinition = ScalarFunction | AggregateFunction | WindowFunction | HigherOrderFunction;

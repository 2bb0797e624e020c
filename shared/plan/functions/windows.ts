import type { DataType } from "../types.ts";
import { typeName } from "../type-name.ts";
import type { FunctionDoc, TypeRule, WindowFunction } from "./function-definition.ts";
import { anything, commonType, exactly } from "./type-rules.ts";

interface Entry
  extends
    Pick<FunctionDoc, "usage" | "does">,
    Pick<WindowFunction, "name" | "type" | "frame" | "ranks" | "counts" | "checkLiterals"> {
  /** The call without OVER, where it is not the name and the arguments. */
  readonly call?: (args: readonly string[]) => string;
  /** The same for Spark, where it is another. */
  readonly spark?: (args: readonly string[]) => string;
}

function windowFunction({ call, spark, usage, does, ...definition }: Entry): WindowFunction {
  const duckdb = call ?? ((args: readonly string[]) => `${definition.name}(${args.join(", ")})`);
  return {
    ...definition,
    kind: "window",
    deterministic: true,
    exactness: "exact",
    doc: { usage, does },
    sql: { duckdb, spark: spark ?? duckdb },
  };
}

const integer: DataType = { kind: "integer" };
const double: DataType = { kind: "double" };
const noFrame = { frame: "none" } as const;

/** The value of a row that lies a number of rows before or after the current one. */
function neighbour(name: "lag" | "lead", which: string): WindowFunction {
  const type: TypeRule = (args) => {
    const typed = anything(2, 3, ([value]) => value as DataType)(args);
    if ("mismatch" in typed) return typed;
    const [value, rows, otherwise = value] = args as readonly [DataType, DataType, DataType?];
    if (rows.kind !== "integer") return { mismatch: "needs a whole number of rows" };
    const common = commonType(value, otherwise);
    if (common !== undefined && typeName(common) === typeName(value))
      return { result: value, args: [value, rows, value].slice(0, args.length) };
    return { mismatch: `needs a default of the type ${typeName(value)}, not ${typeName(otherwise)}` };
  };
  const checkLiterals = ([, rows]: readonly unknown[]): string | undefined =>
    rows === undefined || rows === null ? "needs its number of rows as a literal" : undefined;
  const usage = `${name}(value, rows: int literal, otherwise?)`;
  const does = `The value some rows ${which} in the window, the default or NULL where there is none.`;
  return windowFunction({ name, usage, does, ...noFrame, type, checkLiterals });
}

/** A value of one row of the frame. */
function chosen(name: string, entry: Omit<Entry, "name" | "type"> & Partial<Pick<Entry, "type">>): WindowFunction {
  return windowFunction({ name, type: anything(1, 1, ([value]) => value as DataType), ...entry });
}

function countProblem(what: string, value: unknown): string | undefined {
  return value !== undefined && value !== null && Number(value) >= 1
    ? undefined
    : `needs ${what} from 1 on as a literal`;
}

/**
 * Functions of a window. All need an order; it is made total where one row is chosen before another: the order given, then every column.
 */
export const windowFunctions = [
  windowFunction({
    name: "row_number",
    usage: "rowNumber(): int",
    does: "The row's number in its window, from 1.",
    ...noFrame,
    counts: true,
    type: exactly([], integer),
  }),
  windowFunction({
    name: "rank",
    usage: "rank(): int",
    does: "One more than the number of rows before those that are equal in the order.",
    ...noFrame,
    ranks: true,
    counts: true,
    type: exactly([], integer),
  }),
  windowFunction({
    name: "dense_rank",
    usage: "denseRank(): int",
    does: "The number of different places in the order up to the row.",
    ...noFrame,
    ranks: true,
    counts: true,
    type: exactly([], integer),
  }),
  windowFunction({
    name: "percent_rank",
    usage: "percentRank(): double",
    does: "The share of the other rows that are before those that are equal in the order.",
    ...noFrame,
    ranks: true,
    type: exactly([], double),
  }),
  windowFunction({
    name: "cume_dist",
    usage: "cumeDist(): double",
    does: "The share of rows up to those that are equal in the order.",
    ...noFrame,
    ranks: true,
    type: exactly([], double),
  }),
  windowFunction({
    name: "ntile",
    usage: "ntile(parts: int literal): int",
    does: "The number of the part that a row is in, of so many parts of like size.",
    ...noFrame,
    counts: true,
    type: exactly([["integer"]], integer),
    checkLiterals: ([parts]) => countProblem("a number of parts", parts),
  }),
  neighbour("lag", "before"),
  neighbour("lead", "after"),
  chosen("first_value", {
    usage: "firstValue(value)",
    does: "The value of the first row of the frame.",
    frame: "optional",
  }),
  chosen("last_value", {
    usage: "lastValue(value)",
    does: "The value of the last row of the frame.",
    frame: "required",
  }),
  chosen("first_value_ignore_nulls", {
    usage: "firstValue(value, { ignoreNulls: true })",
    does: "The first value of the frame that is not NULL.",
    frame: "optional",
    call: ([value]) => `first_value(${value} IGNORE NULLS)`,
    spark: ([value]) => `first_value(${value}, true)`,
  }),
  chosen("last_value_ignore_nulls", {
    usage: "lastValue(value, { ignoreNulls: true })",
    does: "The last value of the frame that is not NULL.",
    frame: "required",
    call: ([value]) => `last_value(${value} IGNORE NULLS)`,
    spark: ([value]) => `last_value(${value}, true)`,
  }),
  chosen("nth_value", {
    usage: "nthValue(value, place: int literal)",
    does: "The value of the row at a place of the frame, from 1; NULL where there is none.",
    frame: "required",
    type: (args) => {
      const typed = anything(2, 2, ([value]) => value as DataType)(args);
      return "mismatch" in typed || args[1]?.kind === "integer" ? typed : { mismatch: "needs a whole number" };
    },
    checkLiterals: ([, place]) => countProblem("a place", place),
  }),
] as const satisfies readonly WindowFunction[];

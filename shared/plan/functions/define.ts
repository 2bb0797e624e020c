import type { DataType } from "../types.ts";
import type { FunctionDoc, ScalarFunction, Spelling, TypeRule } from "./function-definition.ts";

/** A scalar function as its group writes it down. */
export interface ScalarEntry extends FunctionDoc {
  readonly name: string;
  readonly type: TypeRule;
  readonly duckdb: Spelling;
  readonly spark: Spelling;
  /** False where the DuckDB spelling uses each argument once; otherwise arguments are computed first and used by name. */
  readonly binds?: false;
  readonly evaluates?: ScalarFunction["evaluates"];
  readonly checkLiterals?: ScalarFunction["checkLiterals"];
}

/** A deterministic scalar function, approximate where a difference is stated. */
export function scalarEntry(entry: ScalarEntry): ScalarFunction {
  const { name, usage, does, difference, type, duckdb, spark, binds, evaluates, checkLiterals } = entry;
  return {
    kind: "scalar",
    name,
    deterministic: true,
    exactness: difference === undefined ? "exact" : "approximate",
    doc: { usage, does, ...(difference === undefined ? {} : { difference }) },
    type,
    sql: { duckdb, spark },
    ...(binds === false ? {} : { bindsArguments: true as const }),
    ...(evaluates === undefined ? {} : { evaluates }),
    ...(checkLiterals === undefined ? {} : { checkLiterals }),
  };
}

/** A call of a function of the same name and arguments in the dialect. */
export function calling(name: string): Spelling {
  return (args) => `${name}(${args.join(", ")})`;
}

/** A call whose result DuckDB gives in a wider type. */
export function callingAs(type: string, name: string): Spelling {
  return (args) => `CAST(${name}(${args.join(", ")}) AS ${type})`;
}

/** The value of a literal of a whole number that was rendered for DuckDB. */
export const literalNumber = (sql: string): number => Number(/-?[0-9]+/.exec(sql)![0]);

export const booleanType: DataType = { kind: "boolean" };
export const integerType: DataType = { kind: "integer" };
export const longType: DataType = { kind: "long" };
export const doubleType: DataType = { kind: "double" };
export const stringType: DataType = { kind: "string" };
export const binaryType: DataType = { kind: "binary" };
export const dateType: DataType = { kind: "date" };
export const timestampType: DataType = { kind: "timestamp" };

/** The value, and an error of the row where it is NULL although all of these arguments are given. */
export function orError(
  value: string,
  args: readonly string[],
  message: string,
  bind: (sql: string) => string,
): { sql: string; errors: { when: string; message: string }[] } {
  const sql = bind(value);
  const given = args.map((arg) => `${arg} IS NOT NULL`).join(" AND ");
  return { sql, errors: [{ when: `(${sql} IS NULL AND ${given})`, message: `'${message}'` }] };
}

/** DuckDB as compute sets it up, for checking what rendered SQL means. */
import { DuckDBInstance } from "@duckdb/node-api";
import type { DuckDBConnection } from "@duckdb/node-api";
import {
  DataFrame,
  duckdbType,
  quoteName,
  read,
  renderLiteral,
  renderPlan,
  struct,
} from "../../../shared/plan/index.ts";
import type {
  AnyColumn,
  ColumnsOf,
  ColumnTypes,
  DataType,
  Literal,
  LogicalPlan,
  RenderOptions,
} from "../../../shared/plan/index.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export class DuckDbSession implements AsyncDisposable {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  static async open(): Promise<DuckDbSession> {
    const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
    const connection = await instance.connect();
    await connection.run("SET TimeZone = 'UTC'");
    return new DuckDbSession(instance, connection);
  }

  /** The rows of a query; 64-bit integers, decimals, dates and times as text. */
  async rows(sql: string): Promise<readonly Readonly<Record<string, Json>>[]> {
    const reader = await this.#connection.runAndReadAll(sql);
    return reader.getRowObjectsJson();
  }

  /** The value of an expression over one row, its DuckDB type, and the row's error. */
  async evaluate<Types extends ColumnTypes>(
    row: Row<Types>,
    build: (columns: ColumnsOf<Types>) => AnyColumn,
  ): Promise<{ value: Json; error: Json }> {
    const { plan, relation, expected } = rowPlan(row, build);
    const sql = renderPlan(plan, { dialect: "duckdb", relations: () => relation, rowErrors: "capture" });
    const [result] = await this.rows(
      `SELECT value, typeof(value) AS type, typeof(CAST(NULL AS ${expected})) AS expected, _row_error AS error FROM (${sql})`,
    );
    if (result === undefined) throw new Error("no row");
    if (result["type"] !== result["expected"])
      throw new Error(`the value is ${String(result["type"])}, the analysis says ${expected}`);
    return { value: result["value"] as Json, error: result["error"] as Json };
  }

  /** A plan over relations given as SQL. */
  async query(
    plan: LogicalPlan,
    relations: Readonly<Record<string, string>>,
    options: Partial<RenderOptions> = {},
  ): Promise<readonly Readonly<Record<string, Json>>[]> {
    return this.rows(
      renderPlan(plan, {
        dialect: "duckdb",
        relations: (source) => `(${relations[source]})`,
        rowErrors: "fail",
        ...options,
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}

/** One row: values by column, with their types. */
export type Row<Types extends ColumnTypes> = {
  readonly [Name in keyof Types]: readonly [Literal["value"], Types[Name]];
};

/** A plan with the one column `value` over one row, and the row as a relation. */
export function rowPlan<Types extends ColumnTypes>(
  row: Row<Types>,
  build: (columns: ColumnsOf<Types>) => AnyColumn,
): { plan: LogicalPlan; relation: string; expected: string } {
  const entries = Object.entries(row) as readonly (readonly [string, readonly [Literal["value"], DataType]])[];
  const types = Object.fromEntries(entries.map(([name, [, type]]) => [name, type])) as Types;
  const literals = entries.map(
    ([name, [value, type]]) =>
      `${renderLiteral({ kind: "literal", value, type }, "duckdb")} AS ${quoteName(name, "duckdb")}`,
  );
  const column = build(read({ name: "row", schema: struct(types) }).columns);
  const frame = new DataFrame({
    kind: "project",
    input: { kind: "scan", source: "row", schema: struct(types), streaming: false },
    columns: [{ name: "value", expression: column.expression }],
  });
  // A table function keeps DuckDB from computing everything while it plans.
  return {
    plan: frame.plan,
    relation: `(SELECT ${literals.join(", ")} FROM range(1))`,
    expected: duckdbType(column.type),
  };
}

/** What DuckDB and Spark answer to a probe, spelled by the one table of functions. */
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { duckdbType, renderPlan, renderScalar, typeOf } from "../../../shared/plan/index.ts";
import type { DataType, Dialect, Expression, LogicalPlan } from "../../../shared/plan/index.ts";
import { schemaString } from "../../../shared/delta/index.ts";
import type { Probe } from "./probe.ts";
import { relationOf, valueOf, type Answer, type InputRow, type Value } from "./values.ts";

/** Answers by the name of an expression, then by row or by group. */
export type Answers = Readonly<Record<string, readonly Answer[]>>;

/** DuckDB as compute sets it up, with nothing but expressions to compute. */
export class DuckDbAnswers implements AsyncDisposable {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  static async open(): Promise<DuckDbAnswers> {
    const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
    const connection = await instance.connect();
    await connection.run("SET TimeZone = 'UTC'");
    return new DuckDbAnswers(instance, connection);
  }

  /** Throws where a query does: an error of a row is an answer, never an exception. */
  async of(probe: Probe, rows: readonly InputRow[]): Promise<Answers> {
    const relation = relationOf(rows, probe.schema);
    const answers: Record<string, readonly Answer[]> = {};
    for (const [name, expression] of Object.entries(probe.expressions)) {
      try {
        answers[name] =
          probe.kind === "scalars"
            ? await this.#ofRows(probe, expression, relation)
            : await this.#ofGroups(probe, expression, relation);
      } catch (error) {
        throw new Error(`${probe.title}, ${name}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      }
    }
    return answers;
  }

  async #ofRows(probe: Probe, expression: Expression, relation: string): Promise<readonly Answer[]> {
    const plan: LogicalPlan = { kind: "project", input: scanOf(probe), columns: [{ name: "value", expression }] };
    const sql = renderPlan(plan, { dialect: "duckdb", relations: () => relation, rowErrors: "capture" });
    return this.#answers(`SELECT value, _row_error FROM (${sql})`, expression, probe);
  }

  async #ofGroups(probe: Probe, expression: Expression, relation: string): Promise<readonly Answer[]> {
    const query = (from: string): string =>
      `SELECT value, NULL FROM (${groupedSql(probe, expression, "duckdb", from)}) ORDER BY g`;
    try {
      return await this.#answers(query(relation), expression, probe);
    } catch (error) {
      if (!isDataError(error)) throw error;
      const reader = await this.#connection.runAndReadAll(`SELECT DISTINCT g FROM ${relation} ORDER BY g`);
      const answers: Answer[] = [];
      for (const [group] of reader.getRows()) {
        const one = query(`(SELECT * FROM ${relation} WHERE g = ${String(group)})`);
        answers.push(...(await this.#answers(one, expression, probe).catch(dataError)));
      }
      return answers;
    }
  }

  async #answers(sql: string, expression: Expression, probe: Probe): Promise<readonly Answer[]> {
    const type = typeOf(expression, probe.schema);
    const reader = await this.#connection.runAndReadAll(sql);
    const [given, expected] = [String(reader.columnType(0)), await this.#typeName(type)];
    if (given !== expected) throw new Error(`DuckDB gives ${given}, the table of functions says ${expected}`);
    return reader
      .getRows()
      .map(([value = null, error = null]) => (error === null ? { value: valueOf(value, type) } : { error: true }));
  }

  async #typeName(type: DataType): Promise<string> {
    const reader = await this.#connection.runAndReadAll(`SELECT CAST(NULL AS ${duckdbType(type)})`);
    return String(reader.columnType(0));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}

/** As compute tells it: DuckDB itself stops at sums beyond 128 bits. */
const isDataError = (error: unknown): boolean => /DATA_ERROR: |Overflow in HUGEINT addition/.test(String(error));

function dataError(error: unknown): readonly Answer[] {
  if (!isDataError(error)) throw error;
  return [{ error: true }];
}

/** Whoever answers requests of functions.py. */
export interface Asked {
  ask(op: string, request: Readonly<Record<string, unknown>>): Promise<unknown>;
}

/** Spark's answers. */
export async function sparkAnswers(spark: Asked, probe: Probe, rows: readonly InputRow[]): Promise<Answers> {
  const names = Object.keys(probe.expressions);
  const expressions = Object.values(probe.expressions);
  const inputs = { schema: schemaString(probe.schema), rows: rows.map(rowJson) };
  const request =
    probe.kind === "scalars"
      ? {
          expressions: expressions.map((each) => renderScalar(each, probe.schema, { dialect: "spark" })),
          alone: probe.alone === true,
        }
      : { queries: expressions.map((each) => groupedSql(probe, each, "spark", "{t}")) };
  const answers = (await spark.ask(probe.kind, { ...inputs, ...request })) as (
    | { readonly value: Value }
    | { readonly error: true }
  )[][];
  return Object.fromEntries(names.map((name, index) => [name, answers[index] as readonly Answer[]]));
}

function groupedSql(probe: Probe, expression: Expression, dialect: Dialect, relation: string): string {
  const plan: LogicalPlan = {
    kind: "aggregate",
    input: scanOf(probe),
    groupBy: [{ name: "g", expression: { kind: "column", name: "g" } }],
    aggregates: [{ name: "value", expression }],
  };
  return renderPlan(plan, { dialect, relations: () => relation, rowErrors: "fail" });
}

const scanOf = ({ schema }: Probe): LogicalPlan => ({ kind: "scan", source: "inputs", schema, streaming: false });

/** The language writes a number's own digits; its library types do not know of it yet. */
const language = JSON as unknown as { rawJSON(text: string): unknown };

/** A row as one line, with all digits of its numbers. */
export function rowJson(row: InputRow): string {
  return JSON.stringify(row, (_name, value: unknown) =>
    typeof value === "bigint" ? language.rawJSON(String(value)) : value,
  );
}

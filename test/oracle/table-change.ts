/** What others do to the rows of a table that nobody reads as a stream: statements as users give them, and files that another engine rewrites. */
import {
  DataFrame,
  lit,
  tablePath,
  type AnyColumn,
  type ColumnTypes,
  type DataType,
} from "../../shared/pipeline/index.ts";
import { renderScalar, type Expression, type LogicalPlan, type Schema } from "../../shared/plan/index.ts";
import { MemoryStore } from "../../shared/storage/index.ts";
import {
  appendRows as append,
  deleteRows,
  mergeRows,
  optimize,
  overwriteRows,
  purge,
  restoreTable,
  setProperties,
  sourceColumn,
  sourceOfRows,
  targetColumn,
  updateRows,
  type SourceRows,
  type TableSession,
} from "../../shared/table/index.ts";
import { rewriteTable } from "../support/engine-foreign.ts";
import type { EngineWorld } from "../support/engine-harness.ts";
import { rowSetOf, rowsText, type SourceRow } from "./source-table.ts";
import { condition, isNested, pick } from "./terms.ts";

/** A table that is changed, as the pipeline knows it. */
export interface Changed {
  readonly name: string;
  readonly variable: string;
  readonly frame: DataFrame<ColumnTypes>;
}

export type TableChange =
  /** `file`: only in one of the table's files, counted around, which is rewritten without them; null: by a statement, over all of them. */
  | { readonly kind: "delete"; readonly column: number; readonly how: number; readonly file: number | null }
  | {
      readonly kind: "update";
      readonly column: number;
      readonly how: number;
      readonly changed: number;
      readonly file: number | null;
    }
  | { readonly kind: "clear" }
  | SourceChange;

/** Changes to which rows belong, so that only a source can have them. */
export type SourceChange =
  | { readonly kind: "merge"; readonly rows: readonly SourceRow[]; readonly deletes: boolean }
  | { readonly kind: "overwrite"; readonly rows: readonly SourceRow[] }
  | { readonly kind: "restore"; readonly version: number };

/** Changes a table, and says so as a line of SQL; undefined where there is nothing to do. */
export async function changeTable(
  world: EngineWorld,
  table: Changed,
  change: TableChange,
  arrivedMinutes: number,
): Promise<string | undefined> {
  const session = sessionOf(world, table);
  const { variable } = table;
  switch (change.kind) {
    case "delete":
      return deleted(world, table, change);
    case "update":
      return updated(world, table, change);
    case "clear":
      return done(await deleteRows(session), `DELETE FROM ${variable}`);
    case "merge":
      return merged(session, variable, change, arrivedMinutes);
    case "overwrite": {
      const source = await sourceOf(session, change.rows, arrivedMinutes);
      return done(await overwriteRows(session, source), `INSERT OVERWRITE ${variable}${rowsText(change.rows)}`);
    }
    case "restore": {
      const { version: newest } = await session.table.latest();
      if (newest < 2) return undefined;
      const version = 1 + (change.version % (newest - 1));
      return done(
        await restoreTable(session.table, { version }),
        `RESTORE TABLE ${variable} TO VERSION AS OF ${version}`,
      );
    }
  }
}

/** Appends rows with a column that the table does not have yet. */
export async function appendWithColumn(
  world: EngineWorld,
  table: Changed,
  rows: readonly SourceRow[],
  arrivedMinutes: number,
): Promise<string | undefined> {
  const session = sessionOf(world, table);
  const { schema } = await session.table.latest();
  const name = `added_${Object.keys(schema.fields).length}`;
  const wider: Schema = {
    kind: "struct",
    fields: { ...schema.fields, [name]: { type: { kind: "long" }, nullable: true } },
  };
  const set = rowSetOf(wider, rows, arrivedMinutes);
  const values = rows.map((_, index) => BigInt(index));
  const source = sourceOfRows({ ...set, columns: { ...set.columns, [name]: values } });
  const line = `ALTER TABLE ${table.variable} ADD COLUMN ${name} LONG, and INSERT INTO ${table.variable}${rowsText(rows)}`;
  return done(await append(session, source, { mergeSchema: true }), line);
}

/** Rewrites files without changing a row: one of them or all, as other engines do, or in the project's own ways. */
export async function compact(
  world: EngineWorld,
  table: Changed,
  how: { readonly by: "another engine" | "optimize" | "purge"; readonly file: number | null },
): Promise<string | undefined> {
  const { name, variable } = table;
  if (how.by === "another engine") {
    const outcome = await rewriteTable(world, name, { dataChange: false, which: how.file ?? undefined });
    return outcome === undefined ? undefined : `OPTIMIZE ${variable}${fileText(how.file)} by another engine`;
  }
  const session = sessionOf(world, table);
  if ((await session.table.find()) === undefined) return undefined;
  await (how.by === "optimize" ? optimize(session) : purge(session));
  return how.by === "optimize" ? `OPTIMIZE ${variable}` : `REORG TABLE ${variable} APPLY (PURGE)`;
}

/** Turns on what decides how later changes are written. */
export async function turnOn(
  world: EngineWorld,
  table: Changed,
  what: "enableDeletionVectors" | "enableChangeDataFeed",
): Promise<string | undefined> {
  const session = sessionOf(world, table);
  if ((await session.table.find()) === undefined) return undefined;
  await setProperties(session, { [`delta.${what}`]: "true" });
  return `ALTER TABLE ${table.variable} SET TBLPROPERTIES ('delta.${what}' = 'true')`;
}

async function deleted(
  world: EngineWorld,
  table: Changed,
  { column, how, file }: Extract<TableChange, { kind: "delete" }>,
): Promise<string | undefined> {
  const where = whereOf(table.frame, column, how);
  const line = `DELETE FROM ${table.variable} WHERE ${where.text}`;
  const session = sessionOf(world, table);
  if (file === null || (await mustTell(session)))
    return done(await deleteRows(session, { where: where.expression }), line);
  const keep = (plan: LogicalPlan): LogicalPlan => {
    const frame = new DataFrame<ColumnTypes>(plan);
    return frame.filter(() => whereOf(frame, column, how).column.eqNullSafe(true).not()).plan;
  };
  const outcome = await rewriteTable(world, table.name, { dataChange: true, which: file, keep });
  return outcome === undefined ? undefined : `${line}${fileText(file)}`;
}

async function updated(
  world: EngineWorld,
  table: Changed,
  { column, how, changed, file }: Extract<TableChange, { kind: "update" }>,
): Promise<string | undefined> {
  const { frame, variable, name } = table;
  const flat = Object.keys(frame.schema.fields).filter((each) => !isNested((frame.columns[each] as AnyColumn).type));
  const target = pick(flat, changed);
  if (target === undefined) return undefined;
  const value = newValue((frame.columns[target] as AnyColumn).type, how);
  if (value.kind === "literal" && value.value === null && !frame.schema.fields[target]!.nullable) return undefined;
  const where = whereOf(frame, column, how);
  const line = `UPDATE ${variable} SET ${target} = ${textOf(value, frame)} WHERE ${where.text}`;
  const session = sessionOf(world, table);
  if (file === null || (await mustTell(session)))
    return done(await updateRows(session, { set: { [target]: value }, where: where.expression }), line);
  const keep = (plan: LogicalPlan): LogicalPlan => {
    const rows = new DataFrame<ColumnTypes>(plan);
    const isChanged = whereOf(rows, column, how).column.expression;
    const kept = Object.keys(rows.schema.fields).map((each) => {
      const before: Expression = { kind: "column", name: each };
      const after: Expression = { kind: "case", branches: [{ when: isChanged, then: value }], otherwise: before };
      return { name: each, expression: each === target ? after : before };
    });
    return { kind: "project", input: plan, columns: kept };
  };
  const outcome = await rewriteTable(world, name, { dataChange: true, which: file, keep });
  return outcome === undefined ? undefined : `${line}${fileText(file)}`;
}

/** Upserts by `id`. Of the rows with one id the first counts, because a merge refuses two that change one row. */
async function merged(
  session: TableSession,
  variable: string,
  { rows, deletes }: Extract<TableChange, { kind: "merge" }>,
  arrivedMinutes: number,
): Promise<string | undefined> {
  const once = rows.filter(({ id }, index) => rows.findIndex((other) => other.id === id) === index);
  const column = (name: string): Expression => ({ kind: "column", name });
  const outcome = await mergeRows(session, await sourceOf(session, once, arrivedMinutes), {
    on: { kind: "call", name: "eq", args: [column(targetColumn("id")), column(sourceColumn("id"))] },
    clauses: [
      ...(deletes ? [{ kind: "matched-delete", when: column(sourceColumn("flag")) } as const] : []),
      { kind: "matched-update", set: { kind: "all" } },
      { kind: "not-matched-insert", values: { kind: "all" } },
    ],
    scratch: new MemoryStore(session.table.log),
  });
  const first = deletes ? " WHEN MATCHED AND source.flag THEN DELETE" : "";
  const line = `MERGE INTO ${variable} ON target.id = source.id${first} WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *${rowsText(once)}`;
  return done(outcome, line);
}

/** A table with a change feed has no files rewritten without being told of each row. */
async function mustTell({ table }: TableSession): Promise<boolean> {
  return (await table.latest()).metadata.configuration["delta.enableChangeDataFeed"] === "true";
}

function sessionOf(world: EngineWorld, { name }: Changed): TableSession {
  return { compute: world.compute, table: world.table(tablePath(name)) };
}

async function sourceOf(
  { table }: TableSession,
  rows: readonly SourceRow[],
  arrivedMinutes: number,
): Promise<SourceRows> {
  const { schema } = await table.latest();
  return sourceOfRows(rowSetOf(schema, rows, arrivedMinutes));
}

function whereOf(frame: DataFrame<ColumnTypes>, number: number, how: number) {
  const name = pick(Object.keys(frame.schema.fields), number) as string;
  const { column } = condition({ column: frame.columns[name] as AnyColumn, code: name }, how);
  return { column, expression: column.expression, text: textOf(column.expression, frame) };
}

const textOf = (expression: Expression, frame: DataFrame<ColumnTypes>): string =>
  renderScalar(expression, frame.schema, { dialect: "spark" }).replaceAll("`", "");

/** NULL, or a value that other rows have too. */
function newValue(type: DataType, how: number): Expression {
  const values: Partial<Record<DataType["kind"], string | number | boolean>> = {
    string: "b",
    integer: 2,
    long: 2,
    double: 1.5,
    boolean: true,
    decimal: type.kind === "decimal" && type.precision - type.scale > 0 && type.scale > 1 ? "1.10" : 0,
    date: "2026-03-02",
  };
  const value = how % 2 === 0 ? null : (values[type.kind] ?? null);
  return lit<DataType>(value as never, type).expression;
}

const fileText = (file: number | null): string => (file === null ? "" : ` -- in its file ${file}, counted around`);

/** The line, unless nothing had to be done. Nobody writes beside the oracle, so that nothing else can become of it. */
function done({ kind }: { readonly kind: string }, line: string): string | undefined {
  if (kind === "committed") return line;
  if (kind === "unchanged") return undefined;
  throw new Error(`${kind}: ${line}`);
}

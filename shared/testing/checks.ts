/** What a test says of tables and flows, held against what is there. Each check throws an AssertionError where they differ. */
import { AssertionError } from "node:assert";
import type { RowSet } from "../compute/index.ts";
import { DyneError, nearestName } from "../core/index.ts";
import { fileProvenanceSchema, hubBronzeSchema, quarantineSchema, type DeclaredTable } from "../pipeline/index.ts";
import type { LogicalPlan, Schema, StructField } from "../plan/index.ts";
import { rowSetOf, type InputRow } from "../table/lake/row-input.ts";
import { rowOfText, type OutputRow } from "../table/lake/row-output.ts";
import type { Action, ChangedRows, QuarantinedRow } from "./action.ts";
import { compareRows, type Difference } from "./compare-rows.ts";
import { differenceCounts, differenceText, valueText } from "./difference-text.ts";
import { scanOf, type TestLake } from "./test-lake.ts";

/** The versions of a table before and after a run. */
export interface RunVersions {
  readonly before: number;
  readonly after: number;
}

/** The table has these rows, and no others. */
export async function checkAnswer(
  lake: TestLake,
  { table, rows, columns }: Extract<Action, { readonly kind: "checkAnswer" }>,
): Promise<void> {
  const schema = comparedSchema(lake.declared(table), columns);
  const names = Object.keys(schema.fields);
  const texts = await lake.texts(
    { actual: await inputOf(lake, table), expected: expectedRows(table, schema, rows) },
    {
      actual: { plan: scanOf("actual", lake.declared(table).schema), columns: names },
      expected: { plan: scanOf("expected", schema), columns: names },
    },
  );
  const difference = compareRows(texts["expected"] ?? [], texts["actual"] ?? [], schema);
  await assertSame(lake, table, `${table} does not have the rows that are expected`, difference, schema);
}

/** The last run added these rows and removed those. */
export async function checkLastBatch(
  lake: TestLake,
  { table, changed, columns }: Extract<Action, { readonly kind: "checkLastBatch" }>,
  run: RunVersions | undefined,
): Promise<void> {
  if (run === undefined)
    throw new AssertionError({ message: "There was no processAllAvailable() yet. Put one before checkLastBatch." });
  const schema = comparedSchema(lake.declared(table), columns);
  const { before, after } = await rowsOfRun(lake, table, schema, run);
  const { missing, unexpected } = compareRows(before, after, schema);
  await assertChange(lake, table, schema, "added", unexpected, changed);
  if (changed.removed !== undefined) await assertChange(lake, table, schema, "removed", missing, changed);
}

async function rowsOfRun(lake: TestLake, table: string, schema: Schema, run: RunVersions) {
  const names = Object.keys(schema.fields);
  const whole = lake.declared(table).schema;
  const textsAt = async (version: number): Promise<readonly string[]> => {
    const rows = await lake.input(table, version);
    if (rows === undefined) return [];
    return (await lake.texts({ rows }, { rows: { plan: scanOf("rows", whole), columns: names } }))["rows"] ?? [];
  };
  return { before: await textsAt(run.before), after: await textsAt(run.after) };
}

async function assertChange(
  lake: TestLake,
  table: string,
  schema: Schema,
  kind: keyof ChangedRows<InputRow>,
  actual: readonly OutputRow[],
  changed: ChangedRows<InputRow>,
): Promise<void> {
  const names = Object.keys(schema.fields);
  const sets = { expected: expectedRows(table, schema, changed[kind] ?? []), actual: rowSetOf(schema, actual) };
  const texts = await lake.texts(sets, {
    expected: { plan: scanOf("expected", schema), columns: names },
    actual: { plan: scanOf("actual", schema), columns: names },
  });
  const difference = compareRows(texts["expected"] ?? [], texts["actual"] ?? [], schema);
  await assertSame(lake, table, `The last run ${kind} other rows of ${table} than are expected`, difference, schema);
}

/** Each view equals its query over the tables that it reads. */
export async function checkEqualsQuery(lake: TestLake, view: string | undefined): Promise<void> {
  const tables = view === undefined ? lake.pipeline.tables : [lake.declared(view)];
  for (const { kind, name, query, schema } of tables) {
    if (kind !== "materializedView" || query === undefined) {
      if (view === undefined) continue;
      throw new DyneError(
        "INVALID_ARGUMENT",
        `${name} is a streaming table, which reads each row once, and equals no query.`,
      );
    }
    const inputs = { [name]: await inputOf(lake, name) };
    for (const input of lake.flow(name).inputs) inputs[input.table] = await inputOf(lake, input.table);
    const columns = Object.keys(schema.fields);
    const plans: Record<string, { readonly plan: LogicalPlan; readonly columns: readonly string[] }> = {
      actual: { plan: scanOf(name, schema), columns },
      expected: { plan: query, columns },
    };
    const texts = await lake.texts(inputs, plans);
    const difference = compareRows(texts["expected"] ?? [], texts["actual"] ?? [], schema);
    await assertSame(lake, name, `${name} does not equal its query`, difference, schema);
  }
}

/** The quarantine has a row for each of these, and no others. */
export async function checkQuarantine(lake: TestLake, table: string, rows: readonly QuarantinedRow[]): Promise<void> {
  const found = await quarantined(lake, table);
  const left = [...found];
  const missing: OutputRow[] = [];
  for (const row of rows) {
    const index = left.findIndex((other) => isAsWanted(row, other));
    if (index < 0) missing.push(row as OutputRow);
    else left.splice(index, 1);
  }
  if (missing.length === 0 && left.length === 0) return;
  const difference = { missing, unexpected: left, same: found.length - left.length };
  // What nobody asked about would only be in the way.
  const asked = new Set(["reason", "rule", "message", "event_data", "row", ...rows.flatMap((row) => Object.keys(row))]);
  const columns = [...asked].filter((name) => [...missing, ...left].some((row) => (row[name] ?? null) !== null));
  throw new AssertionError({
    message: `The quarantine of ${table} does not have the rows that are expected: ${differenceCounts(difference)}.\n\n${differenceText(difference, columns)}\n`,
    operator: "checkQuarantine",
  });
}

async function quarantined(lake: TestLake, table: string): Promise<readonly OutputRow[]> {
  const rows = await lake.input(table, undefined, "quarantine");
  if (rows === undefined) return [];
  const columns = Object.keys(quarantineSchema.fields);
  const texts = await lake.texts({ rows }, { rows: { plan: scanOf("rows", quarantineSchema), columns } });
  return (texts["rows"] ?? []).map((text) => {
    const row = rowOfText(text, quarantineSchema);
    const kept = row["row"];
    return typeof kept === "string" ? { ...row, row: JSON.parse(kept) as unknown } : row;
  });
}

/** Every column that is wanted is so, and of an object every field; `found` may have more. */
function isAsWanted(wanted: unknown, found: unknown): boolean {
  if (wanted === undefined) return true;
  if (typeof wanted === "object" && wanted !== null && !(wanted instanceof Date)) {
    if (typeof found !== "object" || found === null || Array.isArray(wanted) !== Array.isArray(found)) return false;
    if (Array.isArray(wanted) && wanted.length !== (found as readonly unknown[]).length) return false;
    const fields = found as Readonly<Record<string, unknown>>;
    return Object.entries(wanted).every(([name, value]) => isAsWanted(value, fields[name]));
  }
  const isNumber = typeof wanted === "number" || typeof wanted === "bigint";
  return isNumber ? String(wanted) === String(found) : (wanted ?? null) === (found ?? null);
}

/** The last batch of a view was computed in this way. */
export async function checkStrategy(lake: TestLake, view: string, expected: string): Promise<void> {
  lake.declared(view);
  const strategy = (await lake.lastCommit(view))?.progress.strategy;
  if (strategy?.name === expected) return;
  const told = strategy === undefined ? "it has had no batch yet" : `${strategy.name}: ${strategy.reason}`;
  throw new AssertionError({
    message: `The last batch of ${view} was not computed by ${expected}, but by ${told}.`,
    actual: strategy?.name,
    expected,
    operator: "checkStrategy",
  });
}

/** The flow of the table has failed with this code. */
export async function checkFailure(lake: TestLake, table: string, code: string, message?: RegExp): Promise<void> {
  lake.declared(table);
  const failure = (await lake.stateOf(table))?.failure ?? undefined;
  const isExpected = failure?.code === code && message?.test(failure.message) !== false;
  if (isExpected) return;
  const told =
    failure === undefined ? "runs, and has not failed" : `has failed with ${failure.code}: ${failure.message}`;
  const wanted = message === undefined ? code : `${code} and a message like ${String(message)}`;
  throw new AssertionError({
    message: `${table} was expected to fail with ${wanted}, but it ${told}`,
    actual: failure?.code,
    expected: code,
    operator: "checkFailure",
  });
}

async function inputOf(lake: TestLake, table: string) {
  const input = await lake.input(table);
  if (input !== undefined) return input;
  throw new AssertionError({ message: `${table} is not there yet. Put processAllAvailable() before the check.` });
}

const sourceColumns = new Set(["event_data", "event_data_binary", "partition_key", "properties", "_rescued_data"]);

/** The columns that are compared: those asked for, or all but what says when and where from rows of a source came. */
function comparedSchema({ name, source, schema }: DeclaredTable, columns: readonly string[] | undefined): Schema {
  const fields = schema.fields as Readonly<Record<string, StructField>>;
  const unknown = columns?.find((column) => !Object.hasOwn(fields, column));
  if (unknown !== undefined)
    throw new DyneError(
      "UNKNOWN_COLUMN",
      `${name} has no column "${unknown}". Compare some of ${Object.keys(fields).join(", ")}.`,
    );
  const added =
    source === undefined ? {} : source.kind === "eventHub" ? hubBronzeSchema.fields : fileProvenanceSchema.fields;
  const compared =
    columns ?? Object.keys(fields).filter((column) => sourceColumns.has(column) || !Object.hasOwn(added, column));
  return {
    kind: "struct",
    fields: Object.fromEntries(compared.map((column) => [column, fields[column] as StructField])),
  };
}

/** The rows that a test expects. Errors: UNKNOWN_COLUMN for one that has a column which is not compared, and those of `rowSetOf`. */
function expectedRows(table: string, schema: Schema, rows: readonly InputRow[]): RowSet {
  const names = Object.keys(schema.fields);
  for (const [index, row] of rows.entries()) {
    const unknown = Object.keys(row ?? {}).find((name) => !names.includes(name));
    if (unknown === undefined) continue;
    const near = nearestName(unknown, names);
    throw new DyneError(
      "UNKNOWN_COLUMN",
      `rows[${index}] expects "${unknown}", which is none of the columns of ${table} that are compared: ${names.join(", ")}. ${near === undefined ? "Leave it out." : `Is ${near} meant?`}`,
    );
  }
  return rowSetOf(schema, rows);
}

async function assertSame(
  lake: TestLake,
  table: string,
  what: string,
  difference: Difference,
  schema: Schema,
): Promise<void> {
  const { missing, unexpected } = difference;
  if (missing.length === 0 && unexpected.length === 0) return;
  const strategy = (await lake.lastCommit(table))?.progress.strategy;
  const told =
    strategy === undefined ? "" : `\nThe last batch of ${table} was computed by ${strategy.name}: ${strategy.reason}.`;
  const columns = Object.keys(schema.fields);
  const shown = (rows: readonly OutputRow[]) =>
    rows.map((row) => Object.fromEntries(columns.map((name) => [name, valueText(row[name])])));
  throw new AssertionError({
    message: `${what}: ${differenceCounts(difference)}.\n\n${differenceText(difference, columns)}\n${told}`,
    actual: shown(unexpected),
    expected: shown(missing),
    operator: "checkAnswer",
  });
}

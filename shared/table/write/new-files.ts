/** Files with new rows, written and named as the log will name them. */
import type { ComputeInput, ComputeStep, ComputeWrite, WriteTarget, WrittenFile } from "../../compute/index.ts";
import { DyneError } from "../../core/index.ts";
import {
  encodeLogPath,
  fileLayoutOf,
  tableProperty,
  type Action,
  type AddFile,
  type CdcFile,
  type Snapshot,
} from "../../delta/index.ts";
import { schemaOf, type LogicalPlan, type Schema } from "../../plan/index.ts";
import type { DeltaTable } from "../delta-table.ts";
import type { TableSession } from "../table-session.ts";

/** Where change files of a table lie (PROTOCOL.md § Change Data Files). */
export const changeFolder = "_change_data";

/** The column of a change file that says what became of its row (PROTOCOL.md § Add CDC File). */
export const changeTypeColumn = "_change_type";

/** What has to be known of a table to write its files. */
export type WrittenForm = Pick<Snapshot, "schema" | "partitionBy" | "columnMapping" | "metadata">;

/** The data files of a table, as the target of a write. */
export function dataTarget(table: DeltaTable, form: WrittenForm): WriteTarget {
  const { schema, partitionBy, columnMapping, metadata } = form;
  const layout = fileLayoutOf(metadata.configuration);
  return { store: table.log.store, path: table.path, schema, partitionBy, columnMapping, layout, sortBy: [] };
}

/** The change files of a table, as the target of a write: its columns, then `_change_type`. */
export function changeTarget(table: DeltaTable, form: WrittenForm): WriteTarget {
  return { ...dataTarget(table, form), path: `${table.path}/${changeFolder}`, schema: changeSchema(form.schema) };
}

/** A table's columns, then `_change_type`. */
export function changeSchema(schema: Schema): Schema {
  return {
    kind: "struct",
    fields: { ...schema.fields, [changeTypeColumn]: { type: { kind: "string" }, nullable: false } },
  };
}

/** A written data file as the log names it. */
export function addOf(
  file: WrittenFile,
  { nowMs, tags }: { readonly nowMs: number; readonly tags?: AddFile["tags"] | undefined },
): AddFile {
  return {
    path: encodeLogPath(file.path),
    partitionValues: file.partitionValues,
    size: file.sizeBytes,
    modificationTime: nowMs,
    dataChange: true,
    stats: file.stats,
    ...(tags === undefined ? {} : { tags }),
  };
}

/** A written change file as the log names it. */
export function cdcOf(file: WrittenFile): CdcFile {
  return {
    path: encodeLogPath(`${changeFolder}/${file.path}`),
    partitionValues: file.partitionValues,
    size: file.sizeBytes,
    dataChange: false,
  };
}

/** True where a table's changes are to be read from the log row by row. */
export function hasChangeFeed({ metadata }: Pick<Snapshot, "metadata">): boolean {
  return tableProperty(metadata.configuration, "delta.enableChangeDataFeed");
}

/** True where rows of the table are deleted by marking them in their files. */
export function hasDeletionVectors({ metadata }: Pick<Snapshot, "metadata">): boolean {
  return tableProperty(metadata.configuration, "delta.enableDeletionVectors");
}

/** Rows to write: a plan over inputs, with steps before it. */
export interface RowsToWrite {
  readonly name: string;
  readonly inputs: Readonly<Record<string, ComputeInput>>;
  readonly steps?: readonly ComputeStep[];
  readonly plan: LogicalPlan;
  readonly signal?: AbortSignal | undefined;
}

/** Writes rows in the table's form as data files. No rows, no files. */
export async function writeRows(
  { compute, table }: TableSession,
  form: WrittenForm,
  { name, inputs, steps = [], plan, signal }: RowsToWrite,
): Promise<readonly WrittenFile[]> {
  const write: ComputeWrite = { name: "rows", plan, target: dataTarget(table, form) };
  const result = await compute.run({ name, inputs, steps, writes: [write], collects: [], parameters: {}, signal });
  if (result.kind === "pending") throw stillRunning(table);
  return result.written["rows"] ?? [];
}

/** Written files as actions of one commit. */
export function addActions(files: readonly WrittenFile[], nowMs: number): readonly Action[] {
  return files.map((file) => ({ add: addOf(file, { nowMs }) }));
}

/** What a commit says of files it adds, by Spark's names. */
export function outputMetrics(files: readonly WrittenFile[]): Readonly<Record<string, number>> {
  return {
    numFiles: files.length,
    numOutputRows: files.reduce((rows, { rowCount }) => rows + rowCount, 0),
    numOutputBytes: files.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0),
  };
}

/** Rows of a change file of inserted rows. */
export function insertedRows(rows: LogicalPlan): LogicalPlan {
  return {
    kind: "project",
    input: rows,
    columns: [
      ...Object.keys(schemaOf(rows).fields).map((name) => ({ name, expression: { kind: "column", name } as const })),
      { name: changeTypeColumn, expression: { kind: "literal", value: "insert", type: { kind: "string" } } },
    ],
  };
}

/** An operation on a table needs its result at once. */
export function stillRunning(table: DeltaTable): DyneError {
  return new DyneError("BATCH_ABANDONED", `Work on ${table.path} waits for its compute. Try again.`);
}

import { removeOf, type AddFile, type Snapshot } from "../../delta/index.ts";
import { renderScalar, type Expression, type DataType } from "../../plan/index.ts";
import type { TableSession } from "../table-session.ts";
import { filesMatching } from "../file-condition.ts";
import { rowCountOf } from "./file-rows.ts";
import { filesOfMatchingPartitions } from "./matching-partitions.ts";
import { changesStep } from "./change-plan.ts";
import { changeRows, type ChangedRows } from "./row-changes.ts";
import { commitWrite, type WriteOptions, type WriteOutcome } from "./write-outcome.ts";
import { unchanged } from "../unchanged.ts";

export interface DeleteOptions extends WriteOptions {
  /** True for rows that go; all of them where it is absent. Over the table's columns. */
  readonly where?: Expression | undefined;
}

/**
 * Deletes the rows for which a condition is true, in one commit. Files without such a row are not touched, and those that cannot have one are
 * not read. A condition on partition columns alone removes files without reading any.
 *
 * Errors: UNKNOWN_COLUMN, TYPE_MISMATCH; DATA_ERROR where the condition fails on a row; FILE_MISSING; INVALID_ARGUMENT for a table that is only appended to.
 * Repeating is safe.
 */
export async function deleteRows(session: TableSession, options: DeleteOptions = {}): Promise<WriteOutcome> {
  const { table } = session;
  const snapshot = await table.latest();
  const { where = everyRow } = options;
  const changed = await deletedRows(session, snapshot, where, options.signal);
  if (changed.actions.length === 0 && (options.fences ?? []).length === 0) return unchanged(table, snapshot);
  return commitWrite(table, snapshot, {
    actions: changed.actions,
    isBlindAppend: false,
    readsMatching: filesMatching(snapshot, where),
    readFiles: changed.readFiles,
    operation: "DELETE",
    operationParameters: {
      predicate: JSON.stringify(options.where === undefined ? [] : [predicateText(snapshot, where)]),
    },
    operationMetrics: changeMetrics(changed),
    fences: options.fences,
    signal: options.signal,
  });
}

/** The condition that is true of every row. */
export const everyRow: Expression = { kind: "literal", value: true, type: { kind: "boolean" } };

/** A condition as the table's history tells it: in Spark's SQL. */
export function predicateText({ schema }: Pick<Snapshot, "schema">, condition: Expression): string {
  return renderScalar(condition, schema, { dialect: "spark" });
}

/** Counts of changed rows and files, by Spark's names. */
export function changeMetrics(changed: ChangedRows): Readonly<Record<string, number>> {
  return {
    numDeletedRows: changed.deletedRows,
    numUpdatedRows: changed.updatedRows,
    numAddedFiles: changed.addedFiles,
    numRemovedFiles: changed.removedFiles,
    numAddedChangeFiles: changed.changeFiles,
    numDeletionVectorsAdded: changed.deletionVectors,
  };
}

/** What deleting the rows of a condition does to a snapshot's files. */
export async function deletedRows(
  session: TableSession,
  snapshot: Snapshot,
  where: Expression,
  signal: AbortSignal | undefined,
): Promise<ChangedRows> {
  const whole = await filesOfMatchingPartitions(session, snapshot, where);
  if (whole !== undefined) return wholeFiles(session, whole);
  const candidates = [...snapshot.files].filter(filesMatching(snapshot, where));
  const nothing = (_: string, type: DataType): Expression => ({ kind: "literal", value: null, type });
  const steps = [changesStep(snapshot.schema, where, "delete", nothing)];
  return changeRows(session, snapshot, candidates, { name: "delete", inputs: {}, steps, signal });
}

/** Removes files unread. Rows are counted where the log knows their number. */
function wholeFiles({ table }: TableSession, files: readonly AddFile[]): ChangedRows {
  const nowMs = table.log.clock.nowMs();
  return {
    actions: files.map((file) => ({ remove: removeOf(file, { deletionTimestampMs: nowMs }) })),
    deletedRows: files.reduce((rows, file) => rows + (rowCountOf(file) ?? 0), 0),
    updatedRows: 0,
    removedFiles: files.length,
    addedFiles: 0,
    changeFiles: 0,
    deletionVectors: 0,
    readFiles: files,
  };
}

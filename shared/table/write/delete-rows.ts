import { removeOf, type AddFile, type Snapshot } from "../../delta/index.ts";
import { renderScalar, type Expression, type Schema, type StructField } from "../../plan/index.ts";
import type { TableSession } from "../table-session.ts";
import { filesMatching } from "../file-condition.ts";
import { rowCountOf } from "./file-rows.ts";
import { filesOfMatchingPartitions } from "./matching-partitions.ts";
import { actionColumn, fileColumn, oldColumn, rowColumn, targetScan } from "./change-plan.ts";
import { changeRows, type ChangedRows, type RowChange } from "./row-changes.ts";
import { commitWrite, type WriteOptions, type WriteOutcome } from "./write-outcome.ts";

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
  if (changed.actions.length === 0 && (options.fences ?? []).length === 0)
    return { kind: "unchanged", version: snapshot.version };
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
  return changeRows(session, snapshot, candidates, deletion(snapshot.schema, where, signal));
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

function deletion(schema: Schema, where: Expression, signal: AbortSignal | undefined): RowChange {
  const fields = Object.entries<StructField>(schema.fields);
  return {
    name: "delete",
    inputs: {},
    steps: [
      {
        kind: "plan",
        name: "changes",
        rowErrors: "fail",
        carry: [],
        plan: {
          kind: "project",
          input: { kind: "filter", input: targetScan(schema), condition: where },
          columns: [
            ...[fileColumn, rowColumn].map((name) => ({ name, expression: { kind: "column", name } as const })),
            { name: actionColumn, expression: { kind: "literal", value: "delete", type: { kind: "string" } } },
            ...fields.map(([name, { type }]) => ({
              name,
              expression: { kind: "literal", value: null, type } as const,
            })),
            ...fields.map(([name], index) => ({
              name: oldColumn(index),
              expression: { kind: "column", name } as const,
            })),
          ],
        },
      },
    ],
    signal,
  };
}

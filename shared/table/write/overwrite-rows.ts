import { DyneError } from "../../core/index.ts";
import type { WrittenFile } from "../../compute/index.ts";
import { removeOf, type Action, type AddFile, type Snapshot } from "../../delta/index.ts";
import type { Expression, LogicalPlan } from "../../plan/index.ts";
import { partitionValueKey } from "../partition-value-key.ts";
import type { TableSession } from "../table-session.ts";
import { guardedPlan, rowsKeeping } from "../constraints/guarded-plan.ts";
import { alignedRows } from "./aligned-rows.ts";
import { schemaChange, schemaOfRows } from "./evolved-schema.ts";
import { deletedRows, everyRow, predicateText } from "./delete-rows.ts";
import { filesMatching } from "../file-condition.ts";
import { addActions, cdcOf, changeTarget, dataTarget, insertedRows, outputMetrics, stillRunning } from "./new-files.ts";
import type { SourceRows } from "./source-rows.ts";
import { commitWrite, type WriteOptions, type WriteOutcome } from "./write-outcome.ts";
import { unchanged } from "../unchanged.ts";

/** Which rows the new ones take the place of. */
export type Replaced =
  | { readonly kind: "all" }
  /** Those for which a condition over the table's columns is true, as it must be of every new row. */
  | { readonly kind: "where"; readonly condition: Expression }
  /** Those of the partitions that the new rows are in. */
  | { readonly kind: "partitions" };

export interface OverwriteOptions extends WriteOptions {
  /** All rows, unless it says otherwise. */
  readonly replace?: Replaced | undefined;
  /** Adds columns, and fields of structs, that the table lacks. */
  readonly mergeSchema?: boolean | undefined;
}

/**
 * Puts rows in the place of others, in one commit: readers see the old rows or the new ones. Columns by name, see `alignedRows`.
 *
 * Errors: those of `appendRows`; CONSTRAINT_VIOLATED for a new row of which the condition is not true; INVALID_ARGUMENT for `partitions` of a table that has none.
 * Repeating is safe.
 */
export async function overwriteRows(
  session: TableSession,
  source: SourceRows,
  options: OverwriteOptions = {},
): Promise<WriteOutcome> {
  const { table } = session;
  const { replace = { kind: "all" }, signal } = options;
  const snapshot = await table.latest();
  if (replace.kind === "partitions" && snapshot.partitionBy.length === 0)
    throw new DyneError(
      "INVALID_ARGUMENT",
      `${table.path} has no partitions to replace. Replace all rows, or those of a condition.`,
    );
  const { plan, schema } = alignedRows(table.path, snapshot.schema, source.plan, options);
  const aligned = { plan, schema: schemaOfRows(table, snapshot, schema) };
  const where = replace.kind === "where" ? replace.condition : everyRow;
  const deleted =
    replace.kind === "where" ? await deletedRows(session, snapshot, replace.condition, signal) : undefined;
  const written = await writeNewRows(
    session,
    { ...snapshot, schema: aligned.schema },
    {
      source,
      plan: aligned.plan,
      where,
      withChanges: (deleted?.changeFiles ?? 0) > 0,
      signal,
    },
  );
  const nowMs = table.log.clock.nowMs();
  const removed =
    deleted?.actions ??
    replacedFiles(snapshot, replace, written.rows).map((file): Action => ({
      remove: removeOf(file, { deletionTimestampMs: nowMs }),
    }));
  const actions = [
    ...schemaChange(table.path, snapshot, aligned.schema),
    ...removed,
    ...addActions(written.rows, nowMs),
    ...written.changes.map((file): Action => ({ cdc: cdcOf(file) })),
  ];
  if (actions.length === 0 && (options.fences ?? []).length === 0) return unchanged(table, snapshot);
  return commitWrite(table, snapshot, {
    actions,
    isBlindAppend: false,
    movesNoRows: (deleted?.changeFiles ?? 0) === 0,
    readsMatching:
      replace.kind === "partitions" ? inPartitionsOf(snapshot, written.rows) : filesMatching(snapshot, where),
    readFiles: deleted?.readFiles,
    operation: "WRITE",
    operationParameters: {
      mode: "Overwrite",
      partitionBy: JSON.stringify(snapshot.partitionBy),
      ...(replace.kind === "where" ? { predicate: predicateText(snapshot, where) } : {}),
    },
    operationMetrics: outputMetrics(written.rows),
    fences: options.fences,
    signal,
  });
}

interface NewRows {
  readonly source: SourceRows;
  readonly plan: LogicalPlan;
  readonly where: Expression;
  /** The commit has change files: then all of its changes must be in them. */
  readonly withChanges: boolean;
  readonly signal: AbortSignal | undefined;
}

async function writeNewRows(
  { compute, table }: TableSession,
  form: Pick<Snapshot, "schema" | "partitionBy" | "columnMapping" | "metadata">,
  { source, plan, where, withChanges, signal }: NewRows,
): Promise<{ readonly rows: readonly WrittenFile[]; readonly changes: readonly WrittenFile[] }> {
  const rows: LogicalPlan = { kind: "scan", source: "new rows", schema: form.schema, streaming: false };
  const rule = { name: "replaceWhere", text: predicateText(form, where), condition: where };
  const checked = rowsKeeping(guardedPlan(form, plan), where === everyRow ? [] : [rule]);
  const result = await compute.run({
    name: `overwrite of ${table.path}`,
    inputs: source.inputs,
    steps: [{ kind: "plan", name: "new rows", plan: checked, rowErrors: "fail", carry: [] }],
    writes: [
      { name: "rows", plan: rows, target: dataTarget(table, form) },
      ...(withChanges ? [{ name: "changes", plan: insertedRows(rows), target: changeTarget(table, form) }] : []),
    ],
    collects: [],
    parameters: {},
    signal,
  });
  if (result.kind === "pending") throw stillRunning(table);
  return { rows: result.written["rows"] ?? [], changes: result.written["changes"] ?? [] };
}

/** The files whose rows the new ones take the place of. */
function replacedFiles(snapshot: Snapshot, replace: Replaced, written: readonly WrittenFile[]): readonly AddFile[] {
  const files = [...snapshot.files];
  return replace.kind === "partitions" ? files.filter(inPartitionsOf(snapshot, written)) : files;
}

/** True for files of the partitions that the written ones are in. */
function inPartitionsOf(snapshot: Snapshot, written: readonly WrittenFile[]): (file: AddFile) => boolean {
  const partitions = new Set(written.map(({ partitionValues }) => partitionValueKey(snapshot, partitionValues)));
  return (file) => partitions.has(partitionValueKey(snapshot, file.partitionValues));
}

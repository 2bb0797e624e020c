import type { TableSession } from "../table-session.ts";
import { guardedPlan } from "../constraints/guarded-plan.ts";
import { alignedRows } from "./aligned-rows.ts";
import { schemaChange, schemaOfRows } from "./evolved-schema.ts";
import { addActions, outputMetrics, writeRows } from "./new-files.ts";
import type { SourceRows } from "./source-rows.ts";
import { commitWrite, type WriteOptions, type WriteOutcome } from "./write-outcome.ts";
import { unchanged } from "../unchanged.ts";

export interface AppendOptions extends WriteOptions {
  /** Adds columns, and fields of structs, that the table lacks. */
  readonly mergeSchema?: boolean | undefined;
}

/**
 * Adds rows to a table in one commit: columns by name, see `alignedRows`. A blind append: only a change of the table's schema, properties
 * or protocol can conflict with it.
 *
 * Errors: SCHEMA_MISMATCH; DATA_ERROR for a value that does not fit its column, CONSTRAINT_VIOLATED for one that the table forbids;
 * INVALID_ARGUMENT for columns that are new to a table that a flow writes. Repeating is
 * safe after an outcome, and after an error only with a fence.
 */
export async function appendRows(
  session: TableSession,
  source: SourceRows,
  options: AppendOptions = {},
): Promise<WriteOutcome> {
  const { table } = session;
  const snapshot = await table.latest();
  const aligned = alignedRows(table.path, snapshot.schema, source.plan, options);
  const [plan, schema] = [aligned.plan, schemaOfRows(table, snapshot, aligned.schema)];
  const files = await writeRows(
    session,
    { ...snapshot, schema },
    {
      name: `append to ${table.path}`,
      inputs: source.inputs,
      plan: guardedPlan({ ...snapshot, schema }, plan),
      signal: options.signal,
    },
  );
  const evolution = schemaChange(table.path, snapshot, schema);
  if (files.length === 0 && evolution.length === 0 && (options.fences ?? []).length === 0)
    return unchanged(table, snapshot);
  return commitWrite(table, snapshot, {
    actions: [...evolution, ...addActions(files, table.log.clock.nowMs())],
    isBlindAppend: evolution.length === 0,
    operation: "WRITE",
    operationParameters: { mode: "Append", partitionBy: JSON.stringify(snapshot.partitionBy) },
    operationMetrics: outputMetrics(files),
    fences: options.fences,
    signal: options.signal,
  });
}

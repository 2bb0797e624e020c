import { DyneError } from "../../core/index.ts";
import { typeOf, type Expression, type Schema, type StructField } from "../../plan/index.ts";
import { withGenerated } from "../constraints/generated-columns.ts";
import type { TableSession } from "../table-session.ts";
import { assigned } from "./aligned-rows.ts";
import { changeMetrics, everyRow, predicateText } from "./delete-rows.ts";
import { filesMatching } from "../file-condition.ts";
import { changesStep } from "./change-plan.ts";
import { changeRows } from "./row-changes.ts";
import { commitWrite, type WriteOptions, type WriteOutcome } from "./write-outcome.ts";
import { unchanged } from "../unchanged.ts";

/** New values by column, as expressions over the table's columns as they were. */
export type Assignments = Readonly<Record<string, Expression>>;

export interface UpdateOptions extends WriteOptions {
  readonly set: Assignments;
  /** True for rows that change; all of them where it is absent. Over the table's columns. */
  readonly where?: Expression | undefined;
}

/**
 * Gives columns new values in the rows for which a condition is true, in one commit. All values are computed from the row as it was.
 *
 * Errors: UNKNOWN_COLUMN, TYPE_MISMATCH, SCHEMA_MISMATCH for a value that is none of its column; DATA_ERROR where an expression fails on a row, CONSTRAINT_VIOLATED;
 * FILE_MISSING. Repeating is safe where the same row would not be changed twice.
 */
export async function updateRows(session: TableSession, options: UpdateOptions): Promise<WriteOutcome> {
  const { table } = session;
  const snapshot = await table.latest();
  const { where = everyRow } = options;
  const assigned = assignmentsOf(table.path, snapshot.schema, options.set);
  const set = withGenerated(snapshot.schema, assigned, (name) => ({ kind: "column", name }));
  const candidates = [...snapshot.files].filter(filesMatching(snapshot, where));
  const valueOf = (name: string): Expression => (Object.hasOwn(set, name) ? set[name]! : { kind: "column", name });
  const steps = [changesStep(snapshot.schema, where, "update", valueOf)];
  const change = { name: "update", inputs: {}, steps, signal: options.signal };
  const changed = await changeRows(session, snapshot, candidates, change);
  if (changed.actions.length === 0 && (options.fences ?? []).length === 0) return unchanged(table, snapshot);
  return commitWrite(table, snapshot, {
    actions: changed.actions,
    isBlindAppend: false,
    readsMatching: filesMatching(snapshot, where),
    readFiles: changed.readFiles,
    operation: "UPDATE",
    operationParameters: {
      predicate: JSON.stringify(options.where === undefined ? [] : [predicateText(snapshot, where)]),
    },
    operationMetrics: changeMetrics(changed),
    fences: options.fences,
    signal: options.signal,
  });
}

/** Checks assignments against a table: by the table's names, each value as one of its column. `scope` is what the expressions see. */
export function assignmentsOf(path: string, schema: Schema, set: Assignments, scope: Schema = schema): Assignments {
  const fields = schema.fields as Readonly<Record<string, StructField>>;
  const names = new Map(Object.keys(fields).map((name) => [name.toLowerCase(), name]));
  const found = Object.entries(set).map(([given, value]): [string, Expression] => {
    const name = names.get(given.toLowerCase());
    if (name === undefined) {
      throw new DyneError(
        "UNKNOWN_COLUMN",
        `${path} has no column ${given} to give a value to. It has ${Object.keys(fields).join(", ")}.`,
      );
    }
    const from = typeOf(value, scope, `the value of ${name}`);
    return [name, assigned(path, name, value, from, fields[name]!.type)];
  });
  const once = new Map(found);
  if (once.size < found.length)
    throw new DyneError("DUPLICATE_NAME", `${path} gets two values for one column. Keep one of them.`);
  return Object.fromEntries(once);
}

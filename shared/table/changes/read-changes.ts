/** Changed rows as text, one JSON object per row and without loss: what the command prints. */
import { DyneError, isDyneError, placeColumn } from "../../core/index.ts";
import type { InputFile } from "../../compute/index.ts";
import { freeName, RowWindows } from "../row-windows.ts";
import type { TableSession } from "../table-session.ts";
import { changeFileSet, changeSchema, type PlacedChange } from "./change-inputs.ts";
import { planChanges, type ChangeOptions, type TableChanges } from "./table-changes.ts";

export interface ReadChangesOptions {
  /** At most so many rows. */
  readonly limit?: number | undefined;
  /** With the hidden column of a row's place. */
  readonly hidden?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told when a file has been read, with how many have been by then. */
  readonly onFile?: ((read: number) => void) | undefined;
}

/**
 * The rows that versions `from` to `to` changed, each as a JSON text in the form of `readRowTexts`: the table's columns at `to` (NULL where a
 * column came later), then `_change_type` (`insert`, `delete`, `update_preimage`, `update_postimage`), `_commit_version` and
 * `_commit_timestamp`. Version by version in order, and in each the files one after another: what went before what came. A few rows are in
 * memory at once, however many changed.
 *
 * Errors: those of `planChanges`, before the first row; FILE_MISSING, naming the version, where a file was vacuumed. Safe to repeat.
 */
export async function* readChanges(
  session: TableSession,
  options: ChangeOptions & ReadChangesOptions,
): AsyncGenerator<string, void> {
  yield* changeTexts(session, await planChanges(session.table, options), options);
}

/** The rows of changes that are planned already; see `readChanges`. */
export async function* changeTexts(
  session: TableSession,
  changes: TableChanges,
  { limit = Number.POSITIVE_INFINITY, hidden = false, signal, onFile }: ReadChangesOptions = {},
): AsyncGenerator<string, void> {
  let left = limit;
  let read = 0;
  for (const { version, timestampMs, files } of changes.commits) {
    for (const file of files) {
      if (left <= 0) return;
      for await (const text of fileTexts(session, changes, { file, version, timestampMs }, { left, hidden, signal })) {
        left--;
        yield text;
      }
      onFile?.(++read);
    }
  }
}

/** The rows of one changed file, at most `left` of them. */
async function* fileTexts(
  session: TableSession,
  changes: TableChanges,
  change: PlacedChange,
  {
    left,
    hidden,
    signal,
  }: { readonly left: number; readonly hidden: boolean; readonly signal: AbortSignal | undefined },
): AsyncGenerator<string, void> {
  const schema = changeSchema(changes);
  const rowColumn = freeName(schema.fields, "_row");
  const position = {
    name: rowColumn,
    type: { kind: "long" },
    expression: { kind: "column", name: "_row_index" },
  } as const;
  const set = changeFileSet(session.table, changes, [change], [position]);
  const windows = new RowWindows(session.compute, {
    name: `changes of ${session.table.path}`,
    files: { ...set, files: set.files.map(readOnce) },
    schema,
    rowColumn,
    names: Object.keys(schema.fields).filter((name) => hidden || name !== placeColumn),
    signal,
  });
  try {
    yield* windows.texts(left);
  } catch (error) {
    throw isDyneError(error, "FILE_MISSING") ? missing(session, change, error) : error;
  }
}

function missing({ table }: TableSession, { version }: PlacedChange, cause: DyneError): DyneError {
  return new DyneError(
    "FILE_MISSING",
    `What version ${version} of ${table.path} changed is told by a file that is gone, most likely by a vacuum: ${String(cause.details["path"])}. Read the changes from version ${version + 1} on, or restore the file.`,
    { cause, details: { ...cause.details, version } },
  );
}

/** Its vectors are read for the first window and kept for the others. */
function readOnce(file: InputFile): InputFile {
  return { ...file, deletedRows: once(file.deletedRows), onlyRows: once(file.onlyRows) };
}

function once<T>(load: ((signal?: AbortSignal) => Promise<T>) | undefined): typeof load {
  let loaded: Promise<T> | undefined;
  return load && ((signal) => (loaded ??= load(signal)));
}

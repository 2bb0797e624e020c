/** Changed rows as text, one JSON object per row and without loss: what the command prints. */
import { DyneError, isDyneError, limits, placeColumn } from "../../core/index.ts";
import type { ComputeResult, FileSet, InputFile, Row } from "../../compute/index.ts";
import type { Expression, LogicalPlan, Schema } from "../../plan/index.ts";
import { rowText } from "../read-rows.ts";
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
      const reader = new FileReader(session, changes, { file, version, timestampMs }, hidden, signal);
      for await (const text of reader.texts(left)) {
        left--;
        yield text;
      }
      onFile?.(++read);
    }
  }
}

const long = { kind: "long" } as const;
const column = (name: string): Expression => ({ kind: "column", name });
const literal = (value: number): Expression => ({ kind: "literal", value, type: long });
const call = (name: string, ...args: readonly Expression[]): Expression => ({ kind: "call", name, args });

/** Positions in a file, the last one excluded. */
interface Window {
  readonly start: number;
  readonly end: number;
}

/** The rows of one changed file, a window of positions at a time. */
class FileReader {
  readonly #session: TableSession;
  readonly #change: PlacedChange;
  readonly #files: FileSet;
  readonly #schema: Schema;
  readonly #names: readonly string[];
  /** The column of a row's position; no column of the table is called so. */
  readonly #row: string;
  readonly #signal: AbortSignal | undefined;

  constructor(
    session: TableSession,
    changes: TableChanges,
    change: PlacedChange,
    hidden: boolean,
    signal: AbortSignal | undefined,
  ) {
    this.#session = session;
    this.#change = change;
    this.#signal = signal;
    const { fields } = changeSchema(changes);
    this.#names = Object.keys(fields).filter((name) => hidden || name !== placeColumn);
    this.#row = freeName(fields, "_row");
    const position = { name: this.#row, type: long, expression: column("_row_index") };
    const set = changeFileSet(session.table, changes, [change], [position]);
    this.#files = { ...set, files: set.files.map(readOnce) };
    this.#schema = { kind: "struct", fields: { ...fields, [this.#row]: { type: long, nullable: false } } };
  }

  /** At most `rowsMax` rows. The size of a window follows that of the rows before it. */
  async *texts(rowsMax: number): AsyncGenerator<string, void> {
    let window: Window = { start: 0, end: limits.changeRowsFirst };
    const first = await this.#first(window);
    let { texts } = first;
    let [rows, bytes] = [0, 0];
    for (;;) {
      for (const text of texts) {
        if (rows === rowsMax) return;
        rows++;
        bytes += text.length;
        yield text;
      }
      const start = Math.max(window.end, first.ends.start);
      if (rows === rowsMax || start >= first.ends.end) return;
      const fitting = rows === 0 ? limits.changeRowsMax : Math.ceil((limits.changeTextBytes * rows) / bytes);
      const size = Math.min(4 * (window.end - window.start), fitting, limits.changeRowsMax);
      window = { start, end: start + size };
      texts = await this.#texts(window);
    }
  }

  /** The first rows; and where the file's rows are: not all of its positions have one that changed. */
  async #first(window: Window): Promise<{ readonly texts: readonly string[]; readonly ends: Window }> {
    const collected = await this.#run({ rows: this.#rowsOf(window), ends: this.#endsOf() });
    const [found] = collected["ends"] ?? [];
    const [first, last] = [found?.["first"] ?? 0n, found?.["last"] ?? -1n];
    return { texts: textsOf(collected["rows"]), ends: { start: Number(first), end: Number(last) + 1 } };
  }

  async #texts(window: Window): Promise<readonly string[]> {
    return textsOf((await this.#run({ rows: this.#rowsOf(window) }))["rows"]);
  }

  #scan(): LogicalPlan {
    return { kind: "scan", source: "file", schema: this.#schema, streaming: false };
  }

  /** In the order of the file. */
  #rowsOf({ start, end }: Window): LogicalPlan {
    const position = column(this.#row);
    const condition = call("and", call("ge", position, literal(start)), call("lt", position, literal(end)));
    const columns = [
      { name: "row", expression: rowText(this.#names) },
      { name: this.#row, expression: position },
    ];
    const input: LogicalPlan = { kind: "filter", input: this.#scan(), condition };
    const orders = [{ by: position, direction: "ascending", nulls: "last" }] as const;
    return { kind: "sort", input: { kind: "project", input, columns }, orders };
  }

  #endsOf(): LogicalPlan {
    const extreme = (name: "min" | "max"): Expression => ({
      kind: "aggregate",
      name,
      args: [column(this.#row)],
      distinct: false,
      filter: undefined,
    });
    const aggregates = [
      { name: "first", expression: extreme("min") },
      { name: "last", expression: extreme("max") },
    ];
    return { kind: "aggregate", input: this.#scan(), groupBy: [], aggregates };
  }

  async #run(plans: Readonly<Record<string, LogicalPlan>>): Promise<Collected> {
    const { table, compute } = this.#session;
    try {
      const result = await compute.run({
        name: `changes of ${table.path}`,
        inputs: { file: this.#files },
        steps: [],
        writes: [],
        collects: Object.entries(plans).map(([name, plan]) => ({ name, plan, rowsMax: limits.changeRowsMax })),
        parameters: {},
        signal: this.#signal,
      });
      if (result.kind === "done") return result.collected;
    } catch (error) {
      throw isDyneError(error, "FILE_MISSING") ? this.#missing(error) : error;
    }
    throw new DyneError("BATCH_ABANDONED", `Reading the changes of ${table.path} waits for its compute. Try again.`);
  }

  #missing(cause: DyneError): DyneError {
    const { version } = this.#change;
    return new DyneError(
      "FILE_MISSING",
      `What version ${version} of ${this.#session.table.path} changed is told by a file that is gone, most likely by a vacuum: ${String(cause.details["path"])}. Read the changes from version ${version + 1} on, or restore the file.`,
      { cause, details: { ...cause.details, version } },
    );
  }
}

/** Its vectors are read for the first window and kept for the others. */
function readOnce(file: InputFile): InputFile {
  return { ...file, deletedRows: once(file.deletedRows), onlyRows: once(file.onlyRows) };
}

function once<T>(load: ((signal?: AbortSignal) => Promise<T>) | undefined): typeof load {
  let loaded: Promise<T> | undefined;
  return load && ((signal) => (loaded ??= load(signal)));
}

type Collected = Extract<ComputeResult, { readonly kind: "done" }>["collected"];

function textsOf(rows: readonly Row[] = []): readonly string[] {
  return rows.map((row) => String(row["row"]));
}

/** A name that no field has, in whatever case. */
function freeName(fields: Schema["fields"], wish: string): string {
  const taken = Object.keys(fields).map((name) => name.toLowerCase());
  let name = wish;
  while (taken.includes(name)) name = `_${name}`;
  return name;
}

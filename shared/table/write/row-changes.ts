/**
 * Changes of rows that are in a table already, as deletes, updates and merges make them. An operation says, by steps of a compute job, which rows of
 * the table's files change and into what; this file finds the files concerned, writes what takes their place, and gives the actions.
 *
 *   for each batch of files that may be concerned, bounded in bytes:
 *     find     which rows of which files change                → files without any stay as they are
 *     rewrite  the files with some: the rows that stay, and the new ones                     (copy-on-write)
 *     mark     the rows in their files, and write the new ones beside them, where the table has deletion vectors
 *     files of which every row is deleted are only removed
 */
import type {
  ComputeCollect,
  ComputeInput,
  ComputeJob,
  ComputeStep,
  ComputeWrite,
  Row,
  WrittenFile,
} from "../../compute/index.ts";
import { limits } from "../../core/index.ts";
import {
  deletedRowsOf,
  readDeletionVector,
  removeOf,
  writeDeletionVectors,
  type Action,
  type AddFile,
  type DeletionVector,
  type Snapshot,
} from "../../delta/index.ts";
import type { DataType, Expression, LogicalPlan, Schema, StructField } from "../../plan/index.ts";
import type { TableSession } from "../table-session.ts";
import { guardedPlan } from "../constraints/guarded-plan.ts";
import { assigned } from "./aligned-rows.ts";
import {
  assertOwnNames,
  changeRowsOf,
  changesSchema,
  column,
  count,
  countBy,
  fileColumn,
  isAction,
  long,
  rowColumn,
  selected,
  targetScan,
} from "./change-plan.ts";
import { looseStats } from "./file-rows.ts";
import {
  addOf,
  cdcOf,
  changeTarget,
  dataTarget,
  hasChangeFeed,
  hasDeletionVectors,
  stillRunning,
  type WrittenForm,
} from "./new-files.ts";

/** What an operation does to rows. */
export interface RowChange {
  /** For logs. */
  readonly name: string;
  readonly inputs: Readonly<Record<string, ComputeInput>>;
  /**
   * Steps that read the relation `target` and end with the step `changes`: the rows that change, each once, with their place, what becomes of
   * them, the table's columns as they will be (NULL of deleted rows), and as they were.
   */
  readonly steps: readonly ComputeStep[];
  /** The table as it will be, where the same commit adds columns to it. */
  readonly after?: Schema | undefined;
  /** Beside finding the rows: what the operation wants to know, and is told, once per file that may be concerned. */
  readonly observe?: {
    readonly collects: readonly ComputeCollect[];
    readonly writes: readonly ComputeWrite[];
    readonly see: (
      collected: Readonly<Record<string, readonly Row[]>>,
      written: Readonly<Record<string, readonly WrittenFile[]>>,
    ) => void;
  };
  readonly signal?: AbortSignal | undefined;
}

/** What was done to rows: actions, not committed yet, and counts. */
export interface ChangedRows {
  readonly actions: readonly Action[];
  readonly deletedRows: number;
  readonly updatedRows: number;
  readonly removedFiles: number;
  readonly addedFiles: number;
  readonly changeFiles: number;
  /** Files that stay, with other rows marked as deleted. */
  readonly deletionVectors: number;
  /** Files whose rows were looked at. */
  readonly readFiles: readonly AddFile[];
}

/** Makes the changes to these files, which must be of the snapshot. */
export async function changeRows(
  session: TableSession,
  snapshot: Snapshot,
  files: readonly AddFile[],
  change: RowChange,
): Promise<ChangedRows> {
  assertOwnNames(session.table.path, change.after ?? snapshot.schema);
  const work = new ChangeWork(session, snapshot, change);
  for (const batch of batchesOf(files)) await work.take(batch);
  return { ...work.done(), readFiles: files };
}

/** Files in batches that an instance can hold on its disk. */
function* batchesOf(files: readonly AddFile[]): Generator<readonly AddFile[]> {
  let batch: AddFile[] = [];
  let bytes = 0;
  for (const file of files) {
    if (
      batch.length > 0 &&
      (bytes + file.size > limits.rewriteBatchBytes || batch.length >= limits.rewriteBatchFiles)
    ) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(file);
    bytes += file.size;
  }
  if (batch.length > 0) yield batch;
}

interface TouchedFile {
  readonly file: AddFile;
  readonly rows: number;
  readonly deleted: number;
  readonly updated: number;
  /** Of the touched rows in the file; only where they are to be marked. */
  readonly places: readonly number[];
}

type Written = Readonly<Record<string, readonly WrittenFile[]>>;

/** The files of a batch in which rows change, and what was written on the way. */
interface Found {
  readonly touched: readonly TouchedFile[];
  readonly written: Written;
}

class ChangeWork {
  readonly #session: TableSession;
  readonly #snapshot: Snapshot;
  readonly #change: RowChange;
  readonly #actions: Action[] = [];
  /** The table as it will be. */
  readonly #form: WrittenForm;
  readonly #counts = {
    deletedRows: 0,
    updatedRows: 0,
    removedFiles: 0,
    addedFiles: 0,
    changeFiles: 0,
    deletionVectors: 0,
  };

  constructor(session: TableSession, snapshot: Snapshot, change: RowChange) {
    this.#session = session;
    this.#snapshot = snapshot;
    this.#change = change;
    this.#form = { ...snapshot, schema: change.after ?? snapshot.schema };
  }

  done(): Omit<ChangedRows, "readFiles"> {
    return { actions: this.#actions, ...this.#counts };
  }

  async take(files: readonly AddFile[]): Promise<void> {
    const found = await this.#find(files);
    if (found.touched.length === 0) return;
    for (const { deleted, updated } of found.touched) {
      this.#counts.deletedRows += deleted;
      this.#counts.updatedRows += updated;
    }
    if (hasDeletionVectors(this.#snapshot)) await this.#mark(found);
    else await this.#replace(found.touched);
  }

  /** Copy-on-write: the touched files go, and others come in their place. */
  async #replace(touched: readonly TouchedFile[]): Promise<void> {
    const whole = hasChangeFeed(this.#snapshot) ? [] : touched.filter(({ rows, deleted }) => rows === deleted);
    const rewritten = touched.filter((file) => !whole.includes(file));
    if (rewritten.length > 0) await this.#rewrite(rewritten);
    const nowMs = this.#session.table.log.clock.nowMs();
    for (const { file } of touched) this.#actions.push({ remove: removeOf(file, { deletionTimestampMs: nowMs }) });
    this.#counts.removedFiles += touched.length;
  }

  /** Merge-on-read: the touched rows are marked in their files, and the new values are written beside them (PROTOCOL.md § Deletion Vectors). */
  async #mark({ touched, written }: Found): Promise<void> {
    const { table } = this.#session;
    const { signal } = this.#change;
    const marked = touched.filter(({ rows, places }) => places.length < rows);
    const already = await Promise.all(
      marked.map(async ({ file }) =>
        file.deletionVector === undefined ? undefined : readDeletionVector(table.log, file.deletionVector, signal),
      ),
    );
    const vectors = await writeDeletionVectors(
      table.log,
      marked.map(({ places }, index) => deletedRowsOf(places, already[index])),
      signal,
    );
    const nowMs = table.log.clock.nowMs();
    for (const { file } of touched) this.#actions.push({ remove: removeOf(file, { deletionTimestampMs: nowMs }) });
    for (const [index, { file, rows }] of marked.entries()) {
      const stats = looseStats(file.stats, rows + (file.deletionVector?.cardinality ?? 0));
      this.#actions.push({
        add: { ...file, dataChange: true, stats, deletionVector: vectors[index] as DeletionVector },
      });
    }
    this.#counts.removedFiles += touched.length - marked.length;
    this.#counts.deletionVectors += marked.length;
    this.#addWritten(written);
  }

  async #find(files: readonly AddFile[]): Promise<Found> {
    const { observe } = this.#change;
    const marks = hasDeletionVectors(this.#snapshot);
    const { collected, written, positions } = await this.#run(files, {
      writes: [...(marks ? this.#writes(this.#rowsUpdated()) : []), ...(observe?.writes ?? [])],
      collects: [...this.#counted(files.length), ...(observe?.collects ?? [])],
      positions: marks ? [{ name: "touched", plan: this.#changes(), file: fileColumn, row: rowColumn }] : [],
    });
    observe?.see(collected, written);
    const rows = new Map((collected["rows"] ?? []).map((row) => [Number(row[fileColumn]), Number(row["rows"])]));
    const touched = (collected["changes"] ?? []).map((row): TouchedFile => {
      const index = Number(row[fileColumn]);
      return {
        file: files[index] as AddFile,
        rows: rows.get(index) ?? 0,
        deleted: Number(row["deleted"]),
        updated: Number(row["updated"]),
        places: positions["touched"]?.get(index) ?? [],
      };
    });
    return { touched, written };
  }

  /** Rows and changes by file. */
  #counted(filesMax: number): readonly ComputeCollect[] {
    const rows = [{ name: "rows", expression: count() }];
    const actions = (["deleted", "updated"] as const).map((name) => ({
      name,
      expression: count(isAction(name === "deleted" ? "delete" : "update")),
    }));
    return [
      { name: "rows", plan: countBy(targetScan(this.#snapshot.schema), rows), rowsMax: filesMax },
      { name: "changes", plan: countBy(this.#changes(), actions), rowsMax: filesMax },
    ];
  }

  /** One file per partition takes the place of the touched ones. */
  async #rewrite(touched: readonly TouchedFile[]): Promise<void> {
    const { written } = await this.#run(
      touched.map(({ file }) => file),
      { writes: this.#writes(this.#rowsAfter()) },
    );
    this.#addWritten(written);
  }

  /** Rows to write, and what changed where the table has a change feed. */
  #writes(rows: LogicalPlan): readonly ComputeWrite[] {
    const { table } = this.#session;
    const data: ComputeWrite = { name: "rows", plan: rows, target: dataTarget(table, this.#form) };
    if (!hasChangeFeed(this.#snapshot)) return [data];
    const plan = changeRowsOf(this.#changes(), this.#form.schema);
    return [data, { name: "changes", plan, target: changeTarget(table, this.#form) }];
  }

  #addWritten(written: Written): void {
    const nowMs = this.#session.table.log.clock.nowMs();
    const [rows, changes] = [written["rows"] ?? [], written["changes"] ?? []];
    this.#actions.push(...rows.map((file) => ({ add: addOf(file, { nowMs }) })));
    this.#actions.push(...changes.map((file) => ({ cdc: cdcOf(file) })));
    this.#counts.addedFiles += rows.length;
    this.#counts.changeFiles += changes.length;
  }

  #changes(): LogicalPlan {
    return { kind: "scan", source: "changes", schema: changesSchema(this.#form.schema), streaming: false };
  }

  /** The rows that stay as they are, and the new values of those that are updated. */
  #rowsAfter(): LogicalPlan {
    const { schema } = this.#snapshot;
    const places = [fileColumn, rowColumn].map((name) => ({ left: name, right: name }));
    const unchanged: LogicalPlan = {
      kind: "join",
      type: "anti",
      left: targetScan(schema),
      right: this.#changes(),
      on: places,
      dropRight: [],
    };
    const after = this.#form.schema;
    const stay: LogicalPlan = {
      kind: "project",
      input: unchanged,
      columns: Object.entries<StructField>(after.fields).map(([name, { type }]) => ({
        name,
        expression: valueAfter(this.#session.table.path, schema, name, type),
      })),
    };
    return { kind: "union", inputs: [stay, this.#rowsUpdated()] };
  }

  #rowsUpdated(): LogicalPlan {
    const updated: LogicalPlan = { kind: "filter", input: this.#changes(), condition: isAction("update") };
    return guardedPlan({ ...this.#snapshot, ...this.#form }, selected(updated, Object.keys(this.#form.schema.fields)));
  }

  async #run(
    files: readonly AddFile[],
    {
      writes,
      collects = [],
      positions = [],
    }: Pick<ComputeJob, "writes"> & Partial<Pick<ComputeJob, "collects" | "positions">>,
  ) {
    const { compute, table } = this.#session;
    const { name, inputs, steps, signal } = this.#change;
    const hidden = [
      { name: fileColumn, type: long, expression: column("_file_index") },
      { name: rowColumn, type: long, expression: column("_row_index") },
    ];
    const target = table.fileSet(this.#snapshot, files, hidden);
    const result = await compute.run({
      name: `${name} of ${table.path}`,
      inputs: { ...inputs, target },
      steps,
      writes,
      collects,
      positions,
      parameters: {},
      signal,
    });
    if (result.kind === "pending") throw stillRunning(table);
    return result;
  }
}

/** The value of a column of a row that was written before the table gained columns. */
function valueAfter(path: string, before: Schema, name: string, type: DataType): Expression {
  const field = (before.fields as Readonly<Record<string, StructField>>)[name];
  if (field === undefined) return { kind: "literal", value: null, type };
  return assigned(path, name, column(name), field.type, type);
}

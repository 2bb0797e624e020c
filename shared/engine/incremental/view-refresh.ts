/** The ways to refresh a view: in full, or the rows of the keys that a change touches (SPEC.md 10). Writes files, commits nothing. */
import { DyneError, instantText, type Generation } from "../../core/index.ts";
import { layout, type TableOutcome } from "../../checkpoint/index.ts";
import type { FileSet, Row, WrittenFile } from "../../compute/index.ts";
import type { AddFile, RemoveFile, Snapshot } from "../../delta/index.ts";
import type { LogicalPlan, Schema } from "../../plan/index.ts";
import type { EngineContext } from "../context.ts";
import type { TableLocation, ViewFlow } from "../declared-flow.ts";
import type { BatchContext } from "../flow.ts";
import { dataFile, removedFile } from "../table-outcome.ts";
import { aggregate, scan } from "./expressions.ts";
import { keyColumn, keySchema, rowsOfKeys, rowsOfOtherKeys, touchedKeys, type KeyedView } from "./view-plan.ts";

/** Touched partitions that are looked up by value; beyond them every file is read. */
const partitionsMax = 10_000;

/** What commits of an input did to its rows, by file. */
export interface InputChange {
  readonly added: readonly AddFile[];
  readonly removed: readonly RemoveFile[];
}

export interface Refreshed {
  readonly tables: readonly TableOutcome[];
  /** Rows computed. */
  readonly rows: number;
}

export class ViewRefresh {
  readonly #context: EngineContext;
  readonly #declared: ViewFlow;

  constructor(context: EngineContext, declared: ViewFlow) {
    this.#context = context;
    this.#declared = declared;
  }

  /** The query over the inputs as they stand, in place of everything the sink has. */
  async full(batch: BatchContext, snapshots: ReadonlyMap<string, Snapshot>, sink: Snapshot): Promise<Refreshed> {
    const { output, inputs, query } = this.#declared;
    const written = await this.#run(batch, "full", {
      inputs: Object.fromEntries(
        inputs.map((input) => [input.name, this.#open(input).fileSet(snapshots.get(input.name) as Snapshot)]),
      ),
      writes: [
        {
          name: "sink",
          plan: query,
          target: {
            store: this.#context.lake,
            path: output.path,
            schema: output.schema,
            partitionBy: output.partitionBy,
            sortBy: [],
          },
        },
      ],
    });
    const add = (written["sink"] ?? []).map((file) => dataFile(file));
    const table: TableOutcome = {
      role: "sink",
      tableId: sink.metadata.id,
      baseVersion: sink.version,
      add,
      remove: [...sink.files].map(removedFile),
      cdc: [],
      staged: { rows: add, keys: [] },
    };
    return { tables: [table], rows: countRows(written["sink"] ?? []) };
  }

  /** The rows of the keys that a change touches, in place of those that the sink has. */
  async keyed(
    batch: BatchContext,
    view: KeyedView,
    snapshots: ReadonlyMap<string, Snapshot>,
    change: InputChange,
    sink: Snapshot,
  ): Promise<Refreshed> {
    const input = this.#declared.inputs[0] as TableLocation;
    const snapshot = snapshots.get(input.name) as Snapshot;
    const table = this.#open(input);
    const staging = this.#staging(batch);
    const changed: FileSet = table.fileSet(snapshot, [...change.added, ...change.removed.map(asAddFile)]);
    const { keys } = await this.#run(batch, "keys", {
      inputs: { changes: changed },
      writes: [
        { name: "keys", plan: touchedKeys(view, "changes"), target: { ...staging, schema: keySchema(view.keys) } },
      ],
    });
    const keyFiles = (keys ?? []).map((file) => dataFile(file));
    if (keyFiles.length === 0) return { tables: [], rows: 0 };
    const touched = await this.#partitionsTouched(batch, view, keyFiles);
    const files = [...snapshot.files].filter((file) =>
      mayHoldKey(file, snapshot.partitionBy, (column) => touched.bySource(column)),
    );
    const { rows } = await this.#run(batch, "rows", {
      inputs: {
        [view.scan.source]: table.fileSet(snapshot, files),
        keys: this.#stagedSet(batch, keyFiles, keySchema(view.keys)),
      },
      writes: [
        { name: "rows", plan: rowsOfKeys(view, "keys"), target: { ...staging, schema: this.#declared.output.schema } },
      ],
    });
    const staged = { rows: (rows ?? []).map((file) => dataFile(file)), keys: keyFiles };
    return { tables: [await this.mergeKeys(batch, view, staged, sink)], rows: countRows(rows ?? []) };
  }

  /** Rewrites the sink's files that may hold a touched key: without those keys' rows, with the staged ones. */
  async mergeKeys(
    batch: BatchContext,
    view: KeyedView,
    staged: NonNullable<TableOutcome["staged"]>,
    sink: Snapshot,
  ): Promise<TableOutcome> {
    const { output } = this.#declared;
    const touched = await this.#partitionsTouched(batch, view, staged.keys);
    const files = [...sink.files].filter((file) =>
      mayHoldKey(file, sink.partitionBy, (column) => touched.byOutput(column)),
    );
    const merged: LogicalPlan = {
      kind: "union",
      inputs: [rowsOfOtherKeys(view, output.schema, "sink", "keys"), scan("rows", output.schema)],
    };
    const written = await this.#run(batch, "merge", {
      inputs: {
        sink: this.#context.tables.open("lake", output.path).fileSet(sink, files),
        rows: this.#stagedSet(batch, staged.rows, output.schema),
        keys: this.#stagedSet(batch, staged.keys, keySchema(view.keys)),
      },
      writes: [
        {
          name: "sink",
          plan: merged,
          target: {
            store: this.#context.lake,
            path: output.path,
            schema: output.schema,
            partitionBy: output.partitionBy,
            sortBy: [],
          },
        },
      ],
    });
    return {
      role: "sink",
      tableId: sink.metadata.id,
      baseVersion: sink.version,
      add: (written["sink"] ?? []).map((file) => dataFile(file)),
      remove: files.map(removedFile),
      cdc: [],
      staged,
    };
  }

  /** The values that the touched keys have in partition columns, in Delta's text form; undefined where every file may be touched. */
  async #partitionsTouched(batch: BatchContext, view: KeyedView, keyFiles: TableOutcome["add"]) {
    const values = new Map<number, Set<string | null>>();
    for (const [index, key] of view.keys.entries()) {
      if (!["date", "string", "long", "integer"].includes(key.type.kind)) continue;
      const isPartition =
        this.#declared.output.partitionBy.includes(key.output) ||
        (key.source !== undefined && (this.#declared.inputs[0]?.partitionBy.includes(key.source) ?? false));
      if (!isPartition) continue;
      const result = await this.#context.compute.run({
        name: `${this.#declared.id}/partitions`,
        inputs: { keys: this.#stagedSet(batch, keyFiles, keySchema(view.keys)) },
        steps: [],
        writes: [],
        collects: [{ name: "values", rowsMax: partitionsMax + 1, plan: distinctValues(view, index) }],
        parameters: {},
        signal: batch.signal,
      });
      const rows = result.kind === "done" ? (result.collected["values"] ?? []) : [];
      if (result.kind === "pending" || rows.length > partitionsMax) continue;
      values.set(index, new Set(rows.map((row) => partitionText(row, keyColumn(index), key.type.kind))));
    }
    const find = (matches: (key: KeyedView["keys"][number]) => boolean) => {
      const index = view.keys.findIndex(matches);
      return index < 0 ? undefined : values.get(index);
    };
    return {
      bySource: (column: string) => find((key) => key.source === column),
      byOutput: (column: string) => find((key) => key.output === column),
    };
  }

  async #run(
    batch: BatchContext,
    part: string,
    job: {
      inputs: Record<string, FileSet>;
      writes: {
        name: string;
        plan: LogicalPlan;
        target: {
          store: FileSet["store"];
          path: string;
          schema: Schema;
          partitionBy: readonly string[];
          sortBy: readonly [];
        };
      }[];
    },
  ): Promise<Readonly<Record<string, readonly WrittenFile[]>>> {
    const result = await this.#context.compute.run({
      name: `${this.#declared.id}/${batch.offsets.batchId}/${part}`,
      ...job,
      steps: [],
      collects: [],
      parameters: { current_timestamp: batch.offsets.batchTime },
      signal: batch.signal,
    });
    if (result.kind === "pending")
      throw new DyneError("BATCH_ABANDONED", `${this.#declared.id} waits for its compute.`);
    return result.written;
  }

  #staging(batch: BatchContext) {
    const path = layout.staged(this.#declared.id, batch.offsets.generation as Generation);
    return { store: this.#context.host, path, partitionBy: [] as string[], sortBy: [] as const };
  }

  #stagedSet(batch: BatchContext, files: TableOutcome["add"], schema: Schema): FileSet {
    const { store, path } = this.#staging(batch);
    return {
      kind: "files",
      store,
      schema,
      partitionBy: [],
      files: files.map((file) => ({ path: `${path}/${file.path}`, sizeBytes: file.sizeBytes, partitionValues: {} })),
    };
  }

  #open(input: TableLocation) {
    return this.#context.tables.open("lake", input.path);
  }
}

function distinctValues(view: KeyedView, index: number): LogicalPlan {
  const column = { kind: "column", name: keyColumn(index) } as const;
  const distinct: LogicalPlan = {
    kind: "aggregate",
    input: scan("keys", keySchema(view.keys)),
    groupBy: [{ name: keyColumn(index), expression: column }],
    aggregates: [{ name: "rows", expression: aggregate("count") }],
  };
  return { kind: "limit", input: distinct, count: partitionsMax + 1 };
}

/** A collected value as Delta writes it in partition values. */
function partitionText(row: Row, column: string, kind: string): string | null {
  const value = row[column] ?? null;
  if (value === null || value === "") return null;
  return kind === "date"
    ? instantText(BigInt(value as number) * 86_400_000_000n).slice(0, -"T00:00:00.000000Z".length)
    : String(value);
}

/** False only where a partition value rules the file out. */
function mayHoldKey(
  file: AddFile,
  partitionBy: readonly string[],
  touched: (column: string) => ReadonlySet<string | null> | undefined,
): boolean {
  return partitionBy.every((column) => {
    const values = touched(column);
    const value = file.partitionValues[column];
    return values === undefined || values.has(value === undefined || value === "" ? null : value);
  });
}

function asAddFile(file: InputChange["removed"][number]): AddFile {
  return {
    path: file.path,
    partitionValues: file.partitionValues ?? {},
    size: file.size ?? 0,
    modificationTime: 0,
    dataChange: true,
  };
}

function countRows(files: readonly WrittenFile[]): number {
  return files.reduce((sum, file) => sum + file.rowCount, 0);
}

/** A Delta table in memory with rows of real Parquet files, for tests of what keeps tables in shape. */
import type { Compute, RowValue } from "../../shared/compute/index.ts";
import { seededRandom, silentLogger, type Random } from "../../shared/core/index.ts";
import {
  deletedRowsOf,
  encodeLogPath,
  removeOf,
  writeDeletionVectors,
  type Action,
  type AddFile,
  type Snapshot,
} from "../../shared/delta/index.ts";
import type { DataType } from "../../shared/plan/index.ts";
import { MemoryStore, type ObjectStore } from "../../shared/storage/index.ts";
import { DeltaTable, readRowTexts, type TableSession } from "../../shared/table/index.ts";
import { done, rowSet, scan, schemaOf } from "./compute-under-test.ts";
import { InstantClock } from "./instant-clock.ts";
import { jsonCheckpoints } from "./json-checkpoints.ts";

export type Columns = Readonly<Record<string, readonly RowValue[]>>;

export interface KeptTableOptions {
  readonly types: Readonly<Record<string, DataType>>;
  readonly partitionBy?: readonly string[];
  readonly configuration?: Readonly<Record<string, string>>;
  readonly seed?: number;
  /** Another store over the one in memory. */
  readonly over?: (files: MemoryStore) => ObjectStore;
}

export class KeptTable implements TableSession {
  readonly compute: Compute;
  readonly store: ObjectStore;
  readonly clock: InstantClock;
  readonly random: Random;
  readonly table: DeltaTable;
  readonly #options: KeptTableOptions;

  private constructor(compute: Compute, options: KeptTableOptions) {
    this.compute = compute;
    this.clock = new InstantClock(1_700_000_000_000);
    this.random = seededRandom(options.seed ?? 1);
    const files = new MemoryStore({ clock: this.clock, random: this.random });
    this.store = options.over?.(files) ?? files;
    this.#options = options;
    this.table = this.another();
  }

  static async create(compute: Compute, options: KeptTableOptions): Promise<KeptTable> {
    const kept = new KeptTable(compute, options);
    await kept.table.createIfAbsent({
      schema: schemaOf(options.types),
      partitionBy: options.partitionBy ?? [],
      configuration: options.configuration,
    });
    return kept;
  }

  /** The same table as another instance has it. */
  another(store: ObjectStore = this.store): DeltaTable {
    return new DeltaTable({
      store,
      path: "lake/silver/events",
      clock: this.clock,
      random: this.random,
      logger: silentLogger,
      checkpointReader: jsonCheckpoints,
      checkpointWriter: jsonCheckpoints,
    });
  }

  /** Writes rows as files that no log names yet, one per partition. */
  async write(columns: Columns, tags?: AddFile["tags"]): Promise<readonly AddFile[]> {
    const { types, partitionBy = [] } = this.#options;
    const input = rowSet(types, columns);
    const target = { store: this.store, path: this.table.path, schema: input.schema, partitionBy, sortBy: [] };
    const { written } = await done(this.compute, {
      inputs: { rows: input },
      writes: [{ name: "rows", plan: scan("rows", input.schema), target }],
    });
    return (written["rows"] ?? []).map((file) => ({
      path: encodeLogPath(file.path),
      partitionValues: file.partitionValues,
      size: file.sizeBytes,
      modificationTime: this.clock.nowMs(),
      dataChange: true,
      stats: file.stats,
      ...(tags && { tags }),
    }));
  }

  async append(columns: Columns, tags?: AddFile["tags"], table: DeltaTable = this.table): Promise<Snapshot> {
    const adds = await this.write(columns, tags);
    return this.commit(
      adds.map((add): Action => ({ add })),
      true,
      table,
    );
  }

  /** Removes files by name, with their rows. */
  async drop(files: Iterable<AddFile>, table: DeltaTable = this.table): Promise<Snapshot> {
    const removes = [...files].map((file): Action => ({
      remove: removeOf(file, { deletionTimestampMs: this.clock.nowMs() }),
    }));
    return this.commit(removes, false, table);
  }

  /** Deletes rows of a file by a deletion vector, in place of the one that it has: by their positions. */
  async deleteRows(file: AddFile, rows: readonly number[], table: DeltaTable = this.table): Promise<Snapshot> {
    const [deletionVector] = await writeDeletionVectors(table.log, [deletedRowsOf(rows)]);
    const deletionTimestampMs = this.clock.nowMs();
    return this.commit(
      [
        { remove: removeOf(file, { deletionTimestampMs }) },
        { add: { ...file, dataChange: true, deletionVector: deletionVector! } },
      ],
      false,
      table,
      "DELETE",
    );
  }

  async commit(
    actions: readonly Action[],
    isBlindAppend = false,
    table: DeltaTable = this.table,
    operation = "WRITE",
  ): Promise<Snapshot> {
    const result = await table.commit({ actions, isBlindAppend, operation });
    if (result.kind !== "committed") throw new Error(`the commit is ${result.kind}`);
    return result.snapshot;
  }

  /** The rows of a version as texts, sorted. */
  async rows(version?: number): Promise<readonly string[]> {
    const table = this.another();
    const snapshot = version === undefined ? await table.latest() : await table.at(version);
    const rows = await Array.fromAsync(
      readRowTexts(this.compute, table, snapshot, { limit: Number.POSITIVE_INFINITY }),
    );
    return rows.sort();
  }

  /** Paths of all objects of the table outside of its log, below its root. */
  async objects(): Promise<readonly string[]> {
    const root = `${this.table.path}/`;
    const found = await Array.fromAsync(this.store.list(root));
    return found.map(({ path }) => path.slice(root.length)).filter((path) => !path.startsWith("_delta_log/"));
  }
}

/** Files of a version, by path. */
export function filesOf(snapshot: Snapshot): readonly AddFile[] {
  return [...snapshot.files].sort((a, b) => (a.path < b.path ? -1 : 1));
}

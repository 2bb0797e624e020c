/** A table whose commits a test writes line by line: its files hold rows, and its log says of them what the test wants. */
import { ManualClock, seededRandom, silentLogger } from "../../shared/core/index.ts";
import {
  commitPath,
  encodeActions,
  schemaString,
  type Action,
  type AddFile,
  type CdcFile,
  type CommitInfo,
  type Metadata,
  type RemoveFile,
} from "../../shared/delta/index.ts";
import type { RowValue } from "../../shared/compute/index.ts";
import type { DataType, Schema } from "../../shared/plan/index.ts";
import type { MemoryStore } from "../../shared/storage/index.ts";
import { DeltaTable, type TableSession } from "../../shared/table/index.ts";
import { transientCheckpoints } from "../../shared/compute/index.ts";
import { done, rowSet, scan, schemaOf, type ComputeUnderTest } from "./compute-under-test.ts";

export type Types = Readonly<Record<string, DataType>>;
export type Columns = Readonly<Record<string, readonly RowValue[]>>;

/** When version 0 was committed; each version is a second after the one before. */
export const historyStartMs = 1_700_000_000_000;

/** Readers and writers may use deletion vectors and the change feed. */
export const vectorProtocol: Action = {
  protocol: {
    minReaderVersion: 3,
    minWriterVersion: 7,
    readerFeatures: ["deletionVectors"],
    writerFeatures: ["deletionVectors", "changeDataFeed"],
  },
};

export const plainProtocol: Action = { protocol: { minReaderVersion: 1, minWriterVersion: 4 } };

export function metaData(schema: Schema, fields: Partial<Metadata> = {}): Action {
  return {
    metaData: {
      id: "11111111-2222-4333-8444-555555555555",
      format: { provider: "parquet", options: {} },
      schemaString: schemaString(schema),
      partitionColumns: [],
      configuration: {},
      ...fields,
    },
  };
}

/** The `remove` of a file that was added. */
export function removeOfAdd(file: AddFile, fields: Partial<RemoveFile> = {}): Action {
  const { path, partitionValues, size, deletionVector } = file;
  return {
    remove: {
      path,
      dataChange: true,
      deletionTimestamp: historyStartMs,
      extendedFileMetadata: true,
      partitionValues,
      size,
      ...(deletionVector && { deletionVector }),
      ...fields,
    },
  };
}

let histories = 0;

export class TableHistory {
  readonly table: DeltaTable;
  readonly session: TableSession;
  readonly store: MemoryStore;
  readonly #under: ComputeUnderTest;
  #version = -1;
  #files = 0;

  constructor(under: ComputeUnderTest) {
    this.#under = under;
    this.store = under.store;
    const checkpoints = transientCheckpoints();
    this.table = new DeltaTable({
      store: under.store,
      path: `lake/history${++histories}`,
      clock: new ManualClock(historyStartMs),
      random: seededRandom(histories),
      logger: silentLogger,
      checkpointReader: checkpoints,
      checkpointWriter: checkpoints,
    });
    this.session = { compute: under.compute, table: this.table };
  }

  /** The newest version. */
  get version(): number {
    return this.#version;
  }

  /** Commits the actions as the next version, a second after the one before; gives its number. */
  async commit(actions: readonly Action[], info: CommitInfo = {}): Promise<number> {
    const version = ++this.#version;
    const commitInfo = { timestamp: historyStartMs + 1_000 * version, operation: "WRITE", ...info };
    await this.store.put(commitPath(this.table.log, version), encodeActions([{ commitInfo }, ...actions]));
    return version;
  }

  /** A file in the store with these rows, as a commit adds it. */
  async file(types: Types, columns: Columns, fields: Partial<AddFile> = {}): Promise<AddFile> {
    const { path, sizeBytes } = await this.#write(types, columns, `part-${this.#files++}.parquet`);
    return { path, partitionValues: {}, size: sizeBytes, modificationTime: 0, dataChange: true, ...fields };
  }

  /** A file of the change feed; `_change_type` is one of its columns. */
  async changeFile(types: Types, columns: Columns, fields: Partial<CdcFile> = {}): Promise<CdcFile> {
    const name = `_change_data/cdc-${this.#files++}.parquet`;
    const { path, sizeBytes } = await this.#write({ ...types, _change_type: { kind: "string" } }, columns, name);
    return { path, partitionValues: {}, size: sizeBytes, dataChange: false, ...fields };
  }

  async #write(types: Types, columns: Columns, path: string): Promise<{ path: string; sizeBytes: number }> {
    const rows = rowSet(types, columns);
    const schema = schemaOf(types);
    const target = { store: this.store, path: "staged", schema, partitionBy: [], sortBy: [] };
    const { written } = await done(this.#under.compute, {
      inputs: { rows },
      writes: [{ name: "out", plan: scan("rows", schema), target }],
    });
    const [file] = written["out"] ?? [];
    if (file === undefined) throw new Error("a file needs rows");
    const stored = await this.store.get(`staged/${file.path}`);
    if (stored === undefined) throw new Error("the file is not there");
    await this.store.put(`${this.table.path}/${path}`, stored.bytes);
    return { path, sizeBytes: stored.bytes.length };
  }
}

/**
 * Delta checkpoints as Parquet, by DuckDB (PROTOCOL.md § Checkpoint Schema): one column per kind of action, a struct that is NULL in the
 * rows of the others; lists of three levels and maps of key_value, as every reader of Delta expects them.
 */
import { createWriteStream } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { DuckDBConnection } from "@duckdb/node-api";
import { DyneError, limits, type Random } from "../../core/index.ts";
import type { Action, CheckpointColumn, CheckpointReader, CheckpointWriter } from "../../delta/index.ts";
import type { ObjectStore } from "../../storage/index.ts";
import { checkpointRows, rowCount } from "./checkpoint-rows.ts";
import { identifier, stringLiteral } from "./identifier.ts";

/** Reads and writes checkpoints. */
export type CheckpointFiles = CheckpointReader & CheckpointWriter;

/**
 * Lends a folder of the local disk to one piece of work, and a connection, which may have to be opened first. Work that waits for its turn does
 * not begin once its signal is aborted.
 */
export type CheckpointSession = <T>(
  work: (connected: Promise<DuckDBConnection>, folder: string) => Promise<T>,
  signal?: AbortSignal,
) => Promise<T>;

const text = "VARCHAR";
const texts = "VARCHAR[]";
const textMap = "MAP(VARCHAR, VARCHAR)";
const int = "INTEGER";
const long = "BIGINT";
const boolean = "BOOLEAN";
const deletionVector = `STRUCT(storageType ${text}, pathOrInlineDv ${text}, "offset" ${int}, sizeInBytes ${int}, cardinality ${long})`;

/** The fields of the actions in a checkpoint, with DuckDB's types. */
const columns: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  protocol: { minReaderVersion: int, minWriterVersion: int, readerFeatures: texts, writerFeatures: texts },
  metaData: {
    id: text,
    name: text,
    description: text,
    format: `STRUCT(provider ${text}, "options" ${textMap})`,
    schemaString: text,
    partitionColumns: texts,
    configuration: textMap,
    createdTime: long,
  },
  txn: { appId: text, version: long, lastUpdated: long },
  add: {
    path: text,
    partitionValues: textMap,
    size: long,
    modificationTime: long,
    dataChange: boolean,
    stats: text,
    tags: textMap,
    deletionVector,
    baseRowId: long,
    defaultRowCommitVersion: long,
    clusteringProvider: text,
  },
  remove: {
    path: text,
    deletionTimestamp: long,
    dataChange: boolean,
    extendedFileMetadata: boolean,
    partitionValues: textMap,
    size: long,
    deletionVector,
    baseRowId: long,
    defaultRowCommitVersion: long,
  },
  domainMetadata: { domain: text, configuration: text, removed: boolean },
};

export class ParquetCheckpoints implements CheckpointReader, CheckpointWriter {
  readonly #session: CheckpointSession;

  constructor(session: CheckpointSession) {
    this.#session = session;
  }

  /** See `CheckpointReader`. The rows come when all of them are there, so that no connection is held while they are used. */
  async *read(
    store: ObjectStore,
    path: string,
    wanted: readonly CheckpointColumn[],
    signal?: AbortSignal,
  ): AsyncIterable<readonly Record<string, unknown>[]> {
    yield* await this.#session(async (connected, folder) => {
      signal?.throwIfAborted();
      const local = join(folder, "checkpoint.parquet");
      if (!(await store.downloadFile(path, local, { bytesMax: limits.checkpointFileBytes, signal })))
        throw corrupt(path, "it is missing");
      const connection = await connected;
      const interrupt = (): void => connection.interrupt();
      signal?.addEventListener("abort", interrupt, { once: true });
      try {
        signal?.throwIfAborted();
        const rows = await rowCount(connection, local);
        if (rows > limits.checkpointActionsMax) throw tooMany(path, rows);
        return await checkpointRows(connection, local, { wanted, rowsInFile: rows, signal });
      } catch (cause) {
        signal?.throwIfAborted();
        if (cause instanceof DyneError) throw cause;
        if (isOutOfMemory(cause)) throw outOfMemory(path, cause);
        throw corrupt(path, ownWords(cause) ?? "it cannot be read as Parquet", cause);
      } finally {
        signal?.removeEventListener("abort", interrupt);
        await rm(local, { force: true });
      }
    }, signal);
  }

  /** See `CheckpointWriter`. */
  async write(store: ObjectStore, path: string, actions: Iterable<Action>): Promise<{ readonly sizeBytes: number }> {
    return this.#session(async (connected, folder) => {
      const [lines, local] = [join(folder, "actions.ndjson"), join(folder, "checkpoint.parquet")];
      await pipeline(Readable.from(chunksOf(actions)), createWriteStream(lines));
      const types = Object.entries(columns).map(([action, fields]) => `${action}: ${stringLiteral(structOf(fields))}`);
      const source = `read_json(${stringLiteral(lines)}, format = 'newline_delimited', columns = {${types.join(", ")}})`;
      await (
        await connected
      ).run(`COPY (FROM ${source}) TO ${stringLiteral(local)} (FORMAT parquet, COMPRESSION zstd)`);
      await store.uploadFile(path, local);
      return { sizeBytes: (await stat(local)).size };
    });
  }
}

/** A folder for one piece of work below `directory`, gone afterwards. */
export async function withFolder<T>(
  directory: string,
  random: Random,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = join(directory, random.uuid());
  await mkdir(folder, { recursive: true });
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const linesPerChunk = 1_000;

/** Lines of JSON, many at a time. */
function* chunksOf(actions: Iterable<Action>): Generator<string> {
  let chunk: string[] = [];
  for (const action of actions) {
    chunk.push(`${JSON.stringify(action)}\n`);
    if (chunk.length < linesPerChunk) continue;
    yield chunk.join("");
    chunk = [];
  }
  yield chunk.join("");
}

function structOf(fields: Readonly<Record<string, string>>): string {
  return `STRUCT(${Object.entries(fields)
    .map(([name, type]) => `${identifier(name)} ${type}`)
    .join(", ")})`;
}

function isOutOfMemory(cause: unknown): boolean {
  return cause instanceof Error && /^Out of Memory Error/i.test(cause.message);
}

/** What this room says of a file's shape; DuckDB passes on what it was given to say. */
function ownWords(cause: unknown): string | undefined {
  return cause instanceof Error ? /^(?:Invalid Input Error: )?(its [^:\n]+)/.exec(cause.message)?.[1] : undefined;
}

function outOfMemory(path: string, cause: unknown): DyneError {
  return new DyneError(
    "OUT_OF_MEMORY",
    `The checkpoint ${path} does not fit into the memory that DuckDB has here. Open the table on a larger instance.`,
    { cause },
  );
}

function tooMany(path: string, rows: number): DyneError {
  return new DyneError(
    "LIMIT_EXCEEDED",
    `The checkpoint ${path} has ${rows} rows, more than the limit of ${limits.checkpointActionsMax}. Merge the table's files with its own writer first.`,
    { details: { path, rows } },
  );
}

function corrupt(path: string, what: string, cause?: unknown): DyneError {
  return new DyneError(
    "LOG_CORRUPT",
    `The checkpoint ${path} cannot be used: ${what}. Restore it from a copy, or delete it where the commits before it are still there.`,
    { cause },
  );
}

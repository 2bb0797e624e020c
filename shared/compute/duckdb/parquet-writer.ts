/** Writes a query's rows as Parquet files, uploads them one by one, and reports Delta's statistics of each. */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { DyneError, type Random } from "../../core/index.ts";
import type { DataType } from "../../plan/index.ts";
import { hivePartitionPath, type ObjectStore } from "../../storage/index.ts";
import type { WriteTarget, WrittenFile } from "../compute.ts";
import { statisticsText, type CopyStatistics } from "./copy-statistics.ts";
import type { FileCache } from "./file-cache.ts";
import { identifier, stringLiteral } from "./identifier.ts";
import { storedForm, type StoredForm } from "./stored-form.ts";

interface CopiedFile {
  readonly filename: string;
  readonly count: string;
  readonly file_size_bytes: string;
  readonly column_statistics: CopyStatistics;
  readonly partition_keys?: readonly { readonly key: string; readonly value: string | null }[] | null;
}

/** What a write leaves in a store, so that a job that fails can take it back. */
export interface Upload {
  readonly store: ObjectStore;
  readonly path: string;
}

export class ParquetWriter {
  readonly #cache: FileCache;
  readonly #directory: string;
  readonly #random: Random;

  constructor(options: { cache: FileCache; directory: string; random: Random }) {
    this.#cache = options.cache;
    this.#directory = options.directory;
    this.#random = options.random;
  }

  /**
   * Runs `query`, sorted by `orderBy` (SQL), into files under the target. No rows, no files. Every file is in `uploads` before it is in
   * the store, also where the write fails.
   */
  async write(
    connection: DuckDBConnection,
    {
      query,
      orderBy,
      target,
      uploads,
      signal,
    }: {
      readonly query: string;
      readonly orderBy: readonly string[];
      readonly target: WriteTarget;
      readonly uploads: Upload[];
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<WrittenFile[]> {
    const folder = join(this.#directory, this.#random.uuid());
    await mkdir(folder, { recursive: true });
    try {
      const sorted = orderBy.length === 0 ? query : `SELECT * FROM (${query}) ORDER BY ${orderBy.join(", ")}`;
      const form = storedForm(target);
      const written: WrittenFile[] = [];
      for (const file of await this.#copy(connection, sorted, form, folder)) {
        signal?.throwIfAborted();
        if (Number(file.count) > 0) written.push(await this.#upload(file, target, form, uploads));
      }
      return written;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #copy(connection: DuckDBConnection, query: string, form: StoredForm, folder: string): Promise<CopiedFile[]> {
    const partitioned = form.partitionBy.length > 0;
    const destination = partitioned ? folder : join(folder, "rows.parquet");
    const options = ["FORMAT parquet", "COMPRESSION zstd", "RETURN_STATS"];
    if (partitioned) {
      // NULL and the text that stands for it share a folder: names of their own keep their files apart.
      options.push(
        `PARTITION_BY (${form.partitionBy.map(({ physical }) => identifier(physical)).join(", ")})`,
        "FILENAME_PATTERN 'rows-{uuid}'",
        "OVERWRITE_OR_IGNORE",
      );
    }
    if (form.fieldIds !== undefined) options.push(`FIELD_IDS ${form.fieldIds}`);
    const reader = await connection.runAndReadAll(
      `COPY (SELECT ${form.columns.join(", ")} FROM (${query})) TO ${stringLiteral(destination)} (${options.join(", ")})`,
    );
    return reader.getRowObjectsJson().map(copiedFile);
  }

  async #upload(file: CopiedFile, target: WriteTarget, form: StoredForm, uploads: Upload[]): Promise<WrittenFile> {
    const partitionValues = Object.fromEntries(
      form.partitionBy.map(({ physical, type }) => {
        const value = file.partition_keys?.find((entry) => entry.key === physical)?.value ?? null;
        return [physical, value === null ? null : partitionText(value, type)];
      }),
    );
    const prefixLength = target.layout?.randomPrefixLength;
    const folder =
      prefixLength === undefined
        ? hivePartitionPath(Object.keys(partitionValues), partitionValues)
        : this.#prefix(prefixLength);
    const path = `${folder === "" ? "" : `${folder}/`}part-${this.#random.uuid()}.zstd.parquet`;
    const storePath = `${target.path}/${path}`;
    uploads.push({ store: target.store, path: storePath });
    await target.store.uploadFile(storePath, file.filename);
    await this.#cache.adopt(target.store, storePath, file.filename, form.shape);
    return {
      path,
      sizeBytes: Number(file.file_size_bytes),
      rowCount: Number(file.count),
      partitionValues,
      stats: statisticsText(Number(file.count), file.column_statistics, form.statistics),
    };
  }

  /** Letters and digits: what begins with something else is no table's to readers, and to vacuum. */
  #prefix(length: number): string {
    const character = (): string => Math.floor(this.#random.next() * 36).toString(36);
    return Array.from({ length }, character).join("");
  }
}

/** A partition value in Delta's text form (PROTOCOL.md § Partition Value Serialization): timestamps are ISO-8601 in UTC, the rest is as DuckDB has it. */
function partitionText(text: string, type: DataType | undefined): string {
  // DuckDB counts 1 BC before year 1; ISO-8601, Spark and Delta call it the year 0.
  if (type?.kind === "date") return text.replace(/^0001(-\d\d-\d\d) \(BC\)$/, "0000$1");
  if (type?.kind === "binary") return spelledBytes(text);
  if (type?.kind !== "timestamp") return text;
  return text.replace(
    /^(\S+) (\d\d:\d\d:\d\d)(\.\d+)?\+00$/,
    (_, day: string, time: string, fraction = "") =>
      `${day}T${time}${String(fraction).padEnd(7, fraction === "" ? ".000000" : "0")}Z`,
  );
}

/** The text that bytes spell in UTF-8, as Spark has it in the log. DuckDB gives bytes that are not printable, and backslashes, as `\\xC3`. */
function spelledBytes(text: string): string {
  const bytes = text
    .split(/(\\x[0-9A-F]{2})/)
    .map((part, i) => Buffer.from(i % 2 === 0 ? part : [parseInt(part.slice(2), 16)]));
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(bytes));
  } catch (cause) {
    throw new DyneError(
      "DATA_ERROR",
      `The bytes ${text} are no UTF-8, and cannot be a partition's. Partition by another column.`,
      {
        cause,
      },
    );
  }
}

/** DuckDB gives maps as lists of key and value, and a single unpartitioned file without partition keys. */
function copiedFile(row: Record<string, unknown>): CopiedFile {
  return row as unknown as CopiedFile;
}

/**
 * Compute in the process, by DuckDB: one instance per worker, one heavy job at a time, memory, threads and disk from the settings.
 * Inputs are copied to the local disk, outputs are written there, uploaded one by one, and stay in the cache.
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { DyneError, isDyneError, type Random } from "../../core/index.ts";
import {
  renderDropDuplicates,
  renderPlan,
  renderScalar,
  renderScalarSortKey,
  type Expression,
  type LogicalPlan,
  type Schema,
} from "../../plan/index.ts";
import type {
  Compute,
  ComputeInput,
  ComputeJob,
  ComputeResult,
  DeduplicateStep,
  FileSet,
  InputFile,
  Row,
  RowPositions,
  WrittenFile,
} from "../compute.ts";
import { abandoned, computeError } from "./compute-error.ts";
import { loadDeletedRows } from "./deleted-rows.ts";
import { FileCache } from "./file-cache.ts";
import { fileSetRelation } from "./file-set.ts";
import { FileShapes } from "./file-shapes.ts";
import { readForeignFooter } from "./foreign-footer.ts";
import type { FileShape } from "./file-type.ts";
import type { HybridCalendar } from "./hybrid-calendar.ts";
import { identifier } from "./identifier.ts";
import { ParquetWriter, type Upload } from "./parquet-writer.ts";
import { ParquetCheckpoints, withFolder, type CheckpointFiles } from "./parquet-checkpoints.ts";
import { wrongPartitionValue } from "./partition-value.ts";
import { rowPositions } from "./row-positions.ts";
import { loadRowSet } from "./row-set.ts";
import { rowValue } from "./row-values.ts";
import { textFileSetRelation } from "./text-file-set.ts";
import { registerVariantFunction } from "./variant-function.ts";

export interface DuckDbSettings {
  /** Everything on the local disk goes below this folder. */
  readonly directory: string;
  readonly memoryLimitMb: number;
  readonly threads: number;
  /** Bound of the file cache; output and spill come on top. */
  readonly cacheBytes: number;
}

export class DuckDbCompute implements Compute {
  readonly #instance: DuckDBInstance;
  readonly #cache: FileCache;
  readonly #writer: ParquetWriter;
  readonly #directory: string;
  readonly #shapes = new FileShapes();
  /** Reads and writes checkpoints of Delta logs within this instance's memory, in the queue of its jobs. */
  readonly checkpoints: CheckpointFiles;
  /** The tail of the queue of jobs: each waits for the one before it. */
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(instance: DuckDBInstance, directory: string, boundBytes: number, random: Random) {
    this.#instance = instance;
    this.#directory = directory;
    this.#cache = new FileCache({ directory: folderOf(directory, "cache"), boundBytes, random });
    this.#writer = new ParquetWriter({ cache: this.#cache, directory: folderOf(directory, "out"), random });
    this.checkpoints = new ParquetCheckpoints((work, signal) =>
      this.#queued(
        () =>
          withFolder(folderOf(directory, "out"), random, (folder) =>
            this.#connected((connection) => work(Promise.resolve(connection), folder), folder),
          ),
        signal,
      ),
    );
  }

  /** Opens an instance in memory. The caller closes it. */
  static async open(settings: DuckDbSettings, random: Random): Promise<DuckDbCompute> {
    for (const name of folderNames) await mkdir(folderOf(settings.directory, name), { recursive: true });
    const instance = await DuckDBInstance.create(":memory:", instanceOptions(settings));
    const connection = await instance.connect();
    await connection.run("SET GLOBAL TimeZone = 'UTC'");
    registerVariantFunction(connection);
    connection.closeSync();
    return new DuckDbCompute(instance, settings.directory, settings.cacheBytes, random);
  }

  run(job: ComputeJob): Promise<ComputeResult> {
    return this.#queued(() => this.#execute(job));
  }

  /** Work that nobody waits for any more leaves the queue, unless it has begun. */
  async #queued<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const left = Promise.withResolvers<never>();
    const leave = (): void => left.reject(signal?.reason);
    signal?.addEventListener("abort", leave, { once: true });
    const result = this.#queue.then(() => {
      signal?.removeEventListener("abort", leave);
      signal?.throwIfAborted();
      return work();
    });
    this.#queue = result.catch(() => undefined);
    return Promise.race([result, left.promise]);
  }

  async #connected<T>(work: (connection: DuckDBConnection, folder: string) => Promise<T>, folder: string): Promise<T> {
    const connection = await this.#instance.connect();
    try {
      return await work(connection, folder);
    } finally {
      connection.closeSync();
    }
  }

  /** Waits for the jobs that were given, and clears the disk. */
  async close(): Promise<void> {
    await this.#queue;
    this.#instance.closeSync();
    for (const name of folderNames) await rm(folderOf(this.#directory, name), { recursive: true, force: true });
  }

  async #execute(job: ComputeJob): Promise<ComputeResult> {
    if (job.signal?.aborted) throw abandoned(job.name, job.signal.reason);
    const connection = await this.#instance.connect();
    const interrupt = () => connection.interrupt();
    job.signal?.addEventListener("abort", interrupt, { once: true });
    const run = new JobRun(connection, job, { cache: this.#cache, writer: this.#writer, shapes: this.#shapes });
    try {
      return await run.execute();
    } catch (error) {
      await run.takeBack();
      const corrupt = isDyneError(computeError(job, error), "COMPUTE_FAILED") ? await run.corruptLog() : undefined;
      throw corrupt ?? computeError(job, error);
    } finally {
      job.signal?.removeEventListener("abort", interrupt);
      connection.closeSync();
      await run.release();
    }
  }
}

/** One job on one connection: its temporary tables end with the connection. */
class JobRun {
  readonly #relations = new Map<string, string>();
  readonly #connection: DuckDBConnection;
  readonly #job: ComputeJob;
  readonly #cache: FileCache;
  readonly #writer: ParquetWriter;
  readonly #fileShapes: FileShapes;
  readonly #pinned: { readonly input: FileSet; readonly file: InputFile }[] = [];
  readonly #uploads: Upload[] = [];

  constructor(
    connection: DuckDBConnection,
    job: ComputeJob,
    {
      cache,
      writer,
      shapes,
    }: { readonly cache: FileCache; readonly writer: ParquetWriter; readonly shapes: FileShapes },
  ) {
    this.#connection = connection;
    this.#job = job;
    this.#cache = cache;
    this.#writer = writer;
    this.#fileShapes = shapes;
  }

  async execute(): Promise<ComputeResult> {
    for (const [name, input] of Object.entries(this.#job.inputs))
      this.#relations.set(name, await this.#load(name, input));
    for (const step of this.#job.steps) {
      this.#job.signal?.throwIfAborted();
      const query =
        step.kind === "plan" ? this.#render(step.plan, step.rowErrors, step.carry) : this.#renderDeduplicate(step);
      await this.#connection.run(`CREATE TEMP TABLE ${identifier(step.name)} AS ${query}`);
      this.#relations.set(step.name, identifier(step.name));
    }
    const written: Record<string, WrittenFile[]> = {};
    for (const write of this.#job.writes) {
      this.#job.signal?.throwIfAborted();
      written[write.name] = await this.#writer.write(this.#connection, {
        query: this.#render(write.plan, "fail", []),
        orderBy: write.target.sortBy.map((by) => this.#scalar(by, write.target.schema, renderScalarSortKey)),
        target: write.target,
        uploads: this.#uploads,
        signal: this.#job.signal,
      });
    }
    const collected: Record<string, Row[]> = {};
    for (const collect of this.#job.collects) {
      this.#job.signal?.throwIfAborted();
      const rows = await this.#collect(collect.plan);
      if (rows.length > collect.rowsMax) {
        throw new DyneError(
          "LIMIT_EXCEEDED",
          `${this.#job.name}: ${collect.name} gave ${rows.length} rows, more than ${collect.rowsMax}.`,
        );
      }
      collected[collect.name] = rows;
    }
    const positions: Record<string, RowPositions> = {};
    for (const wanted of this.#job.positions ?? []) {
      this.#job.signal?.throwIfAborted();
      const columns = [wanted.file, wanted.row].map(identifier).join(", ");
      positions[wanted.name] = await rowPositions(
        this.#connection,
        `SELECT DISTINCT ${columns} FROM (${this.#render(wanted.plan, "fail", [])}) ORDER BY ${columns}`,
      );
    }
    return { kind: "done", written, collected, positions };
  }

  /** Lets the cache drop what the job read. */
  async release(): Promise<void> {
    for (const { input, file } of this.#pinned) this.#cache.unpin(input.store, file.path);
    await this.#cache.trim();
  }

  /** Whether the job failed by what a log says of its files. Where that cannot be found out, the job's own error has to do. */
  async corruptLog(): Promise<DyneError | undefined> {
    try {
      for (const input of Object.values(this.#job.inputs)) {
        const wrong = input.kind === "files" ? await wrongPartitionValue(this.#connection, input) : undefined;
        if (wrong !== undefined) return wrong;
      }
      return undefined;
    } catch {
      return undefined;
    }
  }

  /** Deletes what the job wrote, as far as the store lets it: a store that does not answer keeps files that no log names. */
  async takeBack(): Promise<void> {
    try {
      for (const { store, path } of this.#uploads) await store.delete(path);
    } catch (error) {
      if (!isDyneError(error)) throw error;
    }
  }

  async #load(name: string, input: ComputeInput): Promise<string> {
    switch (input.kind) {
      case "rows":
        return loadRowSet(this.#connection, `rows:${name}`, input);
      case "text":
        return textFileSetRelation(this.#connection, name, input, {
          renderExpression: (expression, schema) => this.#scalar(expression, schema),
          signal: this.#job.signal,
        });
      case "files": {
        const local = await this.#download(input);
        const deletedTable = `deleted:${name}`;
        const someDeleted = await loadDeletedRows(this.#connection, deletedTable, input, this.#job.signal);
        return fileSetRelation(input, {
          localPathOf: (file) => local.get(file) as string,
          shapeOf: await this.#shapes(input, local),
          renderExpression: (expression, schema) => this.#scalar(expression, schema),
          deletedTable: someDeleted ? deletedTable : undefined,
        });
      }
    }
  }

  /** What the files hold. The cache knows of those that were written here or read before. */
  async #shapes(
    { store, files }: FileSet,
    local: ReadonlyMap<InputFile, string>,
  ): Promise<(file: InputFile) => FileShape> {
    const unknown = files.filter((file) => this.#cache.shapeOf(store, file.path) === undefined);
    const paths = unknown.map((file) => local.get(file) as string);
    const calendars = new Map<string, HybridCalendar | undefined>();
    for (const path of paths) calendars.set(path, await readForeignFooter(path));
    const told = await this.#fileShapes.of(this.#connection, calendars);
    for (const file of unknown) {
      const shape = told.get(local.get(file) as string);
      if (shape !== undefined) this.#cache.noteShape(store, file.path, shape);
    }
    return (file) => this.#cache.shapeOf(store, file.path) as FileShape;
  }

  async #download(input: FileSet): Promise<ReadonlyMap<InputFile, string>> {
    const local = new Map<InputFile, string>();
    for (let start = 0; start < input.files.length; start += parallelDownloads) {
      this.#job.signal?.throwIfAborted();
      const slice = input.files.slice(start, start + parallelDownloads);
      // All of them end before the job does, so that none is pinned after it.
      const downloads = await Promise.allSettled(
        slice.map(async (file) => {
          local.set(file, await this.#cache.pin(input.store, file.path));
          this.#pinned.push({ input, file });
        }),
      );
      for (const download of downloads) if (download.status === "rejected") throw download.reason;
    }
    return local;
  }

  async #collect(plan: LogicalPlan): Promise<Row[]> {
    const reader = await this.#connection.runAndReadAll(this.#render(plan, "fail", []));
    return reader
      .getRowObjects()
      .map((row) => Object.fromEntries(Object.entries(row).map(([column, value]) => [column, rowValue(value)])));
  }

  #render(plan: LogicalPlan, rowErrors: "fail" | "capture", carry: readonly string[]): string {
    return renderPlan(plan, {
      dialect: "duckdb",
      relations: (source) => this.#relation(source),
      parameters: this.#job.parameters,
      rowErrors,
      carry,
    });
  }

  #scalar(expression: Expression, schema: Schema, render = renderScalar): string {
    return render(expression, schema, { dialect: "duckdb", parameters: this.#job.parameters });
  }

  #renderDeduplicate(step: DeduplicateStep): string {
    return renderDropDuplicates({
      dialect: "duckdb",
      input: this.#relation(step.input),
      state: this.#relation(step.state),
      columns: Object.keys(step.schema.fields),
      schema: step.schema,
      keys: step.keys,
      eventTime: step.eventTime,
      delayMs: step.delayMs,
      order: step.order,
    });
  }

  #relation(source: string): string {
    const relation = this.#relations.get(source);
    if (relation === undefined) {
      throw new DyneError(
        "COMPUTE_FAILED",
        `${this.#job.name} scans ${source}, which is neither an input nor an earlier step.`,
      );
    }
    return relation;
  }
}

const parallelDownloads = 8;

const folderNames = ["cache", "out", "spill"] as const;
const folderOf = (directory: string, name: (typeof folderNames)[number]): string => join(directory, name);

/** DuckDB's own settings. Extensions are never fetched: what dyne needs is built in. */
export function instanceOptions(settings: DuckDbSettings): Record<string, string> {
  return {
    threads: String(settings.threads),
    memory_limit: `${settings.memoryLimitMb}MB`,
    temp_directory: folderOf(settings.directory, "spill"),
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
    preserve_insertion_order: "true",
  };
}

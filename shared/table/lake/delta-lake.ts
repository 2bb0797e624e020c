import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDbCompute } from "../../compute/index.ts";
import { silentLogger, systemClock, systemRandom, type Logger } from "../../core/index.ts";
import { cloneSource } from "../../delta/index.ts";
import { typeGiven, type ColumnTypes, type StructOf } from "../../plan/index.ts";
import { FileStore, type ObjectStore } from "../../storage/index.ts";
import { DeltaTable } from "../delta-table.ts";
import { assertColumns } from "./declared-columns.ts";
import { LakeTable } from "./lake-table.ts";

export interface LakeOptions {
  /** Where the tables are: `localFolder`, `azureStorage`, or an adapter of one's own. */
  readonly store: ObjectStore;
  /** What may be in memory while rows are computed; the rest goes to the disk. Default: 1,000. */
  readonly memoryLimitMb?: number | undefined;
  /** Default: 2. */
  readonly threads?: number | undefined;
  /** Bound of the files that are kept on the disk for the next read. Default: 512 MiB. */
  readonly cacheBytes?: number | undefined;
  /** A folder of the local disk for work, emptied at the end; one below the system's own by default. */
  readonly directory?: string | undefined;
  readonly logger?: Logger | undefined;
}

/** What a new table is. */
export interface TableOptions<Types extends ColumnTypes> {
  readonly schema: StructOf<Types>;
  readonly partitionBy?: readonly (keyof Types & string)[] | undefined;
  /** Table properties, such as `delta.enableChangeDataFeed`. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
  readonly description?: string | undefined;
}

/** How a table that is there is opened. */
export interface OpenOptions {
  /**
   * Of a shallow clone: the roots, in the same store, of the tables that it is a clone of, whose files its log names by absolute paths.
   * They are read and never deleted. Without it such files are refused with PATH_OUTSIDE_TABLE. By their paths in the store, or by absolute
   * paths or URIs that lead into it; INVALID_ARGUMENT for what does not.
   */
  readonly clonedFrom?: readonly string[] | undefined;
}

/** A local folder that holds tables. Several processes may write: a version is created by a link, which one of them wins. */
export function localFolder(path: string): ObjectStore {
  return new FileStore(path, { clock: systemClock, random: systemRandom });
}

/**
 * Delta tables of one store, and the engine that computes for them. Whoever opens it closes it:
 *
 *     await using lake = await DeltaLake.open({ store: localFolder("./data") });
 */
export class DeltaLake implements AsyncDisposable {
  readonly #options: LakeOptions;
  readonly #compute: DuckDbCompute;
  readonly #directory: string;
  readonly #scratch: ObjectStore;

  private constructor(options: LakeOptions, compute: DuckDbCompute, directory: string) {
    this.#options = options;
    this.#compute = compute;
    this.#directory = directory;
    this.#scratch = new FileStore(join(directory, "scratch"), { clock: systemClock, random: systemRandom });
  }

  /** Opens the engine; no table is looked at. */
  static async open(options: LakeOptions): Promise<DeltaLake> {
    const directory = await mkdtemp(join(options.directory ?? tmpdir(), "dyne-delta-"));
    const { memoryLimitMb = 1_000, threads = 2, cacheBytes = 512 * 1024 * 1024 } = options;
    const settings = { directory, memoryLimitMb, threads, cacheBytes };
    return new DeltaLake(options, await DuckDbCompute.open(settings, systemRandom), directory);
  }

  /** The table at a path of the store; whether there is one shows when it is used. */
  table(path: string, options?: OpenOptions): LakeTable {
    return new LakeTable({ compute: this.#compute, table: this.#tableAt(path, options) }, this.#scratch);
  }

  /** The table at a path, with the types of its columns. Errors: TABLE_NOT_FOUND, SCHEMA_MISMATCH where it has not these columns. */
  async open<Types extends ColumnTypes>(
    path: string,
    schema: StructOf<Types>,
    options?: OpenOptions,
  ): Promise<LakeTable<Types>> {
    const table = this.#tableAt(path, options);
    assertColumns(path, (await table.latest()).schema, schema);
    return new LakeTable<Types>({ compute: this.#compute, table }, this.#scratch);
  }

  /**
   * Creates an empty table, or takes the one that is there. Safe to repeat. Errors: SCHEMA_MISMATCH where that has other columns or partitions;
   * INVALID_ARGUMENT, DUPLICATE_NAME, UNKNOWN_COLUMN, UNSUPPORTED_FEATURE for what cannot be a table here.
   */
  async create<Types extends ColumnTypes>(path: string, options: TableOptions<Types>): Promise<LakeTable<Types>> {
    typeGiven(options.schema, `The schema of ${path}`);
    const table = this.#tableAt(path);
    await table.createIfAbsent({
      schema: options.schema,
      partitionBy: options.partitionBy ?? [],
      description: options.description,
      configuration: options.properties,
    });
    return new LakeTable<Types>({ compute: this.#compute, table }, this.#scratch);
  }

  /** Ends the engine and clears its folder. Tables stay as they are. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#compute.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #tableAt(path: string, { clonedFrom }: OpenOptions = {}): DeltaTable {
    const { checkpoints } = this.#compute;
    return new DeltaTable({
      store: this.#options.store,
      path,
      clonedFrom: clonedFrom?.map((folder) => cloneSource({ store: this.#options.store, path }, folder)),
      clock: systemClock,
      random: systemRandom,
      logger: this.#options.logger ?? silentLogger,
      checkpointReader: checkpoints,
      checkpointWriter: checkpoints,
    });
  }
}

/**
 * The port to whoever computes: it takes file sets and bound plans and gives back files with statistics. It never commits.
 *
 * Promises of every adapter: `run` reads nothing but the inputs named, writes only new files under the targets, and leaves no file
 * behind that the result does not name, except after a crash. Row order is free unless a plan sorts. Safe to repeat: another run
 * gives other files with equal rows.
 */
import type { ColumnMappingMode } from "../core/index.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import type { DeletedRows, FileLayout } from "../delta/index.ts";
import type { DataType, Expression, LogicalPlan, Schema } from "../plan/index.ts";

export interface Compute {
  run(job: ComputeJob): Promise<ComputeResult>;
  close(): Promise<void>;
}

export interface ComputeJob {
  /** For logs and file names in temporary folders. */
  readonly name: string;
  readonly inputs: Readonly<Record<string, ComputeInput>>;
  /** Results that several outputs read are computed once, in this order; later steps see earlier ones as scans by name. */
  readonly steps: readonly ComputeStep[];
  readonly writes: readonly ComputeWrite[];
  /** Small results that come back as rows. */
  readonly collects: readonly ComputeCollect[];
  /** Places of rows that come back by file, however many they are. */
  readonly positions?: readonly ComputePositions[] | undefined;
  /** Values of batch parameters by name, as literals. */
  readonly parameters: Readonly<Record<string, LiteralValue>>;
  readonly signal?: AbortSignal | undefined;
}

export type LiteralValue = null | boolean | number | bigint | string;

/** What a scan reads. */
export type ComputeInput = FileSet | RowSet | TextFileSet;

/** Parquet files of one table at one version (or one range of versions), with what the log knows of each. */
export interface FileSet {
  readonly kind: "files";
  readonly store: ObjectStore;
  readonly schema: Schema;
  readonly partitionBy: readonly string[];
  /** How columns of the schema are found in the files; by their names where absent. Everything else here is by logical name. */
  readonly columnMapping?: ColumnMappingMode | undefined;
  readonly files: readonly InputFile[];
  /**
   * Columns beside the schema, for places and provenance. Their expressions see the schema's columns and, of each file,
   * `_commit_version` (long), `_commit_timestamp` (timestamp, unless the schema has one), `_lane` (string), `_file_index` (long: its
   * position in `files`) and `_row_index` (long), both from 0.
   */
  readonly hidden?: readonly HiddenColumn[];
}

/** False where a column is called as a place of rows is while files are read: hidden columns are refused then. */
export function canPlaceRows({ fields }: Schema): boolean {
  return !Object.keys(fields).some((name) => ["file_row_number", "file_index"].includes(name.toLowerCase()));
}

export interface HiddenColumn {
  readonly name: string;
  readonly type: DataType;
  readonly expression: Expression;
}

export interface InputFile {
  /** Path in the store. */
  readonly path: string;
  readonly sizeBytes: number;
  /** By column; Delta's text form, null for NULL. */
  readonly partitionValues: Readonly<Record<string, string | null>>;
  /** The version that added the file, where the plan asks for row places. */
  readonly commitVersion?: number;
  /** The time of that version, in milliseconds since the epoch. */
  readonly commitTimestampMs?: number;
  /** The lane that wrote it (`add.tags.lane`). */
  readonly lane?: string;
  /**
   * The rows of the file that are no rows of the table, loaded when a job runs; none where absent. No plan sees them, and they count where
   * the places of the others (`_row_index`) are counted.
   */
  readonly deletedRows?: ((signal?: AbortSignal) => Promise<DeletedRows>) | undefined;
  /** The other way round, and instead of `deletedRows`: no plan sees any row of the file but these. */
  readonly onlyRows?: ((signal?: AbortSignal) => Promise<DeletedRows>) | undefined;
}

/** Rows that are in memory already. Values by column: see `RowValue`. */
export interface RowSet {
  readonly kind: "rows";
  readonly schema: Schema;
  readonly columns: Readonly<Record<string, readonly RowValue[]>>;
  readonly rowCount: number;
}

/** Landed text files, already on the local disk, as rows of the schema's columns and `rowNumber` (from 1) and `rescued`. */
export interface TextFileSet {
  readonly kind: "text";
  readonly format: "csv" | "json" | "jsonl";
  /** The columns of the data itself. */
  readonly schema: Schema;
  readonly files: readonly TextFile[];
}

/** Columns of a text file's rows beside the data's: see `textFileColumns`. */
export interface TextFile {
  readonly localPath: string;
  readonly path: string;
  readonly etag: string;
  readonly modifiedTimeUs: bigint;
}

/**
 * timestamp: microseconds since the epoch as bigint; date: days as number; long: bigint; binary: bytes; decimal: text; the rest as in JavaScript.
 * Structs, arrays and maps go in as JSON text, structs with every field, maps as objects; in it timestamps and dates are ISO-8601, binary is
 * base64, and NaN and infinities are text. They do not come out as rows.
 */
export type RowValue = null | boolean | number | bigint | string | Uint8Array;

export type ComputeStep = PlanStep | DeduplicateStep;

/** A plan whose result is kept under `name` while the job runs. */
export interface PlanStep {
  readonly kind: "plan";
  readonly name: string;
  readonly plan: LogicalPlan;
  /** `capture`: the rows keep their errors in the column `_row_error` instead of failing the run. */
  readonly rowErrors: "fail" | "capture";
  /** Hidden columns of the scan that travel along (with `capture`). */
  readonly carry: readonly string[];
}

/**
 * Keeps the rows of `input` that no earlier kept row with the same key (NULL-safe) precedes within `delayMs` of event time.
 * Rows of `state` (the key columns and the event time) were kept before. Earlier is decided by `order`.
 */
export interface DeduplicateStep {
  readonly kind: "deduplicate";
  readonly name: string;
  readonly input: string;
  readonly state: string;
  /** That of `input`, all of whose columns are kept. */
  readonly schema: Schema;
  readonly keys: readonly string[];
  readonly eventTime: string;
  readonly delayMs: number;
  readonly order: readonly string[];
}

export interface ComputeWrite {
  readonly name: string;
  readonly plan: LogicalPlan;
  readonly target: WriteTarget;
}

export interface WriteTarget {
  readonly store: ObjectStore;
  /** The table's root; files go below it. */
  readonly path: string;
  readonly schema: Schema;
  readonly partitionBy: readonly string[];
  /** How the files name the columns; as the schema does where absent. */
  readonly columnMapping?: ColumnMappingMode | undefined;
  /** Which columns the files' statistics tell of, and where the files lie: of the first 32, and in folders by partition, where absent. */
  readonly layout?: FileLayout | undefined;
  /** Rows are written in this order within a file, so that statistics skip well. */
  readonly sortBy: readonly Expression[];
}

export interface ComputeCollect {
  readonly name: string;
  readonly plan: LogicalPlan;
  readonly rowsMax: number;
}

/** Where rows lie: a plan with two columns of longs, the index of a file (`_file_index`) and of a row in it (`_row_index`). */
export interface ComputePositions {
  readonly name: string;
  readonly plan: LogicalPlan;
  readonly file: string;
  readonly row: string;
}

/** Indexes of rows by the index of their file: ascending, each once. */
export type RowPositions = ReadonlyMap<number, readonly number[]>;

export type ComputeResult =
  | {
      readonly kind: "done";
      readonly written: Readonly<Record<string, readonly WrittenFile[]>>;
      readonly collected: Readonly<Record<string, readonly Row[]>>;
      readonly positions: Readonly<Record<string, RowPositions>>;
    }
  | { readonly kind: "pending"; readonly resumeAfterMs: number };

/** A row by column name, in the same form as `RowValue`. */
export type Row = Readonly<Record<string, RowValue>>;

/** A data file that exists in the store and is in no log yet. */
export interface WrittenFile {
  /** Relative to the table's root, not percent-encoded. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly rowCount: number;
  /** As the log has them: by physical name where columns are mapped. */
  readonly partitionValues: Readonly<Record<string, string | null>>;
  /** Delta's statistics JSON, as text (PROTOCOL.md § Per-file Statistics). */
  readonly stats: string;
}

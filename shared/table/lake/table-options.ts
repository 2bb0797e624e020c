/** What the methods of a table take. */
import type { ColumnsOf, ColumnTypes, Schema, StructOf } from "../../plan/index.ts";
import type { OptimizeOptions } from "../care/optimize.ts";
import type { PurgeOptions } from "../care/purge.ts";
import type { SourceRows } from "../write/source-rows.ts";
import type { WriteOptions } from "../write/write-outcome.ts";
import type { Condition } from "./conditions.ts";
import type { RepeatOptions } from "./repeat.ts";
import type { InputRowOf } from "./row-input.ts";

/** Rows to write: objects by column name, or the rows of another table. */
export type Rows<Types extends ColumnTypes = ColumnTypes> = readonly InputRowOf<Types>[] | SourceRows;

/** The rows of a table, as a source for another; see `LakeTable.source`. */
export interface LakeSource<Types extends ColumnTypes> extends SourceRows {
  readonly schema: StructOf<Types>;
}

/** Which version is read; the newest where neither is given. */
export interface At {
  readonly version?: number | undefined;
  /** The last version committed at or before this moment. */
  readonly timestamp?: Date | undefined;
}

export interface TableReadOptions<Types extends ColumnTypes> extends At {
  readonly where?: Condition<ColumnsOf<Types>> | undefined;
  /** These columns, in this order; all of them where absent. */
  readonly select?: readonly (keyof Types & string)[] | undefined;
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TableChangeOptions {
  readonly limit?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TableWriteOptions extends WriteOptions, RepeatOptions {
  /** Adds columns, and fields of structs, that the rows have and the table lacks. */
  readonly mergeSchema?: boolean | undefined;
  /** The types of rows given as objects, where they are not the table's own. */
  readonly schema?: Schema | undefined;
}

export interface TableOverwriteOptions<Types extends ColumnTypes> extends TableWriteOptions {
  /** Only rows for which this is true are replaced, and it must be true of the new ones. */
  readonly replaceWhere?: Condition<ColumnsOf<Types>> | undefined;
  /** `dynamic`: only the partitions that the new rows are in are replaced. */
  readonly partitions?: "dynamic" | undefined;
}

export interface TableOptimizeOptions<Types extends ColumnTypes> extends Omit<OptimizeOptions, "where" | "zOrderBy"> {
  /** Only these partitions: partition columns compared with constants, joined by AND. */
  readonly where?: Condition<ColumnsOf<Types>> | undefined;
  /** All files of the partitions are written anew, their rows in an order that serves these columns alike. */
  readonly zOrderBy?: readonly (keyof Types & string)[] | undefined;
}

export interface TablePurgeOptions<Types extends ColumnTypes> extends Omit<PurgeOptions, "where"> {
  /** Only these partitions: partition columns compared with constants, joined by AND. */
  readonly where?: Condition<ColumnsOf<Types>> | undefined;
}

/** The types of DataFrames' columns and options. */
import type { StructOf } from "../data-type.ts";
import type { JoinType, WithWatermark } from "../logical-plan.ts";
import type { DataType } from "../types.ts";
import type { AnyColumn, Column, OrderedColumn } from "./column.ts";
import type { Duration } from "./duration.ts";

/** Types of columns by name. */
export type ColumnTypes = Readonly<Record<string, DataType>>;
/** Columns by name, as builders get them. */
export type ColumnsOf<Types extends ColumnTypes> = { readonly [Name in keyof Types]: Column<Types[Name]> };
/** The types of columns by name. */
export type TypesOf<Columns extends Readonly<Record<string, { readonly type: DataType }>>> = {
  readonly [Name in keyof Columns]: Columns[Name]["type"];
};
/** `A` with the columns of `B` put in, or in the place of those of the same name. */
export type With<A extends ColumnTypes, B extends ColumnTypes> = {
  readonly [Name in keyof A | keyof B]: Name extends keyof B ? B[Name] : Name extends keyof A ? A[Name] : never;
};
/** Names of columns on both sides that must be equal. */
export interface JoinPair<Left extends string, Right extends string> {
  readonly left: Left;
  readonly right: Right;
}

/** The joins that compare columns. */
export type ConditionalJoin = Exclude<JoinType, "cross">;
/** The columns of a join of a type: those of the left alone where the right is only looked at. */
export type Joined<Left extends ColumnTypes, Right extends ColumnTypes, Type extends ConditionalJoin> = Type extends
  | "semi"
  | "anti"
  ? Left
  : With<Left, Right>;

export interface WatermarkOptions {
  /** Rows further than this after their own arrival do not move the watermark. Default: the delay. */
  readonly maxAhead?: Duration;
  /** A lane silent for longer is left out of the minimum over lanes. Default: 5 minutes. */
  readonly idleAfter?: Duration;
  /** What becomes of late rows: `quarantine` (default), or `count` only. */
  readonly late?: WithWatermark["late"];
}

export interface TopKOptions<Types extends ColumnTypes> {
  /** Columns of whose every combination the first rows are kept. */
  readonly by: readonly (keyof Types & string)[];
  readonly orderBy: (columns: ColumnsOf<Types>) => readonly (AnyColumn | OrderedColumn)[];
  /** Rows per key, from 1. */
  readonly count: number;
}

/** What is declared of a table: enough to read it. */
export interface ReadableTable<Types extends ColumnTypes> {
  readonly name: string;
  readonly schema: StructOf<Types>;
}

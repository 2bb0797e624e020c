/** What users write queries with. */
export { AggregateColumn, Column, OrderedColumn, WindowColumn } from "./column.ts";
export type { AnyColumn, Operand, ValueOf } from "./column.ts";
export type { FramedWindow, OrderedWindow, Rows, UnorderedWindow, WindowSpec } from "./window-spec.ts";
export { DataFrame, GroupedDataFrame, read, readStream } from "./dataframe.ts";
export type {
  ColumnsOf,
  ColumnTypes,
  ConditionalJoin,
  Joined,
  JoinPair,
  ReadableTable,
  TopKOptions,
  TypesOf,
  WatermarkOptions,
  With,
} from "./dataframe-types.ts";
export { durationMs } from "./duration.ts";
export type { Duration } from "./duration.ts";
export * from "./aggregate-functions.ts";
export * from "./calendar-functions.ts";
export * from "./collection-functions.ts";
export * from "./functions.ts";
export * from "./lambda-functions.ts";
export * from "./number-functions.ts";
export * from "./text-functions.ts";
export { SlidingWindow, window, windows } from "./time-windows.ts";
export type { TimeWindow } from "./time-windows.ts";
export * from "./window-functions.ts";

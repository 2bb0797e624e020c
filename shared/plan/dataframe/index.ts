/** What users write queries with. */
export { AggregateColumn, Column, OrderedColumn, WindowColumn } from "./column.ts";
export type {
  AnyColumn,
  FramedWindow,
  Operand,
  OrderedWindow,
  Rows,
  UnorderedWindow,
  ValueOf,
  WindowSpec,
} from "./column.ts";
export { DataFrame, GroupedDataFrame, read, readStream } from "./dataframe.ts";
export type {
  ColumnsOf,
  ColumnTypes,
  ConditionalJoin,
  Joined,
  JoinPair,
  ReadableTable,
  TypesOf,
  WatermarkOptions,
  With,
} from "./dataframe.ts";
export { durationMs } from "./duration.ts";
export type { Duration } from "./duration.ts";
export * from "./functions.ts";
export * from "./window-functions.ts";

/** The windows that functions look at. The compiler asks for an order where one is needed. */
import type { AnyColumn, OrderedColumn } from "./ordered-column.ts";

/** Rows before and after the current one, inclusive; undefined is unbounded, 0 the current row, negative before it. */
export interface Rows {
  readonly from: number | undefined;
  readonly to: number | undefined;
}
/** Rows with equal values of `partitionBy` (all rows without it), in an order. */
export interface OrderedWindow {
  readonly partitionBy?: readonly AnyColumn[];
  readonly orderBy: readonly (AnyColumn | OrderedColumn)[];
}
/** The rows of an ordered window that lie around the current one. */
export interface FramedWindow extends OrderedWindow {
  readonly rows: Rows;
}
/** Rows without an order among them: the whole partition. */
export interface UnorderedWindow {
  readonly partitionBy?: readonly AnyColumn[];
  readonly orderBy?: never;
  readonly rows?: never;
}
/**
 * A window of an aggregate. With an order and without `rows`, it is all rows up to the current one and those that are equal to it in the
 * order, as in Spark.
 */
export type WindowSpec = UnorderedWindow | OrderedWindow | FramedWindow;

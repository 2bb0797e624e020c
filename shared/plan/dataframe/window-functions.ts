/** Functions of a window, named as in Spark's DataFrame API. All of them are given a window with `over()`. */
import type { DoubleType, IntegerType } from "../data-type.ts";
import type { DataType } from "../types.ts";
import { literal, operandOf, windowCall } from "./column.ts";
import type { Column, ValueOf, WindowColumn } from "./column.ts";
import type { FramedWindow, OrderedWindow } from "./window-spec.ts";

const count = (value: number): Column<IntegerType> => literal(value, { kind: "integer" });

/** Whether values that are NULL are passed over. */
export interface NullOptions {
  readonly ignoreNulls?: boolean;
}

/** The row's number in its window, from 1. */
export function rowNumber(): WindowColumn<IntegerType> {
  return windowCall("row_number", []);
}
/** The number of rows before it, and 1; rows that are equal in the order have the same rank, and leave a gap behind them. */
export function rank(): WindowColumn<IntegerType> {
  return windowCall("rank", []);
}
/** The same without gaps: the number of different values of the order up to the row's. */
export function denseRank(): WindowColumn<IntegerType> {
  return windowCall("dense_rank", []);
}
/** The rank as a share of the window, from 0 to 1: (rank - 1) / (rows - 1), 0 in a window of one row. */
export function percentRank(): WindowColumn<DoubleType> {
  return windowCall("percent_rank", []);
}
/** The share of the window's rows that are not after the row in the order, above 0 up to 1. */
export function cumeDist(): WindowColumn<DoubleType> {
  return windowCall("cume_dist", []);
}
/** The number, from 1, of the part that the row lies in when the window is cut into parts of equal size; the first ones may have a row more. */
export function ntile(parts: number): WindowColumn<IntegerType> {
  return windowCall("ntile", [count(parts)]);
}

/** The value some rows before; where there is none, the default or NULL. */
export function lag<Type extends DataType>(
  value: Column<Type>,
  rows = 1,
  otherwise?: Column<Type> | ValueOf<Type>,
): WindowColumn<Type> {
  return windowCall("lag", [value, count(rows), ...(otherwise === undefined ? [] : [operandOf(value, otherwise)])]);
}
/** The value some rows after; where there is none, the default or NULL. */
export function lead<Type extends DataType>(
  value: Column<Type>,
  rows = 1,
  otherwise?: Column<Type> | ValueOf<Type>,
): WindowColumn<Type> {
  return windowCall("lead", [value, count(rows), ...(otherwise === undefined ? [] : [operandOf(value, otherwise)])]);
}

/** The value of the first row, or with `ignoreNulls` the first value that is not NULL. */
export function firstValue<Type extends DataType>(
  value: Column<Type>,
  options: NullOptions = {},
): WindowColumn<Type, OrderedWindow | FramedWindow> {
  return windowCall(options.ignoreNulls === true ? "first_value_ignore_nulls" : "first_value", [value]);
}
/** The value of the last of the given rows, or with `ignoreNulls` the last value that is not NULL. */
export function lastValue<Type extends DataType>(
  value: Column<Type>,
  options: NullOptions = {},
): WindowColumn<Type, FramedWindow> {
  return windowCall(options.ignoreNulls === true ? "last_value_ignore_nulls" : "last_value", [value]);
}
/** The value of the row at a place among the given rows, from 1; NULL where there are fewer. */
export function nthValue<Type extends DataType>(value: Column<Type>, place: number): WindowColumn<Type, FramedWindow> {
  return windowCall("nth_value", [value, count(place)]);
}

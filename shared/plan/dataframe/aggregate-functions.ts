/** Aggregates beyond counts, sums and extremes, named as in Spark's DataFrame API. All are NULL over no values, but lists, which are empty. */
import type { ArrayType, DataType } from "../types.ts";
import type { BooleanType, DoubleType, IntegralType, NumericType } from "../data-type.ts";
import { DyneError } from "../../core/errors.ts";
import { aggregate, literal } from "./column.ts";
import type { AggregateColumn, AnyColumn, Column } from "./column.ts";

/** The different values that are not NULL, sorted, so that equal rows give equal lists. */
export function collectSet<Type extends DataType>(value: Column<Type>): AggregateColumn<ArrayType<Type>> {
  return aggregate("collect_set", [value]);
}
/** Whether a condition is true of every row where it is not NULL. */
export function boolAnd(condition: Column<BooleanType>): AggregateColumn<BooleanType> {
  return aggregate("bool_and", [condition]);
}
/** Whether a condition is true of some row. */
export function boolOr(condition: Column<BooleanType>): AggregateColumn<BooleanType> {
  return aggregate("bool_or", [condition]);
}
/** The value of the row with the greatest `by`; of several, the greatest value. Rows where `by` is NULL are passed over. */
export function maxBy<Type extends DataType>(value: Column<Type>, by: AnyColumn): AggregateColumn<Type> {
  return aggregate("max_by", [value, by]);
}
/** The value of the row with the least `by`; of several, the least value. Rows where `by` is NULL are passed over. */
export function minBy<Type extends DataType>(value: Column<Type>, by: AnyColumn): AggregateColumn<Type> {
  return aggregate("min_by", [value, by]);
}
/** The bits that all values have. */
export function bitAnd<Type extends IntegralType>(value: Column<Type>): AggregateColumn<Type> {
  return aggregate("bit_and", [value]);
}
/** The bits that one of the values has. */
export function bitOr<Type extends IntegralType>(value: Column<Type>): AggregateColumn<Type> {
  return aggregate("bit_or", [value]);
}
/** The bits that an odd number of values has. */
export function bitXor<Type extends IntegralType>(value: Column<Type>): AggregateColumn<Type> {
  return aggregate("bit_xor", [value]);
}
/** The standard deviation of a sample; NULL below two values. Inexact: equal within 1e-9 relative. */
export function stddevSamp(value: Column<NumericType>): AggregateColumn<DoubleType> {
  return aggregate("stddev_samp", [value]);
}
/** The standard deviation of all values. Inexact: equal within 1e-9 relative. */
export function stddevPop(value: Column<NumericType>): AggregateColumn<DoubleType> {
  return aggregate("stddev_pop", [value]);
}
/** The variance of a sample; NULL below two values. Inexact: equal within 1e-9 relative. */
export function varSamp(value: Column<NumericType>): AggregateColumn<DoubleType> {
  return aggregate("var_samp", [value]);
}
/** The variance of all values. Inexact: equal within 1e-9 relative. */
export function varPop(value: Column<NumericType>): AggregateColumn<DoubleType> {
  return aggregate("var_pop", [value]);
}
/** The covariance of a sample, over rows that have both; NULL below two of them. Inexact: equal within 1e-9 relative. */
export function covarSamp(a: Column<NumericType>, b: Column<NumericType>): AggregateColumn<DoubleType> {
  return aggregate("covar_samp", [a, b]);
}
/** The covariance of all rows that have both. Inexact: equal within 1e-9 relative. */
export function covarPop(a: Column<NumericType>, b: Column<NumericType>): AggregateColumn<DoubleType> {
  return aggregate("covar_pop", [a, b]);
}
/**
 * Pearson's correlation over rows that have both, -1 to 1; NULL below two of them. Where one of the values is the same in all rows, the
 * query stops with DATA_ERROR, as Spark does. Inexact: equal within 1e-9 relative.
 */
export function corr(a: Column<NumericType>, b: Column<NumericType>): AggregateColumn<DoubleType> {
  return aggregate("corr", [a, b]);
}
/** The value below which a share of all values lies, 0 to 1, between two of them by their distance. Errors: INVALID_ARGUMENT. */
export function percentile(value: Column<NumericType>, share: number): AggregateColumn<DoubleType> {
  if (!(share >= 0 && share <= 1))
    throw new DyneError("INVALID_ARGUMENT", `percentile takes a share from 0 to 1, not ${share}.`);
  return aggregate("percentile", [value, literal(share, { kind: "double" })]);
}
/** The value in the middle: the percentile of 0.5. */
export function median(value: Column<NumericType>): AggregateColumn<DoubleType> {
  return percentile(value, 0.5);
}
/** The value that most rows have, of several the least. */
export function mode<Type extends DataType>(value: Column<Type>): AggregateColumn<Type> {
  return aggregate("mode", [value]);
}

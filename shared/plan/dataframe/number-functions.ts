/** Functions of numbers, named as in Spark's DataFrame API. Each is NULL where an argument is. */
import type { DecimalType } from "../types.ts";
import type {
  BooleanType,
  DoubleType,
  FloatType,
  IntegerType,
  IntegralType,
  LongType,
  NumericType,
  StringType,
} from "../data-type.ts";
import { dividedBy, literal, operandOf, scalar } from "./column.ts";
import type { Arithmetic, Column, ValueOf } from "./column.ts";
import { realOf, wholeOf } from "./arguments.ts";
import type { Real, Whole } from "./arguments.ts";

/** The number without its sign; an error of the row where it does not fit its type. */
export function abs<Type extends NumericType>(value: Column<Type>): Column<Type> {
  return scalar("abs", [value]);
}
/**
 * Rounded, a half away from zero, to a number of digits after the point, or before it where that is negative. Approximate in the last place
 * of doubles. A whole number that does not fit its type is an error of the row; a decimal has one more digit before its point.
 */
export function round<Type extends NumericType>(value: Column<Type>, digits = 0): Column<Rounded<Type>> {
  return scalar("round", [value, literal(digits, { kind: "integer" })]);
}
/** As `round`, with a half to the even digit. */
export function bround<Type extends NumericType>(value: Column<Type>, digits = 0): Column<Rounded<Type>> {
  return scalar("bround", [value, literal(digits, { kind: "integer" })]);
}
type Rounded<Type extends NumericType> = Type extends DecimalType ? DecimalType : Type;
/** The least whole number that is not below the value. Doubles beyond 64 bits become the outermost long, NaN becomes 0. */
export function ceil<Type extends NumericType>(
  value: Column<Type>,
): Column<Type extends DecimalType ? DecimalType : LongType> {
  return scalar("ceil", [value]);
}
/** The greatest whole number that is not above the value. Doubles beyond 64 bits become the outermost long, NaN becomes 0. */
export function floor<Type extends NumericType>(
  value: Column<Type>,
): Column<Type extends DecimalType ? DecimalType : LongType> {
  return scalar("floor", [value]);
}
/** The nearest whole number as a double; of two the even one. */
export function rint(value: Column<NumericType>): Column<DoubleType> {
  return scalar("rint", [value]);
}
/** 1, 0 or -1 by the sign; NaN of NaN. */
export function signum(value: Column<NumericType>): Column<DoubleType> {
  return scalar("signum", [value]);
}
/** The square root; NaN below 0. */
export function sqrt(value: Column<NumericType>): Column<DoubleType> {
  return scalar("sqrt", [value]);
}
/** The cube root. Approximate in the last digits. */
export function cbrt(value: Column<NumericType>): Column<DoubleType> {
  return scalar("cbrt", [value]);
}
/** e to the power of the value. Approximate in the last digits. */
export function exp(value: Column<NumericType>): Column<DoubleType> {
  return scalar("exp", [value]);
}
/** Natural logarithm; NULL for 0 and below. Approximate in the last digits. */
export function ln(value: Column<NumericType>): Column<DoubleType> {
  return scalar("ln", [value]);
}
/** Logarithm to the base 10; NULL for 0 and below. Approximate in the last digits. */
export function log10(value: Column<NumericType>): Column<DoubleType> {
  return scalar("log10", [value]);
}
/** Logarithm to the base 2; NULL for 0 and below. Approximate in the last digits. */
export function log2(value: Column<NumericType>): Column<DoubleType> {
  return scalar("log2", [value]);
}
/** The sine of an angle in radians. Approximate in the last digits. */
export function sin(value: Column<NumericType>): Column<DoubleType> {
  return scalar("sin", [value]);
}
/** The cosine of an angle in radians. Approximate in the last digits. */
export function cos(value: Column<NumericType>): Column<DoubleType> {
  return scalar("cos", [value]);
}
/** The tangent of an angle in radians. Approximate in the last digits. */
export function tan(value: Column<NumericType>): Column<DoubleType> {
  return scalar("tan", [value]);
}
/** The angle whose sine the value is; NaN outside of -1 to 1. Approximate in the last digits. */
export function asin(value: Column<NumericType>): Column<DoubleType> {
  return scalar("asin", [value]);
}
/** The angle whose cosine the value is; NaN outside of -1 to 1. Approximate in the last digits. */
export function acos(value: Column<NumericType>): Column<DoubleType> {
  return scalar("acos", [value]);
}
/** The angle whose tangent the value is. Approximate in the last digits. */
export function atan(value: Column<NumericType>): Column<DoubleType> {
  return scalar("atan", [value]);
}
/** The hyperbolic sine. Approximate in the last digits. */
export function sinh(value: Column<NumericType>): Column<DoubleType> {
  return scalar("sinh", [value]);
}
/** The hyperbolic cosine. Approximate in the last digits. */
export function cosh(value: Column<NumericType>): Column<DoubleType> {
  return scalar("cosh", [value]);
}
/** The hyperbolic tangent. Approximate in the last digits. */
export function tanh(value: Column<NumericType>): Column<DoubleType> {
  return scalar("tanh", [value]);
}
/** An angle in radians, in degrees. */
export function degrees(value: Column<NumericType>): Column<DoubleType> {
  return scalar("degrees", [value]);
}
/** An angle in degrees, in radians. */
export function radians(value: Column<NumericType>): Column<DoubleType> {
  return scalar("radians", [value]);
}
/** The base to the power of the exponent. Approximate in the last digits. */
export function pow(base: Real, exponent: Real): Column<DoubleType> {
  return scalar("pow", [realOf(base), realOf(exponent)]);
}
/** The length of the vector (a, b). Approximate in the last digits. */
export function hypot(a: Real, b: Real): Column<DoubleType> {
  return scalar("hypot", [realOf(a), realOf(b)]);
}
/** The angle of the point (x, y). Approximate in the last digits. */
export function atan2(y: Real, x: Real): Column<DoubleType> {
  return scalar("atan2", [realOf(y), realOf(x)]);
}
/**
 * The remainder that is not negative where the divisor is positive; a divisor of 0 is an error of the row, and so is a decimal of more digits
 * than the remainder has.
 */
export function pmod<A extends NumericType, B extends NumericType = A>(
  value: Column<A>,
  divisor: Column<B> | ValueOf<A>,
): Column<Arithmetic<A, B>> {
  return scalar("pmod", dividedBy(value, divisor));
}
/** The quotient without its fraction; a divisor of 0 and a result beyond 64 bits are errors of the row. */
export function div(value: Column<IntegralType>, divisor: Column<IntegralType> | number | bigint): Column<LongType> {
  return scalar("div", [value, operandOf(value, divisor)]);
}
/** The product of the whole numbers up to the value; NULL outside of 0 to 20. */
export function factorial(value: Column<IntegerType>): Column<LongType> {
  return scalar("factorial", [value]);
}
/** The bits that both have. */
export function bitwiseAnd<A extends IntegralType, B extends IntegralType = A>(
  value: Column<A>,
  other: Column<B> | ValueOf<A>,
): Column<Arithmetic<A, B>> {
  return scalar("bitwise_and", [value, operandOf(value, other)]);
}
/** The bits that one of both has. */
export function bitwiseOr<A extends IntegralType, B extends IntegralType = A>(
  value: Column<A>,
  other: Column<B> | ValueOf<A>,
): Column<Arithmetic<A, B>> {
  return scalar("bitwise_or", [value, operandOf(value, other)]);
}
/** The bits that only one has. */
export function bitwiseXor<A extends IntegralType, B extends IntegralType = A>(
  value: Column<A>,
  other: Column<B> | ValueOf<A>,
): Column<Arithmetic<A, B>> {
  return scalar("bitwise_xor", [value, operandOf(value, other)]);
}
/** The bits that the value does not have. */
export function bitwiseNot<Type extends IntegralType>(value: Column<Type>): Column<Type> {
  return scalar("bitwise_not", [value]);
}
/** The number of bits that are 1, of 64. */
export function bitCount(value: Column<IntegralType>): Column<IntegerType> {
  return scalar("bit_count", [value]);
}
/** The number (in two's complement of 64 bits) in binary digits. */
export function bin(value: Column<IntegralType>): Column<StringType> {
  return scalar("bin", [value]);
}
/** The bits moved up; those that leave the type are lost. Of the distance the lowest 5 bits count, 6 for longs. */
export function shiftleft<Type extends IntegerType | LongType>(value: Column<Type>, bits: Whole): Column<Type> {
  return scalar("shiftleft", [value, wholeOf(bits)]);
}
/** The bits moved down, the sign staying as it is. */
export function shiftright<Type extends IntegerType | LongType>(value: Column<Type>, bits: Whole): Column<Type> {
  return scalar("shiftright", [value, wholeOf(bits)]);
}
/** The bits moved down, zeros coming in. */
export function shiftrightunsigned<Type extends IntegerType | LongType>(
  value: Column<Type>,
  bits: Whole,
): Column<Type> {
  return scalar("shiftrightunsigned", [value, wholeOf(bits)]);
}
/** Whether the value is NaN; false for NULL. */
export function isnan(value: Column<FloatType | DoubleType>): Column<BooleanType> {
  return scalar("isnan", [value]);
}
/** The value, or the other where it is NaN. */
export function nanvl(value: Column<DoubleType>, otherwise: Column<DoubleType> | number): Column<DoubleType> {
  return scalar("nanvl", [value, operandOf(value, otherwise)]);
}

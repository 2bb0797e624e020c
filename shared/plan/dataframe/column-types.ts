/** What the type of a column says of the values and columns that go with it. */
import type {
  BooleanType,
  DateType,
  DoubleType,
  FloatType,
  IntegralType,
  LongType,
  NumericType,
  StringType,
  TimestampNtzType,
  TimestampType,
} from "../data-type.ts";
import type { DataType, DecimalType } from "../types.ts";

export type TimeType = DateType | TimestampType | TimestampNtzType;

/** JavaScript values that stand for a value of a type. Timestamps and dates are ISO-8601 text, decimals text. */
export type ValueOf<Type extends DataType> = Type extends BooleanType
  ? boolean
  : Type extends LongType
    ? number | bigint
    : Type extends IntegralType | DoubleType | FloatType
      ? number
      : Type extends StringType | TimeType
        ? string
        : Type extends DecimalType
          ? string | number
          : never;

/** Types whose values can be compared with those of a type. */
export type ComparableTo<Type extends DataType> = Type extends NumericType
  ? NumericType
  : Type extends TimeType
    ? TimeType
    : Type;
/** The type of a / b: a decimal with a decimal, of other numbers a double. */
export type Quotient<A extends DataType, B extends DataType> = A extends DoubleType | FloatType
  ? DoubleType
  : B extends DoubleType | FloatType
    ? DoubleType
    : A extends DecimalType
      ? DecimalType
      : B extends DecimalType
        ? DecimalType
        : DoubleType;
/** The type of a + b, a - b, a * b, a % b. */
export type Arithmetic<A extends DataType, B extends DataType> = A extends DoubleType | FloatType
  ? DoubleType
  : B extends DoubleType | FloatType
    ? DoubleType
    : A extends DecimalType
      ? DecimalType
      : B extends DecimalType
        ? DecimalType
        : A extends LongType
          ? LongType
          : B extends LongType
            ? LongType
            : A;

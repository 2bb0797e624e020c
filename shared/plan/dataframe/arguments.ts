/** Arguments of functions, given as columns or as values. */
import type { BinaryType, DoubleType, IntegerType, NumericType, StringType } from "../data-type.ts";
import { Column, literal } from "./column.ts";

/** A text, or a column of texts. */
export type Text = Column<StringType> | string;
/** Bytes, or a text that stands for its bytes in UTF-8. */
export type Bytes = Column<StringType> | Column<BinaryType>;
/** A whole number, or a column of them. */
export type Whole = Column<IntegerType> | number;
/** A number, or a column of numbers. */
export type Real = Column<NumericType> | number;

/** The column of a text. */
export const textOf = (value: Text): Column<StringType> =>
  value instanceof Column ? value : literal(value, { kind: "string" });

/** The column of a whole number. Errors: TYPE_MISMATCH for a fraction or one of more than 32 bits. */
export const wholeOf = (value: Whole): Column<IntegerType> =>
  value instanceof Column ? value : literal(value, { kind: "integer" });

/** The column of a number, a value being a double. */
export const realOf = (value: Real): Column<NumericType> =>
  value instanceof Column ? value : literal<DoubleType>(value, { kind: "double" });

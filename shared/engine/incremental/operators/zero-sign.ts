/**
 * A plain value keeps the sign of a zero, and a query may show it; but wherever values are compared, by Spark as by DuckDB, 0.0 equals -0.0.
 * What tells rows that changed from rows that did not has to look at the sign too. NaN has no such difference: nothing shows its bits.
 */
import {
  columnsOf,
  holdsFloat,
  type DataType,
  type Expression,
  type Schema,
  type StructField,
} from "../../../plan/index.ts";
import { call, column, when } from "../expressions.ts";

/** Names and expressions by which rows are compared beside the columns themselves: the signs of zeros in those that may have some. */
export function zeroSigns(
  columns: Iterable<readonly [name: string, type: DataType]>,
): readonly (readonly [string, Expression])[] {
  return [...columns].flatMap(([name, type], index) => {
    if (!holdsFloat(type)) return [];
    const value = column(name);
    const isScalar = type.kind === "float" || type.kind === "double";
    const zero: Expression = { kind: "literal", value: 0, type };
    // The text of a zero has its sign. Of nested values all of it is compared.
    const sign = isScalar
      ? when(call("eq", value, zero), call("to_json", call("array", value)))
      : call("to_json", value);
    return [[`__zero${index}`, sign] as const];
  });
}

/**
 * True where rows with equal columns have equal values of an expression, so that its values in some of the rows are those in all of them.
 * Zeros of both signs are equal, and what is made of them may not be.
 */
export function followsFromEqual(expression: Expression, { fields }: Schema): boolean {
  return (
    expression.kind === "column" ||
    !columnsOf(expression).some((name) => holdsFloat((fields[name] as StructField).type))
  );
}

import { DyneError, instantOfMs } from "../core/index.ts";
import { literalProblem, typeName, type DataType, type Expression, type Literal } from "../plan/index.ts";

/** A JavaScript value as a constant of a column's type. Errors: TYPE_MISMATCH, UNSUPPORTED_FEATURE for nested and binary values. */
export function columnLiteral(value: unknown, type: DataType, place: string): Expression {
  if (["struct", "array", "map", "binary"].includes(type.kind) && value !== null)
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `${place} is ${typeName(type)}, which is not set to a value. Set it by a function of the columns, or overwrite the rows.`,
    );
  const plain = value instanceof Date ? dateText(value, type) : value;
  const problem = isPlain(plain)
    ? literalProblem(plain, type)
    : `${String(value)} is no value of the type ${typeName(type)}.`;
  if (problem !== undefined)
    throw new DyneError("TYPE_MISMATCH", `${place}: ${problem} Write it in the form of its type.`);
  return { kind: "literal", value: plain as Literal["value"], type };
}

function dateText(value: Date, type: DataType): string {
  const text = instantOfMs(value.getTime());
  return type.kind === "date" ? text.slice(0, "2026-01-02".length) : text;
}

const isPlain = (value: unknown): value is Literal["value"] =>
  value === null || ["boolean", "number", "bigint", "string"].includes(typeof value);

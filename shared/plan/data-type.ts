/** Constructors of column types. Their static types let the compiler check every use of a column. */
import { isImpossibleName } from "../core/column-name.ts";
import { DyneError } from "../core/errors.ts";
import { shown } from "../core/shown.ts";
import type {
  ArrayType,
  DataType,
  DecimalType,
  MapType,
  PrimitiveKind,
  PrimitiveType,
  StructField,
  StructFields,
  StructType,
} from "./types.ts";

export type BooleanType = PrimitiveType<"boolean">;
export type ByteType = PrimitiveType<"byte">;
export type ShortType = PrimitiveType<"short">;
export type IntegerType = PrimitiveType<"integer">;
export type LongType = PrimitiveType<"long">;
export type FloatType = PrimitiveType<"float">;
export type DoubleType = PrimitiveType<"double">;
export type StringType = PrimitiveType<"string">;
export type BinaryType = PrimitiveType<"binary">;
export type DateType = PrimitiveType<"date">;
export type TimestampType = PrimitiveType<"timestamp">;
export type TimestampNtzType = PrimitiveType<"timestamp_ntz">;
export type IntegralType = ByteType | ShortType | IntegerType | LongType;
export type NumericType = IntegralType | FloatType | DoubleType | DecimalType;

function primitive<Kind extends PrimitiveKind>(kind: Kind): () => PrimitiveType<Kind> {
  const type: PrimitiveType<Kind> = Object.freeze({ kind });
  return () => type;
}

/** True or false. */
export const boolean = primitive("boolean");
/** A whole number of 8 bits. */
export const byte = primitive("byte");
/** A whole number of 16 bits. */
export const short = primitive("short");
/** A whole number of 32 bits (Spark `int`). */
export const integer = primitive("integer");
/** A whole number of 64 bits (Spark `bigint`). */
export const long = primitive("long");
/** A binary floating-point number of 32 bits. */
export const float = primitive("float");
/** A binary floating-point number of 64 bits. */
export const double = primitive("double");
/** UTF-8 text. */
export const string = primitive("string");
/** Bytes. */
export const binary = primitive("binary");
/** A calendar day. */
export const date = primitive("date");
/** A moment, in microseconds since 1970 in UTC. */
export const timestamp = primitive("timestamp");
/** A wall-clock time without a zone, in microseconds. */
export const timestampNtz = primitive("timestamp_ntz");

/** A decimal number of `precision` digits (1 to 38), `scale` of them after the point. */
export function decimal(precision: number, scale: number): DecimalType {
  const fits =
    Number.isInteger(precision) && Number.isInteger(scale) && precision >= 1 && precision <= 38 && scale >= 0;
  if (!fits || scale > precision) {
    throw new DyneError(
      "INVALID_ARGUMENT",
      `decimal(${precision}, ${scale}) is no type. Use 1 to 38 digits, of which 0 to all stand after the point.`,
    );
  }
  return Object.freeze({ kind: "decimal", precision, scale });
}

/** A list of values of one type; elements may be NULL. */
export function array<Element extends DataType>(element: Element): ArrayType<Element> {
  typeGiven(element, "The element of an array");
  return Object.freeze({ kind: "array", element, containsNull: true });
}

/** Values by key; values may be NULL. */
export function map<Key extends DataType, Value extends DataType>(key: Key, value: Value): MapType<Key, Value> {
  typeGiven(key, "The key of a map");
  typeGiven(value, "The value of a map");
  return Object.freeze({ kind: "map", key, value, valueContainsNull: true });
}

/** The struct type whose fields have the given types, all nullable. */
export type StructOf<Types extends Readonly<Record<string, DataType>>> = StructType<{
  readonly [Name in keyof Types]: StructField<Types[Name]>;
}>;

/** A struct with the given fields, in order, all nullable. Also the way to write a schema. Errors: DUPLICATE_NAME. */
export function struct<const Types extends Readonly<Record<string, DataType>>>(types: Types): StructOf<Types> {
  if (typeof types !== "object" || types === null)
    throw new DyneError(
      "INVALID_ARGUMENT",
      `struct is given ${shown(types)}. Give types by name, such as { id: string() }.`,
    );
  checkFieldNames(Object.keys(types), "a struct");
  for (const [name, type] of Object.entries(types)) typeGiven(type, `"${name}" of a struct`);
  const fields: Record<string, StructField> = {};
  for (const [name, type] of Object.entries(types)) fields[name] = Object.freeze({ type, nullable: true });
  return Object.freeze({ kind: "struct", fields: Object.freeze(fields) }) as StructOf<Types>;
}

/** A struct of ready-made fields. */
export function structOfFields(fields: StructFields): StructType {
  return Object.freeze({ kind: "struct", fields: Object.freeze(fields) });
}

/**
 * Refuses names that a table cannot have: empty, reserved (`__dyne…`), with a NUL character, or equal but for upper and lower case,
 * which Spark and DuckDB do not tell apart.
 */
export function checkFieldNames(names: readonly string[], place: string): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    if (isImpossibleName(name)) {
      throw new DyneError(
        "INVALID_PIPELINE",
        `${JSON.stringify(name)} in ${place} cannot be a column name. Use a non-empty name that does not start with "__dyne".`,
      );
    }
    const other = seen.get(name.toLowerCase());
    if (other !== undefined) {
      throw new DyneError(
        "DUPLICATE_NAME",
        `The columns "${other}" and "${name}" in ${place} have the same name. Rename one of them.`,
      );
    }
    seen.set(name.toLowerCase(), name);
  }
}

/** Errors: INVALID_ARGUMENT for what is no type, as a function that gives one without its parentheses. */
export function typeGiven(type: DataType, what: string): void {
  const given: unknown = type;
  if (typeof given === "object" && given !== null && "kind" in given && typeof given.kind === "string") return;
  throw new DyneError(
    "INVALID_ARGUMENT",
    `${what} is ${shown(given)}, not a type. Give one, such as long() or struct({ id: string() }).`,
  );
}

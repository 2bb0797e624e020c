/** Rows as JavaScript has them, checked against a schema and brought into the form of the compute. */
import type { RowSet, RowValue } from "../../compute/index.ts";
import { DyneError, instantOfMs } from "../../core/index.ts";
import {
  literalProblem,
  typeName,
  type ArrayType,
  type ColumnTypes,
  type DataType,
  type DecimalType,
  type MapType,
  type PrimitiveType,
  type Schema,
  type StructField,
  type StructType,
} from "../../plan/index.ts";

/** A row by column name; a column that is left out is NULL. */
export type InputRow = Readonly<Record<string, unknown>>;

/** JavaScript values from which a column's value is made. Of a column of any type there is nothing to say, and all types in one another have no end. */
export type InputValue<Type extends DataType> = [DataType] extends [Type] ? unknown : ValueOfType<Type>;

type ValueOfType<Type extends DataType> =
  Type extends PrimitiveType<"boolean">
    ? boolean
    : Type extends PrimitiveType<"long" | "byte" | "short" | "integer">
      ? number | bigint
      : Type extends PrimitiveType<"float" | "double">
        ? number
        : Type extends PrimitiveType<"binary">
          ? Uint8Array
          : Type extends PrimitiveType<"date" | "timestamp">
            ? string | Date
            : Type extends PrimitiveType
              ? string
              : Type extends DecimalType
                ? string | number
                : Type extends ArrayType<infer Element>
                  ? readonly (InputValue<Element> | null)[]
                  : Type extends MapType<infer Key, infer Value>
                    ?
                        | ReadonlyMap<InputValue<Key>, InputValue<Value> | null>
                        | Readonly<Record<string, InputValue<Value> | null>>
                    : Type extends StructType<infer Fields>
                      ? {
                          readonly [Name in keyof Fields]?: Fields[Name] extends StructField<infer Field>
                            ? InputValue<Field> | null
                            : never;
                        }
                      : never;

/** A row for a table whose columns' types are known to the compiler; else an `InputRow`. */
export type InputRowOf<Types extends ColumnTypes> = string extends keyof Types
  ? InputRow
  : { readonly [Name in keyof Types]?: InputValue<Types[Name]> | null };

const dayMs = 86_400_000;

/**
 * Rows in memory with the types of a schema.
 *
 * Errors: SCHEMA_MISMATCH for a column or a field that the schema has not, TYPE_MISMATCH for a value that is none of its type; both name the row and the
 * column.
 */
export function rowSetOf(schema: Schema, rows: readonly InputRow[]): RowSet {
  const fields = Object.entries<StructField>(schema.fields);
  const columns = Object.fromEntries(fields.map(([name]) => [name, [] as RowValue[]]));
  for (const [index, row] of rows.entries()) {
    assertFields(row, schema, `rows[${index}]`);
    for (const [name, { type }] of fields)
      columns[name]!.push(columnValue(ownValue(row, name), type, `rows[${index}].${name}`));
  }
  return { kind: "rows", schema, columns, rowCount: rows.length };
}

/**
 * A row as a value for JSON, which `JSON.stringify` takes with all digits of its numbers: what a file of JSON with the schema's columns has for
 * it. Errors: as `rowSetOf`; `place` is what they call the row.
 */
export function rowJsonOf(schema: Schema, row: InputRow, place: string): Readonly<Record<string, unknown>> {
  return jsonValue(row, schema, place) as Readonly<Record<string, unknown>>;
}

/** Columns may be called as what every object has, such as `toString`. */
function ownValue(row: InputRow, name: string): unknown {
  return Object.hasOwn(row, name) ? row[name] : undefined;
}

function assertFields(row: InputRow, { fields }: Schema, place: string): void {
  const unknown = Object.keys(row).find((name) => !Object.hasOwn(fields, name) && row[name] !== undefined);
  if (unknown === undefined) return;
  throw new DyneError(
    "SCHEMA_MISMATCH",
    `${place} has ${JSON.stringify(unknown)}, which is none of ${Object.keys(fields).join(", ")}. Leave it out, or give the rows' schema with mergeSchema to add it.`,
  );
}

function columnValue(value: unknown, type: DataType, place: string): RowValue {
  if (value === null || value === undefined) return null;
  switch (type.kind) {
    case "struct":
    case "array":
    case "map":
      return JSON.stringify(jsonValue(value, type, place));
    case "binary":
      if (value instanceof Uint8Array) return value;
      throw wrong(value, type, place, "a Uint8Array");
    case "date":
      return Date.parse(`${dateText(value, type, place)}T00:00:00Z`) / dayMs;
    case "timestamp":
    case "timestamp_ntz":
      return micros(timestampText(value, type, place));
    case "long":
      return BigInt(checked(value, type, place));
    case "decimal":
      return String(checked(typeof value === "number" ? decimalText(value) : value, type, place));
    default:
      return checked(value, type, place);
  }
}

/** A nested value as JSON from which DuckDB makes the type. */
function jsonValue(value: unknown, type: DataType, place: string): unknown {
  if (value === null || value === undefined) return null;
  switch (type.kind) {
    case "struct": {
      if (typeof value !== "object" || Array.isArray(value)) throw wrong(value, type, place, "an object");
      assertFields(value as InputRow, type, place);
      const fields = Object.entries<StructField>(type.fields);
      return Object.fromEntries(
        fields.map(([name, field]) => [
          name,
          jsonValue(ownValue(value as InputRow, name), field.type, `${place}.${name}`),
        ]),
      );
    }
    case "array":
      if (!Array.isArray(value)) throw wrong(value, type, place, "an array");
      return value.map((element, index) => jsonValue(element, type.element, `${place}[${index}]`));
    case "map":
      return Object.fromEntries(
        entriesOf(value, type, place).map(([key, entry]) => [
          keyText(key, type.key, place),
          jsonValue(entry, type.value, `${place}[${String(key)}]`),
        ]),
      );
    case "binary":
      if (!(value instanceof Uint8Array)) throw wrong(value, type, place, "a Uint8Array");
      return Buffer.from(value).toString("base64");
    case "date":
      return dateText(value, type, place);
    case "timestamp":
    case "timestamp_ntz":
      return timestampText(value, type, place);
    case "float":
    case "double": {
      const number = checked(value, type, place) as number;
      if (Object.is(number, -0)) return rawJson("-0.0");
      return Number.isFinite(number) ? number : String(number);
    }
    case "decimal":
      return String(checked(typeof value === "number" ? decimalText(value) : value, type, place));
    default: {
      const plain = checked(value, type, place);
      return typeof plain === "bigint" ? rawJson(String(plain)) : plain;
    }
  }
}

function entriesOf(value: unknown, type: DataType, place: string): readonly (readonly [unknown, unknown])[] {
  if (value instanceof Map) return [...value];
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return Object.entries(value);
  throw wrong(value, type, place, "a Map or an object");
}

/** Keys of JSON objects are texts, from which the key's type is made. */
function keyText(key: unknown, type: DataType, place: string): string {
  if (key === null || key === undefined) throw wrong(key, type, `a key of ${place}`, "a key that is not NULL");
  if (type.kind === "string" && key === "__proto__")
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `${place} has the key "__proto__", which cannot be written from memory. Give it another name.`,
    );
  if (type.kind === "struct" || type.kind === "array" || type.kind === "map")
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `${place} has keys of type ${typeName(type)}, which cannot be written from memory.`,
    );
  const value = jsonValue(typeof key === "string" ? keyOfText(key, type) : key, type, `a key of ${place}`);
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Objects have texts for keys, whatever the keys' type. */
function keyOfText(key: string, type: DataType): unknown {
  if (type.kind === "boolean") return key === "true" ? true : key === "false" ? false : key;
  const isWhole = type.kind === "byte" || type.kind === "short" || type.kind === "integer" || type.kind === "long";
  if (isWhole) return /^-?\d{1,19}$/.test(key) ? BigInt(key) : key;
  if (type.kind === "float" || type.kind === "double") return Number(key);
  return key;
}

function checked(value: unknown, type: DataType, place: string): boolean | number | bigint | string {
  const isPlain = ["boolean", "number", "bigint", "string"].includes(typeof value);
  if (!isPlain) throw wrong(value, type, place, `a value of ${typeName(type)}`);
  const problem = literalProblem(value as string, type);
  if (problem !== undefined)
    throw new DyneError("TYPE_MISMATCH", `${place}: ${problem} Write it in the form of its type.`);
  return value as boolean | number | bigint | string;
}

/** A number as decimals are written: never with an exponent. */
function decimalText(value: number): string {
  return Number.isFinite(value)
    ? value.toLocaleString("en-US", { useGrouping: false, maximumFractionDigits: 20 })
    : String(value);
}

function dateText(value: unknown, type: DataType, place: string): string {
  return String(checked(value instanceof Date ? isoText(value, place).slice(0, 10) : value, type, place));
}

function timestampText(value: unknown, type: DataType, place: string): string {
  if (!(value instanceof Date)) return String(checked(value, type, place));
  if (type.kind === "timestamp_ntz") throw wrong(value, type, place, "a text without a zone, for a Date is a moment");
  return isoText(value, place);
}

function isoText(value: Date, place: string): string {
  if (Number.isNaN(value.getTime()))
    throw new DyneError("TYPE_MISMATCH", `${place} is an invalid Date. Give one with a time, or null.`);
  return instantOfMs(value.getTime());
}

/** Microseconds of an ISO-8601 text; UTC where it says no zone. What is finer is cut. */
function micros(text: string): bigint {
  const parts = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:?\d{2})?$/.exec(text);
  const [, day = "", time = "", fraction = "", zone = "Z"] = parts ?? [];
  const base = BigInt(Date.parse(`${day}T${time}${zone}`)) * 1_000n;
  return base + BigInt(fraction.padEnd(6, "0").slice(0, 6));
}

/** JSON with all digits of a 64-bit number. The language has it; its library types do not yet. */
function rawJson(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);
}

function wrong(value: unknown, type: DataType, place: string, wanted: string): DyneError {
  const shown = value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
  return new DyneError(
    "TYPE_MISMATCH",
    `${place} is ${shown}, and a value of ${typeName(type)} is needed: give ${wanted}.`,
  );
}

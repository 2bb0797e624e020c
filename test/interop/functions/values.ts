/** Values in the form in which functions.py tells them, from DuckDB; and rows of inputs, for both. */
import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from "@duckdb/node-api";
import { duckdbType, quoteName, quoteText, renderLiteral } from "../../../shared/plan/index.ts";
import type { DataType, Literal, Schema, StructField } from "../../../shared/plan/index.ts";

/** A value as JSON has it, exactly: see functions.py. */
export type Value = null | boolean | number | string | readonly Value[] | { readonly [name: string]: Value };
/** What a row gives: a value, or an error of the row. */
export type Answer = { readonly value: Value } | { readonly error: true };

/** What DuckDB gives for a value of a type. */
export function valueOf(value: DuckDBValue, type: DataType): Value {
  if (value === null) return null;
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "bigint") return type.kind === "long" ? String(value) : Number(value);
  if (value instanceof DuckDBDateValue) return String(value.days);
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue) return String(value.micros);
  if (value instanceof DuckDBDecimalValue) return decimalText(value);
  if (value instanceof DuckDBBlobValue) return Buffer.from(value.bytes).toString("base64");
  if (value instanceof DuckDBListValue && type.kind === "array")
    return value.items.map((item) => valueOf(item, type.element));
  if (value instanceof DuckDBStructValue && type.kind === "struct") {
    const fields = Object.entries<StructField>(type.fields);
    const values = Object.values(value.entries);
    return Object.fromEntries(fields.map(([name, field], index) => [name, valueOf(values[index] ?? null, field.type)]));
  }
  if (value instanceof DuckDBMapValue && type.kind === "map") {
    return value.entries.map((entry) => ({
      key: valueOf(entry.key, type.key),
      value: valueOf(entry.value, type.value),
    }));
  }
  if (typeof value === "string" || typeof value === "boolean") return value;
  throw new Error(`DuckDB gave ${String(value)} for ${type.kind}`);
}

function decimalText({ value, scale }: DuckDBDecimalValue): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return value < 0n ? `-${text}` : text;
}

/** Rows by column, each value in the form of rows as text. */
export type InputRow = Readonly<Record<string, unknown>>;

/** Rows as what can stand after FROM in DuckDB. Nothing of it is a constant to the planner. */
export function relationOf(rows: readonly InputRow[], schema: Schema): string {
  const fields = Object.entries<StructField>(schema.fields);
  const tuples = rows.map(
    (row) => `(${fields.map(([name, { type }]) => inputSql(row[name] ?? null, type)).join(", ")})`,
  );
  const names = fields.map(([name]) => quoteName(name, "duckdb"));
  return `(SELECT * FROM (VALUES ${tuples.join(", ")}) AS inputs(${names.join(", ")}))`;
}

function inputSql(value: unknown, type: DataType): string {
  const cast = (sql: string): string => `CAST(${sql} AS ${duckdbType(type)})`;
  if (value === null || value === undefined) return cast("NULL");
  switch (type.kind) {
    case "array":
      return cast(`[${(value as unknown[]).map((item) => inputSql(item, type.element)).join(", ")}]`);
    case "map": {
      const entries = (value as { key: unknown; value: unknown }[]).map(
        ({ key, value: of }) => `{'k': ${inputSql(key, type.key)}, 'v': ${inputSql(of, type.value)}}`,
      );
      return entries.length === 0 ? cast("MAP {}") : cast(`map_from_entries([${entries.join(", ")}])`);
    }
    case "struct": {
      const fields = Object.entries<StructField>(type.fields);
      const parts = fields.map(
        ([name, field]) => `${quoteText(name, "duckdb")}: ${inputSql((value as InputRow)[name] ?? null, field.type)}`,
      );
      return cast(`{${parts.join(", ")}}`);
    }
    default:
      return renderLiteral({ kind: "literal", value: literalValue(value, type), type }, "duckdb");
  }
}

function literalValue(value: unknown, { kind }: DataType): Literal["value"] {
  return kind === "float" || kind === "double" ? Number(value) : (value as Literal["value"]);
}

/** The number of units that numbers may be apart in their last digits, as a part of the number. */
const relativeMax = 1e-12;

/** Whether answers are the same; with `loosely`, numbers may differ in their last digits. */
export function sameAnswer(a: Value, b: Value, loosely: boolean): boolean {
  if (typeof a === "number" && typeof b === "number")
    return Object.is(a, b) || (loosely && Math.abs(a - b) <= relativeMax * Math.max(Math.abs(a), Math.abs(b)));
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => sameAnswer(item, b[index], loosely));
  if (typeof a === "object" && typeof b === "object" && a !== null && b !== null) {
    const [left, right] = [a, b] as Readonly<Record<string, Value>>[] as [Record<string, Value>, Record<string, Value>];
    const names = Object.keys(left);
    return (
      names.length === Object.keys(right).length &&
      names.every((name) => name in right && sameAnswer(left[name]!, right[name]!, loosely))
    );
  }
  return Object.is(a, b);
}

/** Two multisets of rows: which are in one and not in the other. */
import type { DataType, Schema, StructField } from "../plan/index.ts";
import { rowOfText, type OutputRow } from "../table/lake/row-output.ts";

export interface Difference {
  readonly missing: readonly OutputRow[];
  readonly unexpected: readonly OutputRow[];
  /** Rows that are as expected. */
  readonly same: number;
}

/** Floating-point values are the same up to this share of their size: sums of theirs depend on the order of the rows. */
const tolerance = 1e-9;

interface KeyedRow {
  /** The same for rows that are equal but for floating-point values. */
  readonly key: string;
  readonly floats: readonly number[];
  readonly row: OutputRow;
}

/** Both as texts of rows of a schema; see `rowText`. */
export function compareRows(expected: readonly string[], actual: readonly string[], schema: Schema): Difference {
  const left = Map.groupBy(
    actual.map((text) => keyed(text, schema)),
    ({ key }) => key,
  );
  const missing: OutputRow[] = [];
  let same = 0;
  for (const wanted of expected.map((text) => keyed(text, schema))) {
    const candidates = left.get(wanted.key) ?? [];
    const found = candidates.findIndex(({ floats }) => areClose(wanted.floats, floats));
    if (found < 0) missing.push(wanted.row);
    else {
      candidates.splice(found, 1);
      same++;
    }
  }
  return { missing, unexpected: [...left.values()].flat().map(({ row }) => row), same };
}

function areClose(a: readonly number[], b: readonly number[]): boolean {
  return a.every((value, index) => {
    const other = b[index] as number;
    if (Object.is(value, other) || value === other) return true;
    return Math.abs(value - other) <= tolerance * Math.max(Math.abs(value), Math.abs(other));
  });
}

function keyed(text: string, schema: Schema): KeyedRow {
  const row = rowOfText(text, schema);
  const floats: number[] = [];
  const key = JSON.stringify(keyOf(row, schema, floats));
  return { key, floats, row };
}

/** A value as JSON that is the same for equal values; floating-point numbers are put aside. */
function keyOf(value: unknown, type: DataType, floats: number[]): unknown {
  if (value === null || value === undefined) return null;
  switch (type.kind) {
    case "float":
    case "double": {
      const number = value as number;
      if (!Number.isFinite(number)) return String(number);
      floats.push(number);
      return "a number";
    }
    case "long":
      return String(value);
    case "binary":
      return Buffer.from(value as Uint8Array).toString("base64");
    case "array":
      return (value as readonly unknown[]).map((element) => keyOf(element, type.element, floats));
    case "struct":
      return Object.entries<StructField>(type.fields).map(([name, field]) =>
        keyOf((value as Readonly<Record<string, unknown>>)[name], field.type, floats),
      );
    case "map": {
      // The order of a map's entries is nobody's.
      const entries = [...(value as ReadonlyMap<unknown, unknown>)].map(([key, entry]) => {
        const own: number[] = [];
        const both = [keyOf(key, type.key, own), keyOf(entry, type.value, own)];
        return { text: JSON.stringify(both), both, own };
      });
      entries.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
      floats.push(...entries.flatMap(({ own }) => own));
      return entries.map(({ both }) => both);
    }
    default:
      return value;
  }
}

/** Which files a range of values can be in: may say yes too often, never no too often. */
import type { DataType, StructField } from "../plan/index.ts";
import { compareUtf8 } from "../storage/index.ts";
import type { AddFile } from "./actions.ts";
import { logName, type TableForm } from "./column-mapping.ts";
import { boundValue, countOf, parseStats, parseValue, type FileStats, type StatsValue } from "./stats.ts";

/** Values from `min` to `max`, both included; open where undefined. `orNull` asks for NULLs too. Values are as in `StatsValue`. */
export interface ValueRange {
  readonly min?: StatsValue | undefined;
  readonly max?: StatsValue | undefined;
  readonly orNull?: boolean | undefined;
}

const parsed = new WeakMap<AddFile, FileStats | { readonly none: true }>();

/**
 * False only where no row of the file can have a value of the range in the column. True for unknown columns, missing or unreadable
 * statistics, and types that cannot be compared.
 */
export function mayContain(table: TableForm, file: AddFile, column: string, range: ValueRange): boolean {
  return mayContainAny(table, file, column, [range]);
}

/** The same of several ranges: false only where the file has no value of any. What the file says is read once for all of them. */
export function mayContainAny(table: TableForm, file: AddFile, column: string, ranges: readonly ValueRange[]): boolean {
  const type = (table.schema.fields as Readonly<Record<string, StructField>>)[column]?.type;
  if (type === undefined) return true;
  const stored = logName(table, column);
  return table.partitionBy.includes(column)
    ? partitionMay(type, file, stored, ranges)
    : statsMay(type, file, stored, ranges);
}

/** False only where no row of the file can be NULL in the column. */
export function mayHaveNull(table: TableForm, file: AddFile, column: string): boolean {
  const stored = logName(table, column);
  if (!table.partitionBy.includes(column)) return countOf(statsOf(file)?.nullCount[stored]) !== 0;
  const type = (table.schema.fields as Readonly<Record<string, StructField>>)[column]?.type;
  const text = file.partitionValues[stored];
  return type === undefined || text === undefined || text === "" || isNull(type, text);
}

/** The empty text is NULL to Delta; as a text it is kept apart when the file is read, so that it may be both here. */
function isNull(type: DataType, text: string | null): text is null {
  return text === null || (text === "" && type.kind !== "string");
}

function partitionMay(type: DataType, file: AddFile, column: string, ranges: readonly ValueRange[]): boolean {
  const text = file.partitionValues[column];
  if (text === undefined) return true;
  const asksNull = ranges.some(({ orNull }) => orNull === true);
  if (isNull(type, text)) return asksNull;
  if (text === "" && asksNull) return true;
  const value = parseValue(type, text);
  return value === undefined || overlapsAny(type, value, value, ranges);
}

function statsMay(type: DataType, file: AddFile, column: string, ranges: readonly ValueRange[]): boolean {
  const stats = statsOf(file);
  if (stats === undefined) return true;
  const asksNull = ranges.some(({ orNull }) => orNull === true);
  const nulls = countOf(stats.nullCount[column]);
  if (asksNull && nulls !== 0) return true;
  if (nulls !== undefined && nulls === stats.numRecords) return asksNull;
  const lower = boundValue(type, stats.minValues[column], "min");
  return overlapsAny(type, lower, boundValue(type, stats.maxValues[column], "max"), ranges);
}

function overlapsAny(
  type: DataType,
  lower: StatsValue | undefined,
  upper: StatsValue | undefined,
  ranges: readonly ValueRange[],
): boolean {
  return ranges.some((range) => overlaps(type, lower, upper, range));
}

function statsOf(file: AddFile): FileStats | undefined {
  let stats = parsed.get(file);
  if (stats === undefined) {
    stats = parseStats(file.stats) ?? { none: true };
    parsed.set(file, stats);
  }
  return "none" in stats ? undefined : stats;
}

/** Whether [lower, upper] and the range meet; an unknown bound is open. */
function overlaps(
  type: DataType,
  lower: StatsValue | undefined,
  upper: StatsValue | undefined,
  { min, max }: ValueRange,
): boolean {
  if (lower !== undefined && max !== undefined && (compareValues(type, max, lower) ?? 0) < 0) return false;
  // NaN is above every number and in no statistics, so an upper bound of floats says nothing about a range that is open above.
  const nanCounts = (type.kind === "float" || type.kind === "double") && (max === undefined || Number.isNaN(max));
  return !(upper !== undefined && min !== undefined && !nanCounts && (compareValues(type, min, upper) ?? 0) > 0);
}

/** Undefined where the values cannot be compared. */
function compareValues(type: DataType, a: StatsValue, b: StatsValue): number | undefined {
  if (type.kind === "decimal") return compareDecimals(String(a), String(b));
  if (typeof a === "string" && typeof b === "string") return compareUtf8(a, b);
  if (typeof a === "string" || typeof b === "string") return undefined;
  if (Number.isNaN(a) || Number.isNaN(b)) return undefined;
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareDecimals(a: string, b: string): number | undefined {
  const form = /^(-?\d+)(?:\.(\d+))?$/;
  const left = form.exec(a);
  const right = form.exec(b);
  if (left === null || right === null) return undefined;
  const scale = Math.max(left[2]?.length ?? 0, right[2]?.length ?? 0);
  const difference =
    BigInt(left[1]! + (left[2] ?? "").padEnd(scale, "0")) - BigInt(right[1]! + (right[2] ?? "").padEnd(scale, "0"));
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

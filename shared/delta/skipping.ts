/** Which files a range of values can be in: may say yes too often, never no too often. */
import { physicalNameOf, type BoundSide } from "../core/index.ts";
import type { DataType, StructField } from "../plan/index.ts";
import { compareUtf8 } from "../storage/index.ts";
import type { AddFile } from "./actions.ts";
import type { TableForm } from "./column-mapping.ts";
import type { ColumnPath } from "./column-path.ts";
import {
  boundValue,
  countOf,
  parseStats,
  parseValue,
  type FileStats,
  type StatsTree,
  type StatsValue,
} from "./stats.ts";

/** Values from `min` to `max`, both included unless it says otherwise; open where undefined. `orNull` asks for NULLs too. Values are as in `StatsValue`. */
export interface ValueRange {
  readonly min?: StatsValue | undefined;
  readonly max?: StatsValue | undefined;
  readonly minExcluded?: boolean | undefined;
  readonly maxExcluded?: boolean | undefined;
  readonly orNull?: boolean | undefined;
}

const parsed = new WeakMap<AddFile, FileStats | { readonly none: true }>();

/** A column by its name, or a field within structs by the path to it. */
export type ColumnOrField = string | ColumnPath;

/**
 * False only where no row of the file can have a value of the range in the column. True for unknown columns, missing or unreadable
 * statistics, and types that cannot be compared.
 */
export function mayContain(table: TableForm, file: AddFile, column: ColumnOrField, range: ValueRange): boolean {
  return mayContainAny(table, file, column, [range]);
}

/** The same of several ranges: false only where the file has no value of any. What the file says is read once for all of them. */
export function mayContainAny(
  table: TableForm,
  file: AddFile,
  column: ColumnOrField,
  ranges: readonly ValueRange[],
): boolean {
  const found = placeOf(table, column);
  if (found === undefined) return true;
  return found.isPartition ? partitionMay(found, file, ranges) : statsMay(found, file, ranges);
}

/** False only where no row of the file can be NULL in the column. */
export function mayHaveNull(table: TableForm, file: AddFile, column: ColumnOrField): boolean {
  const found = placeOf(table, column);
  if (found === undefined) return true;
  if (!found.isPartition) return countOf(valueAt(statsOf(file)?.nullCount, found.stored)) !== 0;
  const text = file.partitionValues[found.stored[0]!];
  return text === undefined || text === "" || isNull(found.type, text);
}

/** False only where every row of the file has this value, or NULL, in the column. */
export function mayDiffer(table: TableForm, file: AddFile, column: ColumnOrField, value: StatsValue): boolean {
  const found = placeOf(table, column);
  if (found === undefined) return true;
  const isOther = (bound: StatsValue | undefined): boolean =>
    bound === undefined || compareValues(found.type, bound, value) !== 0;
  if (found.isPartition) {
    const text = file.partitionValues[found.stored[0]!];
    return text === undefined || (!isNull(found.type, text) && isOther(parseValue(found.type, text)));
  }
  const stats = statsOf(file);
  const nulls = countOf(valueAt(stats?.nullCount, found.stored));
  if (nulls !== undefined && nulls === stats?.numRecords) return false;
  // NaN is in no bound, and differs from every number.
  if (found.type.kind === "float" || found.type.kind === "double") return true;
  const bound = (side: BoundSide): StatsValue | undefined =>
    boundValue(found.type, valueAt(side === "min" ? stats?.minValues : stats?.maxValues, found.stored), side);
  return isOther(bound("min")) || isOther(bound("max"));
}

/** What a column is, and what the log calls it. */
interface Place {
  readonly type: DataType;
  readonly stored: ColumnPath;
  readonly isPartition: boolean;
}

/** Undefined for a column that the table does not have, and for what is within an array or a map. */
function placeOf({ schema, partitionBy, columnMapping = "none" }: TableForm, column: ColumnOrField): Place | undefined {
  const path = typeof column === "string" ? [column] : column;
  const stored: string[] = [];
  let type: DataType = schema;
  for (const name of path) {
    if (type.kind !== "struct" || !Object.hasOwn(type.fields, name)) return undefined;
    const field = type.fields[name] as StructField;
    stored.push(physicalNameOf(name, field, columnMapping));
    type = field.type;
  }
  return { type, stored, isPartition: path.length === 1 && partitionBy.includes(path[0]!) };
}

function valueAt(tree: StatsTree | undefined, path: ColumnPath): StatsTree[string] | undefined {
  let value: StatsTree[string] | undefined = tree;
  for (const name of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as StatsTree)[name];
  }
  return value;
}

/** The empty text is NULL to Delta; as a text it is kept apart when the file is read, so that it may be both here. */
function isNull(type: DataType, text: string | null): text is null {
  return text === null || (text === "" && type.kind !== "string");
}

function partitionMay({ type, stored }: Place, file: AddFile, ranges: readonly ValueRange[]): boolean {
  const text = file.partitionValues[stored[0]!];
  if (text === undefined) return true;
  const asksNull = ranges.some(({ orNull }) => orNull === true);
  if (isNull(type, text)) return asksNull;
  if (text === "" && asksNull) return true;
  const value = parseValue(type, text);
  return value === undefined || overlapsAny(type, value, value, ranges);
}

function statsMay({ type, stored }: Place, file: AddFile, ranges: readonly ValueRange[]): boolean {
  const stats = statsOf(file);
  if (stats === undefined) return true;
  const asksNull = ranges.some(({ orNull }) => orNull === true);
  const nulls = countOf(valueAt(stats.nullCount, stored));
  if (asksNull && nulls !== 0) return true;
  if (nulls !== undefined && nulls === stats.numRecords) return asksNull;
  const lower = boundValue(type, valueAt(stats.minValues, stored), "min");
  return overlapsAny(type, lower, boundValue(type, valueAt(stats.maxValues, stored), "max"), ranges);
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
  { min, max, minExcluded = false, maxExcluded = false }: ValueRange,
): boolean {
  const isBelow = (a: StatsValue, b: StatsValue, orEqual: boolean): boolean => {
    const order = compareValues(type, a, b);
    return order !== undefined && (order < 0 || (orEqual && order === 0));
  };
  if (lower !== undefined && max !== undefined && isBelow(max, lower, maxExcluded)) return false;
  // NaN is above every number and in no statistics, so an upper bound of floats says nothing about a range that is open above.
  const nanCounts = (type.kind === "float" || type.kind === "double") && (max === undefined || Number.isNaN(max));
  return !(upper !== undefined && min !== undefined && !nanCounts && isBelow(upper, min, minExcluded));
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

/**
 * Statistics of a data file (PROTOCOL.md § Per-file Statistics), read.
 *
 *   {"numRecords":3,"minValues":{"id":1,"at":"2001-01-01T05:00:00.123Z"},"maxValues":{"id":9,"at":"2001-01-01T09:00:00.124Z"},"nullCount":{"id":0,"at":1}}
 *
 * A bound may be wider than the values, never narrower: see `boundJson` of core for how it is said. Other writers cut where that rounds.
 */
import type { BoundSide } from "../core/index.ts";
import type { DataType } from "../plan/index.ts";
import type { AddFile } from "./actions.ts";

/** A value as the engine has it: timestamps as microseconds (bigint), dates as days, longs as bigint or number, decimals as text. */
export type StatsValue = boolean | number | bigint | string;

/** A file's statistics as the log has them: JSON, with numbers as their text, so that no digit is lost. */
export interface FileStats {
  readonly numRecords: number | undefined;
  readonly minValues: StatsTree;
  readonly maxValues: StatsTree;
  readonly nullCount: StatsTree;
}
export interface StatsTree {
  readonly [column: string]: StatsTree | NumberText | string | boolean | null;
}
/** A JSON number, by its digits. */
export interface NumberText {
  readonly digits: string;
}

/** Reads `add.stats`; undefined for none, and for text that is no statistics: a file without them is only not skipped. */
export function parseStats(text: string | undefined): FileStats | undefined {
  if (text === undefined || text === "") return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown);
  } catch {
    return undefined;
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  const tree = json as StatsTree;
  return {
    numRecords: countOf(tree["numRecords"]),
    minValues: treeOf(tree["minValues"]),
    maxValues: treeOf(tree["maxValues"]),
    nullCount: treeOf(tree["nullCount"]),
  };
}

/**
 * The rows that a file has in its table: those in it, which its statistics count, without those that its deletion vector deletes
 * (PROTOCOL.md § Writer Requirement for Deletion Vectors). Undefined where the statistics do not count them.
 */
export function rowCountOf({ stats, deletionVector }: Pick<AddFile, "stats" | "deletionVector">): number | undefined {
  const physical = parseStats(stats)?.numRecords;
  return physical === undefined ? undefined : physical - (deletionVector?.cardinality ?? 0);
}

function keepDigits(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  return typeof value === "number" ? ({ digits: context.source ?? String(value) } satisfies NumberText) : value;
}

function treeOf(value: StatsTree[string] | undefined): StatsTree {
  return typeof value === "object" && value !== null && !isNumberText(value) ? value : {};
}

function isNumberText(value: object): value is NumberText {
  return "digits" in value && typeof value.digits === "string";
}

/** A count of rows or NULLs. */
export function countOf(value: StatsTree[string] | undefined): number | undefined {
  const count = typeof value === "object" && value !== null && isNumberText(value) ? Number(value.digits) : undefined;
  return count !== undefined && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

/**
 * A bound from a file's statistics as a value of the engine; undefined where it says nothing. Upper bounds of timestamps are raised by a
 * millisecond, because writers cut them (Spark does).
 */
export function boundValue(
  type: DataType,
  value: StatsTree[string] | undefined,
  side: BoundSide,
): StatsValue | undefined {
  if (value === undefined || value === null || typeof value === "boolean") return undefined;
  const text = typeof value === "string" ? value : isNumberText(value) ? value.digits : undefined;
  if (text === undefined) return undefined;
  if (type.kind === "timestamp" || type.kind === "timestamp_ntz") {
    const micros = parseTimestamp(text);
    return micros === undefined ? undefined : side === "max" ? micros + 1_000n : micros;
  }
  if (type.kind === "string") return typeof value === "string" ? value : undefined;
  const parsed = typeof value === "string" && type.kind !== "date" ? undefined : parseValue(type, text);
  return (type.kind === "float" || type.kind === "double") && typeof parsed === "number"
    ? floatBound(parsed, side)
    : parsed;
}

/** Spark writes the shortest digits of a float, which as a double are a little off the value: below it, or above. */
function floatBound(value: number, side: BoundSide): number {
  return side === "min" ? Math.min(value, Math.fround(value)) : Math.max(value, Math.fround(value));
}

/** A value from Delta's text form (PROTOCOL.md § Partition Value Serialization); undefined where it cannot be compared. */
export function parseValue(type: DataType, text: string): StatsValue | undefined {
  switch (type.kind) {
    case "string":
      return text;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "byte":
    case "short":
    case "integer":
    case "long":
      return /^[+-]?\d+$/.test(text) ? BigInt(text.replace("+", "")) : undefined;
    case "decimal":
      return /^-?\d+(\.\d+)?$/.test(text) ? text : undefined;
    case "float":
    case "double": {
      const number = text.trim() === "" ? NaN : Number(text);
      return Number.isNaN(number) ? undefined : number;
    }
    case "date": {
      const midnight = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
      return Number.isNaN(midnight) ? undefined : midnight / 86_400_000;
    }
    case "timestamp":
    case "timestamp_ntz":
      return parseTimestamp(text);
    default:
      return undefined;
  }
}

/**
 * Microseconds since the epoch of `2001-01-01 05:00:00[.123456][Z|+01:00]`, with a space or a T; UTC where no zone is given. A day alone is its
 * midnight: dates became moments where a column was widened.
 */
function parseTimestamp(text: string): bigint | undefined {
  const parts = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?)?$/.exec(text);
  if (parts === null) return undefined;
  const [, day, time = "00:00:00", fraction = "", zone = "Z"] = parts;
  const seconds = Date.parse(`${day}T${time}${zone}`);
  return Number.isNaN(seconds) ? undefined : BigInt(seconds) * 1000n + BigInt(fraction.padEnd(6, "0").slice(0, 6));
}

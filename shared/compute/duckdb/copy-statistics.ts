/**
 * Delta's per-file statistics from what COPY … RETURN_STATS reports (PROTOCOL.md § Per-file Statistics).
 *
 *     {"numRecords":2,"minValues":{"id":1},"maxValues":{"id":7},"nullCount":{"id":0}}
 *
 * A bound may be wider than the values, never narrower. Numbers are written by their digits, because a double would change some.
 */
import type { DataType, Schema, StructField } from "../../plan/index.ts";

export type CopyStatistics = readonly {
  readonly key: string;
  readonly value: readonly { readonly key: string; readonly value: string }[];
}[];

/** As many leading columns have statistics as Delta's default (`delta.dataSkippingNumIndexedCols`). */
const indexedColumnsMax = 32;
/** Delta's length of string bounds. */
const stringBoundCharacters = 32;
const greatestCharacter = "\u{10FFFF}";

/**
 * The JSON of a file's statistics, of the columns that are in the file. Columns without trustworthy bounds have none; a struct has those of
 * its fields, each of which counts as a column.
 */
export function statisticsText(rowCount: number, reported: CopyStatistics, schema: Schema): string {
  const facts = new Map(reported.map(({ key, value }) => [key, new Map(value.map((fact) => [fact.key, fact.value]))]));
  const { minValues, maxValues, nullCount } = membersOf(schema, "", { facts, left: indexedColumnsMax });
  return `{"numRecords":${rowCount},"minValues":{${minValues.join(",")}},"maxValues":{${maxValues.join(",")}},"nullCount":{${nullCount.join(",")}}}`;
}

/** Members of the three JSON objects. */
interface Members {
  readonly minValues: string[];
  readonly maxValues: string[];
  readonly nullCount: string[];
}

interface Reported {
  /** By column and, of structs, field, as COPY calls them. */
  readonly facts: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Columns that may still have statistics. */
  left: number;
}

function membersOf({ fields }: Schema, prefix: string, reported: Reported): Members {
  const members: Members = { minValues: [], maxValues: [], nullCount: [] };
  for (const [name, { type }] of Object.entries<StructField>(fields)) {
    if (reported.left === 0) break;
    const key = `${prefix}"${name.replaceAll('"', '""')}"`;
    const member = (json: string): string => `${JSON.stringify(name)}:${json}`;
    if (type.kind === "struct") {
      const inner = membersOf(type, `${key}.`, reported);
      for (const kind of ["minValues", "maxValues", "nullCount"] as const)
        if (inner[kind].length > 0) members[kind].push(member(`{${inner[kind].join(",")}}`));
      continue;
    }
    reported.left--;
    const facts = reported.facts.get(key);
    const nulls = facts?.get("null_count");
    if (nulls !== undefined) members.nullCount.push(member(nulls));
    const [min, max] = [facts?.get("min"), facts?.get("max")];
    // NaN is above all numbers and in no bound.
    if (min === undefined || max === undefined || facts?.get("has_nan") === "true") continue;
    const low = bound(min, type, "min");
    const high = bound(max, type, "max");
    if (low !== undefined) members.minValues.push(member(low));
    if (high !== undefined) members.maxValues.push(member(high));
  }
  return members;
}

/** A bound as JSON; undefined where none can be given that surely holds. */
function bound(text: string, type: DataType, side: "min" | "max"): string | undefined {
  switch (type.kind) {
    case "byte":
    case "short":
    case "integer":
    case "long":
      return /^-?\d+$/.test(text) ? text : undefined;
    case "decimal":
      return /^-?\d+(\.\d+)?$/.test(text) ? text : undefined;
    case "float":
      return numberBound(Math.fround(Number(text)));
    case "double":
      return numberBound(Number(text));
    case "date":
      return /^\d{4}-\d\d-\d\d$/.test(text) ? JSON.stringify(text) : undefined;
    case "timestamp":
    case "timestamp_ntz":
      return timestampBound(text, side, type.kind);
    case "string": {
      const found = stringBound(text, side);
      return found === undefined ? undefined : JSON.stringify(found);
    }
    default:
      return undefined;
  }
}

/** A float's bound is the double of the same value, so that it bounds whichever of both a reader compares. */
function numberBound(value: number): string | undefined {
  return Number.isFinite(value) ? JSON.stringify(value) : undefined;
}

/** Delta keeps milliseconds: the upper bound is rounded up, so that it still bounds. */
function timestampBound(text: string, side: "min" | "max", kind: "timestamp" | "timestamp_ntz"): string | undefined {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(\+00)?$/.exec(text);
  if (match === null || (match[4] === undefined) === (kind === "timestamp")) return undefined;
  const micros = (match[3] ?? "").padEnd(6, "0");
  const ms = Date.parse(`${match[1]}T${match[2]}.${micros.slice(0, 3)}Z`);
  const roundUp = side === "max" && micros.slice(3) !== "000";
  const rounded = new Date(ms + (roundUp ? 1 : 0)).toISOString();
  // Years of five digits have no form that every reader knows.
  if (!/^\d{4}-/.test(rounded)) return undefined;
  return JSON.stringify(kind === "timestamp" ? rounded : rounded.slice(0, -1));
}

/** A prefix bounds from below; from above it is followed by the greatest character, where nothing greater can follow it. */
function stringBound(text: string, side: "min" | "max"): string | undefined {
  const characters = [...text];
  if (characters.length <= stringBoundCharacters) return text;
  const prefix = characters.slice(0, stringBoundCharacters).join("");
  if (side === "min") return prefix;
  return characters[stringBoundCharacters] === greatestCharacter ? undefined : prefix + greatestCharacter;
}

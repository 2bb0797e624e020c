/**
 * The files that a checkpoint names, out of DuckDB. A value that crosses from there to JavaScript costs more than its bytes, so they come
 * packed: the values of ten thousand rows as one text, taken apart by a character that no value may have. Where one has it all the same,
 * which the count of the parts tells, its rows come one by one.
 */
import type { DuckDBConnection, DuckDBStructType } from "@duckdb/node-api";
import { identifier } from "./identifier.ts";
import { parsedStatsText } from "./parsed-stats.ts";

type Row = Record<string, unknown>;

const packedRows = 10_000;

/** Between the values of packed rows, and for NULL. JSON has neither: it writes control characters by their numbers. */
const separator = "\u001e";
const nullText = "\u0002";

/** A row's values, in this order: its path, its partition values, its numbers and flags, its statistics, and what few files have. */
const partsOfRow = 5;
const numbers: readonly string[] = ["size", "modificationTime", "deletionTimestamp"];
const flags: readonly string[] = ["dataChange", "extendedFileMetadata"];
const seldom: readonly string[] = [
  "tags",
  "deletionVector",
  "baseRowId",
  "defaultRowCommitVersion",
  "clusteringProvider",
];

/** Rows as they came, and where they are from. */
export interface PackedRows {
  readonly texts: readonly (readonly [text: string, rows: number])[];
  readonly from: string;
}

/** Reads the rows of one action from one file, a range of rows at a time. */
export class PackedFiles {
  readonly #connection: DuckDBConnection;
  readonly #action: "add" | "remove";
  readonly #numbers: readonly string[];
  readonly #flags: readonly string[];
  /** Expressions for the parts of a row. */
  readonly #parts: readonly string[];
  /** The same with statistics made from parsed ones, where there are such. */
  readonly #withParsedStats: readonly string[] | undefined;
  readonly #condition: string;
  readonly #shared = new Map<string, object>();

  /** Throws where the action's struct has no path. */
  constructor(connection: DuckDBConnection, action: "add" | "remove", type: DuckDBStructType) {
    this.#connection = connection;
    this.#action = action;
    const has = (name: string): boolean => type.entryNames.includes(name);
    const value = (name: string): string => `${action}.${identifier(name)}`;
    if (!has("path")) throw new Error(`its ${action} has no path`);
    this.#numbers = numbers.filter(has);
    this.#flags = flags.filter(has);
    const present = ["path", "partitionValues", ...this.#numbers, ...this.#flags].filter(has);
    this.#condition = present.map((name) => `${value(name)} IS NOT NULL`).join(" OR ");
    const packedNumbers = [
      ...this.#numbers.map((name) => `coalesce(${value(name)}::VARCHAR, '')`),
      ...this.#flags.map((name) => `coalesce(${value(name)}::VARCHAR, '')`),
    ];
    const partsWith = (stats: string): readonly string[] => [
      `${value("path")}::VARCHAR`,
      has("partitionValues") ? `CAST(to_json(${value("partitionValues")}) AS VARCHAR)` : "NULL",
      packedNumbers.length === 0 ? "NULL" : packedNumbers.join(" || ' ' || "),
      stats,
      seldomText(seldom.filter(has).map((name) => [name, value(name)])),
    ];
    const statsText = action === "add" && has("stats") ? value("stats") : "NULL";
    this.#parts = partsWith(`${statsText}::VARCHAR`);
    const parsed = parsedStatsText(value("stats_parsed"), type.entryTypes[type.entryNames.indexOf("stats_parsed")]);
    if (action === "add" && parsed !== undefined)
      this.#withParsedStats = partsWith(`coalesce(${statsText}, ${parsed})`);
  }

  /** Has DuckDB pack the rows of a range, which is a FROM with its WHERE. Rows of other actions are none. */
  async pack(range: string): Promise<PackedRows> {
    return this.#pack(`${range} AND (${this.#condition})`, this.#parts);
  }

  async #pack(from: string, parts: readonly string[]): Promise<PackedRows> {
    const row = `concat_ws(chr(30), ${parts.map((part) => `coalesce(${part}, chr(2))`).join(", ")})`;
    const query = `SELECT string_agg(${row}, chr(30)), count(*)::INTEGER ${from} GROUP BY file_row_number // ${packedRows}`;
    const result = await this.#connection.runAndReadAll(query);
    return { texts: result.getRows().map(([text, rows]) => [String(text), Number(rows)] as const), from };
  }

  /** Takes rows apart. Asks DuckDB again where they cannot be, or lack statistics that are there in another form. */
  async unpack({ texts, from }: PackedRows): Promise<readonly (readonly Row[])[]> {
    const batches = this.#taken(texts) ?? [await this.#oneByOne(from, this.#parts)];
    if (this.#withParsedStats === undefined || batches.every((rows) => rows.every((row) => hasStats(row))))
      return batches;
    const again = await this.#pack(from, this.#withParsedStats);
    return this.#taken(again.texts) ?? [await this.#oneByOne(from, this.#withParsedStats)];
  }

  /** Undefined where the count of the parts is not that of the rows. */
  #taken(texts: PackedRows["texts"]): Row[][] | undefined {
    const batches: Row[][] = [];
    for (const [text, rows] of texts) {
      const parts = text.split(separator);
      if (parts.length !== rows * partsOfRow) return undefined;
      const batch: Row[] = [];
      for (let at = 0; at < parts.length; at += partsOfRow)
        batch.push(this.#row(parts[at]!, parts[at + 1]!, parts[at + 2]!, parts[at + 3]!, parts[at + 4]!));
      batches.push(batch);
    }
    return batches;
  }

  /** The same without packing. */
  async #oneByOne(from: string, parts: readonly string[]): Promise<Row[]> {
    const values = parts.map((part) => `coalesce(${part}, chr(2))`).join(", ");
    const result = await this.#connection.runAndReadAll(`SELECT ${values} ${from}`);
    return result.getRows().map((row) => {
      const [path, partitionValues, packed, stats, others] = row.map(String) as [
        string,
        string,
        string,
        string,
        string,
      ];
      return this.#row(path, partitionValues, packed, stats, others);
    });
  }

  #row(path: string, partitionValues: string, packed: string, stats: string, others: string): Row {
    const fields: Row = {};
    if (path !== nullText) fields["path"] = path;
    if (partitionValues !== nullText) fields["partitionValues"] = this.#object(partitionValues);
    if (packed !== nullText) this.#unpackNumbers(fields, packed);
    if (stats !== nullText) fields["stats"] = stats;
    if (others !== nullText) Object.assign(fields, withoutNulls(this.#object(others)));
    return this.#action === "add" ? { add: fields } : { remove: fields };
  }

  #unpackNumbers(fields: Row, packed: string): void {
    let at = 0;
    for (const name of this.#numbers) {
      const end = endOf(packed, at);
      if (end > at) fields[name] = numberOf(packed, at, end);
      at = end + 1;
    }
    for (const name of this.#flags) {
      const end = endOf(packed, at);
      if (end > at)
        fields[name] = packed.startsWith("true", at) ? true : packed.startsWith("false", at) ? false : packed;
      at = end + 1;
    }
  }

  /** Partitions have many files each: what rows have in common is one object. */
  #object(text: string): object {
    let value = this.#shared.get(text);
    if (value === undefined) {
      value = JSON.parse(text) as object;
      if (this.#shared.size >= sharedMax) this.#shared.clear();
      this.#shared.set(text, value);
    }
    return value;
  }
}

const sharedMax = 50_000;

function seldomText(values: readonly (readonly [name: string, value: string])[]): string {
  if (values.length === 0) return "NULL";
  const isAbsent = values.map(([, value]) => `${value} IS NULL`).join(" AND ");
  const packed = values.map(([name, value]) => `${identifier(name)} := ${value}`).join(", ");
  return `CASE WHEN ${isAbsent} THEN NULL ELSE CAST(to_json(struct_pack(${packed})) AS VARCHAR) END`;
}

function withoutNulls(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

function hasStats(row: Row): boolean {
  return "stats" in (row["add"] as Row);
}

function endOf(text: string, at: number): number {
  const space = text.indexOf(" ", at);
  return space < 0 ? text.length : space;
}

/** Digits are read where they stand: a text of its own for each would be the most of the work. */
function numberOf(text: string, start: number, end: number): number {
  if (end - start > 15) return Number(text.slice(start, end));
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return Number(text.slice(start, end));
    value = value * 10 + digit;
  }
  return value;
}

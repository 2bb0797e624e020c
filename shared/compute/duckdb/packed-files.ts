/**
 * The files that a checkpoint names, out of DuckDB. A value that crosses from there to JavaScript costs more than its bytes, so they come
 * packed: the values of ten thousand rows as one text, taken apart by a character that no value may have. Where one has it all the same,
 * which the count of the parts tells, its rows come one by one.
 */
import { DuckDBTypeId, type DuckDBConnection, type DuckDBStructType, type DuckDBType } from "@duckdb/node-api";
import { identifier, stringLiteral } from "./identifier.ts";
import { parsedStatsText } from "./parsed-stats.ts";
import { withTexts } from "./unmarked-text.ts";

type Row = Record<string, unknown>;

const packedRows = 10_000;

/** Between the values of packed rows, and for NULL. JSON has neither: it writes control characters by their numbers. */
const separator = "\u001e";
const nullText = "\u0002";

/** What a row has, in the order of its values; after these comes what few files have. */
const fieldsOf = {
  add: ["path", "partitionValues", "size", "modificationTime", "dataChange", "stats"],
  remove: ["path", "partitionValues", "size", "deletionTimestamp", "dataChange", "extendedFileMetadata"],
} as const;
const partsOfRow = 7;
const seldom: readonly string[] = [
  "tags",
  "deletionVector",
  "baseRowId",
  "defaultRowCommitVersion",
  "clusteringProvider",
];

const { BLOB, BOOLEAN, DECIMAL, DOUBLE, FLOAT, VARCHAR } = DuckDBTypeId;
const { TINYINT, SMALLINT, INTEGER, BIGINT, HUGEINT, UTINYINT, USMALLINT, UINTEGER, UBIGINT, UHUGEINT } = DuckDBTypeId;
const integers = [TINYINT, SMALLINT, INTEGER, BIGINT, HUGEINT, UTINYINT, USMALLINT, UINTEGER, UBIGINT, UHUGEINT];
const texts: Kind = { types: [VARCHAR, BLOB], what: "a text" };
const numbers: Kind = { types: [...integers, DECIMAL, DOUBLE, FLOAT], what: "a number" };
const flags: Kind = { types: [BOOLEAN], what: "true or false" };

/** What a field has to be. Partition values are looked at with the rows. */
interface Kind {
  readonly types: readonly DuckDBTypeId[];
  readonly what: string;
}

const kindOf: Readonly<Record<(typeof fieldsOf)["add" | "remove"][number], Kind | undefined>> = {
  path: texts,
  partitionValues: undefined,
  size: numbers,
  modificationTime: numbers,
  deletionTimestamp: numbers,
  dataChange: flags,
  extendedFileMetadata: flags,
  stats: texts,
};

/** Rows as they came, and where they are from. */
export interface PackedRows {
  readonly texts: readonly (readonly [text: string, rows: number])[];
  readonly from: string;
}

/** Reads the rows of one action from one file, a range of rows at a time. */
export class PackedFiles {
  readonly #connection: DuckDBConnection;
  readonly #action: "add" | "remove";
  /** Expressions for the parts of a row. */
  readonly #parts: readonly string[];
  /** The same with statistics made from parsed ones, where there are such. */
  readonly #withParsedStats: readonly string[] | undefined;
  readonly #condition: string;
  readonly #shared = new Map<string, object>();

  /** Throws where the action's struct has no path. Packing fails where a field has a value of another type than is asked for. */
  constructor(connection: DuckDBConnection, action: "add" | "remove", type: DuckDBStructType) {
    this.#connection = connection;
    this.#action = action;
    const has = (name: string): boolean => type.entryNames.includes(name);
    const typeOf = (name: string): DuckDBType => type.entryTypes[type.entryNames.indexOf(name)]!;
    const value = (name: string): string => `${action}.${identifier(name)}`;
    const read = (name: string): string => withTexts(value(name), typeOf(name));
    if (!has("path")) throw new Error(`its ${action} has no path`);
    const present = fieldsOf[action].filter((name) => has(name));
    this.#condition = present
      .filter((name) => name !== "stats")
      .map((name) => `${value(name)} IS NOT NULL`)
      .join(" OR ");
    const text = (name: (typeof fieldsOf)["add" | "remove"][number]): string => {
      const kind = kindOf[name];
      if (kind === undefined) return `CAST(to_json(${read(name)}) AS VARCHAR)`;
      return kind.types.includes(typeOf(name).typeId)
        ? `${read(name)}::VARCHAR`
        : refused(value(name), `its ${action}.${name} is not ${kind.what}`);
    };
    const others = seldomText(seldom.filter(has).map((name) => [name, read(name)]));
    const partsWith = (stats: string): readonly string[] => [
      ...fieldsOf[action].map((name) => (name === "stats" ? stats : has(name) ? text(name) : "NULL")),
      others,
    ];
    const statsText = has("stats") ? text("stats") : "NULL";
    this.#parts = partsWith(statsText);
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
      for (let at = 0; at < parts.length; at += partsOfRow) batch.push(this.#row(parts, at));
      batches.push(batch);
    }
    return batches;
  }

  /** The same without packing. */
  async #oneByOne(from: string, parts: readonly string[]): Promise<Row[]> {
    const values = parts.map((part) => `coalesce(${part}, chr(2))`).join(", ");
    const result = await this.#connection.runAndReadAll(`SELECT ${values} ${from}`);
    return result.getRows().map((row) => this.#row(row.map(String), 0));
  }

  #row(parts: readonly string[], at: number): Row {
    if (this.#action === "add" && isUsual(parts, at)) {
      return {
        add: {
          path: parts[at],
          partitionValues: this.#object(parts[at + 1]!),
          size: Number(parts[at + 2]),
          modificationTime: Number(parts[at + 3]),
          dataChange: parts[at + 4] === "true",
          stats: parts[at + 5],
        },
      };
    }
    const fields: Row = {};
    for (const [index, name] of fieldsOf[this.#action].entries()) {
      const part = parts[at + index]!;
      if (part !== nullText) fields[name] = this.#value(name, part);
    }
    const others = parts[at + partsOfRow - 1]!;
    if (others !== nullText) Object.assign(fields, withoutNulls(this.#object(others)));
    return { [this.#action]: fields };
  }

  #value(name: string, part: string): unknown {
    if (name === "path" || name === "stats") return part;
    if (name === "partitionValues") return this.#object(part);
    return name === "dataChange" || name === "extendedFileMetadata" ? part === "true" : Number(part);
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

/** Whether a row has every field of its kind and nothing else, as almost all do: made in one piece, they take half the time. */
function isUsual(parts: readonly string[], at: number): boolean {
  for (let index = at; index < at + partsOfRow - 1; index++) if (parts[index] === nullText) return false;
  return parts[at + partsOfRow - 1] === nullText;
}

/** Fails for all but NULL. The value is told with it, for a constant would be looked at before there are rows. */
function refused(value: string, reason: string): string {
  return `CASE WHEN ${value} IS NULL THEN NULL ELSE error(${stringLiteral(`${reason}: `)} || ${value}::VARCHAR) END`;
}

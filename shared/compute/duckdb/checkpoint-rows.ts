/**
 * The rows of a checkpoint in Parquet as objects in the shape of log lines.
 *
 * Files come by the hundred thousand, and a value that crosses from DuckDB to JavaScript costs more than its bytes. They come packed: the
 * fields of ten thousand rows as one text, taken apart by a character that no value may have; where one has it all the same, which the
 * count of the parts tells, these rows come one by one.
 */
import { DuckDBMapType, DuckDBStructType, type DuckDBConnection, type DuckDBType } from "@duckdb/node-api";
import type { CheckpointColumn } from "../../delta/index.ts";
import { identifier, stringLiteral } from "./identifier.ts";
import { parsedStatsText } from "./parsed-stats.ts";

type Row = Record<string, unknown>;

/** A field of an action and how its text is read. What other writers put beside these is left unread. */
type FieldKind = "text" | "number" | "boolean" | "json";

const fileFields: Readonly<Record<string, FieldKind>> = {
  path: "text",
  partitionValues: "json",
  size: "number",
  modificationTime: "number",
  deletionTimestamp: "number",
  extendedFileMetadata: "boolean",
  dataChange: "boolean",
  stats: "text",
  tags: "json",
  deletionVector: "json",
  baseRowId: "number",
  defaultRowCommitVersion: "number",
  clusteringProvider: "text",
};

/** Fields of the actions that a checkpoint has few of. */
const otherFields: Readonly<Record<string, readonly string[]>> = {
  protocol: ["minReaderVersion", "minWriterVersion", "readerFeatures", "writerFeatures"],
  metaData: ["id", "name", "description", "format", "schemaString", "partitionColumns", "configuration", "createdTime"],
  txn: ["appId", "version", "lastUpdated"],
  domainMetadata: ["domain", "configuration", "removed"],
  sidecar: ["path", "sizeInBytes", "modificationTime"],
  checkpointMetadata: ["version"],
};

/** Rows that are packed together, and rows that DuckDB works on at once, which bounds its memory. */
const packedRows = 10_000;
const rowsAtOnce = 100_000;

/** Between the values of packed rows, and for NULL. JSON has neither: it writes control characters by their numbers. */
const separator = "\u001e";
const nullText = "\u0002";

/** The actions of one file, which has so many rows; those that are not wanted are left out. Throws where the file is not a checkpoint. */
export async function checkpointRows(
  connection: DuckDBConnection,
  localFile: string,
  wanted: readonly CheckpointColumn[],
  rowsInFile: number,
): Promise<readonly (readonly Row[])[]> {
  const source = `read_parquet(${stringLiteral(localFile)}, file_row_number = true)`;
  const shape = await connection.run(`FROM ${source} LIMIT 0`);
  const structs = new Map<string, DuckDBStructType>();
  for (const [index, name] of shape.columnNames().entries()) {
    const type = shape.columnType(index);
    const isAction = name === "add" || name === "remove" || Object.hasOwn(otherFields, name);
    if (type instanceof DuckDBStructType && isAction) structs.set(name, type);
    else if (isAction) throw new Error(`its column ${name} is not a struct`);
  }
  if (structs.size === 0) throw new Error("it has no column of an action");
  const present = wanted.filter((name) => structs.has(name));
  const batches = [await otherRows(connection, source, structs, present)];
  for (const action of ["add", "remove"] as const) {
    if (!present.includes(action)) continue;
    for (let first = 0; first < rowsInFile; first += rowsAtOnce) {
      const range = `file_row_number >= ${first} AND file_row_number < ${first + rowsAtOnce}`;
      batches.push(...(await fileRows(connection, `FROM ${source} WHERE ${range}`, action, structs.get(action)!)));
    }
  }
  return batches;
}

/** How many rows the file says that it has. */
export async function rowCount(connection: DuckDBConnection, localFile: string): Promise<number> {
  const answer = await connection.runAndReadAll(
    `SELECT num_rows::DOUBLE FROM parquet_file_metadata(${stringLiteral(localFile)})`,
  );
  return Number(answer.getRowsJS()[0]?.[0] ?? 0);
}

/** Each action as JSON. */
async function otherRows(
  connection: DuckDBConnection,
  source: string,
  structs: ReadonlyMap<string, DuckDBStructType>,
  present: readonly CheckpointColumn[],
): Promise<readonly Row[]> {
  const branches = present.flatMap((action) => {
    const names = otherFields[action];
    if (names === undefined) return [];
    const packed = names
      .filter((name) => structs.get(action)!.entryNames.includes(name))
      .map((name) => `${identifier(name)} := ${identifier(action)}.${identifier(name)}`);
    if (packed.length === 0) return [];
    const value = `CAST(to_json(struct_pack(${packed.join(", ")})) AS VARCHAR)`;
    return [{ isThere: `${identifier(action)} IS NOT NULL`, text: `'{"${action}":' || ${value} || '}'` }];
  });
  if (branches.length === 0) return [];
  const cases = branches.map(({ isThere, text }) => `WHEN ${isThere} THEN ${text}`).join(" ");
  const condition = branches.map(({ isThere }) => isThere).join(" OR ");
  const lines = await textsOf(connection, `SELECT CASE ${cases} END FROM ${source} WHERE ${condition}`);
  return lines.map((line) => JSON.parse(line) as Row);
}

/** The rows of `add` or `remove` among those of a range, some ten thousand together. */
async function fileRows(
  connection: DuckDBConnection,
  range: string,
  action: "add" | "remove",
  type: DuckDBStructType,
): Promise<readonly (readonly Row[])[]> {
  const names = type.entryNames.filter(
    (name) => Object.hasOwn(fileFields, name) && (name !== "stats" || action === "add"),
  );
  if (!names.includes("path")) throw new Error(`its ${action} has no path`);
  const read = new FileRows(action, names);
  const parsedType = type.entryTypes[type.entryNames.indexOf("stats_parsed")];
  const parsedStats = action === "add" ? parsedStatsText(`${action}.stats_parsed`, parsedType) : undefined;
  const isThere = names.filter((name) => name !== "stats").map((name) => `${action}.${identifier(name)} IS NOT NULL`);
  const from = `${range} AND (${isThere.join(" OR ")})`;
  const plain = await read.all(connection, from, fieldTexts(type, action, names));
  if (parsedStats === undefined || plain.every((rows) => rows.every((row) => hasStats(row[action])))) return plain;
  const withStats = new FileRows(action, [...names.filter((name) => name !== "stats"), "stats"]);
  const stats = names.includes("stats") ? `coalesce(add.stats, ${parsedStats})` : parsedStats;
  return withStats.all(connection, from, fieldTexts(type, action, withStats.names, { stats }));
}

function hasStats(file: unknown): boolean {
  return typeof file === "object" && file !== null && "stats" in file;
}

/** An expression for the text of each field. */
function fieldTexts(
  type: DuckDBStructType,
  action: string,
  names: readonly string[],
  instead: Readonly<Record<string, string>> = {},
): readonly string[] {
  return names.map((name) => {
    const value = `${action}.${identifier(name)}`;
    if (instead[name] !== undefined) return instead[name];
    return fileFields[name] === "json"
      ? jsonText(value, type.entryTypes[type.entryNames.indexOf(name)])
      : `${value}::VARCHAR`;
  });
}

/** An empty map is told apart without making JSON of it. */
function jsonText(value: string, type: DuckDBType | undefined): string {
  const json = `CAST(to_json(${value}) AS VARCHAR)`;
  return type instanceof DuckDBMapType ? `CASE WHEN cardinality(${value}) = 0 THEN '{}' ELSE ${json} END` : json;
}

/** Reads the rows of one action, and keeps what they have in common. */
class FileRows {
  readonly names: readonly string[];
  readonly #action: string;
  readonly #values = new Map<string, unknown>();

  constructor(action: string, names: readonly string[]) {
    this.#action = action;
    this.names = names;
  }

  async all(
    connection: DuckDBConnection,
    from: string,
    texts: readonly string[],
  ): Promise<readonly (readonly Row[])[]> {
    const packed = texts.map((text) => `coalesce(${text}, chr(2))`).join(", ");
    const row = texts.length === 1 ? packed : `concat_ws(chr(30), ${packed})`;
    const query = `SELECT string_agg(${row}, chr(30)), count(*)::VARCHAR ${from} GROUP BY file_row_number // ${packedRows}`;
    const result = await connection.stream(query);
    const batches: Row[][] = [];
    for await (const chunk of result.yieldRows()) {
      for (const [text, rows] of chunk) {
        const parts = String(text).split(separator);
        if (parts.length !== Number(rows) * texts.length) return [await this.#oneByOne(connection, from, texts)];
        batches.push(this.#unpack(parts));
      }
    }
    return batches;
  }

  #unpack(parts: readonly string[]): Row[] {
    const rows: Row[] = [];
    for (let at = 0; at < parts.length;) {
      const fields: Row = {};
      for (const name of this.names) {
        const text = parts[at++]!;
        if (text !== nullText) fields[name] = this.#value(name, text);
      }
      rows.push({ [this.#action]: fields });
    }
    return rows;
  }

  /** The same without packing. */
  async #oneByOne(connection: DuckDBConnection, from: string, texts: readonly string[]): Promise<readonly Row[]> {
    const lines = await textsOf(connection, `SELECT CAST(to_json([${texts.join(", ")}]) AS VARCHAR) ${from}`);
    return lines.map((line) => {
      const values = JSON.parse(line) as readonly (string | null)[];
      const present = this.names.flatMap((name, index) => {
        const text = values[index];
        return typeof text === "string" ? [[name, this.#value(name, text)] as const] : [];
      });
      return { [this.#action]: Object.fromEntries(present) };
    });
  }

  #value(name: string, text: string): unknown {
    switch (fileFields[name]) {
      case "number":
        return Number(text);
      case "boolean":
        return text === "true" ? true : text === "false" ? false : text;
      case "json":
        return this.#shared(text);
      default:
        return text;
    }
  }

  /** Partitions have many files each. */
  #shared(text: string): unknown {
    let value = this.#values.get(text);
    if (value === undefined) {
      value = JSON.parse(text) as unknown;
      this.#values.set(text, value);
    }
    return value;
  }
}

async function textsOf(connection: DuckDBConnection, query: string): Promise<readonly string[]> {
  const texts: string[] = [];
  const result = await connection.stream(query);
  for await (const chunk of result.yieldRows()) {
    for (const [text] of chunk) if (typeof text === "string") texts.push(text);
  }
  return texts;
}

/**
 * The rows of a checkpoint in Parquet as objects in the shape of log lines.
 *
 * Files come by the hundred thousand, see `PackedFiles`; everything else is a few rows, which come as JSON.
 */
import { DuckDBStructType, type DuckDBConnection } from "@duckdb/node-api";
import type { CheckpointColumn } from "../../delta/index.ts";
import { identifier, stringLiteral } from "./identifier.ts";
import { PackedFiles } from "./packed-files.ts";
import { withTexts } from "./unmarked-text.ts";

type Row = Record<string, unknown>;

/** Fields of the actions that a checkpoint has few of. */
const otherFields: Readonly<Record<string, readonly string[]>> = {
  protocol: ["minReaderVersion", "minWriterVersion", "readerFeatures", "writerFeatures"],
  metaData: ["id", "name", "description", "format", "schemaString", "partitionColumns", "configuration", "createdTime"],
  txn: ["appId", "version", "lastUpdated"],
  domainMetadata: ["domain", "configuration", "removed"],
  sidecar: ["path", "sizeInBytes", "modificationTime"],
  checkpointMetadata: ["version"],
};

/** Rows that DuckDB works on at once, which bounds its memory. */
const rowsAtOnce = 100_000;

/** What is read of a file. */
export interface RowsWanted {
  readonly wanted: readonly CheckpointColumn[];
  readonly rowsInFile: number;
  /** Ends the reading between two questions. */
  readonly signal?: AbortSignal | undefined;
}

/** The actions of one file; those that are not wanted are left out. Throws where the file is not a checkpoint. */
export async function checkpointRows(
  connection: DuckDBConnection,
  localFile: string,
  { wanted, rowsInFile, signal }: RowsWanted,
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
  const jobs: RowsJob[] = [];
  for (const action of ["add", "remove"] as const) {
    if (!present.includes(action)) continue;
    const files = new PackedFiles(connection, action, structs.get(action)!);
    for (let first = 0; first === 0 || first < rowsInFile; first += rowsAtOnce) {
      const range = `FROM ${source} WHERE file_row_number >= ${first} AND file_row_number < ${first + rowsAtOnce}`;
      jobs.push(async () => {
        const packed = await files.pack(range);
        return async () => files.unpack(packed);
      });
    }
  }
  jobs.push(async () => {
    const lines = await otherLines(connection, source, structs, present);
    return async () => [lines.map((line) => JSON.parse(line) as Row)];
  });
  return inTurns(jobs, signal);
}

/** One question to DuckDB, and then what is left to do with the answer. */
type RowsJob = () => Promise<() => Promise<readonly (readonly Row[])[]>>;

/** DuckDB works on the next question while the answer to the one before is taken apart. */
async function inTurns(
  jobs: readonly RowsJob[],
  signal: AbortSignal | undefined,
): Promise<readonly (readonly Row[])[]> {
  const batches: (readonly Row[])[] = [];
  let next = jobs[0]?.();
  for (let at = 1; next !== undefined; at++) {
    const takeApart = await next;
    signal?.throwIfAborted();
    next = jobs[at]?.();
    // Neither is left alone: the connection is closed after an error.
    const [rows, asked] = await Promise.allSettled([takeApart(), next]);
    if (rows.status === "rejected") throw rows.reason;
    if (asked.status === "rejected") throw asked.reason;
    batches.push(...rows.value);
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

/** Each action as a line of JSON. */
async function otherLines(
  connection: DuckDBConnection,
  source: string,
  structs: ReadonlyMap<string, DuckDBStructType>,
  present: readonly CheckpointColumn[],
): Promise<readonly string[]> {
  const branches = present.flatMap((action) => {
    const names = otherFields[action];
    if (names === undefined) return [];
    const { entryNames, entryTypes } = structs.get(action)!;
    const packed = names
      .filter((name) => entryNames.includes(name))
      .map((name) => {
        const value = `${identifier(action)}.${identifier(name)}`;
        return `${identifier(name)} := ${withTexts(value, entryTypes[entryNames.indexOf(name)]!)}`;
      });
    if (packed.length === 0) return [];
    const value = `CAST(to_json(struct_pack(${packed.join(", ")})) AS VARCHAR)`;
    return [{ isThere: `${identifier(action)} IS NOT NULL`, text: `'{"${action}":' || ${value} || '}'` }];
  });
  if (branches.length === 0) return [];
  const cases = branches.map(({ isThere, text }) => `WHEN ${isThere} THEN ${text}`).join(" ");
  const condition = branches.map(({ isThere }) => isThere).join(" OR ");
  return textsOf(connection, `SELECT CASE ${cases} END FROM ${source} WHERE ${condition}`);
}

/** The texts of a query's one column, NULLs left out. Made whole first, as in `rowPositions`: rows may be packed on the connection meanwhile. */
async function textsOf(connection: DuckDBConnection, query: string): Promise<readonly string[]> {
  const texts: string[] = [];
  const result = await connection.run(query);
  for await (const chunk of result.yieldRows()) {
    for (const [text] of chunk) if (typeof text === "string") texts.push(text);
  }
  return texts;
}

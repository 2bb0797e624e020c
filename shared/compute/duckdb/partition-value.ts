import type { DuckDBConnection } from "@duckdb/node-api";
import { DyneError } from "../../core/index.ts";
import { duckdbType, typeName, type DataType } from "../../plan/index.ts";
import type { FileSet, InputFile } from "../compute.ts";
import { stringLiteral } from "./identifier.ts";

/** A partition value in Delta's text form as a typed constant (PROTOCOL.md § Partition Value Serialization). */
export function partitionConstant(text: string | null, type: DataType): string {
  if (text === null || (text === "" && type.kind !== "string")) return `NULL::${duckdbType(type)}`;
  // The log has the bytes as the text that they spell in UTF-8; a cast would look for escapes in it.
  if (type.kind === "binary") return `encode(${stringLiteral(text)})`;
  return `CAST(${stringLiteral(spelled(text, type))} AS ${duckdbType(type)})`;
}

/** Spark has a sign before years of five digits, and DuckDB none. */
function spelled(text: string, { kind }: DataType): string {
  return kind === "date" || kind === "timestamp" || kind === "timestamp_ntz" ? text.replace(/^\+/, "") : text;
}

/**
 * The first partition value of a file set that is none of its column's type, as LOG_CORRUPT; undefined where there is none. For a job that
 * failed: DuckDB says which text it could not read, and not whose it was.
 */
export async function wrongPartitionValue(
  connection: DuckDBConnection,
  { schema, partitionBy, files }: FileSet,
): Promise<DyneError | undefined> {
  for (const column of partitionBy) {
    const type = schema.fields[column]?.type;
    if (type === undefined || type.kind === "string" || type.kind === "binary") continue;
    // What is no text in UTF-8 is none for DuckDB, and no value of these types either way.
    const fileOf = new Map(
      files.map((file) => [spelled(file.partitionValues[column] ?? "", type).toWellFormed(), file]),
    );
    const answer = await connection.runAndReadAll(
      `SELECT text FROM (SELECT unnest(from_json($1, '["VARCHAR"]')) AS text)
       WHERE text <> '' AND TRY_CAST(text AS ${duckdbType(type)}) IS NULL LIMIT 1`,
      [JSON.stringify([...fileOf.keys()])],
    );
    const file = fileOf.get(String(answer.getRowsJS()[0]?.[0]));
    if (file !== undefined) return wrong(column, type, file);
  }
  return undefined;
}

function wrong(column: string, type: DataType, { path, partitionValues }: InputFile): DyneError {
  const text = partitionValues[column];
  return new DyneError(
    "LOG_CORRUPT",
    `The log says that the partition column "${column}" is ${JSON.stringify(text)} in ${path}, which is no ${typeName(type)}. Restore the log from a copy, or have its writer replace the file.`,
    { details: { column, value: text, path } },
  );
}

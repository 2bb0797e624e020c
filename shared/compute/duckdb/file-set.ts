/** Parquet files of a table become a relation: partition values and places are constants of each group of files. */
import { DyneError } from "../../core/index.ts";
import { duckdbType, type DataType, type Expression, type Schema } from "../../plan/index.ts";
import type { FileSet, InputFile } from "../compute.ts";
import { deletedRowColumns } from "./deleted-rows.ts";
import { identifier, stringLiteral } from "./identifier.ts";

/** What a relation over files is made of. */
export interface FileSetParts {
  /** Of a file on the local disk. */
  readonly localPathOf: (file: InputFile) => string;
  /** The SQL of a hidden column's expression. */
  readonly renderExpression: (expression: Expression, schema: Schema) => string;
  /** The table of rows that files name (see `loadDeletedRows`), where one does. */
  readonly deletedTable: string | undefined;
}

/**
 * A relation over local copies of the files, without the rows that are deleted.
 *
 * Errors: UNSUPPORTED_FEATURE where places of rows are needed beside a column that is called as DuckDB calls them.
 */
export function fileSetRelation(set: FileSet, parts: FileSetParts): string {
  if (set.columnMapping !== undefined && set.columnMapping !== "none")
    throw new DyneError("UNSUPPORTED_FEATURE", "Files with mapped columns are not read yet.");
  const hidden = set.hidden ?? [];
  const taken = fieldsOf(set.schema).find(([name]) => placeNames.includes(name.toLowerCase()));
  if ((hidden.length > 0 || parts.deletedTable !== undefined) && taken !== undefined)
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `The column ${taken[0]} hides the place of a row in its file. Give it another name in tables that have deletion vectors or that dyne reads as a stream.`,
    );
  // A column of the table's own keeps its name.
  const withTime = hidden.length > 0 && !fieldsOf(set.schema).some(([name]) => name.toLowerCase() === timeName);
  const timed = withTime ? { [timeName]: { type: { kind: "timestamp" }, nullable: true } as const } : {};
  const placed: Schema = { kind: "struct", fields: { ...set.schema.fields, ...placeFields, ...timed } };
  const outer = [
    ...fieldsOf(set.schema).map(([name]) => identifier(name)),
    ...hidden.map(
      (column) =>
        `CAST(${parts.renderExpression(column.expression, placed)} AS ${duckdbType(column.type)}) AS ${identifier(column.name)}`,
    ),
  ].join(", ");
  const relations = [emptyRelation(set, hidden.length > 0, withTime)];
  const indexes = new Map(set.files.map((file, index) => [file, index]));
  const indexOf = (file: InputFile): number => indexes.get(file) as number;
  for (const group of groupFiles(set))
    relations.push(groupRelation(set, group, { ...parts, indexOf, withPlaces: hidden.length > 0, withTime }));
  return `(SELECT ${outer} FROM (${relations.join(" UNION ALL BY NAME ")}))`;
}

/** What is known of each row's place besides its own columns. */
const placeFields: Schema["fields"] = {
  _commit_version: { type: { kind: "long" }, nullable: true },
  _lane: { type: { kind: "string" }, nullable: true },
  _file_index: { type: { kind: "long" }, nullable: true },
  _row_index: { type: { kind: "long" }, nullable: true },
};

const timeName = "_commit_timestamp";

/** DuckDB's names for the position of a row in its file, and of the file among those that are scanned. */
const placeNames: readonly string[] = ["file_row_number", "file_index"];

const fieldsOf = (schema: Schema): [string, { type: DataType }][] => Object.entries(schema.fields);

/** Files that share all constants are read by one scan; those of which rows are left out, or taken alone, by one of their own. */
function groupFiles(set: FileSet): InputFile[][] {
  const groups = new Map<string, InputFile[]>();
  for (const file of set.files) {
    const values = set.partitionBy.map((column) => file.partitionValues[column] ?? null);
    const key = JSON.stringify([joinOf(file), ...values]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  return [...groups.values()];
}

/** How the rows that a file names are joined to its own. */
function joinOf({ deletedRows, onlyRows }: InputFile): "ANTI" | "SEMI" | undefined {
  if (deletedRows !== undefined) return "ANTI";
  return onlyRows === undefined ? undefined : "SEMI";
}

interface GroupParts extends FileSetParts {
  readonly indexOf: (file: InputFile) => number;
  readonly withPlaces: boolean;
  readonly withTime: boolean;
}

function groupRelation(
  set: FileSet,
  files: readonly InputFile[],
  { localPathOf, deletedTable, indexOf, withPlaces, withTime }: GroupParts,
): string {
  const first = files[0] as InputFile;
  const paths = files.map((file) => stringLiteral(localPathOf(file))).join(", ");
  const constants = set.partitionBy.map((column) => {
    const type = fieldsOf(set.schema).find(([name]) => name === column)?.[1].type ?? { kind: "string" as const };
    const text = first.partitionValues[column] ?? null;
    return `${partitionConstant(text, type)} AS ${identifier(column)}`;
  });
  const fileIndex = `${perFile(files.map((file) => String(indexOf(file))))}::BIGINT`;
  const places = withPlaces
    ? [
        `${perFile(files.map(({ commitVersion }) => String(commitVersion ?? -1)))}::BIGINT AS _commit_version`,
        `${perFile(files.map(({ lane }) => stringLiteral(lane ?? "0")))} AS _lane`,
        `${fileIndex} AS _file_index`,
        "file_row_number AS _row_index",
      ]
    : [];
  if (withTime) {
    const micros = perFile(files.map(({ commitTimestampMs }) => microsText(commitTimestampMs)));
    places.push(`make_timestamptz(${micros}::BIGINT) AS ${timeName}`);
  }
  // A file may hold the columns by which its table is partitioned; the log's values count.
  const star =
    set.partitionBy.length === 0
      ? "*"
      : `COLUMNS(lambda c: c NOT IN (${set.partitionBy.map(stringLiteral).join(", ")}))`;
  const scanned = `read_parquet([${paths}], union_by_name = true, hive_partitioning = false)`;
  const join = joinOf(first);
  const { file, row } = deletedRowColumns;
  const kept =
    join === undefined || deletedTable === undefined
      ? ""
      : ` AS _scanned ${join} JOIN ${identifier(deletedTable)} AS _marked ON _marked.${row} = file_row_number AND _marked.${file} = ${fileIndex}`;
  return `SELECT ${[star, ...constants, ...places].join(", ")} FROM ${scanned}${kept}`;
}

/** What differs from file to file, by the position of a row's file among those that are scanned. */
function perFile(values: readonly string[]): string {
  const [first = "NULL"] = values;
  return values.every((value) => value === first) ? first : `[${values.join(", ")}][file_index::BIGINT + 1]`;
}

function microsText(ms: number | undefined): string {
  return ms === undefined ? "NULL" : String(BigInt(Math.trunc(ms)) * 1_000n);
}

/** Gives every column its name and type, also where no file has it: older files lack columns that were added later. */
function emptyRelation(set: FileSet, withPlaces: boolean, withTime: boolean): string {
  const columns = fieldsOf(set.schema).map(([name, field]) => `NULL::${duckdbType(field.type)} AS ${identifier(name)}`);
  if (withPlaces)
    columns.push(
      "NULL::BIGINT AS _commit_version",
      "NULL::VARCHAR AS _lane",
      "NULL::BIGINT AS _file_index",
      "NULL::BIGINT AS _row_index",
    );
  if (withTime) columns.push(`NULL::TIMESTAMPTZ AS ${timeName}`);
  return `SELECT ${columns.join(", ")} WHERE false`;
}

/** A partition value in Delta's text form as a typed constant (PROTOCOL.md § Partition Value Serialization). */
function partitionConstant(text: string | null, type: DataType): string {
  if (text === null || (text === "" && type.kind !== "string")) return `NULL::${duckdbType(type)}`;
  // The log has the bytes as the text that they spell in UTF-8; a cast would look for escapes in it.
  if (type.kind === "binary") return `encode(${stringLiteral(text)})`;
  return `CAST(${stringLiteral(text)} AS ${duckdbType(type)})`;
}

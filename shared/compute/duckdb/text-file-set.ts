/** Landed text files become a relation: the declared columns in their types, and what does not fit in `rescued`. */
import { BIGINT, VARCHAR, type DuckDBConnection } from "@duckdb/node-api";
import { isDyneError } from "../../core/index.ts";
import { duckdbType, type DataType, type Expression, type Schema } from "../../plan/index.ts";
import type { RowSet, TextFile, TextFileSet } from "../compute.ts";
import { textRows, type TextRow } from "../text/text-rows.ts";
import { identifier, stringLiteral } from "./identifier.ts";
import { TableLoader } from "./table-loader.ts";
import { loadRowSet } from "./row-set.ts";

/**
 * The columns of a text file's rows beside the data's own. `_file_error` is set where a file, or a line of it, cannot be read as its format;
 * the line is in `_file_text`. `_file_row` counts from 1; it is 0 where the whole file is wrong.
 */
export const textFileColumns = {
  path: "_file_path",
  etag: "_file_etag",
  modified: "_file_modified",
  row: "_file_row",
  rescued: "_file_rescued",
  error: "_file_error",
  text: "_file_text",
} as const;

const string: DataType = { kind: "string" };
const long: DataType = { kind: "long" };
const filesSchema: Schema = {
  kind: "struct",
  fields: Object.fromEntries(
    Object.entries({
      _file: long,
      _path: string,
      _etag: string,
      _modified: { kind: "timestamp" } satisfies DataType,
    }).map(([name, type]) => [name, { type, nullable: false }]),
  ),
};

/**
 * A relation with the data's columns and those of `textFileColumns`. A value that does not fit its type is NULL, and in `rescued` as it
 * came: a JSON object of texts by column. `renderExpression` gives the SQL of a cast.
 */
export async function textFileSetRelation(
  connection: DuckDBConnection,
  name: string,
  set: TextFileSet,
  {
    renderExpression,
    signal,
  }: {
    readonly renderExpression: (expression: Expression, schema: Schema) => string;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<string> {
  const raw = `text:${name}`;
  const fields = Object.entries(set.schema.fields as Record<string, { type: DataType }>);
  await loadTexts(
    connection,
    raw,
    set,
    fields.map(([column]) => column),
    signal,
  );
  const files = await loadRowSet(connection, `files:${name}`, filesOf(set.files));
  const texts: Schema = {
    kind: "struct",
    fields: Object.fromEntries(fields.map((_, index) => [rawColumn(index), { type: string, nullable: true }])),
  };
  const typed = (index: number, type: DataType): string => {
    if (type.kind === "string") return rawColumn(index);
    // Nested values are JSON, and DuckDB's own cast of JSON leaves out what does not fit.
    if (isNested(type))
      return `TRY_CAST(CASE WHEN json_valid(${rawColumn(index)}) THEN CAST(${rawColumn(index)} AS JSON) END AS ${duckdbType(type)})`;
    return renderExpression(
      { kind: "cast", mode: "try", input: { kind: "column", name: rawColumn(index) }, to: type },
      texts,
    );
  };
  const columns = fields.map(([, { type }], index) => `${typed(index, type)} AS ${typedColumn(index)}`);
  const misfits = fields
    .map(([column, { type }], index) => {
      const misfit = `${rawColumn(index)} IS NOT NULL AND ${typedColumn(index)} IS NULL`;
      return type.kind === "string"
        ? undefined
        : `CASE WHEN ${misfit} THEN ${stringLiteral(`${JSON.stringify(column)}:`)} || CAST(to_json(${rawColumn(index)}) AS VARCHAR) END`;
    })
    .filter((entry) => entry !== undefined);
  const members = `concat_ws(',', ${["_unknown", ...misfits].join(", ")})`;
  const own = [
    ...fields.map(([column], index) => `${typedColumn(index)} AS ${identifier(column)}`),
    `_path AS ${textFileColumns.path}`,
    `_etag AS ${textFileColumns.etag}`,
    `_modified AS ${textFileColumns.modified}`,
    `_row AS ${textFileColumns.row}`,
    `CASE WHEN ${members} <> '' THEN '{' || ${members} || '}' END AS ${textFileColumns.rescued}`,
    `_error AS ${textFileColumns.error}`,
    `_text AS ${textFileColumns.text}`,
  ];
  return `(SELECT ${own.join(", ")} FROM (SELECT ${["*", ...columns].join(", ")} FROM ${identifier(raw)}) AS typed JOIN ${files} AS files ON typed._in_file = files._file)`;
}

const rawColumn = (index: number): string => `_raw_${index}`;
const typedColumn = (index: number): string => `_typed_${index}`;
const isNested = (type: DataType): boolean => type.kind === "struct" || type.kind === "array" || type.kind === "map";

function filesOf(files: readonly TextFile[]): RowSet {
  return {
    kind: "rows",
    schema: filesSchema,
    rowCount: files.length,
    columns: {
      _file: files.map((_, index) => BigInt(index)),
      _path: files.map((file) => file.path),
      _etag: files.map((file) => file.etag),
      _modified: files.map((file) => file.modifiedTimeUs),
    },
  };
}

/** All rows of all files as texts. Of a file that turns out unreadable only that is kept. */
async function loadTexts(
  connection: DuckDBConnection,
  table: string,
  set: TextFileSet,
  columns: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const texts = [...columns.map((_, index) => rawColumn(index)), "_unknown", "_error", "_text"];
  await connection.run(
    `CREATE TEMP TABLE ${identifier(table)} (_in_file BIGINT, _row BIGINT, ${texts.map((column) => `${column} VARCHAR`).join(", ")})`,
  );
  const loader = await TableLoader.open(connection, table, [BIGINT, BIGINT, ...texts.map(() => VARCHAR)]);
  const append = (file: number, { number, values, unknown, error, text }: TextRow) =>
    loader.append([BigInt(file), BigInt(number), ...values, unknown, error, text]);
  try {
    for (const [index, file] of set.files.entries()) {
      try {
        for await (const rows of textRows(set.format, columns, file.localPath)) {
          signal?.throwIfAborted();
          for (const row of rows) append(index, row);
        }
      } catch (error) {
        if (!isDyneError(error, "DATA_ERROR")) throw error;
        loader.flush();
        await connection.run(`DELETE FROM ${identifier(table)} WHERE _in_file = ${index}`);
        append(index, { number: 0, values: columns.map(() => null), unknown: null, error: error.message, text: null });
      }
    }
    loader.flush();
  } finally {
    loader.close();
  }
}

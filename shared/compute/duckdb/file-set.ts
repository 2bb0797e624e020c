/**
 * Parquet files of a table become a relation: places are constants of each file, and so are partition values; of each group of files where
 * the table's files are of few partitions.
 */
import { DyneError } from "../../core/index.ts";
import { duckdbType, type Expression, type Schema, type StructField, mapExpression } from "../../plan/index.ts";
import type { FileSet, InputFile } from "../compute.ts";
import { columnValue } from "./column-values.ts";
import { deletedRowColumns } from "./deleted-rows.ts";
import type { FileShape } from "./file-type.ts";
import { identifier, stringLiteral } from "./identifier.ts";
import { partitionConstant } from "./partition-value.ts";

/** What a relation over files is made of. */
export interface FileSetParts {
  /** Of a file on the local disk. */
  readonly localPathOf: (file: InputFile) => string;
  /** What a file holds. */
  readonly shapeOf: (file: InputFile) => FileShape;
  /** The SQL of a hidden column's expression. */
  readonly renderExpression: (expression: Expression, schema: Schema) => string;
  /** The table of rows that files name (see `loadDeletedRows`), where one does. */
  readonly deletedTable: string | undefined;
}

/**
 * A relation over local copies of the files, with the columns of the set's schema in their types, without the rows that are deleted.
 *
 * Errors: UNSUPPORTED_FEATURE where places of rows are needed in a file with a column that is called as DuckDB calls them.
 */
export function fileSetRelation(set: FileSet, parts: FileSetParts): string {
  const hidden = set.hidden ?? [];
  // A column of the table's own keeps its name.
  const withTime = hidden.length > 0 && !fieldsOf(set.schema).some(([name]) => name.toLowerCase() === timeName);
  const timed = withTime ? { [timeName]: { type: { kind: "timestamp" }, nullable: true } as const } : {};
  const placed: Schema = { kind: "struct", fields: { ...set.schema.fields, ...placeFields, ...timed } };
  const placeOf = (inner: Expression): Expression | undefined =>
    inner.kind === "column" && Object.hasOwn(placeFields, placeColumnName(inner.name))
      ? { kind: "column", name: placeColumnName(inner.name) }
      : undefined;
  const outer = [
    ...fieldsOf(set.schema).map(([name]) => identifier(name)),
    ...hidden.map(
      (column) =>
        `CAST(${parts.renderExpression(mapExpression(column.expression, placeOf), placed)} AS ${duckdbType(column.type)}) AS ${identifier(column.name)}`,
    ),
  ].join(", ");
  const indexes = new Map(set.files.map((file, index) => [file, index]));
  const indexOf = (file: InputFile): number => indexes.get(file) as number;
  const groupParts = { ...parts, indexOf, withPlaces: hidden.length > 0, withTime };
  const relations = groupFiles(set, parts).map((group) => groupRelation(set, group, groupParts));
  if (relations.length === 0) relations.push(emptyRelation(set, hidden.length > 0, withTime));
  return `(SELECT ${outer} FROM (${relations.join(" UNION ALL ")}))`;
}

/** What is known of each row's place besides its own columns, which may be called as the port calls places: no column begins with `__dyne`. */
const placeFields: Schema["fields"] = {
  __dyne_commit_version: { type: { kind: "long" }, nullable: true },
  __dyne_lane: { type: { kind: "string" }, nullable: true },
  __dyne_file_index: { type: { kind: "long" }, nullable: true },
  __dyne_row_index: { type: { kind: "long" }, nullable: true },
};
const placeColumnName = (name: string): string => `__dyne${name}`;

const timeName = "_commit_timestamp";

const fieldsOf = (schema: Schema): [string, StructField][] => Object.entries(schema.fields);

/** Files that are read by one scan: the same columns, read in the same way. */
interface FileGroup {
  readonly files: InputFile[];
  /** What the files themselves say of the schema's columns, as SQL over the scan. */
  readonly stored: readonly string[];
  /** Only rows that their files name, or all but those. */
  readonly join: "ANTI" | "SEMI" | undefined;
  /** The files do not all hold the same. */
  readonly isMixed: boolean;
}

/**
 * Of so many partitions each is a scan of its own, whose constants DuckDB plans with. A scan has buffers and a part in every plan: with a
 * hundred of them on either side of some joins it needs more memory than for all of the rows.
 */
const partitionScansMax = 4;

function groupFiles(set: FileSet, { shapeOf }: Pick<FileSetParts, "shapeOf">): FileGroup[] {
  const valuesOf = new Map<FileShape, { readonly values: readonly string[]; readonly key: number }>();
  const keys = new Map<string, number>();
  const groups = new Map<string, { -readonly [Key in keyof FileGroup]: FileGroup[Key] }>();
  const constantsOf = (file: InputFile): string =>
    JSON.stringify(set.partitionBy.map((column) => file.partitionValues[column] ?? null));
  const isOfFew = new Set(set.files.map(constantsOf)).size <= partitionScansMax;
  const byPartition = isOfFew || set.files.map(shapeOf).some(hidesPlaces);
  for (const file of set.files) {
    const shape = shapeOf(file);
    let stored = valuesOf.get(shape);
    if (stored === undefined) {
      const values = storedValues(set, shape, file.path);
      const text = values.join();
      keys.set(text, keys.get(text) ?? keys.size);
      valuesOf.set(shape, (stored = { values, key: keys.get(text) as number }));
    }
    const join = joinOf(file);
    const key = JSON.stringify([join, stored.key, byPartition ? constantsOf(file) : ""]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { files: [file], stored: stored.values, join, isMixed: false });
    else {
      group.files.push(file);
      group.isMixed ||= shape !== shapeOf(group.files[0] as InputFile);
    }
  }
  return [...groups.values()];
}

/** How the rows that a file names are joined to its own. */
function joinOf({ deletedRows, onlyRows }: InputFile): "ANTI" | "SEMI" | undefined {
  if (deletedRows !== undefined) return "ANTI";
  return onlyRows === undefined ? undefined : "SEMI";
}

/** What the files themselves say of the schema's columns; a column by which the table is partitioned is not looked for in them. */
function storedValues(set: FileSet, shape: FileShape, path: string): readonly string[] {
  return fieldsOf(set.schema)
    .filter(([name]) => !set.partitionBy.includes(name))
    .map((field) => `${columnValue(shape, field, set.columnMapping ?? "none", path)} AS ${identifier(field[0])}`);
}

function withConstants(set: FileSet, { files, stored }: FileGroup): readonly string[] {
  const rest = stored.values();
  return fieldsOf(set.schema).map(([name, { type }]) => {
    if (!set.partitionBy.includes(name)) return rest.next().value as string;
    const constants = files.map(({ partitionValues }) => partitionConstant(partitionValues[name] ?? null, type));
    return `${perFile(constants)} AS ${identifier(name)}`;
  });
}

interface GroupParts extends FileSetParts {
  readonly indexOf: (file: InputFile) => number;
  readonly withPlaces: boolean;
  readonly withTime: boolean;
}

function groupRelation(set: FileSet, group: FileGroup, parts: GroupParts): string {
  const { files } = group;
  const { localPathOf, shapeOf, deletedTable, indexOf, withPlaces, withTime } = parts;
  const isJoined = group.join !== undefined && deletedTable !== undefined;
  if (withPlaces || isJoined) assertPlaces(files.map(shapeOf));
  const fileIndex = `${perFile(files.map((file) => String(indexOf(file))))}::BIGINT`;
  const places = withPlaces
    ? [
        `${perFile(files.map(({ commitVersion }) => String(commitVersion ?? -1)))}::BIGINT AS __dyne_commit_version`,
        `${perFile(files.map(({ lane }) => stringLiteral(lane ?? "0")))} AS __dyne_lane`,
        `${fileIndex} AS __dyne_file_index`,
        "file_row_number AS __dyne_row_index",
      ]
    : [];
  if (withTime) {
    const micros = perFile(files.map(({ commitTimestampMs }) => microsText(commitTimestampMs)));
    places.push(`make_timestamptz(${micros}::BIGINT) AS ${timeName}`);
  }
  const paths = files.map((file) => stringLiteral(localPathOf(file))).join(", ");
  const scanned = `read_parquet([${paths}], union_by_name = ${group.isMixed}, hive_partitioning = false)`;
  const { file, row } = deletedRowColumns;
  const kept = isJoined
    ? ` AS _scanned ${group.join} JOIN ${identifier(deletedTable)} AS _marked ON _marked.${row} = file_row_number AND _marked.${file} = ${fileIndex}`
    : "";
  return `SELECT ${[...withConstants(set, group), ...places].join(", ")} FROM ${scanned}${kept}`;
}

/** DuckDB's names for the position of a row in its file, and of the file among those that are scanned. */
const placeNames: readonly string[] = ["file_row_number", "file_index"];

const hidesPlace = ({ read }: FileShape["columns"][number]): boolean => placeNames.includes(read.toLowerCase());
const hidesPlaces = ({ columns }: FileShape): boolean => columns.some(hidesPlace);

function assertPlaces(shapes: readonly FileShape[]): void {
  const taken = shapes.flatMap(({ columns }) => columns).find(hidesPlace);
  if (taken === undefined) return;
  throw new DyneError(
    "UNSUPPORTED_FEATURE",
    `The column ${taken.name} of a file hides the place of a row in it. Give it another name in tables that have deletion vectors, that rows are deleted from, or that dyne reads as a stream.`,
  );
}

/** What differs from file to file, by the position of a row's file among those that are scanned. */
function perFile(values: readonly string[]): string {
  const [first = "NULL"] = values;
  return values.every((value) => value === first) ? first : `[${values.join(", ")}][file_index::BIGINT + 1]`;
}

function microsText(ms: number | undefined): string {
  return ms === undefined ? "NULL" : String(BigInt(Math.trunc(ms)) * 1_000n);
}

/** A set without files has its columns, and no rows. */
function emptyRelation(set: FileSet, withPlaces: boolean, withTime: boolean): string {
  const columns = fieldsOf(set.schema).map(([name, field]) => `NULL::${duckdbType(field.type)} AS ${identifier(name)}`);
  if (withPlaces)
    columns.push(
      "NULL::BIGINT AS __dyne_commit_version",
      "NULL::VARCHAR AS __dyne_lane",
      "NULL::BIGINT AS __dyne_file_index",
      "NULL::BIGINT AS __dyne_row_index",
    );
  if (withTime) columns.push(`NULL::TIMESTAMPTZ AS ${timeName}`);
  return `SELECT ${columns.join(", ")} WHERE false`;
}

/**
 * What a file holds as values of a table's columns (PROTOCOL.md § Reader Requirements for Column Mapping, § Type Widening): fields are found
 * by name or id at every depth, in any order; those that a file lacks are NULL, those that the table lacks are left out; values get the
 * column's type where the file has a narrower one, or an older form of the same.
 */
import { columnIdOf, DyneError, physicalNameOf, type ColumnMappingMode } from "../../core/index.ts";
import { duckdbType, typeName, type DataType, type StructField } from "../../plan/index.ts";
import type { FileField, FileShape, FileType } from "./file-type.ts";
import { rebasedDate, rebasedTimestamp, type HybridCalendar } from "./hybrid-calendar.ts";
import { identifier, stringLiteral } from "./identifier.ts";
import { leafValue } from "./leaf-value.ts";
import { variantFunction } from "./variant-function.ts";

/**
 * The SQL of a table's column over a scan of files of this shape. Where the file has values in its place that cannot be the column's, they
 * fail the job that reads them, with DATA_ERROR and the name of `path`.
 */
export function columnValue(
  shape: FileShape,
  [name, field]: readonly [string, StructField],
  mode: ColumnMappingMode,
  path: string,
): string {
  const found = field.type.kind === "void" ? undefined : fieldIn(shape.columns, name, field, mode);
  if (found === undefined) return `NULL::${duckdbType(field.type)}`;
  return valueOf(identifier(found.read), found.type, field.type, {
    mode,
    path,
    column: name,
    depth: 0,
    calendar: shape.calendar,
  });
}

/** The field of a file that is a field of the table; undefined where the file has none. */
function fieldIn(
  fields: readonly FileField[],
  name: string,
  field: StructField,
  mode: ColumnMappingMode,
): FileField | undefined {
  const id = columnIdOf(field, mode);
  if (mode === "id" && id !== undefined) return fields.find((candidate) => candidate.id === id);
  const physical = physicalNameOf(name, field, mode);
  return (
    fields.find((candidate) => candidate.name === physical) ??
    fields.find((candidate) => candidate.name.toLowerCase() === physical.toLowerCase())
  );
}

interface Place {
  readonly mode: ColumnMappingMode;
  readonly path: string;
  readonly column: string;
  /** How many lambdas are around: each has a variable of its own. */
  readonly depth: number;
  readonly calendar: HybridCalendar | undefined;
}

function valueOf(sql: string, from: FileType, to: DataType, place: Place): string {
  if (place.calendar === undefined && isSame(from, to, place.mode)) return sql;
  if (from.kind === "struct" && to.kind === "struct") {
    const fields = Object.entries<StructField>(to.fields).map(([name, field]) => {
      const found = fieldIn(from.fields, name, field, place.mode);
      const value =
        found === undefined
          ? `NULL::${duckdbType(field.type)}`
          : valueOf(`struct_extract(${sql}, ${stringLiteral(found.read)})`, found.type, field.type, {
              ...place,
              column: `${place.column}.${name}`,
            });
      return `${identifier(name)} := ${value}`;
    });
    return `CASE WHEN ${sql} IS NOT NULL THEN struct_pack(${fields.join(", ")}) END`;
  }
  const element = identifier(`e${place.depth}`);
  const inner = { ...place, depth: place.depth + 1 };
  if (from.kind === "list" && to.kind === "array") {
    return `list_transform(${sql}, lambda ${element}: ${valueOf(element, from.element, to.element, inner)})`;
  }
  if (from.kind === "map" && to.kind === "map") {
    const key = valueOf(`struct_extract(${element}, 'key')`, from.key, to.key, inner);
    const value = valueOf(`struct_extract(${element}, 'value')`, from.value, to.value, inner);
    const entries = `list_transform(map_entries(${sql}), lambda ${element}: struct_pack("key" := ${key}, "value" := ${value}))`;
    return `CASE WHEN ${sql} IS NOT NULL THEN map_from_entries(${entries}) END`;
  }
  const value =
    to.kind === "variant"
      ? variantValue(sql, from, place)
      : from.kind === "leaf"
        ? calendarValue(sql, from, to, place)
        : undefined;
  if (value !== undefined) return value;
  // Writers that know no type for a column without values give it any.
  const what = `DATA_ERROR: ${place.path} has ${from.kind === "leaf" ? from.type : `a ${from.kind}`} where the column ${place.column} is ${typeName(to)}`;
  return `CASE WHEN ${sql} IS NOT NULL THEN CAST(error(${stringLiteral(what)}) AS ${duckdbType(to)}) END`;
}

/** A flat value; where it is a date or a time of another calendar, as that of ours. */
function calendarValue(
  sql: string,
  { type, isInt96 = false }: Extract<FileType, { readonly kind: "leaf" }>,
  to: DataType,
  { calendar, path }: Place,
): string | undefined {
  if (calendar === undefined) return leafValue(sql, type, to);
  if (type === "DATE") return leafValue(calendar.ofDates ? `(${rebasedDate(sql)})` : sql, type, to);
  const value = leafValue(sql, type, to);
  const isHybrid = to.kind === "timestamp" && (isInt96 ? calendar.ofInt96 : calendar.ofDates);
  return value !== undefined && isHybrid ? rebasedTimestamp(value, calendar.zone, path) : value;
}

/** A group of columns as JSON text (Parquet's VariantEncoding.md § Variant in Parquet); undefined for what is no such group. */
function variantValue(sql: string, from: FileType, { path, column }: Place): string | undefined {
  if (from.kind !== "struct" || !from.fields.some(({ name }) => name === "metadata")) return undefined;
  if (hasRenamed(from))
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `${path} has fields of the variant ${column} in columns whose names differ by case alone. Write the file anew without variantShredding.`,
    );
  return `${variantFunction}(${sql}, ${stringLiteral(`${path}, column ${column}`)})`;
}

/** True where DuckDB calls a field otherwise than the file does. */
function hasRenamed(type: FileType): boolean {
  if (type.kind === "list") return hasRenamed(type.element);
  return (
    type.kind === "struct" && type.fields.some(({ name, read, type: inner }) => name !== read || hasRenamed(inner))
  );
}

/** True where DuckDB reads a value of the file as one of the table, to the names and the order of fields. */
const unlike: ReadonlySet<DataType["kind"]> = new Set(["struct", "array", "map", "variant"]);

function isSame(from: FileType, to: DataType, mode: ColumnMappingMode): boolean {
  switch (from.kind) {
    case "leaf":
      return !unlike.has(to.kind) && from.type === duckdbType(to);
    case "list":
      return to.kind === "array" && isSame(from.element, to.element, mode);
    case "map":
      return to.kind === "map" && isSame(from.key, to.key, mode) && isSame(from.value, to.value, mode);
    case "struct": {
      if (to.kind !== "struct") return false;
      const fields = Object.entries<StructField>(to.fields);
      return (
        fields.length === from.fields.length &&
        fields.every(([name, field], index) => {
          const there = from.fields[index] as FileField;
          const isField = fieldIn([there], name, field, mode) !== undefined;
          return isField && there.read === name && isSame(there.type, field.type, mode);
        })
      );
    }
  }
}

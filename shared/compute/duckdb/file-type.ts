/** What a Parquet file holds, as DuckDB reads it: names as the file has them, and the ids of its fields. */
import { DuckDBListType, DuckDBMapType, DuckDBStructType, type DuckDBType } from "@duckdb/node-api";
import { columnIdOf, physicalNameOf, type ColumnMappingMode } from "../../core/index.ts";
import type { HybridCalendar } from "./hybrid-calendar.ts";
import { duckdbType, type DataType, type Schema, type StructField } from "../../plan/index.ts";

export type FileType =
  | { readonly kind: "leaf"; /** As DuckDB spells it. */ readonly type: string; readonly isInt96?: boolean }
  | { readonly kind: "struct"; readonly fields: readonly FileField[] }
  | { readonly kind: "list"; readonly element: FileType }
  | { readonly kind: "map"; readonly key: FileType; readonly value: FileType };

export interface FileField {
  /** As the file has it. */
  readonly name: string;
  /** As DuckDB calls it: another name where names of the file differ by case alone. */
  readonly read: string;
  readonly id: number | undefined;
  readonly type: FileType;
}

/** The columns of a file, in its order. */
export interface FileShape {
  readonly columns: readonly FileField[];
  /** Of dates and times; absent for the one that all use now. */
  readonly calendar?: HybridCalendar;
}

/** A node of a file's schema, as the file tells it. */
export interface ParquetNode {
  readonly name: string;
  readonly id: number | undefined;
  readonly isRepeated: boolean;
  readonly isInt96: boolean;
  readonly children: readonly ParquetNode[];
}

/** A field as DuckDB reads it, of the type `type`, with what the file's own schema says of it. */
export function fileField(read: string, type: DuckDBType, node: ParquetNode | undefined): FileField {
  return { name: node?.name ?? read, read, id: node?.id, type: fileType(type, node) };
}

function fileType(type: DuckDBType, node: ParquetNode | undefined): FileType {
  if (type instanceof DuckDBStructType) {
    const nodes = node?.children.length === type.entryNames.length ? node.children : [];
    return {
      kind: "struct",
      fields: type.entryNames.map((name, index) => fileField(name, type.entryTypes[index] as DuckDBType, nodes[index])),
    };
  }
  if (type instanceof DuckDBListType) return { kind: "list", element: fileType(type.valueType, elementNode(node)) };
  if (type instanceof DuckDBMapType) {
    const [key, value] = node?.children[0]?.children ?? [];
    return { kind: "map", key: fileType(type.keyType, key), value: fileType(type.valueType, value) };
  }
  return { kind: "leaf", type: type.toString(), ...(node?.isInt96 && { isInt96: true }) };
}

/** Where the elements of a list are: below its repeated group, or, as older writers had it, the repeated field itself. */
function elementNode(list: ParquetNode | undefined): ParquetNode | undefined {
  if (list === undefined || list.isRepeated) return list && { ...list, isRepeated: false };
  const [repeated] = list.children;
  const isElement =
    repeated === undefined ||
    repeated.children.length !== 1 ||
    repeated.name === "array" ||
    repeated.name === `${list.name}_tuple`;
  return isElement ? repeated && { ...repeated, isRepeated: false } : repeated.children[0];
}

/** The shape of files that are written with these columns. */
export function shapeOfSchema({ fields }: Schema, mode: ColumnMappingMode, leftOut: readonly string[] = []): FileShape {
  const columns = Object.entries<StructField>(fields).filter(
    ([name, { type }]) => type.kind !== "void" && !leftOut.includes(name),
  );
  return { columns: columns.map(([name, field]) => writtenField(name, field, mode)) };
}

function writtenField(name: string, field: StructField, mode: ColumnMappingMode): FileField {
  const physical = physicalNameOf(name, field, mode);
  return { name: physical, read: physical, id: columnIdOf(field, mode), type: writtenType(field.type, mode) };
}

function writtenType(type: DataType, mode: ColumnMappingMode): FileType {
  switch (type.kind) {
    case "struct":
      return {
        kind: "struct",
        fields: Object.entries<StructField>(type.fields).map(([name, field]) => writtenField(name, field, mode)),
      };
    case "array":
      return { kind: "list", element: writtenType(type.element, mode) };
    case "map":
      return { kind: "map", key: writtenType(type.key, mode), value: writtenType(type.value, mode) };
    default:
      return { kind: "leaf", type: duckdbType(type) };
  }
}

/**
 * How rows of a target lie in its files (PROTOCOL.md § Writer Requirements for Column Mapping): under physical names, at every depth, and
 * with the ids of their fields.
 */
import { columnIdOf, DyneError, physicalNameOf, type ColumnMappingMode } from "../../core/index.ts";
import { duckdbType, hasVariant, type DataType, type Schema, type StructField } from "../../plan/index.ts";
import type { WriteTarget } from "../compute.ts";
import { shapeOfSchema, type FileShape } from "./file-type.ts";
import { identifier, stringLiteral } from "./identifier.ts";
import { statisticsSchema } from "./statistics-schema.ts";

export interface StoredForm {
  /** The columns as SQL over the rows to write. */
  readonly columns: readonly string[];
  readonly partitionBy: readonly { readonly physical: string; readonly type: DataType }[];
  /** The option FIELD_IDS of COPY; undefined for files without ids. */
  readonly fieldIds: string | undefined;
  /** The columns that the files' statistics tell of, as the files name them. */
  readonly statistics: Schema;
  /** What the written files hold. */
  readonly shape: FileShape;
}

/** Delta's default (`delta.dataSkippingNumIndexedCols`). */
const firstColumns = { kind: "first", count: 32 } as const;

/** The form of a target's files. Values get exactly the types of its schema. Throws UNSUPPORTED_FEATURE for variants. */
export function storedForm({ schema, partitionBy, columnMapping: mode = "none", layout }: WriteTarget): StoredForm {
  const variant = Object.entries<StructField>(schema.fields).find(([, { type }]) => hasVariant(type));
  if (variant !== undefined)
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `The column ${variant[0]} has variants, which dyne reads and does not write. Use Spark for it.`,
    );
  const fields = Object.entries<StructField>(schema.fields).filter(([, { type }]) => type.kind !== "void");
  const columns = fields.map(([name, field]) => {
    const value = mode === "none" ? identifier(name) : storedValue(identifier(name), field.type, mode, 0);
    return `CAST(${value} AS ${duckdbType(storedType(field.type, mode))}) AS ${identifier(physicalNameOf(name, field, mode))}`;
  });
  const stored = fields.filter(([name]) => !partitionBy.includes(name));
  const ids = stored.flatMap(([name, field]) => fieldId(name, field, mode));
  return {
    columns,
    partitionBy: partitionBy.map((name) => {
      const field = fields.find(([candidate]) => candidate === name)?.[1] ?? {
        type: { kind: "string" },
        nullable: true,
      };
      return { physical: physicalNameOf(name, field, mode), type: field.type };
    }),
    fieldIds: ids.length === 0 ? undefined : `{${ids.join(", ")}}`,
    statistics: storedType(
      statisticsSchema({ kind: "struct", fields: Object.fromEntries(stored) }, layout?.statistics ?? firstColumns),
      mode,
    ) as Schema,
    shape: shapeOfSchema(schema, mode, partitionBy),
  };
}

/** A value with the fields of its structs under their physical names. */
function storedValue(sql: string, type: DataType, mode: ColumnMappingMode, depth: number): string {
  if (!hasFields(type)) return sql;
  const element = identifier(`e${depth}`);
  switch (type.kind) {
    case "struct": {
      const fields = Object.entries<StructField>(type.fields).map(([name, field]) => {
        const value = storedValue(`struct_extract(${sql}, ${stringLiteral(name)})`, field.type, mode, depth);
        return `${identifier(physicalNameOf(name, field, mode))} := ${value}`;
      });
      return `CASE WHEN ${sql} IS NOT NULL THEN struct_pack(${fields.join(", ")}) END`;
    }
    case "array":
      return `list_transform(${sql}, lambda ${element}: ${storedValue(element, type.element, mode, depth + 1)})`;
    case "map": {
      const key = storedValue(`struct_extract(${element}, 'key')`, type.key, mode, depth + 1);
      const value = storedValue(`struct_extract(${element}, 'value')`, type.value, mode, depth + 1);
      const entries = `list_transform(map_entries(${sql}), lambda ${element}: struct_pack("key" := ${key}, "value" := ${value}))`;
      return `CASE WHEN ${sql} IS NOT NULL THEN map_from_entries(${entries}) END`;
    }
    default:
      return sql;
  }
}

function hasFields(type: DataType): boolean {
  switch (type.kind) {
    case "struct":
      return true;
    case "array":
      return hasFields(type.element);
    case "map":
      return hasFields(type.key) || hasFields(type.value);
    default:
      return false;
  }
}

/** The type under physical names. */
function storedType(type: DataType, mode: ColumnMappingMode): DataType {
  if (mode === "none") return type;
  switch (type.kind) {
    case "struct": {
      const fields = Object.entries<StructField>(type.fields).map(([name, field]): [string, StructField] => [
        physicalNameOf(name, field, mode),
        { ...field, type: storedType(field.type, mode) },
      ]);
      return { kind: "struct", fields: Object.fromEntries(fields) };
    }
    case "array":
      return { ...type, element: storedType(type.element, mode) };
    case "map":
      return { ...type, key: storedType(type.key, mode), value: storedType(type.value, mode) };
    default:
      return type;
  }
}

/** A member of FIELD_IDS, by physical name; none for a field that has no id at any depth. */
function fieldId(name: string, field: StructField, mode: ColumnMappingMode): string[] {
  const id = columnIdOf(field, mode);
  const members = [...(id === undefined ? [] : [`__duckdb_field_id: ${id}`]), ...innerIds(field.type, mode)];
  return members.length === 0 ? [] : [`${identifier(physicalNameOf(name, field, mode))}: {${members.join(", ")}}`];
}

function innerIds(type: DataType, mode: ColumnMappingMode): string[] {
  const part = (name: string, inner: DataType): string[] => {
    const members = innerIds(inner, mode);
    return members.length === 0 ? [] : [`${name}: {${members.join(", ")}}`];
  };
  switch (type.kind) {
    case "struct":
      return Object.entries<StructField>(type.fields).flatMap(([name, field]) => fieldId(name, field, mode));
    case "array":
      return part("element", type.element);
    case "map":
      return [...part("key", type.key), ...part("value", type.value)];
    default:
      return [];
  }
}

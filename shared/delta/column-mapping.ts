/** Column mapping (PROTOCOL.md § Column Mapping): which mode a table has, and what its log calls the columns. */
import { columnMappingKeys, DyneError, physicalNameOf, type ColumnMappingMode } from "../core/index.ts";
import type { DataType, Schema, StructField } from "../plan/index.ts";
import type { Metadata, PartitionValues, Protocol } from "./actions.ts";

const modeProperty = "delta.columnMapping.mode";

/** What has to be known of a table to find its columns in its files and in its log. */
export interface TableForm {
  readonly schema: Schema;
  readonly partitionBy: readonly string[];
  /** By the names of the schema where absent. */
  readonly columnMapping?: ColumnMappingMode | undefined;
}

/**
 * The mode of a table. The property counts only where the protocol has the feature (PROTOCOL.md § Reader Requirements for Column Mapping).
 * Throws LOG_CORRUPT for a mode that is none, and for a schema whose fields do not say their ids and physical names.
 */
export function columnMappingOf(
  path: string,
  protocol: Protocol,
  metadata: Metadata,
  schema: Schema,
): ColumnMappingMode {
  const { minReaderVersion, readerFeatures = [] } = protocol;
  if (minReaderVersion !== 2 && !readerFeatures.includes("columnMapping")) return "none";
  const text = metadata.configuration[modeProperty] ?? "none";
  // Spark keeps the case in which somebody wrote it.
  const mode = text.trim().toLowerCase();
  if (mode === "none") return mode;
  if (mode !== "name" && mode !== "id")
    throw corrupt(path, `has the ${modeProperty} "${text}", which is none of none, name and id`);
  assertMapped(path, schema, "");
  return mode;
}

/** A file's partition values by the names of the schema. */
export function logicalPartitionValues(table: TableForm, values: PartitionValues): PartitionValues {
  if (table.columnMapping === undefined || table.columnMapping === "none") return values;
  return Object.fromEntries(
    table.partitionBy.flatMap((name) => {
      const value = values[logName(table, name)];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** What the log calls a column of a table, in partition values and in statistics. */
export function logName({ schema, columnMapping = "none" }: TableForm, column: string): string {
  const fields = schema.fields as Readonly<Record<string, StructField>>;
  const field = Object.hasOwn(fields, column) ? fields[column] : undefined;
  return field === undefined ? column : physicalNameOf(column, field, columnMapping);
}

function assertMapped(path: string, type: DataType, place: string): void {
  if (type.kind === "array") return assertMapped(path, type.element, `${place}[]`);
  if (type.kind === "map") {
    assertMapped(path, type.key, `${place}.key`);
    return assertMapped(path, type.value, `${place}.value`);
  }
  if (type.kind !== "struct") return;
  const taken = new Map<string, string>();
  for (const [name, field] of Object.entries<StructField>(type.fields)) {
    const column = place === "" ? name : `${place}.${name}`;
    const id = field.metadata?.[columnMappingKeys.id];
    const physicalName = field.metadata?.[columnMappingKeys.physicalName];
    if (!Number.isInteger(id) || typeof physicalName !== "string")
      throw corrupt(path, `maps its columns, and ${column} has no id or no physical name`);
    const other = taken.get(physicalName);
    if (other !== undefined) throw corrupt(path, `maps ${other} and ${column} to one physical name`);
    taken.set(physicalName, column);
    assertMapped(path, field.type, column);
  }
}

function corrupt(path: string, what: string): DyneError {
  return new DyneError("LOG_CORRUPT", `The table ${path} ${what}. Restore the log from a copy.`);
}

/** Under which names and ids the columns of a schema are in files (PROTOCOL.md § Column Mapping). */

/** A field of a schema, as far as its metadata goes. */
interface MappedField {
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
}

/** By the names of the schema, by the physical names that its fields have, or by the ids that they have. */
export type ColumnMappingMode = "none" | "name" | "id";

/** The keys of a field's metadata. */
export const columnMappingKeys = {
  id: "delta.columnMapping.id",
  physicalName: "delta.columnMapping.physicalName",
} as const;

/** What files, and the log, call a field. One without a physical name, such as a column beside the table's, has its own. */
export function physicalNameOf(name: string, { metadata }: MappedField, mode: ColumnMappingMode): string {
  const physical = mode === "none" ? undefined : metadata?.[columnMappingKeys.physicalName];
  return typeof physical === "string" ? physical : name;
}

/** The id that a field has in files; undefined for one without. */
export function columnIdOf({ metadata }: MappedField, mode: ColumnMappingMode): number | undefined {
  const id = mode === "none" ? undefined : metadata?.[columnMappingKeys.id];
  return typeof id === "number" ? id : undefined;
}

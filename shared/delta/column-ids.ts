/** Ids and physical names of columns, for tables that map them (PROTOCOL.md § Column Mapping, § Writer Requirements for Column Mapping). */
import type { DataType, Schema, StructField } from "../plan/index.ts";

const idKey = "delta.columnMapping.id";
const nameKey = "delta.columnMapping.physicalName";

/** A schema whose fields, nested ones too, all have an id and a physical name; and the greatest id that was ever given. */
export interface NumberedSchema {
  readonly schema: Schema;
  readonly maxColumnId: number;
}

/**
 * Gives the fields that have none an id, counted on from the greatest one, and the name that `physicalName` makes: the logical one for columns
 * whose files are there, a new one for new columns, so that a name that is used again means other columns. Pure but for `physicalName`.
 */
export function numberedSchema(
  schema: Schema,
  { maxColumnId, physicalName }: { readonly maxColumnId: number; readonly physicalName: (name: string) => string },
): NumberedSchema {
  let last = Math.max(maxColumnId, greatestId(schema));
  const fieldOf = (name: string, field: StructField): StructField => {
    const { metadata = {} } = field;
    const id = metadata[idKey] ?? ++last;
    return {
      ...field,
      type: typeOf(field.type),
      metadata: { ...metadata, [idKey]: id, [nameKey]: metadata[nameKey] ?? physicalName(name) },
    };
  };
  const structOf = (struct: Schema): Schema => ({
    ...struct,
    fields: Object.fromEntries(Object.entries(struct.fields).map(([name, field]) => [name, fieldOf(name, field)])),
  });
  const typeOf = (type: DataType): DataType => {
    if (type.kind === "struct") return structOf(type);
    if (type.kind === "array") return { ...type, element: typeOf(type.element) };
    return type.kind === "map" ? { ...type, key: typeOf(type.key), value: typeOf(type.value) } : type;
  };
  return { schema: structOf(schema), maxColumnId: last };
}

function greatestId(type: DataType): number {
  if (type.kind === "array") return greatestId(type.element);
  if (type.kind === "map") return Math.max(greatestId(type.key), greatestId(type.value));
  if (type.kind !== "struct") return 0;
  const ids = Object.values<StructField>(type.fields).map(({ type: inner, metadata }) =>
    Math.max(Number(metadata?.[idKey] ?? 0), greatestId(inner)),
  );
  return Math.max(0, ...ids);
}

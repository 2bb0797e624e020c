/** Schemas with one place changed, by the path to it; see `findColumn`, which spells paths as these functions need them. */
import { typeChangesKey, typeJson, type ColumnPath } from "../../delta/index.ts";
import type { DataType, Schema, StructField } from "../../plan/index.ts";

type Fields = readonly (readonly [string, StructField])[];

/** A schema in which the fields of one struct, itself or one within it, are others. */
export function withStruct(schema: Schema, path: ColumnPath, edit: (fields: Fields) => Fields): Schema {
  return withType(schema, path, (type) =>
    type.kind === "struct" ? { ...type, fields: Object.fromEntries(edit(Object.entries(type.fields))) } : type,
  ).type as Schema;
}

/** A schema with another type in one place, and the change in the metadata of the field around it (PROTOCOL.md § Type Change Metadata). */
export function widenedSchema(schema: Schema, path: ColumnPath, to: DataType): Schema {
  return withType(schema, path, () => to, "listed").type as Schema;
}

interface Edited {
  readonly type: DataType;
  /** A change that the next field outwards is to list. */
  readonly change?: { readonly from: DataType; readonly to: DataType; readonly fieldPath: ColumnPath } | undefined;
}

function withType(type: DataType, path: ColumnPath, edit: (type: DataType) => DataType, listed?: "listed"): Edited {
  const [step, ...rest] = path;
  if (step === undefined) {
    const to = edit(type);
    return { type: to, change: listed && { from: type, to, fieldPath: [] } };
  }
  const inner = (part: DataType): Edited => withType(part, rest, edit, listed);
  const outwards = ({ change }: Edited) => change && { ...change, fieldPath: [step, ...change.fieldPath] };
  switch (type.kind) {
    case "struct": {
      const fields = Object.entries<StructField>(type.fields).map(([name, field]) => [
        name,
        name === step ? withListed(field, inner(field.type)) : field,
      ]);
      return { type: { ...type, fields: Object.fromEntries(fields) } };
    }
    case "array": {
      const edited = inner(type.element);
      return { type: { ...type, element: edited.type }, change: outwards(edited) };
    }
    case "map": {
      const edited = inner(step === "key" ? type.key : type.value);
      return { type: { ...type, [step === "key" ? "key" : "value"]: edited.type }, change: outwards(edited) };
    }
    default:
      return { type };
  }
}

function withListed(field: StructField, { type, change }: Edited): StructField {
  if (change === undefined) return { ...field, type };
  const before = field.metadata?.[typeChangesKey];
  const entry = {
    fromType: typeJson(change.from),
    toType: typeJson(change.to),
    ...(change.fieldPath.length > 0 && { fieldPath: change.fieldPath.join(".") }),
  };
  const changes = [...(Array.isArray(before) ? (before as readonly unknown[]) : []), entry];
  return { ...field, type, metadata: { ...field.metadata, [typeChangesKey]: changes } };
}

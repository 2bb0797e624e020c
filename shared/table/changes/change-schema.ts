/** Whether rows that were written under one schema can be told in another without loss. */
import { tableProperty, type Metadata } from "../../delta/index.ts";
import { typeName, type DataType, type DecimalType, type Schema, type StructField } from "../../plan/index.ts";

/** The columns of a table while one `metaData` action was in force. */
export interface Columns {
  readonly schema: Schema;
  readonly metadata: Metadata;
}

/**
 * What stands in the way of reading rows of earlier columns as rows of later ones: "drops the column b", "changes …". Undefined where nothing
 * does: columns were added, renamed under column mapping (which keeps their identity), or widened. With `sameNames` a renamed column is
 * in the way too.
 */
export function incompatibility(earlier: Columns, later: Columns, { sameNames = false } = {}): string | undefined {
  return structDifference(earlier.schema, later.schema, {
    earlier: isMapped(earlier.metadata),
    later: isMapped(later.metadata),
    sameNames,
    path: "",
  });
}

/**
 * The columns of `later`, each in the wider of its types there and in `earlier`: what rows of both can be told in where a restore undid the
 * widening of a type. A type of which neither is wider stays as it is in `later`. Pure.
 */
export function widestSchema(earlier: Columns, later: Columns): Schema {
  return widestStruct(earlier.schema, later.schema, {
    earlier: isMapped(earlier.metadata),
    later: isMapped(later.metadata),
  });
}

function widestStruct(earlier: Schema, later: Schema, mapped: Pick<Place, "earlier" | "later">): Schema {
  const before = new Map(
    Object.entries<StructField>(earlier.fields).map(([name, field]) => [
      physicalName(name, field, mapped.earlier),
      field.type,
    ]),
  );
  const fields = Object.entries<StructField>(later.fields).map(([name, field]) => {
    const type = before.get(physicalName(name, field, mapped.later));
    return [name, type === undefined ? field : { ...field, type: widestType(type, field.type, mapped) }];
  });
  return { kind: "struct", fields: Object.fromEntries(fields) };
}

function widestType(earlier: DataType, later: DataType, mapped: Pick<Place, "earlier" | "later">): DataType {
  if (earlier.kind === "struct" && later.kind === "struct") return widestStruct(earlier, later, mapped);
  if (earlier.kind === "array" && later.kind === "array")
    return { ...later, element: widestType(earlier.element, later.element, mapped) };
  if (earlier.kind === "map" && later.kind === "map") {
    const key = widestType(earlier.key, later.key, mapped);
    return { ...later, key, value: widestType(earlier.value, later.value, mapped) };
  }
  return isWider(later, earlier) ? earlier : later;
}

/** Columns of an earlier schema by the names that they have later; those that are gone are left out. */
export function laterNames(names: readonly string[], earlier: Columns, later: Columns): readonly string[] {
  const fields = earlier.schema.fields as Readonly<Record<string, StructField>>;
  const isLater = isMapped(later.metadata);
  const now = new Map(
    Object.entries(later.schema.fields).map(([name, field]) => [physicalName(name, field, isLater), name]),
  );
  return names.flatMap((name) => {
    const field = fields[name];
    return (field && now.get(physicalName(name, field, isMapped(earlier.metadata)))) ?? [];
  });
}

interface Place {
  /** Whether fields are told apart by their physical names. */
  readonly earlier: boolean;
  readonly later: boolean;
  readonly sameNames: boolean;
  /** Of the struct, with a dot at its end. */
  readonly path: string;
}

/** Whether columns are told apart by their physical names (PROTOCOL.md § Column Mapping), and can be renamed. */
export function isMapped({ configuration }: Metadata): boolean {
  return tableProperty(configuration, "delta.columnMapping.mode") !== "none";
}

/** PROTOCOL.md § Column Mapping: what stays the same when a column is renamed. */
function physicalName(name: string, { metadata }: StructField, mapped: boolean): string {
  const physical = mapped ? metadata?.["delta.columnMapping.physicalName"] : undefined;
  return typeof physical === "string" ? physical : name;
}

function structDifference(earlier: Schema, later: Schema, place: Place): string | undefined {
  const fields = new Map(
    Object.entries(later.fields).map(([name, field]) => [
      physicalName(name, field, place.later),
      { name, type: field.type },
    ]),
  );
  for (const [name, field] of Object.entries(earlier.fields)) {
    const path = `${place.path}${name}`;
    const now = fields.get(physicalName(name, field, place.earlier));
    if (now === undefined) return `drops the column ${path}`;
    if (place.sameNames && now.name !== name) return `renames the column ${path} to ${now.name}`;
    const found = typeDifference(field.type, now.type, { ...place, path: `${path}.` });
    if (found !== undefined) return found;
  }
  return undefined;
}

function typeDifference(earlier: DataType, later: DataType, place: Place): string | undefined {
  if (earlier.kind === "struct" && later.kind === "struct") return structDifference(earlier, later, place);
  if (earlier.kind === "array" && later.kind === "array")
    return typeDifference(earlier.element, later.element, { ...place, path: `${place.path}element.` });
  if (earlier.kind === "map" && later.kind === "map")
    return (
      typeDifference(earlier.key, later.key, { ...place, path: `${place.path}key.` }) ??
      typeDifference(earlier.value, later.value, { ...place, path: `${place.path}value.` })
    );
  if (typeName(earlier) === typeName(later) || isWider(earlier, later)) return undefined;
  return `changes the column ${place.path.slice(0, -1)} from ${typeName(earlier)} to ${typeName(later)}`;
}

const integers = ["byte", "short", "integer", "long"];
/** Digits that hold every value of the type. */
const digits: Readonly<Record<string, number>> = { byte: 3, short: 5, integer: 10, long: 19 };

/** PROTOCOL.md § Type Widening: the changes of type that lose no value. */
function isWider(from: DataType, to: DataType): boolean {
  const rank = integers.indexOf(from.kind);
  if (rank >= 0 && integers.indexOf(to.kind) > rank) return true;
  if (to.kind === "double") return from.kind === "float" || (rank >= 0 && from.kind !== "long");
  if (to.kind === "timestamp_ntz") return from.kind === "date";
  if (to.kind !== "decimal") return false;
  const before: DecimalType | undefined =
    from.kind === "decimal"
      ? from
      : rank < 0
        ? undefined
        : { kind: "decimal", precision: digits[from.kind]!, scale: 0 };
  if (before === undefined) return false;
  return to.scale >= before.scale && to.precision - to.scale >= before.precision - before.scale;
}

import type { DataType, StructField } from "./types.ts";

const primitiveNames = {
  boolean: "boolean",
  byte: "tinyint",
  short: "smallint",
  integer: "int",
  long: "bigint",
  float: "float",
  double: "double",
  string: "string",
  binary: "binary",
  date: "date",
  timestamp: "timestamp",
  timestamp_ntz: "timestamp_ntz",
  variant: "variant",
  void: "void",
} as const;

/** A type as Spark spells it: `bigint`, `decimal(10,2)`, `struct<a:int,b:array<string>>`. */
export function typeName(type: DataType): string {
  switch (type.kind) {
    case "decimal":
      return `decimal(${type.precision},${type.scale})`;
    case "array":
      return `array<${typeName(type.element)}>`;
    case "map":
      return `map<${typeName(type.key)},${typeName(type.value)}>`;
    case "struct": {
      const fields = Object.entries<StructField>(type.fields);
      return `struct<${fields.map(([name, field]) => `${fieldName(name)}:${typeName(field.type)}`).join(",")}>`;
    }
    default:
      return primitiveNames[type.kind];
  }
}

function fieldName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : `\`${name.replaceAll("`", "``")}\``;
}

/** Whether values of both types are stored alike: names, order and precision count, nullability and metadata do not. */
export function sameType(a: DataType, b: DataType): boolean {
  return typeName(a) === typeName(b);
}

/** Whether a type takes part in arithmetic. */
export function isNumeric(type: DataType): boolean {
  return isIntegral(type) || type.kind === "float" || type.kind === "double" || type.kind === "decimal";
}

/** Whether a type is a whole number of fixed width. */
export function isIntegral(type: DataType): boolean {
  return type.kind === "byte" || type.kind === "short" || type.kind === "integer" || type.kind === "long";
}

const exactKinds: ReadonlySet<DataType["kind"]> = new Set([
  "boolean",
  "byte",
  "short",
  "integer",
  "long",
  "decimal",
  "string",
  "date",
  "timestamp",
  "timestamp_ntz",
]);

/**
 * Whether a value of a type is found again by comparing with it, and is the same after it was written as text: floats, of which one number
 * may have been computed in several ways, are not, and what is nested or bytes neither.
 */
export function isExact({ kind }: DataType): boolean {
  return exactKinds.has(kind);
}

/** Whether values of a type are variants, or have some within. They cannot be compared, sorted or grouped by, as in Spark. */
export function hasVariant(type: DataType): boolean {
  switch (type.kind) {
    case "variant":
      return true;
    case "array":
      return hasVariant(type.element);
    case "map":
      return hasVariant(type.key) || hasVariant(type.value);
    case "struct":
      return Object.values<StructField>(type.fields).some((field) => hasVariant(field.type));
    default:
      return false;
  }
}

/** Whether a type is a floating-point number or has one in it, be it in a map. */
export function holdsFloat(type: DataType): boolean {
  switch (type.kind) {
    case "float":
    case "double":
      return true;
    case "array":
      return holdsFloat(type.element);
    case "map":
      return holdsFloat(type.key) || holdsFloat(type.value);
    case "struct":
      return Object.values<StructField>(type.fields).some((field) => holdsFloat(field.type));
    default:
      return false;
  }
}

/** Whether a type is a map or has one in it: maps have no order. */
export function holdsMap(type: DataType): boolean {
  if (type.kind === "map") return true;
  if (type.kind === "array") return holdsMap(type.element);
  return type.kind === "struct" && Object.values<StructField>(type.fields).some((field) => holdsMap(field.type));
}

/** Structs, arrays and maps from JSON text: DuckDB makes fields, elements and entries of it by their types. */
import { duckdbType, type DataType, type StructField } from "../../plan/index.ts";
import { identifier } from "./identifier.ts";

/** SQL for a value of a nested type from a column of JSON text; see `RowValue` for its form. */
export function nestedFromJson(column: string, type: DataType): string {
  const value = `CAST(CAST(${column} AS JSON) AS ${duckdbType(withTexts(type))})`;
  return holdsBinary(type) ? withBinary(value, type, 0) : value;
}

/** DuckDB takes a JSON text for the bytes themselves, so binary travels as base64. */
function withTexts(type: DataType): DataType {
  switch (type.kind) {
    case "binary":
      return { kind: "string" };
    case "array":
      return { ...type, element: withTexts(type.element) };
    case "map":
      return { ...type, key: withTexts(type.key), value: withTexts(type.value) };
    case "struct": {
      const fields = Object.entries<StructField>(type.fields);
      return {
        kind: "struct",
        fields: Object.fromEntries(fields.map(([name, field]) => [name, { ...field, type: withTexts(field.type) }])),
      };
    }
    default:
      return type;
  }
}

function holdsBinary(type: DataType): boolean {
  switch (type.kind) {
    case "array":
      return holdsBinary(type.element);
    case "map":
      return holdsBinary(type.key) || holdsBinary(type.value);
    case "struct":
      return Object.values<StructField>(type.fields).some((field) => holdsBinary(field.type));
    default:
      return type.kind === "binary";
  }
}

/** The value with its texts of bytes made bytes; lambdas within each other have names of their own. */
function withBinary(value: string, type: DataType, depth: number): string {
  if (!holdsBinary(type)) return value;
  const inner = `x${depth}`;
  switch (type.kind) {
    case "array":
      return `list_transform(${value}, lambda ${inner}: ${withBinary(inner, type.element, depth + 1)})`;
    case "map": {
      const [key, entry] = [
        withBinary(`${inner}.key`, type.key, depth + 1),
        withBinary(`${inner}.value`, type.value, depth + 1),
      ];
      return `map_from_entries(list_transform(map_entries(${value}), lambda ${inner}: struct_pack(key := ${key}, value := ${entry})))`;
    }
    case "struct": {
      const fields = Object.entries<StructField>(type.fields).map(
        ([name, field]) => `${identifier(name)} := ${withBinary(`(${value}).${identifier(name)}`, field.type, depth)}`,
      );
      return `CASE WHEN ${value} IS NOT NULL THEN struct_pack(${fields.join(", ")}) END`;
    }
    default:
      return `from_base64(${value})`;
  }
}

import type { DataType } from "../../plan/index.ts";
import { identifier } from "./identifier.ts";

/** DuckDB's spelling of a type. Spark's timestamp is an instant: TIMESTAMP WITH TIME ZONE in a session in UTC. */
export function columnType(type: DataType): string {
  switch (type.kind) {
    case "boolean":
      return "BOOLEAN";
    case "byte":
      return "TINYINT";
    case "short":
      return "SMALLINT";
    case "integer":
      return "INTEGER";
    case "long":
      return "BIGINT";
    case "float":
      return "FLOAT";
    case "double":
      return "DOUBLE";
    case "string":
      return "VARCHAR";
    case "binary":
      return "BLOB";
    case "date":
      return "DATE";
    case "timestamp":
      return "TIMESTAMPTZ";
    case "timestamp_ntz":
      return "TIMESTAMP";
    case "decimal":
      return `DECIMAL(${type.precision}, ${type.scale})`;
    case "array":
      return `${columnType(type.element)}[]`;
    case "map":
      return `MAP(${columnType(type.key)}, ${columnType(type.value)})`;
    case "struct":
      return `STRUCT(${Object.entries(type.fields as Record<string, { type: DataType }>)
        .map(([name, field]) => `${identifier(name)} ${columnType(field.type)}`)
        .join(", ")})`;
  }
}

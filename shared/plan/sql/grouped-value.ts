/**
 * What rows are grouped by, as Spark has it: zeros of both signs are one group, whose key is the positive one, and so are all NaNs. DuckDB
 * compares alike, but shows the value that it met first.
 */
import type { Dialect } from "../functions/function-definition.ts";
import { holdsFloat } from "../type-name.ts";
import type { DataType, StructField } from "../types.ts";
import { quoteName, quoteText, sqlType } from "./quoting.ts";

/** `sql`, which is a value of `type`, with positive zeros only. It is repeated where values of structs are in it. */
export function groupedValue(sql: string, type: DataType, dialect: Dialect): string {
  return dialect === "duckdb" && holdsFloat(type) ? positiveZeros(sql, type, 0) : sql;
}

function positiveZeros(sql: string, type: DataType, depth: number): string {
  switch (type.kind) {
    case "float":
    case "double":
      return `(${sql}) + 0.0::${sqlType(type, "duckdb")}`;
    case "array": {
      if (!holdsFloat(type.element)) return sql;
      const element = quoteName(`z${depth}`, "duckdb");
      return `list_transform(${sql}, lambda ${element}: ${positiveZeros(element, type.element, depth + 1)})`;
    }
    case "struct": {
      if (!holdsFloat(type)) return sql;
      const parts = Object.entries<StructField>(type.fields).map(([name, field]) => {
        const part = positiveZeros(`struct_extract(${sql}, ${quoteText(name, "duckdb")})`, field.type, depth);
        return `${quoteName(name, "duckdb")} := ${part}`;
      });
      return `CASE WHEN ${sql} IS NOT NULL THEN struct_pack(${parts.join(", ")}) END`;
    }
    default:
      return sql;
  }
}

/**
 * What rows are ordered by, as Spark has it: within structs and arrays NULL is less than every value, wherever NULLs of the column itself stand.
 * DuckDB takes it for the greatest there.
 */
import type { Dialect } from "../functions/function-definition.ts";
import type { DataType, StructField } from "../types.ts";
import { groupedValue } from "./grouped-value.ts";
import { quoteName, quoteText } from "./quoting.ts";

/** `sql`, which is a value of `type`, as a value that is ordered in DuckDB as that one is in Spark. It is repeated where it is nested. */
export function orderedValue(sql: string, type: DataType, dialect: Dialect): string {
  return dialect === "duckdb" ? ordered(sql, type, 0) : sql;
}

function ordered(sql: string, type: DataType, depth: number): string {
  switch (type.kind) {
    case "array": {
      const element = quoteName(`o${depth}`, "duckdb");
      return `list_transform(${sql}, lambda ${element}: ${within(element, type.element, depth + 1)})`;
    }
    case "struct": {
      const parts = Object.entries<StructField>(type.fields).map(
        ([name, field], index) =>
          `f${index} := ${within(`struct_extract(${sql}, ${quoteText(name, "duckdb")})`, field.type, depth)}`,
      );
      return parts.length === 0 ? sql : `CASE WHEN ${sql} IS NOT NULL THEN struct_pack(${parts.join(", ")}) END`;
    }
    default:
      return groupedValue(sql, type, "duckdb");
  }
}

/** A value in a struct or an array: whether there is one comes before what it is. */
const within = (sql: string, type: DataType, depth: number): string =>
  `struct_pack(present := ${sql} IS NOT NULL, value := ${ordered(sql, type, depth)})`;

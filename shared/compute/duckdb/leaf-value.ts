/**
 * A flat value of a file as one of a column's type: widened types (PROTOCOL.md § Type Widening), and forms that other writers and older
 * ones have for the same values.
 */
import { duckdbType, type DataType } from "../../plan/index.ts";

const integers: readonly string[] = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT"];
const unsignedIntegers: readonly string[] = ["UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"];
/** Without a zone, in seconds, milliseconds, microseconds. */
const coarseTimestamps: readonly string[] = ["TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP"];
const zoned = "TIMESTAMP WITH TIME ZONE";

/**
 * The SQL of the value, `from` as DuckDB spells it; undefined where there is none. A value that does not fit fails the job that reads it:
 * no writer of Delta makes a file of which that happens.
 */
export function leafValue(sql: string, from: string, to: DataType): string | undefined {
  if (from === duckdbType(to)) return sql;
  switch (to.kind) {
    case "byte":
    case "short":
    case "integer":
    case "long":
      return isInteger(from) ? cast(sql, to) : undefined;
    case "float":
      return isInteger(from) ? cast(sql, to) : undefined;
    case "double":
      return isInteger(from) || from === "FLOAT" ? cast(sql, to) : undefined;
    case "decimal":
      return isInteger(from) || from.startsWith("DECIMAL(") ? cast(sql, to) : undefined;
    case "string":
      // Older writers do not mark texts as such.
      return from === "BLOB" ? `decode(${sql})` : from === "UUID" || from === "JSON" ? cast(sql, to) : undefined;
    case "binary":
      return from === "VARCHAR" ? `encode(${sql})` : undefined;
    case "timestamp":
    case "timestamp_ntz":
      return moment(sql, from, to.kind === "timestamp" ? "make_timestamptz" : "make_timestamp");
    default:
      return undefined;
  }
}

function isInteger(from: string): boolean {
  return integers.includes(from) || unsignedIntegers.includes(from);
}

function cast(sql: string, to: DataType): string {
  return `CAST(${sql} AS ${duckdbType(to)})`;
}

/** By microseconds: what DuckDB does by zones costs ten times as much, and the session's zone is UTC. */
function moment(sql: string, from: string, make: "make_timestamptz" | "make_timestamp"): string | undefined {
  if (coarseTimestamps.includes(from) || from === zoned) return `${make}(epoch_us(${sql}))`;
  if (from === "TIMESTAMP_NS") {
    const [nanos, rest] = [`epoch_ns(${sql})`, `(epoch_ns(${sql}) % 1000)`];
    return `${make}((${nanos} - (${rest} + 1000) % 1000) // 1000)`;
  }
  return from === "DATE" && make === "make_timestamp" ? `CAST(${sql} AS TIMESTAMP)` : undefined;
}

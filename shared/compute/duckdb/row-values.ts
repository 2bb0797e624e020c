/** DuckDB's result values in the port's forms. */
import {
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  type DuckDBValue,
} from "@duckdb/node-api";
import { DyneError } from "../../core/index.ts";
import type { RowValue } from "../compute.ts";

/** A flat value: timestamps as microseconds, dates as days, decimals as text. Nested values are refused: they do not leave as rows. */
export function rowValue(value: DuckDBValue): RowValue {
  if (
    value === null ||
    typeof value === "boolean" ||
    typeof value === "number" ||
    typeof value === "bigint" ||
    typeof value === "string"
  )
    return value;
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue) return value.micros;
  if (value instanceof DuckDBDateValue) return value.days;
  if (value instanceof DuckDBDecimalValue) return value.toString();
  if (value instanceof DuckDBBlobValue) return Uint8Array.from(value.bytes);
  throw new DyneError(
    "COMPUTE_FAILED",
    `A collected column has a nested value (${value.constructor.name}). Collect flat columns only.`,
  );
}

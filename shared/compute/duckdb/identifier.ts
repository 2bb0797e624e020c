/** Names and texts in DuckDB's SQL. */
import { quoteName, quoteText } from "../../plan/index.ts";

/** A quoted identifier. */
export function identifier(name: string): string {
  return quoteName(name, "duckdb");
}

/** A quoted string literal, also of a text with a NUL character. */
export function stringLiteral(text: string): string {
  return quoteText(text, "duckdb");
}

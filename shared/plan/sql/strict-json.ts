/** Whether a text is JSON, where DuckDB's own reader takes more. */
import { quoteText } from "./quoting.ts";

/** A comma before a closing bracket. */
export const strayComma = `,\\s*[}\\]]`;
/** NaN and the infinities. */
export const noNumber = `[nN][aA][nN]|[iI][nN][fF]`;

const stringLiteral = quoteText(`"([^"\\\\]|\\\\.)*"`, "duckdb");

/**
 * SQL that is true where a column's text is JSON and has none of `wrong`, an expression of RE2, outside of its strings; otherwise false.
 * A text is looked at closely only where it has that anywhere, maybe within a string.
 */
export function isStrictJson(column: string, wrong: string): string {
  const pattern = quoteText(wrong, "duckdb");
  const suspicious = `regexp_matches(${column}, ${pattern})`;
  const lax = `regexp_matches(regexp_replace(${column}, ${stringLiteral}, '""', 'g'), ${pattern})`;
  return `CASE WHEN json_valid(${column}) THEN NOT (CASE WHEN ${suspicious} THEN ${lax} ELSE FALSE END) ELSE FALSE END`;
}

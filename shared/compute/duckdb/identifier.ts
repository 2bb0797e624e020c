/** A quoted identifier of DuckDB. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A quoted string literal of DuckDB. */
export function stringLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

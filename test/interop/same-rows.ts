/** Rows as text, compared by value: texts of the same number, and the order of rows and of names, are free. */

/** The language gives the source text of a number; its library types do not yet. */
interface SourcedJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
}
const sourced = JSON as unknown as SourcedJson;

/** One form for a row, whoever printed it. */
export function canonicalRow(text: string): string {
  const row = sourced.parse(text, (_key, value, { source }) =>
    typeof value === "number" ? { number: canonicalNumber(source ?? String(value)) } : value,
  );
  return JSON.stringify(sorted(row));
}

/** One form for rows, whoever printed them. */
export function canonicalRows(texts: readonly string[]): readonly string[] {
  return texts.map(canonicalRow).sort();
}

/** Whole numbers keep all their digits; others are as close as a double can tell. */
function canonicalNumber(source: string): string {
  if (/^-?\d+$/.test(source)) return BigInt(source).toString();
  const value = Number(source);
  if (Object.is(value, -0)) return "-0";
  return Number.isSafeInteger(value) ? BigInt(value).toString() : String(value);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([name, each]) => [name, sorted(each)]),
  );
}

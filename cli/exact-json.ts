/** JSON whose numbers keep their digits: 64-bit integers do not fit into JavaScript's numbers. */
interface ExactJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): object;
}
/** The language has access to source text; its library types do not yet. */
const exact = JSON as unknown as ExactJson;

/** A value that `JSON.stringify` gives back with all its digits. */
export function parseExact(text: string): unknown {
  return exact.parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined ? exact.rawJSON(source) : value,
  );
}

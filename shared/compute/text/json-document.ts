/**
 * JSON as landed files have it: objects, whose fields become texts. Numbers keep their value to the last digit (1.10 may become 1.1),
 * nested values are their JSON, null is NULL. Of a key that is repeated the last value counts, as in Spark.
 */

/** JSON with the access to source text that the language has and its library types lack. */
interface JsonWithSource {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): Digits;
  isRawJSON(value: unknown): value is Digits;
}
interface Digits {
  readonly rawJSON: string;
}
const json = JSON as unknown as JsonWithSource;

/** A number, or a part of a text, that a double may change. */
const longNumber = /-?\d[\d.]{14,}|\d\.?[eE]/g;

/** The value of a JSON text, in which numbers that a double would change are kept by their digits; undefined where it is not valid JSON. */
export function parseJson(text: string): unknown {
  try {
    return losesDigits(text) ? json.parse(text, keepDigits) : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function keepDigits(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  return typeof value === "number" && source !== undefined && losesDigits(source) ? json.rawJSON(source) : value;
}

/** Looking for such numbers is much cheaper than being asked for the source of every value. */
function losesDigits(text: string): boolean {
  for (const [found] of text.matchAll(longNumber)) if (String(Number(found)) !== found) return true;
  return false;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !json.isRawJSON(value);
}

/** The text of a field; null for JSON's null. Throws RangeError where it is nested too deeply. */
export function jsonText(value: unknown): string | null {
  if (value === null) return null;
  if (typeof value === "string") return value.toWellFormed();
  if (json.isRawJSON(value)) return value.rawJSON;
  return JSON.stringify(value);
}

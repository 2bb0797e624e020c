/** A value that somebody gave, in a few words for a message. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, charactersShown));
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list that begins with ${shown(value[0])}`;
  if (value instanceof Promise) return "a promise";
  if (typeof value === "object" && value !== null) return "an object";
  return typeof value === "function" ? "a function" : String(value);
}

const charactersShown = 60;

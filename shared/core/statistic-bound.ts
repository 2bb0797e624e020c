/**
 * How the least and the greatest value of a column are said in a file's statistics (PROTOCOL.md § Per-file Statistics), and what reading them needs.
 * A bound may be wider than the values, never narrower:
 *
 * - texts are cut to 32 characters, and the upper one is followed by the greatest character there is;
 * - timestamps are in milliseconds, the upper one rounded up;
 * - numbers keep their digits, because a double would change some; a FLOAT is the double of the same value;
 * - what cannot be a bound is left out: NaN, infinities, years that have not four digits, booleans, bytes, and what has parts.
 */

/** Which bound it is. */
export type BoundSide = "min" | "max";

/** Delta's length of string bounds. */
const textBoundCharacters = 32;
const greatestCharacter = "\u{10FFFF}";
const dayPattern = /^\d{4}-\d\d-\d\d$/;
const momentPattern = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(\+00|Z)?$/;

/**
 * A bound as JSON, of a value of a kind of type (as in Delta's schemas) from its text: digits, `2026-01-02`, `2026-01-02 03:04:05.678901`, the last
 * with `+00` or `Z` for a moment. Undefined where none can be given that surely holds. Pure.
 */
export function boundJson(kind: string, text: string, side: BoundSide): string | undefined {
  switch (kind) {
    case "byte":
    case "short":
    case "integer":
    case "long":
      return /^-?\d+$/.test(text) ? text : undefined;
    case "decimal":
      return /^-?\d+(\.\d+)?$/.test(text) ? text : undefined;
    case "float":
      return numberBound(Math.fround(Number(text)));
    case "double":
      return numberBound(Number(text));
    case "date":
      return dayPattern.test(text) ? JSON.stringify(text) : undefined;
    case "timestamp":
    case "timestamp_ntz":
      return momentBound(text, side, kind === "timestamp" ? "Z" : "");
    case "string": {
      const bound = side === "min" ? lowerTextBound(text) : upperTextBound(text);
      return bound === undefined ? undefined : JSON.stringify(bound);
    }
    default:
      return undefined;
  }
}

function numberBound(value: number): string | undefined {
  return Number.isFinite(value) ? JSON.stringify(value) : undefined;
}

function momentBound(text: string, side: BoundSide, zone: "Z" | ""): string | undefined {
  const [, day, time, fraction = "", given = ""] = momentPattern.exec(text) ?? [];
  if (day === undefined || (given === "") !== (zone === "")) return undefined;
  const micros = fraction.padEnd(6, "0");
  const ms = Date.parse(`${day}T${time}.${micros.slice(0, 3)}Z`);
  const rounded = side === "max" && micros.slice(3) !== "000" ? ms + 1 : ms;
  const iso = Number.isNaN(rounded) ? "" : new Date(rounded).toISOString();
  // Years of five digits have no form that every reader knows.
  return /^\d{4}-/.test(iso) ? JSON.stringify(`${iso.slice(0, -1)}${zone}`) : undefined;
}

/** A text that no value which begins like this one is below: its start is. */
export function lowerTextBound(text: string): string {
  return start(text) ?? text;
}

/** A text that this one is not above: its start with the greatest character after it. Undefined where that is what follows the start. */
export function upperTextBound(text: string): string | undefined {
  const cut = start(text);
  if (cut === undefined) return text;
  return text.startsWith(greatestCharacter, cut.length) ? undefined : cut + greatestCharacter;
}

/** The first characters of a text that has more of them. */
function start(text: string): string | undefined {
  if (text.length <= textBoundCharacters) return undefined;
  const characters = Array.from(text.slice(0, 2 * textBoundCharacters)).slice(0, textBoundCharacters);
  const cut = characters.join("");
  return cut.length === text.length ? undefined : cut;
}

/** A text above every text that begins with this one, or undefined where there is none. */
export function textAbovePrefix(prefix: string): string | undefined {
  const characters = Array.from(prefix);
  for (let i = characters.length - 1; i >= 0; i--) {
    const raised = nextCharacter(characters[i]!.codePointAt(0)!);
    if (raised !== undefined) return characters.slice(0, i).join("") + String.fromCodePoint(raised);
  }
  return undefined;
}

/** The next character that is no surrogate. */
function nextCharacter(codePoint: number): number | undefined {
  if (codePoint >= 0x10ffff) return undefined;
  return codePoint >= 0xd7ff && codePoint < 0xe000 ? 0xe000 : codePoint + 1;
}

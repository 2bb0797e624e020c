/**
 * Times as text of a pattern, and back. Of Spark's pattern letters those with a fixed width are taken:
 *
 *     yyyy year   MM month   dd day   HH hour   mm minute   ss second   SSS, SSSSSS parts of a second   DDD day of the year
 *     E, EEE Mon   EEEE Monday   MMM Jan   MMMM January   (these five for writing only)   'T' and signs stand for themselves
 */
import { calling, dateType, orError, scalarEntry, stringType, timestampType } from "./define.ts";
import type { ScalarFunction } from "./function-definition.ts";
import { literalText } from "./calendar.ts";
import { exactly } from "./type-rules.ts";

/** What DuckDB writes for a letter, and how many digits it has where it can be read. */
const letters: Readonly<Record<string, { readonly format: string; readonly digits?: number }>> = {
  yyyy: { format: "%Y", digits: 4 },
  MM: { format: "%m", digits: 2 },
  dd: { format: "%d", digits: 2 },
  HH: { format: "%H", digits: 2 },
  mm: { format: "%M", digits: 2 },
  ss: { format: "%S", digits: 2 },
  SSS: { format: "%g", digits: 3 },
  SSSSSS: { format: "%f", digits: 6 },
  DDD: { format: "%j" },
  E: { format: "%a" },
  EEE: { format: "%a" },
  EEEE: { format: "%A" },
  MMM: { format: "%b" },
  MMMM: { format: "%B" },
};

type Part = { readonly letter: string } | { readonly text: string };

/** The parts of a pattern, or undefined where it has letters that are not taken. */
function partsOf(pattern: string): readonly Part[] | undefined {
  const parts: Part[] = [];
  for (const [found] of pattern.matchAll(/'[^']*'|([A-Za-z])\1*|[^A-Za-z']|'/g)) {
    if (Object.hasOwn(letters, found)) parts.push({ letter: found });
    else if (/^'[^']+'$/.test(found)) parts.push({ text: found.slice(1, -1) });
    else if (/^[-/.:,; _]$/.test(found)) parts.push({ text: found });
    else return undefined;
  }
  return parts.length === 0 ? undefined : parts;
}

const taken = "yyyy MM dd HH mm ss SSS SSSSSS";

function writingProblem([, pattern]: readonly unknown[]): string | undefined {
  return typeof pattern === "string" && partsOf(pattern) !== undefined
    ? undefined
    : `needs as a literal a pattern of ${Object.keys(letters).join(" ")}, quoted text and signs`;
}

function readingProblem(values: readonly unknown[], needed: readonly string[]): string | undefined {
  const parts = typeof values[1] === "string" ? partsOf(values[1]) : undefined;
  const found = parts?.flatMap((part) => ("letter" in part ? [part.letter] : [])) ?? [];
  const fits =
    parts !== undefined &&
    found.every((letter) => letters[letter]?.digits !== undefined) &&
    new Set(found).size === found.length &&
    found.every((letter, index) => !letter.startsWith("S") || index === found.length - 1) &&
    (!found.some((letter) => letter.startsWith("S")) || "letter" in (parts.at(-1) as Part)) &&
    needed.every((letter) => found.includes(letter));
  return fits
    ? undefined
    : `needs as a literal a pattern of ${taken}, each at most once, parts of a second last, and among them ${needed.join(" ")}`;
}

/** A pattern's regular expression, and where in a text each of its letters stands. */
function layout(pattern: string): { readonly expression: string; readonly places: ReadonlyMap<string, string> } {
  let position = 1;
  let expression = "";
  const places = new Map<string, string>();
  for (const part of partsOf(pattern) ?? []) {
    if ("letter" in part) {
      const digits = letters[part.letter]?.digits ?? 0;
      places.set(part.letter, `${position}, ${digits}`);
      // Zeros at the end of a fraction may be missing.
      expression += part.letter.startsWith("S") ? `[0-9]{1,${digits}}` : `[0-9]{${digits}}`;
      position += digits;
    } else {
      expression += part.text.replaceAll(/[^A-Za-z0-9 ]/g, (sign) => `[${sign}]`);
      position += [...part.text].length;
    }
  }
  return { expression, places };
}

/** The parts of a text as numbers, where it has the pattern; a letter that the pattern lacks is 0. */
function read(
  text: string,
  pattern: string,
): { readonly matches: string; readonly number: (letter: string) => string } {
  const { expression, places } = layout(pattern);
  return {
    matches: `regexp_full_match(${text}, '${expression.replaceAll("'", "''")}')`,
    number: (letter) => {
      const place = places.get(letter);
      if (place === undefined) return "0";
      const digits = `substring(${text}, ${place})`;
      return `CAST(${letter.startsWith("S") ? `rpad(${digits}, ${letter.length}, '0')` : digits} AS INTEGER)`;
    },
  };
}

function dayOf(number: (letter: string) => string): string {
  return `make_date(${["yyyy", "MM", "dd"].map(number).join(", ")})`;
}

const texts = [["string"], ["string"]] as const;
const patterned = "the text does not have the pattern";

/** Functions of times and texts. */
export const timeTextFunctions = [
  scalarEntry({
    name: "date_format",
    usage: "dateFormat(time: date | timestamp, pattern: string literal): string",
    does: "A time as text: of Spark's patterns yyyy MM dd HH mm ss SSS SSSSSS DDD E EEEE MMM MMMM, quoted text and signs.",
    type: exactly([["date", "timestamp", "timestamp_ntz"], ["string"]], stringType),
    checkLiterals: writingProblem,
    binds: false,
    duckdb: ([time, pattern], { args }) => {
      const parts = partsOf(literalText(pattern as string)) ?? [];
      const format = parts.map((part) => ("letter" in part ? letters[part.letter]?.format : part.text)).join("");
      const local = args[0]?.kind === "timestamp" ? `timezone('UTC', ${time})` : time;
      return `strftime(${local}, '${format.replaceAll("'", "''")}')`;
    },
    spark: calling("date_format"),
  }),
  scalarEntry({
    name: "to_date",
    usage: "toDate(text: string, pattern: string literal): date",
    does: "The day that a text is by a pattern of yyyy, MM, dd and signs; other text is an error of the row. Without a pattern: YYYY-MM-DD.",
    type: exactly(texts, dateType),
    checkLiterals: (values) => readingProblem(values, ["yyyy", "MM", "dd"]),
    duckdb: ([a, pattern], { bind }) => {
      const { matches, number } = read(a as string, literalText(pattern as string));
      return orError(`CASE WHEN ${matches} THEN TRY(${dayOf(number)}) END`, [a as string], patterned, bind);
    },
    spark: calling("to_date"),
  }),
  scalarEntry({
    name: "to_timestamp",
    usage: "toTimestamp(text: string, pattern: string literal): timestamp",
    does: `The moment in UTC that a text is by a pattern of ${taken} and signs; other text is an error of the row. Without a pattern: ISO-8601.`,
    type: exactly(texts, timestampType),
    checkLiterals: (values) => readingProblem(values, ["yyyy", "MM", "dd"]),
    duckdb: ([a, pattern], { bind }) => {
      const { matches, number } = read(a as string, literalText(pattern as string));
      const [h, m, s] = ["HH", "mm", "ss"].map(number) as [string, string, string];
      const micros = number("SSS") === "0" ? number("SSSSSS") : `${number("SSS")} * 1000`;
      const clock = `to_hours(${h}) + to_minutes(${m}) + to_seconds(${s}) + to_microseconds(${micros})`;
      const inRange = `${h} < 24 AND ${m} < 60 AND ${s} < 60`;
      const value = `TRY(timezone('UTC', CASE WHEN ${inRange} THEN CAST(${dayOf(number)} AS TIMESTAMP) + (${clock}) END))`;
      return orError(`CASE WHEN ${matches} THEN ${value} END`, [a as string], patterned, bind);
    },
    spark: calling("to_timestamp"),
  }),
] as const satisfies readonly ScalarFunction[];

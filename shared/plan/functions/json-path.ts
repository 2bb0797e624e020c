/** Values at paths of JSON text. */
import { quoteText } from "../sql/quoting.ts";
import { isStrictJson, noNumber, strayComma } from "../sql/strict-json.ts";
import { literalText } from "./calendar.ts";
import { calling, scalarEntry, stringType } from "./define.ts";
import type { ScalarFunction } from "./function-definition.ts";
import { exactly } from "./type-rules.ts";

/** A field by its name, or an element by its place from 0. */
type Step = string | number;

/** Spark skips blanks before a name and has no quotes in one; DuckDB has wildcards in names. */
const step = /\.([^.[*\s\p{Cc}][^.[*\p{Cc}]*)|\['([^'?*\s\p{Cc}][^'?*\p{Cc}]*)'\]|\[([0-9]{1,9})\]/uy;

/** The steps of a path from `$`, or undefined for one that is not taken. */
function stepsOf(path: string): readonly Step[] | undefined {
  if (!path.startsWith("$")) return undefined;
  const steps: Step[] = [];
  let end = 1;
  while (end < path.length) {
    step.lastIndex = end;
    const found = step.exec(path);
    if (found === null) return undefined;
    const [{ length }, dotted, quoted, index] = found as unknown as [string, string?, string?, string?];
    steps.push(index === undefined ? (dotted ?? (quoted as string)) : Number(index));
    end += length;
  }
  return steps;
}

const inDuckDb = (steps: readonly Step[]): string =>
  `$${steps.map((each) => (typeof each === "number" ? `[${each}]` : `."${each.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`)).join("")}`;

/** The text of a number with a fraction or an exponent as Java writes its double: `1.0E10`, `0.001`, `1.5E-7`. */
function doubleText(number: string, bind: (sql: string) => string): string {
  const value = bind(`TRY_CAST(${number} AS DOUBLE)`);
  const size = bind(`abs(${value})`);
  const text = bind(`CAST(${size} AS VARCHAR)`);
  const isShort = `contains(${text}, 'e')`;
  const digits = bind(
    `CASE WHEN ${isShort} THEN replace(split_part(${text}, 'e', 1), '.', '') ELSE trim(replace(${text}, '.', ''), '0') END`,
  );
  const fraction = `split_part(${text}, '.', 2)`;
  const exponent = `CASE WHEN ${isShort} THEN TRY_CAST(split_part(${text}, 'e', 2) AS INTEGER) WHEN ${size} >= 1 THEN strpos(${text}, '.') - 2 ELSE length(ltrim(${fraction}, '0')) - length(${fraction}) - 1 END`;
  const sign = `CASE WHEN starts_with(${number}, '-') THEN '-' ELSE '' END`;
  return [
    `CASE WHEN NOT coalesce(isfinite(${value}), FALSE) THEN '"' || ${sign} || 'Infinity"'`,
    `WHEN ${size} = 0 OR (${size} >= 1e-3 AND ${size} < 1e7) THEN ${sign} || ${text}`,
    `ELSE ${sign} || left(${digits}, 1) || '.' || coalesce(nullif(substr(${digits}, 2), ''), '0') || 'E' || (${exponent}) END`,
  ].join(" ");
}

/** Functions of paths, which are literals. */
export const jsonPathFunctions = [
  scalarEntry({
    name: "get_json_object",
    usage: "getJsonObject(json: string, path: string literal): string",
    does: "The value at a path such as `$.a.b[0]['c d']` of JSON text: a string without quotes, an object or an array as JSON text; NULL where there is none, where it is null in an object, and where the text is no JSON. Paths have no wildcards.",
    difference:
      "the last digits of a fraction may differ; within objects and arrays, fractions from ten million on and below a thousandth and characters beyond U+FFFF are spelled in another form; of a key that is there twice the first counts; text after the value, single quotes, and control characters and halves of surrogate pairs in strings, which Spark lets pass, make no JSON; JSON of more than 1,000 levels, with a number of more than 1,000 digits or with a name of more than 50,000 characters is read, and so is a text of more than 20 million characters, where Spark gives NULL",
    type: exactly([["string"], ["string"]], stringType),
    checkLiterals: ([, path]) =>
      typeof path === "string" && stepsOf(path) !== undefined
        ? undefined
        : "needs its path as a literal from $ with steps such as .name, ['name'] and [0], without wildcards and without blanks before a name",
    duckdb: ([json, path], { bind }) => {
      const steps = stepsOf(literalText(path!))!;
      const place = quoteText(inDuckDb(steps), "duckdb");
      const valid = bind(isStrictJson(json!, `${strayComma}|${noNumber}`));
      const type = bind(`CASE WHEN ${valid} THEN json_type(${json}, ${place}) END`);
      const value = bind(`CASE WHEN ${type} IS NOT NULL THEN json_extract_string(${json}, ${place}) END`);
      // A null in an object is passed over by Spark, any other is a value.
      const ofNull = typeof steps.at(-1) === "string" ? "NULL" : "'null'";
      const isFraction = `${type} = 'DOUBLE' AND regexp_matches(${value}, '[.eE]')`;
      return `CASE WHEN ${type} = 'NULL' THEN ${ofNull} WHEN ${isFraction} THEN ${doubleText(value, bind)} ELSE ${value} END`;
    },
    spark: calling("get_json_object"),
  }),
] as const satisfies readonly ScalarFunction[];

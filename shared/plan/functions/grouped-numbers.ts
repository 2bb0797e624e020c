/**
 * Numbers as people read them: `-1,234,567.89`. Of a double Java shows the shortest digits that tell it from all others, zeros behind them; what
 * it rounds, it rounds as the binary value is.
 */
import { duckdbType } from "../sql/quoting.ts";
import { isIntegral } from "../type-name.ts";
import type { DecimalType } from "../types.ts";
import { literalNumber, scalarEntry, stringType } from "./define.ts";
import type { ScalarFunction, Spelling, SpellingContext } from "./function-definition.ts";
import { unscaled } from "./decimals.ts";
import { shortened } from "./rounding.ts";
import { exactly, numericKinds } from "./type-rules.ts";

/** The most digits behind the point that a form can have. */
const placesMax = 100;

type Bind = SpellingContext["bind"];

/** Digits before the point with commas between thousands. */
const thousands = (whole: string): string =>
  `reverse(rtrim(regexp_replace(reverse(${whole}), '([0-9]{3})', '\\1,', 'g'), ','))`;

/** A whole number or a decimal. */
function ofExact(a: string, places: number, { args: [of], bind }: SpellingContext): string {
  const scale = isIntegral(of!) ? 0 : (of as DecimalType).scale;
  const kept = Math.min(scale, places);
  const exact = scale === 0 ? bind(`CAST(${a} AS HUGEINT)`) : bind(unscaled(a));
  const rounded = places < scale ? shortened(exact, scale - places, "bround", bind) : exact;
  const all = bind(`CAST(abs(${rounded}) AS VARCHAR)`);
  const padded = bind(`CASE WHEN length(${all}) <= ${kept} THEN lpad(${all}, ${kept + 1}, '0') ELSE ${all} END`);
  const fraction = places === 0 ? "" : ` || '.' || right(${padded}, ${kept}) || '${"0".repeat(places - kept)}'`;
  return `CASE WHEN ${a} < 0 THEN '-' ELSE '' END || ${thousands(`left(${padded}, length(${padded}) - ${kept})`)}${fraction}`;
}

/** From here on a double has no digits behind the point. */
const wholeFrom = 2n ** 53n;
/** Up to here Java writes all digits of a whole double but for a last one or two, which it rounds away from zero. */
const longEnd = 2n ** 63n;
const roundedFrom = [
  { from: 2n ** 61n, unit: 100n },
  { from: 2n ** 58n, unit: 10n },
] as const;

/** From so many places on Java writes a single digit with a zero behind it, and does not see that a 5 there is not quite a half. */
const halfFrom = 3;

/** The digits before the point of a double without others, which is not negative. */
function wholeDigits(size: string, text: string, exponent: string, bind: Bind): string {
  const exact = bind(`CASE WHEN ${size} < ${longEnd} THEN TRY_CAST(${size} AS HUGEINT) END`);
  const rounded = roundedFrom.map(
    ({ from, unit }) => `WHEN ${exact} >= ${from} THEN (${exact} + ${unit / 2n}) // ${unit} * ${unit}`,
  );
  const shortest = `rpad(replace(split_part(${text}, 'e', 1), '.', ''), ${exponent} + 1, '0')`;
  return `CASE WHEN ${size} >= ${longEnd} THEN ${shortest} ELSE CAST(CASE ${rounded.join(" ")} ELSE ${exact} END AS VARCHAR) END`;
}

function ofDouble(a: string, places: number, { bind }: SpellingContext): string {
  const value = bind(`CAST(${a} AS ${duckdbType({ kind: "double" })})`);
  const size = bind(`abs(${value})`);
  // The shortest digits: 123.0, 1.5e-07, 1e+16.
  const text = bind(`CAST(${size} AS VARCHAR)`);
  const exponent = bind(`TRY_CAST(nullif(split_part(${text}, 'e', 2), '') AS INTEGER)`);
  const behind = bind(
    `CASE WHEN ${exponent} IS NULL THEN rtrim(split_part(${text}, '.', 2), '0') ELSE repeat('0', -1 - ${exponent}) || replace(split_part(${text}, 'e', 1), '.', '') END`,
  );
  const before = `CASE WHEN ${exponent} IS NULL THEN split_part(${text}, '.', 1) ELSE '0' END`;
  const filled = (digits: string): string => (places === 0 ? "" : ` || '.' || rpad(${digits}, ${places}, '0')`);
  // Cut off it is rounded down, as to the even digit.
  const isHalf = places < halfFrom ? "" : ` OR (${size} < 1 AND ${behind} = '${"0".repeat(places)}5')`;
  const shown = bind(
    `CASE WHEN ${size} >= ${wholeFrom} THEN ${wholeDigits(size, text, exponent, bind)}${filled("''")} WHEN length(${behind}) <= ${places}${isHalf} THEN ${before}${filled(behind)} ELSE format('{:.${places}f}', ${size}) END`,
  );
  const fraction = places === 0 ? "" : ` || '.' || split_part(${shown}, '.', 2)`;
  const isNegative = `starts_with(CAST(${value} AS VARCHAR), '-')`;
  return `CASE WHEN isnan(${value}) THEN 'NaN' WHEN ${value} IS NOT NULL THEN CASE WHEN ${isNegative} THEN '-' ELSE '' END || CASE WHEN isinf(${value}) THEN '∞' ELSE ${thousands(`split_part(${shown}, '.', 1)`)}${fraction} END END`;
}

const grouped: Spelling = ([a, text], context) => {
  const isExact = isIntegral(context.args[0]!) || context.args[0]!.kind === "decimal";
  return (isExact ? ofExact : ofDouble)(a!, literalNumber(text!), context);
};

/** Numbers with commas. */
export const groupedNumbers = [
  scalarEntry({
    name: "format_number",
    usage: "formatNumber(value: number, places: int literal): string",
    does: "The number with commas between thousands and so many digits behind the point, a half rounded to the even digit; of a double its shortest digits, and zeros behind them. `NaN` and `∞` as such.",
    difference:
      "where all digits of a double are shown, Java's last may not be the nearest: of some from 2^63 on, and of powers of 2 from 2^-24 down",
    type: exactly([numericKinds, ["integer"]], stringType),
    checkLiterals: ([, places]) =>
      typeof places === "number" && places >= 0 && places <= placesMax
        ? undefined
        : `needs its digits behind the point as a literal from 0 to ${placesMax}`,
    duckdb: grouped,
    spark: ([a, places]) => `format_number(${a}, ${places})`,
  }),
] as const satisfies readonly ScalarFunction[];

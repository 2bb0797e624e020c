/** Digits of other bases, and texts by their sound and their sum. */
import { literalNumber, longType, orError, scalarEntry, stringType } from "./define.ts";
import type { ScalarFunction, SpellingContext } from "./function-definition.ts";
import { exactly } from "./type-rules.ts";

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const [baseMin, baseMax] = [2, 36];
/** Values of 64 bits without a sign. */
const end = 2n ** 64n;
const huge = (value: bigint): string => `CAST('${value}' AS HUGEINT)`;
const element = `"__dyne_e"`;

/** The number that the leading digits of a base are; all that do not fit into 64 bits are 2^64. */
function digitsRead(text: string, base: number, { bind }: Pick<SpellingContext, "bind">): string {
  const letters = digits.slice(0, base);
  const leading = bind(`upper(regexp_extract(${text}, '^[${letters}${letters.slice(10).toLowerCase()}]*'))`);
  // Above 64 digits without leading zeros nothing fits.
  const significant = bind(`left(ltrim(${leading}, '0'), 65)`);
  const values = `list_transform(string_split(${significant}, ''), lambda ${element}: CAST(strpos('${digits}', ${element}) - 1 AS HUGEINT))`;
  const sum = `list_reduce(${values}, lambda "__dyne_v", ${element}: least("__dyne_v" * ${base} + ${element}, ${huge(end)}), ${huge(0n)})`;
  return bind(`CASE WHEN ${significant} = '' THEN ${huge(0n)} ELSE ${sum} END`);
}

function digitsWritten(value: string, base: number): string {
  const powers = Array.from({ length: 65 }, (_, power) => BigInt(base) ** BigInt(power)).filter((power) => power < end);
  const each = `substr('${digits}', CAST(${value} // ${element} % ${base} AS INTEGER) + 1, 1)`;
  const text = `ltrim(array_to_string(list_transform([${powers.toReversed().map(huge).join(", ")}], lambda ${element}: ${each}), ''), '0')`;
  return `coalesce(nullif(${text}, ''), '0')`;
}

/** Spark reads digits as 64 bits without a sign; a base below 0 shows them as a number with one. */
function converted([text, from, to]: readonly string[], context: SpellingContext): ReturnType<typeof orError> {
  const { bind } = context;
  const [fromBase, toBase] = [literalNumber(from!), literalNumber(to!)];
  const trimmed = bind(`nullif(trim(${text}, ' '), '')`);
  const isNegative = bind(`starts_with(${trimmed}, '-')`);
  const read = digitsRead(
    bind(`CASE WHEN ${isNegative} THEN substr(${trimmed}, 2) ELSE ${trimmed} END`),
    fromBase,
    context,
  );
  const half = huge(end / 2n);
  const opposite = `CASE WHEN ${read} = 0 THEN ${read} ELSE ${huge(end)} - ${read} END`;
  const value = bind(
    toBase < 0
      ? `CASE WHEN ${read} >= ${half} THEN ${opposite} ELSE ${read} END`
      : `CASE WHEN NOT ${isNegative} THEN ${read} WHEN ${read} >= ${half} THEN ${huge(end - 1n)} ELSE ${opposite} END`,
  );
  const shown = digitsWritten(value, Math.abs(toBase));
  const signed = toBase < 0 ? `CASE WHEN ${isNegative} OR ${read} >= ${half} THEN '-' ELSE '' END || ${shown}` : shown;
  return orError(
    `CASE WHEN ${read} < ${huge(end)} THEN ${signed} END`,
    [trimmed],
    "the digits are more than 64 bits",
    bind,
  );
}

const isBase = (base: unknown): boolean => typeof base === "number" && base >= baseMin && base <= baseMax;

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/** 7 stands for letters that are passed over. */
const sounds = "01230127022455012623017202";

/** The sounds behind the first letter: of equal ones next to each other the first alone, where no vowel and no other sign lies between. */
function soundOf(text: string, bind: (sql: string) => string): string {
  const ofLetters = `translate(regexp_replace(${text}, '[^A-Za-z]', '0', 'g'), '${letters}${letters.toLowerCase()}', '${sounds}${sounds}')`;
  const all = bind(ofLetters);
  const heard = ["1", "2", "3", "4", "5", "6"].reduce(
    (sql, sound) => `regexp_replace(${sql}, '${sound}+', '${sound}', 'g')`,
    `left(${all}, 1) || replace(substr(${all}, 2), '7', '')`,
  );
  return `rpad(left(replace(substr(${heard}, 2), '0', ''), 3), 3, '0')`;
}

/** The sums of single bytes by the polynomial of CRC-32, its bits in reverse order. */
const sumsOfBytes = Array.from({ length: 256 }, (_, byte) =>
  Array.from({ length: 8 }).reduce<number>((sum) => (sum % 2 === 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1) >>> 0, byte),
);

/** Functions of forms. */
export const textFormFunctions = [
  scalarEntry({
    name: "conv",
    usage: "conv(digits: string, from: int literal, to: int literal): string",
    does: "The leading digits of one base, from 2 to 36, as those of another; the number has 64 bits without a sign, or with one where the base to show it in is negative. What does not fit is an error of the row, an empty text NULL.",
    type: exactly([["string"], ["integer"], ["integer"]], stringType),
    checkLiterals: ([, from, to]) =>
      isBase(from) && (isBase(to) || (typeof to === "number" && isBase(-to)))
        ? undefined
        : "needs its bases as literals from 2 to 36, of which the second can be negative",
    duckdb: converted,
    spark: ([text, from, to]) => `conv(${text}, ${from}, ${to})`,
  }),
  scalarEntry({
    name: "soundex",
    usage: "soundex(text: string): string",
    does: "How a word sounds in English: its first letter and three digits; text that begins with no letter from A to Z stays as it is.",
    type: exactly([["string"]], stringType),
    duckdb: ([a], { bind }) =>
      `CASE WHEN regexp_matches(${a}, '^[A-Za-z]') THEN upper(left(${a}, 1)) || ${soundOf(a!, bind)} ELSE ${a} END`,
    spark: ([a]) => `soundex(${a})`,
  }),
  scalarEntry({
    name: "crc32",
    usage: "crc32(value: string | binary): bigint",
    does: "The sum CRC-32 of bytes, or of a text in UTF-8.",
    type: exactly([["string", "binary"]], longType),
    duckdb: ([a], { args }) => {
      const bytes = `list_transform(regexp_extract_all(hex(${args[0]?.kind === "string" ? `encode(${a})` : a}), '..'), lambda ${element}: CAST('0x' || ${element} AS BIGINT))`;
      const sum = `list_reduce(${bytes}, lambda "__dyne_v", ${element}: xor("__dyne_v" >> 8, [${sumsOfBytes.join(", ")}][(xor("__dyne_v", ${element}) & 255) + 1]), CAST(4294967295 AS BIGINT))`;
      return `CASE WHEN ${a} IS NOT NULL THEN xor(${sum}, CAST(4294967295 AS BIGINT)) END`;
    },
    spark: ([a]) => `crc32(${a})`,
  }),
] as const satisfies readonly ScalarFunction[];

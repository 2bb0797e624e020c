import { booleanType, calling, callingAs, integerType, orError, scalarEntry, stringType } from "./define.ts";
import type { ScalarEntry } from "./define.ts";
import type { ScalarFunction } from "./function-definition.ts";
import type { DataType } from "../types.ts";
import { common, exactly } from "./type-rules.ts";

const text = ["string"] as const;
const whole = ["byte", "short", "integer"] as const;
/** What one value may be made of: enough for any row, too little to bring a small machine down. */
const bytesMax = 16_777_216;
const paddedMax = 100_000;

interface TextEntry extends Omit<ScalarEntry, "type"> {
  /** Kinds of the arguments; one text where it is not said. */
  readonly args?: readonly (readonly DataType["kind"][])[];
  readonly result?: DataType;
}

function textEntry({ args = [text], result = stringType, ...entry }: TextEntry): ScalarFunction {
  return scalarEntry({ ...entry, type: exactly(args, result) });
}

const needsCount = (values: readonly unknown[], index: number): string | undefined => {
  const value = values[index];
  const fits = typeof value === "number" && Math.abs(value) <= paddedMax;
  return fits ? undefined : `needs a whole number of at most ${paddedMax} as a literal`;
};

/** Padding with a part of `pad` repeated; what is longer than the length is cut at its end. */
function padded(name: "lpad" | "rpad", does: string): ScalarFunction {
  return textEntry({
    name,
    usage: `${name}(text: string, length: int literal, pad: string literal): string`,
    does,
    args: [text, ["integer"], text],
    checkLiterals: (values) =>
      typeof values[2] === "string" ? needsCount(values, 1) : "needs its padding as a literal",
    duckdb: ([a, length, pad]) => {
      const missing = `(${length} - CAST(length(${a}) AS INTEGER))`;
      const filled = `left(repeat(${pad}, ${missing}), ${missing})`;
      const sum = name === "lpad" ? `${filled} || ${a}` : `${a} || ${filled}`;
      return `CASE WHEN ${length} <= 0 THEN left(${a}, 0) WHEN ${missing} <= 0 THEN left(${a}, ${length}) ELSE ${sum} END`;
    },
    spark: calling(name),
  });
}

/** Whether a text can overlap itself, as `aa` in `aaa`: then Spark counts the overlapping places too. */
function overlapsItself(delimiter: string): boolean {
  return Array.from({ length: Math.max(delimiter.length - 1, 0) }, (_, i) => i + 1).some(
    (size) => delimiter.slice(0, size) === delimiter.slice(-size),
  );
}

const twoTexts = [text, text] as const;
const shortened = (name: string): string =>
  `CAST(array_to_string(list_reverse(string_split(${name}, '')), '') AS VARCHAR)`;

/** Text functions. Lengths and positions count code points, positions from 1. */
export const textFunctions = [
  textEntry({
    name: "upper",
    usage: "upper(text: string): string",
    does: "The text in upper case.",
    difference: "a few rare letters (ligatures, letters with several marks) keep a form of their own",
    duckdb: ([a]) => `upper(replace(${a}, 'ß', 'SS'))`,
    spark: calling("upper"),
  }),
  textEntry({
    name: "lower",
    usage: "lower(text: string): string",
    does: "The text in lower case.",
    difference: "a final sigma and a few rare letters keep a form of their own",
    duckdb: calling("lower"),
    spark: calling("lower"),
  }),
  // Spaces only, as in Spark; DuckDB's trim without a list would take every white space.
  ...(["trim", "ltrim", "rtrim"] as const).map((name) =>
    textEntry({
      name,
      usage: `${name}(text: string): string`,
      does: `Without spaces at ${{ trim: "both ends", ltrim: "the start", rtrim: "the end" }[name]} (spaces only).`,
      duckdb: ([a]) => `${name}(${a}, ' ')`,
      spark: calling(name),
    }),
  ),
  textEntry({
    name: "length",
    usage: "length(text: string): int",
    does: "The number of characters (code points).",
    result: integerType,
    duckdb: callingAs("INTEGER", "length"),
    spark: calling("length"),
  }),
  textEntry({
    name: "octet_length",
    usage: "octetLength(text: string): int",
    does: "The number of bytes in UTF-8.",
    result: integerType,
    duckdb: callingAs("INTEGER", "strlen"),
    spark: calling("octet_length"),
  }),
  textEntry({
    name: "substring",
    usage: "text.substring(position: int, count: int): string",
    does: "`count` characters from `position` on; the first is 1, negative positions count from the end.",
    args: [text, ["integer"], ["integer"]],
    duckdb: ([a, position, count]) =>
      `CASE WHEN ${count} <= 0 THEN substring(${a}, 1, 0) ELSE substring(${a}, CASE WHEN ${position} = 0 THEN 1 ELSE ${position} END, ${count}) END`,
    spark: calling("substring"),
  }),
  textEntry({
    name: "left",
    usage: "left(text: string, count: int): string",
    does: "The first characters; none for a count of 0 or below.",
    args: [text, whole],
    duckdb: ([a, count]) => `left(${a}, greatest(${count}, 0) + (${count} - ${count}))`,
    spark: calling("left"),
  }),
  textEntry({
    name: "right",
    usage: "right(text: string, count: int): string",
    does: "The last characters; none for a count of 0 or below.",
    args: [text, whole],
    duckdb: ([a, count]) => `right(${a}, greatest(${count}, 0) + (${count} - ${count}))`,
    spark: calling("right"),
  }),
  scalarEntry({
    name: "concat",
    usage: "concat(...texts: string): string",
    does: "The texts joined; NULL if any of them is NULL.",
    type: common(1, 1_000, (type) => (type.kind === "string" ? type : { mismatch: "needs text" })),
    binds: false,
    // DuckDB gives a NULL constant among the arguments a type of its own.
    duckdb: (args) => `CAST(${args.join(" || ")} AS VARCHAR)`,
    spark: calling("concat"),
  }),
  scalarEntry({
    name: "concat_ws",
    usage: "concatWs(separator: string, ...texts: string): string",
    does: "The texts that are not NULL, joined with the separator; NULL only if the separator is.",
    type: common(2, 1_000, (type) => (type.kind === "string" ? type : { mismatch: "needs text" })),
    binds: false,
    duckdb: calling("concat_ws"),
    spark: calling("concat_ws"),
  }),
  textEntry({
    name: "replace",
    usage: "replace(text: string, search: string, by: string): string",
    does: "Every place of `search` replaced; an empty search replaces nothing.",
    args: [text, text, text],
    duckdb: calling("replace"),
    spark: calling("replace"),
  }),
  textEntry({
    name: "translate",
    usage: "translate(text: string, from: string, to: string): string",
    does: "Each character of `from` replaced by the one at its place in `to`, or left out where `to` is shorter.",
    args: [text, text, text],
    duckdb: calling("translate"),
    spark: calling("translate"),
  }),
  textEntry({
    name: "reverse",
    usage: "reverse(text: string): string",
    does: "The characters (code points) in reverse order.",
    duckdb: ([a]) => shortened(a as string),
    spark: calling("reverse"),
  }),
  textEntry({
    name: "repeat",
    usage: "repeat(text: string, count: int): string",
    does: "The text so many times; empty for 0 and below, an error of the row above 16 MiB.",
    args: [text, whole],
    duckdb: ([a, count], { bind }) => {
      const fits = `CAST(${count} AS BIGINT) * strlen(${a}) <= ${bytesMax}`;
      const value = `CASE WHEN ${fits} THEN repeat(${a}, ${count}) END`;
      return orError(value, [a as string, count as string], "the result of repeat is longer than 16 MiB", bind);
    },
    spark: calling("repeat"),
  }),
  padded("lpad", "The text with padding before it up to a length; longer texts are cut at their end."),
  padded("rpad", "The text with padding behind it up to a length; longer texts are cut at their end."),
  textEntry({
    name: "initcap",
    usage: "initcap(text: string): string",
    does: "The first letter of each word in upper case, the others in lower case.",
    difference: "words are parted by spaces alone, and letters change their case as in upper and lower",
    duckdb: ([a]) =>
      `CAST(array_to_string(list_transform(string_split(lower(${a}), ' '), lambda w: upper(left(w, 1)) || substring(w, 2)), ' ') AS VARCHAR)`,
    spark: calling("initcap"),
  }),
  textEntry({
    name: "instr",
    usage: "instr(text: string, part: string): int",
    does: "The first position of a part, 0 where it is not there.",
    args: twoTexts,
    result: integerType,
    duckdb: callingAs("INTEGER", "strpos"),
    spark: calling("instr"),
  }),
  textEntry({
    name: "locate",
    usage: "locate(part: string, text: string, position: int): int",
    does: "The first position of a part at or behind a position, 0 where it is not there; positions below 1 find nothing.",
    args: [text, text, whole],
    result: integerType,
    duckdb: ([part, a, position]) => {
      const found = `strpos(substring(${a}, ${position}), ${part})`;
      const place = `CASE WHEN ${part} = '' THEN 1 WHEN ${found} = 0 THEN 0 ELSE ${found} + ${position} - 1 END`;
      return `CAST(CASE WHEN ${position} IS NULL THEN 0 WHEN ${a} IS NULL OR ${part} IS NULL THEN NULL WHEN ${position} < 1 THEN 0 ELSE ${place} END AS INTEGER)`;
    },
    spark: calling("locate"),
  }),
  textEntry({
    name: "substring_index",
    usage: "substringIndex(text: string, delimiter: string literal, count: int literal): string",
    does: "What is before the delimiter's place number `count`; counted from the end, what is behind it.",
    args: [text, text, ["integer"]],
    checkLiterals: (values) => {
      const [, delimiter] = values;
      if (typeof delimiter !== "string" || delimiter === "" || overlapsItself(delimiter))
        return "needs as a literal a delimiter that is not empty and cannot overlap itself";
      return needsCount(values, 2);
    },
    duckdb: ([a, delimiter, count]) => {
      const parts = `string_split(${a}, ${delimiter})`;
      const kept = `CASE WHEN ${count} > 0 THEN ${parts}[:${count}] ELSE ${parts}[greatest(len(${parts}) + ${count} + 1, 1):] END`;
      return `CASE WHEN ${count} = 0 THEN left(${a}, 0) ELSE CAST(array_to_string(${kept}, ${delimiter}) AS VARCHAR) END`;
    },
    spark: calling("substring_index"),
  }),
  textEntry({
    name: "split_part",
    usage: "splitPart(text: string, delimiter: string literal, part: int literal): string",
    does: "The part with a number, from 1 or from -1 at the end; empty where there is none.",
    args: [text, text, ["integer"]],
    checkLiterals: (values) => {
      if (typeof values[1] !== "string" || values[1] === "") return "needs its delimiter as a literal";
      return values[2] === 0 ? "counts parts from 1, or from -1 at the end" : needsCount(values, 2);
    },
    duckdb: ([a, delimiter, part]) =>
      `CASE WHEN ${a} IS NOT NULL THEN coalesce(string_split(${a}, ${delimiter})[${part}], '') END`,
    spark: calling("split_part"),
  }),
  textEntry({
    name: "ascii",
    usage: "ascii(text: string): int",
    does: "The code point of the first character, 0 for an empty text.",
    result: integerType,
    duckdb: calling("ascii"),
    spark: calling("ascii"),
  }),
  textEntry({
    name: "char",
    usage: "char(code: bigint): string",
    does: "The character of the lowest eight bits of a number; empty for negative ones.",
    args: [["byte", "short", "integer", "long"]],
    duckdb: ([a]) => `CASE WHEN ${a} < 0 THEN '' ELSE chr(CAST(${a} & 255 AS INTEGER)) END`,
    spark: ([a]) => `char(CAST(${a} AS BIGINT))`,
  }),
  textEntry({
    name: "like",
    usage: "text.like(pattern: string literal): boolean",
    does: "SQL's LIKE: `%` is any text, `_` any character, `\\` escapes them.",
    args: twoTexts,
    result: booleanType,
    duckdb: ([a, pattern]) => `(${a} LIKE ${pattern} ESCAPE '\\')`,
    spark: ([a, pattern]) => `(${a} LIKE ${pattern})`,
    checkLiterals: ([, pattern]) => {
      if (typeof pattern !== "string") return "needs its pattern as a literal";
      return /^(?:[^\\]|\\[%_\\])*$/.test(pattern) ? undefined : "needs %, _ or \\ after a backslash";
    },
  }),
  textEntry({
    name: "starts_with",
    usage: "text.startsWith(part: string): boolean",
    does: "Whether the text begins so.",
    args: twoTexts,
    result: booleanType,
    duckdb: calling("starts_with"),
    spark: calling("startswith"),
  }),
  textEntry({
    name: "ends_with",
    usage: "text.endsWith(part: string): boolean",
    does: "Whether the text ends so.",
    args: twoTexts,
    result: booleanType,
    duckdb: calling("ends_with"),
    spark: calling("endswith"),
  }),
  textEntry({
    name: "contains",
    usage: "text.contains(part: string): boolean",
    does: "Whether the part is in the text.",
    args: twoTexts,
    result: booleanType,
    duckdb: calling("contains"),
    spark: calling("contains"),
  }),
] as const satisfies readonly ScalarFunction[];

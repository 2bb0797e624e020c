/** Regular expressions: what Java's (Spark's) and RE2 (DuckDB's) both have. */
import { booleanType, integerType, scalarEntry, stringType } from "./define.ts";
import type { ScalarEntry } from "./define.ts";
import type { ScalarFunction } from "./function-definition.ts";
import type { DataType } from "../types.ts";
import { exactly } from "./type-rules.ts";

const text = ["string"] as const;

/** The pattern for a JavaScript engine, which has no flags in front. */
const withoutFlags = (pattern: string): string => pattern.replace(/^\(\?[a-z]+\)/, "");

/** What DuckDB's RE2 cannot do, so that it is refused when the pipeline is loaded. */
function patternProblem(values: readonly unknown[]): string | undefined {
  const pattern = values[1];
  if (typeof pattern !== "string") return "needs its pattern as a literal";
  if (/\(\?(?:[=!]|<[=!])/.test(pattern))
    return "cannot look ahead or behind: rewrite the pattern without (?= (?! (?<= (?<!";
  if (/(?:^|[^\\])(?:\\\\)*\\[1-9]/.test(pattern))
    return "cannot refer back to a group: rewrite the pattern without \\1";
  if (/(?:^|[^\\])[*+?}]\+/.test(pattern)) return "cannot match possessively: rewrite the pattern without *+ ++ ?+";
  try {
    new RegExp(withoutFlags(pattern));
    return undefined;
  } catch {
    return `needs a valid pattern, not ${JSON.stringify(pattern)}`;
  }
}

/** Engines do not agree on where an empty match is, next to another one. */
function emptyMatchProblem(values: readonly unknown[]): string | undefined {
  const problem = patternProblem(values);
  if (problem !== undefined) return problem;
  const pattern = withoutFlags(values[1] as string);
  const canBeEmpty =
    new RegExp(pattern).test("") || /(?:^|[^\\])(?:\\\\)*\\[bB]/.test(pattern) || /[$^]$|^\^$/.test(pattern);
  return canBeEmpty && (new RegExp(pattern).test("") || /^(?:\\[bB]|[$^])+$/.test(pattern))
    ? "needs a pattern that does not match the empty text"
    : undefined;
}

/** The number of groups in a valid pattern. */
const groupsIn = (pattern: string): number => (new RegExp(`${withoutFlags(pattern)}|`).exec("")?.length ?? 1) - 1;

function groupProblem(values: readonly unknown[]): string | undefined {
  const problem = patternProblem(values);
  if (problem !== undefined) return problem;
  const [, pattern, group] = values;
  const groups = groupsIn(pattern as string);
  return typeof group === "number" && group >= 0 && group <= Math.min(groups, 9)
    ? undefined
    : `needs as a literal the number of one of the pattern's groups, 0 to ${Math.min(groups, 9)}`;
}

function replacementProblem(values: readonly unknown[]): string | undefined {
  const problem = emptyMatchProblem(values);
  if (problem !== undefined) return problem;
  const [, pattern, by] = values;
  if (typeof by !== "string") return "needs its replacement as a literal";
  if (!/^(?:[^\\$]|\$[0-9](?![0-9]))*$/.test(by)) return "takes only $0 to $9 and no \\ in its replacement";
  const wanted = Math.max(0, ...[...by.matchAll(/\$([0-9])/g)].map(([, group]) => Number(group)));
  return wanted <= groupsIn(pattern as string)
    ? undefined
    : `names the group $${wanted}, which its pattern does not have`;
}

interface PatternEntry extends Omit<ScalarEntry, "type" | "difference"> {
  readonly args: readonly (readonly DataType["kind"][])[];
  readonly result: DataType;
}

function patternEntry({ args, result, ...entry }: PatternEntry): ScalarFunction {
  const difference =
    "`$` before a final line break, classes of Unicode letters, and the case of letters beyond ASCII follow RE2";
  return scalarEntry({ ...entry, difference, type: exactly(args, result) });
}

/** Functions of regular expressions. */
export const patternFunctions = [
  patternEntry({
    name: "rlike",
    usage: "text.rlike(pattern: string literal): boolean",
    does: "Whether a part of the text matches a regular expression, without look-around and back-references.",
    args: [text, text],
    result: booleanType,
    checkLiterals: patternProblem,
    duckdb: ([a, pattern]) => `regexp_matches(${a}, ${pattern})`,
    spark: ([a, pattern]) => `(${a} RLIKE ${pattern})`,
  }),
  patternEntry({
    name: "regexp_replace",
    usage: "regexpReplace(text: string, pattern: string literal, by: string literal): string",
    does: "Every match replaced; `$1` stands for a group, `$0` for the match.",
    args: [text, text, text],
    result: stringType,
    checkLiterals: replacementProblem,
    duckdb: ([a, pattern, by]) =>
      `regexp_replace(${a}, ${pattern}, regexp_replace(${by}, '\\$([0-9])', '\\\\\\1', 'g'), 'g')`,
    spark: ([a, pattern, by]) => `regexp_replace(${a}, ${pattern}, ${by})`,
  }),
  patternEntry({
    name: "regexp_extract",
    usage: "regexpExtract(text: string, pattern: string literal, group: int literal): string",
    does: "A group of the first match, 0 being the match itself; empty where nothing matches.",
    args: [text, text, ["integer"]],
    result: stringType,
    checkLiterals: groupProblem,
    duckdb: ([a, pattern, group]) => `regexp_extract(${a}, ${pattern}, ${group})`,
    spark: ([a, pattern, group]) => `regexp_extract(${a}, ${pattern}, ${group})`,
  }),
  patternEntry({
    name: "regexp_extract_all",
    usage: "regexpExtractAll(text: string, pattern: string literal, group: int literal): array<string>",
    does: "A group of every match, 0 being the match itself.",
    args: [text, text, ["integer"]],
    result: { kind: "array", element: stringType, containsNull: true },
    checkLiterals: (values) => emptyMatchProblem(values) ?? groupProblem(values),
    duckdb: ([a, pattern, group]) =>
      `list_transform(regexp_extract_all(${a}, ${pattern}, ${group}), lambda m: coalesce(m, ''))`,
    spark: ([a, pattern, group]) => `regexp_extract_all(${a}, ${pattern}, ${group})`,
  }),
  patternEntry({
    name: "regexp_count",
    usage: "regexpCount(text: string, pattern: string literal): int",
    does: "The number of matches.",
    args: [text, text],
    result: integerType,
    checkLiterals: emptyMatchProblem,
    duckdb: ([a, pattern]) => `CAST(len(regexp_extract_all(${a}, ${pattern})) AS INTEGER)`,
    spark: ([a, pattern]) => `regexp_count(${a}, ${pattern})`,
  }),
  patternEntry({
    name: "split",
    usage: "split(text: string, pattern: string literal): array<string>",
    does: "The parts between the matches of a regular expression, empty ones too.",
    args: [text, text],
    result: { kind: "array", element: stringType, containsNull: false },
    checkLiterals: emptyMatchProblem,
    duckdb: ([a, pattern]) => `string_split_regex(${a}, ${pattern})`,
    spark: ([a, pattern]) => `split(${a}, ${pattern})`,
  }),
] as const satisfies readonly ScalarFunction[];

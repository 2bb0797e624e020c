import type { DataType } from "../types.ts";
import type { Exactness, ScalarFunction, Spelling } from "./function-definition.ts";
import { common, exactly } from "./type-rules.ts";

const stringType: DataType = { kind: "string" };
const booleanType: DataType = { kind: "boolean" };
const textKind = ["string"] as const;

interface TextFunction {
  readonly duckdb: Spelling;
  readonly spark: Spelling;
  readonly result?: DataType;
  readonly args?: readonly (readonly DataType["kind"][])[];
  readonly exactness?: Exactness;
  readonly checkLiterals?: ScalarFunction["checkLiterals"];
}

function text(name: string, definition: TextFunction): ScalarFunction {
  const { duckdb, spark, result = stringType, args = [textKind], exactness = "exact", checkLiterals } = definition;
  return {
    kind: "scalar",
    name,
    deterministic: true,
    exactness,
    type: exactly(args, result),
    bindsArguments: true,
    sql: { duckdb, spark },
    ...(checkLiterals === undefined ? {} : { checkLiterals }),
  };
}

const both = (call: (args: readonly string[]) => string): { duckdb: Spelling; spark: Spelling } => ({
  duckdb: call,
  spark: call,
});
const twoTexts = [textKind, textKind] as const;

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
    new RegExp(pattern.replace(/^\(\?[a-z]+\)/, ""));
    return undefined;
  } catch {
    return `needs a valid pattern, not ${JSON.stringify(pattern)}`;
  }
}

/** Text functions. Lengths and positions count code points, positions from 1. */
export const textFunctions = [
  // The sharp s becomes SS in Spark; a few rarer letters (ligatures) still differ.
  text("upper", {
    duckdb: ([a]) => `upper(replace(${a}, 'ß', 'SS'))`,
    spark: ([a]) => `upper(${a})`,
    exactness: "approximate",
  }),
  text("lower", { ...both(([a]) => `lower(${a})`), exactness: "approximate" }),
  // Spaces only, as in Spark; DuckDB's trim without a list would take every white space.
  text("trim", { duckdb: ([a]) => `trim(${a}, ' ')`, spark: ([a]) => `trim(${a})` }),
  text("length", {
    duckdb: ([a]) => `CAST(length(${a}) AS INTEGER)`,
    spark: ([a]) => `length(${a})`,
    result: { kind: "integer" },
  }),
  text("substring", {
    args: [textKind, ["integer"], ["integer"]],
    duckdb: ([a, position, count]) =>
      `CASE WHEN ${count} <= 0 THEN substring(${a}, 1, 0) ELSE substring(${a}, CASE WHEN ${position} = 0 THEN 1 ELSE ${position} END, ${count}) END`,
    spark: ([a, position, count]) => `substring(${a}, ${position}, ${count})`,
  }),
  {
    kind: "scalar",
    name: "concat",
    deterministic: true,
    exactness: "exact",
    type: common(1, 1_000, (type) => (type.kind === "string" ? type : { mismatch: "needs text" })),
    // DuckDB gives a NULL constant among the arguments a type of its own.
    sql: { duckdb: (args) => `CAST(${args.join(" || ")} AS VARCHAR)`, spark: (args) => `concat(${args.join(", ")})` },
  },
  text("replace", { args: [textKind, textKind, textKind], ...both((args) => `replace(${args.join(", ")})`) }),
  // Java's and RE2's patterns agree on what RE2 has, except for `$` before a final line break.
  text("rlike", {
    args: twoTexts,
    result: booleanType,
    exactness: "approximate",
    checkLiterals: patternProblem,
    duckdb: ([a, pattern]) => `regexp_matches(${a}, ${pattern})`,
    spark: ([a, pattern]) => `(${a} RLIKE ${pattern})`,
  }),
  text("like", {
    args: twoTexts,
    result: booleanType,
    duckdb: ([a, pattern]) => `(${a} LIKE ${pattern} ESCAPE '\\')`,
    spark: ([a, pattern]) => `(${a} LIKE ${pattern})`,
    checkLiterals: ([, pattern]) => {
      if (typeof pattern !== "string") return "needs its pattern as a literal";
      return /^(?:[^\\]|\\[%_\\])*$/.test(pattern) ? undefined : "needs %, _ or \\ after a backslash";
    },
  }),
  text("starts_with", {
    args: twoTexts,
    result: booleanType,
    duckdb: ([a, b]) => `starts_with(${a}, ${b})`,
    spark: ([a, b]) => `startswith(${a}, ${b})`,
  }),
  text("ends_with", {
    args: twoTexts,
    result: booleanType,
    duckdb: ([a, b]) => `ends_with(${a}, ${b})`,
    spark: ([a, b]) => `endswith(${a}, ${b})`,
  }),
  text("contains", { args: twoTexts, result: booleanType, ...both(([a, b]) => `contains(${a}, ${b})`) }),
] as const satisfies readonly ScalarFunction[];

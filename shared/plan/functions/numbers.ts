/** Rounding, roots, logarithms, angles and bits. */
import { doubleType, longType, scalarEntry } from "./define.ts";
import type { ScalarEntry } from "./define.ts";
import type { Mismatch, ScalarFunction, Spelling, Typed, TypeRule } from "./function-definition.ts";
import { isIntegral, typeName } from "../type-name.ts";
import type { DataType } from "../types.ts";
import { duckdbType } from "../sql/quoting.ts";
import { byZero, checked, moduloType } from "./arithmetic.ts";
import { remainder } from "./decimals.ts";
import { roundingFunctions } from "./rounding.ts";
import { commonType, exactly, integralKinds, numericKinds } from "./type-rules.ts";

const lastDigits = "the last digits of a result may differ";

/** Numbers as doubles. */
function asDoubles(count: number): TypeRule {
  return (args) => {
    const typed = exactly(
      Array.from({ length: count }, () => numericKinds),
      doubleType,
    )(args);
    return "mismatch" in typed ? typed : { result: doubleType, args: args.map(() => doubleType) };
  };
}

interface RealEntry extends Omit<ScalarEntry, "type" | "spark" | "usage"> {
  /** Spark's name, where it is another. */
  readonly spark?: string;
  readonly face?: string;
}

/** A function of one real number. */
function real({ spark, face, ...entry }: RealEntry): ScalarFunction {
  const usage = `${face ?? entry.name}(value: number): double`;
  return scalarEntry({ ...entry, usage, type: asDoubles(1), spark: ([a]) => `${spark ?? entry.name}(${a})` });
}

/** DuckDB refuses infinities and numbers outside of the domain, for which Spark has NaN. */
const within =
  (name: string, domain: (value: string) => string): Spelling =>
  ([a]) =>
    `CASE WHEN ${domain(a as string)} THEN ${name}(${a}) WHEN ${a} IS NOT NULL THEN CAST('NaN' AS DOUBLE) END`;
const finite = (value: string): string => `isfinite(${value})`;
const always =
  (name: string): Spelling =>
  ([a]) =>
    `${name}(${a})`;

/** Spark has NULL for what has no logarithm. */
function logarithm(name: "ln" | "log2" | "log10", of: string): ScalarFunction {
  return real({
    name,
    does: `The logarithm to the base ${of}; NULL for 0 and below.`,
    difference: lastDigits,
    duckdb: ([a]) => `CASE WHEN ${a} > 0 THEN ${name}(${a}) END`,
  });
}

/** The next whole number in one direction, as Spark types it: a long of doubles, a decimal without a fraction of decimals. */
function wholeNumber(name: "ceil" | "floor"): ScalarFunction {
  const type: TypeRule = exactly([numericKinds], ([of]) => {
    if (of?.kind !== "decimal") return longType;
    return of.scale === 0 ? of : { kind: "decimal", precision: of.precision - of.scale + 1, scale: 0 };
  });
  return scalarEntry({
    name,
    usage: `${name}(value: number): bigint | decimal`,
    does: `The ${name === "ceil" ? "least whole number that is not below" : "greatest whole number that is not above"} the value; doubles beyond 64 bits become the outermost long, NaN 0.`,
    type,
    duckdb: ([a], { args, result }) => {
      const of = args[0] as DataType;
      if (isIntegral(of)) return `CAST(${a} AS BIGINT)`;
      if (result.kind === "decimal") return `CAST(${name}(${a}) AS ${duckdbType(result)})`;
      const value = `${name}(${a})`;
      return `CASE WHEN isnan(${a}) THEN 0 WHEN ${value} >= 9223372036854775807 THEN 9223372036854775807 WHEN ${value} <= -9223372036854775808 THEN CAST(-9223372036854775808 AS BIGINT) ELSE CAST(${value} AS BIGINT) END`;
    },
    spark: ([a]) => `${name}(${a})`,
  });
}

const pmodType: TypeRule = (args) => {
  const typed = moduloType(args);
  return "mismatch" in typed || typed.result.kind !== "float" ? typed : { mismatch: "needs doubles or whole numbers" };
};

const integersType: TypeRule = (args) => {
  const typed = exactly([integralKinds, integralKinds], longType)(args);
  return "mismatch" in typed ? typed : { result: longType, args: [longType, longType] };
};

/** Whole numbers of one type. */
function bitsType(args: readonly DataType[]): Typed | Mismatch {
  const typed = exactly([integralKinds, integralKinds], longType)(args);
  if ("mismatch" in typed) return typed;
  const type = commonType(args[0] as DataType, args[1] as DataType) as DataType;
  return { result: type, args: [type, type] };
}

function bits(name: string, usage: string, does: string, duckdb: Spelling, spark: Spelling): ScalarFunction {
  return scalarEntry({
    name,
    usage: `${usage}(a: bigint, b: bigint)`,
    does,
    type: bitsType,
    binds: false,
    duckdb,
    spark,
  });
}

const shiftType: TypeRule = exactly(
  [
    ["integer", "long"],
    ["byte", "short", "integer"],
  ],
  ([type]) => type as DataType,
);

/** Java takes the lowest 5 or 6 bits of the distance. Computed in 128 bits, where nothing overflows. */
function shift(name: "shiftleft" | "shiftright" | "shiftrightunsigned", face: string, does: string): ScalarFunction {
  return scalarEntry({
    name,
    usage: `${face}(value: int | bigint, bits: int)`,
    does,
    type: shiftType,
    duckdb: ([a, count], { result }) => {
      const width = result.kind === "long" ? 64 : 32;
      const distance = `CAST(${count} & ${width - 1} AS INTEGER)`;
      const power = `CAST(1 AS HUGEINT) << ${distance}`;
      const all = `(CAST(1 AS HUGEINT) << ${width})`;
      const unsigned = `(CASE WHEN ${a} < 0 THEN ${all} ELSE 0 END + CAST(${a} AS HUGEINT))`;
      const signed = (value: string): string =>
        `(CASE WHEN ${value} >= ${all} // 2 THEN ${value} - ${all} ELSE ${value} END)`;
      const shifted = {
        shiftleft: signed(`((${unsigned} % (${all} // (${power}))) * (${power}))`),
        shiftright: `((CAST(${a} AS HUGEINT) + ${all}) // (${power}) - ${all} // (${power}))`,
        shiftrightunsigned: signed(`(${unsigned} // (${power}))`),
      }[name];
      return `CAST(${shifted} AS ${duckdbType(result)})`;
    },
    spark: ([a, count]) => `${name}(${a}, ${count})`,
  });
}

const angle = 57.29577951308232;
const radian = 0.017453292519943295;

/** Numbers beyond arithmetic. Whole numbers and decimals become doubles first, where a double comes out. */
export const numberFunctions = [
  wholeNumber("ceil"),
  wholeNumber("floor"),
  ...roundingFunctions,
  real({
    name: "rint",
    does: "The nearest whole number; of two the even one.",
    duckdb: ([a]) => `round_even(${a}, 0)`,
  }),
  real({
    name: "signum",
    does: "1, 0 or -1 by the sign; NaN of NaN.",
    duckdb: ([a]) =>
      `CASE WHEN ${a} = 0 OR isnan(${a}) THEN ${a} WHEN ${a} > 0 THEN 1.0::DOUBLE WHEN ${a} < 0 THEN -1.0::DOUBLE END`,
  }),
  real({
    name: "sqrt",
    does: "The square root; NaN below 0.",
    duckdb: within("sqrt", (value) => `${value} >= 0`),
  }),
  real({ name: "cbrt", does: "The cube root.", difference: lastDigits, duckdb: always("cbrt") }),
  real({ name: "exp", does: "e to the power of the value.", difference: lastDigits, duckdb: always("exp") }),
  logarithm("ln", "e"),
  logarithm("log10", "10"),
  logarithm("log2", "2"),
  scalarEntry({
    name: "pow",
    usage: "pow(base: number, exponent: number): double",
    does: "The base to the power of the exponent; NaN where there is none.",
    difference: lastDigits,
    type: asDoubles(2),
    duckdb: ([a, b]) =>
      `CASE WHEN ${a} IS NULL OR ${b} IS NULL THEN NULL WHEN isnan(${b}) OR (abs(${a}) = 1 AND isinf(${b})) THEN CAST('NaN' AS DOUBLE) ELSE pow(${a}, ${b}) END`,
    spark: ([a, b]) => `pow(${a}, ${b})`,
  }),
  scalarEntry({
    name: "hypot",
    usage: "hypot(a: number, b: number): double",
    does: "The length of the vector (a, b).",
    difference: `${lastDigits}, and lengths whose square is no double are infinite or 0`,
    type: asDoubles(2),
    duckdb: ([a, b]) =>
      `CASE WHEN ${a} IS NULL OR ${b} IS NULL THEN NULL WHEN isinf(${a}) OR isinf(${b}) THEN CAST('Infinity' AS DOUBLE) ELSE sqrt(${a} * ${a} + ${b} * ${b}) END`,
    spark: ([a, b]) => `hypot(${a}, ${b})`,
  }),
  ...(["sin", "cos", "tan"] as const).map((name) =>
    real({
      name,
      does: `The ${{ sin: "sine", cos: "cosine", tan: "tangent" }[name]} of an angle in radians.`,
      difference: lastDigits,
      duckdb: within(name, finite),
    }),
  ),
  ...(["asin", "acos"] as const).map((name) =>
    real({
      name,
      does: `The angle whose ${name === "asin" ? "sine" : "cosine"} the value is; NaN outside of -1 to 1.`,
      difference: lastDigits,
      duckdb: within(name, (value) => `${value} BETWEEN -1 AND 1`),
    }),
  ),
  real({ name: "atan", does: "The angle whose tangent the value is.", difference: lastDigits, duckdb: always("atan") }),
  scalarEntry({
    name: "atan2",
    usage: "atan2(y: number, x: number): double",
    does: "The angle of the point (x, y).",
    difference: lastDigits,
    type: asDoubles(2),
    binds: false,
    // Spark has no negative zero here.
    duckdb: ([a, b]) => `atan2(${a} + 0.0::DOUBLE, ${b} + 0.0::DOUBLE)`,
    spark: ([a, b]) => `atan2(${a}, ${b})`,
  }),
  ...(["sinh", "cosh", "tanh"] as const).map((name) =>
    real({
      name,
      does: `The hyperbolic ${{ sinh: "sine", cosh: "cosine", tanh: "tangent" }[name]}.`,
      difference: lastDigits,
      duckdb: always(name),
    }),
  ),
  real({ name: "degrees", does: "An angle in radians, in degrees.", duckdb: ([a]) => `(${a} * ${angle}::DOUBLE)` }),
  real({ name: "radians", does: "An angle in degrees, in radians.", duckdb: ([a]) => `(${a} * ${radian}::DOUBLE)` }),
  scalarEntry({
    name: "pmod",
    usage: "pmod(a, b)",
    does: "The remainder that is not negative where the divisor is positive; a divisor of 0 is an error of the row, and so is a decimal of more digits than the remainder has.",
    type: pmodType,
    duckdb: ([a, b], context) => {
      const { result } = context;
      if (result.kind === "decimal") {
        const rest = remainder(a as string, b as string, "positive", context);
        const value = checked(
          `CASE WHEN ${b} <> 0 THEN ${rest} END`,
          [a as string, b as string],
          `the result of pmod does not fit into ${typeName(result)}`,
          context,
        );
        return { sql: value.sql, errors: [...byZero(a as string, b as string), ...value.errors] };
      }
      if (!isIntegral(result))
        return {
          sql: `CASE WHEN ${a} % ${b} < 0 THEN (${a} % ${b} + ${b}) % ${b} ELSE ${a} % ${b} END`,
          errors: byZero(a as string, b as string),
        };
      const [wide, by] = [`CAST(${a} AS HUGEINT)`, `CAST(${b} AS HUGEINT)`];
      // Where the sum leaves the type, Spark's wraps around.
      const wrap = { integer: " + 4294967296", long: " + 18446744073709551616" }[result.kind as string];
      const sum = `(${wide} % ${by} + ${by})`;
      const wrapped =
        wrap === undefined ? sum : `(CASE WHEN ${sum} < -(0${wrap}) // 2 THEN ${sum}${wrap} ELSE ${sum} END)`;
      const value = `CASE WHEN ${wide} % ${by} < 0 THEN ${wrapped} % ${by} ELSE ${wide} % ${by} END`;
      return { sql: `CAST(${value} AS ${duckdbType(result)})`, errors: byZero(a as string, b as string) };
    },
    spark: ([a, b]) => `pmod(${a}, ${b})`,
  }),
  scalarEntry({
    name: "div",
    usage: "div(a: bigint, b: bigint): bigint",
    does: "The quotient without its fraction; a divisor of 0 and a result beyond 64 bits are errors of the row.",
    type: integersType,
    duckdb: ([a, b], context) => {
      const value = `CASE WHEN ${b} <> 0 THEN TRY_CAST(CAST(${a} AS HUGEINT) // CAST(${b} AS HUGEINT) AS BIGINT) END`;
      const quotient = checked(
        value,
        [a as string, b as string],
        `the quotient does not fit into ${typeName(longType)}`,
        context,
      );
      return { sql: quotient.sql, errors: [...byZero(a as string, b as string), ...quotient.errors] };
    },
    spark: ([a, b]) => `(${a} div ${b})`,
  }),
  scalarEntry({
    name: "factorial",
    usage: "factorial(value: int): bigint",
    does: "The product of the whole numbers up to the value; NULL outside of 0 to 20.",
    type: exactly([["byte", "short", "integer"]], longType),
    duckdb: ([a]) => `CASE WHEN ${a} BETWEEN 0 AND 20 THEN CAST(factorial(CAST(${a} AS INTEGER)) AS BIGINT) END`,
    spark: ([a]) => `factorial(${a})`,
  }),
  bits(
    "bitwise_and",
    "bitwiseAnd",
    "The bits that both have.",
    ([a, b]) => `(${a} & ${b})`,
    ([a, b]) => `(${a} & ${b})`,
  ),
  bits(
    "bitwise_or",
    "bitwiseOr",
    "The bits that one of both has.",
    ([a, b]) => `(${a} | ${b})`,
    ([a, b]) => `(${a} | ${b})`,
  ),
  bits(
    "bitwise_xor",
    "bitwiseXor",
    "The bits that only one has.",
    ([a, b]) => `xor(${a}, ${b})`,
    ([a, b]) => `(${a} ^ ${b})`,
  ),
  scalarEntry({
    name: "bitwise_not",
    usage: "bitwiseNot(value: bigint)",
    does: "The bits that the value does not have.",
    type: exactly([integralKinds], ([type]) => type as DataType),
    binds: false,
    duckdb: ([a]) => `(~ ${a})`,
    spark: ([a]) => `(~ ${a})`,
  }),
  scalarEntry({
    name: "bit_count",
    usage: "bitCount(value: bigint): int",
    does: "The number of bits that are 1, of 64.",
    type: exactly([integralKinds], { kind: "integer" }),
    binds: false,
    duckdb: ([a]) => `CAST(bit_count(CAST(${a} AS BIGINT)) AS INTEGER)`,
    spark: ([a]) => `bit_count(${a})`,
  }),
  scalarEntry({
    name: "bin",
    usage: "bin(value: bigint): string",
    does: "The number (in two's complement of 64 bits) in binary digits.",
    type: exactly([integralKinds], { kind: "string" }),
    binds: false,
    duckdb: ([a]) => `bin(CAST(${a} AS BIGINT))`,
    spark: ([a]) => `bin(${a})`,
  }),
  shift("shiftleft", "shiftleft", "The bits moved up; those that leave the type are lost."),
  shift("shiftright", "shiftright", "The bits moved down, the sign staying as it is."),
  shift("shiftrightunsigned", "shiftrightunsigned", "The bits moved down, zeros coming in."),
] as const satisfies readonly ScalarFunction[];

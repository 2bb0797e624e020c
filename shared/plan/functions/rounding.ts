/** Rounding to a number of digits, which is a literal: the type of a rounded decimal depends on it. */
import { isIntegral, typeName } from "../type-name.ts";
import { duckdbType } from "../sql/quoting.ts";
import type { DataType, DecimalType } from "../types.ts";
import { checked } from "./arithmetic.ts";
import { powerOfTen, unscaled } from "./decimals.ts";
import { literalNumber, scalarEntry } from "./define.ts";
import type { ScalarFunction, Spelled, SpellingContext, TypeRule } from "./function-definition.ts";
import { exactly, numericKinds } from "./type-rules.ts";

/** Half up is away from zero. */
type Mode = "round" | "bround";

/** More than any number has before or after its point. */
const digitsMax = 400;
/** The powers of ten that 128 bits hold. */
const powersMax = 38;

/** As many digits as Spark gives it: one more before the point, and those that it keeps. */
function roundedDecimal({ precision, scale }: DecimalType, digits: number): DecimalType {
  const whole = precision - scale + 1;
  return digits < 0
    ? { kind: "decimal", precision: Math.min(38, Math.max(whole, 1 - digits)), scale: 0 }
    : { kind: "decimal", precision: Math.min(38, whole + Math.min(scale, digits)), scale: Math.min(scale, digits) };
}

const roundedType: TypeRule = (args, literals) => {
  const typed = exactly([numericKinds, ["integer"]], ([type]) => type as DataType)(args);
  if ("mismatch" in typed) return typed;
  const digits = literals?.[1];
  if (typeof digits !== "number" || Math.abs(digits) > digitsMax)
    return { mismatch: `needs its digits as a literal from -${digitsMax} to ${digitsMax}` };
  return typed.result.kind === "decimal" ? { ...typed, result: roundedDecimal(typed.result, digits) } : typed;
};

/** A whole number of 128 bits without its last digits, rounded: `count` of them are cut off. NULL stays NULL. */
export function shortened(value: string, count: number, mode: Mode, bind: SpellingContext["bind"]): string {
  // Half of the power is more than any 38 digits are.
  if (count > powersMax) return `(${value} - ${value})`;
  const power = powerOfTen(count);
  const half = `CAST('5${"0".repeat(count - 1)}' AS HUGEINT)`;
  const size = bind(`abs(${value})`);
  const kept = bind(`${size} // ${power}`);
  const rest = bind(`${size} % ${power}`);
  const isUp = mode === "round" ? `${rest} >= ${half}` : `${rest} > ${half} OR (${rest} = ${half} AND ${kept} % 2 = 1)`;
  return bind(`(${kept} + CASE WHEN ${isUp} THEN 1 ELSE 0 END) * CASE WHEN ${value} < 0 THEN -1 ELSE 1 END`);
}

const filled = (value: string, count: number): string =>
  count > powersMax ? value : `${value} * ${powerOfTen(count)}`;

function wholeNumber(a: string, digits: number, mode: Mode, context: SpellingContext): string | Spelled {
  if (digits >= 0) return a;
  const kept = shortened(context.bind(`CAST(${a} AS HUGEINT)`), -digits, mode, context.bind);
  const value = `TRY_CAST(${filled(kept, -digits)} AS ${duckdbType(context.result)})`;
  return checked(value, [a], `the result of ${mode} does not fit into ${typeName(context.result)}`, context);
}

function decimal(a: string, digits: number, mode: Mode, context: SpellingContext): string | Spelled {
  const { scale } = context.args[0] as DecimalType;
  const type = duckdbType(context.result);
  // DuckDB's own casts round half up.
  if (digits >= scale || (mode === "round" && digits >= 0)) return `CAST(${a} AS ${type})`;
  const kept = shortened(context.bind(unscaled(a)), scale - digits, mode, context.bind);
  if (digits < 0) {
    const value = `TRY_CAST(${filled(kept, -digits)} AS ${type})`;
    return checked(value, [a], `the result of ${mode} does not fit into ${typeName(context.result)}`, context);
  }
  const unit = digits === 0 ? "1" : `0.${"1".padStart(digits, "0")}`;
  return `CAST(CAST(${kept} AS DECIMAL(38,0)) * CAST('${unit}' AS DECIMAL(38,${digits})) AS ${type})`;
}

function rounding(mode: Mode, does: string): ScalarFunction {
  return scalarEntry({
    name: mode,
    usage: `${mode}(value: number, digits: int literal)`,
    does,
    difference: "of doubles Spark rounds the shortest decimal text, DuckDB the binary value",
    type: roundedType,
    duckdb: ([a, text], context) => {
      const digits = literalNumber(text!);
      if (isIntegral(context.result)) return wholeNumber(a!, digits, mode, context);
      if (context.result.kind === "decimal") return decimal(a!, digits, mode, context);
      const call = mode === "round" ? "round" : "round_even";
      // There is no negative zero among what Spark rounds.
      const zero = `CAST(0 AS ${duckdbType(context.result)})`;
      return `CASE WHEN isfinite(${a}) THEN ${call}(${a}, ${text}) + ${zero} ELSE ${a} END`;
    },
    spark: ([a, digits]) => `${mode}(${a}, ${digits})`,
  });
}

const digitsKept =
  "to a number of digits after the point, or before it where that is negative. Whole numbers keep their type, and one that does not fit it is an error of the row; decimals have the digits that are left, and one more before the point.";

/** Rounding. Whole numbers and decimals are rounded as in Spark. */
export const roundingFunctions = [
  rounding("round", `Rounded, a half away from zero, ${digitsKept}`),
  rounding("bround", `Rounded, a half to the even digit, ${digitsKept}`),
] as const satisfies readonly ScalarFunction[];

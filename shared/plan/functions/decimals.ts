/**
 * Quotients, remainders and means of decimals with the types and digits that Spark gives them. DuckDB divides decimals as doubles, so both sides
 * become whole numbers of 128 bits, and what does not fit these is refused when the pipeline is loaded.
 *
 *     20.00 / 3    decimal(10,2) / decimal(1,0) is decimal(14,6): 2000 · 10^4 // 3 = 6666666, and 2 are left: 6.666667
 */
import type { Expression } from "../expression.ts";
import { decimalLiteral } from "../literal.ts";
import { duckdbType } from "../sql/quoting.ts";
import { isIntegral, typeName } from "../type-name.ts";
import type { DataType, DecimalType } from "../types.ts";
import type { Mismatch, ScalarFunction, Spelled, SpellingContext, Typed } from "./function-definition.ts";
import { asDecimal } from "./type-rules.ts";

type Bind = SpellingContext["bind"];

/** The digits that 128 bits hold, whatever they are. */
const digitsMax = 38;
/** Spark gives a quotient at least so many digits after the point. */
const quotientScaleMin = 6;
/** Both sides as decimals; undefined where the operation is one of doubles or of whole numbers. */
function decimalSides(args: readonly DataType[]): readonly [DecimalType, DecimalType] | undefined {
  const [a, b] = args.map(asDecimal);
  if (args.length !== 2 || a === undefined || b === undefined) return undefined;
  return args.some(({ kind }) => kind === "decimal") ? [a, b] : undefined;
}

/** The types of a quotient with a decimal, after Spark's; undefined for other numbers. */
export function quotientType(args: readonly DataType[]): Typed | Mismatch | undefined {
  const sides = decimalSides(args);
  if (sides === undefined) return undefined;
  const [a, b] = sides;
  const whole = a.precision - a.scale + b.scale;
  const wholeMax = digitsMax - quotientScaleMin;
  if (whole > wholeMax) {
    const why = `a quotient of ${typeName(a)} by ${typeName(b)} has up to ${whole} digits before its point, and ${wholeMax} are computed`;
    return {
      mismatch: `cannot be exact: ${why}; cast the dividend to fewer digits before the point, or the divisor to fewer after it`,
    };
  }
  const scale = Math.min(Math.max(quotientScaleMin, a.scale + b.precision + 1), digitsMax - whole);
  return { result: { kind: "decimal", precision: whole + scale, scale }, args: sides };
}

/** The types of a remainder with a decimal, after Spark's; undefined for other numbers. */
export function remainderType(args: readonly DataType[]): Typed | Mismatch | undefined {
  const sides = decimalSides(args);
  if (sides === undefined) return undefined;
  const scale = Math.max(...sides.map((side) => side.scale));
  const wholes = sides.map((side) => side.precision - side.scale);
  if (Math.max(...wholes) + scale > digitsMax) {
    const why = `${sides.map(typeName).join(" and ")} have more than ${digitsMax} digits with the same number of them after the point`;
    return { mismatch: `cannot be exact: ${why}; cast one of them to fewer digits` };
  }
  return { result: { kind: "decimal", precision: Math.min(...wholes) + scale, scale }, args: sides };
}

/** Beside a decimal, Spark gives a whole number that is written down the digits that it has, and not those of its type. */
export function withOwnDigits<Side extends { readonly expression: Expression; readonly type: DataType }>(
  sides: readonly Side[],
): readonly (Side | { readonly expression: Expression; readonly type: DataType })[] {
  if (sides.every(({ type }) => type.kind !== "decimal")) return sides;
  return sides.map((side) => {
    const { expression, type } = side;
    if (expression.kind !== "literal" || expression.value === null || !isIntegral(type)) return side;
    const literal = type.kind === "byte" ? undefined : decimalLiteral(String(expression.value));
    return literal === undefined ? side : { expression: literal, type: literal.type };
  });
}

/** All digits of a decimal as a whole number. Its text has none before the point where the type has none there. */
export const unscaled = (a: string, whole: Whole = "HUGEINT"): string =>
  `CAST(replace(CAST(${a} AS VARCHAR), '.', '') AS ${whole})`;

/** A power of ten that the type holds. */
export const powerOfTen = (exponent: number, whole: Whole = "HUGEINT"): string =>
  `CAST('1${"0".repeat(exponent)}' AS ${whole})`;

/** DuckDB's types of whole numbers for so many digits. It divides 64 bits many times faster than 128. */
type Whole = "BIGINT" | "HUGEINT";
const wholeOf = (digits: number): Whole => (digits <= 18 ? "BIGINT" : "HUGEINT");

/** A decimal as a whole number, with so many digits behind the point of which it has some. */
function shifted(a: string, { scale }: DecimalType, digits: number, whole: Whole): string {
  const all = unscaled(a, whole);
  return digits === scale ? all : `(${all} * ${powerOfTen(digits - scale, whole)})`;
}

/** The decimal that has these digits; NULL where its type has fewer. */
function scaled(digits: string, type: DecimalType): string {
  const { scale } = type;
  const all = `TRY_CAST(${digits} AS DECIMAL(38,0))`;
  if (scale === 0) return `TRY_CAST(${all} AS ${duckdbType(type)})`;
  return `TRY_CAST(${all} * CAST('0.${"1".padStart(scale, "0")}' AS DECIMAL(38,${scale})) AS ${duckdbType(type)})`;
}

/** The quotient of two decimals, half up; NULL by zero. Little is bound: in a lambda, each name costs DuckDB time to read the query. */
export function quotient(a: string, b: string, { args, result, bind }: SpellingContext): string {
  const [dividend, divisor] = args as readonly [DecimalType, DecimalType];
  const type = result as DecimalType;
  // With these digits the whole quotient has those of the result, and the dividend no more than its precision.
  const digits = type.scale + divisor.scale;
  const whole = wholeOf(Math.max(dividend.precision - dividend.scale + digits, divisor.precision));
  const of = bind(`abs(${shifted(a, dividend, digits, whole)})`);
  const by = bind(`abs(${unscaled(b, whole)})`);
  const kept = bind(`${of} // ${by}`);
  const rest = `(${of} - ${kept} * ${by})`;
  const rounded = `(${kept} + CASE WHEN ${rest} >= ${by} - ${rest} THEN 1 ELSE 0 END)`;
  return scaled(`${rounded} * CASE WHEN (${a} < 0) <> (${b} < 0) THEN -1 ELSE 1 END`, type);
}

/** The remainder of two decimals, with the sign of the dividend or, where the divisor is positive, without one; NULL by zero. */
export function remainder(a: string, b: string, sign: "dividend" | "positive", context: SpellingContext): string {
  const { args, result, bind } = context;
  const [dividend, divisor] = args as readonly [DecimalType, DecimalType];
  const type = result as DecimalType;
  const whole = wholeOf(type.scale + Math.max(...[dividend, divisor].map(({ precision, scale }) => precision - scale)));
  const of = shifted(a, dividend, type.scale, whole);
  const by = shifted(b, divisor, type.scale, whole);
  if (sign === "dividend") return scaled(`${of} % ${by}`, type);
  const parts = bind(by);
  const rest = bind(`${of} % ${parts}`);
  return scaled(`CASE WHEN ${rest} < 0 AND ${parts} > 0 THEN ${rest} + ${parts} ELSE ${rest} END`, type);
}

/** The type of the mean of decimals, as Spark's. */
export function meanType({ precision, scale }: DecimalType): DecimalType {
  return { kind: "decimal", precision: Math.min(38, precision + 4), scale: Math.min(38, scale + 4) };
}

/**
 * The mean of values from their sum, which has their scale, and their number as a long: half up, and NULL where there are none. What does not
 * fit the type is an error.
 */
export function mean(sum: string, count: string, scale: number, type: DecimalType, bind: Bind): Spelled {
  const [total, by] = [bind(unscaled(sum)), bind(`CAST(${count} AS HUGEINT)`)];
  const size = bind(`abs(${total})`);
  const kept = bind(`${size} // ${by}`);
  // What is left is less than a long, so that four digits more fit.
  const added = type.scale - scale;
  const left = bind(`(${size} - ${kept} * ${by}) * ${powerOfTen(added)}`);
  const digits = bind(`${left} // ${by}`);
  const rest = `(${left} - ${digits} * ${by})`;
  const isUp = `CASE WHEN ${rest} >= ${by} - ${rest} THEN 1 ELSE 0 END`;
  const rounded = `CASE WHEN ${kept} < ${powerOfTen(digitsMax - added)} THEN ${kept} * ${powerOfTen(added)} + ${digits} + ${isUp} END`;
  const value = bind(scaled(`${rounded} * CASE WHEN ${total} < 0 THEN -1 ELSE 1 END`, type));
  const message = `'the mean does not fit into ${typeName(type)}'`;
  return { sql: value, errors: [{ when: `(${value} IS NULL AND ${kept} IS NOT NULL)`, message }] };
}

/** The engine's `decimal_mean(sum, count)`: the mean of decimals from what is kept of them, a sum with ten digits more than they have. */
export const decimalMeans = [
  {
    kind: "scalar",
    name: "decimal_mean",
    deterministic: true,
    exactness: "exact",
    doc: undefined,
    type: (args) => {
      const [sum, count] = args;
      if (args.length !== 2 || sum?.kind !== "decimal" || count?.kind !== "long")
        return { mismatch: "needs a sum of decimals and a number" };
      return { result: meanType({ ...sum, precision: sum.precision - 10 }), args };
    },
    bindsArguments: true,
    sql: {
      duckdb: ([sum, count], { args, result, bind }) =>
        mean(sum as string, count as string, (args[0] as DecimalType).scale, result as DecimalType, bind),
      spark: ([sum, count], { result }) => `CAST(${sum} / ${count} AS ${typeName(result)})`,
    },
  },
] as const satisfies readonly ScalarFunction[];

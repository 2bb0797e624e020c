/** Arithmetic as Spark does it with ANSI on: what does not fit is an error of the row, never a wrapped or rounded number. */
import type { DataType, DecimalType } from "../types.ts";
import { isIntegral, isNumeric, typeName } from "../type-name.ts";
import { duckdbType } from "../sql/quoting.ts";
import { quotient, quotientType, remainder, remainderType } from "./decimals.ts";
import type {
  FunctionDoc,
  Mismatch,
  ScalarFunction,
  Spelled,
  Spelling,
  SpellingContext,
  Typed,
  TypeRule,
} from "./function-definition.ts";
import { asDecimal, commonType, exactly, numericKinds } from "./type-rules.ts";

type Operator = "plus" | "minus" | "times";
const symbols = { plus: "+", minus: "-", times: "*" } as const;
const overflows = "A result that does not fit its type is an error of the row.";
const operations = {
  plus: { usage: "a.plus(b)", does: `The sum. ${overflows}` },
  minus: { usage: "a.minus(b)", does: `The difference. ${overflows}` },
  times: { usage: "a.times(b)", does: `The product. ${overflows}` },
} as const;

/** A value that is NULL exactly when it does not fit is an error of the row, unless an argument is NULL. */
export function checked(value: string, args: readonly string[], message: string, { bind }: SpellingContext): Spelled {
  const result = bind(value);
  const given = args.map((arg) => `${arg} IS NOT NULL`).join(" AND ");
  return { sql: result, errors: [{ when: `(${result} IS NULL AND ${given})`, message: `'${message}'` }] };
}

function operation(name: Operator): ScalarFunction {
  const symbol = symbols[name];
  const duckdb: Spelling = (args, context) => {
    const [a, b] = args as [string, string];
    const type = duckdbType(context.result);
    if (isIntegral(context.result)) {
      const wide = context.result.kind === "long" ? "HUGEINT" : "BIGINT";
      const value = `TRY_CAST(CAST(${a} AS ${wide}) ${symbol} CAST(${b} AS ${wide}) AS ${type})`;
      return checked(value, [a, b], `the result of ${symbol} does not fit into ${typeName(context.result)}`, context);
    }
    if (context.result.kind === "decimal" && name !== "times")
      return `(CAST(${a} AS ${type}) ${symbol} CAST(${b} AS ${type}))::${type}`;
    if (context.result.kind !== "decimal") return `(${a} ${symbol} ${b})`;
    // DuckDB multiplies in the digits of the wider side, which may be too few.
    const [left, right] = context.args.map((arg) => `DECIMAL(38,${arg.kind === "decimal" ? arg.scale : 0})`);
    return `CAST(CAST(${a} AS ${left}) * CAST(${b} AS ${right}) AS ${type})`;
  };
  return {
    kind: "scalar",
    name,
    deterministic: true,
    exactness: "exact",
    doc: operations[name],
    type: (args) => operationType(name, args),
    bindsArguments: true,
    sql: { duckdb, spark: ([a, b]) => `(${a} ${symbol} ${b})` },
  };
}

function operationType(name: Operator, args: readonly DataType[]): Typed | Mismatch {
  const [a, b] = args;
  if (args.length !== 2 || a === undefined || b === undefined)
    return { mismatch: `needs 2 arguments, not ${args.length}` };
  if (!isNumeric(a) || !isNumeric(b)) return { mismatch: `needs numbers, not ${typeName(a)} and ${typeName(b)}` };
  const [left, right] = [asDecimal(a), asDecimal(b)];
  if (left === undefined || right === undefined || (isIntegral(a) && isIntegral(b))) {
    const type = commonType(a, b) as DataType;
    return { result: type, args: [type, type] };
  }
  const result = decimalResult(name, left, right);
  if (result.precision > 38 || (name === "times" && left.precision + right.precision > 37)) {
    return {
      mismatch: `of ${typeName(a)} and ${typeName(b)} can exceed 38 digits; cast one of them to fewer digits first`,
    };
  }
  return { result, args: [left, right] };
}

/** Spark's result types of decimal arithmetic (Spark SQL § ANSI compliance), where no digits are lost. */
function decimalResult(name: Operator, a: DecimalType, b: DecimalType): DecimalType {
  if (name === "times") return { kind: "decimal", precision: a.precision + b.precision + 1, scale: a.scale + b.scale };
  const scale = Math.max(a.scale, b.scale);
  return { kind: "decimal", precision: Math.max(a.precision - a.scale, b.precision - b.scale) + scale + 1, scale };
}

const divideType: TypeRule = (args) => {
  const numbers = exactly([numericKinds, numericKinds], { kind: "double" })(args);
  if ("mismatch" in numbers) return numbers;
  return quotientType(args) ?? { result: { kind: "double" }, args: [{ kind: "double" }, { kind: "double" }] };
};

/** The types of a remainder. */
export const moduloType: TypeRule = (args) => remainderType(args) ?? operationType("plus", args);

/** The error of a divisor of zero. */
export const byZero = (a: string, b: string): Spelled["errors"] => [
  { when: `(${b} = 0 AND ${a} IS NOT NULL)`, message: "'division by zero'" },
];

function restOf(a: string, b: string, context: SpellingContext): string {
  if (context.result.kind === "decimal") return remainder(a, b, "dividend", context);
  // The smallest integer modulo -1 overflows in the processor, although the answer is 0.
  return isIntegral(context.result) ? `CASE WHEN ${b} = -1 THEN ${a} - ${a} ELSE ${a} % ${b} END` : `(${a} % ${b})`;
}

const signType: TypeRule = exactly([numericKinds], ([type]) => type as DataType);

function sign(name: "negate" | "abs", doc: FunctionDoc, duckdbCall: (value: string) => string): ScalarFunction {
  return {
    kind: "scalar",
    name,
    deterministic: true,
    exactness: "approximate",
    doc: { ...doc, difference: "decimals of more than 34 digits keep them all, where Spark rounds to 34" },
    type: signType,
    bindsArguments: true,
    sql: {
      duckdb: ([a], context) => {
        if (!isIntegral(context.result)) return duckdbCall(a as string);
        const value = `TRY_CAST(${duckdbCall(`CAST(${a} AS HUGEINT)`)} AS ${duckdbType(context.result)})`;
        return checked(
          value,
          [a as string],
          `the result of ${name} does not fit into ${typeName(context.result)}`,
          context,
        );
      },
      spark: ([a]) => (name === "abs" ? `abs(${a})` : `(- ${a})`),
    },
  };
}

/** + - * / % and signs. Integers overflow into a row error; `/` of integers is a double; a divisor of zero is a row error. */
export const arithmetic = [
  operation("plus"),
  operation("minus"),
  operation("times"),
  {
    kind: "scalar",
    name: "divide",
    deterministic: true,
    exactness: "exact",
    doc: {
      usage: "a.divide(b): double | decimal",
      does: "The quotient: with a decimal a decimal of Spark's digits, rounded half up, and a double of other numbers; a divisor of 0 is an error of the row.",
    },
    type: divideType,
    bindsArguments: true,
    sql: {
      duckdb: ([a, b], context) => ({
        sql: context.result.kind === "decimal" ? quotient(a as string, b as string, context) : `(${a} / ${b})`,
        errors: byZero(a as string, b as string),
      }),
      spark: ([a, b]) => `(${a} / ${b})`,
    },
  },
  {
    kind: "scalar",
    name: "modulo",
    deterministic: true,
    exactness: "exact",
    doc: {
      usage: "a.modulo(b)",
      does: "The remainder, with the sign of the dividend; a divisor of 0 is an error of the row.",
    },
    type: moduloType,
    bindsArguments: true,
    sql: {
      duckdb: ([a, b], context) => ({
        sql: restOf(a as string, b as string, context),
        errors: byZero(a as string, b as string),
      }),
      spark: ([a, b]) => `(${a} % ${b})`,
    },
  },
  sign(
    "negate",
    { usage: "a.negate()", does: `The number with the other sign. ${overflows}` },
    (value) => `(- ${value})`,
  ),
  sign("abs", { usage: "abs(a)", does: `The number without its sign. ${overflows}` }, (value) => `abs(${value})`),
] as const satisfies readonly ScalarFunction[];

/** Functions as Spark's SQL names them, in terms of the table of functions. */
import type { Expression } from "../expression.ts";
import { functionTable } from "../functions/index.ts";
import { withOwnDigits } from "../functions/decimals.ts";
import type { DataType } from "../types.ts";
import { castTo, type Typed } from "./expression-coercion.ts";

/** A call of the table of functions, or what stands for one. The arguments that are given are at least `least` and at most `most`. */
export interface NamedFunction {
  readonly least: number;
  readonly most: number;
  /** Undefined where the arguments cannot be made what the function takes. */
  readonly make: (args: readonly Typed[]) => Expression | undefined;
  /** The arguments are brought to one type first. */
  readonly alike?: boolean;
}

const many = 1_000;
const call = (name: string, args: readonly Expression[]): Expression => ({ kind: "call", name, args });
const expressions = (args: readonly Typed[]): readonly Expression[] => args.map(({ expression }) => expression);

function plain(name: string, least: number, most = least): NamedFunction {
  return { least, most, make: (args) => call(name, expressions(args)) };
}

/** A function of two numbers, of which decimals decide the digits of the result. */
function ofDigits(name: string): NamedFunction {
  return { least: 2, most: 2, make: (args) => call(name, expressions(withOwnDigits(args))) };
}

function alikeCall(name: string, least: number, most: number): NamedFunction {
  return { least, most, alike: true, make: (args) => call(name, expressions(args)) };
}

/** A function that is a cast: `date(x)`, `int(x)`. */
function cast(kind: Exclude<DataType["kind"], "decimal" | "array" | "map" | "struct">): NamedFunction {
  return { least: 1, most: 1, make: ([arg]) => castTo(arg as Typed, { kind })?.expression };
}

/** A function of text, whose arguments are cast to text. */
function ofTexts(name: string, least: number, most = least): NamedFunction {
  return {
    least,
    most,
    make: (args) => {
      const texts = args.map((arg) => castTo(arg, { kind: "string" }));
      return texts.every((text) => text !== undefined) ? call(name, expressions(texts)) : undefined;
    },
  };
}

const integer = (value: number): Expression => ({ kind: "literal", value, type: { kind: "integer" } });
/** A text without an end: Spark's substring without a count goes to it. */
const toTheEnd = 2_147_483_647;

const substring: NamedFunction = {
  least: 2,
  most: 3,
  make: ([text, from, count]) => {
    const asText = castTo(text as Typed, { kind: "string" })?.expression;
    return asText && call("substring", [asText, (from as Typed).expression, count?.expression ?? integer(toTheEnd)]);
  },
};

/** Days from one day to another, the later one first. */
const dateDifference: NamedFunction = {
  least: 2,
  most: 2,
  make: (args) => {
    const days = args.map((arg) => castTo(arg, { kind: "date" }));
    return days.every((day) => day !== undefined) ? call("date_diff_days", expressions(days)) : undefined;
  },
};

const plusDays = (negative: boolean): NamedFunction => ({
  least: 2,
  most: 2,
  make: ([day, count]) => {
    const from = castTo(day as Typed, { kind: "date" })?.expression;
    const days = (count as Typed).expression;
    return from && call("plus_days", [from, negative ? call("negate", [days]) : days]);
  },
});

const plusMonths: NamedFunction = {
  least: 2,
  most: 2,
  make: ([day, count]) => {
    const from = castTo(day as Typed, { kind: "date" })?.expression;
    return from && call("plus_months", [from, (count as Typed).expression]);
  },
};

const dateTrunc: NamedFunction = {
  least: 2,
  most: 2,
  make: ([unit, time]) => {
    const given = (unit as Typed).expression;
    const { type } = time as Typed;
    const at = type.kind === "timestamp_ntz" ? (time as Typed) : castTo(time as Typed, { kind: "timestamp" });
    if (given.kind !== "literal" || typeof given.value !== "string" || at === undefined) return undefined;
    return call("date_trunc", [{ ...given, value: unitNamed(given.value) }, at.expression]);
  },
};

/** Spark knows several names of a unit. */
function unitNamed(unit: string): string {
  const names: Readonly<Record<string, string>> = { yyyy: "year", yy: "year", mon: "month", mm: "month", dd: "day" };
  const lower = unit.toLowerCase();
  return names[lower] ?? lower;
}

/** Parts of times take dates and texts too, which Spark casts. */
function timePart(name: string, kind: "date" | "timestamp"): NamedFunction {
  return {
    least: 1,
    most: 1,
    make: ([arg]) => {
      const { type } = arg as Typed;
      const isTime = type.kind === "timestamp" || type.kind === "timestamp_ntz" || type.kind === kind;
      const time = isTime ? (arg as Typed) : castTo(arg as Typed, { kind });
      return time && call(name, [time.expression]);
    },
  };
}

const choice: NamedFunction = {
  least: 3,
  most: 3,
  make: ([when, then, otherwise]) => ({
    kind: "case",
    branches: [{ when: (when as Typed).expression, then: (then as Typed).expression }],
    otherwise: (otherwise as Typed).expression,
  }),
};

/** Arrays that are columns or fields, whose names Spark gives to what comes out; others it names by their place. */
const zipped: NamedFunction = {
  least: 1,
  most: many,
  make: (args) => {
    const named = args.flatMap(({ expression }) =>
      expression.kind === "column" || expression.kind === "field" ? [text(expression.name), expression] : [],
    );
    return named.length === 2 * args.length ? call("arrays_zip", named) : undefined;
  },
};

/** Calls with what Spark takes where the last arguments are left away. */
function withDefaults(name: string, least: number, ...last: readonly Expression[]): NamedFunction {
  const most = least + last.length;
  return { least, most, make: (args) => call(name, [...expressions(args), ...last.slice(args.length - least)]) };
}

/** A function of one text or of bytes, of which Spark can be told a form: dyne has the one. */
function ofForm(name: string, least: 1 | 2, form: RegExp): NamedFunction {
  return {
    least,
    most: 2,
    make: ([value, given]) => {
      const said = given?.expression;
      const fits = said === undefined || (said.kind === "literal" && form.test(String(said.value)));
      return fits ? call(name, [(value as Typed).expression]) : undefined;
    },
  };
}

/** A moment or a day that a text is: as a cast, or by a pattern. */
function byPattern(name: string, kind: "date" | "timestamp"): NamedFunction {
  return {
    least: 1,
    most: 2,
    make: ([value, pattern]) =>
      pattern === undefined ? castTo(value as Typed, { kind })?.expression : call(name, expressions([value!, pattern])),
  };
}

const text = (value: string): Expression => ({ kind: "literal", value, type: { kind: "string" } });

/** Functions that texts of SQL cannot call by a name: operators, what is said in other words, and what means something else in Spark. */
export const unnamedFunctions: ReadonlySet<string> = new Set([
  // Operators and predicates.
  ..."eq ne lt le gt ge eq_null_safe isin and or not is_null is_not_null plus minus times divide modulo negate".split(
    " ",
  ),
  ..."bitwise_and bitwise_or bitwise_xor bitwise_not div like rlike".split(" "),
  // Under Spark's names: datediff, date_add, add_months, startswith, endswith.
  ..."date_diff_days plus_days plus_months starts_with ends_with".split(" "),
  // Intervals.
  ..."plus_seconds plus_minutes plus_hours".split(" "),
  // Groupings of DataFrames.
  "window",
  "windows",
  // Spark's leaves fields that are NULL away.
  "to_json",
]);

/** The functions with lambdas. */
export const higherOrderNames: ReadonlySet<string> = new Set(
  functionTable.filter(({ kind }) => kind === "higherOrder").map(({ name }) => name),
);

/** Every other function of the table by its own name, which is Spark's. It says itself how many arguments of which types it takes. */
const tableFunctions: Readonly<Record<string, NamedFunction>> = Object.fromEntries(
  functionTable
    .filter(({ kind, name, doc }) => kind === "scalar" && doc !== undefined && !unnamedFunctions.has(name))
    .map(({ name }) => [name, plain(name, 0, many)]),
);

/** By name in lower case. */
export const namedFunctions: Readonly<Record<string, NamedFunction>> = {
  ...tableFunctions,
  array: alikeCall("array", 1, many),
  arrays_zip: zipped,
  array_size: plain("size", 1),
  cardinality: plain("size", 1),
  ceiling: plain("ceil", 1),
  chr: plain("char", 1),
  decode: ofForm("decode", 2, /^utf-?8$/i),
  encode: ofForm("encode", 2, /^utf-?8$/i),
  locate: withDefaults("locate", 2, integer(1)),
  lpad: withDefaults("lpad", 2, text(" ")),
  nullif: alikeCall("nullif", 2, 2),
  pmod: ofDigits("pmod"),
  power: plain("pow", 2),
  regexp: plain("rlike", 2),
  regexp_extract: withDefaults("regexp_extract", 2, integer(1)),
  regexp_extract_all: withDefaults("regexp_extract_all", 2, integer(1)),
  regexp_like: plain("rlike", 2),
  rlike: plain("rlike", 2),
  rpad: withDefaults("rpad", 2, text(" ")),
  sha: plain("sha1", 1),
  sha2: ofForm("sha2", 2, /^(?:0|256)$/),
  sign: plain("signum", 1),
  sort_array: withDefaults("sort_array", 1, { kind: "literal", value: true, type: { kind: "boolean" } }),
  abs: plain("abs", 1),
  add_months: plusMonths,
  bigint: cast("long"),
  binary: cast("binary"),
  boolean: cast("boolean"),
  bround: withDefaults("bround", 1, integer(0)),
  char_length: ofTexts("length", 1),
  character_length: ofTexts("length", 1),
  coalesce: alikeCall("coalesce", 1, many),
  concat: ofTexts("concat", 1, many),
  contains: ofTexts("contains", 2),
  date: cast("date"),
  date_add: plusDays(false),
  date_diff: dateDifference,
  date_sub: plusDays(true),
  date_trunc: dateTrunc,
  dateadd: plusDays(false),
  datediff: dateDifference,
  day: timePart("day", "date"),
  dayofmonth: timePart("day", "date"),
  double: cast("double"),
  endswith: ofTexts("ends_with", 2),
  float: cast("float"),
  greatest: alikeCall("greatest", 2, many),
  hour: timePart("hour", "timestamp"),
  if: choice,
  ifnull: alikeCall("coalesce", 2, 2),
  int: cast("integer"),
  isnotnull: plain("is_not_null", 1),
  isnull: plain("is_null", 1),
  lcase: ofTexts("lower", 1),
  least: alikeCall("least", 2, many),
  len: ofTexts("length", 1),
  length: ofTexts("length", 1),
  ln: plain("ln", 1),
  lower: ofTexts("lower", 1),
  minute: timePart("minute", "timestamp"),
  mod: ofDigits("modulo"),
  month: timePart("month", "date"),
  named_struct: plain("named_struct", 2, many),
  negative: plain("negate", 1),
  nvl: alikeCall("coalesce", 2, 2),
  replace: ofTexts("replace", 3),
  round: withDefaults("round", 1, integer(0)),
  smallint: cast("short"),
  startswith: ofTexts("starts_with", 2),
  string: cast("string"),
  substr: substring,
  substring,
  timestamp: cast("timestamp"),
  tinyint: cast("byte"),
  to_date: byPattern("to_date", "date"),
  to_timestamp: byPattern("to_timestamp", "timestamp"),
  trim: ofTexts("trim", 1),
  ucase: ofTexts("upper", 1),
  unix_micros: plain("unix_micros", 1),
  upper: ofTexts("upper", 1),
  year: timePart("year", "date"),
};

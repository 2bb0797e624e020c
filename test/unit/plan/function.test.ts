import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  abs,
  coalesce,
  concat,
  date,
  dateDiffDays,
  dateTrunc,
  day,
  decimal,
  double,
  functionTable,
  greatest,
  hour,
  integer,
  least,
  length,
  lit,
  ln,
  long,
  lower,
  minute,
  month,
  namedStruct,
  nullif,
  renderPlan,
  replace,
  short,
  string,
  timestamp,
  toDate,
  toJson,
  toTimestamp,
  trim,
  unixMicros,
  upper,
  when,
  year,
  boolean,
} from "../../../shared/plan/index.ts";
import type { AnyColumn, Column, DataType, LongType } from "../../../shared/plan/index.ts";
import { DuckDbSession, rowPlan } from "./duckdb-session.ts";
import type { Json } from "./duckdb-session.ts";
import { castTexts } from "./functions/functions-page.ts";

const longMax = 2n ** 63n - 1n;
const longMin = -(2n ** 63n);
const L = (value: bigint | number | null): Column<LongType> => lit(value, long());
const S = (value: string | null) => lit(value, string());
const D = (value: number | null) => lit(value, double());
const T = (value: string | null) => lit(value, timestamp());
const B = (value: boolean | null) => lit(value, boolean());
const I = (value: number | null) => lit(value, integer());
const day1 = lit("2001-01-31", date());
const money = lit("12.345", decimal(10, 3));

/** Expression, Spark's answer with ANSI on, and its error. Values that JSON cannot hold exactly are text. */
const cases: readonly (readonly [string, AnyColumn, Json, string?])[] = [
  ["1 = 1", L(1).eq(1), true],
  ["NULL = 1 is NULL", L(null).eq(1), null],
  ["long compared with double", L(1).lt(D(1.5)), true],
  ["1 <> 2", L(1).ne(2), true],
  ["1 <= 1", L(1).le(1), true],
  ["2 > 1", L(2).gt(1), true],
  ["1 >= 2", L(1).ge(2), false],
  ["NaN = NaN", D(Number.NaN).eq(Number.NaN), true],
  ["NaN is greater than infinity", D(Number.NaN).gt(Number.POSITIVE_INFINITY), true],
  ["NULL <=> NULL", L(null).eqNullSafe(L(null)), true],
  ["a date compared with a timestamp", day1.lt(T("2001-01-31T00:00:00.000001Z")), true],
  ["between includes both ends", L(5).between(1, 5), true],
  ["in a list", S("b").isin("a", "b"), true],
  ["in a list with NULL is NULL", L(3).isin(1, L(null)), null],
  ["false and NULL is false", B(false).and(B(null)), false],
  ["true and NULL is NULL", B(true).and(B(null)), null],
  ["true or NULL is true", B(true).or(B(null)), true],
  ["not NULL is NULL", B(null).not(), null],
  ["is null", S(null).isNull(), true],
  ["is not null", S(null).isNotNull(), false],
  ["long plus", L(longMax - 1n).plus(1), String(longMax)],
  ["long plus overflows", L(longMax).plus(1), null, "the result of + does not fit into bigint"],
  ["long minus overflows", L(longMin).minus(1), null, "the result of - does not fit into bigint"],
  ["long times overflows", L(longMax).times(2), null, "the result of * does not fit into bigint"],
  ["plus NULL is NULL", L(1).plus(L(null)), null],
  ["int plus overflows", I(2 ** 31 - 1).plus(1), null, "the result of + does not fit into int"],
  ["short plus short stays short", lit(1, short()).plus(lit(2, short())), 3],
  ["long plus double is double", L(1).plus(D(0.5)), 1.5],
  ["double overflow is infinity", D(1e308).times(10), "Infinity"],
  ["decimal plus", money.plus(money), "24.690"],
  ["decimal times", money.times(lit("2.0", decimal(3, 1))), "24.6900"],
  ["decimal plus long", money.plus(L(1)), "13.345"],
  ["7 / 2 of longs is a double", L(7).divide(2), 3.5],
  ["1 / 0", L(1).divide(0), "Infinity", "division by zero"],
  ["0.0 / 0.0", D(0).divide(0), "NaN", "division by zero"],
  ["NULL / 0 is NULL", L(null).divide(0), null],
  ["-5 % 3 has the dividend's sign", L(-5).modulo(3), "-2"],
  ["7 % 0", L(7).modulo(0), null, "division by zero"],
  ["the least long % -1 is 0", L(longMin).modulo(-1), "0"],
  ["negate", L(5).negate(), "-5"],
  ["negate the least long", L(longMin).negate(), null, "the result of negate does not fit into bigint"],
  ["abs", abs(D(-1.5)), 1.5],
  ["abs of the least long", abs(L(longMin)), null, "the result of abs does not fit into bigint"],
  ["ln(0) is NULL", ln(D(0)), null],
  ["ln(1)", ln(D(1)), 0],
  ["upper makes ß into SS", upper(S("straße")), "STRASSE"],
  ["lower", lower(S("ABÉ")), "abé"],
  ["trim takes spaces only", trim(S(" \ta ")), "\ta"],
  ["length counts code points", length(S("a🤦🏼‍♂️")), 6],
  ["substring", S("abcdef").substring(2, 3), "bcd"],
  ["substring from 0 is from 1", S("abc").substring(0, 2), "ab"],
  ["substring from the end", S("abc").substring(-2, 5), "bc"],
  ["substring from before the start", S("abc").substring(-5, 3), "a"],
  ["substring of no length", S("abc").substring(1, -1), ""],
  ["concat with NULL is NULL", concat(S("a"), S(null)), null],
  ["concat", concat(S("a"), "b"), "ab"],
  ["replace", replace(S("a-b-c"), "-", "+"), "a+b+c"],
  ["coalesce", coalesce(L(null), L(2), 3), "2"],
  ["nullif", nullif(L(2), 2), null],
  ["greatest passes over NULL", greatest(L(1), L(null), 3), "3"],
  ["least: NaN is the greatest", least(D(Number.NaN), 1), 1],
  ["rlike finds a part", S("xx12").rlike("[0-9]+$"), true],
  ["like escapes with a backslash", S("a_").like("a\\_"), true],
  ["like with an escaped wildcard", S("ab").like("a\\_"), false],
  ["like with an escaped backslash", S("a\\b").like("a\\\\b"), true],
  ["rlike with classes and flags", S("ÀB1").rlike("(?i)b[[:digit:]]$"), true],
  ["rlike of a literal plus", S("a++").rlike("a\\++$"), true],
  ["startsWith", S("abc").startsWith("ab"), true],
  ["endsWith", S("abc").endsWith("bc"), true],
  ["contains", S("abc").contains("x"), false],
  ["year", year(T("2001-12-31T23:59:59Z")), 2001],
  ["month", month(day1), 1],
  ["day", day(day1), 31],
  ["hour", hour(T("2001-12-31T23:59:59Z")), 23],
  ["minute", minute(T("2001-12-31T23:59:59Z")), 59],
  ["week starts on Monday", dateTrunc("week", T("2001-01-10T05:55:00Z")), "2001-01-08 00:00:00+00"],
  ["days between", dateDiffDays(day1, lit("2001-01-01", date())), 30],
  ["microseconds", unixMicros(T("1969-12-31T23:59:59.999999Z")), "-1"],
  ["a month after the 31st is the last day", day1.plusMonths(1), "2001-02-28"],
  ["days before", T("2001-01-02T00:00:00Z").minusDays(2), "2000-12-31 00:00:00+00"],
  ["hours after", T("2001-01-02T23:00:00Z").plusHours(2), "2001-01-03 01:00:00+00"],
  ["seconds after", T("2001-01-02T23:00:00Z").plusSeconds(61), "2001-01-02 23:01:01+00"],
  ["toDate of a timestamp is its day in UTC", toDate(T("2001-01-10T23:30:00-02:00")), "2001-01-11"],
  ["toDate of text", toDate(S("2001-02-03")), "2001-02-03"],
  ["toDate of no date", toDate(S("2001-02-30")), null, 'cannot cast "2001-02-30" to date'],
  ["toTimestamp with a zone", toTimestamp(S("2001-02-03T04:05:06.123456789+01:30")), "2001-02-03 02:35:06.123456+00"],
  ["toTimestamp of other text", toTimestamp(S("yesterday")), null, 'cannot cast "yesterday" to timestamp'],
  [
    "toTimestamp of 24:00",
    toTimestamp(S("2001-02-03T24:00:00Z")),
    null,
    'cannot cast "2001-02-03T24:00:00Z" to timestamp',
  ],
  ["when", when(L(1).eq(2), S("a")).when(L(1).eq(1), S("b")).otherwise("c"), "b"],
  [
    "struct as JSON",
    toJson(
      namedStruct({ a: L(longMax), t: T("2001-01-10T05:55:00.120Z"), d: day1, m: money, x: D(Number.NaN), n: S(null) }),
    ),
    '{"a":9223372036854775807,"t":"2001-01-10T05:55:00.120000Z","d":"2001-01-31","m":"12.345","x":"NaN","n":null}',
  ],
  [
    "decimals without digits before the point as JSON have a zero there",
    toJson(namedStruct({ a: lit("0.5", decimal(3, 3)), b: lit("-0.25", decimal(2, 2)), c: lit("0", decimal(1, 1)) })),
    '{"a":"0.500","b":"-0.25","c":"0.0"}',
  ],
  ["a decimal without digits before the point as text", lit("-0.25", decimal(2, 2)).cast(string()), "-0.25"],
  // An error counts only where Spark would evaluate it.
  ["a branch not taken has no error", when(L(0).ne(0), L(1).divide(0)).otherwise(2), 2],
  ["false and error is false", L(1).eq(2).and(L(1).divide(0).gt(0)), false],
  ["true or error is true", L(1).eq(1).or(L(1).divide(0).gt(0)), true],
  ["coalesce stops at the first value", coalesce(D(1), L(1).divide(0)), 1],
  [
    "errors of a branch taken count",
    when(L(0).eq(0), L(longMax).plus(1)).otherwise(2),
    null,
    "the result of + does not fit into bigint",
  ],
  // Spark stops at the NULL and gives NULL, as docs/functions.md says.
  ["errors behind a NULL count", L(null).plus(S("x").cast(long())), null, 'cannot cast "x" to bigint'],
  ["the first error is kept", L(longMax).plus(1).divide(0), null, "the result of + does not fit into bigint"],
];

let session: DuckDbSession;
beforeAll(async () => {
  session = await DuckDbSession.open();
});
afterAll(async () => session[Symbol.asyncDispose]());

describe("functions in DuckDB answer as Spark with ANSI on", () => {
  for (const [name, column, value, error] of cases) {
    it(`${name}`, async () => {
      const result = await session.evaluate({ one: [1, integer()] }, () => column);
      expect(result).toMatchObject(error === undefined ? { value, error: null } : { error });
    });
  }

  it("gives the same answers for columns as for constants", async () => {
    const row = { a: [longMax, long()], b: [0, long()], s: ["x", string()] } as const;
    expect(await session.evaluate(row, ({ a, b }) => a.plus(b).minus(a))).toEqual({ value: "0", error: null });
    expect(await session.evaluate(row, ({ a, b }) => a.divide(b))).toMatchObject({ error: "division by zero" });
    expect(await session.evaluate(row, ({ s }) => s.cast(long()))).toMatchObject({
      value: null,
      error: 'cannot cast "x" to bigint',
    });
  });

  it("stops the query at an error where errors are not captured", async () => {
    const { plan, relation } = rowPlan({ a: [1, long()] }, ({ a }) => a.divide(0));
    const sql = renderPlan(plan, { dialect: "duckdb", relations: () => relation, rowErrors: "fail" });
    await expect(session.rows(sql)).rejects.toThrow("DATA_ERROR: division by zero");
  });

  it("renders nested arithmetic in text that grows with its depth, not exponentially", () => {
    const deep = (depth: number): string => {
      const { plan } = rowPlan({ a: [1, long()] }, ({ a }) =>
        Array.from({ length: depth }).reduce<Column<LongType>>((sum) => sum.plus(a), a),
      );
      return renderPlan(plan, { dialect: "duckdb", relations: () => "t", rowErrors: "capture" });
    };
    expect(deep(40).length).toBeLessThan(3 * deep(20).length);
  });
});

describe("the table of functions", () => {
  it("names every function once per kind", () => {
    const names = functionTable.map(({ kind, name }) => `${kind} ${name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it("says of each function that it is exact or approximate, and spells it in both dialects", () => {
    for (const definition of functionTable) {
      expect(["exact", "approximate"]).toContain(definition.exactness);
      if (definition.kind !== "higherOrder") expect(Object.keys(definition.sql).sort()).toEqual(["duckdb", "spark"]);
    }
  });
});

describe("functions in Spark", () => {
  const spark = (column: AnyColumn): string => {
    const { plan } = rowPlan({ one: [1, integer()] }, () => column);
    const sql = renderPlan(plan, { dialect: "spark", relations: () => "t", rowErrors: "fail" });
    return /^SELECT (.*) AS `value` FROM t$/.exec(sql)?.[1] ?? sql;
  };
  const one = "CAST('1' AS bigint)";
  it.each<readonly [AnyColumn, string]>([
    [L(1).plus(1), `(${one} + ${one})`],
    [L(1).divide(1), `(CAST(${one} AS double) / CAST(${one} AS double))`],
    [L(1).eqNullSafe(1), `(${one} <=> ${one})`],
    [S("a'b\\").rlike("\\d"), "('a\\'b\\\\' RLIKE '\\\\d')"],
    [concat(S("a"), "b"), "concat('a', 'b')"],
    [toDate(S("x")), "CAST('x' AS date)"],
    [S("x").tryCast(long()), "try_cast('x' AS bigint)"],
    [day1.plusDays(2), "date_add(CAST('2001-01-31' AS date), CAST('2' AS int))"],
    [
      T("2001-01-01T00:00:00Z").plusHours(2),
      "(CAST('2001-01-01T00:00:00Z' AS timestamp) + make_dt_interval(0, CAST('2' AS int)))",
    ],
    [when(L(1).eq(1), S("a")).otherwise("b"), `CASE WHEN (${one} = ${one}) THEN 'a' ELSE 'b' END`],
  ])("%#", (column, text) => {
    expect(spark(column)).toBe(text);
  });
});

const castCases: readonly (readonly [
  string,
  readonly [string | number | bigint | boolean | null, DataType],
  DataType,
  Json,
  string?,
])[] = [
  ["text with blanks to long", [" +5\t", string()], long(), "5"],
  ["text with a fraction to long", ["1.5", string()], long(), null, 'cannot cast "1.5" to bigint'],
  ["text with an underscore to long", ["1_000", string()], long(), null, 'cannot cast "1_000" to bigint'],
  ["text with an exponent to long", ["1e3", string()], long(), null, 'cannot cast "1e3" to bigint'],
  ["text out of range to int", ["2147483648", string()], integer(), null, 'cannot cast "2147483648" to int'],
  ["text to double", ["1e3", string()], double(), 1000],
  ["NaN as text to double", ["nan", string()], double(), "NaN"],
  ["other text to double", ["1.5x", string()], double(), null, 'cannot cast "1.5x" to double'],
  ["text to boolean", ["Yes", string()], boolean(), true],
  ["other text to boolean", ["maybe", string()], boolean(), null, 'cannot cast "maybe" to boolean'],
  ["text to decimal rounds half up", ["1.005", string()], decimal(5, 2), "1.01"],
  ["empty text to long", ["", string()], long(), null, 'cannot cast "" to bigint'],
  ["double to long cuts the fraction", [1.9, double()], long(), "1"],
  ["negative double to long cuts the fraction", [-1.9, double()], long(), "-1"],
  ["NaN to long", [Number.NaN, double()], long(), null, "cannot cast nan to bigint"],
  ["decimal to long cuts the fraction", ["1.9", decimal(5, 1)], long(), "1"],
  ["long to int out of range", [2 ** 31, long()], integer(), null, "cannot cast 2147483648 to int"],
  ["long to decimal out of range", [1000, long()], decimal(3, 1), null, "cannot cast 1000 to decimal(3,1)"],
  ["boolean to long", [true, boolean()], long(), "1"],
  ["long to boolean", [2, long()], boolean(), true],
  ["timestamp to text", ["2001-01-10T05:55:00.120Z", timestamp()], string(), "2001-01-10 05:55:00.12"],
  ["date to timestamp", ["2001-01-10", date()], timestamp(), "2001-01-10 00:00:00+00"],
  ["NULL to anything", [null, string()], long(), null],
];

describe("casts in DuckDB answer as Spark's with ANSI on", () => {
  for (const [name, value, to, expected, error] of castCases) {
    it(`${name}`, async () => {
      const result = await session.evaluate({ v: value }, ({ v }) => v.cast(to));
      expect(result.error).toEqual(error ?? null);
      expect(result.value).toEqual(expected);
    });
  }

  it("gives NULL and no error for try casts", async () => {
    expect(await session.evaluate({ v: ["x", string()] }, ({ v }) => v.tryCast(long()))).toEqual({
      value: null,
      error: null,
    });
  });

  it.each(castTexts)("reads no text that the page of functions tells to be none of $to", async ({ to, sparks }) => {
    const types = { date: date(), timestamp: timestamp(), double: double() };
    const type = types[/\w+/.exec(to)![0] as keyof typeof types];
    for (const text of sparks)
      expect(await session.evaluate({ v: [text, string()] }, ({ v }) => v.tryCast(type)), text).toMatchObject({
        value: null,
      });
  });

  it("refuses casts that Spark has no exact answer for", () => {
    expect(() => D(1).cast(string())).toThrow(expect.objectContaining({ code: "TYPE_MISMATCH" }));
    expect(() => L(1).cast(timestamp())).toThrow(expect.objectContaining({ code: "TYPE_MISMATCH" }));
  });
});

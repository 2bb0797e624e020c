/** Distances, sounds and other forms of texts and numbers; the answers are Spark's, which test:interop asks for again over many more inputs. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  conv,
  crc32,
  decimal,
  double,
  float,
  formatNumber,
  integer,
  levenshtein,
  lit,
  long,
  parseExpression,
  soundex,
  string,
  struct,
} from "../../../shared/plan/index.ts";
import type { AnyColumn, Column, DecimalType } from "../../../shared/plan/index.ts";
import { DuckDbSession, type Json } from "./duckdb-session.ts";

const D = (value: string, precision: number, scale: number): Column<DecimalType> =>
  lit(value, decimal(precision, scale));
const many = String.fromCodePoint(...Array.from({ length: 150 }, (_, index) => 0x4e00 + index));
const tooLong = "the digits are more than 64 bits";

/** What is asked, Spark's answer, and the error of the row. */
const cases: readonly (readonly [what: string, asked: AnyColumn, answer: Json, error?: string])[] = [
  ["a distance of ASCII", levenshtein("kitten", "sitting"), 3],
  ["a distance of letters beyond ASCII", levenshtein("é", "e"), 1],
  ["a distance of what has four bytes", levenshtein("a🤦b", "ab"), 1],
  ["a distance of marks on letters", levenshtein("e\u0301", "é"), 2],
  ["a distance of nothing", levenshtein("", ""), 0],
  ["a distance from nothing", levenshtein("é🤦", ""), 2],
  ["a distance of NULL", levenshtein(lit(null, string()), "é"), null],
  ["a distance of more characters than bytes can be", levenshtein(many, [...many].slice(1).join("")), 1],
  ["a distance above the threshold", levenshtein("kitten", "sitting", 2), -1],
  ["a distance at the threshold", levenshtein("kitten", "sitting", 3), 3],
  ["no distance above a threshold below 0", levenshtein("é", "é", -1), -1],
  ["a sound", soundex("Tymczak"), "T522"],
  ["a sound with an H between", soundex("Ashcraft"), "A261"],
  ["a sound with a sign between", soundex("b-b"), "B100"],
  ["a sound that begins with an H", soundex("hHb"), "H100"],
  ["no sound", soundex("é"), "é"],
  ["a sum of bytes", crc32(lit("Spark", string())), "1557323817"],
  ["a sum of bytes beyond ASCII", crc32(lit("é", string())), "235179326"],
  ["a sum of no bytes", crc32(lit("", string())), "0"],
  ["binary digits", conv("100", 2, 10), "4"],
  ["digits and others", conv(" 12z3 ", 10, 16), "C"],
  ["no digits", conv("+5", 10, 16), "0"],
  ["no text", conv(" ", 10, 16), null],
  ["a number below 0 without a sign", conv("-1", 10, 16), "FFFFFFFFFFFFFFFF"],
  ["a number below 0 with a sign", conv("-10", 16, -10), "-16"],
  ["64 bits as a number with a sign", conv("FFFFFFFFFFFFFFFF", 16, -10), "-1"],
  ["65 bits", conv("10000000000000000", 16, 10), null, tooLong],
  ["200 digits", conv("9".repeat(200), 10, 16), null, tooLong],
  ["thousands", formatNumber(lit(-(2n ** 63n), long()), 1), "-9,223,372,036,854,775,808.0"],
  ["few digits", formatNumber(lit(5, integer()), 0), "5"],
  ["a half to even", formatNumber(D("0.125", 3, 3), 2), "0.12"],
  ["a half to another thousand", formatNumber(D("999.995", 6, 3), 2), "1,000.00"],
  ["nothing below 0", formatNumber(D("-0.4", 5, 2), 0), "-0"],
  ["38 digits", formatNumber(D(`-${"9".repeat(38)}`, 38, 0), 1), `-99${",999".repeat(12)}.0`],
];

/** A number, its places, and what DecimalFormat of Java makes of them. */
const doubles: readonly (readonly [value: number, places: number, answer: string])[] = [
  [0.125, 2, "0.12"],
  [0.375, 2, "0.38"],
  [0.5, 0, "0"],
  [1.5, 0, "2"],
  // The doubles next to these decimals are below and above them.
  [1.005, 2, "1.00"],
  [1.115, 2, "1.11"],
  [0.15, 1, "0.1"],
  [0.35, 1, "0.3"],
  [0.45, 1, "0.5"],
  [9.995, 2, "9.99"],
  [999.9951, 2, "1,000.00"],
  [-0, 1, "-0.0"],
  [-0.04, 1, "-0.0"],
  [0.1, 40, `0.1${"0".repeat(39)}`],
  [1e-7, 7, "0.0000001"],
  // Java takes a 5 that stands alone for a half from 0.0005 on, and for what it is above.
  [0.005, 2, "0.01"],
  [0.0005, 3, "0.000"],
  [5e-9, 8, "0.00000000"],
  [0.0015, 3, "0.002"],
  [1.0005, 3, "1.000"],
  [0.0006, 3, "0.001"],
  [1.5e-7, 9, "0.000000150"],
  [1.25e-7, 8, "0.00000012"],
  [5e-324, 2, "0.00"],
  [123_456.789, 0, "123,457"],
  [9_007_199_254_740_991, 1, "9,007,199,254,740,991.0"],
  [1.016093891711453e17, 0, "101,609,389,171,145,296"],
  [1.0945218981169582e18, 0, "1,094,521,898,116,958,210"],
  [3.471358244268426e18, 0, "3,471,358,244,268,426,200"],
  [2 ** 63, 0, "9,223,372,036,854,776,000"],
  [-1.7976931348623157e308, 1, `-179,769,313,486,231,570${",000".repeat(97)}.0`],
  [Number.NaN, 1, "NaN"],
  [Number.NEGATIVE_INFINITY, 1, "-∞"],
];

describe("texts in other forms", () => {
  let duckdb: DuckDbSession;
  beforeAll(async () => {
    duckdb = await DuckDbSession.open();
  });
  afterAll(async () => duckdb[Symbol.asyncDispose]());

  for (const [what, asked, value, error] of cases)
    it(what, async () => {
      expect(await duckdb.evaluate({ one: [1, integer()] }, () => asked)).toEqual({ value, error: error ?? null });
    });

  it.each(doubles)("the double %d with %d places", async (value, places, answer) => {
    const asked = await duckdb.evaluate({ a: [value, double()] }, ({ a }) => formatNumber(a, places));
    expect(asked).toEqual({ value: answer, error: null });
  });

  it("a float is the double that it is", async () => {
    const asked = await duckdb.evaluate({ a: [Math.fround(0.1), float()] }, ({ a }) => formatNumber(a, 12));
    expect(asked).toEqual({ value: "0.100000001490", error: null });
  });

  it("no double is no text", async () => {
    const asked = await duckdb.evaluate({ a: [null, double()] }, ({ a }) => formatNumber(a, 1));
    expect(asked).toEqual({ value: null, error: null });
  });

  it.each([
    ["conv(a, 1, 10)", "needs its bases as literals from 2 to 36"],
    ["conv(a, 10, 37)", "needs its bases as literals from 2 to 36"],
    ["conv(a, n, 10)", "needs its bases as literals from 2 to 36"],
    ["format_number(n, -1)", "needs its digits behind the point as a literal from 0 to 100"],
    ["format_number(a, 1)", "needs byte or short or integer"],
    ["levenshtein(a)", "needs 2 arguments"],
    ["levenshtein(a, a, a)", "needs integer, not string"],
    ["levenshtein(a, a, n)", "needs its threshold as a literal"],
    ["levenshtein(a, a, 1, 2)", "needs 3 arguments"],
  ])("%s is refused", (text, message) => {
    expect(() => parseExpression(text, struct({ a: string(), n: integer() }))).toThrow(message);
  });
});

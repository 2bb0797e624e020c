/** Distances, sounds and other forms of texts and numbers; the answers are Spark's, which test:interop asks for again over many more inputs. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  conv,
  crc32,
  decimal,
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

  it.each([
    ["conv(a, 1, 10)", "needs its bases as literals from 2 to 36"],
    ["conv(a, 10, 37)", "needs its bases as literals from 2 to 36"],
    ["conv(a, n, 10)", "needs its bases as literals from 2 to 36"],
    ["format_number(n, -1)", "needs its digits behind the point as a literal from 0 to 100"],
    ["format_number(1.5D, 1)", "needs"],
    ["levenshtein(a, a, 2)", "needs 2 arguments"],
  ])("%s is refused", (text, message) => {
    expect(() => parseExpression(text, struct({ a: string(), n: integer() }))).toThrow(message);
  });
});

/** Division, remainders and means of decimals; types and answers are Spark's, which test:interop asks for again over many more inputs. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  array,
  avg,
  byte,
  decimal,
  double,
  integer,
  lit,
  long,
  parseExpression,
  pmod,
  read,
  renderScalar,
  struct,
  transform,
  typeName,
  typeOf,
  when,
} from "../../../shared/plan/index.ts";
import type { Column, DecimalType, NumericType } from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

const D = (value: string | null, precision: number, scale: number): Column<DecimalType> =>
  lit(value, decimal(precision, scale));
const nines = (count: number): string => "9".repeat(count);
const zeros = (count: number): string => "0".repeat(count);

describe("decimals", () => {
  let duckdb: DuckDbSession;
  beforeAll(async () => {
    duckdb = await DuckDbSession.open();
  });
  afterAll(async () => duckdb[Symbol.asyncDispose]());

  it.each<readonly [string, Column<NumericType>, type: string, answer: unknown]>([
    ["20 / 3", D("20.00", 10, 2).divide(D("3", 1, 0)), "decimal(14,6)", "6.666667"],
    ["-20 / 3", D("-20.00", 10, 2).divide(D("3", 1, 0)), "decimal(14,6)", "-6.666667"],
    ["-20 / -3", D("-20.00", 10, 2).divide(D("-3", 1, 0)), "decimal(14,6)", "6.666667"],
    ["a half goes up", D("0.01", 3, 2).divide(D("2000.0", 5, 1)), "decimal(10,8)", "0.00000500"],
    ["a half of the last digit goes up", D("0.001", 3, 3).divide(D("2000", 4, 0)), "decimal(8,8)", "0.00000050"],
    ["with the fewest digits", D("1", 1, 0).divide(D("3", 1, 0)), "decimal(7,6)", "0.333333"],
    ["with more", D("1", 10, 0).divide(D("7", 10, 0)), "decimal(21,11)", "0.14285714286"],
    [
      "without digits before the point",
      D("0.00001", 5, 5).divide(D("0.00003", 5, 5)),
      "decimal(16,11)",
      "0.33333333333",
    ],
    ["of 38 digits, some cut", D("1", 20, 0).divide(D("3", 20, 0)), "decimal(38,18)", `0.${"3".repeat(18)}`],
    ["of 38 digits, 6 left", D("2", 32, 0).divide(D("3", 6, 0)), "decimal(38,6)", "0.666667"],
    ["the greatest", D(nines(32), 32, 0).divide(D("1", 6, 0)), "decimal(38,6)", `${nines(32)}.000000`],
    [
      "all digits behind the point",
      D("0.49", 38, 38).divide(D("-99", 38, 0)),
      "decimal(38,38)",
      `-0.00${"49".repeat(18)}`,
    ],
    ["just under a half", D("0.05", 38, 38).divide(D("1".repeat(38), 38, 0)), "decimal(38,38)", `0.${zeros(38)}`],
    ["over a half", D("0.5", 38, 38).divide(D(nines(38), 38, 0)), "decimal(38,38)", `0.${zeros(37)}1`],
    ["by zero", D("1.50", 10, 2).divide(D("0.0", 3, 1)), "decimal(15,6)", "division by zero"],
    ["NULL by zero", D(null, 10, 2).divide(D("0.0", 3, 1)), "decimal(15,6)", null],
    ["by NULL", D("1.50", 10, 2).divide(D(null, 3, 1)), "decimal(15,6)", null],
    [
      "a branch not taken",
      when(D("1", 1, 0).gt(2), D("1", 1, 0).divide(D("0", 1, 0))).otherwise(D("7", 1, 0)),
      "decimal(7,6)",
      "7.000000",
    ],
    ["a double", D("1.50", 10, 2).divide(lit(0.5, double())), "double", 3],
    ["rest", D("-7.50", 10, 2).modulo(D("2.000", 5, 3)), "decimal(5,3)", "-1.500"],
    ["rest by zero", D("1.00", 3, 2).modulo(D("0", 1, 0)), "decimal(3,2)", "division by zero"],
    ["rest of 38 digits", D(nines(38), 38, 0).modulo(D(`-${nines(37)}8`, 38, 0)), "decimal(38,0)", "1"],
    ["rest of one that is larger", D("0.25", 2, 2).modulo(D("9", 1, 0)), "decimal(2,2)", "0.25"],
    ["positive rest", pmod(D("-7.50", 10, 2), D("2.000", 5, 3)), "decimal(5,3)", "0.500"],
    ["of a negative divisor", pmod(D("-7.50", 10, 2), D("-2.000", 5, 3)), "decimal(5,3)", "-1.500"],
    ["positive rest of 38 digits", pmod(D("-1", 38, 0), D(nines(38), 38, 0)), "decimal(38,0)", `${nines(37)}8`],
    [
      "too large",
      pmod(D("-0.01", 3, 2), D("999", 3, 0)),
      "decimal(3,2)",
      "the result of pmod does not fit into decimal(3,2)",
    ],
    ["positive rest by zero", pmod(D("-1.00", 3, 2), D("0", 1, 0)), "decimal(3,2)", "division by zero"],
    ["by an int", D("1.00", 10, 2).divide(lit(3, integer()).plus(0)), "decimal(21,13)", "0.3333333333333"],
    ["by a bigint", D("1.00", 10, 2).divide(lit(3n, long()).plus(0)), "decimal(31,23)", `0.${"3".repeat(23)}`],
    ["by a tinyint that is written", D("1.00", 10, 2).divide(lit(3, byte())), "decimal(14,6)", "0.333333"],
    ["by a whole number that is written", D("1.00", 10, 2).divide(3), "decimal(14,6)", "0.333333"],
    ["by a text", D("1.00", 10, 2).divide("-0.300"), "decimal(17,6)", "-3.333333"],
    ["by a bigint that is written", D("1.00", 10, 2).divide(lit(300n, long())), "decimal(14,6)", "0.003333"],
    ["a whole number that is written", lit(5, integer()).divide(D("2.0", 2, 1)), "decimal(8,6)", "2.500000"],
    ["rest by a number that is written", D("1.00", 10, 2).modulo(0.3), "decimal(2,2)", "0.10"],
    ["positive rest by one that is written", pmod(D("-1.00", 10, 2), 3), "decimal(3,2)", "2.00"],
    ["by an int that is NULL", D("1.00", 10, 2).divide(lit(null, integer())), "decimal(21,13)", null],
  ])("%s: %#", async (_title, column, type, answer) => {
    expect(typeName(column.type)).toBe(type);
    const { value, error } = await duckdb.evaluate({ one: [1, integer()] }, () => column);
    expect(error ?? value).toEqual(answer);
  });

  it.each<readonly [title: string, precision: number, scale: number, values: string, type: string, mean: unknown]>([
    ["thirds", 12, 2, "(1.00), (0.00), (NULL), (1.00)", "decimal(16,6)", "0.666667"],
    ["a negative half", 5, 0, `(-1)${", (0)".repeat(31)}`, "decimal(9,4)", "-0.0313"],
    ["none", 12, 2, "(NULL)", "decimal(16,6)", null],
    ["no digits before the point", 6, 6, "(0.000001), (0.000002)", "decimal(10,10)", "0.0000015000"],
    [
      "sums that have 38 digits",
      30,
      4,
      `('${nines(26)}.9999'), ('${nines(26)}.9998')`,
      "decimal(34,8)",
      `${nines(26)}.99985000`,
    ],
    ["36 digits behind the point", 38, 36, `('0.${zeros(35)}1'), ('0'), ('0')`, "decimal(38,38)", `0.${zeros(36)}33`],
    [
      "38 digits behind the point",
      38,
      38,
      `('0.${zeros(37)}3'), ('0.${zeros(37)}2')`,
      "decimal(38,38)",
      `0.${zeros(37)}3`,
    ],
    ["one that does not fit", 38, 0, `('1${zeros(34)}')`, "decimal(38,4)", "the mean does not fit into decimal(38,4)"],
    ["the greatest that fits", 38, 0, `('${nines(34)}')`, "decimal(38,4)", `${nines(34)}.0000`],
    [
      "a sum that does not fit",
      38,
      0,
      `('${nines(38)}'), ('1')`,
      "decimal(38,4)",
      "the sum does not fit into decimal(38,0)",
    ],
  ])("have a mean: %s", async (_title, precision, scale, values, type, answer) => {
    const table = read({ name: "t", schema: struct({ d: decimal(precision, scale) }) });
    const query = table.groupBy().agg(({ d }) => ({ mean: avg(d) }));
    expect(typeName(query.columns.mean.type)).toBe(type);
    const relation = `SELECT CAST(d AS DECIMAL(${precision},${scale})) AS d FROM (VALUES ${values}) t(d)`;
    const given = await duckdb
      .query(query.plan, { t: relation })
      .catch((error: unknown) => [{ mean: /DATA_ERROR: (.*)/.exec(String(error))?.[1] ?? String(error) }]);
    expect(given).toEqual([{ mean: answer }]);
  });

  it("have a mean of the rows of a window", async () => {
    const query = read({ name: "t", schema: struct({ k: integer(), d: decimal(12, 2) }) })
      .withColumns(({ k, d }) => ({
        mean: avg(d).over({ partitionBy: [k] }),
        some: avg(d)
          .filter(d.gt(0))
          .over({ partitionBy: [k] }),
      }))
      .orderBy("k", "d");
    const t = "SELECT * FROM (VALUES (1, 1::DECIMAL(12,2)), (1, 0::DECIMAL(12,2)), (2, NULL)) t(k, d)";
    expect(await duckdb.query(query.plan, { t })).toEqual([
      { k: 1, d: "0.00", mean: "0.500000", some: "1.000000" },
      { k: 1, d: "1.00", mean: "0.500000", some: "1.000000" },
      { k: 2, d: null, mean: null, some: null },
    ]);
  });

  it("are divided in lambdas too", async () => {
    const prices = struct({ prices: array(decimal(6, 2)) });
    const query = read({ name: "t", schema: prices }).select(({ prices: all }) => ({
      q: transform(all, (x) => x.divide(3)),
    }));
    const relations = { t: "SELECT [1.00, 0.05, NULL]::DECIMAL(6,2)[] AS prices FROM range(1)" };
    expect(await duckdb.query(query.plan, relations)).toEqual([{ q: ["0.333333", "0.016667", null] }]);
  });

  it("are divided for Spark as decimals of the same types", () => {
    const schema = struct({ price: decimal(10, 2), n: integer() });
    const spark = (text: string): string => renderScalar(parseExpression(text, schema), schema, { dialect: "spark" });
    expect(spark("price / n")).toBe("(`price` / CAST(`n` AS decimal(10,0)))");
    expect(spark("price % 3")).toBe("(`price` % CAST('3' AS decimal(1,0)))");
  });

  it("are divided in Spark's SQL by the digits that are written", () => {
    const schema = struct({ price: decimal(10, 2), n: integer() });
    const types = Object.fromEntries(
      [
        "price / 3",
        "price / 3.0",
        "100 / price",
        "price / n",
        "price % 7",
        "mod(price, 7)",
        "pmod(price, -7)",
        "n / 2",
        "price / '2'",
      ].map((text) => [text, typeName(typeOf(parseExpression(text, schema), schema))]),
    );
    expect(types).toEqual({
      "price / 3": "decimal(14,6)",
      "price / 3.0": "decimal(15,6)",
      "100 / price": "decimal(16,11)",
      "price / n": "decimal(21,13)",
      "price % 7": "decimal(3,2)",
      "mod(price, 7)": "decimal(3,2)",
      "pmod(price, -7)": "decimal(3,2)",
      "n / 2": "double",
      "price / '2'": "double",
    });
  });

  it.each<readonly [string, () => unknown, RegExp]>([
    [
      "a quotient of too many digits",
      () => D("1", 38, 18).divide(D("1", 38, 18)),
      /divide cannot be exact: a quotient of decimal\(38,18\) by decimal\(38,18\) has up to 38 digits before its point, and 32 are computed/,
    ],
    ["a quotient of one too many", () => D("1", 33, 0).divide(D("1", 1, 0)), /up to 33 digits before its point/],
    [
      "a remainder",
      () => D("1", 38, 0).modulo(D("1.0", 2, 1)),
      /modulo cannot be exact: decimal\(38,0\) and decimal\(2,1\) have more than 38 digits/,
    ],
    [
      "a positive remainder",
      () => pmod(D("0.1", 38, 38), D("1", 1, 0)),
      /pmod cannot be exact: decimal\(38,38\) and decimal\(1,0\)/,
    ],
  ])("of more than 128 bits are refused: %s", (_title, make, message) => {
    expect(make).toThrow(message);
  });
});

/** Rounding; types and answers are Spark's, which test:interop asks for again over many more inputs. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  bround,
  byte,
  decimal,
  double,
  integer,
  lit,
  long,
  parseExpression,
  round,
  struct,
  typeName,
  typeOf,
} from "../../../shared/plan/index.ts";
import type { Column, NumericType } from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

const D = (value: string, precision: number, scale: number): Column<NumericType> =>
  lit(value, decimal(precision, scale));
const nines = (count: number): string => "9".repeat(count);

describe("rounding", () => {
  let duckdb: DuckDbSession;
  beforeAll(async () => {
    duckdb = await DuckDbSession.open();
  });
  afterAll(async () => duckdb[Symbol.asyncDispose]());

  it.each<readonly [Column<NumericType>, digits: number, type: string, round: unknown, bround: unknown]>([
    [D("12.35", 10, 2), 1, "decimal(10,1)", "12.4", "12.4"],
    [D("12.45", 10, 2), 1, "decimal(10,1)", "12.5", "12.4"],
    [D("-12.45", 10, 2), 1, "decimal(10,1)", "-12.5", "-12.4"],
    [D("12.35", 10, 2), 0, "decimal(9,0)", "12", "12"],
    [D("12.35", 10, 2), -1, "decimal(9,0)", "10", "10"],
    [D("12.35", 10, 2), 2, "decimal(11,2)", "12.35", "12.35"],
    [D("12.35", 10, 2), 5, "decimal(11,2)", "12.35", "12.35"],
    [D("12345", 5, 0), -3, "decimal(6,0)", "12000", "12000"],
    [D("12500", 5, 0), -3, "decimal(6,0)", "13000", "12000"],
    [D("99999", 5, 0), -4, "decimal(6,0)", "100000", "100000"],
    [D("12345", 5, 0), -7, "decimal(8,0)", "0", "0"],
    [D("123.45", 5, 2), -40, "decimal(38,0)", "0", "0"],
    [D("0.99", 2, 2), 1, "decimal(2,1)", "1.0", "1.0"],
    [D("-0.5", 2, 2), 0, "decimal(1,0)", "-1", "0"],
    [D(`${nines(28)}.${nines(10)}`, 38, 10), -1, "decimal(29,0)", `1${"0".repeat(28)}`, `1${"0".repeat(28)}`],
    [D(nines(38), 38, 0), -1, "decimal(38,0)", "error", "error"],
    [lit(25, integer()), -1, "int", 30, 20],
    [lit(-25, integer()), -1, "int", -30, -20],
    [lit(125, byte()), -1, "tinyint", "error", 120],
    [lit(127, byte()), -3, "tinyint", 0, 0],
    [lit(2_147_483_647, integer()), -9, "int", 2_000_000_000, 2_000_000_000],
    [lit(2_147_483_647, integer()), 3, "int", 2_147_483_647, 2_147_483_647],
    [lit(2n ** 63n - 1n, long()), -18, "bigint", "9000000000000000000", "9000000000000000000"],
    [lit(2n ** 63n - 1n, long()), -19, "bigint", "error", "error"],
    [lit(2n ** 63n - 1n, long()), -20, "bigint", "0", "0"],
    [lit(2.5, double()), 0, "double", 3, 2],
    [lit(-0.4, double()), 0, "double", 0, 0],
    [lit(null, integer()), -1, "int", null, null],
    [lit(null, decimal(10, 2)), -1, "decimal(9,0)", null, null],
  ])("%#: a value to %i digits is %s: %j half up, %j half even", async (value, digits, type, up, even) => {
    for (const [call, expected] of [
      [round(value, digits), up],
      [bround(value, digits), even],
    ] as const) {
      expect(typeName(call.type)).toBe(type);
      const { value: given, error } = await duckdb.evaluate({ one: [1, integer()] }, () => call);
      expect(error === null ? given : "error").toEqual(expected);
    }
  });

  it("has its digits as a literal, since a decimal's type depends on them", () => {
    const schema = struct({ d: decimal(10, 2), n: integer() });
    const read = (text: string): string => typeName(typeOf(parseExpression(text, schema), schema));
    expect(read("round(d)")).toBe("decimal(9,0)");
    expect(read("bround(d, -10)")).toBe("decimal(11,0)");
    expect(read("round(n, -1)")).toBe("int");
    for (const text of ["round(d, n)", "round(d, 401)", "bround(d, CAST(NULL AS INT))"])
      expect(() => read(text)).toThrow("needs its digits as a literal from -400 to 400");
    expect(() => round(lit(1, integer()), 500)).toThrow("needs its digits as a literal from -400 to 400");
  });
});

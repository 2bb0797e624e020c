/** Hashes of values; the answers are Spark's, which test:interop asks for again over many more inputs. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  array,
  binary,
  boolean,
  date,
  decimal,
  double,
  float,
  hash,
  integer,
  lit,
  long,
  parseExpression,
  read,
  renderPlan,
  renderScalar,
  string,
  struct,
  timestamp,
  xxhash64,
} from "../../../shared/plan/index.ts";
import type { AnyColumn, DataType, Literal } from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

const cases: readonly (readonly [type: DataType, value: Literal["value"], murmur: number, xx: string])[] = [
  [integer(), 1, -559580957, "-6698625589789238999"],
  [boolean(), true, -559580957, "-6698625589789238999"],
  [integer(), null, 42, "42"],
  [long(), -1n, -939490007, "3858142552250413010"],
  [double(), -0, -1670924195, "-5252525462095825812"],
  [double(), Number.NaN, -1281358385, "-3127944061524951246"],
  [float(), 1.5, -221251528, "6163473420726370430"],
  [date(), "1969-12-31", -1604776387, "2017008487422258757"],
  [timestamp(), "1969-12-31T23:59:59.999999Z", -939490007, "3858142552250413010"],
  [decimal(4, 2), "12.34", -1028144669, "-3802813071951760351"],
  [decimal(38, 0), "-9223372036854775809", -1667168926, "3800235373674817761"],
  [string(), "", 142593372, "-7444071767201028348"],
  [string(), "Spark", 228093765, "-4294468057691064905"],
  [string(), "日本語", -1143049834, "-619341062884681239"],
  [string(), "ab".repeat(50), -1455148302, "4203777275277848579"],
  [binary(), "gP9/", 1911184379, "-2220320451262039617"],
];

describe("hashes", () => {
  let duckdb: DuckDbSession;
  beforeAll(async () => {
    duckdb = await DuckDbSession.open();
  });
  afterAll(async () => duckdb[Symbol.asyncDispose]());

  it.each(cases)("of the %j %s", async (type, value, murmur, xx) => {
    const row = { a: [value, type] } as const;
    expect(await duckdb.evaluate(row, ({ a }) => hash(a as AnyColumn))).toEqual({ value: murmur, error: null });
    expect(await duckdb.evaluate(row, ({ a }) => xxhash64(a as AnyColumn))).toEqual({ value: xx, error: null });
  });

  it("of several values pass over NULLs", async () => {
    const row = { a: [1, integer()], b: [null, string()] } as const;
    expect(await duckdb.evaluate(row, ({ a, b }) => hash(a, b, lit("x", string())))).toEqual({
      value: -1305545736,
      error: null,
    });
    expect(await duckdb.evaluate(row, ({ a, b }) => xxhash64(a, b, lit("x", string())))).toEqual({
      value: "8510603489595372987",
      error: null,
    });
  });

  it("of a wide row are made in steps of a few values, with the hash of each value's turn", async () => {
    const columns = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`c${index}`, [index, integer()] as const]));
    const all = (row: Readonly<Record<string, AnyColumn>>) => hash(...(Object.values(row) as [AnyColumn]));
    const schema = struct(Object.fromEntries(Object.keys(columns(20)).map((name) => [name, integer()])));
    const nested = renderScalar(all(read({ name: "t", schema }).columns).expression, schema, { dialect: "duckdb" });
    const values = Object.entries(columns(20)).map(([name, [value]]) => `${value}::INTEGER AS ${name}`);
    const [row] = await duckdb.rows(`SELECT ${nested} AS hash FROM (SELECT ${values.join(", ")})`);
    expect(await duckdb.evaluate(columns(20), all)).toEqual({ value: row!["hash"], error: null });
    const wide = struct(Object.fromEntries(Object.keys(columns(600)).map((name) => [name, integer()])));
    const { plan } = read({ name: "t", schema: wide }).select((row) => ({ hash: all(row) }));
    const steps = renderPlan(plan, { dialect: "duckdb", relations: () => "t", rowErrors: "fail" }).split(
      /AS "__dyne_\d+"/,
    );
    expect(Math.max(...steps.map((step) => step.split('lambda "__dyne_a').length - 1))).toBe(8);
    expect(await duckdb.evaluate(columns(600), all)).toMatchObject({ error: null });
  });

  it("of many values in a condition are a text that grows with their number", () => {
    const schema = struct({ a: string() });
    const { a } = read({ name: "t", schema }).columns;
    const sizeOf = (count: number): number => {
      const others = Array.from({ length: count - 1 }, () => a);
      return renderScalar(xxhash64(a, ...others).expression, schema, { dialect: "duckdb" }).length;
    };
    expect(sizeOf(40)).toBeLessThan(41 * sizeOf(1));
  });

  it.each(["hash(a)", "xxhash64(n, s)"])("%s of what is made of others is refused", (text) => {
    const schema = struct({ a: array(integer()), n: integer(), s: struct({ x: integer() }) });
    expect(() => parseExpression(text, schema)).toThrow("hash what it is made of");
  });
});

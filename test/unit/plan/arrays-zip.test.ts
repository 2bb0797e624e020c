/** Arrays zipped by name; the answers are Spark's, which test:interop asks for again. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  array,
  arrayOf,
  arraysZip,
  integer,
  parseExpression,
  read,
  renderPlan,
  schemaOf,
  string,
  struct,
  typeName,
  typeOf,
} from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

const schema = struct({ a: array(integer()), b: array(string()), s: struct({ c: array(integer()) }) });
const frame = read({ name: "t", schema });
const { a, b } = frame.columns;
const rowOf = (first: string, second: string): string =>
  `SELECT CAST(${first} AS INTEGER[]) AS a, CAST(${second} AS VARCHAR[]) AS b, CAST(NULL AS STRUCT(c INTEGER[])) AS s`;

describe("arrays zipped", () => {
  let duckdb: DuckDbSession;
  beforeAll(async () => {
    duckdb = await DuckDbSession.open();
  });
  afterAll(async () => duckdb[Symbol.asyncDispose]());

  it.each([
    [
      "[1, 2]",
      "['x']",
      [
        { p: 1, q: "x" },
        { p: 2, q: null },
      ],
    ],
    ["[]", "[NULL]", [{ p: null, q: null }]],
    ["[]", "[]", []],
    ["NULL", "['x']", null],
    ["[1]", "NULL", null],
  ])("of %s and %s are %j", async (first, second, expected) => {
    const zipped = frame.select(() => ({ zipped: arraysZip({ p: a, q: b }) }));
    expect(typeName(schemaOf(zipped.plan))).toBe("struct<zipped:array<struct<p:int,q:string>>>");
    expect(await duckdb.query(zipped.plan, { t: rowOf(first, second) })).toEqual([{ zipped: expected }]);
  });

  it("have in texts the names that Spark gives, and are told to Spark so that it gives those of the query", () => {
    const read = (text: string): string => typeName(typeOf(parseExpression(text, schema), schema));
    expect(read("arrays_zip(a, s.c, b)")).toBe("array<struct<a:int,c:int,b:string>>");
    const told = (names: Parameters<typeof arraysZip>[0]): string => {
      const { plan } = frame.select(() => ({ z: arraysZip(names) }));
      return renderPlan(plan, { dialect: "spark", relations: () => "t", rowErrors: "fail" });
    };
    expect(told({ a, b })).toContain("SELECT arrays_zip(`a`, `b`) AS");
    expect(told({ a: b, b: a })).toContain("CAST(arrays_zip(`b`, `a`) AS array<struct<a:string,b:int>>)");
    expect(told({ a, other: arrayOf(a) })).toContain("AS array<struct<a:int,other:array<int>>>)");
  });

  it("are refused without arrays, and with two names that are one", () => {
    const refused = (error: string) => expect.objectContaining({ code: error });
    expect(() => arraysZip({ a, A: b })).toThrow(refused("DUPLICATE_NAME"));
    expect(() => arraysZip({})).toThrow(refused("TYPE_MISMATCH"));
    expect(() => arraysZip({ a, "0": b })).toThrow("needs names that are no numbers");
    expect(() => parseExpression("arrays_zip(s)", schema)).toThrow("needs arrays, each with a name");
    expect(() => parseExpression("arrays_zip(a, array(1))", schema)).toThrow("at character");
    expect(() => parseExpression("arrays_zip(a, a)", schema)).toThrow(refused("DUPLICATE_NAME"));
    expect(() => parseExpression("transform(array(a), x -> arrays_zip(x, a))", schema)).toThrow("at character");
  });
});

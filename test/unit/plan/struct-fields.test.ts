/** Structs with one field more or less. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  dropFields,
  integer,
  long,
  parseExpression,
  read,
  schemaOf,
  string,
  struct,
  typeName,
  withField,
} from "../../../shared/plan/index.ts";
import type { AnyColumn, LogicalPlan } from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

const frame = read({ name: "t", schema: struct({ s: struct({ a: integer(), b: string() }), n: integer() }) });
const { s, n } = frame.columns;
const of = ({ expression }: AnyColumn): LogicalPlan => ({
  kind: "project",
  input: frame.plan,
  columns: [{ name: "value", expression }],
});

describe("the fields of a struct", () => {
  let duckdb: DuckDbSession;
  beforeAll(async () => {
    duckdb = await DuckDbSession.open();
  });
  afterAll(async () => duckdb[Symbol.asyncDispose]());

  const rows = "SELECT * FROM (VALUES ({'a': 1, 'b': 'x'}, 5), (NULL, 6), ({'a': NULL, 'b': NULL}, NULL)) AS v(s, n)";
  it("have their own values where their names are numbers, whatever their order", async () => {
    const expression = parseExpression("named_struct('z', n, '7', s.b, '0', s.a)", frame.schema);
    const plan: LogicalPlan = { kind: "project", input: frame.plan, columns: [{ name: "value", expression }] };
    const [first] = await duckdb.query(plan, { t: rows });
    expect(first).toEqual({ value: { z: 5, "7": "x", "0": 1 } });
  });

  it.each<readonly [string, AnyColumn, string, unknown]>([
    [
      "are one more",
      withField(s, "c", n),
      "struct<a:int,b:string,c:int>",
      [{ a: 1, b: "x", c: 5 }, null, { a: null, b: null, c: null }],
    ],
    [
      "have another value in its place",
      withField(s, "a", n.cast(long())),
      "struct<a:bigint,b:string>",
      [{ a: "5", b: "x" }, null, { a: null, b: null }],
    ],
    ["are less", dropFields(s, "a"), "struct<b:string>", [{ b: "x" }, null, { b: null }]],
  ])("%s, and a struct that is NULL stays so", async (_what, column, type, expected) => {
    const plan = of(column);
    expect(typeName(schemaOf(plan))).toBe(`struct<value:${type}>`);
    const found = await duckdb.query(plan, { t: rows });
    expect(found.map(({ value }) => value)).toEqual(expected);
  });

  it("are refused where there is no such field, where none would be left, and where two differ in case alone", () => {
    expect(() => dropFields(s, "z" as "a")).toThrow('no field "z" to drop. It has a, b');
    expect(() => dropFields(s, "a", "b")).toThrow("A struct needs a field");
    expect(() => schemaOf(of(withField(s, "A", n)))).toThrow(expect.objectContaining({ code: "DUPLICATE_NAME" }));
  });

  it("have their types", () => {
    withField(s, "c", n).fields.c.plus(1);
    // @ts-expect-error a field that was dropped is not there.
    expect(() => dropFields(s, "a").fields.a).toThrow('no column "a" in a struct<b:string>');
  });
});

/** Structs and arrays compare as in Spark, which test:interop asks about many more of them: NULL within is less than every value. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  array,
  arrayDistinct,
  arrayMax,
  arrayMin,
  arrayPosition,
  arraySort,
  double,
  elementAt,
  greatest,
  integer,
  least,
  map,
  nullif,
  parseExpression,
  read,
  size,
  sortArray,
  string,
  struct,
  transform,
} from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

const pair = struct({ x: double(), y: string() });
const frame = read({ name: "t", schema: struct({ a: pair, b: pair, xs: array(pair), ys: array(pair) }) });
const { plan } = frame.select(({ a, b, xs, ys }) => ({
  eq: a.eq(b),
  lt: a.lt(b),
  between: a.between(a, b),
  isin: a.isin(b),
  less: xs.lt(ys),
  greatest: greatest(a, b).eqNullSafe(a),
  least: least(xs, ys).eqNullSafe(xs),
}));

const structOf = (text: string): string => (text === "NULL" ? text : `row${text}`) + "::STRUCT(x DOUBLE, y VARCHAR)";
const rowOf = (a: string, b: string): string =>
  `SELECT ${structOf(a)} AS a, ${structOf(b)} AS b, [${structOf(a)}] AS xs, [${structOf(b)}, NULL] AS ys`;

describe("comparisons of what is nested", () => {
  let duckdb: DuckDbSession;
  beforeAll(async () => {
    duckdb = await DuckDbSession.open();
  });
  afterAll(async () => duckdb[Symbol.asyncDispose]());

  it.each([
    ["NULL and a value", "(NULL, 'a')", "(1, 'a')", false, true],
    ["a value and NULL", "(1, 'a')", "(1, NULL)", false, false],
    ["NULLs", "(NULL, NULL)", "(NULL, NULL)", true, false],
    ["zeros", "('-0', 'a')", "(0, 'a')", true, false],
    ["a number and NaN", "('Infinity', 'a')", "('NaN', '')", false, true],
    ["NaNs", "('NaN', 'b')", "('NaN', 'b')", true, false],
  ])("of %s", async (_what, a, b, eq, lt) => {
    expect(await duckdb.query(plan, { t: rowOf(a, b) })).toEqual([
      { eq, lt, between: eq || lt, isin: eq, less: eq || lt, greatest: eq || !lt, least: eq || lt },
    ]);
  });

  it("of no struct are NULL", async () => {
    expect(await duckdb.query(plan, { t: rowOf("NULL", "(1, 'a')") })).toEqual([
      { eq: null, lt: null, between: null, isin: null, less: true, greatest: false, least: true },
    ]);
  });

  it("keep the first of zeros that are equal", async () => {
    const chosen = frame.select(({ a, b }) => ({
      greatest: greatest(a, b).fields.x,
      least: least(a, b).fields.x,
    })).plan;
    const [row] = await duckdb.query(chosen, { t: rowOf("('-0', 'a')", "(0, 'a')") });
    expect([row?.["greatest"], row?.["least"]]).toEqual([-0, -0]);
  });

  it.each(["m = m", "s = s", "s IN (s)", "nullif(m, m)", "s < s", "greatest(s, s)"])(
    "of maps, %s, are refused wherever the map is",
    (text) => {
      const m = map(string(), integer());
      expect(() => parseExpression(text, struct({ m, s: struct({ m }) }))).toThrow("cannot compare");
    },
  );

  it("sort arrays, NULL within first, and find elements in them", async () => {
    const sorted = frame.select(({ xs }) => ({
      sort: transform(arraySort(xs), (e) => e.fields.y),
      descending: transform(sortArray(xs, false), (e) => e.fields.y),
      min: arrayMin(xs).fields.y,
      max: arrayMax(xs).fields.y,
      distinct: size(arrayDistinct(xs)),
      position: arrayPosition(xs, elementAt(xs, 2)),
    })).plan;
    const list = ["(1, 'c')", "(1, NULL)", "NULL", "(NULL, 'a')", "('-0', 'b')", "(1, NULL)", "(0, 'b')"].map(structOf);
    const t = `SELECT ${structOf("NULL")} AS a, ${structOf("NULL")} AS b, [${list.join(", ")}] AS xs, NULL::STRUCT(x DOUBLE, y VARCHAR)[] AS ys`;
    expect(await duckdb.query(sorted, { t })).toEqual([
      {
        sort: ["a", "b", "b", null, null, "c", null],
        descending: ["c", null, null, "b", "b", "a", null],
        min: "a",
        max: "c",
        distinct: 5,
        position: "2",
      },
    ]);
  });

  it("of arrays have NULL where they are equal", async () => {
    const same = frame.select(({ xs }) => ({ none: nullif(xs, xs) })).plan;
    expect(await duckdb.query(same, { t: rowOf("(1, 'a')", "(1, 'a')") })).toEqual([{ none: null }]);
  });
});

/** Rows ordered by structs and arrays are in Spark's order: NULL within them is less than every value. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { array, double, integer, rank, read, struct as structOf } from "../../../shared/plan/index.ts";
import type { AnyColumn, OrderedColumn } from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

const pair = structOf({ a: double(), b: integer() });
const frame = read({
  name: "t",
  schema: structOf({ id: integer(), s: pair, xs: array(double()), ss: array(pair), nested: structOf({ s: pair }) }),
});
const { id, s, xs, ss, nested } = frame.columns;
// Each row is greater than those before it, in Spark 4.
const pairs = ["NULL", "(NULL, NULL)", "(NULL, 1)", "(-1, NULL)", "(-1, 0)", "(2, 5)", "('NaN', NULL)"];
const lists = ["NULL", "[]", "[NULL]", "[NULL, NULL]", "[NULL, 1]", "[0]", "[0, NULL]"];
const rows = pairs
  .map((text, index) => {
    const struct = `${text === "NULL" ? text : `row${text}`}::STRUCT(a DOUBLE, b INTEGER)`;
    const outer = text === "NULL" ? "NULL" : `{'s': ${text === "(NULL, NULL)" ? "NULL" : struct}}`;
    return `SELECT ${index + 1}::INTEGER AS id, ${struct} AS s, ${lists[index]}::DOUBLE[] AS xs,
      ${text === "NULL" ? "NULL" : `[${struct}]`}::STRUCT(a DOUBLE, b INTEGER)[] AS ss,
      ${outer}::STRUCT(s STRUCT(a DOUBLE, b INTEGER)) AS nested`;
  })
  .join(" UNION ALL ");
const up = [1, 2, 3, 4, 5, 6, 7];

describe("rows by what is nested", () => {
  let duckdb: DuckDbSession;
  beforeAll(async () => {
    duckdb = await DuckDbSession.open();
  });
  afterAll(async () => duckdb[Symbol.asyncDispose]());

  it.each<readonly [string, AnyColumn | OrderedColumn, readonly number[]]>([
    ["a struct", s, up],
    ["a struct, down", s.desc(), up.toReversed()],
    ["a struct, with NULL last", s.asc("last"), [2, 3, 4, 5, 6, 7, 1]],
    ["an array", xs, up],
    ["an array, down, with NULL first", xs.desc("first"), [1, 7, 6, 5, 4, 3, 2]],
    ["an array of structs", ss, up],
    ["a struct of a struct", nested, up],
  ])("are in order by %s", async (_what, order, expected) => {
    const { plan } = frame.select(() => ({ id, place: rank().over({ orderBy: [order] }) }));
    const ranked = await duckdb.query(plan, { t: rows });
    const found = ranked.toSorted((a, b) => Number(a["place"]) - Number(b["place"])).map((row) => row["id"]);
    expect(found).toEqual(expected);
    expect(new Set(ranked.map((row) => row["place"])).size).toBe(pairs.length);
    const first = frame.orderBy(() => [order]).limit(3).plan;
    const kept = (await duckdb.query(first, { t: rows })).map((row) => row["id"]);
    expect(new Set(kept)).toEqual(new Set(expected.slice(0, 3)));
  });
});

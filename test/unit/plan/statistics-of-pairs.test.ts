/** Correlation and covariance at their edges; the answers are Spark's, which test:interop asks for over random groups. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { corr, covarPop, covarSamp, double, read, struct } from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

const frame = read({ name: "t", schema: struct({ a: double(), b: double() }) });
const all = frame.groupBy().agg(({ a, b }) => ({ corr: corr(a, b), pop: covarPop(a, b), samp: covarSamp(a, b) }));
const covariances = frame.groupBy().agg(({ a, b }) => ({ pop: covarPop(a, b), samp: covarSamp(a, b) }));
const rowsOf = (...pairs: readonly (readonly [string, string])[]): string =>
  `SELECT CAST(a AS DOUBLE) AS a, CAST(b AS DOUBLE) AS b FROM (VALUES ${pairs.map(([a, b]) => `(${a}, ${b})`).join(", ")}) AS v(a, b)`;

describe("the statistics of pairs", () => {
  let duckdb: DuckDbSession;
  beforeAll(async () => {
    duckdb = await DuckDbSession.open();
  });
  afterAll(async () => duckdb[Symbol.asyncDispose]());

  it.each([
    ["no pair", rowsOf(["NULL", "2"], ["1", "NULL"]), null, null, null],
    ["one pair", rowsOf(["1", "2"], ["NULL", "9"]), null, 0, null],
    ["a line", rowsOf(["1", "2"], ["2", "4"], ["3", "6"]), 1, 4 / 3, 2],
    ["a falling line", rowsOf(["1", "-2"], ["2", "-4"], ["3", "-6"]), -1, -4 / 3, -2],
    ["no relation", rowsOf(["1", "1"], ["1", "2"], ["2", "1"], ["2", "2"]), 0, 0, 0],
    ["an infinity", rowsOf(["1", "2"], ["2", "'Infinity'::DOUBLE"]), "NaN", "NaN", "NaN"],
    ["NaN", rowsOf(["1", "2"], ["2", "'NaN'::DOUBLE"], ["NULL", "3"]), "NaN", "NaN", "NaN"],
  ])("of %s", async (_what, t, expectedCorr, pop, samp) => {
    const [row] = await duckdb.query(all.plan, { t });
    const same = (expected: number | string | null): unknown =>
      typeof expected === "number" ? expect.closeTo(expected, 12) : expected;
    expect(row).toEqual({ corr: same(expectedCorr), pop: same(pop), samp: same(samp) });
  });

  it.each([
    ["products beyond a double", rowsOf(["1e200", "1e200"], ["2e200", "2e200"], ["3e200", "4e200"]), "NaN", "Infinity"],
    ["sums beyond a double", rowsOf(["1e308", "1"], ["1e308", "2"], ["1.7e308", "3"]), "NaN", "NaN"],
    ["squares beyond a double", rowsOf(["1e160", "1"], ["2e160", "2"], ["4e160", "3"]), 0, 1e160],
    ["distances whose squares are 0", rowsOf(["1e-170", "1"], ["2e-170", "2"], ["4e-170", "3"]), "Infinity", 1e-170],
    ["distances whose products are 0", rowsOf(["1e-200", "1e-200"], ["2e-200", "3e-200"]), "NaN", 0],
  ])("of %s are what the documentation says, not what Spark gives", async (_what, t, expectedCorr, pop) => {
    expect(await duckdb.query(all.plan, { t })).toEqual([expect.objectContaining({ corr: expectedCorr, pop })]);
  });

  it("have no correlation where one of the values is always the same, which stops the query", async () => {
    const t = rowsOf(["0.1", "2"], ["0.1", "3"], ["0.1", "5"]);
    await expect(duckdb.query(all.plan, { t })).rejects.toThrow("DATA_ERROR: values that are all the same");
    expect(await duckdb.query(covariances.plan, { t })).toEqual([
      { pop: expect.closeTo(0, 12), samp: expect.closeTo(0, 12) },
    ]);
  });
});

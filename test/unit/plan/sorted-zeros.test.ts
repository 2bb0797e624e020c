/** Rows that are sorted keep the signs of their zeros (SPEC.md 10), though DuckDB's own sort makes them positive. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  array,
  arraySort,
  collectList,
  double,
  integer,
  lag,
  read,
  readStream,
  renderPlan,
  rowNumber,
  sortArray,
  struct,
  timestamp,
} from "../../../shared/plan/index.ts";
import type { LogicalPlan } from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

const inner = struct({ a: double() });
const columns = { id: integer(), x: double(), s: inner, xs: array(double()) };
const frame = read({ name: "t", schema: struct(columns) });
const rows = [
  [1, "-0.0"],
  [2, "0.0"],
  [3, "5.0"],
] as const;
const t = `SELECT id::INTEGER AS id, x::DOUBLE AS x, {'a': x::DOUBLE} AS s, [x::DOUBLE] AS xs FROM (VALUES ${rows.map(([id, x]) => `(${id}, '${x}')`).join(", ")}) AS v(id, x)`;
const { id, x, s, xs } = frame.columns;

describe("zeros keep their signs", () => {
  let duckdb: DuckDbSession;
  beforeAll(async () => {
    duckdb = await DuckDbSession.open();
  });
  afterAll(async () => duckdb[Symbol.asyncDispose]());

  it.each<readonly [string, { readonly plan: LogicalPlan }]>([
    ["sorted", frame.orderBy(() => [x, id])],
    ["sorted down", frame.orderBy(() => [x.desc(), id])],
    ["sorted by a struct", frame.orderBy(() => [s, id])],
    ["sorted by an array", frame.orderBy(() => [xs, id])],
    ["the first", frame.orderBy(() => [x, id]).limit(3)],
    ["numbered", frame.withColumns(() => ({ n: rowNumber().over({ orderBy: [x, id] }) }))],
    ["numbered apart", frame.withColumns(() => ({ n: rowNumber().over({ partitionBy: [x], orderBy: [id] }) }))],
    ["before others", frame.withColumns(() => ({ n: lag(id).over({ partitionBy: [xs], orderBy: [x] }) }))],
    ["the first of each", frame.topK({ by: ["id"], orderBy: () => [x], count: 1 })],
    ["one of each", frame.dropDuplicates(["id", "x"])],
  ])("in rows that are %s", async (_what, { plan }) => {
    const sql = renderPlan(plan, { dialect: "duckdb", relations: () => `(${t})`, rowErrors: "fail" });
    const found = await duckdb.rows(
      `SELECT id, x::VARCHAR AS x, s.a::VARCHAR AS a, xs[1]::VARCHAR AS e FROM (${sql}) ORDER BY id`,
    );
    expect(found).toEqual(rows.map(([each, value]) => ({ id: each, x: value, a: value, e: value })));
  });

  it.each([{ keys: ["x"] }, { keys: ["s", "xs"] }, { keys: ["k"] }] as const)(
    "in rows of a stream without duplicates of $keys",
    async ({ keys }) => {
      const schema = struct({ ...columns, k: integer(), at: timestamp() });
      const stream = readStream({ name: "t", schema }).withWatermark("at", "1 hour");
      const sql = renderPlan(stream.dropDuplicatesWithinWatermark([...keys]).plan, {
        dialect: "duckdb",
        relations: () => `(SELECT *, 1 AS k, to_timestamp(id * 7200) AS at FROM (${t}))`,
        rowErrors: "fail",
      });
      const found = await duckdb.rows(
        `SELECT id, x::VARCHAR AS x, s.a::VARCHAR AS a, xs[1]::VARCHAR AS e FROM (${sql}) ORDER BY id`,
      );
      expect(found).toEqual(rows.map(([each, value]) => ({ id: each, x: value, a: value, e: value })));
    },
  );

  it("in sorted arrays and lists", async () => {
    const { plan } = frame.groupBy("id").agg(() => ({ list: collectList(x) }));
    const sorted = frame.select(() => ({ id, up: arraySort(xs), down: sortArray(xs, false) }));
    const sqlOf = (of: LogicalPlan): string =>
      renderPlan(of, { dialect: "duckdb", relations: () => `(${t})`, rowErrors: "fail" });
    expect(await duckdb.rows(`SELECT list[1]::VARCHAR AS e FROM (${sqlOf(plan)}) WHERE id = 1`)).toEqual([
      { e: "-0.0" },
    ]);
    expect(
      await duckdb.rows(
        `SELECT up[1]::VARCHAR AS up, down[1]::VARCHAR AS down FROM (${sqlOf(sorted.plan)}) WHERE id = 1`,
      ),
    ).toEqual([{ up: "-0.0", down: "-0.0" }]);
  });
});

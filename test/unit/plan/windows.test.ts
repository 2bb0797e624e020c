/** Window functions and aggregates over windows: rows with ties, NULLs and frames, and what is refused. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  avg,
  collectList,
  count,
  countDistinct,
  countIf,
  cumeDist,
  denseRank,
  firstValue,
  lag,
  lastValue,
  lead,
  long,
  max,
  nthValue,
  ntile,
  percentRank,
  rank,
  read,
  renderPlan,
  rowNumber,
  schemaOf,
  string,
  struct,
  sum,
  typeName,
} from "../../../shared/plan/index.ts";
import type {
  AnyColumn,
  ColumnsOf,
  LogicalPlan,
  LongType,
  StringType,
  WindowCall,
} from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

let session: DuckDbSession;
beforeAll(async () => {
  session = await DuckDbSession.open();
});
afterAll(async () => session[Symbol.asyncDispose]());

type Types = { readonly g: StringType; readonly k: LongType; readonly v: LongType };
const t = read({ name: "t", schema: struct({ g: string(), k: long(), v: long() }) });
/** One partition with a tie in `k` (rows b and c), one of a single row, and one whose values are NULL. */
const rows = `FROM (VALUES
  ('p', 1::BIGINT, 10::BIGINT), ('p', 2, 20), ('p', 2, 21), ('p', 3, NULL), ('p', NULL, 5),
  ('q', 7, 70), (NULL, 1, NULL), (NULL, 2, NULL)) AS t(g, k, v)`;

/** The values of a column for the rows in the order of `g`, `k` and `v`, NULLs first. */
async function valuesOf(build: (columns: ColumnsOf<Types>) => AnyColumn): Promise<string> {
  const query = t.withColumns((columns) => ({ x: build(columns) })).orderBy("g", "k", "v");
  const found = await session.query(query.plan, { t: rows });
  return found.map(({ x }) => JSON.stringify(x).replaceAll('"', "")).join(" ");
}

const all = { from: undefined, to: undefined } as const;

describe("over a window", () => {
  const cases: readonly (readonly [string, (columns: ColumnsOf<Types>) => AnyColumn, string])[] = [
    // The order of the rows is [NULL 1, NULL 2 | p NULL, p 1, p 2 (20), p 2 (21), p 3 | q 7].
    ["row_number", ({ g, k }) => rowNumber().over({ partitionBy: [g], orderBy: [k] }), "1 2 1 2 3 4 5 1"],
    [
      "row_number, descending",
      ({ g, k }) => rowNumber().over({ partitionBy: [g], orderBy: [k.desc()] }),
      "2 1 5 4 2 3 1 1",
    ],
    ["rank", ({ g, k }) => rank().over({ partitionBy: [g], orderBy: [k] }), "1 2 1 2 3 3 5 1"],
    ["dense_rank", ({ g, k }) => denseRank().over({ partitionBy: [g], orderBy: [k] }), "1 2 1 2 3 3 4 1"],
    ["percent_rank", ({ g, k }) => percentRank().over({ partitionBy: [g], orderBy: [k] }), "0 1 0 0.25 0.5 0.5 1 0"],
    ["cume_dist", ({ g, k }) => cumeDist().over({ partitionBy: [g], orderBy: [k] }), "0.5 1 0.2 0.4 0.8 0.8 1 1"],
    ["ntile", ({ g, k }) => ntile(2).over({ partitionBy: [g], orderBy: [k] }), "1 2 1 1 1 2 2 1"],
    ["rank without partitions", ({ g }) => rank().over({ orderBy: [g.asc("last")] }), "7 7 1 1 1 1 1 6"],
    ["lag", ({ g, k, v }) => lag(v).over({ partitionBy: [g], orderBy: [k] }), "null null null 5 10 20 21 null"],
    [
      "lag with a default",
      ({ g, k, v }) => lag(v, 2, -1).over({ partitionBy: [g], orderBy: [k] }),
      "-1 -1 -1 -1 5 10 20 -1",
    ],
    [
      "lag with a column as default",
      ({ g, k, v }) => lag(v, 1, k).over({ partitionBy: [g], orderBy: [k] }),
      "1 null null 5 10 20 21 7",
    ],
    ["lead", ({ g, k, v }) => lead(v).over({ partitionBy: [g], orderBy: [k] }), "null null 10 20 21 null null null"],
    [
      "lag by a negative number",
      ({ g, k, v }) => lag(v, -1).over({ partitionBy: [g], orderBy: [k] }),
      "null null 10 20 21 null null null",
    ],
    ["first_value", ({ g, k, v }) => firstValue(v).over({ partitionBy: [g], orderBy: [k] }), "null null 5 5 5 5 5 70"],
    [
      "first_value that is not NULL",
      ({ g, k, v }) => firstValue(v, { ignoreNulls: true }).over({ partitionBy: [g], orderBy: [k.desc()] }),
      "null null 20 20 20 20 null 70",
    ],
    [
      "last_value of the partition",
      ({ g, k, v }) => lastValue(v).over({ partitionBy: [g], orderBy: [k], rows: all }),
      "null null null null null null null 70",
    ],
    [
      "last_value that is not NULL up to the row",
      ({ g, k, v }) =>
        lastValue(v, { ignoreNulls: true }).over({ partitionBy: [g], orderBy: [k], rows: { from: undefined, to: 0 } }),
      "null null 5 10 20 21 21 70",
    ],
    [
      "nth_value",
      ({ g, k, v }) => nthValue(v, 2).over({ partitionBy: [g], orderBy: [k], rows: { from: -1, to: 1 } }),
      "null null 10 10 20 21 null null",
    ],
    [
      "a sum up to the row and its peers",
      ({ g, k, v }) => sum(v).over({ partitionBy: [g], orderBy: [k] }),
      "null null 5 15 56 56 56 70",
    ],
    [
      "a sum of rows, one by one",
      ({ g, k, v }) => sum(v).over({ partitionBy: [g], orderBy: [k], rows: { from: undefined, to: 0 } }),
      "null null 5 15 35 56 56 70",
    ],
    [
      "a sum of neighbours",
      ({ g, k, v }) => sum(v).over({ partitionBy: [g], orderBy: [k], rows: { from: -1, to: 1 } }),
      "null null 15 35 51 41 21 70",
    ],
    [
      "a count of rows after the row alone",
      ({ g, k }) => count().over({ partitionBy: [g], orderBy: [k], rows: { from: 1, to: undefined } }),
      "1 0 4 3 2 1 0 0",
    ],
    ["a sum of the partition", ({ g, v }) => sum(v).over({ partitionBy: [g] }), "null null 56 56 56 56 56 70"],
    [
      "a count of some rows",
      ({ g, k, v }) => countIf(v.gt(10)).over({ partitionBy: [g], orderBy: [k] }),
      "0 0 0 0 2 2 2 1",
    ],
    ["a maximum of all rows", ({ v }) => max(v).over({}), "70 70 70 70 70 70 70 70"],
    ["a mean", ({ g, v }) => avg(v).over({ partitionBy: [g] }), "null null 14 14 14 14 14 70"],
    [
      "a sorted list",
      ({ g, v }) => collectList(v).over({ partitionBy: [g] }),
      "[] [] [5,10,20,21] [5,10,20,21] [5,10,20,21] [5,10,20,21] [5,10,20,21] [70]",
    ],
    [
      "an expression of several windows",
      ({ g, k, v }) => v.minus(sum(v).over({ partitionBy: [g] })).plus(rank().over({ partitionBy: [g], orderBy: [k] })),
      "null null -50 -44 -33 -32 null 1",
    ],
  ];
  for (const [name, build, expected] of cases) {
    it(`${name} gives every row its value`, async () => {
      expect(await valuesOf(build)).toBe(expected);
    });
  }

  it("the mean of whole numbers is their exact sum by their number", async () => {
    const query = t.select(({ v }) => ({ mean: avg(v).over({}) })).distinct();
    const large =
      "SELECT 'a' AS g, 1::BIGINT AS k, n::BIGINT AS v FROM (VALUES (9007199254740993), (4611686018427387905)) AS x(n)";
    expect(await session.query(query.plan, { t: large })).toEqual([
      { mean: Number(9_007_199_254_740_993n + 4_611_686_018_427_387_905n) / 2 },
    ]);
  });

  it("a sum beyond bigint stops the query", async () => {
    const query = t.select(({ v }) => ({ total: sum(v).over({}) }));
    const large = "SELECT 'a' AS g, 1::BIGINT AS k, 9223372036854775807 AS v FROM range(2)";
    await expect(session.query(query.plan, { t: large })).rejects.toThrow(
      /DATA_ERROR: the sum does not fit into bigint/,
    );
  });

  it("a list of the partition stays out of the way of a column that raises", async () => {
    const query = t.select(({ g, v }) => ({ parts: sum(v.divide(v.minus(20))).over({ partitionBy: [g] }) }));
    await expect(session.query(query.plan, { t: rows })).rejects.toThrow(/DATA_ERROR: division by zero/);
  });
});

describe("the order of a window", () => {
  const ordersOf = (build: (columns: ColumnsOf<Types>) => AnyColumn): string => {
    const plan = t.select((columns) => ({ x: build(columns) })).plan as Extract<LogicalPlan, { kind: "project" }>;
    const [{ expression }] = plan.columns as unknown as [{ expression: WindowCall }];
    return expression.orderBy.map(({ by }) => (by.kind === "column" ? by.name : by.kind)).join(" ");
  };
  const cases: readonly (readonly [string, (columns: ColumnsOf<Types>) => AnyColumn, string])[] = [
    ["row numbers", ({ k }) => rowNumber().over({ orderBy: [k] }), "k g v"],
    ["neighbours", ({ k, v }) => lead(v).over({ orderBy: [k] }), "k g v"],
    ["parts", ({ k }) => ntile(3).over({ orderBy: [k] }), "k g v"],
    ["first values", ({ k, v }) => firstValue(v).over({ orderBy: [k] }), "k g v"],
    ["places", ({ k, v }) => nthValue(v, 2).over({ orderBy: [k], rows: all }), "k g v"],
    ["frames of rows", ({ k, v }) => sum(v).over({ orderBy: [k], rows: { from: -1, to: 0 } }), "k g v"],
    ["ranks", ({ k }) => rank().over({ orderBy: [k] }), "k"],
    ["dense ranks", ({ k }) => denseRank().over({ orderBy: [k] }), "k"],
    ["relative ranks", ({ k }) => percentRank().over({ orderBy: [k] }), "k"],
    ["distributions", ({ k }) => cumeDist().over({ orderBy: [k] }), "k"],
    ["aggregates up to the row and its peers", ({ k, v }) => sum(v).over({ orderBy: [k] }), "k"],
  ];
  for (const [name, build, expected] of cases) {
    it(`of ${name} is ${expected === "k" ? "as it was given" : "made total by all columns"}`, () => {
      expect(ordersOf(build)).toBe(expected);
    });
  }
});

it("a window has Spark's words, and no filter", () => {
  const query = t.select(({ g, k, v }) => ({
    n: countIf(v.gt(1)).over({ partitionBy: [g] }),
    last: lastValue(v, { ignoreNulls: true }).over({ orderBy: [k], rows: { from: -2, to: 0 } }),
  }));
  expect(renderPlan(query.plan, { dialect: "spark", relations: (name) => name, rowErrors: "fail" })).toBe(
    "SELECT `__dyne_1` AS `n`, `__dyne_2` AS `last` FROM (SELECT *, count(CASE WHEN (`v` > CAST('1' AS bigint)) THEN CAST('1' AS int) END) OVER (PARTITION BY `g`) AS `__dyne_1`, last_value(`v`, true) OVER (ORDER BY `k` ASC NULLS FIRST, `g` ASC NULLS FIRST, `v` ASC NULLS FIRST ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS `__dyne_2` FROM t)",
  );
});

it("types of window functions are Spark's", () => {
  const frame = t.select(({ k, v }) => ({
    a: rank().over({ orderBy: [k] }),
    b: cumeDist().over({ orderBy: [k] }),
    c: lag(v, 1, 0).over({ orderBy: [k] }),
    d: ntile(4).over({ orderBy: [k] }),
    e: sum(v).over({ orderBy: [k] }),
  }));
  expect(typeName(schemaOf(frame.plan))).toBe("struct<a:int,b:double,c:bigint,d:int,e:bigint>");
});

describe("a window is refused when", () => {
  const select = (build: (columns: ColumnsOf<Types>) => AnyColumn) => () =>
    t.select((columns) => ({ x: build(columns) }));
  const cases: readonly (readonly [string, string, RegExp, () => unknown])[] = [
    ["a rank has no order", "INVALID_PIPELINE", /rank in .*orderBy/, select(() => rank().over({} as never))],
    [
      "rows have no order",
      "INVALID_PIPELINE",
      /sum in .* has no order/,
      select(({ v }) => sum(v).over({ rows: { from: -1, to: 0 } } as never)),
    ],
    [
      "a rank has rows",
      "INVALID_PIPELINE",
      /Leave out `rows`/,
      select(({ k }) => rank().over({ orderBy: [k], rows: all } as never)),
    ],
    [
      "a last value does not say of which rows",
      "INVALID_PIPELINE",
      /\{ from: undefined, to: undefined \}/,
      select(({ k, v }) => lastValue(v).over({ orderBy: [k] } as never)),
    ],
    [
      "its rows end before they start",
      "INVALID_ARGUMENT",
      /starts at 1 and ends at -1/,
      select(({ k, v }) => sum(v).over({ orderBy: [k], rows: { from: 1, to: -1 } })),
    ],
    [
      "its rows are no whole numbers",
      "INVALID_ARGUMENT",
      /whole rows/,
      select(({ k, v }) => sum(v).over({ orderBy: [k], rows: { from: 0.5, to: 1 } })),
    ],
    [
      "it counts distinct values",
      "UNSUPPORTED_FEATURE",
      /Group first/,
      select(({ g, v }) => countDistinct(v).over({ partitionBy: [g] })),
    ],
    ["it has no parts", "TYPE_MISMATCH", /from 1 on/, select(({ k }) => ntile(0).over({ orderBy: [k] }))],
    [
      "a place is none",
      "TYPE_MISMATCH",
      /from 1 on/,
      select(({ k, v }) => nthValue(v, 0).over({ orderBy: [k], rows: all })),
    ],
    [
      "a default is of another type",
      "TYPE_MISMATCH",
      /default of the type bigint, not string/,
      select(({ g, k, v }) => lag(v, 1, g as never).over({ orderBy: [k] })),
    ],
  ];
  for (const [name, code, message, work] of cases) {
    it(name, () => {
      expect(work).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
    });
  }
});

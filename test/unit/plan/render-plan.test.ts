import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  array,
  avg,
  boolean,
  collectList,
  count,
  decimal,
  countDistinct,
  countIf,
  currentTimestamp,
  double,
  fromJson,
  lag,
  long,
  map,
  max,
  namedStruct,
  read,
  readStream,
  renderPlan,
  renderScalar,
  rowNumber,
  string,
  struct,
  sum,
  timestamp,
  toJson,
} from "../../../shared/plan/index.ts";
import type { LogicalPlan, RenderOptions } from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

let session: DuckDbSession;
beforeAll(async () => {
  session = await DuckDbSession.open();
});
afterAll(async () => session[Symbol.asyncDispose]());

const t = { name: "t", schema: struct({ id: string(), n: long() }) };
const u = { name: "u", schema: struct({ key: string(), city: string() }) };
const sql = (plan: LogicalPlan, dialect: "duckdb" | "spark", options: Partial<RenderOptions> = {}): string =>
  renderPlan(plan, { dialect, relations: (source) => source, rowErrors: "fail", ...options });

describe("the SQL of each node", () => {
  const x = read(t);
  const cases: readonly (readonly [string, { readonly plan: LogicalPlan }, string, string])[] = [
    ["scan", x, 'SELECT "id", "n" FROM t', "SELECT `id`, `n` FROM t"],
    ["project", x.select(({ n }) => ({ m: n })), 'SELECT "n" AS "m" FROM t', "SELECT `n` AS `m` FROM t"],
    [
      "filter",
      x.filter(({ n }) => n.gt(1)),
      `SELECT "id", "n" FROM t WHERE ("n" > CAST('1' AS BIGINT))`,
      "SELECT `id`, `n` FROM t WHERE (`n` > CAST('1' AS bigint))",
    ],
    [
      "inner join",
      x.join(read(u), { left: "id", right: "key" }),
      'SELECT l."id", l."n", r."key", r."city" FROM (SELECT "id", "n" FROM t) AS l INNER JOIN (SELECT "key", "city" FROM u) AS r ON l."id" = r."key"',
      "SELECT l.`id`, l.`n`, r.`key`, r.`city` FROM (SELECT `id`, `n` FROM t) AS l INNER JOIN (SELECT `key`, `city` FROM u) AS r ON l.`id` = r.`key`",
    ],
    [
      "semi join",
      {
        plan: {
          kind: "join",
          type: "semi",
          nullSafe: true,
          left: x.plan,
          right: read(u).plan,
          on: [{ left: "id", right: "key" }],
          dropRight: [],
        },
      },
      'SELECT l."id", l."n" FROM (SELECT "id", "n" FROM t) AS l SEMI JOIN (SELECT "key", "city" FROM u) AS r ON l."id" IS NOT DISTINCT FROM r."key"',
      "SELECT l.`id`, l.`n` FROM (SELECT `id`, `n` FROM t) AS l LEFT SEMI JOIN (SELECT `key`, `city` FROM u) AS r ON l.`id` <=> r.`key`",
    ],
    [
      "aggregate",
      x.groupBy("id").agg(({ n }) => ({ rows: count(), most: max(n) })),
      'SELECT "__dyne_g1" AS "id", "__dyne_a1" AS "rows", "__dyne_a2" AS "most" FROM (SELECT "id" AS "__dyne_g1", count(*) AS "__dyne_a1", max("n") AS "__dyne_a2" FROM t GROUP BY 1)',
      "SELECT `__dyne_g1` AS `id`, `__dyne_a1` AS `rows`, `__dyne_a2` AS `most` FROM (SELECT `id` AS `__dyne_g1`, count(*) AS `__dyne_a1`, max(`n`) AS `__dyne_a2` FROM t GROUP BY 1)",
    ],
    [
      "union",
      x.union(x),
      'SELECT "id", "n" FROM (SELECT "id", "n" FROM t) UNION ALL SELECT "id", "n" FROM (SELECT "id", "n" FROM t)',
      "SELECT `id`, `n` FROM (SELECT `id`, `n` FROM t) UNION ALL SELECT `id`, `n` FROM (SELECT `id`, `n` FROM t)",
    ],
    [
      "distinct",
      x.distinct(),
      'SELECT DISTINCT "id", "n" FROM (SELECT "id", "n" FROM t)',
      "SELECT DISTINCT `id`, `n` FROM (SELECT `id`, `n` FROM t)",
    ],
    [
      "sort and limit",
      x.orderBy(({ n }) => [n.desc()]).limit(3),
      'SELECT "id", "n" FROM t ORDER BY "n" DESC NULLS LAST, "id" ASC NULLS FIRST LIMIT 3',
      "SELECT `id`, `n` FROM t ORDER BY `n` DESC NULLS LAST, `id` ASC NULLS FIRST LIMIT 3",
    ],
    [
      "watermark",
      read({ name: "w", schema: struct({ at: timestamp() }) }).withWatermark("at", "1 hour"),
      'SELECT "at" FROM w',
      "SELECT `at` FROM w",
    ],
    [
      "explode",
      read({ name: "a", schema: struct({ l: array(long()) }) }).explode("e", ({ l }) => l),
      'SELECT "l", unnest("l") AS "e" FROM (SELECT "l" FROM a)',
      "SELECT `l`, `e` FROM (SELECT `l` FROM a) LATERAL VIEW explode(`l`) d_exploded AS `e`",
    ],
    [
      "window",
      x.select(({ id, n }) => ({ r: rowNumber().over({ partitionBy: [id], orderBy: [n.desc()] }) })),
      'SELECT CAST("__dyne_1" AS INTEGER) AS "r" FROM (SELECT *, row_number() OVER (PARTITION BY "id" ORDER BY "n" DESC NULLS LAST, "id" ASC NULLS FIRST) AS "__dyne_1" FROM t)',
      "SELECT `__dyne_1` AS `r` FROM (SELECT *, row_number() OVER (PARTITION BY `id` ORDER BY `n` DESC NULLS LAST, `id` ASC NULLS FIRST) AS `__dyne_1` FROM t)",
    ],
    [
      "fromJson",
      x.select(({ id }) => ({ j: fromJson(id, struct({ a: long() })) })),
      "",
      "SELECT from_json(`id`, 'struct<a:bigint>', map('mode', 'FAILFAST')) AS `j` FROM t",
    ],
    [
      "sum",
      x.groupBy().agg(({ n }) => ({ total: sum(n) })),
      `SELECT CASE WHEN ("__dyne_1" IS NULL AND "__dyne_a1" IS NOT NULL) THEN error('DATA_ERROR: ' || 'the sum does not fit into bigint') ELSE "__dyne_1" END AS "total" FROM (SELECT *, TRY_CAST("__dyne_a1" AS BIGINT) AS "__dyne_1" FROM (SELECT sum("n") AS "__dyne_a1" FROM t))`,
      "SELECT `__dyne_a1` AS `total` FROM (SELECT sum(`n`) AS `__dyne_a1` FROM t)",
    ],
  ];
  for (const [name, { plan }, duckdb, spark] of cases) {
    it(`${name}`, () => {
      expect(sql(plan, "duckdb")).toBe(duckdb === "" ? sql(plan, "duckdb") : duckdb);
      expect(sql(plan, "spark")).toBe(spark);
    });
  }
});

describe("rows of DuckDB", () => {
  it("group zeros of both signs and NaNs as Spark does, under the positive zero, whichever comes first", async () => {
    const zeros = {
      name: "z",
      schema: struct({ n: long(), x: double(), xs: array(double()), s: struct({ y: double() }) }),
    };
    const z = read(zeros);
    const of = (...values: readonly string[]): string =>
      values
        .map((x, n) => `SELECT ${n}::BIGINT AS n, ${x}::DOUBLE AS x, [${x}::DOUBLE] AS xs, {'y': ${x}::DOUBLE} AS s`)
        .join(" UNION ALL ");
    for (const values of [
      ["0.0", "-0.0", "'nan'", "'-nan'"],
      ["-0.0", "0.0", "'-nan'", "'nan'"],
    ]) {
      const grouped = z
        .groupBy("x", "xs", "s")
        .agg(() => ({ rows: count() }))
        .select(({ x, xs, s, rows }) => ({ x: toJson(namedStruct({ x })), xs: toJson(xs), s: toJson(s), rows }))
        .orderBy("x");
      expect(await session.query(grouped.plan, { z: of(...values) })).toEqual([
        { x: '{"x":"NaN"}', xs: '["NaN"]', s: '{"y":"NaN"}', rows: "2" },
        { x: '{"x":0.0}', xs: "[0.0]", s: '{"y":0.0}', rows: "2" },
      ]);
      const distinct = z
        .drop("n")
        .distinct()
        .select(({ x, xs, s }) => ({ x: toJson(namedStruct({ x })), xs: toJson(xs), s: toJson(s) }))
        .orderBy("x");
      expect(await session.query(distinct.plan, { z: of(...values) })).toEqual([
        { x: '{"x":"NaN"}', xs: '["NaN"]', s: '{"y":"NaN"}' },
        { x: '{"x":0.0}', xs: "[0.0]", s: '{"y":0.0}' },
      ]);
    }
  });

  it("group NULL as a value, count distinct values, and sum to bigint", async () => {
    const frame = read({ name: "t", schema: struct({ id: string(), n: long(), x: double(), ok: boolean() }) });
    const query = frame
      .groupBy("id")
      .agg(({ n, x, ok }) => ({
        rows: count(),
        given: count(n),
        kinds: countDistinct(n),
        total: sum(n),
        mean: avg(n),
        all: collectList(n),
        good: countIf(ok),
        sum: sum(x),
        ratio: sum(n).divide(count()),
      }))
      .orderBy("id");
    const rows = await session.query(query.plan, {
      t: "SELECT id, n::BIGINT AS n, x::DOUBLE AS x, ok FROM (VALUES (NULL, 1, 0.5, true), (NULL, 1, 1.5, false), ('a', NULL, NULL, NULL), ('a', 4, 2.0, true)) AS v(id, n, x, ok)",
    });
    expect(rows).toEqual([
      {
        id: null,
        rows: "2",
        given: "2",
        kinds: "1",
        total: "2",
        mean: 1,
        all: ["1", "1"],
        good: "1",
        sum: 2,
        ratio: 1,
      },
      { id: "a", rows: "2", given: "1", kinds: "1", total: "4", mean: 4, all: ["4"], good: "1", sum: 2, ratio: 2 },
    ]);
  });

  it("writes a map as JSON beside a column with the name of an element", async () => {
    const source = { name: "t", schema: struct({ m: map(string(), long()), e0: long() }) };
    const query = read(source).select(({ m, e0 }) => ({ json: toJson(namedStruct({ m, e0 })) }));
    const rows = await session.query(query.plan, { t: "SELECT MAP {'a': 1::BIGINT} AS m, 5::BIGINT AS e0" });
    expect(rows).toEqual([{ json: '{"m":[{"key":"a","value":1}],"e0":5}' }]);
  });

  it("have one row for a global aggregate over nothing", async () => {
    const query = read(t)
      .groupBy()
      .agg(({ n }) => ({ rows: count(), total: sum(n), mean: avg(n), all: collectList(n) }));
    expect(await session.query(query.plan, { t: "SELECT 'a' AS id, 1::BIGINT AS n WHERE false" })).toEqual([
      { rows: "0", total: null, mean: null, all: [] },
    ]);
  });

  it("give the mean of whole numbers as their exact sum by their number, with and without a filter", async () => {
    const query = read(t)
      .groupBy()
      .agg(({ n }) => ({ mean: avg(n), of_large: avg(n).filter(n.gt(2_147_483_647)), parts: sum(n).divide(count(n)) }));
    const rows =
      "SELECT 'a' AS id, n::BIGINT AS n FROM (VALUES (9007199254740993), (4611686018427387905), (-1234567890123456789), (3), (NULL)) AS v(n)";
    const [row] = await session.query(query.plan, { t: rows });
    expect(row?.["mean"]).toBe(row?.["parts"]);
    expect(row?.["of_large"]).toBe(Number(9_007_199_254_740_993n + 4_611_686_018_427_387_905n) / 2);
  });

  it("stop at a sum beyond bigint", async () => {
    const query = read(t)
      .groupBy()
      .agg(({ n }) => ({ total: sum(n) }));
    await expect(
      session.query(query.plan, { t: "SELECT 'a' AS id, 9223372036854775807 AS n FROM range(2)" }),
    ).rejects.toThrow("DATA_ERROR: the sum does not fit into bigint");
  });

  it("stop at a sum of decimals with a digit more than the type has", async () => {
    const query = read({ name: "d", schema: struct({ n: decimal(38, 0) }) })
      .groupBy()
      .agg(({ n }) => ({ total: sum(n) }));
    const rows = (count: number): string =>
      `SELECT CAST('5${"0".repeat(37)}' AS DECIMAL(38,0)) AS n FROM range(${count})`;
    expect(await session.query(query.plan, { d: rows(1) })).toEqual([{ total: `5${"0".repeat(37)}` }]);
    await expect(session.query(query.plan, { d: rows(2) })).rejects.toThrow(
      "DATA_ERROR: the sum does not fit into decimal(38,0)",
    );
  });

  it("look at the rows of a window in a total order", async () => {
    const query = read(t)
      .select(({ id, n }) => ({
        id,
        n,
        before: lag(n).over({ orderBy: [id] }),
        row: rowNumber().over({ orderBy: [id] }),
        most: max(n).over({ orderBy: [id], rows: { from: undefined, to: -1 } }),
        total: sum(n).over({ partitionBy: [id] }),
      }))
      .orderBy("row");
    expect(await session.query(query.plan, { t: "FROM (VALUES ('b', 3), ('a', 2), ('a', 1)) AS v(id, n)" })).toEqual([
      { id: "a", n: 1, before: null, row: 1, most: null, total: "3" },
      { id: "a", n: 2, before: 1, row: 2, most: 1, total: "3" },
      { id: "b", n: 3, before: 2, row: 3, most: 2, total: "3" },
    ]);
  });

  it("keep one row per key for dropDuplicates, always the same one", async () => {
    const query = read(t).dropDuplicates(["id"]).orderBy("id");
    expect(await session.query(query.plan, { t: "FROM (VALUES ('b', 3), ('a', 2), ('a', 1)) AS v(id, n)" })).toEqual([
      { id: "a", n: 1 },
      { id: "b", n: 3 },
    ]);
  });

  it("explode arrays, with and without rows for empty ones", async () => {
    const frame = read({ name: "a", schema: struct({ l: array(long()) }) });
    const relations = { a: "FROM (VALUES ([1, NULL]::BIGINT[]), ([]), (NULL)) AS v(l)" };
    expect(await session.query(frame.explode("e", ({ l }) => l).select("e").plan, relations)).toEqual([
      { e: "1" },
      { e: null },
    ]);
    expect(
      await session.query(frame.explode("e", ({ l }) => l, { outer: true }).select("e").plan, relations),
    ).toHaveLength(4);
  });

  it("have the batch's clock", async () => {
    const query = read(t).select(() => ({ now: currentTimestamp() }));
    const relations = { t: "SELECT 'a' AS id, 1::BIGINT AS n" };
    expect(
      await session.query(query.plan, relations, { parameters: { current_timestamp: "2001-01-10T05:55:00Z" } }),
    ).toEqual([{ now: "2001-01-10 05:55:00+00" }]);
    await expect(session.query(query.plan, relations)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("captured row errors", () => {
  const events = readStream({ name: "e", schema: struct({ body: string() }) });
  const parsed = events.select(({ body }) => ({ n: body.cast(long()) }));
  const relations = {
    e: "FROM (VALUES ('1', 10), ('x', 11), ('0', 12), ('5', 13)) AS v(body, _position)",
    u: "FROM (VALUES (1::BIGINT, 'Oslo'), (5, 'Rome'), (5, 'Roma')) AS v(key, city)",
  };
  const cities = read({ name: "u", schema: struct({ key: long(), city: string() }) });
  const capture = async (plan: LogicalPlan) => {
    const rows = await session.query(plan, relations, { rowErrors: "capture", carry: ["_position"] });
    return [...rows].sort(
      (a, b) => Number(a["_position"]) - Number(b["_position"]) || String(a["city"]).localeCompare(String(b["city"])),
    );
  };
  const wrong = { _position: 11, _row_error: 'cannot cast "x" to bigint' };

  it("come after the plan's columns and those carried along", () => {
    expect(sql(parsed.plan, "duckdb", { rowErrors: "capture", carry: ["_position"] })).toMatch(
      /^SELECT "__dyne_1" AS "n", "_position", coalesce\("_row_error", .* AS "_row_error" FROM/,
    );
  });

  it("stay with their rows through a filter, with the filter's own", async () => {
    const rows = await capture(parsed.filter(({ n }) => n.gt(0)).plan);
    expect(rows).toEqual([
      { n: "1", _position: 10, _row_error: null },
      { n: null, ...wrong },
      { n: "5", _position: 13, _row_error: null },
    ]);
    const divided = await capture(parsed.filter(({ n }) => n.divide(n).gt(0)).plan);
    expect(divided.map((row) => row["_row_error"])).toEqual([null, wrong._row_error, "division by zero", null]);
  });

  it("stay with their rows through joins, once", async () => {
    const inner = await capture(parsed.join(cities, { left: "n", right: "key" }).plan);
    expect(inner.map(({ city, _position, _row_error }) => [_position, city, _row_error])).toEqual([
      [10, "Oslo", null],
      [11, null, wrong._row_error],
      [13, "Roma", null],
      [13, "Rome", null],
    ]);
    const left = await capture(parsed.join(cities, { left: "n", right: "key" }, "left").plan);
    expect(left.map(({ city, _position }) => [_position, city])).toEqual([
      [10, "Oslo"],
      [11, null],
      [12, null],
      [13, "Roma"],
      [13, "Rome"],
    ]);
    const turned = await capture(cities.join(parsed, { left: "key", right: "n" }).plan);
    expect(turned.map(({ city, _position }) => [_position, city])).toEqual([
      [10, "Oslo"],
      [11, null],
      [13, "Roma"],
      [13, "Rome"],
    ]);
    const anti: LogicalPlan = {
      kind: "join",
      type: "anti",
      left: parsed.plan,
      right: cities.plan,
      on: [{ left: "n", right: "key" }],
      dropRight: [],
    };
    expect((await capture(anti)).map(({ _position }) => _position)).toEqual([11, 12]);
  });

  it("stay with their rows through explode, once", async () => {
    const frame = readStream({ name: "e", schema: struct({ body: string(), _position: long() }) }).select(
      ({ body }) => ({ list: fromJson(body, struct({ l: array(long()) })).fields.l }),
    );
    const rows = await session.query(
      frame.explode("x", ({ list }) => list).plan,
      { e: `FROM (VALUES ('{"l":[1,2]}', 1), ('{"l":[1,"2"]}', 2), ('{}', 3)) AS v(body, _position)` },
      { rowErrors: "capture", carry: ["_position"] },
    );
    expect(rows.map(({ x, _position, _row_error }) => [x, _position, _row_error])).toEqual([
      ["1", 1, null],
      ["2", 1, null],
      [null, 2, 'field `l[]`: expected bigint, found string "2"'],
    ]);
  });

  it("keep the first of several", async () => {
    const rows = await capture(parsed.select(({ n }) => ({ a: n.divide(n), b: n.modulo(n) })).plan);
    expect(rows.map((row) => row["_row_error"])).toEqual([null, wrong._row_error, "division by zero", null]);
  });

  it("cannot be captured across nodes that look at other rows, nor in Spark", () => {
    for (const query of [parsed.distinct(), parsed.orderBy("n"), parsed.groupBy().agg(() => ({ rows: count() }))]) {
      expect(() => sql(query.plan, "duckdb", { rowErrors: "capture" })).toThrow(
        expect.objectContaining({ code: "UNSUPPORTED_FEATURE" }),
      );
    }
    expect(() => sql(parsed.plan, "spark", { rowErrors: "capture" })).toThrow(
      expect.objectContaining({ code: "UNSUPPORTED_FEATURE" }),
    );
  });

  it("are evaluated for single expressions too", async () => {
    const text = renderScalar(events.columns.body.cast(long()).plus(1).expression, events.schema, {
      dialect: "duckdb",
    });
    expect(await session.rows(`SELECT ${text} AS v FROM (SELECT '4' AS body)`)).toEqual([{ v: "5" }]);
    await expect(session.rows(`SELECT ${text} AS v FROM (SELECT 'x' AS body FROM range(1))`)).rejects.toThrow(
      'DATA_ERROR: cannot cast "x" to bigint',
    );
  });
});

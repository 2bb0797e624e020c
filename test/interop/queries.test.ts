/**
 * Queries of many rows in Spark and in dyne, from one plan: joins, windows, windows of time and first rows, over rows with ties, NULL,
 * NaN and both zeros. Row by row, the same.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { schemaString } from "../../shared/delta/index.ts";
import {
  arrayOf,
  avg,
  collectList,
  count,
  countIf,
  cumeDist,
  denseRank,
  double,
  firstValue,
  lag,
  lastValue,
  lead,
  long,
  max,
  min,
  namedStruct,
  nthValue,
  ntile,
  percentRank,
  rank,
  read,
  renderLiteral,
  renderPlan,
  rowNumber,
  schemaOf,
  string,
  struct,
  sum,
  timestamp,
  window,
  windows,
} from "../../shared/plan/index.ts";
import type { DataType, LogicalPlan, Schema, StructField } from "../../shared/plan/index.ts";
import { DuckDbSession } from "../unit/plan/duckdb-session.ts";
import { castTexts } from "../unit/plan/functions/functions-page.ts";
import { interopEnvironment } from "./environment.ts";
import { Peer } from "./peer.ts";

const startMsMax = 900_000;
const environment = await interopEnvironment((text) => process.stderr.write(`interop: ${text}\n`));
if (environment.kind === "absent") process.stderr.write(`INTEROP NOT RUN: ${environment.reason}\n`);

const left = {
  name: "t",
  schema: struct({ id: long(), g: string(), k: long(), x: double(), at: timestamp(), n: long() }),
};
const right = { name: "u", schema: struct({ k: long(), x: double(), city: string() }) };
type Value = null | number | string;
const rows: Readonly<Record<string, readonly (readonly Value[])[]>> = {
  t: [
    [1, "a", 1, 0.5, "2001-01-01T00:04:59.999999Z", 1],
    [2, "a", 2, "NaN", "2001-01-01T00:05:00Z", 2],
    [3, "a", 2, "NaN", "2001-01-01T00:07:30Z", null],
    [4, "a", 2, -0, "1969-12-31T23:59:59.999999Z", 4],
    [5, "a", null, 0, "1970-01-01T00:00:00Z", 5],
    [6, "b", 3, "Infinity", "1582-10-15T00:00:00Z", 6],
    [7, "b", 3, "-Infinity", "0002-01-01T00:00:00Z", 7],
    [8, "b", 3, null, null, 8],
    [9, null, 4, 1e300, "9998-12-31T23:59:59.999999Z", 9],
    [10, null, null, null, "2001-01-01T00:00:00Z", null],
    [11, "ä", 1, 0.1, "2004-02-29T12:00:00.000001Z", 11],
    [12, "A", 1, 0.2, "2004-02-29T12:00:00Z", -12],
  ],
  u: [
    [2, "NaN", "Oslo"],
    [2, 0, "Rome"],
    [3, -0, "Bonn"],
    [null, null, "Nowhere"],
    [9, 1e300, "Lima"],
  ],
};

const t = read(left);
const u = read(right);
const others = u.select(({ k, city }) => ({ k, city }));
const all = { from: undefined, to: undefined } as const;
const queries: readonly (readonly [string, { readonly plan: LogicalPlan }])[] = [
  ...(["inner", "left", "right", "full", "semi", "anti"] as const).flatMap((type) => [
    [`${type} join by one name`, t.select("id", "k").join(others, "k", type)] as const,
    [`${type} join of doubles`, t.select("id", "x").join(u.select("x", "city"), "x", type)] as const,
    [`${type} join of two columns`, t.select("id", "k", "x").join(u, ["k", "x"], type)] as const,
    [
      `${type} join by two names`,
      t.select("id", "k").join(
        u.select(({ k, city }) => ({ key: k, city })),
        { left: "k", right: "key" },
        type,
      ),
    ] as const,
  ]),
  ["cross join", t.select("id").crossJoin(u.select("city"))],
  [
    "self join",
    t.select("id", "g").join(
      t.select(({ id, g }) => ({ other: id, g })),
      "g",
    ),
  ],
  ["intersect", t.select("k").intersect(u.select("k"))],
  ["except", t.select("k").except(u.select("k"))],
  [
    "ranks by a double",
    t.select(({ id, x }) => ({
      id,
      rank: rank().over({ orderBy: [x] }),
      dense: denseRank().over({ orderBy: [x.desc()] }),
      share: percentRank().over({ orderBy: [x.asc("last")] }),
      below: cumeDist().over({ orderBy: [x.desc("first")] }),
    })),
  ],
  [
    "ranks by partition",
    t.select(({ id, g, k }) => ({
      id,
      number: rowNumber().over({ partitionBy: [g], orderBy: [k] }),
      rank: rank().over({ partitionBy: [g], orderBy: [k.desc()] }),
      dense: denseRank().over({ partitionBy: [g], orderBy: [k] }),
      share: percentRank().over({ partitionBy: [g], orderBy: [k] }),
      below: cumeDist().over({ partitionBy: [g], orderBy: [k] }),
      part: ntile(3).over({ partitionBy: [g], orderBy: [k] }),
    })),
  ],
  [
    "ranks by structs and arrays with NULL in them",
    t.select(({ id, k, n, x }) => ({
      id,
      struct: rank().over({ orderBy: [namedStruct({ k, n })] }),
      down: rank().over({ orderBy: [namedStruct({ k, x }).desc()] }),
      array: rank().over({ orderBy: [arrayOf(k, n)] }),
      back: rank().over({ orderBy: [arrayOf(x).desc("first")] }),
    })),
  ],
  [
    "parts and partitions by a double",
    t.select(({ id, x }) => ({
      id,
      part: ntile(5).over({ orderBy: [x] }),
      rows: count().over({ partitionBy: [x] }),
    })),
  ],
  [
    "neighbours",
    t.select(({ id, g, k, n }) => ({
      id,
      before: lag(n).over({ partitionBy: [g], orderBy: [k] }),
      two: lag(n, 2, -1).over({ partitionBy: [g], orderBy: [k] }),
      own: lead(n, 1, k).over({ partitionBy: [g], orderBy: [k] }),
      back: lead(n, -1).over({ partitionBy: [g], orderBy: [k.desc()] }),
      same: lag(n, 0).over({ orderBy: [k] }),
    })),
  ],
  [
    "values of frames",
    t.select(({ id, g, k, n }) => ({
      id,
      first: firstValue(n).over({ partitionBy: [g], orderBy: [k] }),
      given: firstValue(n, { ignoreNulls: true }).over({
        partitionBy: [g],
        orderBy: [k.desc()],
        rows: { from: -1, to: 1 },
      }),
      last: lastValue(n).over({ partitionBy: [g], orderBy: [k], rows: all }),
      latest: lastValue(n, { ignoreNulls: true }).over({ orderBy: [k], rows: { from: undefined, to: 0 } }),
      second: nthValue(n, 2).over({ partitionBy: [g], orderBy: [k], rows: { from: -1, to: 2 } }),
    })),
  ],
  [
    "aggregates up to the row and its peers",
    t.select(({ id, g, k, n, x }) => ({
      id,
      total: sum(n).over({ partitionBy: [g], orderBy: [k] }),
      mean: avg(n).over({ partitionBy: [g], orderBy: [k.desc()] }),
      rows: count().over({ orderBy: [x] }),
      given: count(n).over({ orderBy: [x.desc()] }),
      large: countIf(n.gt(4)).over({ partitionBy: [g], orderBy: [k] }),
      most: max(x).over({ partitionBy: [g], orderBy: [k] }),
      all: collectList(n).over({ partitionBy: [g], orderBy: [k] }),
    })),
  ],
  [
    "aggregates of frames",
    t.select(({ id, g, k, n, x }) => ({
      id,
      near: sum(n).over({ partitionBy: [g], orderBy: [k], rows: { from: -1, to: 1 } }),
      after: sum(n).over({ partitionBy: [g], orderBy: [k], rows: { from: 1, to: undefined } }),
      before: min(x).over({ orderBy: [k], rows: { from: -3, to: -1 } }),
      large: sum(n)
        .filter(n.gt(4))
        .over({ partitionBy: [g], orderBy: [k], rows: { from: undefined, to: 0 } }),
      rows: count().over({ partitionBy: [g], orderBy: [k], rows: { from: 2, to: 3 } }),
      mean: avg(n).over({ partitionBy: [g] }),
    })),
  ],
  [
    "windows of time",
    t.select(({ id, at }) => ({ id, w: window(at, "5 minutes"), d: window(at, "1 week").fields.start })),
  ],
  [
    "rows by windows of time",
    t.groupBy(({ g, at }) => ({ g, w: window(at, "5 minutes") })).agg(({ n }) => ({ rows: count(), total: sum(n) })),
  ],
  [
    "rows by sliding windows",
    t
      .groupBy(({ at }) => ({ w: window(at, "10 minutes", "4 minutes", "90 seconds") }))
      .agg(({ n }) => ({ rows: count(), total: sum(n) })),
  ],
  ["all windows of a row", t.select("id", "at").explode("w", ({ at }) => windows(at, "1 day", "7 hours", "-2 hours"))],
  ["first rows", t.topK({ by: ["g"], orderBy: ({ k }) => [k.desc()], count: 2 })],
  ["first rows by a double", t.topK({ by: [], orderBy: ({ x }) => [x.desc()], count: 5 })],
  ["rows without duplicates", t.dropDuplicates(["x"])],
];

/** Spark's own words for windows of time, over the same rows. */
const ownWords: readonly (readonly [string, { readonly plan: LogicalPlan }, string])[] = [
  [
    "windows of time",
    t.groupBy(({ at }) => ({ w: window(at, "5 minutes") })).agg(() => ({ rows: count() })),
    "SELECT window AS w, count(*) AS rows FROM t GROUP BY window(at, '5 minutes')",
  ],
  [
    "sliding windows",
    t.groupBy(({ at }) => ({ w: window(at, "10 minutes", "4 minutes", "90 seconds") })).agg(() => ({ rows: count() })),
    "SELECT window AS w, count(*) AS rows FROM t GROUP BY window(at, '10 minutes', '4 minutes', '90 seconds')",
  ],
  [
    "sliding windows of days, moved back",
    t.groupBy(({ at }) => ({ w: window(at, "3 days", "1 day", "-2 hours") })).agg(() => ({ rows: count() })),
    "SELECT window AS w, count(*) AS rows FROM t GROUP BY window(at, '3 days', '1 day', '-2 hours')",
  ],
  [
    "a full join using a name",
    t.select("id", "k").join(others, "k", "full"),
    "SELECT * FROM (SELECT id, k FROM t) FULL JOIN (SELECT k, city FROM u) USING (k)",
  ],
  [
    "a right join using a name",
    t.select("id", "x").join(u.select("x", "city"), "x", "right"),
    "SELECT * FROM (SELECT id, x FROM t) RIGHT JOIN (SELECT x, city FROM u) USING (x)",
  ],
  ["except", t.select("k").except(u.select("k")), "SELECT k FROM t EXCEPT SELECT k FROM u"],
];

describe.skipIf(environment.kind === "absent")("queries", () => {
  let spark: Peer;
  let session: DuckDbSession;
  let folder: string;

  beforeAll(async () => {
    if (environment.kind === "absent") return;
    folder = await mkdtemp(join(tmpdir(), "dyne-queries-"));
    session = await DuckDbSession.open();
    spark = await Peer.start("Spark", environment.python, "queries.py", folder);
    const tables = [left, right].map(({ name, schema }) => [
      name,
      { schema: schemaString(schema as Schema), rows: (rows[name] ?? []).map((row) => rowText(row, schema as Schema)) },
    ]);
    await spark.ask("tables", { tables: Object.fromEntries(tables) });
  }, startMsMax);

  afterAll(async () => {
    await spark?.[Symbol.asyncDispose]();
    await session?.[Symbol.asyncDispose]();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  async function here(plan: LogicalPlan): Promise<readonly string[]> {
    const found = await session.query(
      plan,
      Object.fromEntries([left, right].map(({ name, schema }) => [name, relation(name, schema as Schema)])),
    );
    return found.map((row) => canonical(row, schemaOf(plan))).sort();
  }
  async function there(sql: string, schema: Schema): Promise<readonly string[]> {
    const found = (await spark.ask("query", { sql })) as readonly string[];
    return found.map((row) => canonical(JSON.parse(row), schema)).sort();
  }

  for (const [name, { plan }] of queries) {
    it(`${name} : the rows that Spark gives`, async () => {
      const sql = renderPlan(plan, { dialect: "spark", relations: (source) => source, rowErrors: "fail" });
      expect(await here(plan)).toEqual(await there(sql, schemaOf(plan)));
    });
  }

  it.each(castTexts)("texts are $to that the page of functions tells so", async ({ to, sparks }) => {
    const values = sparks.map(
      (text, index) => `try_cast('${text}' AS ${/\w+/.exec(to)?.[0]}) IS NOT NULL AS c${index}`,
    );
    const [row] = (await spark.ask("query", { sql: `SELECT ${values.join(", ")}` })) as readonly string[];
    expect(Object.values(JSON.parse(row ?? "{}") as object)).toEqual(sparks.map(() => true));
  });

  for (const [name, { plan }, sql] of ownWords) {
    it(`${name} : the rows that Spark gives in its own words`, async () => {
      expect(await here(plan)).toEqual(await there(sql, schemaOf(plan)));
    });
  }
});

const fieldsOf = (schema: Schema): readonly (readonly [string, StructField])[] => Object.entries(schema.fields);

function rowText(row: readonly Value[], schema: Schema): string {
  const parts = fieldsOf(schema).map(([name], index) => {
    const value = row[index] as Value;
    return `${JSON.stringify(name)}:${Object.is(value, -0) ? "-0.0" : JSON.stringify(value)}`;
  });
  return `{${parts.join(",")}}`;
}

function relation(name: string, schema: Schema): string {
  const fields = fieldsOf(schema);
  const selects = (rows[name] ?? []).map((row) => {
    const columns = fields.map(([column, { type }], index) => {
      const value = row[index] as Value;
      const given = type.kind === "double" && typeof value === "string" ? Number(value) : value;
      return `${renderLiteral({ kind: "literal", value: given, type }, "duckdb")} AS "${column}"`;
    });
    return `SELECT ${columns.join(", ")}`;
  });
  return selects.join(" UNION ALL ");
}

/** One text for a value of a type, whoever printed it. Both zeros are one value; a double has as many digits as sums in any order share. */
function canonical(value: unknown, type: DataType): string {
  if (value === null || value === undefined) return "null";
  switch (type.kind) {
    case "struct": {
      const given = value as Readonly<Record<string, unknown>>;
      return `{${fieldsOf(type)
        .map(([name, field]) => `${name}: ${canonical(given[name], field.type)}`)
        .join(", ")}}`;
    }
    case "array":
      return `[${(value as readonly unknown[]).map((each) => canonical(each, type.element)).join(", ")}]`;
    case "double":
      return String(Number(Number(value).toPrecision(12)));
    case "timestamp":
      return momentText(String(value));
    default:
      return String(value);
  }
}

function momentText(text: string): string {
  const parts = /^(\d+)-(\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.](\d+))?(?:Z|[+]00)( \(BC\))?$/.exec(text);
  if (parts === null) throw new Error(`${text} is no moment`);
  const [, year = "", day, time, fraction = "", bc] = parts;
  return `${bc === undefined ? "" : "BC "}${year.padStart(4, "0")}-${day} ${time}.${fraction.padEnd(6, "0")}`;
}

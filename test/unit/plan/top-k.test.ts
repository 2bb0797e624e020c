/** The first rows of each key, and the small methods that are made of other nodes. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  count,
  double,
  inputsOf,
  lit,
  long,
  planFingerprint,
  rank,
  read,
  rowNumber,
  schemaOf,
  string,
  struct,
  topKOf,
  typeName,
} from "../../../shared/plan/index.ts";
import type { LogicalPlan } from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

let session: DuckDbSession;
beforeAll(async () => {
  session = await DuckDbSession.open();
});
afterAll(async () => session[Symbol.asyncDispose]());

const t = read({ name: "t", schema: struct({ g: string(), k: long(), v: long() }) });
const rows =
  "FROM (VALUES ('p', 1::BIGINT, 1::BIGINT), ('p', 3, 2), ('p', 3, 1), ('p', NULL, 9), ('q', 5, 1), (NULL, 2, 2), (NULL, 2, 3)) AS t(g, k, v)";

describe("topK", () => {
  it("keeps the first rows of each key, ties broken by all columns", async () => {
    const query = t.topK({ by: ["g"], orderBy: ({ k }) => [k.desc()], count: 2 }).orderBy("g", "k", "v");
    const found = await session.query(query.plan, { t: rows });
    expect(found.map(({ g, k, v }) => `${String(g)} ${String(k)} ${String(v)}`)).toEqual([
      "null 2 2",
      "null 2 3",
      "p 3 1",
      "p 3 2",
      "q 5 1",
    ]);
    expect(typeName(schemaOf(query.plan))).toBe("struct<g:string,k:bigint,v:bigint>");
  });

  it("without keys keeps the first of all rows, and one per key is enough", async () => {
    const one = t.topK({ by: [], orderBy: ({ v, k }) => [v, k.desc()], count: 1 });
    expect(await session.query(one.plan, { t: rows })).toEqual([{ g: "q", k: "5", v: "1" }]);
  });

  it("numbers rows beside a column of that name", async () => {
    const named = t.select(({ g, k }) => ({ _row_number: g, k }));
    const query = named.topK({ by: ["_row_number"], orderBy: ({ k }) => [k], count: 1 }).orderBy("_row_number");
    const found = await session.query(query.plan, { t: rows });
    expect(found.map((row) => row["_row_number"])).toEqual([null, "p", "q"]);
    expect(await session.query(named.dropDuplicates(["_row_number"]).plan, { t: rows })).toHaveLength(3);
  });

  it("is what sorting each key's rows and taking the first gives", async () => {
    const value = fc.option(fc.integer({ min: 0, max: 3 }), { nil: null });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        async (data, most) => {
          const frame = read({ name: "n", schema: struct({ g: long(), k: long(), v: long() }) });
          const query = frame.topK({ by: ["g"], orderBy: ({ k }) => [k.asc("last")], count: most });
          const values = data.map((row) => `(${row.map((each) => `${each}::BIGINT`).join(", ")})`).join(", ");
          const found = await session.query(query.plan, { n: `FROM (VALUES ${values}) AS n(g, k, v)` });
          const last = (each: number | null): number => each ?? 9;
          const first = (each: number | null): number => each ?? -1;
          const sorted = data.toSorted((a, b) => last(a[1]) - last(b[1]) || first(a[2]) - first(b[2]));
          const kept = sorted.filter((row, at) => sorted.slice(0, at).filter(([g]) => g === row[0]).length < most);
          const text = (row: readonly unknown[]): string => row.map(String).join(" ");
          expect(found.map(({ g, k, v }) => text([g, k, v])).sort()).toEqual(kept.map(text).sort());
        },
      ),
      { numRuns: 60 },
    );
  });

  it("is refused for no rows", () => {
    for (const none of [0, -1, 1.5])
      expect(() => t.topK({ by: ["g"], orderBy: ({ k }) => [k], count: none })).toThrow(
        expect.objectContaining({ code: "INVALID_ARGUMENT" }),
      );
  });
});

describe("what is kept of each key", () => {
  const numbered = t.withColumns(({ g, k }) => ({ n: rowNumber().over({ partitionBy: [g], orderBy: [k.desc()] }) }));
  const recognised: readonly (readonly [string, LogicalPlan, number])[] = [
    ["topK", inputsOf(t.topK({ by: ["g"], orderBy: ({ k }) => [k.desc()], count: 3 }).plan)[0] as LogicalPlan, 3],
    ["dropDuplicates", inputsOf(t.dropDuplicates(["g"]).plan)[0] as LogicalPlan, 1],
    ["n <= 3", numbered.filter(({ n }) => n.le(3)).plan, 3],
    ["n < 3", numbered.filter(({ n }) => n.lt(3)).plan, 2],
    ["n = 1", numbered.filter(({ n }) => n.eq(1)).plan, 1],
    ["3 >= n, as a long", numbered.filter(({ n }) => lit(3, long()).ge(n)).plan, 3],
    ["n < 1", numbered.filter(({ n }) => n.lt(1)).plan, 0],
  ];
  for (const [name, plan, most] of recognised) {
    it(`is told of ${name}`, () => {
      expect(topKOf(plan)).toMatchObject({ count: most, partitionBy: [{ name: "g" }] });
      expect(topKOf(plan)?.orderBy.at(-1)).toMatchObject({ by: { name: "v" } });
    });
  }
  const others: readonly (readonly [string, { readonly plan: LogicalPlan }])[] = [
    ["n = 2", numbered.filter(({ n }) => n.eq(2))],
    ["n > 1", numbered.filter(({ n }) => n.gt(1))],
    ["another column", numbered.filter(({ k }) => k.le(3))],
    ["a rank", t.withColumns(({ k }) => ({ n: rank().over({ orderBy: [k] }) })).filter(({ n }) => n.le(3))],
    ["what is no filter", numbered],
  ];
  for (const [name, { plan }] of others) {
    it(`is not told of ${name}`, () => {
      expect(topKOf(plan)).toBeUndefined();
    });
  }
});

it("dropDuplicates has the plan that it always had", () => {
  expect(planFingerprint(t.dropDuplicates(["g", "k"]).plan)).toBe(
    "612a8ecb4ce22dd1bdaab87021009fdaa8e24da3d7f7c0c2bdfc554cef069e69",
  );
});

describe("small methods", () => {
  it("rename a column where it stands", () => {
    const query = t.withColumnRenamed("k", "key");
    expect(typeName(schemaOf(query.plan))).toBe("struct<g:string,key:bigint,v:bigint>");
    expect(() => t.withColumnRenamed("kk" as "k", "key")).toThrow(expect.objectContaining({ code: "UNKNOWN_COLUMN" }));
    expect(() => t.withColumnRenamed("k", "g")).toThrow(expect.objectContaining({ code: "DUPLICATE_NAME" }));
  });

  it("fill in for NULL, and leave NaN", async () => {
    const frame = read({ name: "x", schema: struct({ a: string(), b: double() }) });
    const query = frame.fillNull({ a: "none", b: 0 });
    const given = "FROM (VALUES (NULL, 'NaN'::DOUBLE), ('x', NULL)) AS x(a, b)";
    expect(await session.query(query.plan, { x: given })).toEqual([
      { a: "none", b: "NaN" },
      { a: "x", b: 0 },
    ]);
    expect(() => frame.fillNull({ c: 1 } as never)).toThrow(expect.objectContaining({ code: "UNKNOWN_COLUMN" }));
  });

  it("intersect and except give every different row once, NULL equal to NULL", async () => {
    const [a, b] = [t.select("g"), t.filter(({ k }) => k.ge(3).or(k.eq(2))).select("g")];
    const names = async (query: { readonly plan: LogicalPlan }): Promise<readonly string[]> =>
      (await session.query(query.plan, { t: rows })).map(({ g }) => String(g)).sort();
    expect(await names(a.intersect(b))).toEqual(["null", "p", "q"]);
    expect(await names(a.except(b))).toEqual([]);
    expect(await names(a.except(b.filter(({ g }) => g.eq("p"))))).toEqual(["null", "q"]);
    const counts = t.groupBy("g").agg(() => ({ n: count() }));
    expect(() => t.except(counts as never)).toThrow(expect.objectContaining({ code: "UNKNOWN_COLUMN" }));
  });
});

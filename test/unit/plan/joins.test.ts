/** Joins of every kind: rows against a join in plain words, schemas, and what a stream may have. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  analyze,
  checkStreaming,
  DataFrame,
  double,
  eventTimeOf,
  joinColumns,
  long,
  read,
  readStream,
  renderPlan,
  rowLocal,
  schemaOf,
  string,
  struct,
  sum,
  timestamp,
} from "../../../shared/plan/index.ts";
import type { Join, JoinType, LogicalPlan } from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

let session: DuckDbSession;
beforeAll(async () => {
  session = await DuckDbSession.open();
});
afterAll(async () => session[Symbol.asyncDispose]());

const orders = read({ name: "orders", schema: struct({ id: long(), item: string() }) });
const prices = read({ name: "prices", schema: struct({ id: long(), price: long() }) });
const code = (value: string): unknown => expect.objectContaining({ code: value });

const relations = {
  orders: "FROM (VALUES (1::BIGINT, 'a'), (2, 'b'), (2, 'c'), (NULL, 'd')) AS v(id, item)",
  prices: "FROM (VALUES (2::BIGINT, 20::BIGINT), (2, 21), (3, 30), (NULL, 40)) AS v(id, price)",
};
const sorted = (rows: readonly unknown[]): readonly string[] => rows.map((row) => JSON.stringify(row)).sort();

describe("a join by one name", () => {
  const cases = {
    inner: [
      { id: "2", item: "b", price: "20" },
      { id: "2", item: "b", price: "21" },
      { id: "2", item: "c", price: "20" },
      { id: "2", item: "c", price: "21" },
    ],
    left: [
      { id: "1", item: "a", price: null },
      { id: "2", item: "b", price: "20" },
      { id: "2", item: "b", price: "21" },
      { id: "2", item: "c", price: "20" },
      { id: "2", item: "c", price: "21" },
      { id: null, item: "d", price: null },
    ],
    right: [
      { id: "2", item: "b", price: "20" },
      { id: "2", item: "b", price: "21" },
      { id: "2", item: "c", price: "20" },
      { id: "2", item: "c", price: "21" },
      { id: "3", item: null, price: "30" },
      { id: null, item: null, price: "40" },
    ],
    full: [
      { id: "1", item: "a", price: null },
      { id: "2", item: "b", price: "20" },
      { id: "2", item: "b", price: "21" },
      { id: "2", item: "c", price: "20" },
      { id: "2", item: "c", price: "21" },
      { id: "3", item: null, price: "30" },
      { id: null, item: "d", price: null },
      { id: null, item: null, price: "40" },
    ],
    semi: [
      { id: "2", item: "b" },
      { id: "2", item: "c" },
    ],
    anti: [
      { id: "1", item: "a" },
      { id: null, item: "d" },
    ],
  } as const;
  for (const [type, rows] of Object.entries(cases)) {
    it(`${type} gives the rows that Spark's USING gives`, async () => {
      const query = orders.join(prices, "id", type as keyof typeof cases);
      expect(sorted(await session.query(query.plan, relations))).toEqual(sorted(rows));
    });
  }
});

describe("any join", () => {
  interface Row {
    readonly a: number | null;
    readonly b: number | null;
    readonly v: number;
  }
  const key = fc.option(fc.integer({ min: 0, max: 2 }), { nil: null });
  const side = fc.array(fc.record({ a: key, b: key, v: fc.integer({ min: 0, max: 99 }) }), { maxLength: 5 });
  const types = ["inner", "left", "right", "full", "semi", "anti", "cross"] as const;

  const relation = (rows: readonly Row[]): string => {
    const values = rows.map(({ a, b, v }) => `(${a}::BIGINT, ${b}::BIGINT, ${v}::BIGINT)`).join(", ");
    return `SELECT * FROM (VALUES ${values || "(0::BIGINT, 0::BIGINT, 0::BIGINT)"}) AS t(a, b, v) WHERE ${rows.length > 0}`;
  };
  /** The rows [left row or undefined, right row or undefined] of a join, by looking at every pair. */
  function pairsOf(
    type: JoinType,
    left: readonly Row[],
    right: readonly Row[],
    meets: (l: Row, r: Row) => boolean,
  ): readonly (readonly [Row | undefined, Row | undefined])[] {
    const pairs = left.flatMap((l) => right.filter((r) => meets(l, r)).map((r) => [l, r] as const));
    const lonelyLeft = left.filter((l) => !right.some((r) => meets(l, r)));
    const lonelyRight = right.filter((r) => !left.some((l) => meets(l, r)));
    if (type === "semi") return left.filter((l) => !lonelyLeft.includes(l)).map((l) => [l, undefined]);
    if (type === "anti") return lonelyLeft.map((l) => [l, undefined]);
    return [
      ...pairs,
      ...(type === "left" || type === "full" ? lonelyLeft.map((l) => [l, undefined] as const) : []),
      ...(type === "right" || type === "full" ? lonelyRight.map((r) => [undefined, r] as const) : []),
    ];
  }

  it("gives the rows that looking at every pair of rows gives", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...types),
        fc.boolean(),
        fc.integer({ min: 1, max: 2 }),
        side,
        side,
        async (type, nullSafe, keys, left, right) => {
          const names: readonly ("a" | "b")[] = type === "cross" ? [] : (["a", "b"] as const).slice(0, keys);
          const scan = (source: string, columns: readonly string[]): LogicalPlan => ({
            kind: "project",
            input: {
              kind: "scan",
              source,
              schema: struct({ a: long(), b: long(), v: long() }),
              streaming: false,
            },
            columns: (["a", "b", "v"] as const).map((name, index) => ({
              name: columns[index] as string,
              expression: { kind: "column", name },
            })),
          });
          const plan: Join = {
            kind: "join",
            type,
            nullSafe,
            left: scan("l", ["a", "b", "v"]),
            right: scan("r", [names.includes("a") ? "a" : "ra", names.includes("b") ? "b" : "rb", "rv"]),
            on: names.map((name) => ({ left: name, right: name })),
            dropRight: names,
          };
          const meets = (l: Row, r: Row): boolean =>
            names.every((name) =>
              l[name] === null || r[name] === null ? nullSafe && l[name] === r[name] : l[name] === r[name],
            );
          const expected = pairsOf(type, left, right, meets).map(([l, r]) => {
            const own = (name: "a" | "b"): number | null =>
              (names.includes(name) && l === undefined ? r?.[name] : l?.[name]) ?? null;
            const rest = {
              ...(names.includes("a") ? {} : { ra: r?.a ?? null }),
              ...(names.includes("b") ? {} : { rb: r?.b ?? null }),
              rv: r?.v ?? null,
            };
            return { a: own("a"), b: own("b"), v: l?.v ?? null, ...(type === "semi" || type === "anti" ? {} : rest) };
          });
          const rows = await session.query(plan, { l: relation(left), r: relation(right) });
          const numbers = rows.map((row) =>
            Object.fromEntries(
              Object.entries(row).map(([name, value]) => [name, value === null ? null : Number(value)]),
            ),
          );
          expect(sorted(numbers)).toEqual(sorted(expected));
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("a table", () => {
  it("joins itself under other names", async () => {
    const others = orders.select(({ id, item }) => ({ id, other: item }));
    const query = orders.join(others, "id").filter(({ item, other }) => item.lt(other));
    expect(await session.query(query.plan, relations)).toEqual([{ id: "2", item: "b", other: "c" }]);
  });

  it("meets every row of another in a cross join", async () => {
    const query = orders.select("item").crossJoin(prices.select("price"));
    expect(await session.query(query.plan, relations)).toHaveLength(16);
    const spark = renderPlan(query.plan, { dialect: "spark", relations: (name) => name, rowErrors: "fail" });
    expect(spark).toBe(
      "SELECT l.`item`, r.`price` FROM (SELECT `item` AS `item` FROM orders) AS l CROSS JOIN (SELECT `price` AS `price` FROM prices) AS r",
    );
  });
});

it("a join has the same words in Spark", () => {
  const text = (type: "right" | "full" | "semi" | "anti"): string =>
    renderPlan(orders.join(prices, "id", type).plan, {
      dialect: "spark",
      relations: (name) => name,
      rowErrors: "fail",
    });
  const from = (word: string): string =>
    `FROM (SELECT \`id\`, \`item\` FROM orders) AS l ${word} (SELECT \`id\`, \`price\` FROM prices) AS r ON l.\`id\` = r.\`id\``;
  expect(text("right")).toBe(`SELECT r.\`id\`, l.\`item\`, r.\`price\` ${from("RIGHT JOIN")}`);
  expect(text("full")).toBe(
    `SELECT coalesce(l.\`id\`, r.\`id\`) AS \`id\`, l.\`item\`, r.\`price\` ${from("FULL JOIN")}`,
  );
  expect(text("semi")).toBe(`SELECT l.\`id\`, l.\`item\` ${from("LEFT SEMI JOIN")}`);
  expect(text("anti")).toBe(`SELECT l.\`id\`, l.\`item\` ${from("LEFT ANTI JOIN")}`);
});

describe("what is known of a join", () => {
  const scan = (source: string, fields: Readonly<Record<string, boolean>>): LogicalPlan => ({
    kind: "scan",
    source,
    streaming: false,
    schema: {
      kind: "struct",
      fields: Object.fromEntries(
        Object.entries(fields).map(([name, nullable]) => [name, { type: long(), nullable, metadata: { of: source } }]),
      ),
    },
  });
  const join = (type: JoinType): Join => ({
    kind: "join",
    type,
    left: scan("l", { k: false, a: false }),
    right: scan("r", { k: false, b: false }),
    on: [{ left: "k", right: "k" }],
    dropRight: ["k"],
  });
  const nullable: readonly (readonly [JoinType, string])[] = [
    ["inner", "k a b"],
    ["left", "k a b?"],
    ["right", "k a? b"],
    ["full", "k a? b?"],
    ["semi", "k a"],
    ["anti", "k a"],
  ];
  for (const [type, expected] of nullable) {
    it(`is which columns can be NULL: ${type}`, () => {
      const fields = Object.entries(schemaOf(join(type)).fields);
      expect(fields.map(([name, field]) => `${name}${field.nullable ? "?" : ""}`).join(" ")).toBe(expected);
    });
  }

  it("is which side a column comes from", () => {
    const sides = (type: JoinType): string =>
      joinColumns(join(type), schemaOf(join(type).left), schemaOf(join(type).right))
        .map(({ name, side }) => `${name}:${side}`)
        .join(" ");
    expect(sides("left")).toBe("k:left a:left b:right");
    expect(sides("right")).toBe("k:right a:left b:right");
    expect(sides("full")).toBe("k:either a:left b:right");
    expect(sides("semi")).toBe("k:left a:left");
  });

  it("is which columns are inexact: those of a side that is only looked at are not there", () => {
    const readings = { name: "t", schema: struct({ k: string(), x: double() }) };
    const sums = read(readings)
      .groupBy("k")
      .agg(({ x }) => ({ x: sum(x) }));
    const inexact = (type: "left" | "right" | "full" | "semi"): readonly string[] =>
      analyze(read(readings).select("x").join(sums.select("x"), "x", type).plan).inexact;
    expect([inexact("left"), inexact("semi"), inexact("right"), inexact("full")]).toEqual([[], [], ["x"], ["x"]]);
  });
});

describe("a stream", () => {
  const events = { name: "events", schema: struct({ key: string(), at: timestamp() }) };
  const names = read({ name: "names", schema: struct({ key: string(), name: string() }) });
  const stream = readStream(events).withWatermark("at", "1 hour");

  for (const type of ["inner", "left", "semi", "anti"] as const) {
    it(`joins a table, ${type}`, () => {
      const query = stream.join(names, "key", type);
      expect(checkStreaming(query.plan)).toMatchObject({ statics: [{ source: "names" }], watermark: { column: "at" } });
      expect(rowLocal(query.plan)).toBe(true);
    });
  }

  it("meets every row of a table, from either side", () => {
    const other = names.select("name");
    expect(rowLocal(stream.crossJoin(other).plan)).toBe(true);
    expect(rowLocal(other.crossJoin(stream).plan)).toBe(true);
  });

  it("keeps its rows on the right of a right join, with their errors", async () => {
    const parsed = readStream({ name: "e", schema: struct({ body: string() }) }).select(({ body }) => ({
      id: body.cast(long()),
    }));
    const query = prices.join(parsed, "id", "right");
    expect(rowLocal(query.plan)).toBe(true);
    const rows = await session.query(
      query.plan,
      { ...relations, e: "FROM (VALUES ('2', 10), ('x', 11), ('9', 12)) AS v(body, _position)" },
      { rowErrors: "capture", carry: ["_position"] },
    );
    expect(sorted(rows.map(({ id, price, _position }) => [_position, id, price]))).toEqual(
      sorted([
        [10, "2", "20"],
        [10, "2", "21"],
        [11, null, null],
        [12, "9", null],
      ]),
    );
    expect(rows.find(({ _position }) => _position === 11)).toMatchObject({ _row_error: 'cannot cast "x" to bigint' });
  });

  const refused: readonly (readonly [string, string, RegExp, { readonly plan: LogicalPlan }])[] = [
    ["right", "UNBOUNDED_STATE", /left join.*materialized view/, stream.join(names, "key", "right")],
    ["full", "UNBOUNDED_STATE", /left join.*materialized view/, stream.join(names, "key", "full")],
    ["full, from the right", "UNBOUNDED_STATE", /left join/, names.join(stream, "key", "full")],
    ["semi, from the right", "UNSUPPORTED_FEATURE", /Put it on the left/, names.join(stream, "key", "semi")],
    ["anti, from the right", "UNSUPPORTED_FEATURE", /Put it on the left/, names.join(stream, "key", "anti")],
  ];
  for (const [name, expected, message, query] of refused) {
    it(`cannot join a table, ${name}`, () => {
      expect(() => checkStreaming(query.plan)).toThrow(
        expect.objectContaining({ code: expected, message: expect.stringMatching(message) }),
      );
    });
  }

  it("takes no event time from a side that is only looked at", () => {
    const marked = read(events).withWatermark("at", "1 hour");
    expect(eventTimeOf(names.join(marked, "key", "semi").plan)).toBeUndefined();
  });
});

describe("a join is refused when it", () => {
  const plan = orders.join(prices, "id").plan as Join;
  const texts = read({ name: "texts", schema: struct({ id: string(), price: long() }) });
  const short = read({ name: "short", schema: struct({ id: double(), price: long() }) });
  const cases: readonly (readonly [string, string, RegExp, () => unknown])[] = [
    ["has no columns", "INVALID_PIPELINE", /crossJoin\(\)/, () => orders.join(prices, [])],
    ["is cross and has columns", "INVALID_PIPELINE", /as inner/, () => schemaOf({ ...plan, type: "cross" })],
    ["is cross and has a name twice", "AMBIGUOUS_COLUMN", /"id"/, () => orders.crossJoin(prices)],
    ["is a self join under one name", "AMBIGUOUS_COLUMN", /"item"/, () => orders.join(orders, "id")],
    [
      "compares text with numbers",
      "TYPE_MISMATCH",
      /"id" \(bigint\) with "id" \(string\)/,
      () => orders.join(texts, "id"),
    ],
    [
      "makes one column of two types",
      "TYPE_MISMATCH",
      /full join makes one column of "id" \(bigint\) and "id" \(double\)/,
      () => orders.join(short, "id", "full"),
    ],
    [
      "has names that differ in case alone",
      "DUPLICATE_NAME",
      /"item" and "ITEM"/,
      () => orders.crossJoin(read({ name: "x", schema: struct({ ITEM: string() }) })),
    ],
  ];
  for (const [name, expected, message, work] of cases) {
    it(name, () => {
      expect(work).toThrow(expect.objectContaining({ code: expected, message: expect.stringMatching(message) }));
    });
  }

  it("is checked by hand as well", () => {
    expect(() => new DataFrame({ ...plan, on: [] })).toThrow(code("INVALID_PIPELINE"));
  });
});

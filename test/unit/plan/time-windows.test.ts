/** Windows of time: against counting in plain numbers, as columns, and as groups. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  count,
  lit,
  long,
  read,
  renderPlan,
  schemaOf,
  string,
  struct,
  sum,
  timestamp,
  timestampNtz,
  typeName,
  window,
  windows,
} from "../../../shared/plan/index.ts";
import type { Duration } from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

let session: DuckDbSession;
beforeAll(async () => {
  session = await DuckDbSession.open();
});
afterAll(async () => session[Symbol.asyncDispose]());

const t = read({ name: "t", schema: struct({ k: string(), at: timestamp(), n: long() }) });
const rows = `FROM (VALUES
  ('a', TIMESTAMPTZ '2001-01-01 00:04:59.999999+00', 1::BIGINT), ('a', '2001-01-01 00:05:00+00', 2), ('b', '2001-01-01 00:07:30+00', 4),
  ('b', '1969-12-31 23:59:59.999999+00', 8), ('b', '1970-01-01 00:00:00+00', 16), ('c', NULL, 32)) AS t(k, "at", n)`;

const first = (text: string): string => `2001-01-01 00:${text}:00+00`;

describe("a window of time", () => {
  it("holds its start and not its end, before 1970 too, as a column", async () => {
    const query = t.select(({ at, n }) => ({ n, w: window(at, "5 minutes") })).orderBy("n");
    const found = await session.query(query.plan, { t: rows });
    expect(found.map(({ w }) => w)).toEqual([
      { start: first("00"), end: first("05") },
      { start: first("05"), end: first("10") },
      { start: first("05"), end: first("10") },
      { start: "1969-12-31 23:55:00+00", end: "1970-01-01 00:00:00+00" },
      { start: "1970-01-01 00:00:00+00", end: "1970-01-01 00:05:00+00" },
      null,
    ]);
    expect(typeName(schemaOf(query.plan))).toBe("struct<n:bigint,w:struct<start:timestamp,end:timestamp>>");
  });

  it("groups rows, those without a time in no group, beside other groups", async () => {
    const query = t
      .groupBy(({ at, k }) => ({ k, window: window(at, "5 minutes") }))
      .agg(({ n }) => ({ total: sum(n) }))
      .select(({ k, window, total }) => ({ k, start: window.fields.start, end: window.fields.end, total }))
      .orderBy("start", "k");
    expect(await session.query(query.plan, { t: rows })).toEqual([
      { k: "b", start: "1969-12-31 23:55:00+00", end: "1970-01-01 00:00:00+00", total: "8" },
      { k: "b", start: "1970-01-01 00:00:00+00", end: "1970-01-01 00:05:00+00", total: "16" },
      { k: "a", start: first("00"), end: first("05"), total: "1" },
      { k: "a", start: first("05"), end: first("10"), total: "2" },
      { k: "b", start: first("05"), end: first("10"), total: "4" },
    ]);
  });

  it("groups rows by its start alone", async () => {
    const query = t
      .groupBy(({ at }) => ({ start: window(at, "1 day").fields.start }))
      .agg(() => ({ rows: count() }))
      .orderBy("start");
    expect(await session.query(query.plan, { t: rows })).toEqual([
      { start: "1969-12-31 00:00:00+00", rows: "1" },
      { start: "1970-01-01 00:00:00+00", rows: "1" },
      { start: "2001-01-01 00:00:00+00", rows: "3" },
    ]);
  });

  it("that slides groups a row once for each window that holds it, also beside a column of its name", async () => {
    const named = t.withColumns(({ n }) => ({ window: n }));
    const query = named
      .groupBy(({ at }) => ({ window: window(at, "10 minutes", "5 minutes") }))
      .agg(({ window: own }) => ({ total: sum(own) }))
      .filter(({ window }) => window.fields.start.gt("2000-01-01T00:00:00Z"))
      .orderBy("window");
    expect(await session.query(query.plan, { t: rows })).toEqual([
      { window: { start: "2000-12-31 23:55:00+00", end: first("05") }, total: "1" },
      { window: { start: first("00"), end: first("10") }, total: "7" },
      { window: { start: first("05"), end: first("15") }, total: "6" },
    ]);
  });

  it("of a time without a zone has none", async () => {
    const query = t.select(({ n }) => ({ n, w: window(lit("2001-01-01T00:07:00", timestampNtz()), "5 minutes") }));
    const [row] = await session.query(query.limit(1).plan, { t: rows });
    expect(row?.["w"]).toEqual({ start: "2001-01-01 00:05:00", end: "2001-01-01 00:10:00" });
    expect(typeName(schemaOf(query.plan))).toContain("start:timestamp_ntz");
  });

  it("is what counting in numbers says, for every time, length, slide and start time", async () => {
    const moment = fc.oneof(
      fc.integer({ min: -100_000_000, max: 100_000_000 }).map(BigInt),
      fc.bigInt({ min: -(2n ** 55n), max: 2n ** 55n }),
    );
    const ms = fc.integer({ min: 1, max: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(moment, { minLength: 1, maxLength: 8 }),
        ms,
        ms,
        fc.integer({ min: -39, max: 39 }),
        async (times, a, b, by) => {
          const [widthMs, slideMs] = [Math.max(a, b), Math.min(a, b)];
          const startMs = by % slideMs;
          const length = (value: number): Duration => `${value} milliseconds`;
          const start = startMs < 0 ? (`-${length(-startMs)}` as const) : length(startMs);
          const frame = read({ name: "m", schema: struct({ at: timestamp(), us: long() }) });
          const query = frame.explode("w", ({ at }) => windows(at, length(widthMs), length(slideMs), start));
          const found = await session.query(query.select(({ us, w }) => ({ us, w })).plan, {
            m: `SELECT make_timestamptz(us) AS at, us FROM (VALUES ${times.map((us) => `(${us}::BIGINT)`).join(", ")}) AS v(us)`,
          });
          const [width, slide, offset] = [widthMs, slideMs, startMs].map((value) => BigInt(value) * 1_000n) as [
            bigint,
            bigint,
            bigint,
          ];
          const expected = times.map((us) => {
            const latest = us - ((((us - offset) % slide) + slide) % slide);
            let number = 0;
            for (let from = latest; from + width > us; from -= slide) number += 1;
            return number;
          });
          expect(found).toHaveLength(expected.reduce((sum, each) => sum + each, 0));
          for (const { us, w } of found) {
            const { start: from, end: to } = w as { start: string; end: string };
            expect((microsOf(from) - offset) % slide).toBe(0n);
            expect(microsOf(to) - microsOf(from)).toBe(width);
            expect(microsOf(from) <= BigInt(us as string) && BigInt(us as string) < microsOf(to)).toBe(true);
          }
          expect(new Set(found.map((row) => JSON.stringify(row))).size).toBe(found.length);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("has one text in Spark", () => {
    const query = t.select(({ at }) => ({ w: window(at, "5 minutes") }));
    const w = "CAST('300000000' AS bigint)";
    const us = "unix_micros(CAST(`at` AS timestamp))";
    const start = `(${us} - ((${us} - CAST('0' AS bigint)) % ${w} + ${w}) % ${w})`;
    expect(renderPlan(query.plan, { dialect: "spark", relations: (name) => name, rowErrors: "fail" })).toBe(
      `SELECT CASE WHEN \`at\` IS NOT NULL THEN named_struct('start', timestamp_micros(\`__dyne_1\`), 'end', timestamp_micros(\`__dyne_1\` + ${w})) END AS \`w\` FROM (SELECT *, ${start} AS \`__dyne_1\` FROM t)`,
    );
  });

  const refused: readonly (readonly [string, string, RegExp, () => unknown])[] = [
    [
      "without length",
      "TYPE_MISMATCH",
      /above 0/,
      () => schemaOf(t.select(({ at }) => ({ w: window(at, "0 days") })).plan),
    ],
    [
      "that slides by more than its length",
      "TYPE_MISMATCH",
      /not longer than the window/,
      () => t.groupBy(({ at }) => ({ w: window(at, "5 minutes", "10 minutes") })).agg(() => ({ n: count() })),
    ],
    [
      "whose start time is longer than its step",
      "TYPE_MISMATCH",
      /shorter than its step/,
      () =>
        t.groupBy(({ at }) => ({ w: window(at, "10 minutes", "5 minutes", "5 minutes") })).agg(() => ({ n: count() })),
    ],
    [
      "that puts a row into too many windows",
      "TYPE_MISMATCH",
      /more than 1000 windows/,
      () => t.groupBy(({ at }) => ({ w: window(at, "1 day", "1 second") })).agg(() => ({ n: count() })),
    ],
    [
      "of no length of time",
      "INVALID_ARGUMENT",
      /"10 minutes"/,
      () => t.select(({ at }) => ({ w: window(at, "soon" as "1 day") })),
    ],
  ];
  for (const [name, code, message, work] of refused) {
    it(`is refused ${name}`, () => {
      expect(work).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
    });
  }
});

function microsOf(text: string): bigint {
  const [, seconds, fraction = "", bc] = /^(.*?)(?:[.](\d+))?[+]00( \(BC\))?$/.exec(text) as RegExpExecArray;
  if (bc !== undefined || seconds === undefined) throw new Error(`${text} is out of the test's range`);
  return BigInt(Date.parse(`${seconds.replace(" ", "T")}Z`)) * 1_000n + BigInt(fraction.padEnd(6, "0"));
}

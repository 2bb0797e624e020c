import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  read,
  readStream,
  renderDropDuplicates,
  renderPlan,
  string,
  struct,
  timestamp,
} from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

let session: DuckDbSession;
beforeAll(async () => {
  session = await DuckDbSession.open();
});
afterAll(async () => session[Symbol.asyncDispose]());

interface Event {
  readonly key: string | null;
  /** Milliseconds, or null for a row without event time. */
  readonly at: number | null;
}

const delayMs = 10;
const sqlText = (value: string | null): string => (value === null ? "NULL" : `'${value}'`);

function relation(events: readonly Event[]): string {
  const rows = events.map(
    ({ key, at }, index) => `(${sqlText(key)}, ${at === null ? "NULL" : `epoch_ms(${at})::TIMESTAMPTZ`}, ${index})`,
  );
  const values = rows.length === 0 ? "SELECT NULL, NULL, NULL WHERE false" : `VALUES ${rows.join(", ")}`;
  return `(SELECT "key"::VARCHAR AS "key", "at"::TIMESTAMPTZ AS "at", "n"::BIGINT AS "n" FROM (${values}) AS t("key", "at", "n"))`;
}

/** The rule in so many words. */
function kept(events: readonly Event[], emitted: readonly Event[] = []): number[] {
  const before = [...emitted];
  const result: number[] = [];
  for (const [index, event] of events.entries()) {
    const duplicate = before.some(
      ({ key, at }) => key === event.key && at !== null && event.at !== null && Math.abs(at - event.at) <= delayMs,
    );
    if (duplicate) continue;
    before.push(event);
    result.push(index);
  }
  return result;
}

const request = { columns: ["key", "at", "n"], keys: ["key"], eventTime: "at", delayMs, order: ["n"] } as const;

async function run(events: readonly Event[], emitted?: readonly Event[]): Promise<number[]> {
  const state = emitted === undefined ? undefined : relation(emitted);
  const rows = await session.rows(
    `SELECT n FROM (${renderDropDuplicates({ ...request, input: relation(events), state })}) ORDER BY n`,
  );
  return rows.map(({ n }) => Number(n));
}

const events = fc.array(
  fc.record({
    key: fc.constantFrom("a", "b", null),
    at: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 0, max: 60 }) },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
  }),
  { maxLength: 25 },
);

describe("de-duplication within a watermark's delay", () => {
  it("keeps exactly the rows that no earlier kept row precedes within the delay", async () => {
    await fc.assert(
      fc.asyncProperty(events, async (given) => {
        expect(await run(given)).toEqual(kept(given));
      }),
      { numRuns: 60 },
    );
  });

  it("gives the same rows however the input is cut into batches, with the kept rows as state", async () => {
    await fc.assert(
      fc.asyncProperty(events, fc.nat(25), async (given, at) => {
        const [first, second] = [given.slice(0, at), given.slice(at)];
        const emitted = (await run(first)).map((index) => first[index] as Event);
        const later = (await run(second, emitted)).map((index) => second[index]);
        expect([...emitted, ...later]).toEqual(kept(given).map((index) => given[index]));
      }),
      { numRuns: 40 },
    );
  });

  it("keeps a row whose nearer duplicate went itself", async () => {
    const chain = [0, 8, 16].map((at) => ({ key: "a", at }));
    expect(await run(chain)).toEqual([0, 2]);
  });

  const structFarAway = "{'t': 1000000000000, 'n': 7}";
  it.each(
    ["e", "r", "acc", "i", "c", "d_row", "d_n", "d_past"].flatMap((name) => [
      [name, structFarAway],
      [name, "'x'"],
    ]),
  )("is not confused by a key column with the name %s and the value %s", async (name, value) => {
    const given = [0, 8, 16].map((at) => ({ key: "a", at }));
    const input = `(SELECT ${value} AS "${name}", "at", "n" FROM ${relation(given)})`;
    const sql = renderDropDuplicates({ ...request, columns: [name, "at", "n"], keys: [name], input });
    const rows = await session.rows(`SELECT n FROM (${sql}) ORDER BY n`);
    expect(rows.map(({ n }) => Number(n))).toEqual([0, 2]);
  });

  it("decides the same as a batch query of a plan that carries the rows' places", async () => {
    const given = [5, 3, 12, 30, 13].map((at) => ({ key: "a", at }));
    const frame = readStream({ name: "t", schema: struct({ key: string(), at: timestamp() }) })
      .withWatermark("at", "10 milliseconds")
      .dropDuplicatesWithinWatermark(["key"]);
    const rows = await session.query(frame.plan, { t: `SELECT * FROM ${relation(given)}` }, { carry: ["n"] });
    expect(rows.map(({ n }) => Number(n)).sort((a, b) => a - b)).toEqual(kept(given));
  });

  it("needs a watermark whose column is still there", () => {
    const frame = read({ name: "t", schema: struct({ key: string(), at: timestamp() }) });
    expect(() => frame.dropDuplicatesWithinWatermark(["key"])).toThrow(
      expect.objectContaining({ code: "UNBOUNDED_STATE" }),
    );
    const dropped = frame.withWatermark("at", "1 hour").drop("at");
    expect(() => dropped.dropDuplicatesWithinWatermark(["key"])).toThrow(
      expect.objectContaining({ code: "UNBOUNDED_STATE" }),
    );
  });

  it("renders for Spark as well", () => {
    const frame = readStream({ name: "t", schema: struct({ key: string(), at: timestamp() }) })
      .withWatermark("at", "1 hour")
      .dropDuplicatesWithinWatermark(["key"]);
    const sql = renderPlan(frame.plan, { dialect: "spark", relations: () => "t", rowErrors: "fail" });
    expect(sql).toContain("LEFT SEMI JOIN d_contested AS c ON i.`key` <=> c.`key`");
    expect(sql).toContain("abs(__dyne_e.t - __dyne_r.t) <= 3600000000");
  });
});

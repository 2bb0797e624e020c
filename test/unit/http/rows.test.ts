/** Rows over HTTP: filters, orders, cursors and versions over real tables, and what hostile parameters come to. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Compute } from "../../../shared/compute/index.ts";
import { limits } from "../../../shared/core/index.ts";
import { commitPath, stateAt, writeCheckpoint } from "../../../shared/delta/index.ts";
import { decodeCursor, encodeCursor, type Cursor } from "../../../shared/http/cursor.ts";
import type { HttpServices } from "../../../shared/http/index.ts";
import { EngineBench, EngineWorld } from "../../support/engine-harness.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { readingAt } from "../../support/engine-scenario.ts";
import { askedOf, type Answered, type Asked } from "../../support/http-world.ts";

let bench: EngineBench;
let world: EngineWorld;
let service: Asked<HttpServices>;
beforeAll(async () => {
  bench = await EngineBench.open();
  world = await readings(12);
  service = askedOf(world);
});
afterAll(() => bench[Symbol.asyncDispose]());

const big = "9007199254740993";
const devices = ["d1", "it's; DROP TABLE x", null, "é\u{1F600}", 'say "hi"'];

/** A world with so many readings, in commits of three. */
async function readings(count: number): Promise<EngineWorld> {
  const made = new EngineWorld({ bench, pipeline: engineFixture({ readingsOnly: true }) });
  await made.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
  for (let first = 0; first < count; first += 3) {
    made.send(
      "0",
      [0, 1, 2].map((i) => {
        const n = first + i;
        const { reading_id, device, event_time } = readingAt(5 * n, `r${n}`, devices[n % devices.length]!, 0);
        const value = n === 3 ? big : n % 4;
        return `{"reading_id":"${reading_id}","device":${JSON.stringify(device)},"event_time":"${event_time}","value":${value}}`;
      }),
    );
    if (first === 0) made.send("0", ["no json"]);
    await made.quiet();
    made.clock.advance(60_000);
  }
  return made;
}

const rowsOf = ({ json }: Answered) => json["rows"] as Record<string, unknown>[];
const path = (name: string, parameters: Readonly<Record<string, string | readonly string[]>> = {}) => {
  const query = new URLSearchParams(
    Object.entries(parameters).flatMap(([key, value]) =>
      (Array.isArray(value) ? value : [value]).map((each) => [key, each as string] as [string, string]),
    ),
  );
  return `/api/tables/${encodeURIComponent(name)}/rows?${query.toString()}`;
};
const read = (parameters: Readonly<Record<string, string | readonly string[]>> = {}, name = "silver.readings") =>
  service.ask(path(name, parameters));
const ids = (answer: Answered) => rowsOf(answer).map(({ reading_id }) => reading_id);

describe("rows", () => {
  test("are those of the newest version, in the form of rows as text, without the hidden column", async () => {
    const answer = await read({ where: "reading_id:eq:r3" });
    const { version } = await world.table("lake/silver/readings").latest();
    expect(answer.json).toMatchObject({ table: "silver.readings", version, next: null });
    expect(rowsOf(answer)).toEqual([
      {
        reading_id: "r3",
        device: devices[3],
        event_time: "2026-03-01T00:15:00.000000Z",
        value: Number(big),
        event_date: "2026-03-01",
        enqueued_time: expect.stringMatching(/^2026-03-01T\d\d:\d\d:\d\d\.000000Z$/),
        site: null,
      },
    ]);
    expect(answer.text).toContain(`"value":${big},`);
    expect(answer.text).not.toContain("_dyne");
  });

  test("have the columns that were selected, in that order", async () => {
    for (const select of ["value,reading_id", ["value", "reading_id"]])
      expect((await read({ select, where: "reading_id:eq:r1" })).text).toContain(
        '"rows":[{"value":1,"reading_id":"r1"}]',
      );
  });

  test.each<[string | readonly string[], readonly number[]]>([
    ["value:eq:2", [2, 6, 10]],
    [`value:eq:${big}`, [3]],
    [`value:gt:9007199254740992`, [3]],
    [
      ["value:ge:1", "value:lt:3", "reading_id:ne:r1"],
      [2, 5, 6, 9, 10],
    ],
    ["device:eq:it's; DROP TABLE x", [1, 6, 11]],
    ["device:in:d1,é\u{1F600}", [0, 3, 5, 8, 10]],
    ["device:in:it's\\; DROP TABLE x,nothing\\,at all", [1, 6, 11]],
    ["device:isnull", [2, 7]],
    [
      ["device:notnull", "value:le:0"],
      [0, 4, 8],
    ],
    ['device:startswith:say "', [4, 9]],
    ["event_time:ge:2026-03-01T00:50:00Z", [10, 11]],
    ["event_time:lt:2026-03-01T02:05:00+02:00", [0]],
    ["event_date:in:2026-03-01,2026-03-02", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
    ["event_date:gt:2026-03-01", []],
    ["site:eq:north", [0, 5, 10]],
  ])("where %j", async (where, expected) => {
    const answer = await read({ where, order: "event_time" });
    expect(ids(answer)).toEqual(expected.map((n) => `r${n}`));
  });

  test("come in the order that was asked for, by Spark's rules for NULLs unless told otherwise", async () => {
    const first = async (order: string) => ids(await read({ order, limit: "2" }));
    expect(await first("device,event_time")).toEqual(["r2", "r7"]);
    expect(await first("device:asc:nullslast,event_time:desc")).toEqual(["r10", "r5"]);
    expect(await first("device:desc,event_time")).toEqual(["r3", "r8"]);
    expect(await first("device:desc:nullsfirst,event_time")).toEqual(["r2", "r7"]);
    expect(ids(await read({ order: ["value:desc", "event_time"], limit: "3" }))).toEqual(["r3", "r7", "r11"]);
  });

  test("are served of tables and quarantines of the pipelines, and of nothing else", async () => {
    const quarantined = await read({ select: "reason,event_data" }, "quarantine.silver.readings");
    expect(rowsOf(quarantined)).toEqual([{ reason: "MALFORMED", event_data: "no json" }]);
    expect(rowsOf(await read({ select: "event_data" }, "bronze.events"))).toHaveLength(13);
    for (const name of [
      "silver.nope",
      "quarantine.bronze.events",
      "lake/silver/readings",
      "../host",
      "checkpoints",
      "SILVER.READINGS",
      "silver.readings ",
      "constructor",
    ])
      expect((await read({}, name)).json).toMatchObject({ status: 404, code: "TABLE_NOT_FOUND" });
  });

  test("of a table that has no data yet are not found, and its flow is named as what is missing", async () => {
    const empty = new EngineWorld({ bench, pipeline: engineFixture() });
    const answer = await askedOf(empty).ask(path("gold.total"));
    expect(answer.json).toMatchObject({
      status: 404,
      code: "TABLE_NOT_FOUND",
      detail: expect.stringContaining("no data yet"),
    });
  });
});

describe("pages", () => {
  /** All pages, with what goes on between them. */
  async function walk(asked: Asked<HttpServices>, first: string, between: () => Promise<void>) {
    const pages: Answered[] = [await asked.ask(first)];
    for (let next = pages[0]!.json["next"]; next !== null; next = pages.at(-1)!.json["next"]) {
      expect(pages.length).toBeLessThan(50);
      await between();
      pages.push(await asked.ask(path("silver.readings", { cursor: String(next), limit: "2" })));
    }
    return pages;
  }

  test("of a growing table, from whichever instance, are of one version and have each of its rows once", async () => {
    const grown = await readings(6);
    let at = 6;
    for (const parameters of [
      {},
      { order: "device:desc:nullslast,value" },
      { order: "event_date", where: "value:le:2" },
    ]) {
      const first = path("silver.readings", { ...parameters, limit: "2" });
      const whole = await askedOf(grown).ask(path("silver.readings", parameters));
      let isGrown = false;
      const pages = await walk(askedOf(grown), first, async () => {
        if (isGrown) return;
        isGrown = true;
        grown.send("0", [readingAt(5 * at, `r${at++}`, "d1", 0)]);
        await grown.quiet();
      });
      expect(pages.flatMap(rowsOf)).toEqual(rowsOf(whole));
      expect(new Set(pages.map(({ json }) => json["version"]))).toEqual(new Set([whole.json["version"]]));
      const now = await askedOf(grown).ask(path("silver.readings", parameters));
      expect(rowsOf(now).length).toBeGreaterThan(rowsOf(whole).length);
    }
  });

  test("end before an answer gets too large, with a cursor to the rest", async () => {
    const made = new EngineWorld({ bench, pipeline: engineFixture({ readingsOnly: true }) });
    const bytes = 3 * 1024 * 1024;
    made.send(
      "0",
      Array.from({ length: 3 }, (_, n) => String(n).repeat(bytes)),
    );
    await made.quiet();
    const asked = askedOf(made);
    const first = await asked.ask(path("bronze.events", { select: "event_data" }));
    expect([rowsOf(first).length, first.text.length < limits.pageBytes]).toEqual([2, true]);
    const rest = await asked.ask(path("bronze.events", { cursor: String(first.json["next"]) }));
    expect([...rowsOf(first), ...rowsOf(rest)].map(({ event_data }) => (event_data as string)[0])).toEqual([
      "0",
      "1",
      "2",
    ]);
    const tooLong = await asked.ask(path("bronze.events", { order: "event_data", limit: "1" }));
    expect(tooLong.json).toMatchObject({
      status: 400,
      code: "LIMIT_EXCEEDED",
      detail: expect.stringContaining("shorter"),
    });
  });

  test("end with a row that is too large alone, and lose none after it", async () => {
    const made = new EngineWorld({ bench, pipeline: engineFixture({ readingsOnly: true }) });
    for (const text of ["0", "1"]) {
      made.send("0", [text.repeat(limits.pageBytes + 1)]);
      await made.quiet();
    }
    const asked = askedOf(made);
    const first = await asked.ask(path("bronze.events", { select: "event_data" }));
    const second = await asked.ask(path("bronze.events", { cursor: String(first.json["next"]) }));
    expect([rowsOf(first).length, rowsOf(second).length, second.json["next"]]).toEqual([1, 1, null]);
  });

  test("of rows so large that few fit fetch no more than those", async () => {
    const made = new EngineWorld({ bench, pipeline: engineFixture({ readingsOnly: true }) });
    const bytes = 48 * 1024;
    made.send(
      "0",
      Array.from({ length: limits.pageRowsFirst + 60 }, (_, n) => `${n}`.padEnd(bytes, "x")),
    );
    await made.quiet();
    let fetched = 0;
    const { compute } = made.context((store) => store);
    const run: Compute["run"] = (job) => {
      fetched += job.collects.reduce((sum, { rowsMax }) => sum + rowsMax, 0);
      return compute.run(job);
    };
    const asked = askedOf(made, { compute: { run, close: () => compute.close() } });
    const page = await asked.ask(path("bronze.events", { select: "event_data", limit: "1000" }));
    expect(rowsOf(page).length).toBe(Math.floor(limits.pageBytes / (bytes + '{"event_data":""}'.length)));
    expect([fetched, typeof page.json["next"]]).toEqual([rowsOf(page).length + 1, "string"]);
  });

  test.each<[string, Record<string, string>]>([
    ["without an order", {}],
    ["in an order", { order: "partition,sequence_number:desc" }],
  ])("of many large rows fetch few more than they have, %s, and each row comes once", async (_, order) => {
    const made = new EngineWorld({ bench, pipeline: engineFixture({ readingsOnly: true }) });
    const count = limits.pageRowsFirst + 40;
    const texts = Array.from({ length: count }, (__, n) => `${n}:`.padEnd(10 * 1024, "x"));
    made.send("0", texts);
    await made.quiet();
    const counts: number[] = [];
    const { compute } = made.context((store) => store);
    const run: Compute["run"] = (job) => {
      counts.push(...job.collects.map(({ rowsMax }) => rowsMax));
      return compute.run(job);
    };
    const asked = askedOf(made, { compute: { run, close: () => compute.close() } });
    const all = await asked.ask(path("bronze.events", { select: "event_data", limit: "1000", ...order }));
    const told = rowsOf(all).map(({ event_data }) => event_data as string);
    expect([told.length, all.json["next"]]).toEqual([count, null]);
    expect(told.toSorted()).toEqual(texts.toSorted());
    // After 128 rows of 10 KiB there is room for less than 700 in 8 MiB, and four times as many are the most that is fetched.
    expect(counts).toEqual([limits.pageRowsFirst, 4 * limits.pageRowsFirst]);
    counts.length = 0;
    const few = await asked.ask(path("bronze.events", { select: "event_data", limit: "140", ...order }));
    expect([rowsOf(few).length, counts]).toEqual([140, [limits.pageRowsFirst, 141 - limits.pageRowsFirst]]);
    expect(rowsOf(few).map(({ event_data }) => event_data)).toEqual(told.slice(0, 140));
  });
});

describe("a cursor", () => {
  let cursor: string;
  beforeAll(async () => {
    cursor = String(
      (await read({ where: "value:ge:0", order: "value", select: "reading_id", limit: "2" })).json["next"],
    );
  });
  const changed = (change: (cursor: Cursor) => object) =>
    encodeCursor({ ...decodeCursor(cursor), ...change(decodeCursor(cursor)) });

  test("says the whole query; what is said again must be the same", async () => {
    const same = await read({ cursor, where: "value:ge:0", order: "value", select: "reading_id", limit: "2" });
    expect(same.json).toEqual((await read({ cursor, limit: "2" })).json);
    for (const [name, value] of [
      ["where", "value:ge:1"],
      ["order", "value:desc"],
      ["select", "value"],
      ["version", "1"],
      ["timestamp", "2026-03-01T00:00:00Z"],
    ] as const)
      expect((await read({ cursor, [name]: value })).json).toMatchObject({
        status: 400,
        code: "INVALID_CURSOR",
        detail: expect.stringContaining(name),
      });
    expect((await read({ cursor }, "bronze.events")).json).toMatchObject({
      status: 400,
      code: "INVALID_CURSOR",
      detail: expect.stringContaining("name"),
    });
  });

  test("that was damaged anywhere is refused", async () => {
    const damaged = Array.from(
      { length: cursor.length },
      (_, at) => cursor.slice(0, at) + (cursor[at] === "A" ? "B" : "A") + cursor.slice(at + 1),
    );
    for (const text of [
      ...damaged.filter((_, at) => at % 9 === 0),
      cursor.slice(0, -1),
      cursor.split(".")[0]!,
      `${cursor}.x`,
      `${cursor}x`,
      "x",
      ".",
      "null",
      "e30.e30",
    ])
      expect((await read({ cursor: text })).json).toMatchObject({ status: 400, code: "INVALID_CURSOR" });
  });

  test.each<[string, (cursor: Cursor) => object, number]>([
    ["a later format", () => ({ format: 2 }), 400],
    ["more than there is", () => ({ more: 1 }), 400],
    ["a version that never was", () => ({ version: 999 }), 404],
    ["a negative version", () => ({ version: -1 }), 400],
    ["a table that was made anew", () => ({ tableId: "another" }), 410],
    ["a file that is not there", ({ after }) => ({ after: { ...after, file: 999 } }), 400],
    ["a negative file", ({ after }) => ({ after: { ...after, file: -1 } }), 400],
    ["a row before the first", ({ after }) => ({ after: { ...after, row: -2 } }), 400],
    ["too few keys", ({ after }) => ({ after: { ...after, keys: [] } }), 400],
    ["too many keys", ({ after }) => ({ after: { ...after, keys: ["1", "2"] } }), 400],
    ["a key that is no value", ({ after }) => ({ after: { ...after, keys: ["1); DROP TABLE x; --"] } }), 400],
    ["a key out of range", ({ after }) => ({ after: { ...after, keys: ["9".repeat(30)] } }), 400],
    [
      "more conditions than a request may have",
      ({ query }) => ({ query: { ...query, where: Array.from({ length: 33 }, () => "device:notnull") } }),
      400,
    ],
    [
      "more lists of columns than a request may have",
      ({ query }) => ({ query: { ...query, select: Array.from({ length: 65 }, () => "device") } }),
      400,
    ],
    ["a query that is none", ({ query }) => ({ query: { ...query, where: ["1=1"] } }), 400],
  ])("made up with %s is refused", async (_, change, status) => {
    expect((await read({ cursor: changed(change) })).status).toBe(status);
  });

  test("far behind the last row has no rows", async () => {
    const deep = changed(({ after }) => ({
      after: { ...after, row: Number.MAX_SAFE_INTEGER, keys: ["9223372036854775807"] },
    }));
    expect((await read({ cursor: deep })).json).toMatchObject({ rows: [], next: null });
  });
});

describe("a version", () => {
  test("is read as it was, by its number or a time", async () => {
    const earlier = await read({ version: "1" });
    expect([earlier.json["version"], ids(earlier)]).toEqual([1, ["r0", "r1", "r2"]]);
    const { timestampMs } = await world.table("lake/silver/readings").at(1);
    const timestamp = new Date(timestampMs).toISOString();
    expect((await read({ timestamp })).json).toMatchObject({ rows: earlier.json["rows"] });
    expect((await read({ timestamp: "9999-01-01T00:00:00Z" })).json["version"]).toBeGreaterThan(1);
  });

  test("that never was is not found, and one that was cleaned away is gone", async () => {
    expect((await read({ version: "999" })).json).toMatchObject({ status: 404, code: "VERSION_NOT_FOUND" });
    expect((await read({ timestamp: "1999-01-01T00:00:00Z" })).json).toMatchObject({
      status: 404,
      code: "VERSION_NOT_FOUND",
    });
    const cleaned = await readings(6);
    const asked = askedOf(cleaned);
    const first = await asked.ask(path("silver.readings", { version: "1", limit: "1" }));
    const { log } = cleaned.table("lake/silver/readings");
    await writeCheckpoint(log, await stateAt(log, 2));
    for (const version of [0, 1]) await log.store.delete(commitPath(log, version));
    const fresh = askedOf(cleaned);
    for (const parameters of [
      { version: "1" },
      { timestamp: "1999-01-01T00:00:00Z" },
      { cursor: String(first.json["next"]) },
    ] as Record<string, string>[])
      expect((await fresh.ask(path("silver.readings", parameters))).json).toMatchObject({
        status: 410,
        code: "VERSION_GONE",
      });
    // Who opened it before still has it, because its files are there.
    expect((await asked.ask(path("silver.readings", { cursor: String(first.json["next"]) }))).status).toBe(200);
  });

  test("whose files are gone is gone", async () => {
    const vacuumed = await readings(3);
    for (const { path: file } of (await vacuumed.table("lake/silver/readings").latest()).files)
      await vacuumed.estate.lake.delete(`lake/silver/readings/${file}`);
    await using other = await EngineBench.open();
    const asked = askedOf(vacuumed, { compute: other.compute });
    expect((await asked.ask(path("silver.readings"))).json).toMatchObject({ status: 410, code: "FILE_MISSING" });
  });
});

describe("hostile parameters are refused, and change nothing", () => {
  const injections = [
    "x'; DROP TABLE files; --",
    '" OR 1=1 --',
    "1) UNION SELECT 1 --",
    "\\",
    "\u0000",
    "%00",
    "${7*7}",
    "../../etc/passwd",
    "_dyne",
    "_DYNE",
    "reading_id ",
    "\u202Ereading_id",
    "__proto__",
    "constructor",
  ];

  test("as one column twice, of which a row as JSON would have one key twice", async () => {
    for (const select of ["device,value,device", ["device", "device"]])
      expect((await read({ select })).json).toMatchObject({ status: 400, code: "INVALID_ARGUMENT" });
  });

  test.each(injections)("as the name of a column: %j", async (name) => {
    for (const parameters of [{ select: name }, { order: name }, { where: `${name}:eq:1` }] as Record<
      string,
      string
    >[]) {
      const { status, json } = await read(parameters);
      expect([status, ["UNKNOWN_COLUMN", "INVALID_ARGUMENT"].includes(String(json["code"]))]).toEqual([400, true]);
    }
  });

  test.each(injections)("as a value it is a value: %j", async (value) => {
    for (const where of [`device:eq:${value}`, `device:in:${value}`, `device:startswith:${value}`])
      expect((await read({ where })).json).toMatchObject({ rows: [] });
    for (const column of ["value", "event_time", "event_date"])
      expect((await read({ where: `${column}:eq:${value}` })).json).toMatchObject({
        status: 400,
        code: "INVALID_ARGUMENT",
      });
  });

  test.each<Record<string, string | string[]>>([
    { where: "value" },
    { where: "value:" },
    { where: "value:eq" },
    { where: "value:like:x" },
    { where: "value:isnull:x" },
    { where: "value:startswith:1" },
    { where: ":eq:1" },
    { where: "value:eq:9223372036854775808" },
    { where: `value:eq:${"9".repeat(1_000)}` },
    { where: "value:eq:1e3" },
    { where: "value:eq: 1" },
    { where: "value:in:1,,2" },
    { where: "event_time:eq:2026-02-30T00:00:00Z" },
    { where: "event_time:eq:2026-01-01T00:00:00.1234567Z" },
    { where: "event_date:eq:2026-13-01" },
    { where: Array.from({ length: limits.pageConditionsMax + 1 }, () => "value:ge:0") },
    { order: "value,value" },
    { order: "value:up" },
    { order: "value:asc:last" },
    { order: "value:asc:nullslast:x" },
    { order: "" },
    { select: "" },
    { select: "value,value" },
    { select: "value," },
    { limit: "0" },
    { limit: "-1" },
    { limit: String(limits.pageRowsMax + 1) },
    { limit: "10; DROP" },
    { limit: ["1", "2"] },
    { version: "-1" },
    { version: "1e3" },
    { version: "99999999999999999999" },
    { version: "1", timestamp: "2026-01-01T00:00:00Z" },
    { timestamp: "yesterday" },
    { timestamp: "2026-01-01" },
    { cursor: "" },
    { Where: "value:eq:1" },
  ])("%j", async (parameters) => {
    expect((await read(parameters)).json).toMatchObject({ status: 400 });
  });

  test("rows that are asked for in an order of too much data are refused with what to do", async () => {
    const services = {
      compute: { run: () => Promise.reject(new Error("nothing is computed")), close: async () => undefined },
    };
    const huge = await readings(3);
    const table = huge.table("lake/silver/readings");
    const [file] = (await table.latest()).files;
    await table.commit({
      actions: [{ add: { ...file!, path: "huge.parquet", size: limits.orderedBytes, dataChange: true } }],
      isBlindAppend: true,
      operation: "WRITE",
    });
    const answer = await askedOf(huge, services).ask(path("silver.readings", { order: "value" }));
    expect(answer.json).toMatchObject({
      status: 400,
      code: "LIMIT_EXCEEDED",
      detail: expect.stringContaining("Narrow the rows"),
    });
  });
});

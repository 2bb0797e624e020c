/** Where a row stood travels with it (engine-rules 4): lateness below another table is judged as it would be on bronze. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generation, placeColumn, seededRandom } from "../../../shared/core/index.ts";
import { StreamDriver } from "../../../shared/engine/drivers/stream-driver.ts";
import {
  definePipeline,
  eventHub,
  fromJson,
  materializedView,
  count,
  read,
  readStream,
  streamingTable,
  string,
  struct,
  timestamp,
  type Pipeline,
} from "../../../shared/pipeline/index.ts";
import { readRowTexts } from "../../../shared/table/index.ts";
import { EngineBench, EngineWorld, newEstate, startMs, type Row } from "../../support/engine-harness.ts";
import { judgeStream } from "../../support/engine-oracle.ts";

const seeds = process.env["SEED"] === undefined ? [1] : [Number(process.env["SEED"])];
const replayOf = (seed: number) =>
  `again with: SEED=${seed} npx vitest run --project unit test/unit/engine/row-place.test.ts`;

const Event = struct({ id: string(), at: timestamp(), note: string() });
const soon = { minInterval: "0 seconds" } as const;
const eventTime = { maxAhead: "10 minutes", idleAfter: "1 day" } as const;

const events = streamingTable("bronze.events", { ...soon, from: eventHub("events", { partitions: 2 }) });
const parsed = streamingTable("silver.parsed", {
  ...soon,
  query: readStream(events)
    .withColumns(({ event_data }) => ({ event: fromJson(event_data, Event) }))
    .select(({ event }) => ({ ...event.fields })),
});
const unique = streamingTable("silver.unique", {
  ...soon,
  query: readStream(parsed).withWatermark("at", "10 minutes", eventTime).dropDuplicatesWithinWatermark(["id"]),
});
/** Reads a table with state of its own, which has one lane. */
const notes = streamingTable("silver.notes", {
  ...soon,
  query: readStream(unique).withWatermark("at", "10 minutes", eventTime).dropDuplicatesWithinWatermark(["note"]),
});
const perId = materializedView("gold.per_id", {
  ...soon,
  query: read(parsed)
    .groupBy("id")
    .agg(() => ({ events: count() })),
});
/** What silver.unique would be without a table in between. */
const direct = streamingTable("silver.direct", {
  ...soon,
  query: readStream(events)
    .withColumns(({ event_data }) => ({ event: fromJson(event_data, Event) }))
    .select(({ event }) => ({ ...event.fields }))
    .withWatermark("at", "10 minutes", eventTime)
    .dropDuplicatesWithinWatermark(["id"]),
});

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

/** Sends events of both partitions with times that jump back and ahead, and lets the engine run now and then. */
async function history(world: EngineWorld, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const below = (n: number): number => Math.floor(random.next() * n);
  for (let sent = 0; sent < 24; sent++) {
    const minutes = sent * 5 + below(3) * 4 - below(3) * 25 + (below(8) === 0 ? 10_000 : 0);
    const body = { id: `i${below(6)}`, at: new Date(startMs + minutes * 60_000).toISOString(), note: `n${below(9)}` };
    world.send(String(below(2)), [below(12) === 0 ? "oops" : body]);
    if (below(3) === 0) await world.engine.sweep();
    // Bronze alone goes on, so that several of its versions are one batch below it.
    else if (below(2) === 0) await world.engine.ring("bronze.events");
  }
  await world.quiet();
}

async function lateRows(world: EngineWorld, table: string): Promise<string[]> {
  const rows = await world.rows(table, { quarantine: true });
  return rows
    .filter(({ reason }) => reason === "LATE")
    .map(({ lane, position }) => `${String(lane)}/${String(position)}`);
}

async function places(world: EngineWorld, table: string): Promise<Row[]> {
  const delta = world.table(`lake/${table.replace(".", "/")}`);
  const texts = await Array.fromAsync(
    readRowTexts(world.compute, delta, await delta.latest(), { limit: Infinity, hidden: true }),
  );
  return texts.map((text) => JSON.parse(text) as Row);
}

describe("a streaming table with event time below another streaming table", () => {
  test.each(seeds)(
    "finds those rows late that would be above bronze itself, and keeps the law (seed %i)",
    { timeout: 120_000 },
    async (seed) => {
      const pipeline = definePipeline("placed", [events, parsed, unique, notes, perId, direct]);
      const world = new EngineWorld({ bench, pipeline }, newEstate(seed));
      await history(world, seed);
      expect(await lateRows(world, "silver.unique"), replayOf(seed)).toEqual(await lateRows(world, "silver.direct"));
      expect((await lateRows(world, "silver.unique")).length, "some are late").toBeGreaterThan(0);
      for (const table of ["silver.parsed", "silver.unique", "silver.notes"]) {
        const { actual, lawful } = await judgeStream(world, table);
        expect(actual, `${table}; ${replayOf(seed)}`).toEqual(lawful);
      }
    },
  );

  test("is fed by rows that say their lane, position and arrival in one hidden column, the last", async () => {
    const world = new EngineWorld({
      bench,
      pipeline: definePipeline("placed", [events, parsed, unique, notes, perId]),
    });
    world.send("0", [{ id: "a", at: "2026-03-01T00:00:00Z", note: "x" }]);
    world.send("1", [{ id: "b", at: "2026-03-01T00:01:00Z", note: "y" }]);
    await world.quiet();
    const placed = {
      a: { lane: "0", position: 0, arrival: "2026-03-01T00:00:00.000000Z", job: null },
      b: { lane: "1", position: 0, arrival: "2026-03-01T00:05:00.000000Z", job: null },
    };
    for (const table of ["silver.parsed", "silver.unique"]) {
      const rows = await places(world, table);
      expect(Object.fromEntries(rows.map((row) => [row["id"], row[placeColumn]])), table).toEqual(placed);
      expect(Object.keys(rows[0] ?? {}).at(-1)).toBe(placeColumn);
    }
    expect(Object.keys((await places(world, "silver.notes"))[0] ?? {}), "nobody with state reads it").not.toContain(
      placeColumn,
    );
    expect(await world.rows("gold.per_id"), "views do not see it").toEqual([
      { events: 1, id: "a" },
      { events: 1, id: "b" },
    ]);
  });

  test("that is added later gives the table the column; rows from before are placed by their files", async () => {
    const before: Pipeline = definePipeline("placed", [events, parsed, perId]);
    const world = new EngineWorld({ bench, pipeline: before });
    world.send("0", [{ id: "a", at: "2026-03-01T00:00:00Z", note: "x" }]);
    await world.quiet();
    const after = new EngineWorld(
      { bench, pipeline: definePipeline("placed", [events, parsed, unique, perId]) },
      world.estate,
    );
    after.send("0", [
      { id: "a", at: "2026-03-01T00:05:00Z", note: "x" },
      { id: "b", at: "2026-03-01T00:10:00Z", note: "x" },
    ]);
    after.restart();
    await after.quiet();
    expect((await after.rows("silver.unique")).map(({ id }) => id)).toEqual(["a", "b"]);
    const positions = (await places(after, "silver.parsed")).map(
      (row) => (row[placeColumn] as Row | null)?.["position"],
    );
    expect(new Set(positions)).toEqual(new Set([undefined, 1, 2]));
    world.restart();
    world.send("0", [{ id: "c", at: "2026-03-01T00:12:00Z", note: "x" }]);
    await world.quiet();
    after.restart();
    await after.quiet();
    expect(
      (await after.rows("silver.unique")).map(({ id }) => id),
      "an earlier build still writes",
    ).toEqual(["a", "b", "c"]);
  });

  test.each(["with", "without"])("adopts tables that a build %s the column created before it died", async (creator) => {
    const withColumn = definePipeline("placed", [events, parsed, unique]);
    const without = definePipeline("placed", [events, parsed]);
    const [dead, alive] = creator === "with" ? [withColumn, without] : [without, withColumn];
    const world = new EngineWorld({ bench, pipeline: alive });
    const before = new EngineWorld({ bench, pipeline: dead }, world.estate);
    const lanes = async () => [];
    const driver = new StreamDriver(before.context(), before.flow("silver.parsed") as never, { lanes });
    for (const table of driver.tables(generation(1))) await before.table(table.path, table.root).createIfAbsent(table);
    world.send("0", [{ id: "a", at: "2026-03-01T00:00:00Z", note: "x" }]);
    await world.quiet();
    expect(await world.rows(alive === withColumn ? "silver.unique" : "silver.parsed")).toHaveLength(1);
  });
});

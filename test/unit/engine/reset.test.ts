/** What a reset has to cope with (engine-rules 2): other columns, tables that are gone, an instance that has not noticed. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createTable } from "../../../shared/delta/index.ts";
import { HubDriver } from "../../../shared/engine/drivers/hub-driver.ts";
import { StreamDriver } from "../../../shared/engine/drivers/stream-driver.ts";
import { raiseGeneration } from "../../../shared/engine/generation.ts";
import {
  definePipeline,
  eventHub,
  fromJson,
  long,
  readStream,
  streamingTable,
  string,
  struct,
  tablePath,
  type Pipeline,
} from "../../../shared/pipeline/index.ts";
import { rewriteTable } from "../../support/engine-foreign.ts";
import { EngineBench, EngineWorld } from "../../support/engine-harness.ts";
import { judgeStream } from "../../support/engine-oracle.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { readingAt } from "../../support/engine-scenario.ts";

const [events, readings] = ["bronze.events", "silver.readings"] as const;

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

/** What a new build does to begin with another query. */
async function raiseReset(world: EngineWorld, flow: string): Promise<void> {
  const context = world.context((store) => store);
  const declared = (name: string) => world.flow(name) as never;
  const driver = new StreamDriver(context, declared(flow), new HubDriver(context, declared(events)));
  await raiseGeneration(context, driver, { reason: "reset" });
}

/** Two readings are through. */
async function newWorld(): Promise<EngineWorld> {
  const world = new EngineWorld({ bench, pipeline: engineFixture({ readingsOnly: true }) });
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
  world.send("0", [readingAt(0, "a", "d1", 1), readingAt(5, "b", "d1", 2)]);
  await world.quiet();
  return world;
}

async function idsOf(world: EngineWorld): Promise<unknown[]> {
  return (await world.rows(readings)).map(({ reading_id }) => reading_id);
}

async function deleteTable(world: EngineWorld, path: string): Promise<void> {
  const paths: string[] = [];
  for await (const file of world.estate.lake.list(`${path}/`)) paths.push(file.path);
  for (const file of paths) await world.estate.lake.delete(file);
}

async function failureOf(world: EngineWorld): Promise<unknown> {
  return (await world.record(`checkpoints/${readings}/state.json`))?.["failure"];
}

function valuesAs(type: typeof long | typeof string): Pipeline {
  const soon = { minInterval: "0 seconds" } as const;
  const bronze = streamingTable(events, { ...soon, from: eventHub("events", { partitions: 1 }) });
  const query = readStream(bronze)
    .withColumns(({ event_data }) => ({ event: fromJson(event_data, struct({ value: type() })) }))
    .select(({ event }) => ({ ...event.fields }));
  return definePipeline("fixture", [bronze, streamingTable("silver.values", { ...soon, query })]);
}

test("a column that has another type in the new plan gets it with the commit that empties the table", async () => {
  const world = new EngineWorld({ bench, pipeline: valuesAs(long) });
  world.send("0", ['{"value":5}', '{"value":"five"}']);
  await world.quiet();
  expect(await world.rows("silver.values")).toEqual([{ value: 5 }]);
  const after = new EngineWorld({ bench, pipeline: valuesAs(string) }, world.estate);
  await raiseReset(after, "silver.values");
  await after.quiet();
  const { schema } = await after.table(tablePath("silver.values")).latest();
  expect(schema.fields).toMatchObject({ value: { type: { kind: "string" } } });
  expect(await after.rows("silver.values")).toEqual([{ value: "five" }]);
});

test("a table that was deleted is created again", async () => {
  const world = await newWorld();
  await deleteTable(world, tablePath(readings));
  world.send("0", [readingAt(10, "c", "d1", 3)]);
  await world.quiet();
  expect(await failureOf(world)).toMatchObject({ code: "SINK_CHANGED" });
  await world.engine.reset(readings);
  await world.quiet();
  expect(await idsOf(world)).toEqual(["a", "b", "c"]);
});

test("a table that was made anew is taken as it is, also by an instance that still has the old one in memory", async () => {
  const world = await newWorld();
  const asleep = new EngineWorld({ bench, pipeline: world.pipeline }, world.estate);
  await asleep.quiet();
  const { log } = world.table(tablePath(readings));
  const { schema, partitionBy } = await world.table(tablePath(readings)).latest();
  await deleteTable(world, log.path);
  const { snapshot } = await createTable(log, { schema, partitionBy });
  await world.engine.reset(readings);
  await asleep.quiet();
  expect(await idsOf(asleep)).toEqual(["a", "b"]);
  expect((await asleep.table(log.path).latest()).metadata.id).toBe(snapshot.metadata.id);
});

test("a table that is made anew between the reset and its first commit fails the flow with SINK_CHANGED", async () => {
  const world = await newWorld();
  const { log } = world.table(tablePath(readings));
  const { schema, partitionBy } = await world.table(tablePath(readings)).latest();
  await world.engine.reset(readings);
  await deleteTable(world, log.path);
  await createTable(log, { schema, partitionBy });
  await world.quiet();
  expect(await failureOf(world)).toMatchObject({ code: "SINK_CHANGED", generation: 2 });
  await world.engine.reset(readings);
  await world.quiet();
  expect(await idsOf(world)).toEqual(["a", "b"]);
});

describe("a streaming table below one that lost rows", () => {
  const bodies = "silver.bodies";

  /** Events of both partitions, in several versions of bronze. */
  async function busyWorld(): Promise<EngineWorld> {
    const world = new EngineWorld({ bench, pipeline: engineFixture() });
    await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
    for (let turn = 0; turn < 3; turn++) {
      world.send("0", [readingAt(turn * 10, `a${turn}`, "d1", turn)]);
      world.send("1", [readingAt(turn * 10 + 5, `b${turn}`, "d1", turn)]);
      await world.quiet();
    }
    return world;
  }

  test("is reset as well, and begins with what that holds", async () => {
    const world = await busyWorld();
    const before = await world.everything();
    await world.engine.reset(events);
    await world.quiet();
    expect(await failureOf(world)).toMatchObject({ code: "UPSTREAM_CHANGED" });
    await world.engine.reset(readings);
    await world.engine.reset(bodies);
    await world.quiet();
    expect(await world.everything()).toEqual(before);
    world.send("1", [readingAt(40, "c", "d1", 1)]);
    await world.quiet();
    expect(await idsOf(world)).toEqual([...before[readings]!.map((row) => row["reading_id"]), "c"]);
    for (const table of [readings, bodies]) {
      const { actual, lawful } = await judgeStream(world, table);
      expect(actual, table).toEqual(lawful);
    }
  });

  test("leaves out the rows that were deleted before it began", async () => {
    const world = await busyWorld();
    const rows = await world.rows(bodies);
    await rewriteTable(world, events, {
      dataChange: true,
      which: 0,
      keep: (all) => ({ kind: "limit", input: all, count: 0 }),
    });
    await world.engine.reset(bodies);
    await world.quiet();
    expect(await world.rows(bodies)).toHaveLength((await world.rows(events)).length);
    expect((await world.rows(bodies)).length).toBeLessThan(rows.length);
  });
});

test("a hub that is read from its latest event begins where it began at first, not behind what was read since", async () => {
  const soon = { minInterval: "0 seconds" } as const;
  const hub = eventHub("events", { partitions: 1, startingPosition: "latest" });
  const world = new EngineWorld({
    bench,
    pipeline: definePipeline("fixture", [streamingTable(events, { ...soon, from: hub })]),
  });
  world.send("0", ["before it was declared"]);
  await world.engine.sweep();
  world.send("0", ["one", "two"]);
  await world.quiet();
  await world.engine.reset(events);
  await world.quiet();
  expect((await world.rows(events)).map(({ event_data }) => event_data)).toEqual(["one", "two"]);
});

test("files that are too old to be read again stop the reset, not their rows", async () => {
  const world = await newWorld();
  world.clock.advance(91 * 86_400_000);
  await expect(world.engine.reset("bronze.devices")).rejects.toThrow(
    /1 landed files that are older than maxFileAge, such as landing\/devices\/a\.csv/,
  );
  expect(await world.rows("bronze.devices")).toHaveLength(1);
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,south,5\n");
  await world.engine.reset("bronze.devices");
  await world.quiet();
  expect((await world.rows("bronze.devices")).map(({ site }) => site)).toEqual(["south"]);
});

test("of two changes at once one counts, and the other is told so", async () => {
  const world = await newWorld();
  const { version } = await world.table(tablePath(readings)).latest();
  const results = await Promise.allSettled([
    world.engine.reset(readings),
    world.engine.restore(readings, version, "keep-position"),
    world.engine.reset(readings),
  ]);
  const [first, restored, second] = results.map(({ status }) => status);
  expect(first).toBe(second);
  expect(restored).not.toBe(first);
  const refused = results.find((result) => result.status === "rejected");
  expect(refused?.reason).toMatchObject({ code: "GENERATION_CHANGED" });
});

/** What a restore has to cope with (engine-rules 2): files of several lanes in one, lanes that came later, other columns. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { isDyneError } from "../../../shared/core/index.ts";
import { schemaString } from "../../../shared/delta/index.ts";
import { definePipeline, eventHub, streamingTable, tablePath } from "../../../shared/pipeline/index.ts";
import type { StructField } from "../../../shared/plan/index.ts";
import { setProperties } from "../../../shared/table/index.ts";
import { commitTo, rewriteTable } from "../../support/engine-foreign.ts";
import { EngineBench, EngineWorld } from "../../support/engine-harness.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { readingAt } from "../../support/engine-scenario.ts";

const [events, bodies] = ["bronze.events", "silver.bodies"] as const;
const pipeline = engineFixture();

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

/** A reading of each partition, in batches of their own. */
async function turn(world: EngineWorld, number: number): Promise<void> {
  for (const partition of ["0", "1"]) {
    world.send(partition, [readingAt(number * 10 + Number(partition) * 5, `${partition}${number}`, "d1", 1)]);
    await world.quiet();
  }
}

async function newWorld(): Promise<EngineWorld> {
  const world = new EngineWorld({ bench, pipeline });
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
  await turn(world, 1);
  return world;
}

async function versionOf(world: EngineWorld, table: string): Promise<number> {
  return (await world.table(tablePath(table)).latest()).version;
}

test.each(["rewind", "keep-position"] as const)(
  "rows of several lanes that somebody merged into one file come back (%s)",
  async (position) => {
    const world = await newWorld();
    await rewriteTable(world, bodies, { dataChange: false });
    await turn(world, 2);
    const version = await versionOf(world, bodies);
    const rows = await world.rows(bodies);
    await turn(world, 3);
    const all = await world.rows(bodies);
    await world.engine.restore(bodies, version, position);
    await world.quiet();
    expect(await world.rows(bodies)).toEqual(position === "rewind" ? all : rows);
  },
);

test.each(["rewind", "keep-position"] as const)(
  "files that were merged since come back, also where the table has its change feed on (%s)",
  async (position) => {
    const world = await newWorld();
    const table = world.table(tablePath(bodies));
    const writer = { flow: bodies, appendsOnly: true };
    await setProperties({ table }, { "delta.enableChangeDataFeed": "true" }, { writer });
    await turn(world, 2);
    const [version, rows] = [await versionOf(world, bodies), await world.rows(bodies)];
    await rewriteTable(world, bodies, { dataChange: false, which: 0 });
    await turn(world, 3);
    const all = await world.rows(bodies);
    await world.engine.restore(bodies, version, position);
    await world.quiet();
    expect(await world.rows(bodies)).toEqual(position === "rewind" ? all : rows);
  },
);

test("a lane that came after the version is read again from where it began, not from the newest event", async () => {
  const hub = eventHub("events", { partitions: 2, startingPosition: "latest" });
  const table = streamingTable(events, { minInterval: "0 seconds", from: hub });
  const world = new EngineWorld({ bench, pipeline: definePipeline("fixture", [table]) });
  await world.quiet();
  world.send("0", ["a"]);
  await world.quiet();
  const version = await versionOf(world, events);
  world.send("1", ["b"]);
  await world.quiet();
  const all = await world.rows(events);
  expect(all).toHaveLength(2);
  for (const time of ["once", "twice"]) {
    await world.engine.restore(events, version, "rewind");
    await world.quiet();
    expect(await world.rows(events), time).toEqual(all);
  }
});

test("a version whose columns had other types is refused, because its files do not fit the table", async () => {
  const world = await newWorld();
  const { version, schema, metadata } = await world.table(tablePath(bodies)).latest();
  const characters: StructField = { type: { kind: "string" }, nullable: true };
  const other = schemaString({ kind: "struct", fields: { ...schema.fields, characters } });
  await commitTo(world, bodies, [{ metaData: { ...metadata, schemaString: other } }]);
  await expect(world.engine.restore(bodies, version, "rewind")).rejects.toSatisfy(
    (error: unknown) => isDyneError(error, "VERSION_NOT_FOUND") && error.message.includes("columns or partitions"),
  );
});

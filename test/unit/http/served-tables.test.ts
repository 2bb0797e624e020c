/** Versions that are kept for the next page: never those of a table that is another one by now. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ServedTables } from "../../../shared/http/index.ts";
import { EngineBench, EngineWorld } from "../../support/engine-harness.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { readingAt } from "../../support/engine-scenario.ts";

const [name, path] = ["silver.readings", "lake/silver/readings"] as const;

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

async function served(): Promise<{ readonly world: EngineWorld; readonly tables: ServedTables }> {
  const world = new EngineWorld({ bench, pipeline: engineFixture({ readingsOnly: true }) });
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
  world.send("0", [readingAt(0, "a", "d1", 1)]);
  await world.quiet();
  return { world, tables: new ServedTables([world.pipeline], world.context((store) => store).tables) };
}

async function removeLog(world: EngineWorld): Promise<void> {
  const logged: string[] = [];
  for await (const { path: file } of world.estate.lake.list(`${path}/_delta_log/`)) logged.push(file);
  for (const file of logged) await world.estate.lake.delete(file);
}

test("a version that was kept is given again, without reading the log again", async () => {
  const { tables } = await served();
  const first = await tables.snapshot(name, { version: 1 });
  expect(await tables.snapshot(name, { version: 1 })).toBe(first);
});

test("a version of a table that is gone is gone too", async () => {
  const { world, tables } = await served();
  await tables.snapshot(name, { version: 1 });
  await removeLog(world);
  await expect(tables.snapshot(name, { version: 1 })).rejects.toMatchObject({ code: "TABLE_NOT_FOUND" });
});

test("a version of a table that was made anew is the new one's", async () => {
  const { world, tables } = await served();
  const { schema, partitionBy, metadata } = await tables.snapshot(name, { version: 0 });
  await removeLog(world);
  await world.table(path).createIfAbsent({ schema, partitionBy });
  const again = await tables.snapshot(name, { version: 0 });
  expect(again.metadata.id).not.toBe(metadata.id);
});

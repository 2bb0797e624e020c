import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { placeColumn, seededRandom, silentLogger } from "../../../shared/core/index.ts";
import { commitPath } from "../../../shared/delta/index.ts";
import { MemoryStore } from "../../../shared/storage/index.ts";
import { cloneTable, DeltaTable } from "../../../shared/table/index.ts";
import { EngineBench, EngineWorld } from "../../support/engine-harness.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { readingAt } from "../../support/engine-scenario.ts";

let bench: EngineBench;
let workDirectory: string;
beforeAll(async () => {
  bench = await EngineBench.open();
  workDirectory = await mkdtemp(join(tmpdir(), "dyne-clone-"));
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await rm(workDirectory, { recursive: true });
});

/** A partitioned table that a flow has written, and a place for its clone. */
async function written() {
  const world = new EngineWorld({ bench, pipeline: engineFixture() });
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
  world.send("0", [readingAt(0, "a", "d1", 1), readingAt(2_000, "b", "d1", 2)]);
  await world.quiet();
  const { clock } = world;
  const random = seededRandom(1);
  const store = new MemoryStore({ clock, random });
  const target = new DeltaTable({ store, path: "copy/t", clock, random, logger: silentLogger });
  const source = world.table("lake/silver/readings");
  return { source, snapshot: await source.latest(), target, store };
}

test("a clone has the files of the version, its columns and partitions, and nothing of its writers", async () => {
  const { source, snapshot, target, store } = await written();
  const seen: number[] = [];
  const clone = await cloneTable(source, snapshot, target, { workDirectory, onFile: (copied) => seen.push(copied) });
  expect(snapshot.files.size).toBeGreaterThan(1);
  expect(seen).toEqual(Array.from({ length: snapshot.files.size }, (_, index) => index + 1));
  expect(clone.partitionBy).toEqual(["event_date"]);
  expect([...clone.files].map(({ path, size, stats }) => ({ path, size, stats }))).toEqual(
    [...snapshot.files].map(({ path, size, stats }) => ({ path, size, stats })),
  );
  expect(clone.txns.size).toBe(0);
  expect(Object.keys(clone.schema.fields)).toEqual(
    Object.keys(snapshot.schema.fields).filter((name) => name !== placeColumn),
  );
  for (const file of clone.files) {
    const { path } = target.inputFile(clone, file);
    const original = await source.log.store.get(source.inputFile(snapshot, file).path);
    expect((await store.get(path))?.bytes).toEqual(original?.bytes);
  }
});

test("a clone that was interrupted is completed by the next one", async () => {
  const { source, snapshot, target } = await written();
  const stop = () => {
    throw new Error("interrupted");
  };
  await expect(cloneTable(source, snapshot, target, { workDirectory, onFile: stop })).rejects.toThrow("interrupted");
  expect(await target.find()).toBeUndefined();
  expect((await cloneTable(source, snapshot, target, { workDirectory })).files.size).toBe(snapshot.files.size);
});

test("a table is never written into, and a file that is gone is named", async () => {
  const { source, snapshot, target, store } = await written();
  const [file] = snapshot.files;
  await source.log.store.delete(source.inputFile(snapshot, file!).path);
  await expect(cloneTable(source, snapshot, target, { workDirectory })).rejects.toMatchObject({ code: "FILE_MISSING" });
  await target.createIfAbsent({ schema: snapshot.schema, partitionBy: [] });
  await expect(cloneTable(source, snapshot, target, { workDirectory })).rejects.toMatchObject({ code: "TABLE_EXISTS" });
  expect(await store.head(commitPath(target.log, 1))).toBeUndefined();
});

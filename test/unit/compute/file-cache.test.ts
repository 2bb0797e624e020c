import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FileCache } from "../../../shared/compute/duckdb/file-cache.ts";
import { DyneError, ManualClock, seededRandom } from "../../../shared/core/index.ts";
import { MemoryStore } from "../../../shared/storage/index.ts";
import { FaultyStore, type StoreOperation } from "../../support/faulty-store.ts";

let directory: string;
let memory: MemoryStore;
let asked: StoreOperation[];
let store: FaultyStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "dyne-cache-"));
  memory = new MemoryStore({ clock: new ManualClock(0), random: seededRandom(1) });
  asked = [];
  store = new FaultyStore(memory, { random: seededRandom(1), before: (operation) => void asked.push(operation) });
});
afterEach(() => rm(directory, { recursive: true }));

const cacheOf = (boundBytes: number) => new FileCache({ directory, boundBytes, random: seededRandom(2) });
/** An object of ten bytes. */
const land = (name: string) => memory.put(`lake/${name}`, Buffer.from(name.padEnd(10, ".")));
const filesOnDisk = async () => (await readdir(directory)).length;
/** What had to be downloaded since the last question. */
const downloads = () => asked.splice(0).map(({ path }) => path.slice("lake/".length));

async function use(cache: FileCache, name: string): Promise<string> {
  const content = await readFile(await cache.pin(store, `lake/${name}`), "utf8");
  cache.unpin(store, `lake/${name}`);
  return content;
}

test("a file is downloaded once and read from the disk after that", async () => {
  const cache = cacheOf(100);
  await land("a");
  expect([await use(cache, "a"), await use(cache, "a")]).toEqual(["a.........", "a........."]);
  expect(downloads()).toEqual(["a"]);
  expect(cache.usedBytes).toBe(10);
});

test("pins of one file at the same time share one download", async () => {
  const cache = cacheOf(100);
  await land("a");
  const paths = await Promise.all([1, 2, 3, 4].map(() => cache.pin(store, "lake/a")));
  expect(new Set(paths).size).toBe(1);
  expect(downloads()).toEqual(["a"]);
});

test("the same path in another store is another file", async () => {
  const cache = cacheOf(100);
  await land("a");
  await cache.pin(store, "lake/a");
  await cache.pin(memory, "lake/a");
  expect(await filesOnDisk()).toBe(2);
});

test("beyond the bound the least recently used file goes first", async () => {
  const cache = cacheOf(30);
  for (const name of ["a", "b", "c"]) {
    await land(name);
    await use(cache, name);
  }
  await use(cache, "a");
  await land("d");
  await use(cache, "d");
  expect([cache.usedBytes, await filesOnDisk()]).toEqual([30, 3]);
  downloads();
  for (const name of ["a", "c", "d"]) await use(cache, name);
  expect(downloads()).toEqual([]);
  await use(cache, "b");
  expect(downloads()).toEqual(["b"]);
});

test("a pinned file is never evicted, even where all of them are beyond the bound", async () => {
  const cache = cacheOf(15);
  for (const name of ["a", "b", "c"]) await land(name);
  const paths = await Promise.all(["a", "b", "c"].map((name) => cache.pin(store, `lake/${name}`)));
  for (const path of paths) expect((await readFile(path)).length).toBe(10);
  expect(cache.usedBytes).toBe(30);
  for (const name of ["a", "b", "c"]) cache.unpin(store, `lake/${name}`);
  await land("d");
  await use(cache, "d");
  expect(cache.usedBytes).toBe(10);
});

test("a file pinned twice stays until both are done with it", async () => {
  const cache = cacheOf(10);
  await land("a");
  await land("b");
  const path = await cache.pin(store, "lake/a");
  await cache.pin(store, "lake/a");
  cache.unpin(store, "lake/a");
  await use(cache, "b");
  expect((await readFile(path)).length).toBe(10);
  cache.unpin(store, "lake/a");
  await land("c");
  await use(cache, "c");
  await expect(readFile(path)).rejects.toThrow("ENOENT");
});

test("a file that is gone from the store is named, leaves nothing behind, and may come later", async () => {
  const cache = cacheOf(100);
  const both = await Promise.allSettled([cache.pin(store, "lake/a"), cache.pin(store, "lake/a")]);
  for (const result of both) {
    expect(result).toMatchObject({
      status: "rejected",
      reason: { code: "FILE_MISSING", kind: "data", details: { path: "lake/a" } },
    });
  }
  expect([cache.usedBytes, await filesOnDisk()]).toEqual([0, 0]);
  await land("a");
  expect(await use(cache, "a")).toBe("a.........");
});

test("a download that fails on its way leaves nothing behind and is tried again at the next use", async () => {
  const cache = cacheOf(100);
  await land("a");
  let fail = true;
  const breaking = Object.assign(Object.create(memory) as MemoryStore, {
    downloadFile: async (path: string, localFile: string) => {
      if (!fail) return memory.downloadFile(path, localFile);
      await writeFile(localFile, "half");
      throw new DyneError("STORAGE_UNAVAILABLE", "cut");
    },
  });
  await expect(cache.pin(breaking, "lake/a")).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
  expect([cache.usedBytes, await filesOnDisk()]).toEqual([0, 0]);
  fail = false;
  expect((await readFile(await cache.pin(breaking, "lake/a"), "utf8")).length).toBe(10);
});

test("a file that was just written is there already, within the bound", async () => {
  const cache = cacheOf(10);
  const adopt = async (name: string, content: string) => {
    const local = join(directory, `${name}.new`);
    await writeFile(local, content);
    await cache.adopt(store, `lake/${name}`, local);
  };
  await adopt("a", "written.by");
  expect(await use(cache, "a")).toBe("written.by");
  expect(downloads()).toEqual([]);
  await adopt("b", "much longer than the bound is");
  expect([cache.usedBytes, await filesOnDisk()]).toEqual([0, 0]);
});

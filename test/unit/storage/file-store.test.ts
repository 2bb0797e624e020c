import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ManualClock, seededRandom } from "../../../shared/core/index.ts";
import { FileStore } from "../../../shared/storage/index.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "dyne-store-"));
});
afterAll(() => rm(root, { recursive: true }));

test.each([
  ["that go through memory", 64 * 1024],
  ["that are copied piece by piece", 6 * 1024 * 1024],
])("downloads of files %s end whenever nobody waits for them any more, or are whole", async (_which, size) => {
  const store = new FileStore(root, { clock: new ManualClock(0), random: seededRandom(1) });
  const bytes = randomBytes(size);
  await store.put("lake/file", bytes);
  let ended = 0;
  for (let turns = -1; turns < 12; turns++) {
    const local = join(root, `${size}-${turns}`);
    const stop = new AbortController();
    if (turns < 0) stop.abort();
    const downloading = store
      .downloadFile("lake/file", local, { signal: stop.signal })
      .catch((error: unknown) => error);
    for (let turn = 0; turn < turns; turn++) await setImmediate();
    stop.abort();
    const outcome = await downloading;
    if (outcome === true) expect((await readFile(local)).equals(bytes)).toBe(true);
    else {
      expect(outcome).toMatchObject({ code: "STORAGE_UNAVAILABLE" });
      ended++;
    }
  }
  expect(ended).toBeGreaterThan(0);
  expect(await store.downloadFile("lake/file", join(root, "again"))).toBe(true);
});

test("a download to a place that is not there is no missing object", async () => {
  const store = new FileStore(root, { clock: new ManualClock(0), random: seededRandom(1) });
  await store.put("lake/small", new Uint8Array(3));
  const nowhere = join(root, "no", "such", "folder");
  await expect(store.downloadFile("lake/small", nowhere)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
  expect(await store.downloadFile("lake/none", nowhere)).toBe(false);
});

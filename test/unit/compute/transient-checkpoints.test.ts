import { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as pause, setTimeout } from "node:timers/promises";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { transientCheckpoints } from "../../../shared/compute/index.ts";
import { seededRandom } from "../../../shared/core/index.ts";
import type { Action } from "../../../shared/delta/index.ts";
import { MemoryStore } from "../../../shared/storage/index.ts";
import { InstantClock } from "../../support/instant-clock.ts";

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** Three files of a checkpoint, and how often DuckDB was opened and closed since. */
async function checkpointFiles() {
  const store = new MemoryStore({ clock: new InstantClock(0), random: seededRandom(1) });
  const checkpoints = transientCheckpoints();
  for (const appId of ["a", "b", "c"])
    await checkpoints.write(store, `lake/${appId}.parquet`, [
      { txn: { appId, version: 1, lastUpdated: 7 } } satisfies Action,
    ]);
  await pause();
  const opened = vi.spyOn(DuckDBInstance, "create");
  const closed = vi.spyOn(DuckDBInstance.prototype, "closeSync");
  const read = async (appId: string) =>
    (await Array.fromAsync(checkpoints.read(store, `lake/${appId}.parquet`, ["txn"]))).flat();
  return { store, checkpoints, read, opened, closed };
}

describe("transient checkpoints", () => {
  test("that follow one another are read by one DuckDB, which is closed after the last", async () => {
    const { read, opened, closed } = await checkpointFiles();
    for (const appId of ["a", "b", "c"])
      expect(await read(appId)).toEqual([{ txn: { appId, version: 1, lastUpdated: 7 } }]);
    expect(opened).toHaveBeenCalledTimes(1);
    expect(closed).not.toHaveBeenCalled();
    await pause();
    expect(closed).toHaveBeenCalledTimes(1);
  });

  test("leave nothing on the disk once they are read, in whatever moment the process ends", async () => {
    const { read } = await checkpointFiles();
    const folder = await mkdtemp(join(tmpdir(), "dyne-test-"));
    vi.stubEnv("TMPDIR", folder);
    await Promise.all([read("a"), read("b"), read("missing").catch(() => undefined)]);
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
    await expect(read("a")).rejects.toMatchObject({ code: "ENOENT" });
    vi.unstubAllEnvs();
    expect(await read("a")).toHaveLength(1);
  });

  test("side by side share it", async () => {
    const { read, opened, closed } = await checkpointFiles();
    const all = await Promise.all(["a", "b", "c"].map((appId) => read(appId)));
    expect(all).toEqual(["a", "b", "c"].map((appId) => [{ txn: { appId, version: 1, lastUpdated: 7 } }]));
    await pause();
    expect([opened.mock.calls.length, closed.mock.calls.length]).toEqual([1, 1]);
  });

  test("later have another, and one that cannot be read leaves none open", async () => {
    const { read, opened, closed } = await checkpointFiles();
    await read("a");
    await pause();
    await expect(read("missing")).rejects.toMatchObject({ code: "LOG_CORRUPT" });
    await pause();
    expect(await read("b")).toEqual([{ txn: { appId: "b", version: 1, lastUpdated: 7 } }]);
    await pause();
    expect([opened.mock.calls.length, closed.mock.calls.length]).toEqual([3, 3]);
  });

  test("that have no DuckDB say why, and the next try opens one", async () => {
    const { read, opened, closed } = await checkpointFiles();
    opened.mockRejectedValueOnce(new Error("no threads left"));
    await expect(read("a")).rejects.toThrow(/no threads left/);
    await pause();
    expect(await read("a")).toEqual([{ txn: { appId: "a", version: 1, lastUpdated: 7 } }]);
    await pause();
    expect([opened.mock.calls.length, closed.mock.calls.length]).toEqual([2, 1]);
  });

  test("that have no DuckDB fail when nothing of their work goes on any more", async () => {
    const { store, checkpoints, opened } = await checkpointFiles();
    opened.mockRejectedValueOnce(new Error("no threads left"));
    let isDownloading = true;
    vi.spyOn(store, "downloadFile").mockImplementationOnce(async () => {
      await setTimeout(200);
      isDownloading = false;
      return false;
    });
    const failed = Array.fromAsync(checkpoints.read(store, "lake/a.parquet", ["txn"])).catch((error: unknown) => error);
    expect(await failed).toMatchObject({ message: "no threads left" });
    expect(isDownloading).toBe(false);
  });

  test("that nobody waits for any more end with their download", async () => {
    const { store, checkpoints, opened, closed } = await checkpointFiles();
    const stop = new AbortController();
    vi.spyOn(store, "downloadFile").mockImplementationOnce(async (_path, _local, { signal } = {}) => {
      setImmediate(() => stop.abort());
      await once(signal!, "abort");
      throw signal!.reason;
    });
    const failed = Array.fromAsync(checkpoints.read(store, "lake/a.parquet", ["txn"], stop.signal)).catch(
      (error: unknown) => error,
    );
    expect(await failed).toMatchObject({ name: "AbortError" });
    await pause();
    expect([opened.mock.calls.length, closed.mock.calls.length]).toEqual([1, 1]);
  });

  test("that nobody waits for any more are asked nothing more once they are there", async () => {
    const { store, checkpoints } = await checkpointFiles();
    await checkpoints.write(store, "lake/files.parquet", [
      { add: { path: "a", partitionValues: {}, size: 1, modificationTime: 1, dataChange: true } },
      { remove: { path: "b", dataChange: true } },
    ]);
    const stop = new AbortController();
    const { value: ask } = Object.getOwnPropertyDescriptor(DuckDBConnection.prototype, "runAndReadAll") as {
      readonly value: DuckDBConnection["runAndReadAll"];
    };
    const interrupted = vi.spyOn(DuckDBConnection.prototype, "interrupt");
    const asked = vi.spyOn(DuckDBConnection.prototype, "runAndReadAll").mockImplementation(function (
      this: DuckDBConnection,
      ...question
    ) {
      const answer = ask.apply(this, question);
      if (question[0].includes("string_agg")) stop.abort();
      return answer;
    });
    const reading = Array.fromAsync(checkpoints.read(store, "lake/files.parquet", ["add", "remove"], stop.signal));
    await expect(reading).rejects.toMatchObject({ name: "AbortError" });
    expect(asked.mock.calls.filter(([question]) => question.includes("string_agg"))).toHaveLength(1);
    expect(interrupted).toHaveBeenCalledTimes(1);
  });

  test("whose connection cannot be closed leave no DuckDB open", async () => {
    const { read, opened, closed } = await checkpointFiles();
    vi.spyOn(DuckDBConnection.prototype, "closeSync").mockImplementationOnce(() => {
      throw new Error("it is stuck");
    });
    const folder = await mkdtemp(join(tmpdir(), "dyne-test-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    vi.stubEnv("TMPDIR", folder);
    await expect(read("a")).rejects.toThrow(/it is stuck/);
    expect(await readdir(folder)).toEqual([]);
    vi.unstubAllEnvs();
    await pause();
    expect([opened.mock.calls.length, closed.mock.calls.length]).toEqual([1, 1]);
    expect(await read("a")).toHaveLength(1);
  });
});

import { mkdir, mkdtemp, readdir, rm, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { silentLogger, systemClock, systemRandom } from "../../../shared/core/index.ts";
import type { Action } from "../../../shared/delta/index.ts";
import { FileStore } from "../../../shared/storage/index.ts";
import { DeltaTable } from "../../../shared/table/index.ts";
import { done, openCompute, rowSet, scan } from "../../support/compute-under-test.ts";
import { dyne } from "./command.ts";

const types = { id: { kind: "long" }, part: { kind: "integer" } } as const;
const root = await mkdtemp(join(tmpdir(), "dyne-care-"));
let folder: string;
let table: string;
let delta: DeltaTable;
let count = 0;

/** A table of two partitions with three files in each. */
beforeEach(async () => {
  folder = join(root, String(++count));
  await mkdir(folder);
  table = join(folder, "events");
  await using under = await openCompute();
  const services = { clock: systemClock, random: systemRandom, logger: silentLogger };
  const store = new FileStore(folder, services);
  delta = new DeltaTable({ store, path: "events", ...services });
  const rows = rowSet(types, { id: [1n, 2n], part: [0, 1] });
  await delta.createIfAbsent({ schema: rows.schema, partitionBy: ["part"] });
  const target = { store, path: "events", schema: rows.schema, partitionBy: ["part"], sortBy: [] };
  const writes = ["a", "b", "c"].map((name) => ({ name, plan: scan("rows", rows.schema), target }));
  const { written } = await done(under.compute, { inputs: { rows }, writes });
  for (const files of Object.values(written)) {
    const actions = files.map(({ path, partitionValues, sizeBytes, stats }): Action => ({
      add: { path, partitionValues, size: sizeBytes, modificationTime: 0, dataChange: true, stats },
    }));
    await delta.commit({ actions, isBlindAppend: true, operation: "WRITE" });
  }
});
afterAll(() => rm(root, { recursive: true }));

/** What a command says, as objects. */
async function told(...args: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const { exitCode, stdout, stderr } = await dyne("table", ...args, "--json");
  if (exitCode !== 0) throw new Error(stderr);
  return stdout
    .trimEnd()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const parquet = async () =>
  (await readdir(table, { recursive: true })).filter((path) => path.endsWith(".parquet") && !path.startsWith("_"));

describe("table optimize", () => {
  test("writes small files into few, in the partitions that are asked for", async () => {
    expect(await told("optimize", table, "--where", "part=1")).toMatchObject([
      { result: "committed", version: 4, filesAdded: 1, filesRemoved: 3, partitions: 1 },
    ]);
    expect(await told("optimize", table, "--target-size", "1mb")).toMatchObject([{ filesRemoved: 3 }]);
    expect(await told("optimize", table)).toEqual([{ result: "unchanged", version: 5 }]);
    expect(await told("optimize", table, "--z-order", "id")).toMatchObject([{ filesRemoved: 2, rows: 6 }]);
    expect(await told("optimize", table, "--purge")).toEqual([{ result: "unchanged", version: 6 }]);
    expect(await told("read", table)).toHaveLength(6);
  });

  test.each([
    [["--where", "id=1"], "is not partitioned by"],
    [["--where", "part=x"], "is no value of part"],
    [["--where", "part"], "condition on a partition column"],
    [["--z-order", "no"], 'no column "no"'],
    [["--target-size", "big"], "size such as 128mb"],
    [["--purge", "--z-order", "id"], "--purge goes with"],
  ])("refuses %j", async (options, message) => {
    const { exitCode, stderr } = await dyne("table", "optimize", table, ...options);
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain(message);
    expect((await delta.latest()).version).toBe(3);
  });
});

describe("table vacuum", () => {
  test("says what it would delete, refuses a short retention, and deletes with force", async () => {
    await told("optimize", table);
    for (const path of await parquet()) await utimes(join(table, path), 0, 0);
    expect(await told("vacuum", table)).toEqual([{ result: "unchanged", version: 4 }]);
    const refused = await dyne("table", "vacuum", table, "--retention-hours", "0");
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain("force");
    const options = ["--retention-hours", "0", "--force"];
    expect(await told("vacuum", table, ...options, "--dry-run")).toHaveLength(6);
    expect(await parquet()).toHaveLength(8);
    expect(await told("vacuum", table, ...options)).toMatchObject([
      { result: "committed", filesDeleted: 6, isComplete: true },
    ]);
    expect(await parquet()).toHaveLength(2);
    expect(await told("read", table)).toHaveLength(6);
  });
});

describe("table restore", () => {
  test("takes a table back to a version, or to a time", async () => {
    expect(await told("restore", table, "--version", "1")).toMatchObject([
      { result: "committed", version: 4, restored: 1, filesRemoved: 4 },
    ]);
    expect(await told("read", table)).toHaveLength(2);
    const [, before] = await told("history", table);
    expect(await told("restore", table, "--timestamp", String(before!["timestamp"]))).toMatchObject([
      { result: "committed", filesRestored: 4 },
    ]);
    expect(await told("read", table)).toHaveLength(6);
  });

  test("asks for one of them", async () => {
    for (const options of [[], ["--version", "1", "--timestamp", "2026-11-01"]]) {
      const { exitCode, stderr } = await dyne("table", "restore", table, ...options);
      expect(exitCode).not.toBe(0);
      expect(stderr).toContain("--version or by --timestamp");
    }
  });
});

describe("table fsck", () => {
  test("finds files that are gone, with an exit code, and takes them out of the log", async () => {
    expect(await told("fsck", table)).toEqual([{ result: "sound", version: 3 }]);
    const [gone] = await parquet();
    await rm(join(table, gone!));
    const { exitCode, stdout } = await dyne("table", "fsck", table, "--json");
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ path: gone, fault: "missing", foundBytes: null });
    expect(await told("fsck", table, "--repair")).toMatchObject([{ result: "committed", filesRemoved: 1 }]);
    expect(await told("fsck", table)).toMatchObject([{ result: "sound" }]);
    expect(await told("read", table)).toHaveLength(5);
  });
});

describe("table detail and history", () => {
  test("tell what the table is, and what was done to it", async () => {
    expect(await told("detail", table)).toMatchObject([
      { format: "delta", version: 3, numFiles: 6, numRows: 6, partitionColumns: ["part"] },
    ]);
    expect((await dyne("table", "detail", table)).stdout).toMatch(/numFiles +6/);
    await told("optimize", table);
    expect(await told("history", table, "--limit", "2")).toMatchObject([
      { version: 4, operation: "OPTIMIZE", metrics: { numRemovedFiles: "6" } },
      { version: 3, operation: "WRITE" },
    ]);
  });
});

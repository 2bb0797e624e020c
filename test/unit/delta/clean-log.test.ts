/**
 * Cleaning of a Delta log: what is gone was covered, old, and needed by nobody. A failure prints its seed and path; again with:
 * `SEED=… FC_PATH=… npx vitest run --project unit test/unit/delta/clean-log.test.ts`
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "../../../shared/core/index.ts";
import {
  changes,
  checkpointPath,
  cleanLog,
  commit,
  commitPath,
  logFolder,
  openSnapshot,
  stateAt,
  writeCheckpoint,
  type DeltaLog,
  type LogRetention,
} from "../../../shared/delta/index.ts";
import { FaultyStore } from "../../support/faulty-store.ts";
import { jsonCheckpoints } from "../../support/json-checkpoints.ts";
import { append, newTable, pathsOf, type TableUnderTest } from "./table-under-test.ts";

const hourMs = 3_600_000;

/** A version an hour, each adding a file of its number; checkpoints at these versions, written when they were new. */
async function tableOf(versions: number, checkpoints: readonly number[]): Promise<TableUnderTest> {
  const under = await newTable();
  const log = { ...under.log, checkpointReader: jsonCheckpoints, checkpointWriter: jsonCheckpoints };
  let snapshot = under.base;
  for (let version = 1; version <= versions; version++) {
    under.clock.advance(hourMs);
    snapshot = (await commit(log, append(snapshot, `${version}`))).snapshot;
    if (checkpoints.includes(version)) await writeCheckpoint(log, await stateAt(log, version));
  }
  under.asked.length = 0;
  return { ...under, log };
}

/** Names in a log, short: 5 is a commit, c5 a checkpoint. */
async function entriesOf(log: DeltaLog): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const { path } of log.store.list(`${logFolder(log)}/`)) {
    const match = /\/(\d{20})\.(json|checkpoint\.parquet)$/.exec(path);
    if (match !== null) names.push(`${match[2] === "json" ? "" : "c"}${Number(match[1])}`);
  }
  return names;
}

const needs = (version: number, keptHours = 0, lagMaxHours = Number.POSITIVE_INFINITY): LogRetention => ({
  keptMs: keptHours * hourMs,
  neededFrom: async () => version,
  lagMaxMs: lagMaxHours * hourMs,
});
const replayedPath = process.env["FC_PATH"] === undefined ? {} : { path: process.env["FC_PATH"] };
const nobody = Number.POSITIVE_INFINITY;

describe("cleaning a log of ten commits with checkpoints at 3, 6 and 9", () => {
  test.each([
    ["nobody who reads", needs(nobody), "c9 9 10"],
    ["a reader at the newest version", needs(10), "c9 9 10"],
    ["a reader at a checkpoint", needs(6), "c6 6 7 8 c9 9 10"],
    ["a reader just before a checkpoint", needs(5), "c3 3 4 5 c6 6 7 8 c9 9 10"],
    ["a reader who has read nothing yet", needs(-1), "all"],
    ["entries of four hours", needs(nobody, 4), "c3 3 4 5 c6 6 7 8 c9 9 10"],
    ["entries of less than four hours", needs(nobody, 3.5), "c6 6 7 8 c9 9 10"],
    ["all entries", needs(nobody, Number.POSITIVE_INFINITY), "all"],
    ["a reader who stands still for longer than is waited", needs(-1, 0, 3.5), "c6 6 7 8 c9 9 10"],
    ["a reader who stands still, but not yet for too long", needs(4, 0, 20), "c3 3 4 5 c6 6 7 8 c9 9 10"],
  ])("keeps what is kept for %s", async (_what, retention, expected) => {
    const { log } = await tableOf(10, [3, 6, 9]);
    const before = await entriesOf(log);
    const deleted = await cleanLog(log, retention);
    const after = await entriesOf(log);
    expect(after.join(" ")).toBe(expected === "all" ? before.join(" ") : expected);
    expect(deleted).toBe(before.length - after.length);
    expect(await cleanLog(log, retention)).toBe(0);
  });

  test("leaves every version from the kept checkpoint on as it was, and says of the others that they are gone", async () => {
    const { log } = await tableOf(10, [3, 6, 9]);
    await cleanLog(log, needs(7));
    for (let version = 6; version <= 10; version++) {
      expect(pathsOf(await openSnapshot(log, { version }))).toHaveLength(version);
    }
    expect(await Array.fromAsync(changes(log, { after: 6, to: 10 }))).toHaveLength(4);
    await expect(openSnapshot(log, { version: 5 })).rejects.toMatchObject({ code: "VERSION_NOT_FOUND" });
    await expect(Array.fromAsync(changes(log, { after: 4, to: 10 }))).rejects.toMatchObject({ code: "DATA_LOSS" });
  });

  test("never goes past the checkpoint that _last_checkpoint names", async () => {
    const { log } = await tableOf(10, [3, 6, 9]);
    await log.store.put(`${logFolder(log)}/_last_checkpoint`, new TextEncoder().encode('{"version":6,"size":1}'));
    await cleanLog(log, needs(nobody));
    expect((await entriesOf(log)).join(" ")).toBe("c6 6 7 8 c9 9 10");
    await log.store.delete(`${logFolder(log)}/_last_checkpoint`);
    expect(await cleanLog(log, needs(nobody))).toBe(0);
  });

  test("takes other writers' checksums and compactions along", async () => {
    const { log } = await tableOf(10, [9]);
    const folder = logFolder(log);
    const name = (version: number): string => String(version).padStart(20, "0");
    for (const file of [`${name(1)}.crc`, `${name(10)}.crc`, `${name(2)}.${name(4)}.compacted.json`, "notes.txt"])
      await log.store.put(`${folder}/${file}`, new Uint8Array());
    await cleanLog(log, needs(nobody));
    const left: string[] = [];
    for await (const { path } of log.store.list(`${folder}/`)) left.push(path.slice(folder.length + 1));
    expect(left.filter((path) => !/^\d{20}\.(json|checkpoint\.parquet)$/.test(path))).toEqual([
      `${name(10)}.crc`,
      "_last_checkpoint",
      "notes.txt",
    ]);
  });

  test("counts a checkpoint in parts only where it is whole", async () => {
    const { log, memory } = await tableOf(10, []);
    const part = (of: string) => checkpointPath(log, 5).replace(".parquet", `.${of}.parquet`);
    await memory.put(`${logFolder(log)}/_last_checkpoint`, new TextEncoder().encode('{"version":9,"size":1}'));
    await memory.put(part("0000000001.0000000002"), new Uint8Array());
    expect(await cleanLog(log, needs(nobody))).toBe(0);
    await memory.put(part("0000000002.0000000002"), new Uint8Array());
    expect(await cleanLog(log, needs(nobody))).toBe(5);
  });

  test("asks readers where they stand only if there is something to delete", async () => {
    const { log, asked } = await tableOf(10, [3]);
    let questions = 0;
    const retention = (keptHours: number): LogRetention => ({
      ...needs(nobody, keptHours),
      neededFrom: async () => {
        questions++;
        return nobody;
      },
    });
    await cleanLog(log, retention(8));
    expect([questions, asked.map(({ name }) => name)]).toEqual([0, ["list", "get"]]);
    await cleanLog(log, retention(6));
    expect(questions).toBe(1);
  });
});

test("wherever cleaning stops, what a reader needs is there, and the next round goes on", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 8 }),
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 1, max: 60 }),
      async (checkpoints, needed, diesAt) => {
        const { log, memory, random } = await tableOf(40, checkpoints);
        let deletes = 0;
        const dying = new FaultyStore(memory, {
          random,
          before: ({ name }) => {
            if (name === "delete" && ++deletes >= diesAt) throw new Error("dead");
          },
        });
        await cleanLog({ ...log, store: dying }, needs(needed)).catch(() => 0);
        const stillThere = async (): Promise<void> => {
          expect(pathsOf(await openSnapshot(log))).toHaveLength(40);
          expect(pathsOf(await openSnapshot(log, { version: needed }))).toHaveLength(needed);
          expect(await Array.fromAsync(changes(log, { after: needed, to: 40 }))).toHaveLength(40 - needed);
        };
        await stillThere();
        await cleanLog(log, needs(needed));
        await stillThere();
        const kept = Math.max(0, ...checkpoints.filter((version) => version <= needed));
        expect((await entriesOf(log))[0]).toBe(kept === 0 ? "0" : `c${kept}`);
      },
    ),
    { numRuns: 60, seed: Number(process.env["SEED"] ?? 11_000), ...replayedPath },
  );
});

test("one round deletes a bounded number, the oldest first", async () => {
  const { log, memory, clock } = await tableOf(2, []);
  const { bytes } = (await memory.get(commitPath(log, 2)))!;
  const newest = 3 * limits.maintenanceDeletesMax;
  for (let version = 3; version <= newest; version++) {
    await memory.put(commitPath(log, version), bytes);
    if (version % 1_000 === 0) await memory.put(checkpointPath(log, version), bytes);
  }
  await memory.put(
    `${logFolder(log)}/_last_checkpoint`,
    new TextEncoder().encode(JSON.stringify({ version: newest, size: 1 })),
  );
  clock.advance(hourMs);
  const first: string[] = [];
  for (;;) {
    const deleted = await cleanLog(log, needs(nobody));
    expect(deleted).toBeLessThanOrEqual(limits.maintenanceDeletesMax);
    if (deleted === 0) break;
    first.push((await entriesOf(log))[0]!);
  }
  expect(first.length).toBeGreaterThanOrEqual(3);
  expect(first.at(-1)).toBe(`c${newest}`);
});

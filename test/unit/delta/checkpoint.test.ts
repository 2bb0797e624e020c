/** Checkpoints that dyne writes, in real Parquet: what they hold, when they are due, and what they spare whoever opens the table. */
import { describe, expect, test } from "vitest";
import { transientCheckpoints } from "../../../shared/compute/index.ts";
import { limits } from "../../../shared/core/index.ts";
import {
  checkpointPath,
  commit,
  commitPath,
  encodeActions,
  isCheckpointDue,
  logFolder,
  logTail,
  isTrusted,
  openSnapshot,
  stateAt,
  tableProperty,
  unexpired,
  updateSnapshot,
  writeCheckpoint,
  type Action,
  type DeltaLog,
  type Snapshot,
} from "../../../shared/delta/index.ts";
import { Meter } from "../../support/metered-store.ts";
import { add, append, newTable, pathsOf, remove, tableUnderTest } from "./table-under-test.ts";

const checkpoints = transientCheckpoints();
const withCheckpoints = (log: DeltaLog): DeltaLog => ({
  ...log,
  checkpointReader: checkpoints,
  checkpointWriter: checkpoints,
});

/** A table with everything in it that a checkpoint has to keep. */
async function fullTable() {
  const under = await newTable(1, {
    configuration: { "delta.appendOnly": "false", "my key": 'quoted "value"' },
    description: "Über",
  });
  const log = withCheckpoints(under.log);
  const stats =
    '{"numRecords":3,"minValues":{"id":12345678901234567},"maxValues":{"id":12345678901234568},"nullCount":{}}';
  const commits: readonly (readonly Action[])[] = [
    [add("a", { stats, tags: { lane: "3" }, partitionValues: { day: "2001-01-01" } })],
    [add("day=%20x/b%2525", { partitionValues: { day: null } }), add("c", { size: 2 ** 40 })],
    [remove("a"), { domainMetadata: { domain: "mine", configuration: '{"a":1}', removed: false } }],
    [
      { domainMetadata: { domain: "gone", configuration: "", removed: false } },
      add("a2"),
      add("d", { dataChange: false }),
    ],
    [{ domainMetadata: { domain: "gone", configuration: "", removed: true } }, remove("c"), remove("d", false)],
    [add("c", { size: 7 })],
  ];
  let { base: snapshot } = under;
  for (const [index, actions] of commits.entries()) {
    under.clock.advance(60_000);
    const fences = [{ appId: `lane ${index % 2}`, version: index, expected: index < 2 ? undefined : index - 2 }];
    const request = { base: snapshot, actions, isBlindAppend: false, operation: "X", fences };
    snapshot = (await commit(log, request)).snapshot;
  }
  return { ...under, log, snapshot };
}

async function checkpointAt(log: DeltaLog, version: number): Promise<void> {
  await writeCheckpoint(log, await stateAt(log, version));
}

async function dropCommits(log: DeltaLog, before: number): Promise<void> {
  for (let version = 0; version < before; version++) await log.store.delete(commitPath(log, version));
}

/** What a snapshot says of its table; whether a file's commit changed data is the commit's business. */
function stateOf({ txnCommits: _commits, files, ...rest }: Snapshot): unknown {
  const sorted = [...files].map((file) => ({ ...file, dataChange: false }));
  return { ...rest, files: sorted.sort((a, b) => (a.path < b.path ? -1 : 1)) };
}

async function lastCheckpointOf(log: DeltaLog): Promise<Record<string, unknown>> {
  const stored = await log.store.get(`${logFolder(log)}/_last_checkpoint`);
  return JSON.parse(new TextDecoder().decode(stored?.bytes)) as Record<string, unknown>;
}

describe("a checkpoint", () => {
  test.each([1, 2, 3, 4, 5, 6])(
    "of version %i opens the table as its commits do, once these are gone",
    async (version) => {
      const { log } = await fullTable();
      const byCommits = { at: await openSnapshot(log, { version }), newest: await openSnapshot(log) };
      await checkpointAt(log, version);
      await dropCommits(log, version);
      expect(stateOf(await openSnapshot(log, { version }))).toEqual(stateOf(byCommits.at));
      expect(stateOf(await openSnapshot(log))).toEqual(stateOf(byCommits.newest));
    },
  );

  test("is followed by others, each made from the one before it", async () => {
    const { log, snapshot } = await fullTable();
    for (const version of [2, 4, 6]) {
      await checkpointAt(log, version);
      await dropCommits(log, version);
    }
    expect(stateOf(await openSnapshot(log))).toEqual(stateOf(snapshot));
    expect((await stateAt(log, 6)).tombstones.map(({ path }) => path).sort()).toEqual(["a", "d"]);
  });

  test("is named by _last_checkpoint, with its size and counts", async () => {
    const { log, memory } = await fullTable();
    await checkpointAt(log, 6);
    const { sizeBytes } = (await memory.head(checkpointPath(log, 6)))!;
    expect(await lastCheckpointOf(log)).toEqual({ version: 6, size: 10, sizeInBytes: sizeBytes, numOfAddFiles: 3 });
  });

  test("of an older version does not move _last_checkpoint back", async () => {
    const { log } = await fullTable();
    await checkpointAt(log, 5);
    await checkpointAt(log, 3);
    expect(await lastCheckpointOf(log)).toMatchObject({ version: 5 });
  });

  test("replaces a hint that says nothing", async () => {
    const { log } = await fullTable();
    await log.store.put(`${logFolder(log)}/_last_checkpoint`, new TextEncoder().encode("{"));
    await checkpointAt(log, 3);
    expect(await lastCheckpointOf(log)).toMatchObject({ version: 3 });
  });

  test.each([
    ["of a version that no commit has", () => new TextEncoder().encode('{"version":9007199254740991,"size":1}')],
    ["too large to be read", () => new Uint8Array(limits.lastCheckpointBytes + 1).fill(0x20)],
    ["of values deep in one another", () => new TextEncoder().encode("[".repeat(limits.lastCheckpointBytes))],
  ])("replaces a hint %s, and is found in spite of it", async (_what, hostile) => {
    const { log, memory } = await fullTable();
    await log.store.put(`${logFolder(log)}/_last_checkpoint`, hostile());
    const meter = new Meter();
    await checkpointAt({ ...log, store: meter.of(memory) }, 5);
    expect(await lastCheckpointOf(log)).toMatchObject({ version: 5 });
    expect(meter.readBytes).toBeLessThan(2 * limits.lastCheckpointBytes + 100_000);
    await dropCommits(log, 5);
    expect((await openSnapshot(log)).version).toBe(6);
  });

  test("that several write at once, of several versions, is there and the newest is named", async () => {
    const { log, snapshot } = await fullTable();
    await Promise.all([6, 3, 6, 5, 6].map((version) => checkpointAt(log, version)));
    expect(await lastCheckpointOf(log)).toMatchObject({ version: 6 });
    await dropCommits(log, 6);
    expect(stateOf(await openSnapshot(log))).toEqual(stateOf(snapshot));
  });

  test("keeps tombstones until they expire, without statistics", async () => {
    const { log, clock } = await fullTable();
    const state = await stateAt(log, 6);
    const tombstone = { ...(remove("a") as { remove: object }).remove };
    expect(state.tombstones).toEqual([tombstone, { ...tombstone, path: "d", dataChange: false }]);
    const recent = {
      ...state,
      tombstones: state.tombstones.map((file) => ({ ...file, deletionTimestamp: clock.nowMs() })),
    };
    expect(unexpired(recent, clock.nowMs() + limits.tombstoneRetentionMs - 1)).toHaveLength(2);
    expect(unexpired(recent, clock.nowMs() + limits.tombstoneRetentionMs)).toHaveLength(0);
    await writeCheckpoint(log, {
      ...recent,
      tombstones: [{ ...recent.tombstones[0]!, stats: "{}", tags: { a: "b" } }],
    });
    await dropCommits(log, 6);
    expect((await stateAt(log, 6)).tombstones).toEqual([{ ...recent.tombstones[0], dataChange: false }]);
  });

  test("is not written for a table that dyne does not write", async () => {
    const { log } = await fullTable();
    const state = await stateAt(log, 6);
    const protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ["rowTracking"] };
    const foreign = { ...state, snapshot: { ...state.snapshot, protocol } };
    await expect(writeCheckpoint(log, foreign)).rejects.toMatchObject({ code: "UNSUPPORTED_FEATURE" });
  });

  test("is not written where a txn of another application was rounded when it was read", async () => {
    const { log, snapshot } = await fullTable();
    const txn = `{"txn":{"appId":"other","version":${2n ** 53n + 1n}}}`;
    await log.store.put(commitPath(log, snapshot.version + 1), new TextEncoder().encode(txn));
    await expect(checkpointAt(log, snapshot.version + 1)).rejects.toMatchObject({
      code: "LIMIT_EXCEEDED",
      details: { appId: "other" },
    });
  });

  test("that is no Parquet, or gone between listing and reading, is corrupt, by name", async () => {
    const { log } = await fullTable();
    await checkpointAt(log, 4);
    await dropCommits(log, 4);
    await log.store.put(checkpointPath(log, 4), new TextEncoder().encode("PAR1"));
    await expect(openSnapshot(log)).rejects.toMatchObject({
      code: "LOG_CORRUPT",
      message: expect.stringContaining("00000000000000000004.checkpoint.parquet"),
    });
    await expect(Array.fromAsync(checkpoints.read(log.store, checkpointPath(log, 5), []))).rejects.toMatchObject({
      code: "LOG_CORRUPT",
    });
  });
});

describe("a checkpoint is due", () => {
  const kib = 1024;
  test.each([
    ["a table that has few commits", undefined, 99, 200 * kib, false],
    ["the first hundred commits", undefined, 100, 200 * kib, true],
    ["few commits that are large", undefined, 5, 1024 * kib, true],
    ["a small checkpoint and few commits", 20 * kib, 99, 200 * kib, false],
    ["a small checkpoint and a hundred commits", 20 * kib, 100, 200 * kib, true],
    ["a tail of less than a fifth of its checkpoint", 10_000 * kib, 900, 1_900 * kib, false],
    ["a tail of more than a fifth of its checkpoint", 10_000 * kib, 900, 2_100 * kib, true],
    ["a thousand commits after a huge checkpoint", 1_000_000 * kib, 1_000, 2_000 * kib, true],
  ])("or not after %s", (_what, sizeInBytes, commits, bytes, due) => {
    const checkpoint = sizeInBytes === undefined ? undefined : { version: 7, sizeInBytes };
    expect(isCheckpointDue({ checkpoint, commits, bytes })).toBe(due);
  });

  test("by the commits after the last one, and their bytes", async () => {
    const { log, memory } = await fullTable();
    const bytesOf = async (version: number) => (await memory.head(commitPath(log, version)))!.sizeBytes;
    expect(await logTail(log, 0)).toMatchObject({ checkpoint: undefined, commits: 1, bytes: await bytesOf(0) });
    await checkpointAt(log, 4);
    const tail = await logTail(log, 6);
    expect(tail).toMatchObject({
      checkpoint: { version: 4 },
      commits: 2,
      bytes: (await bytesOf(5)) + (await bytesOf(6)),
    });
  });
});

test.each([
  ["interval 30 days", 30 * 86_400_000],
  ["interval 1 week", 7 * 86_400_000],
  ["INTERVAL 36 HOURS", 36 * 3_600_000],
  ["interval 1 day 12 hours", 36 * 3_600_000],
  ["90 minutes", 90 * 60_000],
  ["interval 2 months", Number.POSITIVE_INFINITY],
  ["soon", Number.POSITIVE_INFINITY],
  [undefined, limits.logRetentionMs],
])("a retention of %s lasts %s ms", (text, expected) => {
  const configuration: Record<string, string> = text === undefined ? {} : { "delta.logRetentionDuration": text };
  expect(tableProperty(configuration, "delta.logRetentionDuration")).toBe(expected);
});

describe("a log of ten thousand commits", () => {
  /** Written without a committing loop: only the log matters here. */
  async function longLog(checkpointAtVersion: number) {
    const under = tableUnderTest();
    const { base } = await newTable();
    const first = [{ protocol: base.protocol }, { metaData: base.metadata }];
    const actionsOf = (version: number): readonly Action[] => [
      { commitInfo: { timestamp: version } },
      ...(version === 0 ? first : [add(`${version}`), ...(version > 100 ? [remove(`${version - 100}`)] : [])]),
    ];
    for (let version = 0; version <= 10_000; version++) {
      await under.memory.put(commitPath(under.log, version), encodeActions(actionsOf(version)));
    }
    const meter = new Meter();
    const log = withCheckpoints({ ...under.log, store: meter.of(under.memory) });
    const state = await stateAt(log, checkpointAtVersion);
    await writeCheckpoint(log, { ...state, tombstones: [] });
    meter.reset();
    return { ...under, log, meter };
  }

  test("opens by its checkpoint in few requests", async () => {
    const { log, meter } = await longLog(9_990);
    const snapshot = await openSnapshot(log);
    expect([snapshot.version, snapshot.files.size, snapshot.timestampMs]).toEqual([10_000, 100, 10_000]);
    // The hint, the commits after the checkpoint, and the checkpoint's own, which knows its time.
    expect(meter.calls).toEqual({ list: 1, downloadFile: 1, get: 12 });
    expect(meter.listed).toBe(13);
  });

  test("opens at an old version without listing what came after it, nor far before", async () => {
    const { log, meter } = await longLog(5_000);
    await checkpointAt(log, 9_000);
    meter.reset();
    expect(pathsOf(await openSnapshot(log, { version: 5_020 }))).toHaveLength(100);
    expect(meter.listed).toBeLessThanOrEqual(limits.checkpointSearchCommits + 3);
  });

  test("opens at a version far from any checkpoint all the same", async () => {
    const { log } = await longLog(9_990);
    expect(pathsOf(await openSnapshot(log, { version: 6_000 }))).toHaveLength(100);
    await expect(openSnapshot(log, { version: 10_001 })).rejects.toMatchObject({ details: { newest: 10_000 } });
  });

  test("opens without its hint as well", async () => {
    const { log, memory } = await longLog(9_990);
    await memory.delete(`${logFolder(log)}/_last_checkpoint`);
    expect((await openSnapshot(log)).files.size).toBe(100);
  });
});

describe("an instance that slept while the log went on and was cleaned", () => {
  /** The newest version is 8, the log begins with the checkpoint of 6, and `base` stands at 0. */
  async function sleeper() {
    const { log, base, clock } = await fullTable();
    clock.advance(limits.snapshotTrustedMs);
    const newest = await commit(log, append(await openSnapshot(log), "e"));
    await commit(log, append(newest.snapshot, "f"));
    await checkpointAt(log, 6);
    await dropCommits(log, 6);
    return { log, base };
  }

  test("finds the newest version, although the one after its own is gone", async () => {
    const { log, base } = await sleeper();
    const updated = await updateSnapshot(log, base);
    expect([updated.version, pathsOf(updated)]).toEqual([8, pathsOf(await openSnapshot(log))]);
  });

  test("is not led astray by a hint to a version that is not there, and looks for it once", async () => {
    const { log, snapshot, clock, asked } = await fullTable();
    await log.store.put(`${logFolder(log)}/_last_checkpoint`, new TextEncoder().encode('{"version":99,"size":1}'));
    clock.advance(limits.snapshotTrustedMs);
    const updated = await updateSnapshot(log, snapshot);
    expect([updated.version, pathsOf(updated)]).toEqual([6, pathsOf(snapshot)]);
    asked.length = 0;
    expect(await updateSnapshot(log, updated)).toBe(updated);
    expect(asked).toHaveLength(1);
  });

  test("that opened an old table just now asks for no next version before it commits", async () => {
    const { log, asked, clock } = await fullTable();
    clock.advance(10 * limits.snapshotTrustedMs);
    const opened = await openSnapshot(log);
    asked.length = 0;
    expect(await commit(log, append(opened, "g"))).toMatchObject({ kind: "committed", version: 7 });
    expect(asked).toHaveLength(1);
  });

  test("asks where it opened the same version by its number, or long ago", async () => {
    const { log, asked, clock } = await fullTable();
    clock.advance(10 * limits.snapshotTrustedMs);
    const [byNumber, longAgo] = [await openSnapshot(log, { version: 6 }), await openSnapshot(log)];
    asked.length = 0;
    expect(isTrusted(log, byNumber)).toBe(false);
    await updateSnapshot(log, byNumber);
    expect(asked).toHaveLength(2);
    clock.advance(limits.snapshotTrustedMs);
    expect(isTrusted(log, longAgo)).toBe(false);
  });

  test("asks where the clock by which it opened it, or a writer's, was far ahead", async () => {
    const { log, clock } = await fullTable();
    const [byAll, byNumber] = [await openSnapshot(log), await openSnapshot(log, { version: 6 })];
    expect([isTrusted(log, byAll), isTrusted(log, byNumber)]).toEqual([true, true]);
    clock.advance(-2 * limits.snapshotTrustedMs);
    expect([isTrusted(log, byAll), isTrusted(log, byNumber)]).toEqual([false, false]);
    expect(isTrusted(log, await openSnapshot(log)), "opened by the clock that counts now").toBe(true);
  });

  test("commits after the newest version, never below the checkpoint", async () => {
    const { log, base } = await sleeper();
    expect(await commit(log, append(base, "g"))).toMatchObject({ kind: "committed", version: 9 });
    expect(pathsOf(await openSnapshot(log))).toContain("g");
  });

  test("is told of its own batch that another instance has committed", async () => {
    const { log, base } = await sleeper();
    const fence = (version: number, expected: number | undefined) => [{ appId: "lane 1", version, expected }];
    const again = await commit(log, { ...append(base, "x"), fences: fence(5, 3) });
    expect(again).toMatchObject({ kind: "already-committed", version: undefined });
    expect(await commit(log, { ...append(base, "x"), fences: fence(3, 1) })).toMatchObject({
      kind: "fenced",
      recorded: 5,
    });
    expect(await commit(log, { ...append(base, "x"), fences: fence(6, 5) })).toMatchObject({ kind: "committed" });
  });

  test.each([
    ["reads the whole table", { readsWholeTable: true }, [add("x")], "rows-changed"],
    ["minds some appends", { conflictsWithAppends: () => false }, [add("x")], "rows-changed"],
    ["has read what matches", { readsMatching: () => false }, [add("x")], "rows-changed"],
    ["has read a file that is gone", { readFiles: [{ path: "zzz" }] }, [add("x")], "read-file-removed"],
    ["records a txn without a fence", {}, [{ txn: { appId: "lane 0", version: 9 } }], "txn-changed"],
    [
      "writes a domain",
      {},
      [{ domainMetadata: { domain: "mine", configuration: "", removed: false } }],
      "domain-changed",
    ],
    ["removes a file that is gone", {}, [remove("zzz")], "file-removed"],
  ] as const)("has a conflict where its commit %s", async (_what, scope, actions, reason) => {
    const { log, base } = await sleeper();
    const request = { base, actions: [...actions] as Action[], isBlindAppend: false, operation: "X", ...scope };
    expect(await commit(log, request)).toMatchObject({ kind: "conflict", reason });
  });

  test("has a conflict where the table's properties were changed", async () => {
    const { log, base } = await sleeper();
    const newest = await openSnapshot(log);
    const metaData = { ...newest.metadata, description: "other" };
    await commit(log, { base: newest, actions: [{ metaData }], isBlindAppend: false, operation: "X" });
    await checkpointAt(log, 9);
    await dropCommits(log, 9);
    expect(await commit(log, append(base, "g"))).toMatchObject({ kind: "conflict", reason: "metadata-changed" });
  });
});

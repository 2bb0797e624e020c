/**
 * Log compactions that dyne writes: what they hold, when they are due, what they spare whoever opens the table, and when none is written. A
 * failure prints its seed and path; again with: `SEED=… FC_PATH=… npx vitest run --project unit test/unit/delta/compaction.test.ts`
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "../../../shared/core/index.ts";
import {
  cleanLog,
  commit,
  commitPath,
  compactionPath,
  encodeActions,
  fileKey,
  isCompactionDue,
  logFolder,
  logTail,
  openSnapshot,
  stateAt,
  writeCheckpoint,
  writeCompaction,
  type Action,
  type DeltaCommit,
  type DeltaLog,
  type RemoveFile,
  type Snapshot,
} from "../../../shared/delta/index.ts";
import { jsonCheckpoints } from "../../support/json-checkpoints.ts";
import { Meter } from "../../support/metered-store.ts";
import { add, append, newTable, pathsOf, remove, type TableUnderTest } from "./table-under-test.ts";

const hourMs = 3_600_000;
const replayedPath = process.env["FC_PATH"] === undefined ? {} : { path: process.env["FC_PATH"] };

interface Written extends TableUnderTest {
  readonly snapshot: Snapshot;
}

/** A table whose versions from 1 on are written with these actions, an hour apart, whatever they are. */
async function tableOf(commits: readonly (readonly Action[])[]): Promise<Written> {
  const under = await newTable();
  const log = { ...under.log, checkpointReader: jsonCheckpoints, checkpointWriter: jsonCheckpoints };
  for (const [index, actions] of commits.entries()) {
    under.clock.advance(hourMs);
    const commitInfo = { timestamp: under.clock.nowMs(), operation: "X" };
    await log.store.put(commitPath(log, index + 1), encodeActions([{ commitInfo }, ...actions]));
  }
  const snapshot = await openSnapshot(log);
  under.asked.length = 0;
  return { ...under, log, snapshot };
}

/** Compacts the commits from one version to another, as a look at the log has them. */
async function compact(log: DeltaLog, snapshot: Snapshot, first: number, last: number) {
  const { uncompacted } = await logTail(log, last);
  const range = uncompacted.filter(({ version }) => version >= first);
  return writeCompaction(log, snapshot, range);
}

async function linesOf(log: DeltaLog, first: number, last: number): Promise<readonly unknown[]> {
  const stored = await log.store.get(compactionPath(log, first, last));
  const text = new TextDecoder().decode(stored?.bytes);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}

const domain = (name: string, configuration: string, removed = false): Action => ({
  domainMetadata: { domain: name, configuration, removed },
});
const txn = (appId: string, version: number): Action => ({ txn: { appId, version } });
const vector = (id: string) => ({ storageType: "u" as const, pathOrInlineDv: id, sizeInBytes: 1, cardinality: 1 });

describe("a log compaction", () => {
  test("holds what its commits come to, as in the protocol's example", async () => {
    const { log, snapshot } = await tableOf([
      [add("f1")],
      [add("f2"), remove("f1")],
      [add("f3"), add("f4"), txn("app", 4389)],
      [remove("f3"), txn("app", 4390)],
    ]);
    expect(await compact(log, snapshot, 2, 4)).toMatchObject({ version: 2, lastVersion: 4 });
    expect(await linesOf(log, 2, 4)).toEqual([
      txn("app", 4390),
      add("f2", { dataChange: false }),
      add("f4", { dataChange: false }),
      remove("f1", false),
      remove("f3", false),
    ]);
  });

  test("keeps the last protocol and metadata, removed domains, unknown fields, and every deletion vector's file", async () => {
    const { base } = await newTable();
    const metaData = { ...base.metadata, configuration: { "my key": "2" } };
    const marked = add("a", { deletionVector: vector("1"), ...{ notKnown: [1] } });
    const { log, snapshot } = await tableOf([
      [add("a"), domain("kept", "1"), domain("gone", "1")],
      [{ metaData: { ...metaData, configuration: { "my key": "1" } } }, remove("a"), marked],
      [{ protocol: base.protocol }, { metaData }, domain("gone", "1", true), domain("kept", "2")],
    ]);
    await compact(log, snapshot, 1, 3);
    expect(await linesOf(log, 1, 3)).toEqual([
      { protocol: base.protocol },
      { metaData },
      domain("kept", "2"),
      domain("gone", "1", true),
      { add: { ...(marked as { add: object }).add, dataChange: false } },
      remove("a", false),
    ]);
  });

  test("takes away what a checkpoint before it has, however long ago it was removed", async () => {
    const { log, clock, snapshot } = await tableOf([
      [add("a"), add("b"), domain("gone", "1")],
      [],
      [remove("a"), domain("gone", "1", true)],
      [],
    ]);
    await writeCheckpoint(log, await stateAt(log, 2));
    clock.advance(10 * limits.tombstoneRetentionMs);
    await compact(log, snapshot, 3, 4);
    const opened = await openSnapshot(log);
    expect([pathsOf(opened), opened.domains.size]).toEqual([["b"], 0]);
  });

  test("is not written over a range that is not whole", async () => {
    const { log, snapshot, memory } = await tableOf([[add("a")], [add("b")], [add("c")], [add("d")]]);
    const { uncompacted } = await logTail(log, 4);
    expect(await writeCompaction(log, snapshot, [])).toBeUndefined();
    expect(await writeCompaction(log, snapshot, uncompacted.slice(0, 1))).toBeUndefined();
    expect(await writeCompaction(log, snapshot, uncompacted.toSpliced(2, 1))).toBeUndefined();
    await memory.delete(commitPath(log, 3));
    expect(await writeCompaction(log, snapshot, uncompacted)).toBeUndefined();
    expect((await logTail(log, 4)).uncompacted.map(({ version }) => version)).toEqual([0, 1, 2, 4]);
    for await (const { path } of memory.list(`${logFolder(log)}/`)) expect(path).not.toContain("compacted");
  });

  test("is made of the commits that are in the log, not of those that a table before it had", async () => {
    const { log, snapshot } = await tableOf([[add("new 1")], [add("new 2")]]);
    const other = await tableOf([[add("old 1")], [add("old 2")]]);
    const remembered = new Map<number, DeltaCommit>();
    for (const version of [1, 2]) {
      const stored = (await other.log.store.get(commitPath(other.log, version)))!;
      const commitOf: DeltaCommit = { ...emptyCommit(version), adds: [{ ...fileOf(`old ${version}`) }], etag: "other" };
      expect(stored.etag).not.toBe("other");
      remembered.set(version, commitOf);
    }
    const { uncompacted } = await logTail(log, 2);
    await writeCompaction(log, snapshot, uncompacted.slice(1), (version) => remembered.get(version));
    expect(pathsOf(await openSnapshot(log))).toEqual(["new 1", "new 2"]);
    expect(JSON.stringify(await linesOf(log, 1, 2))).not.toContain("old");
  });

  test("does not take a commit that was put in the place of a listed one", async () => {
    const { log, snapshot } = await tableOf([[add("a")], [add("b")]]);
    const { uncompacted } = await logTail(log, 2);
    await log.store.put(commitPath(log, 2), encodeActions([add("another")]));
    expect(await writeCompaction(log, snapshot, uncompacted)).toBeUndefined();
  });

  test("may be written again, by several at once, and stays as it was", async () => {
    const { log, snapshot } = await tableOf([[add("a")], [add("b")], [remove("a")]]);
    const { uncompacted } = await logTail(log, 3);
    await Promise.all([1, 2, 3].map(() => writeCompaction(log, snapshot, uncompacted)));
    const first = await linesOf(log, 0, 3);
    await writeCompaction(log, snapshot, uncompacted);
    expect(await linesOf(log, 0, 3)).toEqual(first);
    expect(pathsOf(await openSnapshot(log))).toEqual(["b"]);
  });

  test("is not written for a table that dyne does not write, nor with a txn that was rounded", async () => {
    const { log, snapshot } = await tableOf([[add("a")], [add("b")]]);
    const { uncompacted } = await logTail(log, 2);
    const protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ["rowTracking"] };
    await expect(writeCompaction(log, { ...snapshot, protocol }, uncompacted)).rejects.toMatchObject({
      code: "UNSUPPORTED_FEATURE",
    });
    const rounded = new TextEncoder().encode(`{"txn":{"appId":"other","version":${2n ** 53n + 1n}}}`);
    await log.store.put(commitPath(log, 3), rounded);
    await expect(writeCompaction(log, snapshot, (await logTail(log, 3)).uncompacted)).rejects.toMatchObject({
      code: "LIMIT_EXCEEDED",
      details: { appId: "other" },
    });
  });

  test("is gone when the commits of its beginning are cleaned from the log, and with it what the kept checkpoint has", async () => {
    const { log, snapshot, clock } = await tableOf(Array.from({ length: 12 }, (_, index) => [add(`${index}`)]));
    for (const [first, last] of [
      [1, 4],
      [5, 7],
      [6, 12],
      [8, 12],
    ] as const)
      await log.store.put(compactionPath(log, first, last), encodeActions([add(`wrong ${snapshot.version}`)]));
    await writeCheckpoint(log, await stateAt({ ...log, store: withoutCompactions(log) }, 6));
    clock.advance(hourMs);
    const retention = { keptMs: 0, neededFrom: async () => 12, lagMaxMs: Number.POSITIVE_INFINITY };
    await cleanLog(log, retention);
    const left: string[] = [];
    for await (const { path } of log.store.list(`${logFolder(log)}/`)) if (path.includes("compacted")) left.push(path);
    expect(left).toEqual([compactionPath(log, 8, 12)]);
  });
});

const fileOf = (path: string) => ({ path, partitionValues: {}, size: 1, modificationTime: 0, dataChange: true });
const emptyCommit = (version: number): DeltaCommit => ({
  version,
  timestampMs: 0,
  txns: [],
  adds: [],
  removes: [],
  cdcs: [],
  domains: [],
});

function withoutCompactions({ store }: DeltaLog): DeltaLog["store"] {
  return {
    ...bound(store),
    async *list(prefix, options) {
      for await (const meta of store.list(prefix, options)) if (!meta.path.includes("compacted")) yield meta;
    },
  };
}

function bound(store: DeltaLog["store"]): DeltaLog["store"] {
  return new Meter().of(store);
}

describe("a log compaction is due", () => {
  const commits = (count: number, sizeBytes: number) =>
    Array.from({ length: count }, (_, version) => ({ version, sizeBytes, etag: "" }));
  test.each([
    ["few commits", commits(limits.compactionCommits - 1, 10), false],
    ["a hundred commits", commits(limits.compactionCommits, 10), true],
    ["commits that are long to read anyway", commits(limits.compactionCommits, 1024 * 1024), false],
  ])("or not after %s", (_what, uncompacted, due) => {
    expect(isCompactionDue({ uncompacted })).toBe(due);
  });

  test("by the commits after the last compaction", async () => {
    const { log, snapshot } = await tableOf(Array.from({ length: 9 }, (_, index) => [add(`${index}`)]));
    await compact(log, snapshot, 0, 4);
    expect((await logTail(log, 9)).uncompacted.map(({ version }) => version)).toEqual([5, 6, 7, 8, 9]);
    // One that reaches beyond a version says nothing of the commits up to it.
    expect((await logTail(log, 3)).uncompacted.map(({ version }) => version)).toEqual([0, 1, 2, 3]);
  });
});

test("a table with a tail of 950 commits opens in 63 requests instead of 954, as the same table", async () => {
  const under = await newTable();
  const log = { ...under.log, checkpointReader: jsonCheckpoints, checkpointWriter: jsonCheckpoints };
  let snapshot = under.base;
  const commitsUpTo = async (version: number): Promise<void> => {
    while (snapshot.version < version) {
      const name = snapshot.version + 1;
      const fences = [{ appId: `lane ${name % 3}`, version: name, expected: name <= 3 ? undefined : name - 3 }];
      const outcome = await commit(log, { ...append(snapshot, `${name}`), fences });
      snapshot = outcome.snapshot;
    }
  };
  await commitsUpTo(50);
  await writeCheckpoint(log, await stateAt(log, 50));
  await commitsUpTo(1_000);
  const costOf = async () => {
    const meter = new Meter();
    const opened = await openSnapshot({ ...log, store: meter.of(under.memory) });
    return { opened, calls: meter.totalCalls };
  };
  const before = await costOf();
  for (let version = 150; version <= 1_000; version += 100) {
    const { uncompacted } = await logTail(log, version);
    expect(isCompactionDue({ uncompacted })).toBe(true);
    expect(await writeCompaction(log, snapshot, uncompacted)).toMatchObject({ version: version - 99 });
  }
  const after = await costOf();
  // The hint, the listing, the checkpoint and its commit; then the 950 commits, or nine compactions and fifty commits.
  expect([before.calls, after.calls]).toEqual([954, 63]);
  expect(contentOf(after.opened)).toEqual(contentOf(before.opened));
});

/** What a snapshot says of its table, whichever files it was read from. */
function contentOf({ files, txnCommits: _commits, ...rest }: Snapshot): unknown {
  const sorted = [...files].map((file) => ({ ...file, dataChange: false }));
  return { ...rest, files: sorted.sort((a, b) => (fileKey(a) < fileKey(b) ? -1 : 1)) };
}

function tombstonesOf(tombstones: readonly RemoveFile[]): unknown {
  const bare = tombstones.map(({ stats: _stats, tags: _tags, ...file }) => ({ ...file, dataChange: false }));
  return bare.sort((a, b) => (fileKey(a) < fileKey(b) ? -1 : 1));
}

const names = fc.constantFrom("a", "b", "c", "d%20e");
const vectors = fc.option(fc.constantFrom("1", "2"), { nil: undefined });
const times = fc.integer({ min: 1, max: 2_000_000_000_000 });
const withVector = (id: string | undefined) => (id === undefined ? {} : { deletionVector: vector(id) });
const anyAction: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(names, vectors).map(([name, id]) => add(name, { stats: "{}", ...withVector(id) })) },
  {
    weight: 4,
    arbitrary: fc.tuple(names, vectors, times).map(([path, id, deletionTimestamp]): Action => ({
      remove: { path, dataChange: true, deletionTimestamp, ...withVector(id) },
    })),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom("x", "y"), fc.nat()).map(([app, version]) => txn(app, version)) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom("m", "n"), fc.boolean()).map(([of, gone]) => domain(of, "1", gone)),
  },
);

test("whatever the commits are, the table and its tombstones are read from compactions as from the commits", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uniqueArray(anyAction, { maxLength: 4, selector: keyOf }), { minLength: 3, maxLength: 12 }),
      fc.array(fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 12 })), { minLength: 1, maxLength: 4 }),
      fc.nat({ max: 12 }),
      async (commits, ranges, checkpointed) => {
        const { log, snapshot } = await tableOf(commits);
        const last = commits.length;
        if (checkpointed <= last) await writeCheckpoint(log, await stateAt(log, checkpointed));
        const plain = { ...log, store: withoutCompactions(log) };
        const expected = await Promise.all(versions(last).map((version) => stateAt(plain, version)));
        for (const [from, to] of ranges) {
          const listed = (await logTail(plain, Math.min(to, last))).uncompacted.filter(
            ({ version }) => version >= from,
          );
          await writeCompaction(log, snapshot, listed);
        }
        for (const version of versions(last)) {
          const state = await stateAt(log, version);
          expect(contentOf(state.snapshot)).toEqual(contentOf(expected[version]!.snapshot));
          expect(tombstonesOf(state.tombstones)).toEqual(tombstonesOf(expected[version]!.tombstones));
        }
      },
    ),
    { numRuns: 60, seed: Number(process.env["SEED"] ?? 14_000), ...replayedPath },
  );
});

const versions = (last: number): readonly number[] => Array.from({ length: last + 1 }, (_, version) => version);

/** A commit says of one thing once (PROTOCOL.md § Actions). */
function keyOf(action: Action): string {
  if ("add" in action) return fileKey(action.add);
  if ("remove" in action) return fileKey(action.remove);
  if ("txn" in action) return `txn ${action.txn.appId}`;
  return "domainMetadata" in action ? `domain ${action.domainMetadata.domain}` : "";
}

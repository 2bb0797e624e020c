import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { paddedNumber } from "../../../shared/core/index.ts";
import {
  changes,
  checkpointPath,
  commit,
  commitPath,
  logFolder,
  openSnapshot,
  updateSnapshot,
  type Action,
  type CheckpointReader,
  type DeltaLog,
  type Snapshot,
  type SnapshotAt,
} from "../../../shared/delta/index.ts";
import { FaultyStore } from "../../support/faulty-store.ts";
import { add, append, newTable, pathsOf, tableUnderTest } from "./table-under-test.ts";

/** A table with `count` commits after version 0, each adding a file of its number a minute after the last. */
async function tableOf(count: number): Promise<Awaited<ReturnType<typeof newTable>> & { readonly newest: Snapshot }> {
  const under = await newTable();
  let newest = under.base;
  for (let version = 1; version <= count; version++) {
    under.clock.advance(60_000);
    newest = (
      await commit(under.log, {
        ...append(newest, `${version}`),
        fences: [{ appId: "lane", version, expected: version === 1 ? undefined : version - 1 }],
      })
    ).snapshot;
  }
  under.asked.length = 0;
  return { ...under, newest };
}

/** Writes the state of a snapshot as if a Parquet checkpoint were JSON, in `parts` files. */
async function writeCheckpoint(log: DeltaLog, snapshot: Snapshot, parts = 1): Promise<void> {
  const actions: Action[] = [
    { protocol: snapshot.protocol },
    { metaData: snapshot.metadata },
    ...[...snapshot.txns].map(([appId, version]) => ({ txn: { appId, version } })),
    ...[...snapshot.files].map((file) => ({ add: file })),
    { remove: { path: "tombstone", dataChange: true } },
  ];
  for (let part = 1; part <= parts; part++) {
    const suffix = parts === 1 ? "" : `.${String(part).padStart(10, "0")}.${String(parts).padStart(10, "0")}`;
    const rows = actions.filter((_, i) => i % parts === part - 1);
    await log.store.put(
      `${logFolder(log)}/${paddedNumber(snapshot.version)}.checkpoint${suffix}.parquet`,
      new TextEncoder().encode(JSON.stringify(rows)),
    );
  }
}

const jsonCheckpoints: CheckpointReader = {
  async *read(store, path) {
    const all = JSON.parse(new TextDecoder().decode((await store.get(path))?.bytes)) as Record<string, unknown>[];
    yield all.map((row) => ({ add: null, remove: null, txn: null, ...row }));
  },
};

async function lastCheckpoint(log: DeltaLog, text: string): Promise<void> {
  await log.store.put(`${logFolder(log)}/_last_checkpoint`, new TextEncoder().encode(text));
}

describe("opening a table", () => {
  test("lists once and reads each commit once", async () => {
    const { log, asked, newest } = await tableOf(5);
    expect(await openSnapshot(log)).toEqual(newest);
    expect(asked.map(({ name }) => name)).toEqual(["list", "get", "get", "get", "get", "get", "get"]);
  });

  test("at a version reads nothing beyond it", async () => {
    const { log, asked } = await tableOf(5);
    expect(pathsOf(await openSnapshot(log, { version: 2 }))).toEqual(["1", "2"]);
    expect(asked.filter(({ name }) => name === "get")).toHaveLength(3);
  });

  test.each([
    [0, 0],
    [59_999, 0],
    [60_000, 1],
    [150_000, 2],
    [9_999_999, 3],
  ])("at %i ms after its creation gives version %s", async (afterMs, version) => {
    const { log, base } = await tableOf(3);
    expect((await openSnapshot(log, { timestampMs: base.timestampMs + afterMs })).version).toBe(version);
  });

  test("at a time before its creation names the range", async () => {
    const { log, base } = await tableOf(3);
    await expect(openSnapshot(log, { timestampMs: base.timestampMs - 1 })).rejects.toMatchObject({
      code: "VERSION_NOT_FOUND",
      details: { oldest: 0, newest: 3 },
    });
  });

  test("at a version that is not there names the range", async () => {
    const { log } = await tableOf(3);
    await expect(openSnapshot(log, { version: 4 })).rejects.toMatchObject({
      code: "VERSION_NOT_FOUND",
      message: expect.stringContaining("from 0 to 3"),
    });
    await expect(openSnapshot(log, { version: -1 })).rejects.toMatchObject({ code: "VERSION_NOT_FOUND" });
  });

  test("that is not there says so", async () => {
    await expect(openSnapshot(tableUnderTest().log)).rejects.toMatchObject({ code: "TABLE_NOT_FOUND" });
  });

  test("with a gap in its log names the missing version", async () => {
    const { log } = await tableOf(4);
    await log.store.delete(commitPath(log, 2));
    await expect(openSnapshot(log)).rejects.toMatchObject({ code: "LOG_CORRUPT", details: { version: 2 } });
    await expect(openSnapshot(log, { version: 2 })).rejects.toMatchObject({ code: "VERSION_NOT_FOUND" });
    expect((await openSnapshot(log, { version: 1 })).version).toBe(1);
  });

  test.each([
    ["a line that is not JSON", "{", "line 1 is not JSON"],
    ["an action without its fields", '\n{"add":{"path":"a"}}', "line 2 is not a Delta action: add."],
    ["a line that is no object", "7", "line 1 is not a Delta action"],
  ])("with %s names the place", async (_what, text, expected) => {
    const { log } = await tableOf(0);
    await log.store.put(commitPath(log, 1), new TextEncoder().encode(text));
    await expect(openSnapshot(log)).rejects.toMatchObject({
      code: "LOG_CORRUPT",
      message: expect.stringContaining(expected),
    });
  });

  test("leaves out unknown actions and keeps unknown fields of known ones", async () => {
    const { log } = await tableOf(0);
    const lines = [
      '{"teleport":{"to":"mars"}}',
      JSON.stringify({
        add: {
          path: "a",
          partitionValues: {},
          size: 1,
          modificationTime: 1,
          dataChange: true,
          stats: null,
          deletionVector: null,
          colour: "blue",
        },
      }),
    ];
    await log.store.put(commitPath(log, 1), new TextEncoder().encode(lines.join("\n")));
    const [file] = (await openSnapshot(log)).files;
    expect(file).toEqual({
      path: "a",
      partitionValues: {},
      size: 1,
      modificationTime: 1,
      dataChange: true,
      colour: "blue",
    });
  });
});

describe("checkpoints", () => {
  test.each([1, 3])("of %i files stand for the commits up to theirs", async (parts) => {
    const { log, newest } = await tableOf(6);
    const at4 = await openSnapshot(log, { version: 4 });
    await writeCheckpoint(log, at4, parts);
    await lastCheckpoint(log, '{"version":4,"size":8}');
    for (const version of [0, 1, 2, 3]) await log.store.delete(commitPath(log, version));
    const opened = await openSnapshot({ ...log, checkpointReader: jsonCheckpoints });
    expect(pathsOf(opened)).toEqual(pathsOf(newest));
    expect(opened).toMatchObject({ version: 6, timestampMs: newest.timestampMs, txns: newest.txns });
    expect(Object.fromEntries(opened.txnCommits)).toEqual({ lane: 6 });
    await expect(openSnapshot({ ...log, checkpointReader: jsonCheckpoints }, { version: 2 })).rejects.toMatchObject({
      code: "VERSION_NOT_FOUND",
      details: { oldest: 4, newest: 6 },
    });
    await expect(openSnapshot(log)).rejects.toMatchObject({
      code: "UNSUPPORTED_FEATURE",
      message: expect.stringContaining("checkpoint"),
    });
  });

  test("with a part missing are not used", async () => {
    const { log, newest } = await tableOf(4);
    await writeCheckpoint(log, newest, 3);
    await log.store.delete(`${logFolder(log)}/${paddedNumber(4)}.checkpoint.0000000002.0000000003.parquet`);
    expect(pathsOf(await openSnapshot({ ...log, checkpointReader: jsonCheckpoints }))).toEqual(["1", "2", "3", "4"]);
  });

  test.each(["{", '{"version":"x"}', '{"version":99}', "[]"])("a hint of %s does no harm", async (hint) => {
    const { log, newest } = await tableOf(4);
    await writeCheckpoint(log, await openSnapshot(log, { version: 2 }));
    await lastCheckpoint(log, hint);
    expect(pathsOf(await openSnapshot({ ...log, checkpointReader: jsonCheckpoints }))).toEqual(pathsOf(newest));
  });

  test("that the hint names are asked for once, before the listing has answered", async () => {
    const { log, asked, newest } = await tableOf(4);
    await writeCheckpoint(log, await openSnapshot(log, { version: 2 }));
    await lastCheckpoint(log, '{"version":2,"size":8}');
    asked.length = 0;
    expect(pathsOf(await openSnapshot({ ...log, checkpointReader: jsonCheckpoints }))).toEqual(pathsOf(newest));
    const requests = asked.map(({ name, path }) => `${name} ${path.slice(logFolder(log).length + 1)}`);
    expect(requests.slice(0, 2)).toEqual(["get _last_checkpoint", `get ${paddedNumber(2)}.checkpoint.parquet`]);
    expect(new Set(requests).size).toBe(requests.length);
    expect(requests.indexOf("list ")).toBeGreaterThan(1);
  });

  test.each(['{"version":2,"parts":3}', '{"version":2,"v2Checkpoint":{"path":"x"}}'])(
    "are not guessed by a hint of %s",
    async (hint) => {
      const { log, asked, newest } = await tableOf(4);
      await writeCheckpoint(log, await openSnapshot(log, { version: 2 }), 3);
      await lastCheckpoint(log, hint);
      asked.length = 0;
      expect(pathsOf(await openSnapshot({ ...log, checkpointReader: jsonCheckpoints }))).toEqual(pathsOf(newest));
      expect(asked.some(({ path }) => path.endsWith(`${paddedNumber(2)}.checkpoint.parquet`))).toBe(false);
    },
  );

  test("newer than the hint are the ones to begin with", async () => {
    const { log, newest } = await tableOf(4);
    await writeCheckpoint(log, await openSnapshot(log, { version: 1 }));
    await writeCheckpoint(log, await openSnapshot(log, { version: 3 }));
    await lastCheckpoint(log, '{"version":1,"size":8}');
    for (const version of [0, 1, 2]) await log.store.delete(commitPath(log, version));
    expect(pathsOf(await openSnapshot({ ...log, checkpointReader: jsonCheckpoints }))).toEqual(pathsOf(newest));
  });

  test.each<[string, SnapshotAt, readonly string[] | { code: string }]>([
    ["newer than the one that is hinted at are read without waiting for it", {}, ["1", "2", "3", "4"]],
    ["are not waited for where the version is not there", { version: 9 }, { code: "VERSION_NOT_FOUND" }],
  ])("%s", async (_what, at, expected) => {
    const { log } = await tableOf(4);
    await writeCheckpoint(log, await openSnapshot(log, { version: 1 }));
    await writeCheckpoint(log, await openSnapshot(log, { version: 3 }));
    await lastCheckpoint(log, '{"version":1,"size":8}');
    let given = 0;
    const neverReadsTheFirst: CheckpointReader = {
      async *read(store, path, wanted, signal) {
        if (path !== checkpointPath(log, 1)) return yield* jsonCheckpoints.read(store, path, wanted);
        await once(signal!, "abort");
        given++;
        throw signal!.reason;
      },
    };
    const opened = openSnapshot({ ...log, checkpointReader: neverReadsTheFirst }, at).then(
      pathsOf,
      (error: unknown) => error,
    );
    if (Array.isArray(expected)) expect(await opened).toEqual(expected);
    else expect(await opened).toMatchObject(expected);
    expect(given).toBe(1);
  });

  test.each([
    ["cannot be listed", "list", ""],
    ["lacks the commit beside it", "get", `${paddedNumber(2)}.json`],
  ])("are no longer read when a table that %s is given up", async (_what, call, file) => {
    const { log, memory, over, random } = await tableOf(4);
    await writeCheckpoint(log, await openSnapshot(log, { version: 2 }));
    await lastCheckpoint(log, '{"version":2,"size":8}');
    const fails = new FaultyStore(memory, {
      random,
      before: ({ name, path }) => {
        if (name === call && path.endsWith(file)) throw new Error("not today");
      },
    });
    const read = Promise.withResolvers<void>();
    let isReading = true;
    const slowly: CheckpointReader = {
      async *read(...asked) {
        await read.promise;
        yield* jsonCheckpoints.read(...asked);
        isReading = false;
      },
    };
    const opening = openSnapshot({ ...over(fails), checkpointReader: slowly }).catch((error: unknown) => error);
    setImmediate(() => read.resolve());
    expect(await opening).toMatchObject({ message: "not today" });
    expect(isReading).toBe(false);
  });

  test("without a reader are not needed where the commits are all there", async () => {
    const { log, newest } = await tableOf(4);
    await writeCheckpoint(log, newest);
    expect(await openSnapshot(log)).toEqual(newest);
  });

  test("an older version is opened from the checkpoint before it", async () => {
    const { log, asked } = await tableOf(6);
    await writeCheckpoint(log, await openSnapshot(log, { version: 2 }));
    await writeCheckpoint(log, await openSnapshot(log, { version: 5 }));
    await lastCheckpoint(log, '{"version":5,"size":8}');
    asked.length = 0;
    const opened = await openSnapshot({ ...log, checkpointReader: jsonCheckpoints }, { version: 4 });
    expect(pathsOf(opened)).toEqual(["1", "2", "3", "4"]);
    expect(asked.some(({ path }) => path === commitPath(log, 1))).toBe(false);
  });
});

describe("updating a snapshot", () => {
  test("asks for the next versions by name and never lists", async () => {
    const { log, asked, base, newest } = await tableOf(3);
    expect(await updateSnapshot(log, base)).toEqual(newest);
    expect(asked).toEqual([1, 2, 3, 4].map((version) => ({ name: "get", path: commitPath(log, version) })));
  });

  test("without anything new is one request and the same object", async () => {
    const { log, asked, newest } = await tableOf(3);
    expect(await updateSnapshot(log, newest)).toBe(newest);
    expect(asked).toHaveLength(1);
  });
});

describe("changes of a range of versions", () => {
  test("are the commits after the first up to and including the last", async () => {
    const { log } = await tableOf(12);
    const range = await Array.fromAsync(changes(log, { after: 2, to: 12 }));
    expect(range.map(({ version }) => version)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(range[0]).toMatchObject({
      adds: [{ path: "3" }],
      removes: [],
      cdcs: [],
      txns: [{ appId: "lane", version: 3 }],
      commitInfo: { operation: "WRITE" },
    });
    expect(await Array.fromAsync(changes(log, { after: 12, to: 12 }))).toEqual([]);
  });

  test("that are gone, or not there yet, are data loss", async () => {
    const { log } = await tableOf(4);
    await expect(Array.fromAsync(changes(log, { after: 3, to: 5 }))).rejects.toMatchObject({
      code: "DATA_LOSS",
      details: { version: 5 },
    });
    await log.store.delete(commitPath(log, 2));
    await expect(Array.fromAsync(changes(log, { after: 0, to: 4 }))).rejects.toMatchObject({
      code: "DATA_LOSS",
      details: { version: 2 },
    });
  });

  test("carry metadata, protocol and change files", async () => {
    const { log, newest } = await tableOf(1);
    const cdc = { path: "_change_data/x", partitionValues: {}, size: 1, dataChange: false as const };
    const actions: readonly Action[] = [
      { metaData: { ...newest.metadata, description: "d" } },
      { protocol: newest.protocol },
      { cdc },
      add("x"),
    ];
    await commit(log, { base: newest, actions, isBlindAppend: false, operation: "X" });
    const [change] = await Array.fromAsync(changes(log, { after: 1, to: 2 }));
    expect(change).toMatchObject({
      metadata: { description: "d" },
      protocol: newest.protocol,
      cdcs: [cdc],
      adds: [{ path: "x" }],
    });
  });
});

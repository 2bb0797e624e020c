import { describe, expect, test } from "vitest";
import { limits } from "../../../shared/core/index.ts";
import {
  changes,
  commit,
  openSnapshot,
  type Action,
  type CommitOutcome,
  type Fence,
  type Snapshot,
} from "../../../shared/delta/index.ts";
import { FaultyStore } from "../../support/faulty-store.ts";
import { add, append, newTable, pathsOf, remove } from "./table-under-test.ts";

function committed(outcome: CommitOutcome): Snapshot {
  expect(outcome.kind).toBe("committed");
  return outcome.snapshot;
}

describe("a commit", () => {
  test("writes the next version by one request and advances the snapshot in memory", async () => {
    const { log, base, asked } = await newTable();
    const snapshot = committed(await commit(log, append(base, "a", "b")));
    expect(asked.map(({ name }) => name)).toEqual(["putIfAbsent"]);
    expect(snapshot.version).toBe(1);
    expect(pathsOf(snapshot)).toEqual(["a", "b"]);
    expect(await openSnapshot(log)).toEqual(snapshot);
  });

  test("says in its commit info who did what, with an id of its own", async () => {
    const { log, base, clock } = await newTable();
    const first = committed(
      await commit(log, {
        ...append(base, "a"),
        operation: "MERGE",
        operationParameters: { keys: ["id"] },
        operationMetrics: { numOutputRows: 3 },
      }),
    );
    await commit(log, append(first, "b"));
    const [one, two] = await Array.fromAsync(changes(log, { after: 0, to: 2 }));
    expect(one?.commitInfo).toMatchObject({
      operation: "MERGE",
      operationParameters: { keys: ["id"] },
      operationMetrics: { numOutputRows: "3" },
      isBlindAppend: true,
      readVersion: 0,
      engineInfo: "dyne/0.1.0",
      timestamp: clock.nowMs(),
    });
    expect(one?.commitInfo?.txnId).not.toBe(two?.commitInfo?.txnId);
  });

  test("goes on top of appends that it has not seen", async () => {
    const { log, base } = await newTable();
    await commit(log, append(base, "a"));
    await commit(log, append(base, "b"));
    const snapshot = committed(await commit(log, append(base, "c")));
    expect(snapshot.version).toBe(3);
    expect(pathsOf(snapshot)).toEqual(["a", "b", "c"]);
  });

  test("a lost race costs the put, the winner's bytes, one more look, and the put again", async () => {
    const { log, base, asked } = await newTable();
    await commit(log, append(base, "a"));
    asked.length = 0;
    await commit(log, append(base, "b"));
    expect(asked.map(({ name }) => name)).toEqual(["putIfAbsent", "get", "get", "putIfAbsent"]);
  });

  test("gives up after a bounded number of lost races and says contention", async () => {
    const { memory, over, base, random } = await newTable();
    let rival = base;
    const store = new FaultyStore(memory, {
      random,
      before: async ({ name }) => {
        if (name === "putIfAbsent")
          rival = (await commit(over(memory), append(rival, `rival ${rival.version}`))).snapshot;
      },
    });
    expect(await commit(over(store), append(base, "mine"))).toMatchObject({
      kind: "conflict",
      reason: "contention",
      version: limits.commitAttemptsMax,
    });
  });
});

describe("conflicts", () => {
  const rewrite: readonly Action[] = [remove("a"), add("a2")];
  const cases: readonly {
    readonly situation: string;
    readonly winner: readonly Action[];
    readonly mine: readonly Action[];
    readonly scope?: object;
    readonly reason?: string;
  }[] = [
    {
      situation: "a file to remove was removed by another",
      winner: [remove("a")],
      mine: rewrite,
      reason: "file-removed",
    },
    {
      situation: "a file to remove was rewritten by another",
      winner: [remove("a", false), add("a3", { dataChange: false })],
      mine: rewrite,
      reason: "file-removed",
    },
    { situation: "another file was removed by another", winner: [remove("b")], mine: rewrite },
    { situation: "rows were appended", winner: [add("c")], mine: rewrite },
    {
      situation: "rows were appended, and the merge must see appends",
      winner: [add("c")],
      mine: rewrite,
      scope: { conflictsWithAppends: true },
      reason: "rows-changed",
    },
    {
      situation: "rows were only moved, and the merge must see appends",
      winner: [remove("b", false), add("b2", { dataChange: false })],
      mine: rewrite,
      scope: { conflictsWithAppends: true },
    },
    {
      situation: "rows were appended where the merge did not look",
      winner: [add("c")],
      mine: rewrite,
      scope: { conflictsWithAppends: ({ path }: { path: string }) => path === "d" },
    },
    {
      situation: "rows were removed, and the whole table was read",
      winner: [remove("b")],
      mine: [add("c")],
      scope: { readsWholeTable: true },
      reason: "read-file-removed",
    },
    {
      situation: "a file to add was added by another, which was not known",
      winner: [add("c")],
      mine: [add("c")],
      reason: "file-added",
    },
    {
      situation: "a file that was read was rewritten by another",
      winner: [remove("b"), add("b2")],
      mine: rewrite,
      scope: { readFiles: [{ path: "./b" }] },
      reason: "read-file-removed",
    },
    {
      situation: "a file that was read was moved by another",
      winner: [remove("b", false), add("b2", { dataChange: false })],
      mine: rewrite,
      scope: { readFiles: [{ path: "b" }] },
    },
    {
      situation: "a txn of the same appId was recorded, without a fence",
      winner: [{ txn: { appId: "x", version: 1 } }],
      mine: [{ txn: { appId: "x", version: 2 } }],
      reason: "txn-changed",
    },
    {
      situation: "a txn of another appId was recorded",
      winner: [{ txn: { appId: "x", version: 1 } }],
      mine: [{ txn: { appId: "y", version: 2 } }],
    },
  ];
  test.each(cases)("$situation: $reason", async ({ winner, mine, scope, reason }) => {
    const { log, base } = await newTable();
    const planned = committed(await commit(log, append(base, "a", "b")));
    committed(await commit(log, { base: planned, actions: winner, isBlindAppend: false, operation: "WINNER" }));
    const outcome = await commit(log, {
      base: planned,
      actions: mine,
      isBlindAppend: false,
      operation: "MINE",
      ...scope,
    });
    expect(outcome).toMatchObject(
      reason === undefined ? { kind: "committed", version: 3 } : { kind: "conflict", reason, version: 2 },
    );
  });

  test.each(["metaData", "protocol"] as const)(
    "a change of %s by another is a conflict even for appends",
    async (kind) => {
      const { log, base } = await newTable();
      const change: Action =
        kind === "metaData" ? { metaData: { ...base.metadata, description: "new" } } : { protocol: base.protocol };
      committed(await commit(log, { base, actions: [change], isBlindAppend: false, operation: "ALTER" }));
      expect(await commit(log, append(base, "a"))).toMatchObject({
        kind: "conflict",
        reason: kind === "metaData" ? "metadata-changed" : "protocol-changed",
      });
    },
  );

  test("removing a file that the base does not have is a conflict, not a commit", async () => {
    const { log, base } = await newTable();
    expect(await commit(log, { base, actions: rewrite, isBlindAppend: false, operation: "MERGE" })).toMatchObject({
      kind: "conflict",
      reason: "file-removed",
    });
    expect((await openSnapshot(log)).version).toBe(0);
  });

  test("a file that a newer version has added can be removed on an older base", async () => {
    const { log, base } = await newTable();
    await commit(log, append(base, "a"));
    expect(await commit(log, { base, actions: rewrite, isBlindAppend: false, operation: "MERGE" })).toMatchObject({
      kind: "committed",
      version: 2,
    });
  });
});

describe("fences", () => {
  const fence = (version: number, expected: number | undefined): Fence => ({
    appId: "dyne/p/silver.events/0",
    version,
    expected,
  });
  const run = async (recorded: number | undefined, asked: Fence, stale = false): Promise<CommitOutcome> => {
    const { log, base } = await newTable();
    const newest =
      recorded === undefined
        ? base
        : (await commit(log, { ...append(base, "before"), fences: [fence(recorded, undefined)] })).snapshot;
    return commit(log, { ...append(stale ? base : newest, "mine"), fences: [asked] });
  };

  test.each([
    { recorded: undefined, version: 1, expected: undefined, outcome: { kind: "committed", version: 1 } },
    { recorded: 1, version: 2, expected: 1, outcome: { kind: "committed", version: 2 } },
    { recorded: 2, version: 2, expected: 1, outcome: { kind: "already-committed", version: 1 } },
    { recorded: 3, version: 2, expected: 1, outcome: { kind: "fenced", recorded: 3 } },
    { recorded: 1, version: 3, expected: 2, outcome: { kind: "txn-changed", recorded: 1 } },
    { recorded: undefined, version: 2, expected: 1, outcome: { kind: "txn-changed", recorded: undefined } },
    { recorded: 1, version: 2, expected: undefined, outcome: { kind: "txn-changed", recorded: 1 } },
  ])(
    "recorded $recorded, committing $version after $expected: $outcome.kind",
    async ({ recorded, version, expected, outcome }) => {
      expect(await run(recorded, fence(version, expected))).toMatchObject(outcome);
      expect(await run(recorded, fence(version, expected), true)).toMatchObject(outcome);
    },
  );

  test("the txn is in the commit and in the snapshot, with the version that recorded it", async () => {
    const { log, base } = await newTable();
    const snapshot = committed(await commit(log, { ...append(base, "a"), fences: [fence(7, undefined)] }));
    expect(Object.fromEntries(snapshot.txns)).toEqual({ "dyne/p/silver.events/0": 7 });
    expect(Object.fromEntries((await openSnapshot(log)).txnCommits)).toEqual({ "dyne/p/silver.events/0": 1 });
  });

  test("fences of one commit pass together or not at all", async () => {
    const { log, base } = await newTable();
    const a = { appId: "a", version: 1, expected: undefined };
    const b = { appId: "b", version: 1, expected: undefined };
    const first = committed(await commit(log, { ...append(base, "x"), fences: [a] }));
    expect(await commit(log, { ...append(first, "y"), fences: [a, b] })).toMatchObject({
      kind: "txn-changed",
      appId: "a",
      recorded: 1,
    });
    expect(await commit(log, { ...append(first, "y"), fences: [b] })).toMatchObject({ kind: "committed" });
  });

  test("a table that lets txn records expire takes no fenced commit", async () => {
    const { log, base } = await newTable();
    const metaData = { ...base.metadata, configuration: { "delta.setTransactionRetentionDuration": "interval 1 day" } };
    const { snapshot } = await commit(log, {
      base,
      actions: [{ metaData }],
      isBlindAppend: false,
      operation: "SET TBLPROPERTIES",
    });
    await expect(commit(log, { ...append(snapshot, "a"), fences: [fence(1, undefined)] })).rejects.toThrow(
      "delta.setTransactionRetentionDuration",
    );
  });
});

describe("commits that are refused", () => {
  test.each([
    { why: "a blind append that removes", request: { actions: [remove("a")], isBlindAppend: true } },
    { why: "a commitInfo of the caller's", request: { actions: [{ commitInfo: {} }] } },
    {
      why: "a txn that the fence writes",
      request: {
        actions: [{ txn: { appId: "x", version: 1 } }],
        fences: [{ appId: "x", version: 1, expected: undefined }],
      },
    },
    {
      why: "two fences of one appId",
      request: { fences: [1, 2].map((version) => ({ appId: "x", version, expected: undefined })) },
    },
    // What JavaScript may give: no reader would take the table any more.
    ...[5, undefined, null, ""].map((appId) => ({
      why: `a fence whose appId is ${JSON.stringify(appId)}`,
      request: { fences: [{ appId: appId as string, version: 1, expected: undefined }] },
    })),
    {
      why: "a fence whose version is a text",
      request: { fences: [{ appId: "x", version: "1" as unknown as number, expected: undefined }] },
    },
  ])("$why", async ({ request }) => {
    const { log, base } = await newTable();
    await expect(
      commit(log, { base, actions: [], isBlindAppend: false, operation: "X", ...request }),
    ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("removing rows from an append-only table; moving them is allowed", async () => {
    const { log, base } = await newTable(1, { configuration: { "delta.appendOnly": "true" } });
    const { snapshot } = await commit(log, append(base, "a"));
    const request = { base: snapshot, isBlindAppend: false, operation: "X" };
    await expect(commit(log, { ...request, actions: [remove("a")] })).rejects.toThrow("delta.appendOnly");
    expect(
      await commit(log, { ...request, actions: [remove("a", false), add("a2", { dataChange: false })] }),
    ).toMatchObject({ kind: "committed" });
  });

  test("only what the newest version does not allow, whatever the one in memory says", async () => {
    const { log, base } = await newTable(1, { configuration: { "delta.appendOnly": "true" } });
    const { snapshot } = await commit(log, append(base, "a"));
    const request = { base: snapshot, isBlindAppend: false, operation: "X" };
    const metaData = { ...snapshot.metadata, configuration: {} };
    await commit(log, { ...request, actions: [{ metaData }] });
    const outcome = await commit(log, { ...request, actions: [remove("a")] });
    expect(outcome).toMatchObject({ kind: "conflict", reason: "metadata-changed" });
    expect(await commit(log, { ...request, base: outcome.snapshot, actions: [remove("a")] })).toMatchObject({
      kind: "committed",
    });
  });

  test("rewriting files without change files where the change feed is on; appending and overwriting are allowed", async () => {
    const { log, base } = await newTable(1, { configuration: { "delta.enableChangeDataFeed": "true" } });
    const { snapshot } = await commit(log, append(base, "a", "b"));
    const request = { base: snapshot, isBlindAppend: false, operation: "X" };
    await expect(commit(log, { ...request, actions: [remove("a"), add("a2")] })).rejects.toMatchObject({
      code: "UNSUPPORTED_FEATURE",
    });
    expect(await commit(log, { ...request, actions: [remove("a"), remove("b"), add("c")] })).toMatchObject({
      kind: "committed",
    });
  });

  test("writing a table whose writer features are not all known", async () => {
    const { log, base } = await newTable();
    const protocol = { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ["appendOnly", "rowTracking"] };
    await expect(commit(log, { base, actions: [{ protocol }], isBlindAppend: false, operation: "X" })).rejects.toThrow(
      "rowTracking",
    );
  });
});

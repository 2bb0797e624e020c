import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  commitPath,
  deletedRowsOf,
  deletionVectorPath,
  writeDeletionVectors,
  type AddFile,
} from "../../../../shared/delta/index.ts";
import type { DataType } from "../../../../shared/plan/index.ts";
import { planChanges, readChanges, type ChangeOptions } from "../../../../shared/table/index.ts";
import { openCompute, schemaOf, type ComputeUnderTest } from "../../../support/compute-under-test.ts";
import {
  historyStartMs,
  metaData,
  plainProtocol,
  removeOfAdd,
  TableHistory,
  vectorProtocol,
} from "../../../support/table-history.ts";

const types = { id: { kind: "long" }, name: { kind: "string" } } satisfies Record<string, DataType>;
const schema = schemaOf(types);

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(() => under[Symbol.asyncDispose]());

const rows = (...ids: readonly number[]) => ({ id: ids.map(BigInt), name: ids.map((id) => `n${id}`) });

/** A new table of id and name: version 0 is empty. */
async function newHistory(configuration: Readonly<Record<string, string>> = {}): Promise<TableHistory> {
  const history = new TableHistory(under);
  await history.commit([plainProtocol, metaData(schema, { configuration })]);
  return history;
}

/** Changed rows as `+1@2`: what became of the row with id 1 at version 2. */
async function changesOf(history: TableHistory, options: ChangeOptions): Promise<readonly string[]> {
  const signs: Record<string, string> = { insert: "+", delete: "-", update_preimage: "<", update_postimage: ">" };
  const found: string[] = [];
  for await (const text of readChanges(history.session, options)) {
    const row = JSON.parse(text) as Record<string, string>;
    found.push(`${signs[row["_change_type"] ?? ""]}${row["id"]}@${row["_commit_version"]}`);
  }
  return found;
}

async function texts(history: TableHistory, options: Parameters<typeof readChanges>[1]): Promise<readonly string[]> {
  return Array.fromAsync(readChanges(history.session, options));
}

describe("a row of changes", () => {
  test("has the table's columns, then what became of it, when and at which version", async () => {
    const history = await newHistory();
    await history.commit([{ add: await history.file(types, { id: [9007199254740993n], name: [null] }) }]);
    const time = new Date(historyStartMs + 1_000).toISOString().replace("Z", "000Z");
    expect(await texts(history, { from: 0 })).toEqual([
      `{"id":9007199254740993,"name":null,"_change_type":"insert","_commit_version":1,"_commit_timestamp":"${time}"}`,
    ]);
  });

  test("has the time of the commit inside of it where there is one", async () => {
    const history = await newHistory();
    const inCommitTimestamp = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
    await history.commit([{ add: await history.file(types, rows(1)) }], { inCommitTimestamp });
    const [row] = await texts(history, { from: 1 });
    expect(row).toContain('"_commit_timestamp":"2026-01-02T03:04:05.678000Z"');
  });

  test("is refused of a table that calls a column of its own so", async () => {
    const history = new TableHistory(under);
    await history.commit([plainProtocol, metaData(schemaOf({ ...types, _Commit_Version: { kind: "long" } }))]);
    await expect(texts(history, { from: 0 })).rejects.toMatchObject({
      code: "DUPLICATE_NAME",
      message: expect.stringContaining("_Commit_Version"),
    });
  });
});

describe("commits without files of the change feed", () => {
  test("tell rows of added files as inserts, of removed ones as deletes, and what went before what came", async () => {
    const history = await newHistory();
    const first = await history.file(types, rows(1, 2));
    const second = await history.file(types, rows(2, 3));
    await history.commit([{ add: first }]);
    await history.commit([{ add: second }, removeOfAdd(first)]);
    expect(await changesOf(history, { from: 0 })).toEqual(["+1@1", "+2@1", "-1@2", "-2@2", "+2@2", "+3@2"]);
    expect(await changesOf(history, { from: 2, to: 2 })).toEqual(["-1@2", "-2@2", "+2@2", "+3@2"]);
    expect(await changesOf(history, { from: 0, to: 1 })).toEqual(["+1@1", "+2@1"]);
    expect(await changesOf(history, { from: 0, to: 0 })).toEqual([]);
  });

  test("say nothing of files that were only moved", async () => {
    const history = await newHistory();
    const small = [await history.file(types, rows(1)), await history.file(types, rows(2))];
    await history.commit(small.map((add) => ({ add })));
    const moved = { ...(await history.file(types, rows(1, 2))), dataChange: false };
    await history.commit([...small.map((file) => removeOfAdd(file, { dataChange: false })), { add: moved }]);
    expect(await changesOf(history, { from: 1 })).toEqual(["+1@1", "+2@1"]);
    expect((await planChanges(history.table, { from: 2 })).commits).toEqual([]);
  });

  test("say nothing where a MERGE says that it changed no row, and all where it does not say so", async () => {
    const history = await newHistory();
    const first = await history.file(types, rows(1));
    const again = await history.file(types, rows(1));
    await history.commit([{ add: first }]);
    const none = { numTargetRowsInserted: "0", numTargetRowsUpdated: "0", numTargetRowsDeleted: "0" };
    await history.commit([removeOfAdd(first), { add: again }], { operation: "MERGE", operationMetrics: none });
    await history.commit([removeOfAdd(again), { add: first }], {
      operation: "MERGE",
      operationMetrics: { ...none, numTargetRowsUpdated: "1" },
    });
    await history.commit([removeOfAdd(first)], { operation: "DELETE", operationMetrics: none });
    expect(await changesOf(history, { from: 2 })).toEqual(["-1@3", "+1@3", "-1@4"]);
  });

  test("tell a restore as rows that went and rows that came back, and an overwrite likewise", async () => {
    const history = await newHistory();
    const [old, next] = [await history.file(types, rows(1)), await history.file(types, rows(2))];
    await history.commit([{ add: old }]);
    await history.commit([removeOfAdd(old), { add: next }], { operationParameters: { mode: "Overwrite" } });
    await history.commit([removeOfAdd(next), { add: old }], { operation: "RESTORE" });
    expect(await changesOf(history, { from: 2 })).toEqual(["-1@2", "+2@2", "-2@3", "+1@3"]);
  });

  test("tell rows of version 0 too, of a table that was created with them", async () => {
    const history = new TableHistory(under);
    await history.commit([plainProtocol, metaData(schema), { add: await history.file(types, rows(7)) }]);
    expect(await changesOf(history, { from: 0, to: 0 })).toEqual(["+7@0"]);
  });
});

describe("commits with files of the change feed", () => {
  test("are told by those alone, row by row as they say", async () => {
    const history = await newHistory({ "delta.enableChangeDataFeed": "true" });
    const first = await history.file(types, rows(1, 2, 3));
    const second = await history.file(types, rows(1, 4));
    await history.commit([{ add: first }]);
    const cdc = await history.changeFile(types, {
      ...rows(2, 3, 4),
      _change_type: ["delete", "update_preimage", "update_postimage"],
    });
    await history.commit([removeOfAdd(first), { add: second }, { cdc }]);
    expect(await changesOf(history, { from: 0 })).toEqual(["+1@1", "+2@1", "+3@1", "-2@2", "<3@2", ">4@2"]);
    expect(await changesOf(history, { from: 0, strict: true })).toHaveLength(6);
  });
});

describe("a file whose deletion vector was exchanged", () => {
  async function marked(history: TableHistory, file: AddFile, ...rows_: readonly number[]): Promise<AddFile> {
    const [deletionVector] = await writeDeletionVectors(history.table.log, [deletedRowsOf(rows_)]);
    return { ...file, deletionVector: deletionVector! };
  }

  test("tells only the rows that one vector marks and the other does not", async () => {
    const history = new TableHistory(under);
    const file = await history.file(types, rows(0, 1, 2, 3));
    const [first, second] = [await marked(history, file, 1, 2), await marked(history, file, 2, 3)];
    await history.commit([vectorProtocol, metaData(schema), { add: file }]);
    await history.commit([{ add: first }, removeOfAdd(file)]);
    await history.commit([{ add: second }, removeOfAdd(first)]);
    await history.commit([{ add: { ...second, tags: { a: "b" } } }, removeOfAdd(second)]);
    await history.commit([{ add: file }, removeOfAdd(second)]);
    await history.commit([removeOfAdd(file)]);
    expect(await changesOf(history, { from: 1 })).toEqual([
      ...["-1@1", "-2@1"],
      ...["-3@2", "+1@2"],
      ...["+2@4", "+3@4"],
      ...["-0@5", "-1@5", "-2@5", "-3@5"],
    ]);
  });

  test("that is added or removed as a whole has no rows that its vector marks", async () => {
    const history = new TableHistory(under);
    const file = await marked(history, await history.file(types, rows(0, 1, 2)), 1);
    await history.commit([vectorProtocol, metaData(schema), { add: file }]);
    await history.commit([removeOfAdd(file)]);
    expect(await changesOf(history, { from: 0 })).toEqual(["+0@0", "+2@0", "-0@1", "-2@1"]);
  });

  test("is read from its first changed row on, and its vectors once", async () => {
    const history = new TableHistory(under);
    const file = await history.file(types, rows(...Array.from({ length: 40_000 }, (_, id) => id)));
    const last = await marked(history, file, 39_999);
    await history.commit([vectorProtocol, metaData(schema), { add: file }]);
    await history.commit([{ add: last }, removeOfAdd(file)]);
    let jobs = 0;
    const compute: TableHistory["session"]["compute"] = {
      close: () => under.compute.close(),
      run: (job) => {
        jobs++;
        return under.compute.run(job);
      },
    };
    const found = await Array.fromAsync(readChanges({ ...history.session, compute }, { from: 1 }));
    expect([found.length, jobs]).toEqual([1, 2]);
  });

  test("whose vector is gone is named with its version", async () => {
    const history = new TableHistory(under);
    const file = await history.file(types, rows(0, 1));
    const last = await marked(history, file, 1);
    await history.commit([vectorProtocol, metaData(schema), { add: file }]);
    await history.commit([{ add: last }, removeOfAdd(file)]);
    await history.store.delete(deletionVectorPath(history.table.log, last.deletionVector!)!);
    await expect(texts(history, { from: 1 })).rejects.toMatchObject({ code: "FILE_MISSING", details: { version: 1 } });
  });
});

describe("partitions", () => {
  const byDay = { ...types, day: { kind: "date" } } satisfies Record<string, DataType>;

  async function dated(): Promise<{ readonly history: TableHistory; readonly file: AddFile }> {
    const history = new TableHistory(under);
    await history.commit([plainProtocol, metaData(schemaOf(byDay), { partitionColumns: ["day"] })]);
    const file = await history.file(types, rows(1), { partitionValues: { day: "2026-01-02" } });
    await history.commit([{ add: file }]);
    return { history, file };
  }

  test("have their values in rows that went, even where the remover did not say them", async () => {
    const { history, file } = await dated();
    const { path } = file;
    await history.commit([{ add: await history.file(types, rows(5), { partitionValues: { day: null } }) }]);
    await history.commit([{ remove: { path, dataChange: true, deletionTimestamp: 1 } }]);
    const found = await texts(history, { from: 2 });
    expect(found.map((text) => (JSON.parse(text) as Record<string, unknown>)["day"])).toEqual([null, "2026-01-02"]);
  });

  test("a remover that did not say them, of a file that the table does not have, is an error of the log", async () => {
    const { history } = await dated();
    await history.commit([{ remove: { path: "never.parquet", dataChange: true } }]);
    await expect(texts(history, { from: 2 })).rejects.toMatchObject({
      code: "LOG_CORRUPT",
      message: expect.stringContaining("never.parquet"),
    });
  });

  test("of a table that came to be partitioned otherwise are read as each file was written", async () => {
    const { history, file } = await dated();
    const flat = await history.file(byDay, { ...rows(1, 2), day: [20_455, 20_456] });
    await history.commit([metaData(schemaOf(byDay)), removeOfAdd(file), { add: flat }]);
    const found = await texts(history, { from: 1 });
    expect(found.map((text) => text.replace(/,"_commit_v.*/, ""))).toEqual([
      '{"id":1,"name":"n1","day":"2026-01-02","_change_type":"insert"',
      '{"id":1,"name":"n1","day":"2026-01-02","_change_type":"delete"',
      '{"id":1,"name":"n1","day":"2026-01-02","_change_type":"insert"',
      '{"id":2,"name":"n2","day":"2026-01-03","_change_type":"insert"',
    ]);
  });
});

describe("what cannot be read", () => {
  test("is named with its version and what to do, where a file was vacuumed", async () => {
    const history = await newHistory();
    const [first, second] = [await history.file(types, rows(1)), await history.file(types, rows(2))];
    await history.commit([{ add: first }]);
    await history.commit([{ add: second }, removeOfAdd(first)]);
    await history.store.delete(`${history.table.path}/${first.path}`);
    await expect(texts(history, { from: 2 })).rejects.toMatchObject({
      code: "FILE_MISSING",
      message: expect.stringMatching(/version 2 .*vacuum.*part-0\.parquet.*from version 3 on/),
      details: { version: 2 },
    });
  });

  test("is named with the version to read on from, where the log was cleaned", async () => {
    const history = await newHistory();
    for (const id of [1, 2, 3, 4]) await history.commit([{ add: await history.file(types, rows(id)) }]);
    await history.table.latest();
    for (const version of [0, 1, 2]) await history.store.delete(commitPath(history.table.log, version));
    await expect(texts(history, { from: 0 })).rejects.toMatchObject({
      code: "DATA_LOSS",
      message: expect.stringMatching(/Version 0 .*from version 3 on/),
      details: { version: 0, oldest: 3 },
    });
    expect(await changesOf(history, { from: 3 })).toEqual(["+3@3", "+4@4"]);
  });
});

describe("what is in memory", () => {
  test("is a part of a large file at a time, and rows come in its order", async () => {
    const history = await newHistory();
    const ids = Array.from({ length: 50_000 }, (_, id) => id);
    await history.commit([{ add: await history.file(types, rows(...ids)) }]);
    const sizes: number[] = [];
    const compute: TableHistory["session"]["compute"] = {
      close: () => under.compute.close(),
      run: async (job) => {
        const result = await under.compute.run(job);
        if (result.kind === "done") sizes.push(result.collected["rows"]?.length ?? 0);
        return result;
      },
    };
    const found = await Array.fromAsync(readChanges({ ...history.session, compute }, { from: 1 }));
    expect(found.map((text) => Number((JSON.parse(text) as { id: number }).id))).toEqual(ids);
    expect(sizes).toEqual([4_096, 16_384, 29_520]);
  });

  test("is no more than is asked for", async () => {
    const history = await newHistory();
    const files = [await history.file(types, rows(1, 2, 3)), await history.file(types, rows(4))];
    await history.commit(files.map((add) => ({ add })));
    for (const limit of [0, 2, 3, 4, 5])
      expect(await texts(history, { from: 0, limit })).toHaveLength(Math.min(limit, 4));
    let read = 0;
    await texts(history, { from: 0, limit: 3, onFile: (count) => (read = count) });
    expect(read).toBe(1);
  });

  test("is given up where the reader has enough", async () => {
    const history = await newHistory();
    await history.commit([{ add: await history.file(types, rows(1)) }]);
    const signal = AbortSignal.abort();
    await expect(texts(history, { from: 0, signal })).rejects.toMatchObject({ code: "BATCH_ABANDONED" });
  });
});

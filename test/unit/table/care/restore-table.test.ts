import { afterAll, beforeAll, expect, test } from "vitest";
import { schemaString, dataFilePath, type Action } from "../../../../shared/delta/index.ts";
import { optimize, restoreTable, vacuum } from "../../../../shared/table/index.ts";
import { openCompute, schemaOf, type ComputeUnderTest } from "../../../support/compute-under-test.ts";
import { filesOf, KeptTable } from "../../../support/kept-table.ts";

const types = { id: { kind: "long" }, day: { kind: "date" } } as const;
const dayMs = 24 * 60 * 60 * 1_000;

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(() => under[Symbol.asyncDispose]());

/** Version 1 and 2 append a row each, version 3 deletes one by a vector, version 4 makes one file of all. */
async function written(): Promise<KeptTable> {
  const kept = await KeptTable.create(under.compute, { types });
  for (const id of [1n, 2n]) {
    kept.clock.advance(1_000);
    await kept.append({ id: [id, id + 10n], day: [1, 1] });
  }
  await kept.deleteRows(filesOf(await kept.table.latest())[0]!, [0]);
  await optimize(kept);
  return kept;
}

test.each([0, 1, 2, 3, 4])("a table has the rows of version %i again, in a version of its own", async (version) => {
  const kept = await written();
  const rows = await kept.rows(version);
  const result = await restoreTable(kept.table, { version });
  expect(result).toMatchObject(version === 4 ? { kind: "unchanged", version: 4 } : { kind: "committed", version: 5 });
  expect(await kept.rows()).toEqual(rows);
  expect(await kept.rows(4)).toHaveLength(3);
});

test("the last version of a time is meant by the time, and the history says what was done", async () => {
  const kept = await written();
  const { timestampMs } = await kept.table.at(1);
  const result = await restoreTable(kept.table, { timestampMs: timestampMs + 1 });
  expect(result).toMatchObject({
    restored: 1,
    metrics: { filesRestored: 1, filesRemoved: 1, filesAfter: 1, filesMissing: 0 },
  });
  const [commit] = await kept.table.changes(4, 5);
  expect(commit?.commitInfo).toMatchObject({
    operation: "RESTORE",
    operationParameters: { version: null, timestamp: new Date(timestampMs + 1).toISOString() },
    operationMetrics: { numRestoredFiles: "1", numRemovedFiles: "1", numOfFilesAfterRestore: "1" },
  });
  expect(commit?.adds.every(({ dataChange }) => dataChange)).toBe(true);
});

test("columns and properties go back, and the protocol is never lowered", async () => {
  const kept = await written();
  const { metadata, protocol } = await kept.table.latest();
  const schema = schemaOf({ ...types, more: { kind: "string" } });
  const raised = {
    minReaderVersion: 1,
    minWriterVersion: 7,
    writerFeatures: ["appendOnly", "invariants", "changeDataFeed"],
  };
  await kept.commit([
    { protocol: raised },
    { metaData: { ...metadata, schemaString: schemaString(schema), configuration: { "custom.note": "new" } } },
  ]);
  await restoreTable(kept.table, { version: 4 });
  const restored = await kept.table.latest();
  expect(restored.metadata).toEqual(metadata);
  expect(protocol).not.toEqual(raised);
  expect(restored.protocol).toEqual(raised);
});

test("a table with its change feed on goes back, too", async () => {
  const kept = await KeptTable.create(under.compute, {
    types,
    configuration: { "delta.enableChangeDataFeed": "true" },
  });
  for (const id of [1n, 2n]) await kept.append({ id: [id], day: [1] });
  await kept.drop(filesOf(await kept.table.latest()).slice(0, 1));
  for (const id of [3n, 4n]) await kept.append({ id: [id], day: [1] });
  expect(await restoreTable(kept.table, { version: 2 })).toMatchObject({ kind: "committed" });
  expect(await kept.rows()).toEqual(await kept.rows(2));
});

test("files that are gone are refused by name, or left out on request", async () => {
  const kept = await written();
  const [gone] = filesOf(await kept.table.at(1));
  await kept.store.delete(dataFilePath(kept.table.log, gone!));
  await expect(restoreTable(kept.table, { version: 2 })).rejects.toMatchObject({ code: "FILE_MISSING" });
  expect((await kept.table.latest()).version).toBe(4);
  expect(await restoreTable(kept.table, { version: 2 }, { withoutMissing: true })).toMatchObject({
    metrics: { filesMissing: 1, filesRestored: 1, filesAfter: 1 },
  });
  expect(await kept.rows()).toHaveLength(2);
});

test("a deletion vector that is gone is a missing file", async () => {
  const kept = await written();
  kept.clock.advance(8 * dayMs);
  const before = filesOf(await kept.table.at(3)).find(({ deletionVector }) => deletionVector !== undefined)!;
  const vector = (await kept.objects()).find((path) => path.endsWith(".bin"));
  await kept.store.delete(`${kept.table.path}/${vector}`);
  await expect(restoreTable(kept.table, { version: 3 })).rejects.toMatchObject({
    code: "FILE_MISSING",
    details: { path: before.path },
  });
});

test("a version that vacuum has taken apart, and one that never was, are refused", async () => {
  const kept = await written();
  kept.clock.advance(8 * dayMs);
  await vacuum(kept.table);
  await expect(restoreTable(kept.table, { version: 2 })).rejects.toMatchObject({ code: "FILE_MISSING" });
  await expect(restoreTable(kept.table, { version: 99 })).rejects.toMatchObject({ code: "VERSION_NOT_FOUND" });
});

test.each([
  ["dyne/shop/silver.events/0", "dyne flow restore silver.events"],
  ["progress/shop/silver.events/0", "Read it at an older version instead"],
])("a table with the batches of %s is left to its flow: %s", async (appId, remedy) => {
  const [text, number] = [{ kind: "string" }, { kind: "long" }] as const;
  const kept = await KeptTable.create(under.compute, {
    types: { ...types, pipeline: text, lane: text, generation: number, batchId: number },
  });
  const txn: Action = { txn: { appId, version: 1 } };
  await kept.commit([txn]);
  await expect(restoreTable(kept.table, { version: 0 })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining(remedy) as string,
  });
});

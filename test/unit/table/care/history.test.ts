import { afterAll, beforeAll, expect, test } from "vitest";
import { commitPath } from "../../../../shared/delta/index.ts";
import { detailOf, historyOf, optimize } from "../../../../shared/table/index.ts";
import { openCompute, type ComputeUnderTest } from "../../../support/compute-under-test.ts";
import { filesOf, KeptTable } from "../../../support/kept-table.ts";

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(() => under[Symbol.asyncDispose]());

async function written(): Promise<KeptTable> {
  const configuration = { "delta.enableDeletionVectors": "true" };
  const kept = await KeptTable.create(under.compute, { types: { id: { kind: "long" } }, configuration });
  for (let id = 0n; id < 20n; id++) await kept.append({ id: [id, id] });
  await optimize(kept);
  await kept.deleteRows(filesOf(await kept.table.latest())[0]!, [3, 4]);
  return kept;
}

test("the history is told newest first, with what each version did", async () => {
  const kept = await written();
  const entries = await Array.fromAsync(historyOf(kept.another()));
  expect(entries.map(({ version }) => version)).toEqual(Array.from({ length: 23 }, (_, i) => 22 - i));
  expect(entries.slice(0, 3)).toMatchObject([
    { operation: "DELETE", filesAdded: 1, filesRemoved: 1, readVersion: 21 },
    { operation: "OPTIMIZE", filesAdded: 1, filesRemoved: 20, operationMetrics: { numRemovedFiles: "20" } },
    { operation: "WRITE", isBlindAppend: true, operationMetrics: null, txns: {} },
  ]);
});

test("as many versions are told as are asked for, from the one that is asked for, as far as the log goes", async () => {
  const kept = await written();
  const versions = async (options: Parameters<typeof historyOf>[1]) =>
    (await Array.fromAsync(historyOf(kept.another(), options))).map(({ version }) => version);
  expect(await versions({ limit: 2 })).toEqual([22, 21]);
  expect(await versions({ toVersion: 5, limit: 3 })).toEqual([5, 4, 3]);
  await kept.store.delete(commitPath(kept.table.log, 0));
  await kept.store.delete(commitPath(kept.table.log, 18));
  await expect(versions({ toVersion: 99 })).rejects.toMatchObject({ code: "VERSION_NOT_FOUND" });
});

test("the detail counts files, rows and what vectors delete", async () => {
  const kept = await written();
  const snapshot = await kept.table.latest();
  expect(detailOf(kept.table, snapshot)).toMatchObject({
    format: "delta",
    location: "lake/silver/events",
    version: 22,
    partitionColumns: [],
    numFiles: 1,
    sizeInBytes: filesOf(snapshot)[0]!.size,
    numRows: 38,
    numDeletionVectors: 1,
    numDeletedRows: 2,
    properties: { "delta.enableDeletionVectors": "true" },
    minReaderVersion: 3,
    minWriterVersion: 7,
    tableFeatures: expect.arrayContaining(["deletionVectors"]) as unknown,
  });
});

test("the detail of a table without named features names those that its versions imply", async () => {
  const { table } = await written();
  const protocol = { minReaderVersion: 1, minWriterVersion: 3 };
  const { tableFeatures } = detailOf(table, { ...(await table.latest()), protocol });
  expect(tableFeatures).toEqual(["appendOnly", "checkConstraints", "invariants"]);
});

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, expectTypeOf, test } from "vitest";
import { DeltaLake, localFolder, long, string, struct } from "../../../../shared/table/lake/index.ts";

let folder: string;
let lake: DeltaLake;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dyne-lake-"));
  lake = await DeltaLake.open({ store: localFolder(folder), memoryLimitMb: 512, directory: folder });
});
afterAll(async () => {
  await lake[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

let tables = 0;
const person = struct({ id: long(), name: string() });
const people = async (properties: Readonly<Record<string, string>> = {}) => {
  const table = await lake.create(`tables/t${++tables}`, { schema: person, properties });
  for (const id of [1, 2, 3]) await table.append([{ id, name: `p${id}` }]);
  return table;
};
const filesOf = async (path: string) =>
  (await readdir(join(folder, path))).filter((name) => name.endsWith(".parquet")).length;

test("small files are written into one, and vacuum deletes what they were", async () => {
  const table = await people();
  expect(await table.optimize({ zOrderBy: ["id", "name"] })).toMatchObject({
    kind: "committed",
    version: 4,
    metrics: { filesRemoved: 3, filesAdded: 1, rows: 3 },
  });
  expect(await table.optimize()).toEqual({ kind: "unchanged", version: 4 });
  // @ts-expect-error: there is no such column.
  await expect(table.optimize({ zOrderBy: ["nam"] })).rejects.toMatchObject({ code: "UNKNOWN_COLUMN" });
  expect(await table.vacuum()).toEqual({ kind: "unchanged", version: 4 });
  await expect(table.vacuum({ retentionMs: 0 })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  const planned = await table.vacuum({ retentionMs: 0, force: true, dryRun: true });
  expect(planned.kind === "planned" && planned.metrics.filesSeen).toBe(4);
  expect(await table.rows({ where: ({ id }) => id.gt(2) })).toEqual([{ id: 3n, name: "p3" }]);
});

test("rows that a vector deletes are taken out of their file", async () => {
  const table = await people({ "delta.enableDeletionVectors": "true" });
  await table.optimize();
  await table.delete("id = 2");
  expect(await table.detail()).toMatchObject({ numDeletionVectors: 1, numDeletedRows: 1, numRows: 2 });
  expect(await table.purge()).toMatchObject({ kind: "committed", metrics: { deletionVectorsRemoved: 1, rows: 2 } });
  expect(await table.detail()).toMatchObject({ numDeletionVectors: 0, numFiles: 1, numRows: 2 });
});

test("a table goes back to a version or a time, as a version of its own", async () => {
  const table = await people();
  expect(await table.restore({ version: 1 })).toMatchObject({ kind: "committed", version: 4, restored: 1 });
  expect((await table.rows()).map(({ id }) => id)).toEqual([1n]);
  expect(await table.restore({ timestamp: new Date() })).toMatchObject({ kind: "unchanged", restored: 4 });
  await expect(table.restore({})).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(table.restore({ version: 1, timestamp: new Date() })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
  await expect(table.restore({ version: 9 })).rejects.toMatchObject({ code: "VERSION_NOT_FOUND" });
});

test("files that are gone are named, and taken out of the log where that is asked for", async () => {
  const table = await people();
  expect(await table.fsck()).toEqual({ kind: "sound", version: 3, files: 3 });
  const [file] = (await table.snapshot()).files;
  await rm(join(folder, table.path, file!.path));
  expect(await table.fsck()).toMatchObject({ kind: "faulty", faults: [{ path: file!.path, fault: "missing" }] });
  expect(await table.fsck({ repair: "missing" })).toMatchObject({ kind: "committed", metrics: { filesRemoved: 1 } });
  expect(await table.rows()).toHaveLength(2);
  expect(await filesOf(table.path)).toBe(2);
});

test("history tells the versions, newest first, and detail what the table is", async () => {
  const table = await people({ "delta.appendOnly": "true" });
  const operations = (await Array.fromAsync(table.history({ limit: 2 }))).map(({ version, operation }) => [
    version,
    operation,
  ]);
  expect(operations).toEqual([
    [3, "WRITE"],
    [2, "WRITE"],
  ]);
  expect(await table.detail({ version: 1 })).toMatchObject({
    version: 1,
    numFiles: 1,
    numRows: 1,
    properties: { "delta.appendOnly": "true" },
  });
});

test("properties are set and taken away, and the protocol grows with them", async () => {
  const table = await people();
  expect(await table.setProperties({ "delta.enableDeletionVectors": "true", owner: "ada" })).toMatchObject({
    kind: "committed",
    version: 4,
  });
  const detail = await table.detail();
  expect(detail.properties).toEqual({ "delta.enableDeletionVectors": "true", owner: "ada" });
  expect(detail.tableFeatures).toContain("deletionVectors");
  expect(await table.unsetProperties(["owner"])).toMatchObject({ kind: "committed" });
  expect((await table.detail()).properties).toEqual({ "delta.enableDeletionVectors": "true" });
  expect(await table.upgradeProtocol(["deletionVectors"])).toEqual({ kind: "unchanged", version: 5 });
  await expect(table.setProperties({ "delta.enableDeletionVektors": "true" })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining("delta.enableDeletionVectors"),
  });
});

test("properties that several set at once are all set", async () => {
  const { path } = await people();
  const names = ["a", "b", "c", "d"];
  const outcomes = await Promise.all(names.map((name) => lake.table(path).setProperties({ [name]: "1" })));
  expect(outcomes.map(({ kind }) => kind)).toEqual(names.map(() => "committed"));
  expect((await lake.table(path).detail()).properties).toEqual({ a: "1", b: "1", c: "1", d: "1" });
});

test("changes have the types of the table's columns, and are chosen by version or time", async () => {
  const table = await people();
  const changes = await Array.fromAsync(table.changes({ from: 2, to: new Date() }));
  expectTypeOf(changes[0]!.id).toEqualTypeOf<bigint | null>();
  expectTypeOf(changes[0]!._commit_version).toEqualTypeOf<bigint>();
  expect(changes.map(({ id, _change_type, _commit_version }) => [id, _change_type, _commit_version])).toEqual([
    [2n, "insert", 2n],
    [3n, "insert", 3n],
  ]);
  expect(await Array.fromAsync(table.changes({ from: 1, limit: 1 }))).toHaveLength(1);
});

/** Properties that another engine keeps as somebody wrote them, in whatever case: they mean the same to every writer here. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  DeltaLake,
  lit,
  localFolder,
  long,
  string,
  struct,
  type LakeTable,
} from "../../../../shared/table/lake/index.ts";

let folder: string;
let lake: DeltaLake;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dyne-spelled-"));
  lake = await DeltaLake.open({ store: localFolder(folder), memoryLimitMb: 512, directory: folder });
});
afterAll(async () => {
  await lake[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** As another engine leaves a table: with the texts that were given to it. */
async function respelled(path: string, properties: Readonly<Record<string, string>>): Promise<LakeTable> {
  const { session } = lake.table(path);
  const { metadata } = await session.table.latest();
  const configuration = { ...metadata.configuration, ...properties };
  const outcome = await session.table.commit({
    actions: [{ metaData: { ...metadata, configuration } }],
    isBlindAppend: false,
    operation: "SET TBLPROPERTIES",
  });
  expect(outcome.kind).toBe("committed");
  return lake.table(path);
}

const person = struct({ id: long(), name: string() });

test.each(["true", "TRUE", "True"])("a change feed and deletion vectors that are %s are written", async (on) => {
  const path = `tables/feed-${on}-`;
  const properties = { "delta.enableChangeDataFeed": "true", "delta.enableDeletionVectors": "true" };
  await lake.create(path, { schema: person, properties });
  const table = await respelled(path, { "delta.enableChangeDataFeed": on, "delta.enableDeletionVectors": on });
  await table.append([1, 2, 3].map((id) => ({ id, name: `p${id}` })));
  expect(await table.update(() => ({ name: lit("new", string()) }), "id = 2")).toMatchObject({ kind: "committed" });
  expect(await readdir(join(folder, path, "_change_data"))).toHaveLength(1);
  expect(await table.detail()).toMatchObject({ numDeletionVectors: 1 });
  await expect(table.addColumns({ _change_type: string() })).rejects.toThrow("a table with a change feed");
});

test("a table whose mode of column mapping is written in capitals is read, and its columns renamed", async () => {
  const properties = { "delta.columnMapping.mode": "NAME" };
  const { path } = await lake.create("tables/mapped", { schema: person, properties });
  const table = await respelled(path, properties);
  await table.append([{ id: 1, name: "Ada" }]);
  await table.renameColumn("name", "called");
  expect(await lake.table(path).rows()).toEqual([{ id: 1n, called: "Ada" }]);
  expect(await Array.fromAsync(table.changes({ from: 0 }))).toMatchObject([{ called: "Ada" }]);
});

test("a table is given its mode of column mapping in whatever case, and can be opened", async () => {
  const table = await lake.create("tables/given", { schema: person });
  await table.append([{ id: 1, name: "Ada" }]);
  await table.setProperties({ "delta.COLUMNMAPPING.mode": " Name" });
  expect((await lake.table(table.path).detail()).properties["delta.columnMapping.mode"]).toBe("name");
  expect(await lake.table(table.path).rows()).toEqual([{ id: 1n, name: "Ada" }]);
});

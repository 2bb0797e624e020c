/** Tables whose logs name files by the store's own addresses: inside of the table, and, in a shallow clone, in the table that it was made of. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentLogger } from "../../../shared/core/index.ts";
import { dataFilePath, deletionVectorPath, removeOf, type Action, type AddFile } from "../../../shared/delta/index.ts";
import { MemoryStore } from "../../../shared/storage/index.ts";
import {
  changeTexts,
  cloneTable,
  deleteRows,
  DeltaTable,
  fsck,
  optimize,
  planChanges,
  purge,
  readRowTexts,
  vacuum,
  type TableSession,
} from "../../../shared/table/index.ts";
import { call, column, whole } from "../../support/changing-table.ts";
import { openCompute, type ComputeUnderTest } from "../../support/compute-under-test.ts";
import { filesOf, KeptTable } from "../../support/kept-table.ts";

const dayMs = 24 * 60 * 60 * 1_000;
const types = { id: { kind: "long" } } as const;
const feed = { "delta.enableChangeDataFeed": "true" };
const vectors = { "delta.enableDeletionVectors": "true" };

const ids = (...numbers: readonly number[]) => numbers.map((id) => `{"id":${id}}`);
const isId = (id: number) => call("eq", column("id"), whole(id));

let under: ComputeUnderTest;
let workDirectory: string;
beforeAll(async () => {
  under = await openCompute();
  workDirectory = await mkdtemp(join(tmpdir(), "dyne-absolute-"));
});
afterAll(async () => {
  await under[Symbol.asyncDispose]();
  await rm(workDirectory, { recursive: true });
});

/** A file as another writer might name it: by an address, and its deletion vector too. */
function absolute(table: DeltaTable, file: AddFile): AddFile {
  const address = (path: string) => `memory:///${path.split("/").map(encodeURIComponent).join("/")}`;
  const vector = file.deletionVector;
  const vectorPath = vector && deletionVectorPath(table.log, vector);
  return {
    ...file,
    path: address(dataFilePath(table.log, file)),
    ...(vector &&
      vectorPath && { deletionVector: { ...vector, storageType: "p", pathOrInlineDv: address(vectorPath) } as const }),
  };
}

/** A table of two files, (1, 2, 3) without its first row and (4, 5), both named by their addresses since the newest version. */
async function addressed(configuration: Readonly<Record<string, string>> = {}): Promise<KeptTable> {
  const kept = await KeptTable.create(under.compute, { types, configuration: { ...vectors, ...configuration } });
  await kept.append({ id: [1n, 2n, 3n] });
  await kept.append({ id: [4n, 5n] });
  await deleteRows(kept, { where: isId(1) });
  const files = filesOf(await kept.table.latest());
  const deletionTimestampMs = kept.clock.nowMs();
  await kept.commit(
    files.flatMap((file): Action[] => [
      { remove: removeOf(file, { deletionTimestampMs, dataChange: false }) },
      { add: { ...absolute(kept.table, file), dataChange: false } },
    ]),
  );
  return kept;
}

/** A shallow clone of such a table, in the same store. */
async function cloneOf(kept: KeptTable, clonedFrom?: readonly string[]): Promise<TableSession> {
  const { clock, random, store, compute } = kept;
  const snapshot = await kept.table.latest();
  const table = new DeltaTable({ clock, random, store, path: "lake/clone", logger: silentLogger, clonedFrom });
  await table.createIfAbsent({ schema: snapshot.schema, partitionBy: [], configuration: vectors });
  const actions = filesOf(snapshot).map((file): Action => ({
    add: { ...absolute(kept.table, file), dataChange: true },
  }));
  await table.commit({ actions, isBlindAppend: true, operation: "CLONE" });
  return { compute, table };
}

async function rowsOf({ compute, table }: TableSession): Promise<readonly string[]> {
  const texts = readRowTexts(compute, table, await table.latest(), { limit: Number.POSITIVE_INFINITY });
  return (await Array.fromAsync(texts)).sort();
}

describe("a table whose files are named by their addresses", () => {
  test("is read with its deletion vectors, and is sound", async () => {
    const kept = await addressed();
    expect(await kept.rows()).toEqual(ids(2, 3, 4, 5));
    expect(await fsck(kept.table)).toEqual({ kind: "sound", version: 4, files: 2 });
  });

  test("keeps its files in a vacuum, though the log has them as removed under their names in the table", async () => {
    const kept = await addressed();
    const before = await kept.objects();
    kept.clock.advance(30 * dayMs);
    expect(await vacuum(kept.table)).toMatchObject({ kind: "unchanged" });
    expect(await kept.objects()).toEqual(before);
    expect(await kept.rows()).toEqual(ids(2, 3, 4, 5));
  });

  test.each([
    ["deleted by vectors", vectors],
    ["deleted by new files", { "delta.enableDeletionVectors": "false" }],
  ])("loses rows that are %s, and is told as such", async (_how, configuration) => {
    const kept = await addressed({ ...configuration, ...feed });
    expect(await deleteRows(kept, { where: isId(2) })).toMatchObject({ kind: "committed", version: 5 });
    expect(await kept.rows()).toEqual(ids(3, 4, 5));
    const changes = await planChanges(kept.table, { from: 5 });
    const [change, ...more] = (await Array.fromAsync(changeTexts(kept, changes, {}))).map(
      (text) => JSON.parse(text) as object,
    );
    expect([change, more]).toMatchObject([{ id: 2, _change_type: "delete" }, []]);
  });

  test("is written anew by optimize and purge, after which a vacuum deletes what it named", async () => {
    const kept = await addressed();
    expect(await purge(kept)).toMatchObject({ kind: "committed", metrics: { filesRemoved: 1 } });
    expect(await optimize(kept, { smallFilesMin: 2 })).toMatchObject({ kind: "committed" });
    expect(await kept.rows()).toEqual(ids(2, 3, 4, 5));
    kept.clock.advance(30 * dayMs);
    await vacuum(kept.table);
    expect(await kept.objects()).toEqual(filesOf(await kept.table.latest()).map(({ path }) => path));
    expect(await kept.rows()).toEqual(ids(2, 3, 4, 5));
  });

  test("is copied as a table that knows no address", async () => {
    const kept = await addressed();
    await purge(kept);
    const store = new MemoryStore(kept);
    const target = new DeltaTable({
      clock: kept.clock,
      random: kept.random,
      store,
      path: "copy/t",
      logger: silentLogger,
    });
    const clone = await cloneTable(kept.table, await kept.table.latest(), target, { workDirectory });
    expect([...clone.files].every(({ path }) => !path.includes(":"))).toBe(true);
    expect(await rowsOf({ compute: kept.compute, table: target })).toEqual(ids(2, 3, 4, 5));
  });

  test("reads the files of changes that are named by address", async () => {
    const kept = await addressed({ ...feed, "delta.enableDeletionVectors": "false" });
    await deleteRows(kept, { where: isId(5) });
    const { cdcs } = (await kept.table.changes(4, 5))[0]!;
    const [file] = filesOf(await kept.table.latest());
    const path = `memory:///${kept.table.path}/${cdcs[0]!.path}`;
    const remove = removeOf(file!, { deletionTimestampMs: kept.clock.nowMs() });
    await kept.commit([{ remove }, { cdc: { ...cdcs[0]!, path } }]);
    const changes = await planChanges(kept.another(), { from: 6 });
    const texts = await Array.fromAsync(changeTexts(kept, changes, {}));
    expect(texts.map((text) => JSON.parse(text) as object)).toMatchObject([{ id: 5, _change_type: "delete" }]);
  });
});

describe("a shallow clone", () => {
  test("is refused where nobody said what it is a clone of", async () => {
    const { compute, table } = await cloneOf(await addressed());
    await expect(rowsOf({ compute, table })).rejects.toMatchObject({ code: "PATH_OUTSIDE_TABLE" });
    await expect(vacuum(table)).rejects.toMatchObject({ code: "PATH_OUTSIDE_TABLE" });
    await expect(fsck(table, { repair: "missing" })).rejects.toMatchObject({ code: "PATH_OUTSIDE_TABLE" });
  });

  test("is read and changed where that is said, and leaves the files of the other table alone", async () => {
    const kept = await addressed();
    const clone = await cloneOf(kept, [kept.table.path]);
    expect(await rowsOf(clone)).toEqual(ids(2, 3, 4, 5));
    await deleteRows(clone, { where: isId(2) });
    await optimize(clone, { smallFilesMin: 2 });
    await purge(clone);
    expect(await rowsOf(clone)).toEqual(ids(3, 4, 5));
    const before = await kept.objects();
    kept.clock.advance(30 * dayMs);
    expect(await vacuum(clone.table)).toMatchObject({ kind: "committed" });
    expect(await kept.objects()).toEqual(before);
    expect(await kept.rows()).toEqual(ids(2, 3, 4, 5));
    expect(await rowsOf(clone)).toEqual(ids(3, 4, 5));
  });

  test("is looked after in both folders: what is there is sound, what is gone is told and taken out of the log on request", async () => {
    const kept = await addressed();
    const { table } = await cloneOf(kept, [kept.table.path]);
    expect(await fsck(table, { repair: "missing" })).toEqual({ kind: "sound", version: 1, files: 2 });
    const [gone] = filesOf(await table.latest());
    await kept.store.delete(dataFilePath(table.log, gone!));
    expect(await fsck(table)).toMatchObject({ kind: "faulty", faults: [{ path: gone!.path, fault: "missing" }] });
    expect(await fsck(table, { repair: "missing" })).toMatchObject({ kind: "committed", metrics: { filesRemoved: 1 } });
  });
});

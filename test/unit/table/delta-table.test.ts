import { beforeEach, describe, expect, test } from "vitest";
import { InstantClock } from "../../support/instant-clock.ts";
import { FaultyStore, type StoreOperation } from "../../support/faulty-store.ts";
import { DyneError, seededRandom, silentLogger } from "../../../shared/core/index.ts";
import {
  deletedRowsOf,
  stateAt,
  writeCheckpoint,
  writeDeletionVectors,
  type AddFile,
} from "../../../shared/delta/index.ts";
import { transientCheckpoints } from "../../../shared/compute/index.ts";
import type { DataType } from "../../../shared/plan/index.ts";
import { MemoryStore } from "../../../shared/storage/index.ts";
import { DeltaTable, TableCatalog } from "../../../shared/table/index.ts";
import { schemaOf } from "../../support/compute-under-test.ts";

const long: DataType = { kind: "long" };
const schema = schemaOf({ id: long, day: { kind: "date" } });
const declared = { schema, partitionBy: ["day"] };
const path = "lake/silver/events";

let asked: StoreOperation[];
let services: ConstructorParameters<typeof DeltaTable>[0];
beforeEach(() => {
  asked = [];
  const clock = new InstantClock(1_700_000_000_000);
  const random = seededRandom(1);
  const memory = new MemoryStore({ clock, random });
  const store = new FaultyStore(memory, { random, before: (operation) => void asked.push(operation) });
  services = { store, path, clock, random, logger: silentLogger };
});

const add = (name: string, fields: Partial<AddFile> = {}) => ({
  add: { path: name, partitionValues: { day: null }, size: 1, modificationTime: 0, dataChange: true, ...fields },
});
const append = (table: DeltaTable, ...names: readonly string[]) =>
  table.commit({ actions: names.map((name) => add(name)), isBlindAppend: true, operation: "WRITE" });
/** What was asked of the store since the last time. */
const requests = () => asked.splice(0).map(({ name, path: at }) => `${name} ${at.slice(path.length + 1)}`);
const logName = (version: number) => `_delta_log/${String(version).padStart(20, "0")}.json`;

describe("bringing a table up to date", () => {
  test("costs one request where nothing happened", async () => {
    const table = new DeltaTable(services);
    await table.createIfAbsent(declared);
    requests();
    expect((await table.find())?.version).toBe(0);
    expect(requests()).toEqual([`get ${logName(1)}`]);
  });

  test("goes on where a failed request left it", async () => {
    const writer = new DeltaTable(services);
    await writer.createIfAbsent(declared);
    let failing: string | undefined = logName(3);
    const store = new FaultyStore(services.store, {
      random: services.random,
      before: ({ path: at }) => {
        if (failing !== undefined && at.endsWith(failing)) throw new DyneError("STORAGE_UNAVAILABLE", "No answer.");
      },
    });
    const reader = new DeltaTable({ ...services, store });
    await reader.latest();
    for (const name of ["a", "b", "c", "d"]) await append(writer, name);
    requests();
    await expect(reader.latest()).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    expect(requests()).toEqual([1, 2].map((version) => `get ${logName(version)}`));
    expect([reader.known?.version, reader.remembered(2)?.version]).toEqual([2, 2]);
    await expect(reader.latest()).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    expect(requests()).toEqual([]);
    failing = undefined;
    expect([...(await reader.latest()).files].map(({ path: name }) => name).sort()).toEqual(["a", "b", "c", "d"]);
    expect(requests()).toEqual([3, 4, 5].map((version) => `get ${logName(version)}`));
  });

  test("that began before the table was found to be another one does not bring the older one back", async () => {
    const writer = new DeltaTable(services);
    await writer.createIfAbsent(declared);
    for (const name of ["a", "b", "c"]) await append(writer, name);
    const [asks, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const store = new FaultyStore(services.store, {
      random: services.random,
      before: async ({ path: at }) => {
        if (!at.endsWith(logName(4))) return;
        asks.resolve();
        await answer.promise;
      },
    });
    const table = new DeltaTable({ ...services, store });
    await table.latest();
    const finding = table.find();
    await asks.promise;
    for await (const { path: at } of services.store.list(`${path}/`)) await services.store.delete(at);
    const replaced = await new DeltaTable(services).createIfAbsent(declared);
    expect((await table.confirmed())?.metadata.id).toBe(replaced.metadata.id);
    answer.resolve();
    expect((await finding)?.metadata.id).toBe(replaced.metadata.id);
    expect(await append(table, "d")).toMatchObject({ kind: "committed", version: 1 });
  });

  test("costs one request for each new commit, and one to see that there is no other", async () => {
    const writer = new DeltaTable(services);
    await writer.createIfAbsent(declared);
    const reader = new DeltaTable(services);
    await reader.latest();
    for (const name of ["a", "b", "c"]) await append(writer, name);
    requests();
    expect((await reader.latest()).version).toBe(3);
    expect(requests()).toEqual([1, 2, 3, 4].map((version) => `get ${logName(version)}`));
    expect([...(reader.known?.files ?? [])].map((file) => file.path).sort()).toEqual(["a", "b", "c"]);
  });

  test("costs nothing after a commit of its own", async () => {
    const table = new DeltaTable(services);
    await table.createIfAbsent(declared);
    await append(table, "a");
    requests();
    expect(table.known?.version).toBe(1);
    expect((await table.at(1)).files.size).toBe(1);
    expect(requests()).toEqual([]);
  });

  test("never goes back", async () => {
    const table = new DeltaTable(services);
    await table.createIfAbsent(declared);
    await append(table, "a");
    expect((await table.at(0)).version).toBe(0);
    expect(table.known?.version).toBe(1);
  });
});

describe("a table that is not there", () => {
  test("is found to be none, and is an error to who needs it", async () => {
    const table = new DeltaTable(services);
    expect(await table.find()).toBeUndefined();
    expect(table.known).toBeUndefined();
    await expect(table.latest()).rejects.toMatchObject({ code: "TABLE_NOT_FOUND" });
  });

  test("has no versions, nor has one that is there those of its future", async () => {
    const table = new DeltaTable(services);
    await table.createIfAbsent(declared);
    await expect(table.at(7)).rejects.toMatchObject({ code: "VERSION_NOT_FOUND" });
  });
});

describe("creating where something is already", () => {
  test("adopts a table of the same columns, whatever their order", async () => {
    const first = await new DeltaTable(services).createIfAbsent(declared);
    const other = schemaOf({ day: { kind: "date" }, id: long });
    const again = await new DeltaTable(services).createIfAbsent({ schema: other, partitionBy: ["day"] });
    expect(again.metadata.id).toBe(first.metadata.id);
  });

  test("of two at once both have the same table", async () => {
    const both = await Promise.all([1, 2].map(() => new DeltaTable(services).createIfAbsent(declared)));
    expect(both[0]?.metadata.id).toBe(both[1]?.metadata.id);
  });

  test.each([
    ["another type", { schema: schemaOf({ id: { kind: "string" }, day: { kind: "date" } }), partitionBy: ["day"] }],
    ["a column more", { schema: schemaOf({ id: long, day: { kind: "date" }, more: long }), partitionBy: ["day"] }],
    ["a column less", { schema: schemaOf({ day: { kind: "date" }, id2: long }), partitionBy: ["day"] }],
    ["another partitioning", { schema, partitionBy: [] }],
  ])("refuses a table with %s, and says both", async (_, wanted) => {
    await new DeltaTable(services).createIfAbsent(declared);
    await expect(new DeltaTable(services).createIfAbsent(wanted)).rejects.toMatchObject({
      code: "SCHEMA_MISMATCH",
      message: expect.stringContaining("(day date, id bigint) by day"),
    });
  });
});

describe("changes", () => {
  test("are the commits after one version up to another, in order", async () => {
    const table = new DeltaTable(services);
    await table.createIfAbsent(declared);
    for (const name of ["a", "b", "c"]) await append(table, name);
    const commits = await table.changes(0, 2);
    expect(commits.map((commit) => [commit.version, commit.adds.map((file) => file.path)])).toEqual([
      [1, ["a"]],
      [2, ["b"]],
    ]);
    expect(await table.changes(3, 3)).toEqual([]);
  });

  test("that were seen on the way are not read again", async () => {
    const writer = new DeltaTable(services);
    await writer.createIfAbsent(declared);
    const reader = new DeltaTable(services);
    await reader.latest();
    await append(writer, "a");
    await reader.latest();
    requests();
    expect(await reader.changes(0, 1)).toHaveLength(1);
    expect(requests()).toEqual([]);
  });

  test("that were cleaned from the log are a loss that is said", async () => {
    const table = new DeltaTable(services);
    await table.createIfAbsent(declared);
    await append(table, "a");
    await append(table, "b");
    await services.store.delete(`${path}/${logName(1)}`);
    await expect(new DeltaTable(services).changes(0, 2)).rejects.toMatchObject({
      code: "DATA_LOSS",
      message: expect.stringContaining("Version 1"),
    });
  });

  test("from the start of a cleaned log begin with its oldest state, as one commit", async () => {
    const checkpoints = transientCheckpoints();
    const table = new DeltaTable({ ...services, checkpointReader: checkpoints, checkpointWriter: checkpoints });
    await table.createIfAbsent(declared);
    for (const name of ["a", "b", "c", "d"]) await append(table, name);
    await writeCheckpoint(table.log, await stateAt(table.log, 2));
    for (const version of [0, 1]) await services.store.delete(`${path}/${logName(version)}`);
    const reader = new DeltaTable(table.log);
    const commits = await reader.changes(-1, 4);
    expect(commits.map(({ version, adds }) => [version, adds.map((file) => [file.path, file.dataChange])])).toEqual([
      [
        2,
        [
          ["a", true],
          ["b", true],
        ],
      ],
      [3, [["c", true]]],
      [4, [["d", true]]],
    ]);
    const [second] = await reader.changes(1, 2);
    expect(second?.adds.map((file) => file.path)).toEqual(["b"]);
    await expect(reader.changes(-1, 1)).rejects.toMatchObject({ code: "DATA_LOSS" });
    await expect(reader.changes(0, 4)).rejects.toMatchObject({ code: "DATA_LOSS" });
  });
});

describe("files as compute reads them", () => {
  test("have their place in the store, their values, lane and commit", async () => {
    const table = new DeltaTable(services);
    await table.createIfAbsent(declared);
    await table.commit({
      actions: [
        add("day=2026-01-02/a%20b.parquet", { partitionValues: { day: "2026-01-02" }, size: 7, tags: { lane: "3" } }),
      ],
      isBlindAppend: true,
      operation: "WRITE",
    });
    const snapshot = await table.latest();
    expect(table.fileSet(snapshot)).toMatchObject({
      kind: "files",
      schema: { fields: schema.fields },
      partitionBy: ["day"],
      files: [
        { path: `${path}/day=2026-01-02/a b.parquet`, sizeBytes: 7, partitionValues: { day: "2026-01-02" }, lane: "3" },
      ],
    });
    const [file] = snapshot.files;
    expect(file && table.inputFile(snapshot, file, 5)).toMatchObject({ commitVersion: 5 });
  });

  test("have the rows that their deletion vector deletes, once somebody asks for them", async () => {
    const table = new DeltaTable(services);
    const form = await table.createIfAbsent(declared);
    const [vector] = await writeDeletionVectors(table.log, [deletedRowsOf([4, 2])]);
    const { add: file } = add("a", { deletionVector: vector! });
    expect((await table.inputFile(form, file).deletedRows?.())?.rows).toEqual(Float64Array.of(2, 4));
    expect(table.inputFile(form, add("a").add).deletedRows).toBeUndefined();
  });
});

test("a catalog opens each table once, and tells the accounts apart", () => {
  const { store, ...others } = services;
  const catalog = new TableCatalog({ host: store, lake: store }, others);
  expect(catalog.open("lake", "a/b")).toBe(catalog.open("lake", "a/b"));
  expect(catalog.open("lake", "a/b")).not.toBe(catalog.open("host", "a/b"));
  expect(catalog.open("lake", "a/b").path).toBe("a/b");
});

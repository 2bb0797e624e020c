/** What the library refuses of a table that a flow writes, as the command line does: changes of what the pipeline says. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  addColumns,
  addConstraint,
  dropColumns,
  renameColumn,
  widenColumn,
  type Alteration,
  type AlterOptions,
  type TableSession,
} from "../../../../shared/table/index.ts";
import {
  DeltaLake,
  integer,
  localFolder,
  long,
  string,
  struct,
  type LakeTable,
} from "../../../../shared/table/lake/index.ts";

let folder: string;
let lake: DeltaLake;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dyne-flow-table-"));
  lake = await DeltaLake.open({ store: localFolder(folder), memoryLimitMb: 512, directory: folder });
});
afterAll(async () => {
  await lake[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

let tables = 0;
/** A table of one row, in which every alteration is possible. */
async function people(): Promise<LakeTable> {
  const table = await lake.create(`tables/t${++tables}`, {
    schema: struct({ id: integer(), name: string(), age: integer() }),
    properties: {
      "delta.columnMapping.mode": "name",
      "delta.enableTypeWidening": "true",
    },
  });
  await table.append([{ id: 1, name: "Ada", age: 36 }]);
  await table.addConstraint("adult", "age > 17");
  return lake.table(table.path);
}

/** As the first batch of a flow does. */
async function writtenByFlow(table: LakeTable): Promise<void> {
  const fences = [{ appId: "dyne/flights/silver.people/0", version: 1, expected: undefined }];
  const outcome = await table.append([{ id: 2, name: "Grace", age: 37 }], { fences });
  expect(outcome.kind).toBe("committed");
}

const more = [{ id: 3, name: "Mary", age: 38, city: "Jedburgh" }];
const schema = struct({ id: integer(), name: string(), age: integer(), city: string() });
const grown = { schema, mergeSchema: true } as const;
const alterations: Readonly<Record<string, (table: LakeTable) => Promise<{ readonly kind: string }>>> = {
  "adding a column": (table) => table.addColumns({ city: string() }),
  "renaming a column": (table) => table.renameColumn("name", "called"),
  "dropping a column": (table) => table.dropColumns(["name"]),
  "widening a column": (table) => table.widenColumn("id", long()),
  "adding a constraint": (table) => table.addConstraint("positive", "id > 0"),
  "a change of its columns by appended rows": (table) => table.append(more, grown),
  "a change of its columns by rows in the place of others": (table) => table.overwrite(more, grown),
  "a change of its columns by merged rows": async (table) => {
    const people = await lake.create(`tables/t${++tables}`, { schema });
    await people.append(more);
    const merge = await table.merge(await people.source(), ({ target, source }) => target["id"]!.eq(source.id));
    return merge.whenNotMatchedInsert().execute({ mergeSchema: true });
  },
};

describe.each(Object.entries(alterations))("%s", (name, alter) => {
  test("is done to a table that no flow writes", async () => {
    expect(await alter(await people())).toMatchObject({ kind: "committed" });
  });

  test("is refused of a table that a flow writes, with what to do, and changes nothing", async () => {
    const table = await people();
    await writtenByFlow(table);
    const before = await table.snapshot();
    const altering = alter(table);
    await expect(altering).rejects.toMatchObject({ code: "INVALID_ARGUMENT", details: { flow: "silver.people" } });
    const change = name.replace(/ by .*/, "");
    await expect(altering).rejects.toThrow(
      `is written by the flow silver.people, whose batches would no longer fit it after ${change}. Change the table in its pipeline.`,
    );
    expect((await table.snapshot()).version).toBe(before.version);
  });
});

test.each<[string, (session: TableSession, options: AlterOptions) => Promise<Alteration>]>([
  ["adding a column", (session, options) => addColumns(session, { city: string() }, options)],
  ["renaming a column", (session, options) => renameColumn(session, "name", "called", options)],
  ["dropping a column", (session, options) => dropColumns(session, ["name"], options)],
  ["widening a column", (session, options) => widenColumn(session, "id", long(), options)],
  ["adding a constraint", (session, options) => addConstraint(session, "positive", "id > 0", options)],
])("%s is refused before the first batch where the caller knows the flow", async (change, alter) => {
  const { session } = await people();
  const altering = alter(session, { writer: { flow: "gold.people", appendsOnly: true } });
  await expect(altering).rejects.toThrow(
    `is written by the flow gold.people, whose batches would no longer fit it after ${change}.`,
  );
});

test("what does not change a flow's columns is still done", async () => {
  const table = await people();
  await writtenByFlow(table);
  expect(await table.append([{ id: 3, name: "Mary", age: 38 }], { mergeSchema: true })).toMatchObject({
    kind: "committed",
  });
  expect(await table.dropConstraint("adult")).toMatchObject({ kind: "committed" });
  expect(await table.setProperties({ owner: "registry" })).toMatchObject({ kind: "committed" });
});

test("the table of all flows' progress keeps its columns and its way of replacing rows", async () => {
  const fences = [{ appId: "progress/flights/silver.people/0", version: 1, expected: undefined }];
  const table = await lake.create(`tables/t${++tables}`, {
    schema: struct({ pipeline: string(), lane: string(), generation: long(), batchId: long(), name: string() }),
    properties: { "delta.columnMapping.mode": "name" },
  });
  await table.append([{ pipeline: "flights", lane: "0", generation: 1n, batchId: 1n }], { fences });
  await expect(table.dropColumns(["name"])).rejects.toThrow(
    "is written by the flow system.progress, whose batches would no longer fit it after dropping a column. Derive a table of your own from it.",
  );
  await expect(table.setProperties({ "delta.appendOnly": "true" })).rejects.toThrow(
    "is written by the flow system.progress, which replaces rows, or may.",
  );
});

test("a table with fences of another writer that look like those of progress is nobody's", async () => {
  const table = await people();
  const fences = [{ appId: "progress/a/b/c", version: 1, expected: undefined }];
  await table.append([{ id: 2, name: "Grace", age: 37 }], { fences });
  expect(await table.setProperties({ "delta.appendOnly": "true" })).toMatchObject({ kind: "committed" });
});

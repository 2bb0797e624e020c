import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DeltaLake, integer, localFolder, struct, type DataType } from "../../../../shared/table/lake/index.ts";

let folder: string;
let lake: DeltaLake;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dyne-types-"));
  lake = await DeltaLake.open({ store: localFolder(folder), directory: folder });
  await lake.create("t", {
    schema: struct({ id: integer() }),
    properties: { "delta.enableTypeWidening": "true" },
  });
});
afterAll(async () => {
  await lake[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const text = "bigint" as unknown as DataType;

/** What JavaScript may give. */
test.each<[string, () => Promise<unknown>]>([
  ["a column to be added", () => lake.table("t").addColumns({ age: text })],
  ["a column without one", () => lake.table("t").addColumns({ age: undefined as unknown as DataType })],
  ["a column to be widened", () => lake.table("t").widenColumn("id", text)],
  ["a new table's columns without struct", () => lake.create("u", { schema: { id: integer() } as never })],
  ["a new table without columns", () => lake.create("u", {} as never)],
])("what is no type is refused as one, and not as a broken log: %s", async (_, ask) => {
  const asked = ask();
  await expect(asked).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(asked).rejects.toThrow("not a type. Give one, such as long()");
  expect((await lake.table("t").snapshot()).version).toBe(0);
});

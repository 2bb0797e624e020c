import { afterAll, beforeAll, expect, test } from "vitest";
import { optimize, purge, type TableSession } from "../../../../shared/table/index.ts";
import { openCompute, type ComputeUnderTest } from "../../../support/compute-under-test.ts";
import { filesOf, KeptTable } from "../../../support/kept-table.ts";

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(() => under[Symbol.asyncDispose]());

/** Two partitions with a file of a hundred rows each, and a table that may have deletion vectors. */
async function hundreds(): Promise<KeptTable> {
  const types = { id: { kind: "long" }, part: { kind: "integer" } } as const;
  const kept = await KeptTable.create(under.compute, { types, partitionBy: ["part"] });
  const id = Array.from({ length: 200 }, (_, i) => BigInt(i));
  await kept.append({ id, part: id.map((each) => Number(each % 2n)) });
  return kept;
}

const partOf = async (kept: KeptTable, part: string) =>
  filesOf(await kept.table.latest()).find(({ partitionValues }) => partitionValues["part"] === part)!;

test("a purge writes files with deletion vectors without the deleted rows, and no others", async () => {
  const kept = await hundreds();
  const untouched = await partOf(kept, "0");
  await kept.deleteRows(await partOf(kept, "1"), [0, 99]);
  const rows = await kept.rows();
  expect(rows).toHaveLength(198);
  const result = await purge(kept);
  expect(result).toMatchObject({
    kind: "committed",
    metrics: { filesAdded: 1, filesRemoved: 1, rows: 98, deletionVectorsRemoved: 1, partitions: 1 },
  });
  expect(await kept.rows()).toEqual(rows);
  const files = filesOf(await kept.table.latest());
  expect(files.map(({ deletionVector }) => deletionVector)).toEqual([undefined, undefined]);
  expect(files.map(({ path }) => path)).toContain(untouched.path);
  expect(await purge(kept)).toMatchObject({ kind: "unchanged" });
});

test("a file whose rows are all deleted goes, and nothing takes its place", async () => {
  const kept = await hundreds();
  await kept.deleteRows(
    await partOf(kept, "1"),
    Array.from({ length: 100 }, (_, row) => row),
  );
  expect(await purge(kept)).toMatchObject({ metrics: { filesAdded: 0, filesRemoved: 1, rows: 0 } });
  expect(await kept.rows()).toHaveLength(100);
});

test("a purge of one partition leaves the vectors of the others", async () => {
  const kept = await hundreds();
  for (const part of ["0", "1"]) await kept.deleteRows(await partOf(kept, part), [1]);
  expect(await purge(kept, { where: [{ kind: "eq", column: "part", value: 0 }] })).toMatchObject({
    metrics: { filesRemoved: 1 },
  });
  expect((await partOf(kept, "0")).deletionVector).toBeUndefined();
  expect((await partOf(kept, "1")).deletionVector).toBeDefined();
});

test("optimize writes a file anew of which many rows are deleted, alone, and leaves one with few deleted rows", async () => {
  const kept = await hundreds();
  await kept.deleteRows(await partOf(kept, "0"), [1, 2, 3, 4, 5]);
  await kept.deleteRows(await partOf(kept, "1"), [1, 2, 3, 4, 5, 6]);
  const rows = await kept.rows();
  expect(await optimize(kept)).toMatchObject({ metrics: { filesAdded: 1, filesRemoved: 1, rows: 94 } });
  expect((await partOf(kept, "0")).deletionVector).toBeDefined();
  expect(await kept.rows()).toEqual(rows);
});

test("rows that another deletes by a vector while their file is written anew stay deleted", async () => {
  const kept = await hundreds();
  await kept.deleteRows(await partOf(kept, "0"), [0]);
  await kept.deleteRows(await partOf(kept, "1"), [0]);
  const other = kept.another();
  let jobs = 0;
  const session: TableSession = {
    table: kept.table,
    compute: {
      close: async () => undefined,
      run: async (job) => {
        const result = await under.compute.run(job);
        if (++jobs === 1) {
          const file = filesOf(await other.latest()).find(({ partitionValues }) => partitionValues["part"] === "1")!;
          await kept.deleteRows(file, [0, 1, 2], other);
        }
        return result;
      },
    },
  };
  expect(await purge(session)).toMatchObject({ kind: "committed", metrics: { filesAdded: 2, rows: 99 + 97 } });
  expect(await kept.rows()).toHaveLength(196);
  expect((await kept.table.latest()).files.size).toBe(2);
});

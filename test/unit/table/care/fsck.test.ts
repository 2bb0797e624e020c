import { afterAll, beforeAll, expect, test } from "vitest";
import { dataFilePath } from "../../../../shared/delta/index.ts";
import { fsck } from "../../../../shared/table/index.ts";
import { openCompute, type ComputeUnderTest } from "../../../support/compute-under-test.ts";
import { filesOf, KeptTable } from "../../../support/kept-table.ts";

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(() => under[Symbol.asyncDispose]());

/** Four files: whole, gone, cut short, and one whose deletion vector is gone. */
async function damaged() {
  const kept = await KeptTable.create(under.compute, { types: { id: { kind: "long" } } });
  for (let id = 0n; id < 4n; id++) await kept.append({ id: [id, id + 10n] });
  const [whole, gone, short, marked] = filesOf(await kept.table.latest());
  expect(await fsck(kept.table)).toEqual({ kind: "sound", version: 4, files: 4 });
  await kept.deleteRows(marked!, [0]);
  expect(await fsck(kept.table)).toEqual({ kind: "sound", version: 5, files: 4 });
  await kept.store.delete(dataFilePath(kept.table.log, gone!));
  await kept.store.put(dataFilePath(kept.table.log, short!), new Uint8Array(5));
  const vector = (await kept.objects()).find((path) => path.endsWith(".bin"));
  await kept.store.delete(`${kept.table.path}/${vector}`);
  return { kept, whole: whole!.path, gone: gone!.path, short: short!.path, marked: marked!.path };
}

const pathsOf = async (kept: KeptTable) => filesOf(await kept.table.latest()).map(({ path }) => path);

test("what is wrong with each file is told, and nothing is changed", async () => {
  const { kept, gone, short, marked } = await damaged();
  const result = await fsck(kept.table);
  expect(result).toMatchObject({ kind: "faulty", version: 5, files: 4 });
  const faults = result.kind === "faulty" ? result.faults : [];
  expect(Object.fromEntries(faults.map(({ path, fault, foundBytes }) => [path, [fault, foundBytes]]))).toEqual({
    [gone]: ["missing", null],
    [short]: ["size", 5],
    [marked]: ["vector-missing", null],
  });
  expect((await kept.table.latest()).version).toBe(5);
});

test("a repair takes files that are gone out of the log, and on request those of another size", async () => {
  const { kept, whole, short } = await damaged();
  expect(await fsck(kept.table, { repair: "missing" })).toMatchObject({
    kind: "committed",
    metrics: { filesRemoved: 2 },
  });
  expect(await pathsOf(kept)).toEqual([whole, short].sort());
  const [commit] = await kept.table.changes(5, 6);
  expect(commit?.commitInfo).toMatchObject({ operation: "FSCK", operationMetrics: { numRemovedFiles: "2" } });
  expect(await fsck(kept.table, { repair: "missing" })).toMatchObject({ kind: "faulty", files: 2 });
  expect(await fsck(kept.table, { repair: "damaged" })).toMatchObject({
    kind: "committed",
    metrics: { filesRemoved: 1 },
  });
  expect(await fsck(kept.table)).toMatchObject({ kind: "sound", files: 1 });
  expect(await kept.rows()).toHaveLength(2);
});

import { expect, test } from "vitest";
import { CareSnapshots } from "../../../shared/engine/index.ts";
import { commit, type Snapshot } from "../../../shared/delta/index.ts";
import { append, newTable } from "../delta/table-under-test.ts";

async function tableOf(files: number): Promise<Snapshot> {
  const { log, base } = await newTable();
  const paths = Array.from({ length: files }, (_, number) => `part-${number}.parquet`);
  return (await commit(log, append(base, ...paths))).snapshot;
}

test("snapshots are kept up to so many files, those that were looked at last", async () => {
  const snapshots = new CareSnapshots(10);
  const [a, b, c] = [await tableOf(4), await tableOf(4), await tableOf(3)];
  snapshots.keep("a", a);
  snapshots.keep("b", b);
  snapshots.keep("a", a);
  snapshots.keep("c", c);
  expect(["a", "b", "c"].map((path) => snapshots.newest(path, undefined))).toEqual([a, undefined, c]);
});

test("a table that is too large alone is not kept, and drives no other out", async () => {
  const snapshots = new CareSnapshots(10);
  const small = await tableOf(10);
  snapshots.keep("small", small);
  snapshots.keep("large", await tableOf(11));
  expect(snapshots.newest("large", undefined)).toBeUndefined();
  expect(snapshots.newest("small", undefined)).toBe(small);
});

/** To which size a table's small files are merged by themselves, and how much of it at once. */
import { expect, test } from "vitest";
import { firstBins, type Bin } from "../../../../shared/table/care/bin.ts";
import { mergeSize } from "../../../../shared/table/index.ts";
import { schemaOf } from "../../../support/compute-under-test.ts";
import { snapshotOfFirst, type AddFile, type Snapshot } from "../../../../shared/delta/index.ts";
import { metaData, plainProtocol } from "../../../support/table-history.ts";
import { commitOf } from "../../../../shared/delta/commit-file.ts";

const kb = 1024;
const mb = 1024 * kb;

const file = (size: number, fields: Partial<AddFile> = {}): Omit<AddFile, "path"> => ({
  partitionValues: {},
  size,
  modificationTime: 0,
  dataChange: true,
  ...fields,
});
const times = (count: number, size: number, fields?: Partial<AddFile>) =>
  Array.from({ length: count }, () => file(size, fields));

function snapshotOf(
  files: readonly Omit<AddFile, "path">[],
  configuration: Readonly<Record<string, string>> = {},
): Snapshot {
  const adds = files.map((each, index) => ({ add: { path: `part-${index}.parquet`, ...each } }));
  const schema = schemaOf({ id: { kind: "long" } });
  return snapshotOfFirst(
    { path: "lake/t" },
    commitOf(0, [plainProtocol, metaData(schema, { configuration }), ...adds], 0),
  );
}

test.each<[string, readonly Omit<AddFile, "path">[], Readonly<Record<string, string>>, number | undefined]>([
  ["too few", times(9, kb), {}, undefined],
  ["tiny ones", times(10, kb), {}, 256 * kb],
  ["tiny ones beside large ones", [...times(10, kb), ...times(50, 200 * mb)], {}, 256 * kb],
  ["ones that were merged before, and a few tiny ones", [...times(9, kb), ...times(9, 200 * kb)], {}, 2 * mb],
  ["those that were merged before, at last", [...times(5, kb), ...times(4, mb), ...times(9, 10 * mb)], {}, 16 * mb],
  ["ones that are nearly as they should be", times(10, 90 * mb), {}, 128 * mb],
  ["ones that are as they should be", times(50, 100 * mb), {}, undefined],
  ["ones of a smaller target", times(10, 90 * mb), { "delta.targetFileSize": "64mb" }, undefined],
  [
    "those of two lanes",
    [...times(9, kb, { tags: { lane: "0" } }), ...times(9, kb, { tags: { lane: "1" } })],
    {},
    undefined,
  ],
  ["ones that nobody wants merged", times(10, kb), { "delta.autoOptimize.autoCompact": "false" }, undefined],
  ["ones that are to be merged", times(10, kb), { "delta.autoOptimize.autoCompact": "auto" }, 256 * kb],
])("of files, %s", (_, files, configuration, expected) => {
  expect(mergeSize(snapshotOf(files, configuration), 10)).toBe(expected);
});

test("bins are taken in order up to a size, and one at least", () => {
  const bins = [5, 3, 9, 1].map((bytes): Bin => ({
    bytes,
    files: [],
    group: { partitionValues: {}, tags: {}, files: [] },
  }));
  const taken = (bytesMax: number) => firstBins(bins, bytesMax).map(({ bytes }) => bytes);
  expect([taken(0), taken(8), taken(16), taken(18), firstBins([], 9)]).toEqual([[5], [5, 3], [5, 3], [5, 3, 9, 1], []]);
});

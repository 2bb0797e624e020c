import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { limits } from "../../../../shared/core/index.ts";
import type { AddFile } from "../../../../shared/delta/index.ts";
import { filesToMerge } from "../../../../shared/engine/incremental/small-files.ts";

const kib = 1024;

function file(path: string, size: number, day: string | null = "2026-01-01"): AddFile {
  return { path, size, partitionValues: { day }, modificationTime: 0, dataChange: true };
}

const merged = (files: readonly AddFile[]): readonly string[] =>
  filesToMerge(files)
    .map(({ path }) => path)
    .sort();

describe("the files of a hidden table that are merged", () => {
  test("are those of which a partition has four in one size", () => {
    const three = ["a", "b", "c"].map((path) => file(path, kib));
    expect(merged(three)).toEqual([]);
    expect(merged([...three, file("d", 2 * kib)])).toEqual(["a", "b", "c", "d"]);
  });

  test.each([
    ["another partition", file("d", kib, "2026-01-02")],
    ["the partition without a value", file("d", kib, null)],
    ["another size", file("d", 64 * kib)],
  ])("are not helped by one of %s", (_, other) => {
    expect(merged([file("a", kib), file("b", kib), file("c", kib), other])).toEqual([]);
  });

  test("are never as large as those that are left alone", () => {
    expect(merged(["a", "b", "c", "d", "e"].map((path) => file(path, 4 * kib * kib)))).toEqual([]);
  });

  test("are those of the smallest size first, where all are more than a batch can bear", () => {
    const small = Array.from({ length: 5 }, (_, index) => file(`small-${index}`, kib));
    const large = Array.from({ length: 9 }, (_, index) => file(`large-${index}`, 3 * kib * kib));
    const picked = merged([...large, ...small]);
    expect(picked.filter((path) => path.startsWith("small"))).toHaveLength(5);
    expect(picked.filter((path) => path.startsWith("large"))).toHaveLength(5);
  });

  test("leave few of each partition in the end, and each batch writes no more than its share", () => {
    const sizes = fc.array(
      fc.record({
        bytes: fc.oneof(fc.integer({ min: 1, max: 6 * kib * kib }), fc.integer({ min: 1, max: 64 * kib })),
        day: fc.constantFrom("a", "b", null),
      }),
      { maxLength: 160 },
    );
    fc.assert(
      fc.property(sizes, (drawn) => {
        let files = drawn.map(({ bytes, day }, index) => file(`f${index}`, bytes, day));
        for (let batch = 0; filesToMerge(files).length > 0; batch++) {
          expect(batch, "batches until nothing is to be merged").toBeLessThan(drawn.length);
          const picked = new Set(filesToMerge(files));
          expect(new Set(filesToMerge(files.toReversed()))).toEqual(picked);
          expect(picked.size).toBeLessThanOrEqual(limits.hiddenMergeFiles);
          expect([...picked].reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(limits.hiddenMergeBytes);
          const written = new Map<string | null, number>();
          for (const { size, partitionValues } of picked)
            written.set(partitionValues["day"] ?? null, (written.get(partitionValues["day"] ?? null) ?? 0) + size);
          files = [
            ...files.filter((each) => !picked.has(each)),
            ...[...written].map(([day, size]) => file(`batch-${batch}-${day}`, size, day)),
          ];
        }
        const small = files.filter(({ size }) => size < 4 * kib * kib);
        expect(small.length).toBeLessThanOrEqual(3 * 4 * (limits.hiddenSmallFilesMax - 1));
      }),
    );
  });
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { countedWork } from "../../support/counted-work.ts";
import { ActiveFiles, type AddFile } from "../../../shared/delta/index.ts";

const file = (path: string, size: number): AddFile => ({
  path,
  partitionValues: {},
  size,
  modificationTime: 0,
  dataChange: true,
});

test("files after any changes are those of a plain map, and older versions stay as they were", () => {
  const change = fc.record({
    removes: fc.array(fc.nat(12), { maxLength: 4 }),
    adds: fc.array(fc.nat(12), { maxLength: 4 }),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (history) => {
      let files = ActiveFiles.empty;
      const plain = new Map<string, number>();
      const versions: { files: ActiveFiles; expected: ReadonlyMap<string, number> }[] = [];
      for (const [i, { removes, adds }] of history.entries()) {
        files = files.after(
          removes.map((n) => ({ path: `f${n}` })),
          adds.map((n) => file(`f${n}`, i)),
        );
        for (const n of removes) plain.delete(`f${n}`);
        for (const n of adds) plain.set(`f${n}`, i);
        versions.push({ files, expected: new Map(plain) });
      }
      for (const { files: version, expected } of versions) {
        expect(version.size).toBe(expected.size);
        expect(new Map([...version].map(({ path, size }) => [path, size]))).toEqual(expected);
        for (let n = 0; n <= 12; n++) expect(version.get(`f${n}`)?.size).toBe(expected.get(`f${n}`));
      }
    }),
  );
});

test("a thousand commits on a large table touch few entries each", async () => {
  const large = ActiveFiles.empty.after(
    [],
    Array.from({ length: 100_000 }, (_, i) => file(`base-${i}`, 1)),
  );
  let files = large;
  const { entries } = await countedWork(() => {
    for (let i = 0; i < 1_000; i++) files = files.after([{ path: `base-${i}` }], [file(`new-${i}`, 1)]);
  });
  // Two of each commit, melted with those before them as often as their number can be doubled.
  expect(entries).toBeLessThan(2 * 1_000 * (1 + Math.log2(2_000)));
  expect(files.size).toBe(100_000);
  expect(large.has("base-0")).toBe(true);
  expect(files.has("base-0")).toBe(false);
});

/**
 * Files of a hidden table that are due to become one. A batch writes anew what it reads of a hidden table, so that they are merged by being
 * read with what it touches, and no commit is made for them alone.
 */
import { limits } from "../../core/index.ts";
import type { AddFile } from "../../delta/index.ts";
import { canonicalJson } from "../../plan/index.ts";

/** Sizes that files grow through, in bytes: a row is written a few times for each of them, and files above the last are left alone. */
const sizesBytes = [64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024] as const;

/**
 * The files of which a partition has so many in one size, those of the smallest size first, and no more than a batch can bear beside its own.
 * The same for the same files, in whatever order they come, so that a batch that is done again reads the same. Pure.
 */
export function filesToMerge(files: Iterable<AddFile>): readonly AddFile[] {
  const groups = new Map<string, AddFile[]>();
  for (const file of files) {
    const size = sizesBytes.findIndex((bytes) => file.size < bytes);
    if (size < 0) continue;
    const key = `${size} ${canonicalJson(file.partitionValues)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  const due = [...groups].filter(([, { length }]) => length >= limits.hiddenSmallFilesMax);
  let [count, bytes] = [0, 0];
  return due.sort(byKey).flatMap(([, group]) => {
    const fitting = group
      .sort(bySize)
      .filter(({ size }) => ++count <= limits.hiddenMergeFiles && (bytes += size) <= limits.hiddenMergeBytes);
    return fitting.length > 1 ? fitting : [];
  });
}

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
const bySize = (a: AddFile, b: AddFile): number => a.size - b.size || (a.path < b.path ? -1 : 1);

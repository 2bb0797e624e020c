/** Files that are written into one, or a few: chosen by how small they are and how many of them there are, never by the clock (SPEC.md 13). */
import type { AddFile } from "../../delta/index.ts";
import { deletedShare, liveBytes, type FileGroup } from "./file-group.ts";

export interface Bin {
  readonly group: FileGroup;
  readonly files: readonly AddFile[];
  /** Of rows that are not deleted, about. */
  readonly bytes: number;
}

export interface BinRules {
  /** What a file should have. */
  readonly targetBytes: number;
  /** A group with fewer small files than this is left alone. */
  readonly smallFilesMin: number;
  /** A file of which a greater share of rows is deleted is written anew, alone if need be. */
  readonly deletedShareMax: number;
  readonly binFilesMax: number;
}

/** A file that is larger than this share of the target is no small one: merged files, which come out smaller than their parts, stay as they are. */
const smallShare = 0.75;

/**
 * The bins of a group: neighbours in time, filled up to the target one after another. A bin has two files at least, unless it is there for
 * deleted rows. Pure.
 */
export function binsOf(group: FileGroup, rules: BinRules): readonly Bin[] {
  const isWorn = (file: AddFile): boolean => deletedShare(file) > rules.deletedShareMax;
  const small = new Set(smallFilesOf(group, rules.targetBytes));
  const merges = small.size >= Math.max(2, rules.smallFilesMin);
  const candidates = group.files.filter((file) => isWorn(file) || (merges && small.has(file)));
  return filled(group, candidates, rules.targetBytes, rules.binFilesMax).filter(
    ({ files }) => files.length > 1 || files.some(isWorn),
  );
}

/** The files of a group that are to be merged where there are enough of them. Pure. */
export function smallFilesOf(group: FileGroup, targetBytes: number): readonly AddFile[] {
  return group.files.filter((file) => liveBytes(file) < smallShare * targetBytes);
}

/** The first bins, up to so many bytes in all, and one at least where there is one. Pure. */
export function firstBins(bins: readonly Bin[], bytesMax: number): readonly Bin[] {
  let bytes = 0;
  return bins.filter((bin, index) => {
    bytes += bin.bytes;
    return index === 0 || bytes <= bytesMax;
  });
}

/** All files of a group in bins of at most so many bytes, with one file at least. Pure. */
export function filled(
  group: FileGroup,
  files: readonly AddFile[],
  bytesMax: number,
  filesMax: number,
): readonly Bin[] {
  const bins: Bin[] = [];
  let open: AddFile[] = [];
  let bytes = 0;
  const close = (): void => {
    if (open.length > 0) bins.push({ group, files: open, bytes });
    open = [];
    bytes = 0;
  };
  for (const file of files) {
    const size = liveBytes(file);
    if (bytes + size > bytesMax || open.length >= filesMax) close();
    open.push(file);
    bytes += size;
  }
  close();
  return bins;
}

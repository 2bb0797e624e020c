import { tableProperty, type Snapshot } from "../../delta/index.ts";
import { smallFilesOf } from "./bin.ts";
import { fileGroups } from "./file-group.ts";
import { targetFileBytes } from "./target-size.ts";

/** Sizes that files grow through, as parts of what they should have in the end: a row is written as often as there are sizes. */
const parts = [512, 64, 8, 1];

/**
 * To which size small files should be merged now: the smallest for which a group has so many files below it. Merged files are then left alone
 * until there are as many of their own size, so that a growing file is not written anew for each few rows. Undefined where nothing is to be
 * merged, and for a table that does not want it (`delta.autoOptimize.autoCompact` = `false`). Pure; costs as much as there are files.
 */
export function mergeSize(snapshot: Snapshot, smallFilesMin: number): number | undefined {
  if (tableProperty(snapshot.metadata.configuration, "delta.autoOptimize.autoCompact") === "false") return undefined;

  const groups = fileGroups(snapshot.files).filter(({ files }) => files.length >= smallFilesMin);
  return parts
    .map((part) => Math.ceil(targetFileBytes(snapshot) / part))
    .find((bytes) => groups.some((group) => smallFilesOf(group, bytes).length >= smallFilesMin));
}

/** Which files of a table may be written into one: those of one partition, and of one lane and one job where a flow writes it (SPEC.md 4). */
import { fileKey, parseStats, type AddFile, type PartitionValues } from "../../delta/index.ts";

export interface FileGroup {
  readonly partitionValues: PartitionValues;
  /** What its files say of whose rows they hold, and what a file written from them says again. */
  readonly tags: Readonly<Record<string, string>>;
  /** In the order in which they were written. */
  readonly files: readonly AddFile[];
}

/** Tags that tell whose rows a file has: a flow finds the rows of a lane, and those that a backfill brought, by them. */
const ownerTags = ["lane", "job"] as const;

/** The files, apart by partition, lane and job; the groups in the order of their first files' paths. Pure. */
export function fileGroups(files: Iterable<AddFile>): readonly FileGroup[] {
  const groups = new Map<string, AddFile[]>();
  const inOrder = [...files].sort((a, b) => a.modificationTime - b.modificationTime || compareKeys(a, b));
  for (const file of inOrder) {
    const key = JSON.stringify([partitionKey(file.partitionValues), tagsOf(file)]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, members]) => {
      const [first] = members as [AddFile];
      return { partitionValues: first.partitionValues, tags: tagsOf(first), files: members };
    });
}

/** Tells partitions apart, whatever the order of their columns. */
export function partitionKey(values: PartitionValues): string {
  return JSON.stringify(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The share of a file's rows that its deletion vector deletes: 0 without one, 1 where the number of rows is not known. */
export function deletedShare({ deletionVector, stats }: AddFile): number {
  if (deletionVector === undefined) return 0;
  const rows = parseStats(stats)?.numRecords ?? 0;
  return rows === 0 ? 1 : Math.min(1, deletionVector.cardinality / rows);
}

/** About how many bytes of a file are rows that are not deleted. */
export function liveBytes(file: AddFile): number {
  return Math.ceil(file.size * (1 - deletedShare(file)));
}

function tagsOf({ tags }: AddFile): Readonly<Record<string, string>> {
  const kept = ownerTags.flatMap((name) => {
    const value = tags?.[name];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  return Object.fromEntries(kept);
}

function compareKeys(a: AddFile, b: AddFile): number {
  const [left, right] = [fileKey(a), fileKey(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

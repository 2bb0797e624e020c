import { partitionKey } from "./file-group.ts";
import type { RewrittenBin } from "./rewrite.ts";

/** What was done to the files of a table. */
export interface RewriteMetrics {
  readonly filesAdded: number;
  readonly filesRemoved: number;
  readonly bytesAdded: number;
  readonly bytesRemoved: number;
  readonly partitions: number;
  readonly bins: number;
  /** Of the rows in the files that were written. */
  readonly rows: number;
  readonly deletionVectorsRemoved: number;
}

/** The sum over bins. Pure. */
export function rewriteMetrics(bins: readonly RewrittenBin[]): RewriteMetrics {
  const added = bins.flatMap(({ adds }) => adds);
  const removed = bins.flatMap(({ bin }) => bin.files);
  return {
    filesAdded: added.length,
    filesRemoved: removed.length,
    bytesAdded: bytesOf(added),
    bytesRemoved: bytesOf(removed),
    partitions: new Set(bins.map(({ bin }) => partitionKey(bin.group.partitionValues))).size,
    bins: bins.length,
    rows: bins.reduce((sum, { rows }) => sum + rows, 0),
    deletionVectorsRemoved: removed.filter(({ deletionVector }) => deletionVector !== undefined).length,
  };
}

/** The same by the names that Spark's OPTIMIZE gives them in the table's history. Pure. */
export function optimizeMetrics(bins: readonly RewrittenBin[]): Readonly<Record<string, number>> {
  const { filesAdded, filesRemoved, bytesAdded, bytesRemoved, deletionVectorsRemoved } = rewriteMetrics(bins);
  const sizes = bins.flatMap(({ adds }) => adds.map(({ size }) => size)).sort((a, b) => a - b);
  const at = (share: number): number => sizes[Math.min(sizes.length - 1, Math.floor(share * sizes.length))] ?? 0;
  return {
    numAddedFiles: filesAdded,
    numRemovedFiles: filesRemoved,
    numAddedBytes: bytesAdded,
    numRemovedBytes: bytesRemoved,
    numDeletionVectorsRemoved: deletionVectorsRemoved,
    minFileSize: sizes[0] ?? 0,
    p25FileSize: at(0.25),
    p50FileSize: at(0.5),
    p75FileSize: at(0.75),
    maxFileSize: sizes.at(-1) ?? 0,
  };
}

function bytesOf(files: readonly { readonly size: number }[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

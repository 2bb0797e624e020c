/**
 * Writes the rows of many small files into few (Delta's OPTIMIZE), and on request into files by whose statistics several columns skip well
 * (Z-order). Rows, and what readers of changes see, stay the same.
 */
import { DyneError, limits } from "../../core/index.ts";
import type { RowCondition } from "../row-condition.ts";
import type { TableSession } from "../table-session.ts";
import { binsOf, filled, firstBins } from "./bin.ts";
import { fileGroups } from "./file-group.ts";
import { conditionText, partitionPredicate } from "./partition-predicate.ts";
import { optimizeMetrics } from "./rewrite-metrics.ts";
import { rewriteTable, type RewriteProgress, type RewriteResult } from "./rewrite-table.ts";
import { targetFileBytes } from "./target-size.ts";
import { assertZOrderable } from "./z-order.ts";

export interface OptimizeOptions {
  /** Only these partitions. */
  readonly where?: readonly RowCondition[] | undefined;
  /** All files of the partitions are written anew, their rows in an order that serves these columns alike. */
  readonly zOrderBy?: readonly string[] | undefined;
  /** Instead of the table's `delta.targetFileSize`, or 128 MB. */
  readonly targetBytes?: number | undefined;
  /** A partition, or the part of it that one lane has written, with fewer small files is left alone; 2 where it is not said. */
  readonly smallFilesMin?: number | undefined;
  /** Rows that are ordered together; 1 GB where it is not said. They have to fit on the local disk. */
  readonly sortBytes?: number | undefined;
  /** About how many bytes are written anew at most; the rest is left to another call. */
  readonly bytesMax?: number | undefined;
  /** That nobody asked for it, for the table's history. */
  readonly isAuto?: boolean | undefined;
  /** Milliseconds since the epoch, by the table's clock, after which no more is begun: what is written by then is committed, one bin at least. */
  readonly untilMs?: number | undefined;
  readonly onProgress?: ((progress: RewriteProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Optimizes a table, by one commit or by several of bounded size. Appends of others go through meanwhile and are never defeated; where
 * others change files of a bin, only that bin is chosen anew, a bounded number of times. Files of different lanes or jobs are never mixed
 * (SPEC.md 4). A table that a keyed flow writes is optimized under that flow's lease, which is the caller's to hold.
 *
 * Errors: TABLE_NOT_FOUND; UNKNOWN_COLUMN and INVALID_ARGUMENT for options that do not fit the table; UNSUPPORTED_FEATURE for a table that
 * dyne does not write; FILE_MISSING; those of the compute and the stores. Safe to repeat.
 */
export async function optimize(session: TableSession, options: OptimizeOptions = {}): Promise<RewriteResult> {
  const { where = [], zOrderBy = [] } = options;
  return rewriteTable(session, {
    operation: "OPTIMIZE",
    operationParameters: {
      predicate: JSON.stringify(where.map(conditionText)),
      zOrderBy: JSON.stringify(zOrderBy),
      auto: options.isAuto === true,
    },
    metricsOf: optimizeMetrics,
    zOrderBy,
    untilMs: options.untilMs,
    onProgress: options.onProgress,
    signal: options.signal,
    plan: (snapshot, files) => {
      const isChosen = partitionPredicate(snapshot, session.table.path, where);
      assertZOrderable(snapshot, session.table.path, zOrderBy);
      const rules = {
        targetBytes: targetFileBytes(snapshot, options.targetBytes),
        smallFilesMin: wholeAbove0(options.smallFilesMin ?? 2, "smallFilesMin"),
        deletedShareMax: limits.optimizeDeletedShare,
        binFilesMax: limits.optimizeBinFiles,
      };
      const sortBytes = wholeAbove0(options.sortBytes ?? limits.optimizeSortBytes, "sortBytes");
      const groups = fileGroups(files.filter(isChosen));
      const bins = groups.flatMap((group) =>
        zOrderBy.length === 0 ? binsOf(group, rules) : filled(group, group.files, sortBytes, rules.binFilesMax),
      );
      return { bins: firstBins(bins, options.bytesMax ?? Number.POSITIVE_INFINITY), targetBytes: rules.targetBytes };
    },
  });
}

function wholeAbove0(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new DyneError("INVALID_ARGUMENT", `${name} is ${value}. Use a whole number above 0.`);
}

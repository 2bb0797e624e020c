/** Takes deleted rows out of the files for good (Delta's REORG TABLE … APPLY (PURGE)): files with deletion vectors are written without those rows. */
import { limits } from "../../core/index.ts";
import type { RowCondition } from "../row-condition.ts";
import type { TableSession } from "../table-session.ts";
import { filled } from "./bin.ts";
import { fileGroups } from "./file-group.ts";
import { conditionText, partitionPredicate } from "./partition-predicate.ts";
import { optimizeMetrics } from "./rewrite-metrics.ts";
import { rewriteTable, type RewriteProgress, type RewriteResult } from "./rewrite-table.ts";
import { targetFileBytes } from "./target-size.ts";

export interface PurgeOptions {
  /** Only these partitions. */
  readonly where?: readonly RowCondition[] | undefined;
  /** Instead of the table's `delta.targetFileSize`, or 128 MB. */
  readonly targetBytes?: number | undefined;
  readonly onProgress?: ((progress: RewriteProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Purges a table. The newest version has no deletion vectors then, unless others write some meanwhile; older versions keep the deleted rows
 * until vacuum deletes their files. Errors, conflicts and repetition: as of `optimize`.
 */
export async function purge(session: TableSession, options: PurgeOptions = {}): Promise<RewriteResult> {
  const { where = [] } = options;
  return rewriteTable(session, {
    operation: "REORG",
    operationParameters: { predicate: JSON.stringify(where.map(conditionText)), applyPurge: true },
    metricsOf: optimizeMetrics,
    zOrderBy: [],
    onProgress: options.onProgress,
    signal: options.signal,
    plan: (snapshot, files) => {
      const isChosen = partitionPredicate(snapshot, session.table.path, where);
      const targetBytes = targetFileBytes(snapshot, options.targetBytes);
      const worn = files.filter((file) => file.deletionVector !== undefined && isChosen(file));
      const bins = fileGroups(worn).flatMap((group) =>
        filled(group, group.files, targetBytes, limits.optimizeBinFiles),
      );
      return { bins, targetBytes };
    },
  });
}

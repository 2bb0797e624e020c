import { isDyneError, limits } from "../../core/index.ts";
import { isCheckpointDue, logTail, stateAt, tableProperty, writeCheckpoint } from "../../delta/index.ts";
import type { DeltaTable } from "../delta-table.ts";

/**
 * Writes a checkpoint of a version that was just committed where the log has grown long, or by `delta.checkpointInterval`. Looks at one version in
 * ten. What goes wrong is logged and left to the next: the commit stands.
 */
export async function checkpointWhereDue({ log, known }: DeltaTable, version: number): Promise<void> {
  const interval = known && tableProperty(known.metadata.configuration, "delta.checkpointInterval");
  if (log.checkpointWriter === undefined || version === 0) return;
  if (version % (interval ?? limits.tableCheckpointLookCommits) !== 0) return;
  try {
    if (interval === undefined && !isCheckpointDue(await logTail(log, version))) return;
    await writeCheckpoint(log, await stateAt(log, version));
  } catch (error) {
    if (!isDyneError(error)) throw error;
    log.logger.warn("no checkpoint was written", { table: log.path, version, code: error.code });
  }
}

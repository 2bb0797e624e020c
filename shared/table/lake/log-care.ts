/** What keeps the log of a table short that no flow writes: checkpoints, compactions between them, and old entries gone. */
import { isDyneError, limits } from "../../core/index.ts";
import {
  cleanLog,
  isCheckpointDue,
  isCompactionDue,
  logTail,
  stateAt,
  tableProperty,
  unexpired,
  writeCheckpoint,
  writeCompaction,
  type Snapshot,
} from "../../delta/index.ts";
import type { DeltaTable } from "../delta-table.ts";

/**
 * Does what is due after a version that was just committed: a checkpoint where the log has grown long, or by `delta.checkpointInterval`, and
 * then what is older than `delta.logRetentionDuration` is deleted from the log; else a compaction of many commits. Looks at one version in
 * ten. What goes wrong is logged and left to the next: the commit stands.
 */
export async function careForLog(table: DeltaTable, version: number): Promise<void> {
  const { log, known } = table;
  if (log.checkpointWriter === undefined || known === undefined || version === 0) return;
  const interval = tableProperty(known.metadata.configuration, "delta.checkpointInterval");
  const isInterval = interval !== undefined && version % interval === 0;
  const isLooked =
    version % (interval === undefined ? limits.tableCheckpointLookCommits : limits.compactionCommits) === 0;
  try {
    if (isInterval) return await checkpoint(table, version);
    if (!isLooked) return;
    const tail = await logTail(log, version);
    if (interval === undefined && isCheckpointDue(tail)) return await checkpoint(table, version);
    if (isCompactionDue(tail)) await writeCompaction(log, known, tail.uncompacted, (at) => table.remembered(at));
  } catch (error) {
    if (!isDyneError(error)) throw error;
    log.logger.warn("the log was not taken care of", { table: log.path, version, code: error.code });
  }
}

async function checkpoint({ log }: DeltaTable, version: number): Promise<void> {
  const state = await stateAt(log, version);
  await writeCheckpoint(log, { ...state, tombstones: unexpired(state, log.clock.nowMs()) });
  const { configuration } = state.snapshot.metadata;
  if (!tableProperty(configuration, "delta.enableExpiredLogCleanup") || isOfFlow(state.snapshot)) return;
  const keptMs = tableProperty(configuration, "delta.logRetentionDuration");
  await cleanLog(log, {
    // Whoever has the table open may be behind for a while, whatever it says.
    keptMs: Math.max(keptMs, limits.privateRetentionMs),
    neededFrom: async () => Number.POSITIVE_INFINITY,
    lagMaxMs: Number.POSITIVE_INFINITY,
  });
}

/** Flows know who reads their tables and how far, and clean the logs themselves. */
function isOfFlow({ txns }: Snapshot): boolean {
  return txns.keys().some((appId) => appId.startsWith("dyne/"));
}

/**
 * Deletes sidecars that no checkpoint names any more (PROTOCOL.md § Metadata Cleanup):
 *
 *   _delta_log/00000000000000000042.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json   names
 *   _delta_log/_sidecars/3a0d65cd-4056-49b8-937b-95f9e3ee90e5.parquet
 *
 * They are listed first, then the checkpoints that are there: one that is written meanwhile is read too. A checkpoint that is still being
 * written is not there yet, and its sidecars are young.
 */
import { isDyneError, limits, type ErrorCode } from "../core/index.ts";
import { deleteAll } from "../storage/index.ts";
import { listLog, type ListedCheckpoint } from "./log-listing.ts";
import { logFolder, type DeltaLog } from "./log.ts";
import { sidecarsOf } from "./read-checkpoint.ts";

const dayMs = 24 * 60 * 60 * 1000;

/**
 * Deletes the sidecars that were written before a time, more than a day ago as of midnight UTC, and that no checkpoint of the log names.
 * Where a checkpoint cannot be read, or there are too many to be read, none is deleted, with a warning. Deletes a bounded number and returns
 * it. Costs a listing where there is no such sidecar, and a read of every checkpoint that may name one where there is.
 */
export async function cleanSidecars(log: DeltaLog, beforeMs: number): Promise<number> {
  const nowMs = log.clock.nowMs();
  const endMs = Math.min(beforeMs, nowMs - (nowMs % dayMs) - dayMs);
  const old = new Set<string>();
  for await (const { path, lastModifiedMs } of log.store.list(`${logFolder(log)}/_sidecars/`)) {
    if (lastModifiedMs < endMs) old.add(path);
    if (old.size >= limits.checkpointSidecarsMax) break;
  }
  if (old.size === 0) return 0;
  const { checkpoints } = await listLog(log);
  // In several files there are none with sidecars (PROTOCOL.md § Multi-part checkpoint). Those that surely name some come first.
  const inOneFile = checkpoints.filter(({ paths }) => paths.length === 1);
  const [v2, classic] = [inOneFile.filter(({ form }) => form === "v2"), inOneFile.filter(({ form }) => form !== "v2")];
  if (inOneFile.length > limits.sidecarCheckpointsMax) {
    log.logger.warn("sidecars are left: too many checkpoints may name them", { table: log.path });
    return 0;
  }
  for (const checkpoint of [...v2, ...classic]) {
    if (old.size === 0) return 0;
    const named = await namedBy(log, checkpoint);
    if (named === undefined) return 0;
    for (const path of named) old.delete(path);
  }
  return deleteAll(log.store, [...old].slice(0, limits.maintenanceDeletesMax));
}

/** True where a checkpoint can be read and all sidecars that it names, if any, are there. */
export async function hasItsSidecars(log: DeltaLog, checkpoint: ListedCheckpoint): Promise<boolean> {
  const named = await namedBy(log, checkpoint);
  if (named === undefined) return false;
  const missing = new Set(named);
  if (missing.size === 0) return true;
  for await (const { path } of log.store.list(`${logFolder(log)}/_sidecars/`)) missing.delete(path);
  return missing.size === 0;
}

const unreadable: readonly ErrorCode[] = ["LOG_CORRUPT", "PATH_OUTSIDE_TABLE", "LIMIT_EXCEEDED"];

/** Where the sidecars of a checkpoint are; undefined, with a warning, where it cannot be read. */
async function namedBy(log: DeltaLog, checkpoint: ListedCheckpoint): Promise<readonly string[] | undefined> {
  try {
    return await sidecarsOf(log, checkpoint);
  } catch (error) {
    if (!isDyneError(error) || !unreadable.includes(error.code)) throw error;
    log.logger.warn("a checkpoint cannot be read, so that it is not known which sidecars it names", {
      table: log.path,
      version: checkpoint.version,
      error: error.message,
    });
    return undefined;
  }
}

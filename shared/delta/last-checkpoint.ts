/** `_last_checkpoint`, which says where to look first (PROTOCOL.md § Last Checkpoint File). */
import { z } from "zod";
import { isDyneError, limits } from "../core/index.ts";
import { logFolder, type DeltaLog } from "./log.ts";

/** What `_last_checkpoint` says. */
export interface LastCheckpoint {
  readonly version: number;
  /** Absent where its writer did not say. */
  readonly sizeInBytes?: number | undefined;
  /** Whether its files have other names than the one of a classic checkpoint: there are several, or it is V2. */
  readonly isNamedOtherwise?: boolean | undefined;
}

const shape = z
  .object({
    version: z.int().nonnegative(),
    sizeInBytes: z.int().nonnegative().optional().catch(undefined),
    parts: z.unknown().optional(),
    v2Checkpoint: z.unknown().optional(),
  })
  .transform(({ parts, v2Checkpoint, ...hint }) => ({
    ...hint,
    isNamedOtherwise: (parts ?? v2Checkpoint ?? null) !== null,
  }));

/** The last checkpoint, from `_last_checkpoint`: only a hint, so anything wrong with it means none (PROTOCOL.md § Last Checkpoint File Schema). */
export async function lastCheckpointHint(log: DeltaLog): Promise<LastCheckpoint | undefined> {
  try {
    const stored = await log.store.get(lastCheckpointPath(log), { bytesMax: limits.lastCheckpointBytes });
    return stored && parseLastCheckpoint(log, stored.bytes);
  } catch (error) {
    if (!isDyneError(error, "LIMIT_EXCEEDED")) throw error;
    log.logger.warn("the hint to the last checkpoint is too large and is not used", { table: log.path });
    return undefined;
  }
}

/** The hint as whoever replaces it has to know it: its version is −1 where it says nothing. Undefined where there is none. */
export async function storedHint(
  log: DeltaLog,
): Promise<{ readonly version: number; readonly etag: string } | undefined> {
  const path = lastCheckpointPath(log);
  try {
    const stored = await log.store.get(path, { bytesMax: limits.lastCheckpointBytes });
    return stored && { version: parseLastCheckpoint(log, stored.bytes)?.version ?? -1, etag: stored.etag };
  } catch (error) {
    if (!isDyneError(error, "LIMIT_EXCEEDED")) throw error;
    const there = await log.store.head(path);
    return there && { version: -1, etag: there.etag };
  }
}

/** Takes the bytes of `_last_checkpoint` apart; undefined where they say nothing. */
function parseLastCheckpoint(log: DeltaLog, bytes: Uint8Array): LastCheckpoint | undefined {
  try {
    return shape.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data;
  } catch {
    log.logger.warn("the hint to the last checkpoint is not JSON and is not used", { table: log.path });
    return undefined;
  }
}

/** PROTOCOL.md § Last Checkpoint File. */
export function lastCheckpointPath(log: Pick<DeltaLog, "path">): string {
  return `${logFolder(log)}/_last_checkpoint`;
}

/** Brings a snapshot up to date by the new commits alone. */
import { limits } from "../core/index.ts";
import { readCommit, type DeltaCommit } from "./commit-file.ts";
import { lastCheckpointHint } from "./last-checkpoint.ts";
import type { DeltaLog } from "./log.ts";
import { openSnapshot } from "./open-snapshot.ts";
import { advanceSnapshot, type Snapshot } from "./snapshot.ts";

/**
 * The newest version, from a snapshot of an older one: asks for the next commits by name until there is none and never lists, so that it
 * costs one request beside the new commits. The same snapshot where nothing is new.
 *
 * A snapshot that slept so long that its next commit may have been cleaned away is opened anew from the checkpoint that covers it;
 * `onCommit` is then not told of the commits in between.
 */
export async function updateSnapshot(
  log: DeltaLog,
  snapshot: Snapshot,
  onCommit?: (commit: DeltaCommit) => void,
): Promise<Snapshot> {
  let current = snapshot;
  for (;;) {
    const commit = await readCommit(log, current.version + 1);
    if (commit === undefined) {
      const overtaken = !isTrusted(log, current) && ((await lastCheckpointHint(log))?.version ?? -1) > current.version;
      if (overtaken) current = await openSnapshot(log);
      confirmedMs.set(current, log.clock.nowMs());
      return current;
    }
    current = advanceSnapshot(log, current, commit);
    onCommit?.(commit);
  }
}

/** When a snapshot was last found to be the newest, by the clock of its log; absent where nobody has asked since it was made. */
const confirmedMs = new WeakMap<Snapshot, number>();

/**
 * True where the version after the snapshot cannot have been written and cleaned away since the snapshot was the newest. Of any other a
 * missing next version says nothing, and to create that version could bury a commit below a checkpoint.
 */
export function isTrusted(log: Pick<DeltaLog, "clock">, snapshot: Snapshot): boolean {
  const sinceMs = Math.max(confirmedMs.get(snapshot) ?? 0, snapshot.timestampMs);
  return log.clock.nowMs() - sinceMs < limits.snapshotTrustedMs;
}

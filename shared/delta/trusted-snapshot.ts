/** How long a snapshot may be taken for one whose next version is either there or was never written. */
import { limits } from "../core/index.ts";
import type { DeltaLog } from "./log.ts";
import type { Snapshot } from "./snapshot.ts";

/** When a snapshot was last known to be the newest, by the clock of its log; absent where nobody has asked since it was made. */
const confirmedMs = new WeakMap<Snapshot, number>();

/** Remembers that the snapshot was the newest at this time, in milliseconds since the epoch: before whatever was asked to find that out. */
export function confirmNewest(snapshot: Snapshot, atMs: number): void {
  confirmedMs.set(snapshot, atMs);
}

/**
 * True where the version after the snapshot cannot have been written and cleaned away since the snapshot was the newest. Of any other a
 * missing next version says nothing, and to create that version could bury a commit below a checkpoint.
 */
export function isTrusted(log: Pick<DeltaLog, "clock">, snapshot: Snapshot): boolean {
  const nowMs = log.clock.nowMs();
  // A time far ahead is of a clock that was wrong, here or at a writer, and says nothing of how long ago it was.
  const isRecent = (atMs: number): boolean => Math.abs(nowMs - atMs) < limits.snapshotTrustedMs;
  return isRecent(confirmedMs.get(snapshot) ?? 0) || isRecent(snapshot.timestampMs);
}

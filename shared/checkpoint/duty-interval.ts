/** What a share of time makes of a batch: the interval from its beginning to the earliest one of the next (SPEC.md 11). */
import { limits } from "../core/index.ts";
import type { CommitRecord } from "./formats.ts";

/**
 * Milliseconds, from what the batch took by its commit, so that everyone who reads that keeps to it. 0 for a flow that has all of the time, and
 * for one without a batch: the beginning of a lane is none.
 */
export function dutyIntervalMs(last: CommitRecord | undefined, dutyCycle: number): number {
  if (last === undefined || last.batchId === 0 || dutyCycle >= 1) return 0;
  const spentMs = Object.values(last.progress.durationMs).reduce((sum, ms) => sum + Math.max(0, ms), 0);
  return Math.min(spentMs, limits.refreshCountedMs) / dutyCycle;
}

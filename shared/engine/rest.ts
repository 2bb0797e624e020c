/**
 * How long a flow rests after a batch: so that its batches take no more than a share of the time, the next one begins no earlier than
 * `time / share` after the last one began (SPEC.md 11). What the batch took is in its commit, so that an instance that starts anew, and any
 * other one, keeps to it.
 */
import { dutyIntervalMs, type CommitRecord } from "../checkpoint/index.ts";
import type { FlowDriver } from "./flow.ts";

/** Milliseconds from `nowMs` until the batch after this commit is due; 0 where it is. Never more than the whole rest. */
export function restMs(
  { dutyCycle = 1 }: Pick<FlowDriver, "dutyCycle">,
  last: CommitRecord | undefined,
  nowMs: number,
): number {
  const intervalMs = dutyIntervalMs(last, dutyCycle);
  if (last === undefined || intervalMs === 0) return 0;
  return Math.ceil(leftMs(Date.parse(last.progress.batchTime ?? last.committedTime), intervalMs, nowMs));
}

/**
 * What is left of an interval that began at a time. Nothing by a clock that stands before its beginning: how much of it has passed is not known,
 * and to wait by such a clock would be to wait until it has caught up.
 */
export function leftMs(beganMs: number, intervalMs: number, nowMs: number): number {
  return nowMs < beganMs ? 0 : Math.max(0, beganMs + intervalMs - nowMs);
}

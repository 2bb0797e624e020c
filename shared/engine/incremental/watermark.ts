/**
 * Event-time progress (SPEC.md 4): one maximum per lane, because a row's lateness belongs to its place in its own lane; one minimum over
 * the lanes, because state may only go once no lane can need it.
 */
import { instantMicros, instantText } from "../../core/index.ts";
import type { Watermark } from "../../checkpoint/index.ts";

export interface WatermarkSpec {
  readonly delayMs: number;
  readonly idleAfterMs: number;
}

/** The watermark before the first batch: the lanes that exist are waited for, though none has a row yet. */
export function initialWatermark(lanes: readonly string[]): Watermark {
  return {
    lanes: Object.fromEntries(lanes.map((lane) => [lane, { maxEventTime: null, silentMs: 0 }])),
    evictedBefore: null,
  };
}

/** Adds lanes that have appeared since; they are waited for from now on. */
export function withLanes(watermark: Watermark, lanes: readonly string[]): Watermark {
  const added = lanes.filter((lane) => watermark.lanes[lane] === undefined);
  if (added.length === 0) return watermark;
  return { ...watermark, lanes: { ...watermark.lanes, ...initialWatermark(added).lanes } };
}

/** What a batch saw of one lane. */
export interface LaneObservation {
  readonly rows: number;
  /** Greatest event time in microseconds, leaving out rows too far ahead of their arrival. */
  readonly maxEventTimeUs: bigint | undefined;
}

/**
 * The watermark after a batch. `elapsedMs` is the time since the batch before it; a pause of the whole flow makes no lane idle, so no
 * more than a tenth of `idleAfter` counts per batch.
 */
export function nextWatermark(
  current: Watermark,
  observed: ReadonlyMap<string, LaneObservation>,
  elapsedMs: number,
  spec: WatermarkSpec,
): Watermark {
  const silenceMs = Math.max(0, Math.min(elapsedMs, Math.ceil(spec.idleAfterMs / 10)));
  const lanes = { ...withLanes(current, [...observed.keys()]).lanes };
  for (const [lane, progress] of Object.entries(lanes)) {
    const seen = observed.get(lane);
    lanes[lane] = {
      maxEventTime: later(progress.maxEventTime, seen?.maxEventTimeUs),
      silentMs: seen !== undefined && seen.rows > 0 ? 0 : progress.silentMs + silenceMs,
    };
  }
  const bound = evictionBoundUs(lanes, spec);
  return { lanes, evictedBefore: later(current.evictedBefore, bound) };
}

/**
 * Where state may go: a row that is not late has an event time of at least its lane's maximum − delay, and its duplicates lie within
 * another delay of it. Undefined while a lane that counts has no row yet.
 */
function evictionBoundUs(lanes: Watermark["lanes"], spec: WatermarkSpec): bigint | undefined {
  let minimum: bigint | undefined;
  for (const progress of Object.values(lanes)) {
    if (progress.silentMs > spec.idleAfterMs) continue;
    if (progress.maxEventTime === null) return undefined;
    const maximum = instantMicros(progress.maxEventTime);
    if (minimum === undefined || maximum < minimum) minimum = maximum;
  }
  return minimum === undefined ? undefined : minimum - 2n * BigInt(spec.delayMs) * 1000n;
}

function later(text: string | null, micros: bigint | undefined): string | null {
  if (micros === undefined) return text;
  return text === null || instantMicros(text) < micros ? instantText(micros) : text;
}

/** The offsets of a batch as they are logged: what its driver planned, and all else that makes a re-run the same run (SPEC.md 3). */
import { batchId, generation, instantOfMs, type FlowId, type LaneId } from "../core/index.ts";
import { LaneLog, type GenerationRecord, type OffsetsRecord } from "../checkpoint/index.ts";
import type { EngineContext } from "./context.ts";
import type { PlannedInput } from "./flow.ts";

export function plannedOffsets(
  context: Pick<EngineContext, "clock" | "random">,
  flow: FlowId,
  lane: LaneId,
  generation: GenerationRecord,
  batch: number,
  planned: PlannedInput,
): OffsetsRecord {
  return {
    format: 1,
    flow,
    lane,
    generation: generation.generation,
    batchId: batch,
    attempt: context.random.uuid(),
    batchTime: instantOfMs(context.clock.nowMs()),
    seed: context.random.uuid(),
    timeZone: "UTC",
    planFingerprint: generation.planFingerprint,
    inputs: planned.inputs,
    statics: planned.statics,
    watermark: planned.watermark,
    job: planned.job,
  };
}

/** Where a lane began to read at all, in this generation or the latest one before it that did not continue another; undefined where it never did. */
export async function firstOffsets(
  { host, clock, random }: Pick<EngineContext, "host" | "clock" | "random">,
  flow: FlowId,
  newest: number,
  lane: LaneId,
): Promise<OffsetsRecord | undefined> {
  let g = newest;
  while (g >= 1) {
    const log = new LaneLog({ store: host, clock, random }, flow, generation(g), lane);
    const [begin, commit] = await Promise.all([log.offsetsAt(batchId(0)), log.commitAt(batchId(0))]);
    const continued = commit?.continues?.generation;
    if (begin !== undefined && continued === undefined) return begin;
    g = continued ?? g - 1;
  }
  return undefined;
}

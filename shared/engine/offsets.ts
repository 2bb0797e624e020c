/** The offsets of a batch as they are logged: what its driver planned, and all else that makes a re-run the same run (SPEC.md 3). */
import { instantOfMs, type FlowId, type LaneId } from "../core/index.ts";
import type { GenerationRecord, OffsetsRecord } from "../checkpoint/index.ts";
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

/**
 * How a lane passes from one generation to the next (SPEC.md 2). The record in `generations/` is the decision; what follows from it is
 * done by whoever comes to the lane first, and each step may be done twice:
 *
 *     1. swap      where the generation swaps data: one commit per table with txn (g, 0) for every lane it names, so that batches of
 *                  the generation before are fenced from then on
 *     2. seal      outcome/N+1 of the generation before, put-if-absent: the lane ends there. A batch that was decided first is rolled
 *                  forward, and the one after it sealed
 *     3. begin     commits/0 says where the tables stand, offsets/0 where the input goes on
 */
import { batchId, DyneError, generation, instantOfMs, laneId, limits, type LaneId } from "../core/index.ts";
import {
  FlowLog,
  LaneLog,
  type CommitRecord,
  type GenerationRecord,
  type LaneHead,
  type TableCommit,
} from "../checkpoint/index.ts";
import type { EngineContext } from "./context.ts";
import { noCounts } from "./counts.ts";
import type { FlowDriver, PlannedInput } from "./flow.ts";
import { firstOffsets, plannedOffsets } from "./offsets.ts";
import { nextStep } from "./recovery.ts";
import { rollForward } from "./roll-forward.ts";
import { swapTables, type SwappedTables } from "./swap.ts";

/** `waiting`: the driver cannot say yet where the lane begins. */
export type Beginning = "begun" | "waiting" | "superseded";

/** Writes the lane's `commits/0` and `offsets/0`. Safe to repeat, and to be done by two at once: the first records count. */
export async function beginLane(
  context: EngineContext,
  driver: FlowDriver,
  record: GenerationRecord,
  lane: LaneId,
  signal: AbortSignal,
): Promise<Beginning> {
  const log = laneLog(context, driver, record.generation, lane);
  if (record.generation === 1) {
    const start = await driver.start(lane);
    if (start === undefined) return "waiting";
    await log.putOffsets(plannedOffsets(context, driver.flow, lane, record, 0, start));
    return "begun";
  }
  const before = await generationBefore(context, driver, record);
  const finished = await finishDecided(context, driver, before, record, signal);
  if (finished !== "finished") return finished;
  // The rows of a lane that the swap does not name are in the tables still: it can only go on where it ends, whatever became of the others.
  const isSwapped = Object.values(record.swap ?? {}).some((lanes) => Object.hasOwn(lanes, lane));
  const swapped = await swapTables(context, driver, record, lane);
  if (swapped === "fenced" && isSwapped) return "superseded";
  const end = await sealLane(context, driver, before, lane, { by: record, isFenced: isSwapped }, signal);
  if (end === "waiting" || end === "superseded") return end;
  const continues = record.swap === null || isSwapped ? record.continues : { kind: "seal" as const };
  const place = await placeOf(context, driver, continues, lane, before, end);
  if (place === undefined) return "waiting";
  await log.putCommit({
    format: 1,
    flow: driver.flow,
    lane,
    generation: record.generation,
    batchId: 0,
    committedTime: instantOfMs(context.clock.nowMs()),
    tables: standing(record, end.lastCommit, isSwapped && swapped !== "fenced" ? swapped : undefined),
    continues: place.continues,
    progress: { counts: noCounts, durationMs: {}, strategy: { name: "hand-over", reason: record.reason } },
  });
  await log.putOffsets(plannedOffsets(context, driver.flow, lane, record, 0, place.input));
  return "begun";
}

/**
 * A restore that keeps the place in the input swaps the sink alone. Quarantine and state may hold a batch that was decided already, so it
 * is finished, for every lane, before the swap fences it.
 */
async function finishDecided(
  context: EngineContext,
  driver: FlowDriver,
  before: GenerationRecord,
  record: GenerationRecord,
  signal: AbortSignal,
): Promise<"finished" | "waiting" | "superseded"> {
  if (record.swap === null || record.continues.kind !== "seal") return "finished";
  const lanes = new Set(Object.values(record.swap).flatMap((versions) => Object.keys(versions)));
  for (const lane of lanes) {
    const end = await sealLane(context, driver, before, laneId(lane), { by: record, isFenced: false }, signal);
    if (end === "waiting" || end === "superseded") return end;
  }
  return "finished";
}

/**
 * Ends a lane of a generation, and says where. Decided batches are rolled forward first, except where the tables are swapped: there they
 * are fenced, and what they hold is not wanted.
 */
async function sealLane(
  context: EngineContext,
  driver: FlowDriver,
  before: GenerationRecord,
  lane: LaneId,
  { by, isFenced }: { readonly by: GenerationRecord; readonly isFenced: boolean },
  signal: AbortSignal,
): Promise<LaneHead | "waiting" | "superseded"> {
  const log = laneLog(context, driver, before.generation, lane);
  let head = await log.head();
  if (head.lastOffsets === undefined && before.generation > 1) {
    const begun = await beginLane(context, driver, before, lane, signal);
    if (begun === "waiting") return "waiting";
    // Fenced by the swap of the very generation that goes on, the lane ends there with nothing; by a later one's, nobody goes on from here.
    if (begun === "superseded" && !isFenced) return "superseded";
    head = await log.head();
  }
  for (let attempt = 1; attempt <= limits.sealAttemptsMax; attempt++) {
    const step = nextStep(head);
    if (step.kind === "sealed") return head;
    if (step.kind === "roll") {
      if (isFenced) return head;
      const batch = {
        lane,
        generation: before,
        offsets: step.offsets,
        lastCommit: head.lastCommit,
        hint: undefined,
        signal,
      };
      const rolled = await rollForward(context, driver, log, batch, step.outcome, {});
      if (rolled.kind === "fenced") return head;
    } else {
      await log.putOutcome({
        format: 1,
        flow: driver.flow,
        lane,
        generation: before.generation,
        batchId: (head.lastCommit?.batchId ?? 0) + 1,
        redo: 0,
        attempt: context.random.uuid(),
        createdTime: instantOfMs(context.clock.nowMs()),
        tables: [],
        watermark: null,
        counts: noCounts,
        strategy: { name: "seal", reason: by.reason },
        promoted: null,
        job: null,
        seal: by.generation,
      });
    }
    head = await log.advance(head);
  }
  throw new DyneError(
    "STORAGE_UNAVAILABLE",
    `Lane ${lane} of ${driver.flow} went on ${limits.sealAttemptsMax} times while it was to end. It is tried again later.`,
  );
}

interface Place {
  readonly input: PlannedInput;
  readonly continues: CommitRecord["continues"];
}

/** Where the input goes on; undefined while that cannot be said. */
async function placeOf(
  context: EngineContext,
  driver: FlowDriver,
  continues: GenerationRecord["continues"],
  lane: LaneId,
  before: GenerationRecord,
  end: LaneHead,
): Promise<Place | undefined> {
  if (continues.kind === "seal" && end.lastOffsets !== undefined) {
    const { inputs, statics, watermark, job, batchId: last } = end.lastOffsets;
    return {
      input: { inputs, statics, watermark: end.lastOutcome?.watermark ?? watermark, job },
      continues: { generation: before.generation, batchId: last },
    };
  }
  const batch = continues.kind === "batches" ? continues.lanes[lane] : undefined;
  if (batch !== undefined) {
    const log = laneLog(context, driver, batch.generation, lane);
    const [offsets, outcome] = await Promise.all([
      log.offsetsAt(batchId(batch.batchId)),
      batch.batchId === 0 ? undefined : log.outcomeAt(batchId(batch.batchId)),
    ]);
    if (offsets === undefined) {
      throw new DyneError(
        "CHECKPOINT_CORRUPT",
        `Batch ${batch.batchId} of generation ${batch.generation} of ${driver.flow} lane ${lane}, from which it was to go on, is no longer in the checkpoint. Reset the flow.`,
      );
    }
    const { inputs, statics, watermark, job } = offsets;
    return { input: { inputs, statics, watermark: outcome?.watermark ?? watermark, job }, continues: batch };
  }
  const start = await driver.start(lane, await firstOffsets(context, driver.flow, before.generation, lane));
  return start === undefined ? undefined : { input: start, continues: null };
}

/** Where each table stands before the first batch, and which txn that batch has to find there. */
function standing(
  record: GenerationRecord,
  last: CommitRecord | undefined,
  swapped: SwappedTables | undefined,
): Record<string, TableCommit> {
  const tables: Record<string, TableCommit> = {};
  for (const [role, { tableId }] of Object.entries(record.tables)) {
    const known = last?.tables[role];
    tables[role] = swapped?.[role] ?? (known?.tableId === tableId ? known : { tableId, version: -1, txn: null });
  }
  return tables;
}

async function generationBefore(
  context: EngineContext,
  driver: FlowDriver,
  record: GenerationRecord,
): Promise<GenerationRecord> {
  const log = new FlowLog({ store: context.host, clock: context.clock, random: context.random }, driver.flow);
  const before = await log.generationAt(generation(record.generation - 1));
  if (before !== undefined) return before;
  throw new DyneError(
    "CHECKPOINT_CORRUPT",
    `Generation ${record.generation} of ${driver.flow} follows one that is not in the checkpoint. Restore generations/, or reset the flow.`,
  );
}

function laneLog(context: EngineContext, driver: FlowDriver, g: number, lane: LaneId): LaneLog {
  return new LaneLog(
    { store: context.host, clock: context.clock, random: context.random },
    driver.flow,
    generation(g),
    laneId(lane),
  );
}

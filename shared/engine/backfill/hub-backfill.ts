/** A range of a hub, partition by partition, each in its replay lane (SPEC.md 18). */
import {
  DyneError,
  generation,
  instantMicros,
  instantText,
  laneId,
  replayLane,
  type LaneId,
} from "../../core/index.ts";
import { FlowLog, LaneLog, type BackfillRequest, type HubRange, type JobPlan } from "../../checkpoint/index.ts";
import type { HubFlow } from "../declared-flow.ts";
import { recordsOf, rowsAdded, type BackfillStep, type BackfillWork } from "./backfill-work.ts";
import { hindrance } from "../lane-result.ts";

type HubPlan = Extract<JobPlan, { kind: "hub" }>;
type Range = HubPlan["ranges"][number];
type HubRequest = Extract<BackfillRequest, { from: unknown }>;

export const hubBackfill: BackfillWork<HubPlan> = {
  async plan(step) {
    const { services } = step;
    const { hub } = step.flow as HubFlow;
    const request = step.job.request as HubRequest;
    const { epochUs, partitions } = await services.hubs.describe(hub);
    if (request.partition !== undefined && !partitions.includes(request.partition))
      throw new DyneError(
        "INVALID_ARGUMENT",
        `${hub} has no partition ${request.partition}. It has ${partitions.join(", ")}.`,
      );
    const epoch = instantText(epochUs);
    const newest = (await generationsOf(step)).at(-1)?.generation ?? 0;
    const ranges: Range[] = [];
    for (const partition of request.partition === undefined ? partitions : [request.partition]) {
      const lane = laneId(partition);
      const live = await liveRange(step, lane);
      if (live === undefined)
        throw new DyneError(
          "GENERATION_CHANGED",
          `${step.flow.id} has not begun to read partition ${partition} yet; a replay brings what it has passed`,
        );
      if (live.epoch !== epoch)
        throw new DyneError(
          "HUB_CHANGED",
          `The hub ${hub} was created again at ${epoch}, and ${step.flow.id} has read its predecessor so far. Wait until it reads the new one, then ask again.`,
        );
      const from = await sequenceOf(step, hub, partition, request.from);
      const to = request.to === undefined ? live.untilSequence : await sequenceOf(step, hub, partition, request.to);
      const held = await services.hubs.partition(hub, partition);
      if (typeof request.from === "number" && from < held.beginSequence)
        throw new DyneError(
          "INVALID_ARGUMENT",
          `Partition ${partition} of ${hub} holds sequence numbers from ${held.beginSequence} on; ${from} has expired. Ask from there, or by time.`,
        );
      const untilSequence = Math.min(to, live.untilSequence);
      if (from < untilSequence) ranges.push({ partition, fromSequence: from, untilSequence, atSequence: from });
    }
    return { kind: "hub", epoch, generation: newest, ranges };
  },

  async advance(step, planned, budgetMs) {
    const plan = await inNewest(step, planned);
    const { services, engine, flow, job } = step;
    const untilMs = services.clock.nowMs() + budgetMs;
    const ranges = [...plan.ranges];
    let waits: string | undefined;
    for (const [index, range] of ranges.entries()) {
      if (range.atSequence >= range.untilSequence) continue;
      const leftMs = untilMs - services.clock.nowMs();
      if (leftMs <= 0) break;
      const lane = replayLane(laneId(range.partition));
      const part = {
        kind: "hub",
        epoch: plan.epoch,
        generation: plan.generation,
        fromSequence: range.atSequence,
        untilSequence: range.untilSequence,
      } as const;
      const result = await engine.replay(flow.id, lane, job.jobId, part, leftMs);
      ranges[index] = { ...range, atSequence: await positionOf(step, lane, range) };
      waits =
        hindrance(flow.id, result) ?? (result.kind === "idle" ? await left(step, plan, ranges, index) : undefined);
      if (waits !== undefined) break;
    }
    const isDone = ranges.every((range) => range.atSequence >= range.untilSequence);
    return {
      plan: { ...plan, ranges },
      progress: {
        unit: "events",
        done: total(ranges.map((range) => range.atSequence - range.fromSequence)),
        total: total(ranges.map((range) => range.untilSequence - range.fromSequence)),
      },
      rows: await rowsAdded(step),
      next: isDone ? { kind: "done" } : waits === undefined ? { kind: "more" } : { kind: "waits", for: waits },
    };
  },
};

/** The plan in the newest generation: where that set the table to something else, what was done by then is to be done again. */
async function inNewest(step: BackfillStep, plan: HubPlan): Promise<HubPlan> {
  const since = (await generationsOf(step)).filter((record) => record.generation > plan.generation);
  const newest = since.at(-1);
  if (newest === undefined) return plan;
  const isKept = since.every(({ swap }) => swap === null);
  const ranges = isKept ? plan.ranges : plan.ranges.map((range) => ({ ...range, atSequence: range.fromSequence }));
  return { ...plan, generation: newest.generation, ranges };
}

/**
 * A lane that is idle before its end: either the rest has expired, which ends the range there, or it cannot go on now, and this says why.
 * Throws HUB_CHANGED where the hub is another one.
 */
async function left(step: BackfillStep, plan: HubPlan, ranges: Range[], index: number): Promise<string | undefined> {
  const { services, flow } = step;
  const { hub } = flow as HubFlow;
  const range = ranges[index] as Range;
  if (range.atSequence >= range.untilSequence) return undefined;
  if (instantText((await services.hubs.describe(hub)).epochUs) !== plan.epoch)
    throw new DyneError("HUB_CHANGED", `The hub ${hub} was created again while it was replayed. Ask for the new one.`);
  const held = await services.hubs.partition(hub, range.partition);
  if (held.beginSequence < range.untilSequence)
    return `${flow.id} begins partition ${range.partition} again, and a replay never runs ahead of it`;
  ranges[index] = { ...range, atSequence: range.untilSequence };
  return undefined;
}

/** How far a replay lane has come with the job. */
async function positionOf(step: BackfillStep, lane: LaneId, range: Range): Promise<number> {
  const head = await headOf(step, lane);
  const input = head?.lastOffsets?.inputs[(step.flow as HubFlow).hub];
  const isOfJob = head?.lastOffsets?.job === step.job.jobId && input?.kind === "hub";
  return isOfJob ? Math.max(range.atSequence, input.untilSequence) : range.atSequence;
}

async function liveRange(step: BackfillStep, lane: LaneId): Promise<HubRange | undefined> {
  const input = (await headOf(step, lane))?.lastOffsets?.inputs[(step.flow as HubFlow).hub];
  return input?.kind === "hub" ? input : undefined;
}

function generationsOf({ services, flow }: BackfillStep) {
  return new FlowLog(recordsOf(services), flow.id).generations();
}

async function headOf(step: BackfillStep, lane: LaneId) {
  const { services, flow } = step;
  const newest = (await generationsOf(step)).at(-1);
  return newest && (await new LaneLog(recordsOf(services), flow.id, generation(newest.generation), lane).head());
}

async function sequenceOf(
  { services }: BackfillStep,
  hub: string,
  partition: string,
  position: number | string,
): Promise<number> {
  if (typeof position === "number") return position;
  return services.hubs.sequenceAt(hub, partition, instantMicros(new Date(position).toISOString()));
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

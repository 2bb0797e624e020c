/** A view computed from its inputs again, as a generation of its own, in one fenced commit (SPEC.md 17). */
import { batchId, DyneError, generation, laneId } from "../../core/index.ts";
import { FlowLog, LaneLog, type JobPlan } from "../../checkpoint/index.ts";
import { recordsOf, type Advanced, type BackfillStep, type BackfillWork } from "./backfill-work.ts";

type RefreshPlan = Extract<JobPlan, { kind: "refresh" }>;

export const refreshBackfill: BackfillWork<RefreshPlan> = {
  async plan(step) {
    const newest = (await generationsOf(step)).at(-1)?.generation;
    if (newest === undefined)
      throw new DyneError(
        "INVALID_ARGUMENT",
        `${step.flow.id} has not run yet; its first batch computes all of it. Nothing needs to be refreshed.`,
      );
    return { kind: "refresh", generation: newest };
  },

  async advance(step, plan) {
    const { engine, flow } = step;
    const generations = await generationsOf(step);
    const newest = generations.at(-1);
    if (newest?.generation === plan.generation) {
      // An older build must not take the view back to its own query: the newer one does the job.
      const isOfOlderBuild = generations.some(({ planFingerprint }) => planFingerprint === flow.fingerprint);
      if (newest.planFingerprint !== flow.fingerprint && isOfOlderBuild)
        return advanced(plan, undefined, `a newer build runs ${flow.id}`);
      await engine.refresh(flow.id, plan.generation);
    }
    await engine.ring(flow.id);
    const rows = await rowsOfRefresh(step, plan);
    const state = await stateOf(step);
    return state === "RUNNING"
      ? advanced(plan, rows, "the view runs as soon as its interval is over", flow.minIntervalMs)
      : advanced(plan, rows, `the view is ${state}; "dyne flow list" says why`);
  },
};

function advanced(plan: RefreshPlan, rows: number | undefined, waits: string, inMs?: number): Advanced {
  return {
    plan,
    progress: { unit: "refreshes", done: rows === undefined ? 0 : 1, total: 1 },
    rows: rows ?? 0,
    next:
      rows === undefined ? { kind: "waits", for: waits, ...(inMs === undefined ? {} : { inMs }) } : { kind: "done" },
  };
}

function generationsOf({ services, flow }: BackfillStep) {
  return new FlowLog(recordsOf(services), flow.id).generations();
}

async function stateOf({ services, flow }: BackfillStep): Promise<string> {
  return (await new FlowLog(recordsOf(services), flow.id).state()).record?.state ?? "RUNNING";
}

/** Rows of the first batch of a generation after the planned one; undefined before it is committed. */
async function rowsOfRefresh({ services, flow }: BackfillStep, plan: RefreshPlan): Promise<number | undefined> {
  const records = recordsOf(services);
  const generations = await new FlowLog(records, flow.id).generations();
  for (const { generation: g } of generations.filter((record) => record.generation > plan.generation)) {
    const log = new LaneLog(records, flow.id, generation(g), laneId("0"));
    const { lastCommit } = await log.head();
    if (lastCommit === undefined || lastCommit.batchId === 0) continue;
    return ((await log.commitAt(batchId(1))) ?? lastCommit).progress.counts.outputRows;
  }
  return undefined;
}

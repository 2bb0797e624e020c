/** A view computed from its inputs again, as a generation of its own, in one fenced commit (SPEC.md 17). */
import { DyneError, generation, laneId } from "../../core/index.ts";
import { FlowLog, LaneLog, type JobPlan } from "../../checkpoint/index.ts";
import { recordsOf, type Advanced, type BackfillStep, type BackfillWork } from "./backfill-work.ts";

type RefreshPlan = Extract<JobPlan, { kind: "refresh" }>;

export const refreshBackfill: BackfillWork<RefreshPlan> = {
  async plan(step) {
    const newest = await newestGeneration(step);
    if (newest === undefined)
      throw new DyneError(
        "INVALID_ARGUMENT",
        `${step.flow.id} has not run yet; its first batch computes all of it. Nothing needs to be refreshed.`,
      );
    return { kind: "refresh", generation: newest };
  },

  async advance(step, plan) {
    const { engine, flow } = step;
    if ((await newestGeneration(step)) === plan.generation) await engine.refresh(flow.id);
    await engine.ring(flow.id);
    const rows = await rowsOfRefresh(step, plan);
    return advanced(plan, rows, await stateOf(step));
  },
};

function advanced(plan: RefreshPlan, rows: number | undefined, state: string): Advanced {
  const waits = state === "RUNNING" ? "the view's lane is busy" : `the view is ${state}; "dyne flow list" says why`;
  return {
    plan,
    progress: { unit: "refreshes", done: rows === undefined ? 0 : 1, total: 1 },
    rows: rows ?? 0,
    next: rows === undefined ? { kind: "waits", for: waits } : { kind: "done" },
  };
}

async function newestGeneration({ services, flow }: BackfillStep): Promise<number | undefined> {
  return (await new FlowLog(recordsOf(services), flow.id).generations()).at(-1)?.generation;
}

async function stateOf({ services, flow }: BackfillStep): Promise<string> {
  return (await new FlowLog(recordsOf(services), flow.id).state()).record?.state ?? "RUNNING";
}

/** Rows of the first batch of a generation after the planned one; undefined before it is committed. */
async function rowsOfRefresh({ services, flow }: BackfillStep, plan: RefreshPlan): Promise<number | undefined> {
  const records = recordsOf(services);
  const generations = await new FlowLog(records, flow.id).generations();
  for (const { generation: g } of generations.filter((record) => record.generation > plan.generation)) {
    const { lastCommit } = await new LaneLog(records, flow.id, generation(g), laneId("0")).head();
    if (lastCommit !== undefined && lastCommit.batchId > 0) return lastCommit.progress.counts.outputRows;
  }
  return undefined;
}

/** Landed files of a folder that the ledger does not name, in the lane that reads files (SPEC.md 18). */
import { laneId } from "../../core/index.ts";
import type { BackfillRequest, JobPlan } from "../../checkpoint/index.ts";
import { rowsAdded, type BackfillWork } from "./backfill-work.ts";
import { hindrance } from "../lane-result.ts";

type FilesPlan = Extract<JobPlan, { kind: "files" }>;
type FilesRequest = Extract<BackfillRequest, { prefix: unknown }>;

export const filesBackfill: BackfillWork<FilesPlan> = {
  async plan({ job }) {
    return { kind: "files", prefix: (job.request as FilesRequest).prefix };
  },

  async advance(step, plan, budgetMs) {
    const { engine, flow, job } = step;
    const result = await engine.replay(flow.id, laneId("0"), job.jobId, plan, budgetMs);
    const waits = hindrance(flow.id, result);
    const isDone = result.kind === "idle" || (result.kind === "ran" && !result.more);
    const rows = await rowsAdded(step);
    return {
      plan,
      progress: { unit: "rows", done: rows, total: isDone ? rows : null },
      rows,
      next: isDone ? { kind: "done" } : waits === undefined ? { kind: "more" } : { kind: "waits", for: waits },
    };
  },
};

/**
 * Names under the container `checkpoints` of the account `host`:
 *
 *     <flow>/state.json
 *     <flow>/generations/<g>
 *     <flow>/maintenance                      a lease
 *     <flow>/care/<role>.json                 when a table of the flow was last looked after
 *     system.progress/care/sink.json          the same of the table of all batches
 *     <flow>/<g>/<lane>/offsets/<batchId>
 *     <flow>/<g>/<lane>/outcome/<batchId>[.<redo>]
 *     <flow>/<g>/<lane>/commits/<batchId>
 *     <flow>/<g>/<lane>/lease
 *     <flow>/<g>/state/<operator>/            Delta tables
 *     <flow>/<g>/staged/                      rows of open merges
 *     jobs/<jobId>/job.json                   a backfill
 *     jobs-open/<jobId>                       it has not ended
 *
 * Numbers have 20 digits, so that names sort as numbers do.
 */
import { paddedNumber, type BatchId, type FlowId, type Generation, type LaneId } from "../core/index.ts";

const container = "checkpoints";

export const layout = {
  flow: (flow: FlowId) => `${container}/${flow}`,
  state: (flow: FlowId) => `${container}/${flow}/state.json`,
  maintenance: (flow: FlowId) => `${container}/${flow}/maintenance`,
  care: (flow: FlowId, role: string) => `${container}/${flow}/care/${role}.json`,
  progressCare: `${container}/system.progress/care/sink.json`,
  generations: (flow: FlowId) => `${container}/${flow}/generations/`,
  generation: (flow: FlowId, g: Generation) => `${container}/${flow}/generations/${paddedNumber(g)}`,
  generationRoot: (flow: FlowId, g: Generation) => `${container}/${flow}/${paddedNumber(g)}`,
  lane: (flow: FlowId, g: Generation, lane: LaneId) => `${container}/${flow}/${paddedNumber(g)}/${lane}`,
  log: (flow: FlowId, g: Generation, lane: LaneId, log: LogName) => `${layout.lane(flow, g, lane)}/${log}/`,
  entry: (flow: FlowId, g: Generation, lane: LaneId, log: LogName, batch: BatchId, redo = 0) =>
    `${layout.log(flow, g, lane, log)}${paddedNumber(batch)}${redo === 0 ? "" : `.${redo}`}`,
  lease: (flow: FlowId, g: Generation, lane: LaneId) => `${layout.lane(flow, g, lane)}/lease`,
  stateTable: (flow: FlowId, g: Generation, operator: string) => `${layout.generationRoot(flow, g)}/state/${operator}`,
  jobs: `${container}/jobs/`,
  job: (jobId: string) => `${layout.jobs}${jobId}/job.json`,
  openJobs: `${container}/jobs-open/`,
  openJob: (jobId: string) => `${layout.openJobs}${jobId}`,
  staged: (flow: FlowId, g: Generation) => `${layout.generationRoot(flow, g)}/staged`,
} as const;

/** The three logs of a lane. */
export type LogName = "offsets" | "outcome" | "commits";

/** The batch id in the name of a log entry, or undefined for a name of another kind. */
export function batchIdOfName(path: string): number | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return /^\d{20}$/.test(name) ? Number(name) : undefined;
}

/**
 * Backfill jobs as JSON, under the container `checkpoints` of the account `host`:
 *
 *     jobs/<jobId>/job.json    the job, from its request to its end; changed by put-if-match
 *     jobs-open/<jobId>        there is such a job, and it has not ended
 *
 *     {"format":1,"jobId":"0f8c…","flow":"bronze.flights","request":{"kind":"replay","source":"bronze.flights","from":0,"to":5000},
 *      "requestedBy":"ops@contoso","createdTime":"2026-…Z","state":"RUNNING","updatedTime":"2026-…Z","turn":7,"endedTime":null,
 *      "plan":{"kind":"hub","epoch":"2026-…Z","generation":1,
 *      "ranges":[{"partition":"0","fromSequence":0,"untilSequence":5000,"atSequence":1200}]},
 *      "progress":{"unit":"events","done":1200,"total":5000},"rows":1187,"waitsFor":null,"error":null}
 */
import { z } from "zod";
import { checkpointFormat, instant } from "./formats.ts";

const count = z.number().int().nonnegative();
const time = z.iso.datetime({ offset: true });
/** A sequence number, or a time for the first event enqueued at it or after it. */
const hubPosition = z.union([count, time]);

/** What is asked for, as it is sent to `POST /api/backfill`. */
export const backfillRequest = z.union([
  z.strictObject({
    kind: z.literal("replay"),
    /** A table fed from files. */
    source: z.string(),
    /** Container and folder, such as `landing/airports/2026/`. */
    prefix: z.string().min(1).max(1_024),
  }),
  z.strictObject({
    kind: z.literal("replay"),
    /** A table fed from a hub. */
    source: z.string(),
    from: hubPosition,
    /** The end, not included; all that the table has read so far where it is left out. */
    to: hubPosition.optional(),
    /** One partition; all of them where it is left out. */
    partition: z
      .string()
      .regex(/^\d{1,4}$/)
      .optional(),
  }),
  z.strictObject({
    kind: z.literal("refresh"),
    /** A materialized view. */
    table: z.string(),
  }),
]);

/** A part of one partition: half-open, and how far it is done. */
export const replayRange = z.object({
  partition: z.string(),
  fromSequence: count,
  untilSequence: count,
  atSequence: count,
});

/** What is to be done, resolved once, when the job begins. */
export const jobPlan = z.discriminatedUnion("kind", [
  /** The generation that the positions are of. */
  z.object({ kind: z.literal("hub"), epoch: instant, generation: count, ranges: z.array(replayRange) }),
  z.object({ kind: z.literal("files"), prefix: z.string() }),
  /** The generation before the refresh. */
  z.object({ kind: z.literal("refresh"), generation: count }),
]);

export const jobState = z.enum(["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"]);

export const jobRecord = z.object({
  format: z.literal(checkpointFormat),
  jobId: z.uuid(),
  flow: z.string(),
  request: backfillRequest,
  /** Who asked, as the token names them; null on a laptop. */
  requestedBy: z.string().nullable(),
  createdTime: instant,
  state: jobState,
  updatedTime: instant,
  /** How often it was changed: a bell of an earlier turn is not answered, because whoever changed it since has rung again. */
  turn: count,
  endedTime: instant.nullable(),
  /** Null while QUEUED. */
  plan: jobPlan.nullable(),
  /** `total` is null where it is known only at the end. */
  progress: z.object({ unit: z.enum(["events", "rows", "refreshes"]), done: count, total: count.nullable() }),
  /** Rows that the job has added to its table; of a refresh, the rows of the view. */
  rows: count,
  /** Why it does not go on now; null where it does. */
  waitsFor: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});

export type BackfillRequest = z.infer<typeof backfillRequest>;
export type JobPlan = z.infer<typeof jobPlan>;
export type JobRecord = z.infer<typeof jobRecord>;

/** True for a job to which nothing happens any more. */
export function hasEnded({ state }: Pick<JobRecord, "state">): boolean {
  return state === "SUCCEEDED" || state === "FAILED" || state === "CANCELLED";
}

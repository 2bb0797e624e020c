/** `/api/backfill`: bring in what a table missed, or compute a view again, as jobs. */
import { z } from "zod";
import { backfillRequest, jobRecord, type JobRecord } from "../checkpoint/index.ts";
import { errorCodes, type ErrorKind } from "../core/index.ts";
import { jsonAnswer, route } from "./route.ts";
import type { HttpServices } from "./services.ts";

const jobSchema = jobRecord.omit({ format: true, turn: true }).meta({ id: "BackfillJob" });
const takenSchema = z
  .strictObject({ jobId: z.uuid(), statusUrl: z.string().meta({ description: "Where the job tells how far it is." }) })
  .meta({ id: "TakenJob" });
const listSchema = z.strictObject({ jobs: z.array(jobSchema) }).meta({ id: "BackfillJobs" });

const none = z.strictObject({});
const requestBody = backfillRequest.meta({ id: "BackfillRequest" });
const requestHeaders = z.strictObject({ "idempotency-key": z.string().min(1).max(200).optional() });
const jobPath = z.strictObject({ jobId: z.string().max(100) });
const jobsListed = 100;

export const submitBackfillRoute = route<
  HttpServices,
  typeof none,
  typeof none,
  typeof requestHeaders,
  typeof requestBody
>({
  id: "submitBackfill",
  method: "POST",
  path: "/api/backfill",
  role: "Dyne.Operator",
  summary: "Take a backfill on",
  description:
    "A replay brings into a bronze table what it does not hold: a range of its hub that it has read past, by sequence numbers or times, or landed " +
    "files below a prefix that were never read. A refresh computes a materialized view from its inputs again, in one commit. What a table holds is " +
    "not added again, so that a replay may be repeated. With an Idempotency-Key the same request gives the same job.",
  requestHeaders,
  body: requestBody,
  answers: [{ status: 202, description: "It is taken on, or was before.", schema: takenSchema }],
  problems: [422, 429],
  handle: async ({ body, headers }, { services, caller }) => {
    const { backfill } = await services();
    const job = await backfill.submit(body, { requestedBy: caller, idempotencyKey: headers["idempotency-key"] });
    const statusUrl = `/api/backfill/${job.jobId}`;
    return jsonAnswer({ jobId: job.jobId, statusUrl }, 202, { location: statusUrl });
  },
});

export const listBackfillsRoute = route<HttpServices>({
  id: "listBackfills",
  method: "GET",
  path: "/api/backfill",
  role: "Dyne.Reader",
  summary: "List backfills",
  description: `The newest ${jobsListed}, the newest first, those that ended in the last 30 days included.`,
  answers: [{ status: 200, description: "The jobs.", schema: listSchema }],
  problems: [],
  handle: async (_, { services }) =>
    jsonAnswer({ jobs: (await (await services()).backfill.list(jobsListed)).map(told) }),
});

export const findBackfillRoute = route<HttpServices, typeof jobPath>({
  id: "findBackfill",
  method: "GET",
  path: "/api/backfill/{jobId}",
  role: "Dyne.Reader",
  summary: "Say how far a backfill is",
  description:
    "`progress` counts events, rows or refreshes; `waitsFor` says why it does not go on now, `error` why it failed.",
  pathParameters: jobPath,
  answers: [{ status: 200, description: "The job.", schema: jobSchema }],
  problems: [404],
  handle: async ({ path }, { services }) => jsonAnswer(told(await (await services()).backfill.find(path.jobId))),
});

export const cancelBackfillRoute = route<HttpServices, typeof jobPath>({
  id: "cancelBackfill",
  method: "DELETE",
  path: "/api/backfill/{jobId}",
  role: "Dyne.Operator",
  summary: "End a backfill",
  description: "What it has committed stays. A job that has ended already is answered as it is.",
  pathParameters: jobPath,
  answers: [{ status: 200, description: "The job as it ended.", schema: jobSchema }],
  problems: [404],
  handle: async ({ path }, { services }) => jsonAnswer(told(await (await services()).backfill.cancel(path.jobId))),
});

/** A job without what is the storage's affair; of a bug it tells that it is one. */
function told(job: JobRecord): z.output<typeof jobSchema> {
  const { error } = job;
  const isBug = error !== null && isInternal(error.code);
  const hidden = {
    code: "INTERNAL_ERROR",
    message: `It failed. The service's log has the cause under the job ${job.jobId}.`,
  };
  return jobSchema.parse({ ...job, error: isBug ? hidden : error });
}

/** True also for a code that this build does not know, of which it cannot say that its message is for callers. */
function isInternal(code: string): boolean {
  const kinds: Readonly<Record<string, ErrorKind>> = errorCodes;
  return !Object.hasOwn(kinds, code) || kinds[code] === "internal";
}

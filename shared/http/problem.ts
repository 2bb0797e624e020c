/**
 * What went wrong, as a problem document (RFC 9457):
 *
 *     {"type":"urn:dyne:problem:unknown-column","title":"Bad Request","status":400,"detail":"There is no column …","instance":"/api/…",
 *      "code":"UNKNOWN_COLUMN","requestId":"6f0c…"}
 */
import { STATUS_CODES } from "node:http";
import { z } from "zod";
import { DyneError, errorCodes, type ErrorCode, type ErrorKind } from "../core/index.ts";
import type { HttpAnswer } from "./request.ts";

export const problemSchema = z
  .strictObject({
    type: z.string().meta({ description: "A URN that names the kind of problem." }),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().meta({ description: "What happened, and what to do next." }),
    instance: z.string().meta({ description: "The path that was asked for." }),
    code: z
      .enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]])
      .meta({ description: "Stable; may be matched on." }),
    requestId: z.string(),
    checks: z
      .array(z.strictObject({ name: z.string(), code: z.string(), detail: z.string() }))
      .optional()
      .meta({ description: "With NOT_READY: the checks that failed." }),
  })
  .meta({ id: "Problem" });
export type Problem = z.infer<typeof problemSchema>;

/** Statuses of kinds; where one code means something else to a caller, that counts. */
const statusOfKind = {
  unavailable: 503,
  conflict: 409,
  fenced: 409,
  invalid: 400,
  data: 409,
  internal: 500,
} as const satisfies Record<ErrorKind, number>;

const statusOfCode: Partial<Record<ErrorCode, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  ROUTE_NOT_FOUND: 404,
  JOB_NOT_FOUND: 404,
  TABLE_NOT_FOUND: 404,
  VERSION_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  PLAN_CHANGED: 409,
  SCHEMA_MISMATCH: 409,
  TABLE_EXISTS: 409,
  FILE_MISSING: 410,
  VERSION_GONE: 410,
  BODY_TOO_LARGE: 413,
  URL_TOO_LONG: 414,
  IDEMPOTENCY_KEY_REUSED: 422,
  TOO_MANY_REQUESTS: 429,
  // A log that cannot be understood, or a pipeline that cannot be, is nothing that a caller can do anything about.
  INVALID_PIPELINE: 500,
  LOG_CORRUPT: 500,
  PATH_OUTSIDE_TABLE: 500,
  UNSUPPORTED_FEATURE: 501,
  // The caller asked for the right thing, of a service that its operator has to set right first.
  FORMAT_TOO_NEW: 503,
  INVALID_SETTING: 503,
  HUB_DENIED: 503,
  IDENTITY_DENIED: 503,
  SECRET_NOT_FOUND: 503,
  STORAGE_DENIED: 503,
  VAULT_DENIED: 503,
};

/** The status of an answer that says this error. Total: what is no error of dyne's is a bug, and 500. */
export function statusOfError(error: unknown): number {
  if (!(error instanceof DyneError)) return 500;
  return statusOfCode[error.code] ?? statusOfKind[error.kind];
}

/** What is told of errors whose messages are for the operator. */
const reserved: Partial<Record<ErrorCode, string>> = {
  INVALID_SETTING: "The service is not set up. Its log says what is missing.",
};

const retryAfterSeconds: Readonly<Record<number, string>> = { 429: "1", 503: "5" };

/** The answer for an error. Of a bug it tells the request's id and nothing else. */
export function problemAnswer(
  error: unknown,
  { instance, requestId }: { instance: string; requestId: string },
): HttpAnswer {
  const status = statusOfError(error);
  const known = error instanceof DyneError && status !== 500 ? error : undefined;
  const code = known?.code ?? "INTERNAL_ERROR";
  const checks = known?.code === "NOT_READY" ? (known.details["checks"] as Problem["checks"]) : undefined;
  const problem: Problem = {
    type: `urn:dyne:problem:${code.toLowerCase().replaceAll("_", "-")}`,
    title: STATUS_CODES[status] ?? "Error",
    status,
    detail:
      known === undefined
        ? `The service failed. Its log has the cause under the request id ${requestId}.`
        : (reserved[known.code] ?? known.message),
    instance,
    code,
    requestId,
    ...(checks === undefined ? {} : { checks }),
  };
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  const wait = retryAfterSeconds[status];
  if (wait !== undefined) headers["retry-after"] = wait;
  const challenge = known?.details["challenge"];
  if (typeof challenge === "string") headers["www-authenticate"] = challenge;
  const allow = known?.details["allow"];
  if (typeof allow === "string") headers["allow"] = allow;
  return { status, headers, body: JSON.stringify(problem) };
}

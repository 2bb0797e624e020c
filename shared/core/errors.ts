/**
 * The one error that dyne throws on purpose. Expected outcomes (a lost race, a fenced commit) are values, not errors.
 *
 * `kind` says what the caller does next; `code` is stable and may be matched on; the message says what to do.
 */

/** What a caller does with an error of this kind. */
export type ErrorKind =
  /** The service did not answer or refused for now: repeat later. */
  | "unavailable"
  /** Somebody else changed what the work was based on: plan again. */
  | "conflict"
  /** A newer owner has taken over: stop quietly. */
  | "fenced"
  /** Code or settings are wrong: fix them. */
  | "invalid"
  /** The data is wrong: quarantine it, or stop the table. */
  | "data"
  /** A bug of dyne's own. */
  | "internal";

/** Every code that dyne throws, with the kind it always has. Sorted by name. */
export const errorCodes = {
  AMBIGUOUS_COLUMN: "invalid",
  AUTHORITY_UNAVAILABLE: "unavailable",
  BATCH_ABANDONED: "unavailable",
  BODY_TOO_LARGE: "invalid",
  CHECKPOINT_CORRUPT: "internal",
  COMPUTE_FAILED: "internal",
  CONSTRAINT_VIOLATED: "data",
  DATA_ERROR: "data",
  DATA_LOSS: "data",
  DUPLICATE_NAME: "invalid",
  EXPECTATION_FAILED: "data",
  FILE_MISSING: "data",
  FLOW_FAILED: "data",
  FORBIDDEN: "invalid",
  FORMAT_TOO_NEW: "invalid",
  GENERATION_CHANGED: "conflict",
  HUB_CHANGED: "data",
  HUB_DENIED: "invalid",
  HUB_UNAVAILABLE: "unavailable",
  IDEMPOTENCY_KEY_REUSED: "invalid",
  IDENTITY_DENIED: "invalid",
  IDENTITY_UNAVAILABLE: "unavailable",
  INTERNAL_ERROR: "internal",
  INVALID_ARGUMENT: "invalid",
  INVALID_CURSOR: "invalid",
  INVALID_MESSAGE: "invalid",
  INVALID_PIPELINE: "invalid",
  INVALID_SETTING: "invalid",
  JOB_NOT_FOUND: "invalid",
  LIMIT_EXCEEDED: "invalid",
  LOG_CORRUPT: "data",
  MERGE_AMBIGUOUS: "data",
  METHOD_NOT_ALLOWED: "invalid",
  NOT_READY: "unavailable",
  OUT_OF_MEMORY: "unavailable",
  PATH_OUTSIDE_TABLE: "data",
  PLAN_CHANGED: "invalid",
  REQUEST_TIMED_OUT: "unavailable",
  ROUTE_NOT_FOUND: "invalid",
  SCHEMA_MISMATCH: "invalid",
  SECRET_NOT_FOUND: "invalid",
  SINK_CHANGED: "data",
  STORAGE_DENIED: "invalid",
  STORAGE_UNAVAILABLE: "unavailable",
  TABLE_EXISTS: "invalid",
  TABLE_NOT_FOUND: "invalid",
  TOO_MANY_REQUESTS: "unavailable",
  TYPE_MISMATCH: "invalid",
  UNAUTHENTICATED: "invalid",
  UNBOUNDED_STATE: "invalid",
  UNKNOWN_COLUMN: "invalid",
  UNSUPPORTED_FEATURE: "invalid",
  UPSTREAM_CHANGED: "data",
  URL_TOO_LONG: "invalid",
  VAULT_DENIED: "invalid",
  VAULT_UNAVAILABLE: "unavailable",
  VERSION_GONE: "invalid",
  VERSION_NOT_FOUND: "invalid",
} as const satisfies Record<string, ErrorKind>;

/** A stable error code. */
export type ErrorCode = keyof typeof errorCodes;

/** An error with a stable `code`, a `kind` for the caller, and a message that ends with what to do next. */
export class DyneError extends Error {
  override readonly name = "DyneError";
  readonly code: ErrorCode;
  readonly kind: ErrorKind;
  /** Facts about the place, for logs and JSON output: plain data only. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: Record<string, unknown> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.kind = errorCodes[code];
    this.details = Object.freeze({ ...options.details });
  }
}

/** True for a DyneError, optionally of one code. */
export function isDyneError(error: unknown, code?: ErrorCode): error is DyneError {
  return error instanceof DyneError && (code === undefined || error.code === code);
}

/** For the default branch of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new DyneError("COMPUTE_FAILED", `A case was not handled: ${JSON.stringify(value)}. This is a bug in dyne.`);
}

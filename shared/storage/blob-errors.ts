/** What the storage service's answers mean for the port. */
import { DyneError } from "../core/index.ts";

/** The status of the service's answer; undefined where there was none. */
export function statusOf(error: unknown): number | undefined {
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : undefined;
  return typeof status === "number" ? status : undefined;
}

export function isAbsent(error: unknown): boolean {
  return statusOf(error) === 404;
}

/** 409 while the container or the account itself is being changed: nothing was won or lost. */
const busyCodes: ReadonlySet<string> = new Set([
  "ContainerBeingDeleted",
  "ContainerDisabled",
  "AccountBeingCreated",
  "AccountIsDisabled",
]);

/** A condition was not met. The service says so by 409 or 412, depending on the account and on which check comes first. */
export function isLostRace(error: unknown): boolean {
  const status = statusOf(error);
  return (status === 409 || status === 412) && !busyCodes.has(codeOf(error) ?? "");
}

/** A folder of a hierarchical account was to be deleted while something is in it. */
export function isFullFolder(error: unknown): boolean {
  return statusOf(error) === 409 && codeOf(error) === "DirectoryIsNotEmpty";
}

/** The port's error for anything that the SDK throws. */
export function blobError(path: string, cause: unknown): DyneError {
  if (cause instanceof DyneError) return withoutToken(path, cause);
  const status = statusOf(cause);
  const code = codeOf(cause) ?? (cause instanceof Error ? cause.name : String(cause));
  const details = { path, status, code };
  if (isLocal(cause))
    return new DyneError(
      "STORAGE_DENIED",
      `A local file for ${path} cannot be accessed (${code}). Check the folder and its permissions.`,
      { cause, details },
    );
  if (isDenied(cause, status)) {
    return new DyneError(
      "STORAGE_DENIED",
      `Storage refuses access to ${path} (${status ?? ""} ${code}). ${remedyFor(status)}`,
      { cause, details },
    );
  }
  return new DyneError(
    "STORAGE_UNAVAILABLE",
    `Storage did not answer for ${path} (${status ?? ""} ${code}). Try again.`,
    { cause, details },
  );
}

/** Between two tries of the SDK a token may run out: then an earlier one of them has perhaps been done, as after any answer that was lost. */
function withoutToken(path: string, cause: DyneError): DyneError {
  if (cause.code !== "IDENTITY_UNAVAILABLE") return cause;
  return new DyneError("STORAGE_UNAVAILABLE", `Storage could not be asked for ${path}. ${cause.message}`, { cause });
}

function remedyFor(status: number | undefined): string {
  return status === 401 || status === 403
    ? "Give the app's identity the role Storage Blob Data Contributor there (on a container that is only read, Storage Blob Data Reader), and let the account's network rules admit the app."
    : "Check the account, that the container exists, and the identity's roles.";
}

function isDenied(cause: unknown, status: number | undefined): boolean {
  if (status !== undefined) return status >= 400 && status < 500 && ![408, 409, 412, 429].includes(status);
  const name = cause instanceof Error ? cause.name : "";
  return (
    name === "CredentialUnavailableError" ||
    name === "AuthenticationError" ||
    name === "AuthenticationRequiredError" ||
    name === "AggregateAuthenticationError"
  );
}

function isLocal(cause: unknown): boolean {
  return cause instanceof Error && "syscall" in cause && "path" in cause && statusOf(cause) === undefined;
}

/** The service says it in the answer's body, and in a header where there is no body. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, details } = error as { readonly code?: unknown; readonly details?: { readonly errorCode?: unknown } };
  return [code, details?.errorCode].find((text) => typeof text === "string");
}

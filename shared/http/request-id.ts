/** What ties an answer, its log lines and the caller's own log together. */
import type { Random } from "../core/index.ts";
import type { HttpRequest } from "./request.ts";

export const requestIdHeader = "x-request-id";
/** What an id of a caller may look like: it goes into logs and headers as it is. */
const wellFormed = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** W3C Trace Context § 3.2: version, trace id, parent id, flags; ids of zeros are invalid. */
const traceParent = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/;

/** The caller's `x-request-id`, or the trace that the request belongs to, where they are well-formed; else a new id. */
export function requestIdOf({ headers }: Pick<HttpRequest, "headers">, random: Random): string {
  const given = headers.get(requestIdHeader);
  if (given !== null && wellFormed.test(given)) return given;
  return traceParent.exec(headers.get("traceparent") ?? "")?.[1] ?? random.uuid();
}

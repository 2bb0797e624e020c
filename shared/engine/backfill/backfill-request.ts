/** What may be asked for: in a form that can be written and read again, and of a flow that can do it. */
import { DyneError, unreachable } from "../../core/index.ts";
import { backfillRequest, type BackfillRequest } from "../../checkpoint/index.ts";
import type { DeclaredFlow } from "../declared-flow.ts";

/** A request as its record gives it back: what could not be read again is never written. Throws INVALID_ARGUMENT. */
export function understood(asked: BackfillRequest): BackfillRequest {
  const { success, data, error } = backfillRequest.safeParse(asked);
  if (success) return data;
  const [issue] = error.issues.flatMap((each) => (each.code === "invalid_union" ? each.errors.flat() : [each]));
  throw new DyneError(
    "INVALID_ARGUMENT",
    `The request cannot be understood: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}. Positions are sequence numbers, or times such as 2026-11-01T00:00:00Z.`,
    { cause: error },
  );
}

/** Throws INVALID_ARGUMENT where the kind of flow cannot do what is asked. */
export function assertSensible(request: BackfillRequest, flow: DeclaredFlow): void {
  const wrong = (what: string) => new DyneError("INVALID_ARGUMENT", what);
  const name = flow.output.name;
  if (request.kind === "refresh") {
    if (flow.kind !== "view")
      throw wrong(
        `${name} is a streaming table, which is not refreshed. Replay its source, or reset it with "dyne flow reset ${flow.id}".`,
      );
    return;
  }
  switch (flow.kind) {
    case "hub":
      if ("prefix" in request)
        throw wrong(`${name} is fed from a hub. Ask for a replay "from" a sequence number or a time.`);
      if (isEmpty(request))
        throw wrong(`The range from ${request.from} to ${request.to} is empty. "to" is not included.`);
      return;
    case "files":
      if (!("prefix" in request) || !mayMatchBelow(request.prefix, flow.glob))
        throw wrong(`${name} is fed from files. Ask for a replay of a "prefix" of ${flow.glob}.`);
      return;
    case "stream":
    case "view":
      throw wrong(
        `${name} is computed from other tables. Replay the bronze table that it comes from, or refresh it if it is a view.`,
      );
    default:
      return unreachable(flow);
  }
}

/** False also where one end is a number and the other a time: that is known only of each partition. */
function isEmpty({ from, to }: Extract<BackfillRequest, { from: unknown }>): boolean {
  if (typeof from === "number" && typeof to === "number") return from >= to;
  return typeof from === "string" && typeof to === "string" && Date.parse(from) >= Date.parse(to);
}

/** True where paths below a prefix can match a pattern, as far as the pattern's beginning tells. */
function mayMatchBelow(prefix: string, glob: string): boolean {
  const [beginning = ""] = glob.split(/[*?[{]/);
  return prefix.startsWith(beginning) || beginning.startsWith(prefix);
}

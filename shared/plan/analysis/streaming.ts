/** What a plan means when its streaming scan is read once, change by change. */
import { DyneError, unreachable } from "../../core/errors.ts";
import type { DropDuplicatesWithinWatermark, Join, LogicalPlan, Scan, WithWatermark } from "../logical-plan.ts";
import { expressionsOf, inputsOf, nodesOf } from "../visit.ts";
import { hasWindow } from "./field-of.ts";

/** Whether anything below reads a streaming scan. */
export function isStreaming(plan: LogicalPlan): boolean {
  for (const node of nodesOf(plan)) if (node.kind === "scan" && node.streaming) return true;
  return false;
}

/** The scans of a plan, each source once: streaming ones and static ones. */
export function scansOf(plan: LogicalPlan): { readonly streaming: readonly Scan[]; readonly static: readonly Scan[] } {
  const scans = new Map<string, Scan>();
  for (const node of nodesOf(plan)) if (node.kind === "scan") scans.set(`${node.streaming} ${node.source}`, node);
  const all = [...scans.values()];
  return { streaming: all.filter((scan) => scan.streaming), static: all.filter((scan) => !scan.streaming) };
}

/**
 * Whether a node's output rows follow from single rows of its streaming input, so that it may run on any cut of that input:
 * project without windows, filter, explode, union, watermark, and a join with a static side, if every row without a match that it keeps is
 * one of the other side.
 */
export function rowLocal(node: LogicalPlan): boolean {
  switch (node.kind) {
    case "scan":
    case "filter":
    case "explode":
    case "union":
    case "watermark":
      return true;
    case "project":
      return !expressionsOf(node).some(hasWindow);
    case "join":
      return rowLocalJoin(node);
    default:
      return false;
  }
}

function rowLocalJoin({ type, left, right }: Join): boolean {
  const streaming = { left: isStreaming(left), right: isStreaming(right) };
  switch (type) {
    case "inner":
    case "cross":
      return !streaming.left || !streaming.right;
    case "left":
    case "semi":
    case "anti":
      return !streaming.right;
    case "right":
      return !streaming.left && streaming.right;
    case "full":
      return false;
    default:
      return unreachable(type);
  }
}

/** The watermark that is in force for a plan's output, with the name its event-time column has there (undefined if it was dropped). */
export interface EventTime {
  readonly watermark: WithWatermark;
  readonly column: string | undefined;
}

/** Follows the event-time column upwards through renames; across a join, from the streaming side. */
export function eventTimeOf(plan: LogicalPlan): EventTime | undefined {
  if (plan.kind === "watermark") return { watermark: plan, column: plan.eventTime };
  if (plan.kind === "scan") return undefined;
  const isLookUp = plan.kind === "join" && (plan.type === "semi" || plan.type === "anti");
  const candidates = (isLookUp ? [plan.left] : inputsOf(plan)).map((input) => ({ input, found: eventTimeOf(input) }));
  const { found } =
    candidates.find(({ input, found }) => found !== undefined && isStreaming(input)) ??
    candidates.find((each) => each.found !== undefined) ??
    {};
  if (found?.column === undefined) return found;
  const { column } = found;
  if (plan.kind === "project") {
    const renamed = plan.columns.find(({ expression }) => expression.kind === "column" && expression.name === column);
    return { ...found, column: renamed?.name };
  }
  if (plan.kind === "aggregate")
    return {
      ...found,
      column: plan.groupBy.find(({ expression }) => expression.kind === "column" && expression.name === column)?.name,
    };
  return found;
}

/** The event time that de-duplication compares. Errors: UNBOUNDED_STATE without a watermark below or when its column was dropped. */
export function deduplicationTime(node: DropDuplicatesWithinWatermark): {
  readonly column: string;
  readonly delayMs: number;
} {
  const eventTime = eventTimeOf(node.input);
  if (eventTime === undefined) {
    throw new DyneError(
      "UNBOUNDED_STATE",
      "dropDuplicatesWithinWatermark has no watermark below it, so its keys would be kept for ever. Call withWatermark() first.",
    );
  }
  if (eventTime.column === undefined) {
    throw new DyneError(
      "UNBOUNDED_STATE",
      `dropDuplicatesWithinWatermark does not find the event time "${eventTime.watermark.eventTime}" any more. Keep that column until after it.`,
    );
  }
  return { column: eventTime.column, delayMs: eventTime.watermark.delayMs };
}

/** What a streaming plan consists of. */
export interface StreamingFacts {
  readonly stream: Scan;
  /** Tables that are joined as they stand, each once. */
  readonly statics: readonly Scan[];
  readonly watermark: EventTime | undefined;
  readonly deduplicate: DropDuplicatesWithinWatermark | undefined;
}

/**
 * Checks that a plan can run as a streaming table: one stream, row by row, and de-duplication as its last step. Errors: UNBOUNDED_STATE
 * for operators whose state would grow for ever, INVALID_PIPELINE and UNSUPPORTED_FEATURE for what has no incremental rule.
 */
export function checkStreaming(plan: LogicalPlan): StreamingFacts {
  const { streaming, static: statics } = scansOf(plan);
  const [stream] = streaming;
  if (stream === undefined || streaming.length > 1) {
    throw new DyneError(
      "INVALID_PIPELINE",
      `A streaming table reads one stream, not ${streaming.length}. Use readStream() for exactly one table and read() for the others.`,
    );
  }
  const path = streamingPath(plan);
  for (const node of path) {
    if (node.kind !== "dropDuplicatesWithinWatermark") refuseUnbounded(node);
    else if (node === plan) deduplicationTime(node);
    else
      throw new DyneError(
        "UNSUPPORTED_FEATURE",
        "Something follows dropDuplicatesWithinWatermark on a stream. Make it the last step.",
      );
  }
  if (path.filter(({ kind }) => kind === "watermark").length > 1) {
    throw new DyneError("INVALID_PIPELINE", "A stream has two watermarks. Keep one withWatermark().");
  }
  const deduplicate = plan.kind === "dropDuplicatesWithinWatermark" ? plan : undefined;
  const watermark = eventTimeOf(plan);
  if (watermark !== undefined && watermark.column !== watermark.watermark.eventTime) {
    throw new DyneError(
      "INVALID_PIPELINE",
      `The event time "${watermark.watermark.eventTime}" is renamed or dropped after withWatermark(). Keep the column as it is.`,
    );
  }
  return { stream, statics, watermark, deduplicate };
}

/** The nodes from the streaming scan up to the root. */
function streamingPath(plan: LogicalPlan): readonly LogicalPlan[] {
  const streams = inputsOf(plan).filter(isStreaming);
  if (streams.length > 1)
    throw new DyneError("UNSUPPORTED_FEATURE", "A streaming table reads the same stream twice. Read it once.");
  if (plan.kind === "union" && plan.inputs.length > 1)
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      "A streaming table cannot be a union with other inputs yet. Write one table per input.",
    );
  return [...streams.flatMap(streamingPath), plan];
}

function refuseUnbounded(node: LogicalPlan): void {
  if (rowLocal(node)) return;
  const unbounded = (what: string, remedy: string): DyneError =>
    new DyneError("UNBOUNDED_STATE", `${what} on a stream needs every row ever seen. ${remedy}`);
  switch (node.kind) {
    case "distinct":
      throw unbounded("distinct()", "Use dropDuplicatesWithinWatermark(keys), or make the table a materialized view.");
    case "aggregate":
      throw unbounded("agg()", "Make the table a materialized view.");
    case "project":
      throw unbounded("A window function", "Make the table a materialized view.");
    case "sort":
    case "limit":
      throw unbounded(node.kind === "sort" ? "orderBy()" : "limit()", "Make the table a materialized view.");
    case "join":
      if (node.type === "full" || (node.type === "right" && isStreaming(node.left)))
        throw unbounded(
          `A ${node.type} join`,
          "Use a left join with the stream on the left, or make the table a materialized view.",
        );
      throw new DyneError(
        "UNSUPPORTED_FEATURE",
        `The stream stands on the right of a ${node.type} join. Put it on the left.`,
      );
    default:
      throw new DyneError("UNSUPPORTED_FEATURE", `There is no rule for ${node.kind} on a stream.`);
  }
}

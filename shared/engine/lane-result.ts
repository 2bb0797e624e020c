/** What came of running a lane. */
import type { FlowId } from "../core/index.ts";

export type LaneResult =
  | { readonly kind: "ran"; readonly batches: number; readonly rows: number; readonly more: boolean }
  | { readonly kind: "idle" }
  /** Another instance holds the lane. */
  | { readonly kind: "busy" }
  /** The batch before took so long that the next one is not due yet. */
  | { readonly kind: "resting"; readonly dueInMs: number }
  /** PAUSED or FAILED: doorbells are ignored. */
  | { readonly kind: "stopped"; readonly state: string }
  /** A newer build or generation has taken over. */
  | { readonly kind: "superseded" };

/** Why a lane could not go on, in words; undefined where it did, or had nothing to do. */
export function hindrance(flow: FlowId, result: LaneResult): string | undefined {
  switch (result.kind) {
    case "ran":
    case "idle":
    case "resting":
      return undefined;
    case "busy":
      return `another instance runs ${flow}`;
    case "superseded":
      return `another generation of ${flow} begins`;
    case "stopped":
      return `${flow} is ${result.state}; "dyne flow list" says why`;
  }
}

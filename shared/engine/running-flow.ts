/** A flow as an instance runs it. */
import type { LaneId } from "../core/index.ts";
import type { DeclaredFlow, TableLocation } from "./declared-flow.ts";
import type { FlowDriver } from "./flow.ts";
import type { LaneRunner } from "./lane-runner.ts";
import type { Maintenance } from "./maintenance.ts";

export interface RunningFlow {
  readonly declared: DeclaredFlow;
  readonly driver: FlowDriver;
  readonly runner: LaneRunner;
  readonly maintenance: Maintenance;
  /** One run per lane at a time; the next one waits. */
  readonly queue: Map<LaneId, Promise<unknown>>;
  /** Lanes that were rung while they ran. */
  readonly rungAgain: Set<LaneId>;
  readonly lastStartMs: Map<LaneId, number>;
  /** It has committed batches since its logs were looked at. */
  hasRun: boolean;
  /** Its plan is not the one that made its data, which was said. */
  isRefused: boolean;
}

/** Tables whose commits concern a flow. */
export function inputTables(flow: DeclaredFlow): readonly TableLocation[] {
  switch (flow.kind) {
    case "hub":
    case "files":
      return [];
    case "stream":
      return [flow.stream, ...flow.statics];
    case "view":
      return flow.inputs;
  }
}

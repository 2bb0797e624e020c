/** A flow is RUNNING, PAUSED or FAILED (SPEC.md 7). Changes are put-if-match, so that two of them never mix. */
import { instantOfMs, type FlowId } from "../core/index.ts";
import { FlowLog, hasFailed, type FlowStateRecord } from "../checkpoint/index.ts";
import type { EngineContext } from "./context.ts";

type StateContext = Pick<EngineContext, "clock" | "random" | "logger"> & { readonly host: EngineContext["host"] };

/** Marks a flow FAILED with what failed it; doorbells are ignored from then on. The first failure of a generation stays. */
export async function failFlow(
  context: StateContext,
  flow: FlowId,
  failure: NonNullable<FlowStateRecord["failure"]>,
): Promise<void> {
  context.logger.error("flow failed", { flow, ...failure });
  await changeState(context, flow, (current) =>
    hasFailed(current, failure.generation) ? undefined : { state: "FAILED", failure },
  );
}

/** Sets the flow going again after the cause was removed, or after a pause. */
export async function resumeFlow(context: StateContext, flow: FlowId): Promise<void> {
  await changeState(context, flow, (current) =>
    current === undefined ? undefined : { state: "RUNNING", failure: null },
  );
}

/** Stops the flow from taking new batches. An open batch is finished when the flow is resumed. */
export async function pauseFlow(context: StateContext, flow: FlowId): Promise<void> {
  const newest = (await flowLog(context, flow).generations()).at(-1)?.generation ?? 0;
  await changeState(context, flow, (current) =>
    hasFailed(current, newest) ? undefined : { state: "PAUSED", failure: null },
  );
}

const attemptsMax = 10;

async function changeState(
  context: StateContext,
  flow: FlowId,
  decide: (current: FlowStateRecord | undefined) => Pick<FlowStateRecord, "state" | "failure"> | undefined,
): Promise<void> {
  const log = flowLog(context, flow);
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const { record, etag } = await log.state();
    const wanted = decide(record);
    if (wanted === undefined) return;
    const next: FlowStateRecord = { format: 1, flow, updatedTime: instantOfMs(context.clock.nowMs()), ...wanted };
    if (await log.putState(next, etag)) return;
  }
  context.logger.warn("the flow's state kept changing and was left as it is", { flow });
}

function flowLog({ host, clock, random }: StateContext, flow: FlowId): FlowLog {
  return new FlowLog({ store: host, clock, random }, flow);
}

/** What the next batch of a view would do, told from logs alone: nothing is computed and nothing written. */
import { generation, laneId } from "../core/index.ts";
import { FlowLog, LaneLog, type DeltaRange } from "../checkpoint/index.ts";
import type { EngineContext } from "./context.ts";
import type { ViewFlow } from "./declared-flow.ts";
import { ViewInputs } from "./incremental/view-inputs.ts";
import { restMs } from "./rest.ts";
import type { Strategy } from "./incremental/view-strategy.ts";

export type NextRefresh =
  /** No batch of the flow was ever planned: the first one builds it in full. */
  | { readonly kind: "not-built" }
  /** Nothing happened to the inputs. */
  | { readonly kind: "nothing" }
  | {
      readonly kind: "refresh";
      /** By input: the versions after the first up to the second. */
      readonly inputs: Readonly<Record<string, { readonly afterVersion: number; readonly toVersion: number }>>;
      /** A batch that was planned and not committed; its inputs are fixed. */
      readonly isOpen: boolean;
      /** Milliseconds until it is due after the rest that the view's share of time asks for; 0 where it is, or is open. */
      readonly dueInMs: number;
      /** `touched` is the most that the log allows; a batch leaves out what its rows rule out. */
      readonly strategy: Strategy;
    };

/** Errors: UPSTREAM_CHANGED, CHECKPOINT_CORRUPT, those of reading Delta logs. Safe to repeat. */
export async function nextRefresh(
  context: Pick<EngineContext, "host" | "tables" | "clock" | "random" | "smallInput">,
  flow: ViewFlow,
): Promise<NextRefresh> {
  const records = { store: context.host, clock: context.clock, random: context.random };
  const newest = (await new FlowLog(records, flow.id).generations()).at(-1);
  if (newest === undefined) return { kind: "not-built" };
  const head = await new LaneLog(records, flow.id, generation(newest.generation), laneId("0")).head();
  if (head.lastOffsets === undefined) return { kind: "not-built" };
  const view = new ViewInputs(context, flow);
  const ranges = head.openOffsets?.inputs ?? (await view.next(head));
  if (ranges === undefined) return { kind: "nothing" };
  const { strategy } = (await view.batch(newest, head.lastCommit, ranges)).chosen;
  const inputs = Object.entries(ranges).map(([name, range]) => {
    const { afterVersion, toVersion } = range as DeltaRange;
    return [name, { afterVersion, toVersion }];
  });
  const isOpen = head.openOffsets !== undefined;
  const dueInMs = isOpen ? 0 : restMs(flow, head.lastCommit, context.clock.nowMs());
  return { kind: "refresh", inputs: Object.fromEntries(inputs), isOpen, dueInMs, strategy };
}

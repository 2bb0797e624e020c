/** engine: the incremental engine. It is given everything and reads nothing of its surroundings. */
export {
  Backfill,
  type BackfillContext,
  type JobBell,
  type JobBells,
  type SubmitOptions,
} from "./backfill/backfill.ts";
export { smallInputs } from "./context.ts";
export type { Doorbells, EngineContext } from "./context.ts";
export type { DeclaredFlow } from "./declared-flow.ts";
export { declaredFlows } from "./declare.ts";
export { explainFlow, type Explanation } from "./explain.ts";
export { nextRefresh, type NextRefresh } from "./next-refresh.ts";
export { Engine } from "./engine.ts";
export { CareSnapshots } from "./care-snapshots.ts";
export { SelfCare } from "./self-care.ts";
export { failFlow, pauseFlow, resumeFlow } from "./flow-state.ts";

/**
 * What a runner does next on a lane: a pure function of the lane's logs (SPEC.md 1). The model checks this very function.
 *
 *     commits   offsets   outcome        next step
 *     N         –         –              plan      a new batch N+1
 *     N         N+1       –              run       exactly the logged inputs, state as of commits/N
 *     N         N+1       N+1            roll      forward what was decided; never compute
 */
export type NextStep = "plan" | "run" | "roll";

/** The lane's logs after its last commit. */
export interface OpenBatch {
  readonly hasOffsets: boolean;
  readonly hasOutcome: boolean;
}

export function nextStep(open: OpenBatch): NextStep {
  if (!open.hasOffsets) return "plan";
  return open.hasOutcome ? "roll" : "run";
}

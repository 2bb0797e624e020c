/**
 * What a runner does next on a lane: a pure function of the lane's logs (SPEC.md 1). The model checks this very function.
 *
 *     commits   offsets   outcome        next step
 *     N         –         –              plan      a new batch N+1
 *     N         N+1       –              run       exactly the logged inputs, state as of commits/N
 *     N         N+1       N+1            roll      forward what was decided; never compute
 *     N         any       N+1 = a seal   sealed    the lane goes on in a later generation: stop quietly
 */
export type NextStep<Offsets, Outcome> =
  | { readonly kind: "plan" }
  | { readonly kind: "run"; readonly offsets: Offsets }
  | { readonly kind: "roll"; readonly offsets: Offsets; readonly outcome: Outcome }
  | { readonly kind: "sealed"; readonly by: number };

/** The lane's records after its last commit. */
export interface OpenBatch<Offsets, Outcome> {
  readonly openOffsets: Offsets | undefined;
  readonly openOutcome: Outcome | undefined;
}

/** What of an outcome matters here: whether it is a batch's, or the end of the lane. */
export interface Sealable {
  /** The generation in which the lane goes on; null for the outcome of a batch. */
  readonly seal: number | null;
}

export function nextStep<Offsets, Outcome extends Sealable>(
  open: OpenBatch<Offsets, Outcome>,
): NextStep<Offsets, Outcome> {
  const { openOffsets: offsets, openOutcome: outcome } = open;
  if (outcome !== undefined && outcome.seal !== null) return { kind: "sealed", by: outcome.seal };
  if (offsets === undefined) return { kind: "plan" };
  return outcome === undefined ? { kind: "run", offsets } : { kind: "roll", offsets, outcome };
}

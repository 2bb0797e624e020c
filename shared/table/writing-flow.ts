import type { Snapshot } from "../delta/index.ts";

/** A flow of dyne that writes a table. */
export interface TableWriter {
  readonly flow: string;
  /** It only ever adds rows; what a view does is to replace some. */
  readonly appendsOnly: boolean;
}

/** Who writes the table that every flow's batches are told of in: no flow that could be declared, reset or restored. */
export const progressFlow = "system.progress";

/**
 * The flow of dyne that writes a table, by what its batches record there; undefined where none does, or has not yet. `progressFlow` for the one
 * of `system.progress`. Pure.
 */
export function writingFlow({ txns }: Pick<Snapshot, "txns">): string | undefined {
  return [...txns.keys()].map((appId) => flowOf(appId)).find((flow) => flow !== undefined);
}

function flowOf(appId: string): string | undefined {
  if (/^progress\/[^/]+\/[^/]+\/[^/]+$/.test(appId)) return progressFlow;
  return /^dyne\/[^/]+\/([^/]+)\//.exec(appId)?.[1];
}

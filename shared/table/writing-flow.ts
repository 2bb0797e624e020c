import type { Snapshot } from "../delta/index.ts";

/** A flow of dyne that writes a table. */
export interface TableWriter {
  readonly flow: string;
  /** It only ever adds rows; what a view does is to replace some. */
  readonly appendsOnly: boolean;
}

/** The flow of dyne that writes a table, by what its batches record there; undefined where none does, or has not yet. Pure. */
export function writingFlow({ txns }: Pick<Snapshot, "txns">): string | undefined {
  return [...txns.keys()].map((appId) => /^dyne\/[^/]+\/([^/]+)\//.exec(appId)?.[1]).find((flow) => flow !== undefined);
}

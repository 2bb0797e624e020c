import type { Snapshot } from "../delta/index.ts";

/** The flow of dyne that writes a table, by what its batches record there; undefined where none does. Pure. */
export function writingFlow({ txns }: Pick<Snapshot, "txns">): string | undefined {
  return [...txns.keys()].map((appId) => /^dyne\/[^/]+\/([^/]+)\//.exec(appId)?.[1]).find((flow) => flow !== undefined);
}

import type { Snapshot } from "../delta/index.ts";

/** A flow of dyne that writes a table. */
export interface TableWriter {
  readonly flow: string;
  /** It only ever adds rows; what a view does is to replace some. */
  readonly appendsOnly: boolean;
}

/** Who writes the table that every flow's batches are told of in: no flow that could be declared, reset or restored. */
export const progressFlow = "system.progress";

/** Columns without which no table is the one of progress; they are never dropped. */
const progressColumns = ["pipeline", "lane", "generation", "batchId"] as const;

/**
 * The flow of dyne that writes a table, by what its batches record there; undefined where none does, or has not yet. `progressFlow` for the one
 * of `system.progress`. Pure.
 */
export function writingFlow({ txns, schema }: Pick<Snapshot, "txns" | "schema">): string | undefined {
  const appIds = [...txns.keys()];
  const flow = appIds.map((appId) => /^dyne\/[^/]+\/([^/]+)\//.exec(appId)?.[1]).find((name) => name !== undefined);
  if (flow !== undefined) return flow;
  const isProgress = progressColumns.every((name) => Object.hasOwn(schema.fields, name));
  return isProgress && appIds.some((appId) => /^progress\/[^/]+\/[^/]+\/[^/]+$/.test(appId)) ? progressFlow : undefined;
}

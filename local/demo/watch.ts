/** Follows a running pipeline from outside, by its tables and logs alone. */
import { batchId, flowId, generation, laneId, type Clock, type Random } from "../../shared/core/index.ts";
import { LaneLog, type CommitRecord, type OffsetsRecord } from "../../shared/checkpoint/index.ts";
import { rowCountOf } from "../../shared/delta/index.ts";
import type { ObjectStore } from "../../shared/storage/index.ts";
import type { DeltaTable } from "../../shared/table/index.ts";

/** The batches of a lane, as they come. */
export class LaneWatch {
  readonly #log: LaneLog;
  readonly batches: { readonly offsets: OffsetsRecord; readonly commit: CommitRecord }[] = [];

  constructor(host: ObjectStore, services: { clock: Clock; random: Random }, flow: string, lane: string) {
    this.#log = new LaneLog({ store: host, ...services }, flowId(flow), generation(1), laneId(lane));
  }

  /** Reads the batches that were committed since the last call. */
  async update(): Promise<void> {
    for (;;) {
      const next = batchId(this.batches.length + 1);
      const commit = await this.#log.commitAt(next);
      if (commit === undefined) return;
      const offsets = await this.#log.offsetsAt(next);
      if (offsets === undefined) return;
      this.batches.push({ offsets, commit });
    }
  }

  /** The version of an input table up to which the lane has read; −1 before the first batch. */
  readUpTo(input: string): number {
    const range = this.batches.at(-1)?.offsets.inputs[input];
    return range?.kind === "delta" ? range.toVersion : -1;
  }

  sum(count: (commit: CommitRecord) => number): number {
    return this.batches.reduce((sum, { commit }) => sum + count(commit), 0);
  }
}

/** Rows of a table's newest version, by the statistics of its files; 0 where there is no table yet. */
export async function countRows(table: DeltaTable): Promise<number> {
  const snapshot = await table.find();
  let rows = 0;
  for (const file of snapshot?.files ?? []) rows += rowCountOf(file) ?? 0;
  return rows;
}

/** How far the flows that read a table have come: what cleaning its log must leave them (SPEC.md 12). */
import { batchId, generation, type FlowId, type LaneId } from "../core/index.ts";
import {
  FlowLog,
  LaneLog,
  type GenerationRecord,
  type OffsetsRecord,
  type RecordContext,
} from "../checkpoint/index.ts";
import type { FlowDriver } from "./flow.ts";

/** A flow that reads a table, and the table's name in the flow's offsets. */
export interface TableReader {
  readonly driver: Pick<FlowDriver, "flow" | "lanes">;
  readonly table: string;
}

/**
 * The version that the slowest lane of all readers still needs, with all after it: the last one that it has taken in, or what its open
 * batch reads or joins. −1 where a lane has read nothing yet; without readers nothing is needed.
 */
export async function neededFrom(records: RecordContext, readers: readonly TableReader[]): Promise<number> {
  let needed = Number.POSITIVE_INFINITY;
  for (const { driver, table } of readers) {
    const generations = await new FlowLog(records, driver.flow).generations();
    for (const lane of await driver.lanes()) {
      needed = Math.min(needed, await neededBy(records, driver.flow, generations, lane, table));
    }
  }
  return needed;
}

/** What one lane needs: a generation that has not begun it yet takes it over where it says. */
async function neededBy(
  records: RecordContext,
  flow: FlowId,
  generations: readonly GenerationRecord[],
  lane: LaneId,
  table: string,
): Promise<number> {
  for (const record of generations.toReversed()) {
    const head = await new LaneLog(records, flow, generation(record.generation), lane).head();
    if (head.lastOffsets !== undefined)
      return Math.min(takenIn(head.lastOffsets, table), readByOpen(head.openOffsets, table));
    if (record.continues.kind === "seal") continue;
    const from = record.continues.kind === "batches" ? record.continues.lanes[lane] : undefined;
    if (from === undefined) return -1;
    const log = new LaneLog(records, flow, generation(from.generation), lane);
    const offsets = await log.offsetsAt(batchId(from.batchId));
    return offsets === undefined ? -1 : takenIn(offsets, table);
  }
  return -1;
}

function takenIn({ inputs }: OffsetsRecord, table: string): number {
  const input = inputs[table];
  return input?.kind === "delta" ? input.toVersion : Number.POSITIVE_INFINITY;
}

/** A batch that is computed again reads the same versions again. */
function readByOpen(open: OffsetsRecord | undefined, table: string): number {
  const input = open?.inputs[table];
  const afterVersion = input?.kind === "delta" ? input.afterVersion : Number.POSITIVE_INFINITY;
  return Math.min(afterVersion, open?.statics[table]?.version ?? Number.POSITIVE_INFINITY);
}

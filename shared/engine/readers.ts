/** How far the flows that read a table have come: what cleaning its log must leave them (SPEC.md 12). */
import { batchId, generation, type LaneId } from "../core/index.ts";
import { FlowLog, LaneLog, type OffsetsRecord, type RecordContext } from "../checkpoint/index.ts";
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
    const newest = (await new FlowLog(records, driver.flow).generations()).at(-1);
    if (newest === undefined) return -1;
    for (const lane of await driver.lanes()) {
      const head = await new LaneLog(records, driver.flow, generation(newest.generation), lane).head();
      const last = head.lastOffsets ?? (await continuedOffsets(records, driver.flow, newest.continues?.[lane], lane));
      if (last === undefined) return -1;
      needed = Math.min(needed, takenIn(last, table), readByOpen(head.openOffsets, table));
    }
  }
  return needed;
}

/** Where a generation that has not begun a lane yet takes it over. */
async function continuedOffsets(
  records: RecordContext,
  flow: FlowDriver["flow"],
  from: { readonly generation: number; readonly batchId: number } | undefined,
  lane: LaneId,
): Promise<OffsetsRecord | undefined> {
  if (from === undefined) return undefined;
  return new LaneLog(records, flow, generation(from.generation), lane).offsetsAt(batchId(from.batchId));
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

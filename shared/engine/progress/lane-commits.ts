/** The committed batches of a lane after a place, through its generations, as its logs still have them. */
import { batchId, generation, type FlowId, type LaneId } from "../../core/index.ts";
import { LaneLog, type BatchOfLane, type CommitRecord, type RecordContext } from "../../checkpoint/index.ts";

/** A lane that is read on. */
export interface LaneToRead {
  readonly flow: FlowId;
  readonly lane: LaneId;
  /** The last batch that was read before. */
  readonly after: BatchOfLane;
  /** The newest generation of the flow. */
  readonly newest: number;
  /** The last batch that is known to be committed; undefined where nobody here has run the lane. */
  readonly last: BatchOfLane | undefined;
}

/** Records that are asked for at once. */
const readsAtOnce = 16;

/**
 * The next batches, at most `recordsMax`, oldest first. Beginnings of generations are no batches. Reads by name as far as batches are known
 * to be there; lists where entries may have been cleaned, and where nothing is known of the lane. A generation is left for the next one only
 * once a batch of that is there.
 */
export async function laneCommits(
  records: RecordContext,
  { flow, lane, after, newest, last }: LaneToRead,
  recordsMax: number,
): Promise<readonly CommitRecord[]> {
  const found: CommitRecord[] = [];
  let place = after;
  while (found.length < recordsMax) {
    const log = new LaneLog(records, flow, generation(place.generation), lane);
    const known = last?.generation === place.generation ? Math.max(0, last.batchId - place.batchId) : undefined;
    const count = Math.min(known ?? readsAtOnce, readsAtOnce, recordsMax - found.length);
    const batches = await committed(log, place.batchId, count, known === undefined);
    found.push(...batches);
    place = { ...place, batchId: batches.at(-1)?.batchId ?? place.batchId };
    if (batches.length === count && count > 0) continue;
    const isEnd = last?.generation === place.generation && place.batchId >= last.batchId;
    const next = isEnd ? undefined : await log.firstCommitAfter(batchId(place.batchId));
    if (next !== undefined) place = { ...place, batchId: next - 1 };
    else if (place.generation < newest) place = { generation: place.generation + 1, batchId: 0 };
    else break;
  }
  return found;
}

/** Batches after one without a gap. Where nobody knows how many there are, the first one is asked for alone. */
async function committed(
  log: LaneLog,
  after: number,
  count: number,
  isUnknown: boolean,
): Promise<readonly CommitRecord[]> {
  const read = (from: number, to: number) =>
    Promise.all(Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => log.commitAt(batchId(from + i))));
  const first = isUnknown ? await read(after + 1, after + 1) : [];
  const all =
    isUnknown && first[0] === undefined ? [] : [...first, ...(await read(after + 1 + first.length, after + count))];
  const gap = all.indexOf(undefined);
  return (gap < 0 ? all : all.slice(0, gap)).flatMap((record) => record ?? []);
}

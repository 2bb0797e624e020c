/**
 * The three logs of one lane of one generation. Entries are written once and never changed; the first writer's entry counts.
 */
import { batchId, limits, type BatchId, type FlowId, type Generation, type LaneId } from "../core/index.ts";
import { deleteAll } from "../storage/index.ts";
import {
  commitRecord,
  offsetsRecord,
  outcomeRecord,
  type CommitRecord,
  type OffsetsRecord,
  type OutcomeRecord,
} from "./formats.ts";
import { batchIdOfName, layout, type LogName } from "./layout.ts";
import { putRecordIfAbsent, readRecord, type RecordContext } from "./records.ts";

/** Where a lane stands: its last commit, and what is there of the batch after it. */
export interface LaneHead {
  readonly lastCommit: CommitRecord | undefined;
  /** The offsets of the last committed batch, or `offsets/0`; undefined on a lane that was never started. */
  readonly lastOffsets: OffsetsRecord | undefined;
  readonly lastOutcome: OutcomeRecord | undefined;
  /** The batch after the last commit, as far as it got. */
  readonly openOffsets: OffsetsRecord | undefined;
  readonly openOutcome: OutcomeRecord | undefined;
}

const logNames: readonly LogName[] = ["offsets", "outcome", "commits"];

export class LaneLog {
  readonly flow: FlowId;
  readonly generation: Generation;
  readonly lane: LaneId;
  readonly #context: RecordContext;

  constructor(context: RecordContext, flow: FlowId, generation: Generation, lane: LaneId) {
    this.#context = context;
    this.flow = flow;
    this.generation = generation;
    this.lane = lane;
  }

  /** Reads the head by listing. Warm runners keep the head in memory and use `advance`. */
  async head(): Promise<LaneHead> {
    const last = await this.#lastCommittedBatch();
    return this.#headAt(last, last === 0 ? undefined : await this.commitAt(batchId(last)));
  }

  /**
   * The head after somebody else may have gone on: probes for the next commit by name. Lists only where the head is so old that the
   * entries after it may have been cleaned away.
   */
  async advance(head: LaneHead): Promise<LaneHead> {
    let lastCommit = head.lastCommit;
    for (;;) {
      const next = await this.commitAt(batchId((lastCommit?.batchId ?? 0) + 1));
      if (next === undefined) break;
      lastCommit = next;
    }
    if (lastCommit === head.lastCommit && (await this.#isOvertaken(head))) return this.head();
    return this.#headAt(
      lastCommit?.batchId ?? 0,
      lastCommit,
      lastCommit?.batchId === head.lastCommit?.batchId ? head : undefined,
    );
  }

  offsetsAt(batch: BatchId): Promise<OffsetsRecord | undefined> {
    return readRecord(this.#context.store, offsetsRecord, this.#path("offsets", batch));
  }

  outcomeAt(batch: BatchId, redo = 0): Promise<OutcomeRecord | undefined> {
    return readRecord(this.#context.store, outcomeRecord, this.#path("outcome", batch, redo));
  }

  commitAt(batch: BatchId): Promise<CommitRecord | undefined> {
    return readRecord(this.#context.store, commitRecord, this.#path("commits", batch));
  }

  /** The first committed batch after one, by listing; undefined where none is there. */
  async firstCommitAfter(batch: BatchId): Promise<number | undefined> {
    for await (const { path } of this.#context.store.list(this.#folder("commits"), {
      after: this.#path("commits", batch),
    }))
      return batchIdOfName(path);
    return undefined;
  }

  putOffsets(record: OffsetsRecord) {
    return putRecordIfAbsent(this.#context, offsetsRecord, this.#path("offsets", batchId(record.batchId)), record);
  }

  putOutcome(record: OutcomeRecord) {
    return putRecordIfAbsent(
      this.#context,
      outcomeRecord,
      this.#path("outcome", batchId(record.batchId), record.redo),
      record,
    );
  }

  putCommit(record: CommitRecord) {
    return putRecordIfAbsent(this.#context, commitRecord, this.#path("commits", batchId(record.batchId)), record);
  }

  /**
   * Deletes entries that neither recovery nor a merge done again can need: those of batches long before `lastBatch`, which is committed,
   * and older than a day. The start of the lane stays. Deletes a bounded number, the oldest first, and returns it; safe to repeat.
   */
  async clean(lastBatch: number): Promise<number> {
    const beforeMs = this.#context.clock.nowMs() - limits.laneEntriesKeptMs;
    const isOld = (batch: number, writtenMs: number): boolean =>
      batch <= lastBatch - limits.laneEntriesKept && writtenMs < beforeMs;
    const found: { readonly batch: number; readonly path: string }[] = [];
    for (const log of logNames) {
      let count = 0;
      for await (const { path, lastModifiedMs } of this.#context.store.list(this.#folder(log))) {
        const batch = batchIdOfName(path.replace(/\.\d+$/, "")) ?? 0;
        if (batch === 0) continue;
        if (!isOld(batch, lastModifiedMs) || ++count > limits.maintenanceDeletesMax / logNames.length) break;
        found.push({ batch, path });
      }
    }
    const oldestFirst = found.sort((a, b) => a.batch - b.batch).map(({ path }) => path);
    return deleteAll(this.#context.store, oldestFirst);
  }

  /** The last commit: by listing, and by halving where there is too much to list. Commits have no gaps; only the oldest are cleaned. */
  async #lastCommittedBatch(): Promise<number> {
    let last = 0;
    let listed = 0;
    for await (const meta of this.#context.store.list(this.#folder("commits"))) {
      last = Math.max(last, batchIdOfName(meta.path) ?? 0);
      if (++listed >= limits.laneEntriesListedMax) return this.#lastCommittedFrom(last);
    }
    return last;
  }

  async #lastCommittedFrom(known: number): Promise<number> {
    const isThere = async (batch: number): Promise<boolean> =>
      (await this.#context.store.head(this.#path("commits", batchId(batch)))) !== undefined;
    let step = limits.laneEntriesListedMax;
    let low = known;
    while (await isThere(low + step)) {
      low += step;
      step *= 2;
    }
    let high = low + step;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (await isThere(middle)) low = middle;
      else high = middle;
    }
    return low;
  }

  /** True where the lane went on and the head's own entries are gone, as those after it may be. */
  async #isOvertaken({ lastCommit, lastOffsets }: LaneHead): Promise<boolean> {
    const writtenTime = lastCommit?.committedTime ?? lastOffsets?.batchTime;
    if (writtenTime === undefined) return false;
    if (this.#context.clock.nowMs() - Date.parse(writtenTime) < limits.laneEntriesKeptMs / 2) return false;
    // The start of a lane stays for ever, so that it says nothing of what came after it.
    const batch = lastCommit?.batchId ?? 0;
    return batch === 0 || (await this.commitAt(batchId(batch))) === undefined;
  }

  #folder(log: LogName): string {
    return layout.log(this.flow, this.generation, this.lane, log);
  }

  /**
   * Records are read in the opposite order of their writing: whoever sees one sees all that came before it. Otherwise a batch could be
   * met without the commits/0 that says what it follows.
   */
  async #headAt(last: number, commit: CommitRecord | undefined, known?: LaneHead): Promise<LaneHead> {
    const [openOffsets, openOutcome] = await Promise.all([
      this.offsetsAt(batchId(last + 1)),
      this.outcomeAt(batchId(last + 1)),
    ]);
    const [lastOffsets, lastOutcome] = await Promise.all([
      known?.lastOffsets ?? this.offsetsAt(batchId(last)),
      last === 0 ? undefined : (known?.lastOutcome ?? this.outcomeAt(batchId(last))),
    ]);
    const lastCommit = commit ?? (lastOffsets?.batchId === 0 ? await this.commitAt(batchId(0)) : undefined);
    return { lastCommit, lastOffsets, lastOutcome, openOffsets, openOutcome };
  }

  #path(log: LogName, batch: BatchId, redo = 0): string {
    return layout.entry(this.flow, this.generation, this.lane, log, batch, redo);
  }
}

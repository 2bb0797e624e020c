/**
 * The three logs of one lane of one generation. Entries are written once and never changed; the first writer's entry counts.
 */
import { batchId, type BatchId, type FlowId, type Generation, type LaneId } from "../core/index.ts";
import {
  commitRecord,
  offsetsRecord,
  outcomeRecord,
  type CommitRecord,
  type OffsetsRecord,
  type OutcomeRecord,
} from "./formats.ts";
import { batchIdOfName, layout } from "./layout.ts";
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

  /** The head after somebody else may have gone on: probes for the next commit by name, never lists. */
  async advance(head: LaneHead): Promise<LaneHead> {
    let lastCommit = head.lastCommit;
    for (;;) {
      const next = await this.commitAt(batchId((lastCommit?.batchId ?? 0) + 1));
      if (next === undefined) break;
      lastCommit = next;
    }
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

  async #lastCommittedBatch(): Promise<number> {
    let last = 0;
    for await (const meta of this.#context.store.list(layout.log(this.flow, this.generation, this.lane, "commits"))) {
      last = Math.max(last, batchIdOfName(meta.path) ?? 0);
    }
    return last;
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

  #path(log: "offsets" | "outcome" | "commits", batch: BatchId, redo = 0): string {
    return layout.entry(this.flow, this.generation, this.lane, log, batch, redo);
  }
}

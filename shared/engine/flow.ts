/** What the engine knows of a flow: how it plans and computes is its driver's; how a batch is carried through is the same for all. */
import type { FlowId, Generation, LaneId } from "../core/index.ts";
import type {
  BatchCounts,
  CommitRecord,
  EventTimes,
  GenerationRecord,
  InputRange,
  LaneHead,
  OffsetsRecord,
  OutcomeRecord,
  TableOutcome,
  Watermark,
} from "../checkpoint/index.ts";
import type { Schema } from "../plan/index.ts";
import type { HubEvent } from "../sources/index.ts";

/** A table that a flow writes. All of them are created before the generation that owns them is recorded. */
export interface FlowTable {
  /** `sink`, `quarantine`, or `state:<operator>`. */
  readonly role: string;
  readonly root: "host" | "lake";
  readonly path: string;
  readonly schema: Schema;
  readonly partitionBy: readonly string[];
  readonly description?: string | undefined;
}

/** What came with a doorbell: never more than a hint, because the offsets decide. */
export type Hint =
  | { readonly kind: "hub-events"; readonly events: readonly HubEvent[] }
  | { readonly kind: "landed"; readonly path: string }
  /** A backfill asks for a part of its lane's input. */
  | { readonly kind: "replay"; readonly job: string; readonly part: ReplayPart };

/** What of its input a replay brings into the flow: events that its lane has passed, or landed files that the ledger does not name. */
export type ReplayPart =
  | {
      readonly kind: "hub";
      /** The hub's creation time, ISO-8601: a hub that was created again since is another hub. */
      readonly epoch: string;
      /** The generation that it was planned in: in another one, what was done by then may not be in the table any more. */
      readonly generation: number;
      readonly fromSequence: number;
      readonly untilSequence: number;
    }
  | { readonly kind: "files"; readonly prefix: string };

/** The part of the offsets that a driver plans. */
export interface PlannedInput {
  readonly inputs: Readonly<Record<string, InputRange>>;
  readonly statics: OffsetsRecord["statics"];
  readonly watermark: Watermark | null;
  /** The backfill that the batch belongs to. */
  readonly job: string | null;
}

/** The part of the outcome that a driver computes. Tables come in the order of their commits, the sink last. */
export interface ComputedBatch {
  readonly tables: readonly TableOutcome[];
  readonly watermark: Watermark | null;
  readonly counts: BatchCounts;
  readonly eventTime?: EventTimes;
  readonly strategy: { readonly name: string; readonly reason: string };
}

/** A batch that is to be computed: what was logged, and where the lane's tables stood. */
export interface BatchContext {
  readonly lane: LaneId;
  readonly generation: GenerationRecord;
  readonly offsets: OffsetsRecord;
  /** State is read as of these versions, never the latest. */
  readonly lastCommit: CommitRecord | undefined;
  readonly hint: Hint | undefined;
  readonly signal: AbortSignal;
}

export interface FlowDriver {
  readonly flow: FlowId;
  readonly planFingerprint: string;
  readonly minIntervalMs: number;
  /** The share of time that batches may take; without one, all of it. */
  readonly dutyCycle?: number;
  /** The rows follow from the inputs alone, so that a new generation computes them again rather than going on. */
  readonly isRecomputed?: boolean;
  /** What its places in the input are told by; null where rows are recomputed. */
  readonly position: NonNullable<GenerationRecord["position"]> | null;
  /** Names of the flow's own tables for a generation. */
  tables(generation: Generation): readonly FlowTable[];
  /** The lanes that exist now. */
  lanes(): Promise<readonly LaneId[]>;
  /** Lanes that only backfills run. Only drivers that have such lanes have it. */
  replayLanes?(): Promise<readonly LaneId[]>;
  /** The lanes that the rows of its sink name, where these are not the flow's own. */
  placeLanes?(): Promise<readonly LaneId[]>;
  /** Where a lane that was never run in this generation begins; `first` is where it began at all, if it did. Recorded as offsets/0. Undefined while that cannot be said yet. */
  start(lane: LaneId, first?: OffsetsRecord): Promise<PlannedInput | undefined>;
  /** Throws where a reset would lose rows that the source still has. Only drivers for which that can be have it. */
  assertResettable?(): Promise<void>;
  /** The input of the next batch, or undefined where there is nothing to do. */
  plan(
    lane: LaneId,
    head: LaneHead,
    hint: Hint | undefined,
    generation: GenerationRecord,
  ): Promise<PlannedInput | undefined>;
  /** Computes a batch from its offsets: the same offsets give equal rows. Writes files, commits nothing. */
  compute(batch: BatchContext): Promise<ComputedBatch>;
  /** Does the merge of the staged rows again on the sink as it stands now. Only drivers that merge have it. */
  merge?(batch: BatchContext, outcome: OutcomeRecord): Promise<readonly TableOutcome[]>;
}

/**
 * Events that a partition's lane has passed, brought into bronze again (SPEC.md 18): in a lane of their own, never beyond what the live
 * lane has committed, and only those that bronze does not hold. An event is known by (source_epoch, partition, sequence_number).
 */
import { generation, instantText, isDyneError, limits, type LaneId } from "../../core/index.ts";
import { LaneLog, type GenerationRecord, type HubRange, type LaneHead } from "../../checkpoint/index.ts";
import type { FileSet } from "../../compute/index.ts";
import { mayContain, type AddFile, type Snapshot } from "../../delta/index.ts";
import type { LogicalPlan } from "../../plan/index.ts";
import type { EngineContext } from "../context.ts";
import type { HubFlow } from "../declared-flow.ts";
import type { Hint, PlannedInput } from "../flow.ts";
import type { HubEvent } from "../../sources/index.ts";
import { scan } from "../incremental/expressions.ts";

const identity = ["source_epoch", "partition", "sequence_number"] as const;

/** What is next, and its events, which planning has read to see how many fit. */
export interface PlannedReplay {
  readonly input: PlannedInput;
  readonly events: readonly HubEvent[];
}

export class HubReplay {
  readonly #context: EngineContext;
  readonly #declared: HubFlow;

  constructor(context: EngineContext, declared: HubFlow) {
    this.#context = context;
    this.#declared = declared;
  }

  /** The next range of the part that the hint asks for; undefined where it is through, and without such a hint. */
  async plan(
    partition: LaneId,
    head: LaneHead,
    hint: Hint | undefined,
    record: GenerationRecord,
    epochUs: bigint,
  ): Promise<PlannedReplay | undefined> {
    if (hint?.kind !== "replay" || hint.part.kind !== "hub") return undefined;
    const { part, job } = hint;
    if (part.generation !== record.generation) return undefined;
    const live = await this.#liveRange(partition, record);
    if (live?.epoch !== part.epoch || instantText(epochUs) !== part.epoch) return undefined;
    const last = head.lastOffsets?.inputs[this.#declared.hub];
    const isSameJob = head.lastOffsets?.job === job && last?.kind === "hub" && last.epoch === part.epoch;
    const at = isSameJob ? Math.max(part.fromSequence, last.untilSequence) : part.fromSequence;
    const events = await this.#read(partition, at, Math.min(part.untilSequence, live.untilSequence));
    const fromSequence = events[0]?.sequenceNumber;
    if (fromSequence === undefined) return undefined;
    const { hub } = this.#declared;
    const untilSequence = fromSequence + events.length;
    const input: HubRange = { kind: "hub", epoch: part.epoch, partition, fromSequence, untilSequence };
    return { input: { inputs: { [hub]: input }, statics: {}, watermark: null, job }, events };
  }

  /** The first events of [from, until) that the hub still holds, as many as a batch may have: in number, and in bytes. */
  async #read(partition: LaneId, from: number, until: number): Promise<readonly HubEvent[]> {
    const { hub } = this.#declared;
    const { hubs } = this.#context;
    const range = { hub, partition, maxBytes: limits.hubBatchBytes };
    let start = Math.max(from, (await hubs.partition(hub, partition)).beginSequence);
    while (start < until) {
      const untilSequence = Math.min(until, start + limits.hubBatchEvents);
      try {
        return await hubs.read({ ...range, fromSequence: start, untilSequence });
      } catch (error) {
        // Expired meanwhile: each turn begins behind the one before.
        if (!isDyneError(error, "DATA_LOSS") && !isDyneError(error, "STORAGE_UNAVAILABLE")) throw error;
        const { beginSequence } = await hubs.partition(hub, partition);
        if (beginSequence <= start) throw error;
        start = beginSequence;
      }
    }
    return [];
  }

  /**
   * Files of bronze that may hold events of a range, as it is now: nobody else adds events of the range, and where this very batch has,
   * its outcome is there, and counts instead of what is computed here. A version pinned might be gone when the batch is taken up again.
   */
  async present(range: HubRange): Promise<FileSet> {
    const { output } = this.#declared;
    const table = this.#context.tables.open("lake", output.path);
    const snapshot = await table.latest();
    return table.fileSet(
      snapshot,
      [...snapshot.files].filter((file) => mayHold(snapshot, file, range)),
    );
  }

  /** The rows of `events` that are not in `present`. */
  missing(): LogicalPlan {
    const { schema } = this.#declared.output;
    return {
      kind: "join",
      type: "anti",
      left: scan("events", schema),
      right: scan("present", schema),
      on: identity.map((name) => ({ left: name, right: name })),
      dropRight: [],
    };
  }

  /** What the live lane has read up to in this generation; undefined where it has not begun. */
  async #liveRange(partition: LaneId, record: GenerationRecord): Promise<HubRange | undefined> {
    const { host: store, clock, random } = this.#context;
    const log = new LaneLog({ store, clock, random }, this.#declared.id, generation(record.generation), partition);
    const input = (await log.head()).lastOffsets?.inputs[this.#declared.hub];
    return input?.kind === "hub" ? input : undefined;
  }
}

/** A file is left out only where its tag or its statistics rule it out. */
function mayHold(snapshot: Snapshot, file: AddFile, { partition, fromSequence, untilSequence }: HubRange): boolean {
  const lane = file.tags?.["lane"];
  if (typeof lane === "string" && lane !== partition) return false;
  const sequences = { min: BigInt(fromSequence), max: BigInt(untilSequence - 1) };
  return mayContain(snapshot, file, "sequence_number", sequences);
}

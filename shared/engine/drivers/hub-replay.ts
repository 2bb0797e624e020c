/**
 * Events that a partition's lane has passed, brought into bronze again (SPEC.md 18): in a lane of their own, never beyond what the live
 * lane has committed, and only those that bronze does not hold. An event is known by (source_epoch, partition, sequence_number).
 */
import { generation, instantText, type LaneId } from "../../core/index.ts";
import {
  LaneLog,
  type GenerationRecord,
  type HubRange,
  type LaneHead,
  type OffsetsRecord,
} from "../../checkpoint/index.ts";
import type { FileSet } from "../../compute/index.ts";
import type { AddFile } from "../../delta/index.ts";
import type { LogicalPlan } from "../../plan/index.ts";
import { limits } from "../../core/index.ts";
import type { EngineContext } from "../context.ts";
import type { HubFlow } from "../declared-flow.ts";
import type { Hint, PlannedInput } from "../flow.ts";
import { scan } from "../incremental/expressions.ts";

const identity = ["source_epoch", "partition", "sequence_number"] as const;

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
  ): Promise<PlannedInput | undefined> {
    if (hint?.kind !== "replay" || hint.part.kind !== "hub") return undefined;
    const { part, job } = hint;
    const live = await this.#liveRange(partition, record);
    if (live?.epoch !== part.epoch || instantText(epochUs) !== part.epoch) return undefined;
    const last = head.lastOffsets?.inputs[this.#declared.hub];
    const isSameJob = head.lastOffsets?.job === job && last?.kind === "hub" && last.epoch === part.epoch;
    const held = await this.#context.hubs.partition(this.#declared.hub, partition);
    const at = isSameJob ? Math.max(part.fromSequence, last.untilSequence) : part.fromSequence;
    const fromSequence = Math.max(at, held.beginSequence);
    const untilSequence = Math.min(part.untilSequence, live.untilSequence, fromSequence + limits.hubBatchEvents);
    if (fromSequence >= untilSequence) return undefined;
    const { output, hub } = this.#declared;
    const { metadata, version } = await this.#context.tables.open("lake", output.path).latest();
    return {
      inputs: { [hub]: { kind: "hub", epoch: part.epoch, partition, fromSequence, untilSequence } },
      statics: { [output.name]: { tableId: metadata.id, version } },
      watermark: null,
      job,
    };
  }

  /** Files of bronze, at the version pinned, that may hold events of a range. */
  async present(range: HubRange, { statics }: OffsetsRecord): Promise<FileSet> {
    const { output } = this.#declared;
    const table = this.#context.tables.open("lake", output.path);
    const snapshot = await table.at(statics[output.name]?.version ?? 0);
    return table.fileSet(
      snapshot,
      [...snapshot.files].filter((file) => mayHold(file, range)),
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
function mayHold({ tags, stats }: AddFile, { partition, fromSequence, untilSequence }: HubRange): boolean {
  const lane = tags?.["lane"];
  if (typeof lane === "string" && lane !== partition) return false;
  const { minValues, maxValues } = JSON.parse(stats ?? "{}") as Partial<Record<"minValues" | "maxValues", Bounds>>;
  const { sequence_number: min = Number.NEGATIVE_INFINITY } = minValues ?? {};
  const { sequence_number: max = Number.POSITIVE_INFINITY } = maxValues ?? {};
  return min < untilSequence && max >= fromSequence;
}

interface Bounds {
  readonly sequence_number?: number;
}

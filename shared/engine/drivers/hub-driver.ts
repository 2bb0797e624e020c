/** Event Hub → bronze: one lane per partition, the body byte for byte (SPEC.md 6). */
import { isUtf8 } from "node:buffer";
import {
  DyneError,
  instantMicros,
  instantText,
  isDyneError,
  laneId,
  limits,
  replayedLane,
  replayLane,
  type FlowId,
  type Generation,
  type LaneId,
} from "../../core/index.ts";
import type { GenerationRecord, HubRange, LaneHead, OffsetsRecord } from "../../checkpoint/index.ts";
import type { RowSet, RowValue } from "../../compute/index.ts";
import type { HubFlow } from "../declared-flow.ts";
import type { HubEvent } from "../../sources/index.ts";
import type { EngineContext } from "../context.ts";
import { noCounts } from "../counts.ts";
import type { BatchContext, ComputedBatch, FlowDriver, FlowTable, Hint, PlannedInput } from "../flow.ts";
import { scan } from "../incremental/expressions.ts";
import { appendOutcome, fileTags, outputBytes } from "../table-outcome.ts";
import { HubReplay } from "./hub-replay.ts";

/** How long the hub's creation time is believed before it is asked for again. */
const descriptionTrustedMs = 60_000;

export class HubDriver implements FlowDriver {
  readonly flow: FlowId;
  readonly planFingerprint: string;
  readonly minIntervalMs: number;
  readonly position: FlowDriver["position"];
  readonly #context: EngineContext;
  readonly #declared: HubFlow;
  readonly #replay: HubReplay;
  /** By lane, the sequence number up to which the logs are known to have committed. */
  readonly #committed = new Map<LaneId, number>();
  /** By lane, events read while planning: what the offsets then name need not be read again. */
  readonly #cached = new Map<LaneId, readonly HubEvent[]>();
  #described: { readonly epochUs: bigint; readonly partitions: readonly string[]; readonly atMs: number } | undefined;

  constructor(context: EngineContext, declared: HubFlow) {
    this.#context = context;
    this.#declared = declared;
    this.#replay = new HubReplay(context, declared);
    this.flow = declared.id;
    this.planFingerprint = declared.fingerprint;
    this.minIntervalMs = declared.minIntervalMs;
    this.position = { inputs: [declared.hub], watermark: null };
  }

  tables(_generation: Generation): readonly FlowTable[] {
    return [
      {
        role: "sink",
        root: "lake",
        path: this.#declared.output.path,
        schema: this.#declared.output.schema,
        partitionBy: this.#declared.output.partitionBy,
      },
    ];
  }

  async lanes(): Promise<readonly LaneId[]> {
    return (await this.#describe()).partitions.map(laneId);
  }

  async replayLanes(): Promise<readonly LaneId[]> {
    return (await this.lanes()).map(replayLane);
  }

  async start(lane: LaneId, first?: OffsetsRecord): Promise<PlannedInput> {
    const { epochUs } = await this.#describe();
    const replayed = replayedLane(lane);
    if (replayed !== undefined) return this.#input(emptyRange(replayed, epochUs, 0));
    const range = await this.#context.hubs.partition(this.#declared.hub, lane);
    const begun = first?.inputs[this.#declared.hub];
    const isSameHub = begun?.kind === "hub" && begun.epoch === instantText(epochUs);
    // What was the latest event when the lane began at all is not what is the latest now.
    const latest = isSameHub ? Math.max(range.beginSequence, begun.untilSequence) : range.untilSequence;
    const at = this.#declared.startingPosition === "latest" ? latest : range.beginSequence;
    return this.#input(emptyRange(lane, epochUs, at));
  }

  async plan(
    lane: LaneId,
    head: LaneHead,
    hint: Hint | undefined,
    generation: GenerationRecord,
  ): Promise<PlannedInput | undefined> {
    const { epochUs } = await this.#describe();
    const replayed = replayedLane(lane);
    if (replayed !== undefined) {
      const replay = await this.#replay.plan(replayed, head, hint, generation, epochUs);
      this.#cached.set(lane, replay?.events ?? []);
      return replay?.input;
    }
    const last = hubRange(head, this.#declared.hub);
    if (instantText(epochUs) !== last.epoch) return this.#recreated(lane, last, epochUs);
    const from = last.untilSequence;
    this.#committed.set(lane, from);
    const payload = unread(hint, from);
    const isHeadStart = payload[0]?.sequenceNumber === from;
    if (hint?.kind === "hub-events" && hint.events.length > 0 && payload.length === 0) return undefined;
    const given = isHeadStart ? payload : [];
    const readsAhead = !isHeadStart || given.length >= limits.hubReadAheadEvents / 2;
    const ahead = readsAhead ? await this.#readAhead(lane, from + given.length, given) : [];
    this.#cached.set(lane, ahead);
    const first = given[0] ?? ahead[0];
    if (first === undefined) return undefined;
    return this.#input({
      ...last,
      fromSequence: first.sequenceNumber,
      untilSequence: first.sequenceNumber + given.length + ahead.length,
    });
  }

  /** True where the lane's logs are known to have an event already, as long as the hub is the one that was read. */
  hasCommitted(lane: LaneId, sequenceNumber: number): boolean {
    return sequenceNumber < (this.#committed.get(lane) ?? 0);
  }

  async compute(batch: BatchContext): Promise<ComputedBatch> {
    const range = batch.offsets.inputs[this.#declared.hub];
    if (range?.kind !== "hub")
      throw new DyneError("CHECKPOINT_CORRUPT", `The offsets of ${this.flow} name no range of ${this.#declared.hub}.`);
    const isReplay = replayedLane(batch.lane) !== undefined;
    const events = await this.#events(range, batch, isReplay || !this.#declared.failOnDataLoss);
    const output = this.#declared.output;
    const result = await this.#context.compute.run({
      name: `${this.flow}/${batch.lane}/${batch.offsets.batchId}`,
      inputs: {
        events: bronzeRows(events, this.#declared, range, batch.offsets.batchTime),
        ...(isReplay ? { present: await this.#replay.present(range) } : {}),
      },
      steps: [],
      writes: [
        {
          name: "sink",
          plan: isReplay ? this.#replay.missing() : scan("events", output.schema),
          target: {
            store: this.#context.lake,
            path: output.path,
            schema: output.schema,
            partitionBy: output.partitionBy,
            sortBy: [],
          },
        },
      ],
      collects: [],
      parameters: {},
      signal: batch.signal,
    });
    if (result.kind === "pending") throw new DyneError("BATCH_ABANDONED", `${this.flow} waits for its compute.`);
    const sinkId = batch.generation.tables["sink"]?.tableId ?? "";
    const written = result.written["sink"] ?? [];
    const tables = [appendOutcome("sink", sinkId, -1, written, fileTags(range.partition, batch.offsets.job))];
    const outputRows = written.reduce((sum, file) => sum + file.rowCount, 0);
    return {
      tables,
      watermark: null,
      counts: {
        ...noCounts,
        inputRows: events.length,
        outputRows,
        duplicates: events.length - outputRows,
        inputBytes: events.reduce((sum, event) => sum + event.body.length, 0),
        outputBytes: outputBytes(tables),
      },
      strategy: {
        name: "append",
        reason: isReplay ? "events that the table does not hold yet" : "an Event Hub only ever grows",
      },
    };
  }

  /** The range's events: from the trigger's payload or what planning read where they have them unchanged, from the hub otherwise. */
  async #events(
    range: HubRange,
    { lane, hint, signal }: Pick<BatchContext, "lane" | "hint" | "signal">,
    mayLose: boolean,
  ): Promise<readonly HubEvent[]> {
    const size = range.untilSequence - range.fromSequence;
    const events = new Array<HubEvent | undefined>(size);
    const epochUs = instantMicros(range.epoch);
    const { epochUs: newestEpochUs } = await this.#describe();
    const isOfEpoch = ({ enqueuedTimeUs }: HubEvent): boolean =>
      enqueuedTimeUs >= epochUs && (newestEpochUs === epochUs || enqueuedTimeUs < newestEpochUs);
    const cached = this.#cached.get(lane) ?? [];
    this.#cached.delete(lane);
    for (const event of [...(hint?.kind === "hub-events" ? hint.events : []).filter(isUnchanged), ...cached]) {
      const index = event.sequenceNumber - range.fromSequence;
      if (index >= 0 && index < size && isOfEpoch(event)) events[index] = event;
    }
    for (let start = 0; start < size; start++) {
      if (events[start] !== undefined) continue;
      let end = start;
      while (end < size && events[end] === undefined) end++;
      const stretch = { from: range.fromSequence + start, until: range.fromSequence + end };
      for (const event of await this.#readAgain(range, stretch, signal, mayLose))
        events[event.sequenceNumber - range.fromSequence] = event;
      start = end - 1;
    }
    return events.filter((event) => event !== undefined);
  }

  /** A part of an open batch's range from the hub. Where losses are accepted, without the events that are not there any more. */
  async #readAgain(
    range: HubRange,
    { from, until }: { readonly from: number; readonly until: number },
    signal: AbortSignal,
    mayLose: boolean,
  ): Promise<readonly HubEvent[]> {
    const lane = laneId(range.partition);
    const { epochUs } = await this.#describe();
    if (instantText(epochUs) !== range.epoch) {
      this.#acceptNewHub(lane, range, epochUs, mayLose);
      return [];
    }
    const { hubs } = this.#context;
    const stretch = { hub: this.#declared.hub, partition: range.partition, untilSequence: until };
    // Each turn begins behind the one before: events may expire again and again while they are read.
    for (let start = from; start < until;) {
      try {
        return await hubs.read({ ...stretch, fromSequence: start }, signal);
      } catch (error) {
        // A range of which nothing is left in an idle partition is not refused: its events only never come.
        if (!isDyneError(error, "DATA_LOSS") && !isDyneError(error, "STORAGE_UNAVAILABLE")) throw error;
        const { beginSequence } = await hubs.partition(this.#declared.hub, lane);
        const next = this.#stillThere(lane, start, beginSequence, mayLose);
        if (next === start) throw error;
        start = next;
      }
    }
    return [];
  }

  /** What waits in the hub behind the events that are there already, as much as a batch may hold. Nothing where little waits. */
  async #readAhead(lane: LaneId, from: number, before: readonly HubEvent[]): Promise<readonly HubEvent[]> {
    const hub = this.#declared.hub;
    const held = await this.#context.hubs.partition(hub, lane);
    const start = before.length > 0 ? from : this.#stillThere(lane, from, held.beginSequence);
    const until = Math.min(held.untilSequence, start + limits.hubBatchEvents - before.length);
    const maxBytes = limits.hubBatchBytes - before.reduce((sum, event) => sum + event.body.length, 0);
    if (until <= start || maxBytes <= 0 || (before.length > 0 && until - start < limits.hubReadAheadEvents)) return [];
    const startedMs = this.#context.clock.nowMs();
    const events = await this.#context.hubs.read({
      hub,
      partition: lane,
      fromSequence: start,
      untilSequence: until,
      maxBytes,
    });
    this.#context.logger.debug("read ahead", {
      flow: this.flow,
      lane,
      from: start,
      until,
      events: events.length,
      ms: this.#context.clock.nowMs() - startedMs,
    });
    return events;
  }

  /** The first sequence number from `from` on that the hub still holds. */
  #stillThere(lane: LaneId, from: number, beginSequence: number, mayLose = !this.#declared.failOnDataLoss): number {
    if (beginSequence <= from) return from;
    const message = `Partition ${lane} of ${this.#declared.hub} lost sequence numbers ${from} to ${beginSequence - 1}: they expired before they were read`;
    if (!mayLose) {
      throw new DyneError(
        "DATA_LOSS",
        `${message}. Replay them from Capture, or declare failOnDataLoss: false to go on without them.`,
      );
    }
    this.#context.logger.warn(message, { flow: this.flow, lane });
    return beginSequence;
  }

  #recreated(lane: LaneId, last: HubRange, epochUs: bigint): PlannedInput {
    this.#acceptNewHub(lane, last, epochUs);
    return this.#input(emptyRange(lane, epochUs, 0));
  }

  /** Throws HUB_CHANGED unless losses are accepted. */
  #acceptNewHub(lane: LaneId, last: HubRange, epochUs: bigint, mayLose = !this.#declared.failOnDataLoss): void {
    if (!mayLose) {
      throw new DyneError(
        "HUB_CHANGED",
        `The hub ${this.#declared.hub} was created again at ${instantText(epochUs)}; ${this.flow} had read its predecessor of ${last.epoch} up to ` +
          `${last.untilSequence}. Declare failOnDataLoss: false to go on with the new hub from its start.`,
      );
    }
    this.#context.logger.warn("the hub was created again, reading it from its start", { flow: this.flow, lane });
  }

  #input(range: HubRange): PlannedInput {
    return { inputs: { [this.#declared.hub]: range }, statics: {}, watermark: null, job: null };
  }

  async #describe() {
    const nowMs = this.#context.clock.nowMs();
    if (this.#described === undefined || nowMs - this.#described.atMs > descriptionTrustedMs) {
      this.#described = { ...(await this.#context.hubs.describe(this.#declared.hub)), atMs: nowMs };
    }
    return this.#described;
  }
}

/** The range of a lane that has read nothing yet, or begins again. */
function emptyRange(lane: LaneId, epochUs: bigint, at: number): HubRange {
  return { kind: "hub", epoch: instantText(epochUs), partition: lane, fromSequence: at, untilSequence: at };
}

function hubRange(head: LaneHead, hub: string): HubRange {
  const range = head.lastOffsets?.inputs[hub];
  if (range?.kind !== "hub") throw new DyneError("CHECKPOINT_CORRUPT", `The last offsets name no range of ${hub}.`);
  return range;
}

/** The host alters application properties on their way, so such events are read from the hub. */
function isUnchanged(event: HubEvent): boolean {
  return event.properties === null;
}

/** The events of a payload from a sequence number on, without gaps and unchanged, as many as a batch may hold. */
function unread(hint: Hint | undefined, from: number): HubEvent[] {
  const events: HubEvent[] = [];
  let bytes = 0;
  for (const event of hint?.kind === "hub-events" ? hint.events : []) {
    if (event.sequenceNumber < from) continue;
    const previous = events.at(-1);
    const isFull =
      events.length >= limits.hubBatchEvents || (events.length > 0 && bytes + event.body.length > limits.hubBatchBytes);
    if (isFull || (previous !== undefined && event.sequenceNumber !== previous.sequenceNumber + 1)) break;
    events.push(event);
    bytes += event.body.length;
  }
  return events;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function bronzeRows(events: readonly HubEvent[], flow: HubFlow, range: HubRange, batchTime: string): RowSet {
  const batchUs = instantMicros(batchTime);
  const day = Number(batchUs / 86_400_000_000n);
  const every = (value: RowValue): RowValue[] => new Array<RowValue>(events.length).fill(value);
  const texts: RowValue[] = [];
  const binaries: RowValue[] = [];
  for (const event of events) {
    const isText = isUtf8(event.body);
    texts.push(isText ? decoder.decode(event.body) : null);
    binaries.push(isText ? null : event.body);
  }
  return {
    kind: "rows",
    schema: flow.output.schema,
    rowCount: events.length,
    columns: {
      event_data: texts,
      event_data_binary: binaries,
      ingestion_timestamp: every(batchUs),
      ingestion_date: every(day),
      source_system: every(flow.hub),
      source_epoch: every(instantMicros(range.epoch)),
      partition: every(range.partition),
      sequence_number: events.map((event) => BigInt(event.sequenceNumber)),
      offset: events.map((event) => event.offset),
      enqueued_time: events.map((event) => event.enqueuedTimeUs),
      partition_key: events.map((event) => event.partitionKey),
      properties: events.map((event) => (event.properties === null ? null : JSON.stringify(event.properties))),
    },
  };
}

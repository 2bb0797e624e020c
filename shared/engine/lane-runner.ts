/**
 * Runs the batches of one lane: recover, plan, log offsets, compute, log the outcome, roll forward, log the commit (SPEC.md 1).
 *
 * A runner keeps its lane's head in memory between batches and probes the next names; what it holds in memory is never trusted
 * further than a put-if-absent reaches.
 */
import { batchId, DyneError, generation, instantOfMs, isDyneError, limits, type LaneId } from "../core/index.ts";
import {
  FlowLog,
  hasFailed,
  LaneLog,
  LeaseKeeper,
  layout,
  type CommitRecord,
  type GenerationRecord,
  type LaneHead,
  type OutcomeRecord,
  type RecordContext,
} from "../checkpoint/index.ts";
import type { EngineContext } from "./context.ts";
import type { BatchContext, ComputedBatch, FlowDriver, Hint, PlannedInput } from "./flow.ts";
import { failFlow } from "./flow-state.ts";
import type { WarmFlow } from "./maintenance.ts";
import { isNewest, openGeneration } from "./generation.ts";
import { beginLane } from "./hand-over.ts";
import { plannedOffsets } from "./offsets.ts";
import { nextStep } from "./recovery.ts";
import { restMs } from "./rest.ts";
import { rollForward } from "./roll-forward.ts";
import type { LaneResult } from "./lane-result.ts";

export interface LaneBudget {
  /** Stop taking new batches at this time. */
  readonly untilMs: number;
  readonly batchesMax: number;
  readonly signal: AbortSignal;
  /** True where somebody asked for all that there is: no rest is kept. */
  readonly isEager?: boolean;
}

/** What a runner remembers of a lane between calls, and the lease it holds during one. */
interface HeldLane {
  readonly log: LaneLog;
  readonly lease: LeaseKeeper;
  head: LaneHead;
  /** What this runner spent on the open batch before computing it, in milliseconds by phase. */
  before: Readonly<Record<string, number>>;
}

export class LaneRunner {
  readonly #context: EngineContext;
  readonly #driver: FlowDriver;
  readonly #records: RecordContext;
  readonly #warm = new Map<LaneId, { readonly log: LaneLog; readonly head: LaneHead }>();
  #generation: GenerationRecord | undefined;
  /** The generation of a newer build, which was told. */
  #supersededBy: number | undefined;

  constructor(context: EngineContext, driver: FlowDriver) {
    this.#context = context;
    this.#driver = driver;
    this.#records = { store: context.host, clock: context.clock, random: context.random };
  }

  /** What this instance knows of the flow between two runs; undefined before the first one. */
  get warm(): WarmFlow | undefined {
    return this.#generation && { generation: this.#generation, lanes: this.#warm };
  }

  /** True where the flow has a newer generation than this instance knows: what it remembers of the lanes says nothing of that. Costs a request. */
  async isOvertaken(): Promise<boolean> {
    const known = this.#generation;
    return known !== undefined && !(await isNewest(this.#context, this.#driver, generation(known.generation)));
  }

  /** Runs batches of the lane until there is no input, or the budget ends. One call per lane at a time. */
  async run(lane: LaneId, hint: Hint | undefined, budget: LaneBudget): Promise<LaneResult> {
    const state = (await new FlowLog(this.#records, this.#driver.flow).state()).record;
    if (state?.state === "PAUSED") return { kind: "stopped", state: state.state };
    const record = await this.#open();
    if (record === undefined) return { kind: "superseded" };
    if (hasFailed(state, record.generation)) return { kind: "stopped", state: "FAILED" };
    const log = new LaneLog(this.#records, this.#driver.flow, generation(record.generation), lane);
    const path = layout.lease(this.#driver.flow, log.generation, lane);
    await using lease = await LeaseKeeper.acquire(this.#context.host, path, this.#context);
    if (lease === undefined) return { kind: "busy" };
    const known = this.#warm.get(lane);
    this.#warm.delete(lane);
    const isWarm = known !== undefined && known.log.generation === log.generation;
    const held: HeldLane = { log, lease, head: isWarm ? await log.advance(known.head) : await log.head(), before: {} };
    try {
      const result = await this.#batches(lane, record, held, hint, budget);
      if (result.kind !== "superseded") this.#warm.set(lane, { log, head: held.head });
      return result;
    } catch (error) {
      if (!isDyneError(error) || error.kind !== "data") throw error;
      const isOurs = await isNewest(this.#context, this.#driver, log.generation);
      if (!isOurs || (await this.#isDecidedElsewhere(held))) return { kind: "superseded" };
      await this.#fail(lane, record, held, error);
      throw error;
    }
  }

  async #open(): Promise<GenerationRecord | undefined> {
    if (
      this.#generation !== undefined &&
      (await isNewest(this.#context, this.#driver, generation(this.#generation.generation)))
    ) {
      return this.#generation;
    }
    const opened = await openGeneration(this.#context, this.#driver);
    if (opened.kind === "superseded" && opened.by !== this.#supersededBy) {
      this.#supersededBy = opened.by;
      this.#context.logger.warn(
        "a newer build runs the flow, and this one leaves it alone; where its query was taken back on purpose, continue or reset the flow",
        { flow: this.#driver.flow, generation: opened.by },
      );
    }
    this.#generation = opened.kind === "open" ? opened.record : undefined;
    return this.#generation;
  }

  async #batches(
    lane: LaneId,
    record: GenerationRecord,
    held: HeldLane,
    hint: Hint | undefined,
    budget: LaneBudget,
  ): Promise<LaneResult> {
    let batches = 0;
    let rows = 0;
    let dueMs = 0;
    const signal = AbortSignal.any([budget.signal, held.lease.signal]);
    while (batches < budget.batchesMax) {
      if (batches > 0 && (signal.aborted || this.#context.clock.nowMs() >= budget.untilMs))
        return { kind: "ran", batches, rows, more: true };
      if (nextStep(held.head).kind === "plan") {
        // A newer build may have taken over while the batch before ran.
        const isOurs = batches === 0 || (await isNewest(this.#context, this.#driver, generation(record.generation)));
        if (!isOurs) return { kind: "superseded" };
        // Another instance, or this one before it was started anew, may have run the batch that this lane rests from.
        const dueInMs = this.#restMs(held, budget);
        if (batches === 0 && dueInMs > 0) return { kind: "resting", dueInMs };
        const planMs = this.#context.clock.nowMs();
        const planned = await this.#planned(lane, record, held, hint, signal);
        held.before = { plan: this.#context.clock.nowMs() - planMs };
        if (planned === "superseded") return { kind: "superseded" };
        if (planned === undefined)
          return batches === 0 ? { kind: "idle" } : { kind: "ran", batches, rows, more: false };
        const isDue = (this.#context.clock.nowMs() >= dueMs && dueInMs === 0) || isWithoutInput(planned);
        if (!isDue) return { kind: "ran", batches, rows, more: true };
        await this.#logOffsets(lane, record, held, planned);
      }
      const startedMs = this.#context.clock.nowMs();
      const done = await this.#finish(lane, record, held, hint, signal);
      if (done === undefined) return { kind: "superseded" };
      dueMs = isBacklog(done) ? 0 : startedMs + this.#driver.minIntervalMs;
      batches++;
      rows += done.progress.counts.inputRows;
    }
    return { kind: "ran", batches, rows, more: true };
  }

  #restMs({ head }: HeldLane, { isEager }: LaneBudget): number {
    return isEager === true ? 0 : restMs(this.#driver, head.lastCommit, this.#context.clock.nowMs());
  }

  /** The input of a new batch; undefined where there is none. A lane that was never run in this generation begins first. */
  async #planned(
    lane: LaneId,
    record: GenerationRecord,
    held: HeldLane,
    hint: Hint | undefined,
    signal: AbortSignal,
  ): Promise<PlannedInput | "superseded" | undefined> {
    if (held.head.lastOffsets === undefined) {
      const beginning = await beginLane(this.#context, this.#driver, record, lane, signal);
      if (beginning !== "begun") return beginning === "waiting" ? undefined : beginning;
      held.head = await held.log.head();
    }
    return this.#driver.plan(lane, held.head, hint, record);
  }

  /** Writes the offsets of a new batch ahead of it, or takes those that another runner has written. */
  async #logOffsets(lane: LaneId, record: GenerationRecord, held: HeldLane, planned: PlannedInput): Promise<void> {
    const next = (held.head.lastCommit?.batchId ?? 0) + 1;
    const startedMs = this.#context.clock.nowMs();
    const put = await held.log.putOffsets(
      plannedOffsets(this.#context, this.#driver.flow, lane, record, next, planned),
    );
    held.before = put.mine ? { ...held.before, log: this.#context.clock.nowMs() - startedMs } : {};
    held.head = put.mine ? { ...held.head, openOffsets: put.record } : await held.log.advance(held.head);
  }

  /** Takes the open batch to its commit, from wherever it stands. Undefined where a newer owner was met. */
  async #finish(
    lane: LaneId,
    record: GenerationRecord,
    held: HeldLane,
    hint: Hint | undefined,
    signal: AbortSignal,
  ): Promise<CommitRecord | undefined> {
    const step = nextStep(held.head);
    // The runner that this one lost the offsets to may have committed the batch already.
    if (step.kind === "plan") return held.head.lastCommit;
    if (step.kind === "sealed") return undefined;
    const { offsets } = step;
    const batch: BatchContext = { lane, generation: record, offsets, lastCommit: held.head.lastCommit, hint, signal };
    const startedMs = this.#context.clock.nowMs();
    const outcome = step.kind === "roll" ? step.outcome : await this.#compute(held.log, batch);
    if (outcome.seal !== null) return undefined;
    const computedMs = this.#context.clock.nowMs() - startedMs;
    const spentMs = step.kind === "roll" ? {} : { ...held.before, compute: computedMs };
    const rolled = await rollForward(this.#context, this.#driver, held.log, batch, outcome, spentMs);
    held.before = {};
    if (rolled.kind === "fenced") return undefined;
    held.head = {
      lastCommit: rolled.record,
      lastOffsets: offsets,
      lastOutcome: rolled.outcome,
      openOffsets: undefined,
      openOutcome: undefined,
    };
    this.#context.logger.info("batch committed", {
      flow: this.#driver.flow,
      lane,
      batchId: offsets.batchId,
      inputRows: rolled.outcome.counts.inputRows,
      outputRows: rolled.outcome.counts.outputRows,
      strategy: rolled.outcome.strategy.name,
      computeMs: Math.round(computedMs),
      totalMs: Math.round(this.#context.clock.nowMs() - startedMs),
    });
    return rolled.record;
  }

  /** Computes a batch and decides it. Throws BATCH_ABANDONED where the lease was lost meanwhile, or the instance stops. */
  async #compute(log: LaneLog, batch: BatchContext): Promise<OutcomeRecord> {
    const computed = await this.#driver.compute(batch);
    if (batch.signal.aborted) {
      throw new DyneError(
        "BATCH_ABANDONED",
        `Batch ${batch.offsets.batchId} of ${this.#driver.flow} was given up: its lease was lost, or the instance stops. The next run finishes it.`,
      );
    }
    return this.#decide(log, batch, computed);
  }

  /** Logs the outcome. The first one is the batch: a loser drops its own files and goes on with the winner's. */
  async #decide(log: LaneLog, batch: BatchContext, computed: ComputedBatch): Promise<OutcomeRecord> {
    const put = await log.putOutcome({
      format: 1,
      flow: this.#driver.flow,
      lane: batch.lane,
      generation: batch.offsets.generation,
      batchId: batch.offsets.batchId,
      redo: 0,
      attempt: this.#context.random.uuid(),
      createdTime: instantOfMs(this.#context.clock.nowMs()),
      tables: [...computed.tables],
      watermark: computed.watermark,
      counts: computed.counts,
      strategy: computed.strategy,
      ...(computed.eventTime === undefined ? {} : { eventTime: computed.eventTime }),
      promoted: null,
      job: batch.offsets.job,
      seal: null,
    });
    if (!put.mine) await this.#discard(batch, computed);
    return put.record;
  }

  async #discard(batch: BatchContext, computed: ComputedBatch): Promise<void> {
    for (const table of computed.tables) {
      const owned = batch.generation.tables[table.role];
      if (owned === undefined) continue;
      const store = owned.root === "host" ? this.#context.host : this.#context.lake;
      for (const file of [...table.add, ...table.cdc]) await store.delete(`${owned.path}/${file.path}`);
    }
  }

  /** True where another runner has committed the batch meanwhile: what this one met then says nothing about the data. */
  async #isDecidedElsewhere(held: HeldLane): Promise<boolean> {
    const next = held.head.openOffsets?.batchId ?? (held.head.lastCommit?.batchId ?? 0) + 1;
    return (await held.log.commitAt(batchId(next))) !== undefined;
  }

  async #fail(lane: LaneId, record: GenerationRecord, held: HeldLane, error: DyneError): Promise<void> {
    const batch = held.head.openOffsets?.batchId ?? (held.head.lastCommit?.batchId ?? 0) + 1;
    await failFlow(this.#context, this.#driver.flow, {
      lane,
      generation: record.generation,
      batchId: batch,
      code: error.code,
      message: error.message,
      sample:
        typeof error.details["sample"] === "string" ? error.details["sample"].slice(0, limits.sampleCharacters) : null,
    });
  }
}

/** A batch that only lets state go follows at once, whatever the flow's interval is (SPEC.md 4). */
function isWithoutInput({ inputs }: PlannedInput): boolean {
  return Object.values(inputs).every((input) => {
    if (input.kind === "delta") return input.toVersion === input.afterVersion;
    return input.kind === "files" ? input.files.length === 0 : input.untilSequence === input.fromSequence;
  });
}

/** True where a batch was as large as batches may be: there is more behind it, and the interval would only be in the way. */
function isBacklog({ progress }: CommitRecord): boolean {
  const { inputRows, inputBytes } = progress.counts;
  return inputRows >= limits.hubBatchEvents / 2 || inputBytes >= limits.hubBatchBytes / 2;
}

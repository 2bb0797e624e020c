/**
 * A materialized view: after every batch it equals its batch query over its inputs at the versions of the batch's offsets (SPEC.md 8–11).
 */
import { DyneError, isDyneError, laneId, type FlowId, type Generation, type LaneId } from "../../core/index.ts";
import type { InputRange, LaneHead, OutcomeRecord, TableOutcome } from "../../checkpoint/index.ts";
import { rowCountOf } from "../../delta/index.ts";
import type { EngineContext } from "../context.ts";
import { noCounts } from "../counts.ts";
import type { ViewFlow } from "../declared-flow.ts";
import type { BatchContext, ComputedBatch, FlowDriver, FlowTable, PlannedInput } from "../flow.ts";
import { hiddenFlowTables } from "../incremental/hidden-tables.ts";
import { sumOfVolumes } from "../incremental/view-change.ts";
import { ViewInputs, type ViewBatch } from "../incremental/view-inputs.ts";
import { ViewRefresh, type Refreshed } from "../incremental/view-refresh.ts";
import type { Strategy } from "../incremental/view-strategy.ts";
import { outputBytes, removedFile } from "../table-outcome.ts";

export class ViewDriver implements FlowDriver {
  readonly flow: FlowId;
  readonly planFingerprint: string;
  readonly minIntervalMs: number;
  readonly dutyCycle: number;
  readonly isRecomputed = true;
  readonly position = null;
  readonly #declared: ViewFlow;
  readonly #inputs: ViewInputs;
  readonly #refresh: ViewRefresh;

  constructor(context: EngineContext, declared: ViewFlow) {
    this.#declared = declared;
    this.#refresh = new ViewRefresh(context, declared);
    this.#inputs = new ViewInputs(context, declared);
    this.flow = declared.id;
    this.planFingerprint = declared.fingerprint;
    this.minIntervalMs = declared.minIntervalMs;
    this.dutyCycle = declared.dutyCycle;
  }

  tables(generation: Generation): readonly FlowTable[] {
    const { output } = this.#declared;
    return [
      ...hiddenFlowTables(this.flow, generation, this.#inputs.hidden),
      { role: "sink", root: "lake", path: output.path, schema: output.schema, partitionBy: output.partitionBy },
    ];
  }

  async lanes(): Promise<readonly LaneId[]> {
    return [laneId("0")];
  }

  async start(): Promise<PlannedInput | undefined> {
    const inputs: Record<string, InputRange> = {};
    for (const input of this.#declared.inputs) {
      const snapshot = await this.#inputs.open(input).find();
      if (snapshot === undefined) return undefined;
      inputs[input.name] = { kind: "delta", tableId: snapshot.metadata.id, afterVersion: -1, toVersion: -1 };
    }
    return { inputs, statics: {}, watermark: null, job: null };
  }

  async plan(_lane: LaneId, head: LaneHead): Promise<PlannedInput | undefined> {
    const inputs = await this.#inputs.next(head);
    return inputs && { inputs, statics: {}, watermark: null, job: null };
  }

  async compute(batch: BatchContext): Promise<ComputedBatch> {
    const ranges = batch.offsets.inputs;
    const planned = await this.#inputs.batch(batch.generation, batch.lastCommit, ranges);
    try {
      return this.#computed(planned, await this.#refreshed(batch, planned));
    } catch (error) {
      if (planned.chosen.plan === undefined || !isOfChange(error)) throw error;
      const failure = `the change cannot be computed: ${error.message}`;
      const inFull = await this.#inputs.batch(batch.generation, batch.lastCommit, ranges, failure);
      return this.#computed(inFull, await this.#refreshed(batch, inFull));
    }
  }

  /** The merge of the sink alone, again, on the sink as it stands now: the staged rows and keys are the batch's. */
  async merge(batch: BatchContext, outcome: OutcomeRecord): Promise<readonly TableOutcome[]> {
    const before = outcome.tables.find((table) => table.role === "sink");
    if (before?.staged === undefined || before.staged === null)
      throw new DyneError(
        "CHECKPOINT_CORRUPT",
        `The outcome of ${this.flow} has no staged rows to merge. Reset the flow.`,
      );
    const { view } = this.#inputs;
    const sink = await this.#inputs.sink(batch.generation).latest();
    const isByKeys = view.kind === "changes" && before.staged.keys.length > 0;
    const again = isByKeys
      ? await this.#refresh.mergeKeys(batch, view, before.staged, sink)
      : { ...before, baseVersion: sink.version, remove: [...sink.files].map(removedFile) };
    // The hidden tables are the batch's as they are: nobody else writes them.
    return outcome.tables.map((table) => (table.role === "sink" ? again : table));
  }

  #refreshed(batch: BatchContext, planned: ViewBatch): Promise<Refreshed> {
    const { view } = this.#inputs;
    const given = { batch, ...planned };
    if (view.kind === "full") return this.#refresh.full(given);
    const { plan, strategy } = planned.chosen;
    if (plan !== undefined) return this.#refresh.change(given, view, plan);
    return strategy.isStateKept === true ? this.#refresh.fullWithState(given, view) : this.#refresh.full(given);
  }

  #computed({ inputs, chosen: { strategy } }: ViewBatch, { tables, rows, read }: Refreshed): ComputedBatch {
    const rewritten = tables.flatMap(({ remove }) => remove);
    const bytes = rewritten.reduce((sum, file) => sum + file.sizeBytes, 0);
    const told: Strategy = { ...strategy, touched: sumOfVolumes([read, { files: rewritten.length, bytes }]) };
    const added = [...inputs.values()].flatMap(({ change }) => change?.added ?? []);
    return {
      tables,
      watermark: null,
      counts: {
        ...noCounts,
        inputRows: added.reduce((sum, file) => sum + (rowCountOf(file) ?? 0), 0),
        outputRows: rows,
        inputBytes: added.reduce((sum, file) => sum + file.size, 0),
        outputBytes: outputBytes(tables),
      },
      strategy: told,
    };
  }
}

/**
 * True for errors that the query itself may not have: files that a change removed can be vacuumed, and a rule may join rows that never were
 * there at the same time, so that an expression fails on them.
 */
const isOfChange = (error: unknown): error is DyneError =>
  isDyneError(error, "FILE_MISSING") || isDyneError(error, "DATA_ERROR");

/**
 * A materialized view: after every batch it equals its batch query over its inputs at the versions of the batch's offsets (SPEC.md 8–11).
 */
import { DyneError, laneId, type FlowId, type Generation, type LaneId } from "../../core/index.ts";
import type { InputRange, LaneHead, OutcomeRecord, TableOutcome } from "../../checkpoint/index.ts";
import { rowCountOf, type AddFile, type Snapshot } from "../../delta/index.ts";
import type { EngineContext } from "../context.ts";
import { noCounts } from "../counts.ts";
import type { TableLocation, ViewFlow } from "../declared-flow.ts";
import type { BatchContext, ComputedBatch, FlowDriver, FlowTable, PlannedInput } from "../flow.ts";
import { hiddenFlowTables } from "../incremental/hidden-tables.ts";
import { noChange, sumOfVolumes } from "../incremental/view-change.ts";
import { ViewInputs } from "../incremental/view-inputs.ts";
import { ViewRefresh, type Refreshed, type RefreshInput } from "../incremental/view-refresh.ts";
import { partitionFiles, type Strategy } from "../incremental/view-strategy.ts";
import { outputBytes, removedFile } from "../table-outcome.ts";

export class ViewDriver implements FlowDriver {
  readonly flow: FlowId;
  readonly planFingerprint: string;
  readonly minIntervalMs: number;
  readonly isRecomputed = true;
  readonly position = null;
  readonly #declared: ViewFlow;
  readonly #inputs: ViewInputs;
  readonly #refresh: ViewRefresh;

  constructor(context: EngineContext, declared: ViewFlow) {
    this.#declared = declared;
    this.#refresh = new ViewRefresh(context, declared);
    this.#inputs = new ViewInputs(context.tables, declared);
    this.flow = declared.id;
    this.planFingerprint = declared.fingerprint;
    this.minIntervalMs = declared.minIntervalMs;
    const { view } = this.#inputs;
    if (declared.refresh === "incremental" && view.kind === "full") {
      throw new DyneError(
        "INVALID_PIPELINE",
        `${declared.id} cannot be refreshed incrementally: ${view.reason}. Change the query, or declare refresh: "auto".`,
      );
    }
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
    const planned = await this.#inputs.batch(batch.generation, batch.lastCommit, batch.offsets.inputs);
    const given: RefreshInput = { ...planned, batch, change: planned.change ?? noChange };
    return this.#computed(planned.strategy, given, await this.#refreshed(planned.strategy, given));
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
    const replacing = (files: Iterable<AddFile>): TableOutcome => ({
      ...before,
      baseVersion: sink.version,
      remove: [...files].map(removedFile),
    });
    const isByKeys = view.kind === "keyed" && before.staged.keys.length > 0;
    const isByPartitions = outcome.strategy.name === "overwrite-partitions";
    const again = isByKeys
      ? await this.#refresh.mergeKeys(batch, view, before.staged, sink)
      : replacing(isByPartitions ? await this.#partitionsOf(batch, sink) : sink.files);
    // The hidden tables are the batch's as they are: nobody else writes them.
    return outcome.tables.map((table) => (table.role === "sink" ? again : table));
  }

  #refreshed(strategy: Strategy, given: RefreshInput): Promise<Refreshed> {
    const { view } = this.#inputs;
    if (view.kind === "rows" && strategy.name === "append") return this.#refresh.append(given);
    if (view.kind === "rows" && strategy.name === "overwrite-partitions")
      return this.#refresh.overwritePartitions(given, view);
    if (view.kind !== "keyed") return this.#refresh.full(given);
    const held = view.keepsState ? given.held : undefined;
    if (strategy.name !== "full") return this.#refresh.keyed({ ...given, held }, view);
    return held === undefined ? this.#refresh.full(given) : this.#refresh.fullByKeys({ ...given, held }, view);
  }

  #computed(strategy: Strategy, { change }: RefreshInput, { tables, rows, read }: Refreshed): ComputedBatch {
    const rewritten = tables.flatMap(({ remove }) => remove);
    const bytes = rewritten.reduce((sum, file) => sum + file.sizeBytes, 0);
    const told: Strategy = { ...strategy, touched: sumOfVolumes([read, { files: rewritten.length, bytes }]) };
    return {
      tables,
      watermark: null,
      counts: {
        ...noCounts,
        inputRows: change.added.reduce((sum, file) => sum + (rowCountOf(file) ?? 0), 0),
        outputRows: rows,
        inputBytes: change.added.reduce((sum, file) => sum + file.size, 0),
        outputBytes: outputBytes(tables),
      },
      strategy: told,
    };
  }

  async #partitionsOf(batch: BatchContext, sink: Snapshot): Promise<readonly AddFile[]> {
    const { view } = this.#inputs;
    const input = this.#declared.inputs[0] as TableLocation;
    const snapshot = await this.#inputs.open(input).at(this.#inputs.range(batch.offsets.inputs, input).toVersion);
    const change = (await this.#inputs.change(batch.offsets.inputs)) ?? noChange;
    return view.kind === "rows" ? partitionFiles(view, change, snapshot, sink).sinkFiles : [];
  }
}

/**
 * A materialized view: after every batch it equals its batch query over its inputs at the versions of the batch's offsets (SPEC.md 8–11).
 */
import { DyneError, isDyneError, laneId, type FlowId, type Generation, type LaneId } from "../../core/index.ts";
import type { DeltaRange, InputRange, LaneHead, OutcomeRecord, TableOutcome } from "../../checkpoint/index.ts";
import type { AddFile, Snapshot } from "../../delta/index.ts";
import type { EngineContext } from "../context.ts";
import { noCounts } from "../counts.ts";
import type { TableLocation, ViewFlow } from "../declared-flow.ts";
import type { BatchContext, ComputedBatch, FlowDriver, FlowTable, PlannedInput } from "../flow.ts";
import { heldTables, hiddenFlowTables, hiddenTables, type HiddenTable } from "../incremental/hidden-tables.ts";
import {
  changeOfCommits,
  isEmptyChange,
  noChange,
  sumOfVolumes,
  together,
  type InputChange,
} from "../incremental/view-change.ts";
import { viewPlan, type ViewPlan } from "../incremental/view-plan.ts";
import { ViewRefresh, type Refreshed, type RefreshInput } from "../incremental/view-refresh.ts";
import { chooseStrategy, partitionFiles, type Strategy } from "../incremental/view-strategy.ts";
import { outputBytes, removedFile } from "../table-outcome.ts";

export class ViewDriver implements FlowDriver {
  readonly flow: FlowId;
  readonly planFingerprint: string;
  readonly minIntervalMs: number;
  readonly #context: EngineContext;
  readonly #declared: ViewFlow;
  readonly #view: ViewPlan;
  readonly #hidden: readonly HiddenTable[];
  readonly #refresh: ViewRefresh;

  constructor(context: EngineContext, declared: ViewFlow) {
    this.#context = context;
    this.#declared = declared;
    this.#refresh = new ViewRefresh(context, declared);
    this.flow = declared.id;
    this.planFingerprint = declared.fingerprint;
    this.minIntervalMs = declared.minIntervalMs;
    this.#view = planOfView(declared);
    this.#hidden = hiddenTables(this.#view, declared.output);
    if (declared.refresh === "incremental" && this.#view.kind === "full") {
      throw new DyneError(
        "INVALID_PIPELINE",
        `${declared.id} cannot be refreshed incrementally: ${this.#view.reason}. Change the query, or declare refresh: "auto".`,
      );
    }
  }

  tables(generation: Generation): readonly FlowTable[] {
    const { output } = this.#declared;
    return [
      ...hiddenFlowTables(this.flow, generation, this.#hidden),
      { role: "sink", root: "lake", path: output.path, schema: output.schema, partitionBy: output.partitionBy },
    ];
  }

  async lanes(): Promise<readonly LaneId[]> {
    return [laneId("0")];
  }

  async start(): Promise<PlannedInput | undefined> {
    const inputs: Record<string, InputRange> = {};
    for (const input of this.#declared.inputs) {
      const snapshot = await this.#open(input).find();
      if (snapshot === undefined) return undefined;
      inputs[input.name] = { kind: "delta", tableId: snapshot.metadata.id, afterVersion: -1, toVersion: -1 };
    }
    return { inputs, statics: {}, watermark: null, job: null };
  }

  async plan(_lane: LaneId, head: LaneHead): Promise<PlannedInput | undefined> {
    const inputs: Record<string, InputRange> = {};
    let hasChanges = false;
    for (const input of this.#declared.inputs) {
      const last = this.#range(head.lastOffsets?.inputs, input);
      const newest = await this.#open(input).latest();
      if (newest.metadata.id !== last.tableId) {
        throw new DyneError(
          "UPSTREAM_CHANGED",
          `${input.name} is another table than the one ${this.flow} was built from. Rebuild ${this.flow} from the start.`,
        );
      }
      const change = await this.#change(input, last.toVersion, newest.version);
      hasChanges ||= change === undefined || !isEmptyChange(change);
      inputs[input.name] = { ...last, afterVersion: last.toVersion, toVersion: newest.version };
    }
    return hasChanges ? { inputs, statics: {}, watermark: null, job: null } : undefined;
  }

  async compute(batch: BatchContext): Promise<ComputedBatch> {
    const snapshots = new Map<string, Snapshot>();
    for (const input of this.#declared.inputs)
      snapshots.set(input.name, await this.#open(input).at(this.#range(batch.offsets.inputs, input).toVersion));
    const { generation, lastCommit } = batch;
    const change = await this.#changes(batch.offsets.inputs);
    const held = await heldTables(this.#hidden, generation, lastCommit, this.#context.tables);
    const sink = await this.#sink(batch).latest();
    const strategy = chooseStrategy({
      view: this.#view,
      // A generation's hidden tables are empty until its first batch.
      isFirst: lastCommit === undefined || lastCommit.generation !== generation.generation || lastCommit.batchId < 1,
      change,
      inputs: [...snapshots.values()],
      sink,
      held: this.#view.kind === "keyed" && this.#view.keepsState ? held : undefined,
      isBounded: this.#declared.refresh === "auto",
    });
    const given: RefreshInput = { batch, snapshots, change: change ?? noChange, sink, held };
    return this.#computed(strategy, given, await this.#refreshed(strategy, given));
  }

  /** The merge of the sink alone, again, on the sink as it stands now: the staged rows and keys are the batch's. */
  async merge(batch: BatchContext, outcome: OutcomeRecord): Promise<readonly TableOutcome[]> {
    const before = outcome.tables.find((table) => table.role === "sink");
    if (before?.staged === undefined || before.staged === null)
      throw new DyneError(
        "CHECKPOINT_CORRUPT",
        `The outcome of ${this.flow} has no staged rows to merge. Reset the flow.`,
      );
    const sink = await this.#sink(batch).latest();
    const replacing = async (files: Iterable<AddFile>): Promise<TableOutcome> => ({
      ...before,
      baseVersion: sink.version,
      remove: [...files].map(removedFile),
    });
    const again =
      this.#view.kind === "rows" && outcome.strategy.name === "overwrite-partitions"
        ? await replacing(await this.#partitionsOf(batch, sink))
        : this.#view.kind !== "keyed" || before.staged.keys.length === 0
          ? await replacing(sink.files)
          : await this.#refresh.mergeKeys(batch, this.#view, before.staged, sink);
    // The hidden tables are the batch's as they are: nobody else writes them.
    return outcome.tables.map((table) => (table.role === "sink" ? again : table));
  }

  #refreshed(strategy: Strategy, given: RefreshInput): Promise<Refreshed> {
    const view = this.#view;
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
    const touched = sumOfVolumes([
      read,
      { files: rewritten.length, bytes: rewritten.reduce((sum, file) => sum + file.sizeBytes, 0) },
    ]);
    const told: Strategy = { ...strategy, touched };
    return {
      tables,
      watermark: null,
      counts: {
        ...noCounts,
        inputRows: change.added.reduce((sum, file) => sum + recordsOf(file), 0),
        outputRows: rows,
        inputBytes: change.added.reduce((sum, file) => sum + file.size, 0),
        outputBytes: outputBytes(tables),
      },
      strategy: told,
    };
  }

  async #partitionsOf(batch: BatchContext, sink: Snapshot): Promise<readonly AddFile[]> {
    const input = this.#declared.inputs[0] as TableLocation;
    const snapshot = await this.#open(input).at(this.#range(batch.offsets.inputs, input).toVersion);
    const change = (await this.#changes(batch.offsets.inputs)) ?? noChange;
    return this.#view.kind === "rows" ? partitionFiles(this.#view, change, snapshot, sink).sinkFiles : [];
  }

  /** What happened to the inputs; undefined where a log no longer says. */
  async #changes(ranges: Readonly<Record<string, InputRange>>): Promise<InputChange | undefined> {
    const changes: InputChange[] = [];
    for (const input of this.#declared.inputs) {
      const { afterVersion, toVersion } = this.#range(ranges, input);
      const change = await this.#change(input, afterVersion, toVersion);
      if (change === undefined) return undefined;
      changes.push(change);
    }
    return together(changes);
  }

  async #change(input: TableLocation, afterVersion: number, toVersion: number): Promise<InputChange | undefined> {
    try {
      return changeOfCommits(await this.#open(input).changes(afterVersion, toVersion));
    } catch (error) {
      if (isDyneError(error) && error.code === "DATA_LOSS") return undefined;
      throw error;
    }
  }

  #sink(batch: BatchContext) {
    const owned = batch.generation.tables["sink"];
    return this.#context.tables.open("lake", owned?.path ?? this.#declared.output.path);
  }

  #open(input: TableLocation) {
    return this.#context.tables.open("lake", input.path);
  }

  #range(inputs: Readonly<Record<string, InputRange>> | undefined, input: TableLocation): DeltaRange {
    const range = inputs?.[input.name];
    if (range?.kind !== "delta")
      throw new DyneError("CHECKPOINT_CORRUPT", `The offsets of ${this.flow} name no versions of ${input.name}.`);
    return range;
  }
}

/** How a declared view can be refreshed. */
export function planOfView(declared: ViewFlow): ViewPlan {
  return declared.refresh === "full"
    ? { kind: "full", reason: "the view is declared with refresh: full" }
    : viewPlan(declared.query);
}

function recordsOf(file: AddFile): number {
  return file.stats === undefined ? 0 : Number((JSON.parse(file.stats) as { numRecords?: number }).numRecords ?? 0);
}

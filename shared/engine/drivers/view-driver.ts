/**
 * A materialized view: after every batch it equals its batch query over its inputs at the versions of the batch's offsets (SPEC.md 8, 10).
 */
import { DyneError, laneId, type FlowId, type LaneId } from "../../core/index.ts";
import type { DeltaRange, InputRange, LaneHead, OutcomeRecord, TableOutcome } from "../../checkpoint/index.ts";
import type { AddFile, Snapshot } from "../../delta/index.ts";
import type { EngineContext } from "../context.ts";
import { noCounts } from "../counts.ts";
import type { TableLocation, ViewFlow } from "../declared-flow.ts";
import type { BatchContext, ComputedBatch, FlowDriver, FlowTable, PlannedInput } from "../flow.ts";
import { viewPlan, type ViewPlan } from "../incremental/view-plan.ts";
import { ViewRefresh, type InputChange } from "../incremental/view-refresh.ts";
import { outputBytes, removedFile } from "../table-outcome.ts";

/** A change larger than this share of its input is cheaper to compute in full. */
const fullRefreshShare = 0.5;
/** How a batch is computed, and why. */
export interface Strategy {
  readonly name: "recompute-keys" | "full";
  readonly reason: string;
}

export class ViewDriver implements FlowDriver {
  readonly flow: FlowId;
  readonly planFingerprint: string;
  readonly minIntervalMs: number;
  readonly #context: EngineContext;
  readonly #declared: ViewFlow;
  readonly #view: ViewPlan;
  readonly #refresh: ViewRefresh;

  constructor(context: EngineContext, declared: ViewFlow) {
    this.#context = context;
    this.#declared = declared;
    this.#refresh = new ViewRefresh(context, declared);
    this.flow = declared.id;
    this.planFingerprint = declared.fingerprint;
    this.minIntervalMs = declared.minIntervalMs;
    this.#view =
      declared.refresh === "full"
        ? { kind: "full", reason: "the view is declared with refresh: full" }
        : viewPlan(declared.query);
    if (declared.refresh === "incremental" && this.#view.kind === "full") {
      throw new DyneError(
        "INVALID_PIPELINE",
        `${declared.id} cannot be refreshed incrementally: ${this.#view.reason}. Change the query, or declare refresh: "auto".`,
      );
    }
  }

  tables(): readonly FlowTable[] {
    const { output } = this.#declared;
    return [{ role: "sink", root: "lake", path: output.path, schema: output.schema, partitionBy: output.partitionBy }];
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
      hasChanges ||= change.added.length > 0 || change.removed.length > 0;
      inputs[input.name] = { ...last, afterVersion: last.toVersion, toVersion: newest.version };
    }
    return hasChanges ? { inputs, statics: {}, watermark: null, job: null } : undefined;
  }

  async compute(batch: BatchContext): Promise<ComputedBatch> {
    const snapshots = new Map<string, Snapshot>();
    for (const input of this.#declared.inputs)
      snapshots.set(input.name, await this.#open(input).at(this.#range(batch.offsets.inputs, input).toVersion));
    const { strategy, change } = await this.#strategy(batch, snapshots);
    const sink = await this.#sink(batch).latest();
    const { tables, rows } =
      strategy.name === "full" || this.#view.kind === "full"
        ? await this.#refresh.full(batch, snapshots, sink)
        : await this.#refresh.keyed(batch, this.#view, snapshots, change, sink);
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
      strategy,
    };
  }

  /** The merge alone, again, on the sink as it stands now: the staged rows and keys are the batch's. */
  async merge(batch: BatchContext, outcome: OutcomeRecord): Promise<readonly TableOutcome[]> {
    const before = outcome.tables.find((table) => table.role === "sink");
    if (before?.staged === undefined || before.staged === null)
      throw new DyneError(
        "CHECKPOINT_CORRUPT",
        `The outcome of ${this.flow} has no staged rows to merge. Reset the flow.`,
      );
    const sink = await this.#sink(batch).latest();
    if (this.#view.kind === "full" || before.staged.keys.length === 0) {
      return [{ ...before, baseVersion: sink.version, remove: [...sink.files].map(removedFile) }];
    }
    return [await this.#refresh.mergeKeys(batch, this.#view, before.staged, sink)];
  }

  async #strategy(
    batch: BatchContext,
    snapshots: ReadonlyMap<string, Snapshot>,
  ): Promise<{ strategy: Strategy; change: InputChange }> {
    const changes = await Promise.all(
      this.#declared.inputs.map((input) => {
        const range = this.#range(batch.offsets.inputs, input);
        return this.#change(input, range.afterVersion, range.toVersion);
      }),
    );
    const change: InputChange = { added: changes.flatMap((c) => c.added), removed: changes.flatMap((c) => c.removed) };
    if (this.#view.kind === "full") return { strategy: { name: "full", reason: this.#view.reason }, change };
    if (this.#declared.inputs.every((input) => this.#range(batch.offsets.inputs, input).afterVersion < 0))
      return { strategy: { name: "full", reason: "this is the first build" }, change };
    const changedBytes = [...change.added, ...change.removed].reduce((sum, file) => sum + (file.size ?? 0), 0);
    const snapshot = snapshots.get(this.#view.scan.source);
    const totalBytes = snapshot === undefined ? 0 : [...snapshot.files].reduce((sum, file) => sum + file.size, 0);
    if (changedBytes > totalBytes * fullRefreshShare) {
      return {
        strategy: {
          name: "full",
          reason: `the change of ${changedBytes} bytes is more than half of the input's ${totalBytes}`,
        },
        change,
      };
    }
    return {
      strategy: {
        name: "recompute-keys",
        reason: `${change.added.length} added and ${change.removed.length} removed files of ${changedBytes} bytes touch some groups`,
      },
      change,
    };
  }

  async #change(input: TableLocation, afterVersion: number, toVersion: number): Promise<InputChange> {
    const commits = await this.#open(input).changes(afterVersion, toVersion);
    return {
      added: commits.flatMap((commit) => commit.adds.filter((file) => file.dataChange)),
      removed: commits.flatMap((commit) => commit.removes.filter((file) => file.dataChange)),
    };
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

function recordsOf(file: AddFile): number {
  return file.stats === undefined ? 0 : Number((JSON.parse(file.stats) as { numRecords?: number }).numRecords ?? 0);
}

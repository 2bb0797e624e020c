/**
 * Folds the commits of all lanes into `system.progress` (SPEC.md 13). The table itself says how far it has come: with the rows of a lane
 * each commit records the txn of its last batch, fenced on the one before. So every batch is there once, whoever folds, however often, and
 * wherever one dies. Nothing that runs depends on it, and what fails is left to the next time.
 */
import {
  generation,
  isDyneError,
  limits,
  txnVersion,
  batchId,
  batchOfTxn,
  type FlowId,
  type LaneId,
} from "../../core/index.ts";
import {
  FlowLog,
  queryProgress,
  type BatchOfLane,
  type CommitRecord,
  type RecordContext,
} from "../../checkpoint/index.ts";
import type { Fence, Snapshot } from "../../delta/index.ts";
import { appendRows, careForLog, sourceOfRows, type DeltaTable } from "../../table/index.ts";
import type { EngineContext } from "../context.ts";
import type { WarmFlow } from "../maintenance.ts";
import { laneCommits, type LaneToRead } from "./lane-commits.ts";
import { dropOldDays } from "./old-days.ts";
import { progressPartitions, progressRows, progressSchema } from "./progress-table.ts";

/** A flow, and what this instance knows of it. */
export interface FlowToFold {
  readonly flow: FlowId;
  readonly warm: WarmFlow | undefined;
}

/** After a batch: every few minutes. On a sweep: also at an instance's first, which looks for what others left. Now: whatever the time. */
export type FoldOccasion = "batch" | "sweep" | "now";

/** Batches of one lane that are to be added, and the fence with which they are. */
interface LaneBatches {
  readonly appId: string;
  readonly records: readonly CommitRecord[];
  readonly fence: Fence;
}

export class ProgressFold {
  readonly #context: EngineContext;
  readonly #table: DeltaTable;
  readonly #records: RecordContext;
  /** By appId: the txn that is surely in the table. */
  readonly #folded = new Map<string, number>();
  /** When all lanes of a flow were looked for, not only those that this instance has run. */
  readonly #lookedMs = new Map<FlowId, number>();
  #lastMs: number | undefined;
  #running = false;

  /** `path` is the table's, in the account `lake`. */
  constructor(context: EngineContext, path: string) {
    this.#context = context;
    this.#table = context.tables.open("lake", path);
    this.#records = { store: context.host, clock: context.clock, random: context.random };
  }

  /** Folds what is due, in one commit. Without new batches of lanes that this instance knows it costs nothing. */
  async run(flows: readonly FlowToFold[], occasion: FoldOccasion, signal: AbortSignal): Promise<void> {
    if (this.#running || !this.#isDue(occasion)) return;
    this.#running = true;
    try {
      await this.#fold(flows, occasion, signal);
    } catch (error) {
      if (!isDyneError(error)) throw error;
      this.#context.logger.warn("progress was not folded, and is next time", {
        table: this.#table.path,
        error: String(error),
      });
    } finally {
      this.#running = false;
    }
  }

  /** The last batch of a lane that is in the table, counted in a generation: all of it is infinity, none 0. */
  async foldedTo(flow: FlowId, inGeneration: number, lane: LaneId, wanted: number): Promise<number> {
    const appId = this.#appId(flow, lane);
    const reached = (txn: number | undefined): number => {
      if (txn === undefined) return 0;
      const at = batchOfTxn(txn);
      if (at.generation === inGeneration) return at.batchId;
      return at.generation > inGeneration ? Number.POSITIVE_INFINITY : 0;
    };
    const known = reached(this.#folded.get(appId));
    return known >= wanted ? known : reached((await this.#table.find())?.txns.get(appId));
  }

  #isDue(occasion: FoldOccasion): boolean {
    const nowMs = this.#context.clock.nowMs();
    // An instance that has just started leaves its first batches alone.
    if (occasion === "batch") this.#lastMs ??= nowMs;
    return occasion === "now" || this.#lastMs === undefined || nowMs - this.#lastMs >= limits.progressFoldMs;
  }

  async #fold(flows: readonly FlowToFold[], occasion: FoldOccasion, signal: AbortSignal): Promise<void> {
    const nowMs = this.#context.clock.nowMs();
    this.#lastMs = nowMs;
    const isLookedFor = (flow: FlowId): boolean =>
      occasion !== "batch" && nowMs - (this.#lookedMs.get(flow) ?? Number.NEGATIVE_INFINITY) >= limits.progressLookMs;
    const looked = flows.filter(({ flow }) => isLookedFor(flow));
    const warm = flows.filter((each) => !looked.includes(each) && this.#hasNew(each));
    if (looked.length + warm.length === 0) return;
    const snapshot = await this.#table.confirmed();
    let room = limits.progressFoldBatches;
    const found: LaneBatches[] = [];
    for (const each of [...looked, ...warm]) {
      const lanes = looked.includes(each) ? await this.#allLanes(each, snapshot) : this.#warmLanes(each, snapshot);
      for (const lane of lanes) {
        if (signal.aborted) return;
        const batches = room <= 0 ? [] : await laneCommits(this.#records, lane, room);
        room -= batches.length;
        if (batches.length > 0) found.push(this.#laneBatches(lane, batches, snapshot));
      }
    }
    if (found.length > 0) await this.#append(found, signal);
    if (looked.length > 0 && snapshot !== undefined) await this.#dropOldDays(snapshot, signal);
    // There is more: the next time need not wait.
    if (room <= 0) this.#lastMs = nowMs - limits.progressFoldMs;
    else for (const { flow } of looked) this.#lookedMs.set(flow, nowMs);
  }

  /** True where this instance knows of a batch of which it does not know that it was folded. */
  #hasNew({ flow, warm }: FlowToFold): boolean {
    return [...(warm?.lanes ?? [])].some(([lane, { head }]) => {
      const last = head.lastCommit;
      if (last === undefined || last.batchId === 0) return false;
      return txnOf(last) > (this.#folded.get(this.#appId(flow, lane)) ?? 0);
    });
  }

  #warmLanes({ flow, warm }: FlowToFold, snapshot: Snapshot | undefined): readonly LaneToRead[] {
    if (warm === undefined) return [];
    return [...warm.lanes].map(([lane, { head }]) => ({
      flow,
      lane,
      after: this.#place(flow, lane, snapshot),
      newest: warm.generation.generation,
      last: { generation: warm.generation.generation, batchId: head.lastCommit?.batchId ?? 0 },
    }));
  }

  /** All lanes that ever began. What this instance knows of them may be old, so that it is not gone by. */
  async #allLanes({ flow }: FlowToFold, snapshot: Snapshot | undefined): Promise<readonly LaneToRead[]> {
    const log = new FlowLog(this.#records, flow);
    const generations = await log.generations();
    const newest = generations.at(-1)?.generation;
    if (newest === undefined) return [];
    const lanes = new Set<LaneId>();
    for (const record of generations)
      for (const lane of await log.lanes(generation(record.generation))) lanes.add(lane);
    return [...lanes].map((lane) => ({
      flow,
      lane,
      after: this.#place(flow, lane, snapshot),
      newest,
      last: undefined,
    }));
  }

  #place(flow: FlowId, lane: LaneId, snapshot: Snapshot | undefined): BatchOfLane {
    const appId = this.#appId(flow, lane);
    const txn = snapshot?.txns.get(appId);
    if (txn !== undefined) this.#folded.set(appId, txn);
    return txn === undefined ? { generation: 1, batchId: 0 } : batchOfTxn(txn);
  }

  #laneBatches(
    { flow, lane }: LaneToRead,
    records: readonly CommitRecord[],
    snapshot: Snapshot | undefined,
  ): LaneBatches {
    const appId = this.#appId(flow, lane);
    const version = txnOf(records.at(-1) as CommitRecord);
    return { appId, records, fence: { appId, version, expected: snapshot?.txns.get(appId) } };
  }

  async #append(found: readonly LaneBatches[], signal: AbortSignal): Promise<void> {
    const { compute, pipeline, logger } = this.#context;
    const table = await this.#opened();
    const batches = found.flatMap(({ records }) => records.map((record) => queryProgress(pipeline, record)));
    const result = await appendRows({ compute, table }, sourceOfRows(progressRows(batches)), {
      fences: found.map(({ fence }) => fence),
      signal,
    });
    // Another instance was first with some of it: what that left is folded next time.
    if (result.kind !== "committed") return logger.debug("progress was folded elsewhere", { kind: result.kind });
    for (const { appId, fence } of found) this.#folded.set(appId, fence.version);
    logger.debug("progress folded", { table: table.path, batches: batches.length, version: result.version });
    await careForLog(table, result.version);
  }

  async #dropOldDays(snapshot: Snapshot, signal: AbortSignal): Promise<void> {
    const { compute, logger } = this.#context;
    const files = await dropOldDays({ compute, table: this.#table }, snapshot, signal);
    if (files > 0) logger.info("old progress dropped", { table: this.#table.path, files });
  }

  /** The table, with all columns of this build; those of a newer one are NULL in its rows. */
  async #opened(): Promise<DeltaTable> {
    if (this.#table.known === undefined) {
      await this.#table.createIfAbsent({
        schema: progressSchema,
        partitionBy: progressPartitions,
        description: "One row per batch of every flow, in the terms of Spark's StreamingQueryProgress.",
      });
    }
    await this.#table.addColumns(progressSchema);
    return this.#table;
  }

  /** Not that of the flow's own commits: the table is nobody's sink. */
  #appId(flow: FlowId, lane: LaneId): string {
    return `progress/${this.#context.pipeline}/${flow}/${lane}`;
  }
}

function txnOf(record: Pick<CommitRecord, "generation" | "batchId">): number {
  return txnVersion(generation(record.generation), batchId(record.batchId));
}

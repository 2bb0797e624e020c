/**
 * What keeps a flow's logs short, however long it runs (SPEC.md 12, 13): checkpoints of the Delta tables that it writes, clean logs, no
 * files of its state that nobody can read any more. It comes after the batches and never in one; what it does is bounded, may die
 * anywhere, and may be done by two instances at once. A lease of its own only keeps them from doing the same work.
 *
 *     table                      checkpoint          tombstones             log entries go when
 *     sink, quarantine           the newest version  until they expire      they are old, and no flow of the pipeline needs them
 *     state, read by its lane    that of commits/M   their files are gone   the last commit of the lane does not need them
 */
import { isDyneError, limits, type FlowId, type LaneId } from "../core/index.ts";
import { LeaseKeeper, layout, type GenerationRecord, type LaneHead, type LaneLog } from "../checkpoint/index.ts";
import {
  advanceState,
  cleanLog,
  dataFilePath,
  isCheckpointDue,
  isCompactionDue,
  logTail,
  stateAt,
  tableProperty,
  unexpired,
  writeCheckpoint,
  writeCompaction,
  type DeltaLog,
  type LogTail,
  type RemoveFile,
  type TableState,
} from "../delta/index.ts";
import { deleteAll } from "../storage/index.ts";
import type { DeltaTable } from "../table/index.ts";
import type { EngineContext } from "./context.ts";
import type { FlowDriver } from "./flow.ts";
import { neededFrom, type TableReader } from "./readers.ts";

/** A flow as an instance knows it between its batches: the generation it runs, and the lanes it has run. */
export interface WarmFlow {
  readonly generation: GenerationRecord;
  readonly lanes: ReadonlyMap<LaneId, { readonly log: LaneLog; readonly head: LaneHead }>;
}

/** Who folds progress tells how far a lane has come: the last batch that is folded, at least where it is `wanted` or more. */
export interface FoldedProgress {
  foldedTo(flow: FlowId, generation: number, lane: LaneId, wanted: number): Promise<number>;
}

/** A table whose log may have grown: maintained as of `version`. */
interface MaintainedTable {
  readonly table: DeltaTable;
  readonly version: number;
  readonly isPrivate: boolean;
}

export class Maintenance {
  readonly #context: EngineContext;
  readonly #driver: FlowDriver;
  readonly #readersOf: (path: string) => readonly TableReader[];
  /** By path: the version at which the log is looked at next. */
  readonly #lookAt = new Map<string, number>();
  /** By path: what this instance's last checkpoint holds. */
  readonly #checkpointed = new Map<string, TableState>();
  /** By lane: the batch at which its logs were last cleaned. */
  readonly #cleanedAt = new Map<LaneId, number>();
  readonly #progress: FoldedProgress | undefined;
  #running = false;

  /** Logs of lanes wait for `progress`, within limits. */
  constructor(
    context: EngineContext,
    driver: FlowDriver,
    readersOf: (path: string) => readonly TableReader[],
    progress?: FoldedProgress,
  ) {
    this.#progress = progress;
    this.#context = context;
    this.#driver = driver;
    this.#readersOf = readersOf;
  }

  /** Does what is due. Costs nothing where nothing is. What fails is logged and left to the next time. */
  async run(warm: WarmFlow, signal: AbortSignal): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      const tables = await this.#dueTables(warm);
      const lanes = [...warm.lanes].filter(([lane, { head }]) => this.#isLaneDue(lane, head));
      if (tables.length === 0 && lanes.length === 0) return;
      await using lease = await LeaseKeeper.acquire(
        this.#context.host,
        layout.maintenance(this.#driver.flow),
        this.#context,
      );
      if (lease === undefined) return;
      for (const table of tables) {
        if (!signal.aborted && !lease.signal.aborted) await this.#maintain(table);
      }
      for (const [lane, { log, head }] of lanes) {
        if (signal.aborted || lease.signal.aborted) return;
        const last = head.lastCommit?.batchId ?? 0;
        this.#cleanedAt.set(lane, last);
        await log.clean(await this.#cleanedTo(lane, log, last));
      }
    } catch (error) {
      if (!isDyneError(error)) throw error;
      this.#context.logger.warn("maintenance was put off", { flow: this.#driver.flow, error: String(error) });
    } finally {
      this.#running = false;
    }
  }

  /** The batch from which on entries stay: the last one, or before it, where progress waits to be folded. */
  async #cleanedTo(lane: LaneId, log: LaneLog, last: number): Promise<number> {
    if (this.#progress === undefined) return last;
    const wanted = last - limits.laneEntriesKept;
    const folded = await this.#progress.foldedTo(this.#driver.flow, log.generation, lane, wanted);
    return Math.max(Math.min(last, folded + limits.laneEntriesKept), last - limits.progressLagEntriesMax);
  }

  #isLaneDue(lane: LaneId, { lastCommit }: LaneHead): boolean {
    const cleanedAt = this.#cleanedAt.get(lane) ?? 0;
    return (lastCommit?.batchId ?? 0) >= cleanedAt + limits.laneEntriesKept;
  }

  /** Tables of which this instance knows that they have grown since it looked at their logs. */
  async #dueTables({ generation, lanes }: WarmFlow): Promise<readonly MaintainedTable[]> {
    const due: MaintainedTable[] = [];
    for (const [role, { root, path }] of Object.entries(generation.tables)) {
      const table = this.#context.tables.open(root, path);
      const isPrivate = role.startsWith("state:");
      const version = isPrivate ? lastNamed(role, lanes) : table.known?.version;
      if (table.log.checkpointWriter === undefined || version === undefined) continue;
      if (version < (this.#lookAt.get(path) ?? limits.checkpointLookCommits)) continue;
      // A state is read by all lanes of its flow: an instance that knows only some of them cannot tell what the others need.
      if (isPrivate && (await this.#driver.lanes()).some((lane) => !lanes.has(lane))) continue;
      due.push({ table, version, isPrivate });
    }
    return due;
  }

  async #maintain({ table, version, isPrivate }: MaintainedTable): Promise<void> {
    const { log } = table;
    // First: what fails is tried again then, not after every batch.
    this.#lookAt.set(log.path, version + limits.checkpointLookCommits);
    const tail = await logTail(log, version);
    if (!isCheckpointDue(tail)) return this.#compact(table, tail);
    const state = await this.#stateAt(table, version);
    const tombstones = isPrivate ? await this.#withoutFiles(log, state) : unexpired(state, this.#context.clock.nowMs());
    const checkpoint = await writeCheckpoint(log, { ...state, tombstones });
    this.#checkpointed.set(log.path, { ...state, tombstones });
    const entriesDeleted = await this.#clean(log, state, isPrivate);
    this.#context.logger.info("log checkpointed", {
      table: log.path,
      version: checkpoint.version,
      sizeBytes: checkpoint.sizeInBytes,
      filesDeleted: isPrivate ? state.tombstones.length - tombstones.length : 0,
      entriesDeleted,
    });
  }

  /** Between checkpoints that are far from one another, whoever opens the table reads many commits as one file. */
  async #compact(table: DeltaTable, tail: LogTail): Promise<void> {
    if (table.known === undefined || !isCompactionDue(tail)) return;
    const written = await writeCompaction(table.log, table.known, tail.uncompacted, (at) => table.remembered(at));
    if (written === undefined) return;
    const { version, lastVersion } = written;
    this.#context.logger.info("log compacted", { table: table.path, version, lastVersion });
  }

  /** From the checkpoint that this instance wrote last, where it did: its files and tombstones need not be read again. */
  async #stateAt(table: DeltaTable, version: number): Promise<TableState> {
    const last = this.#checkpointed.get(table.path);
    if (last === undefined || last.snapshot.version > version) return stateAt(table.log, version);
    return advanceState(table.log, last, version, (at) => table.remembered(at));
  }

  /** Deletes files that a state has dropped, the longest gone first, and gives the tombstones of those that are still there. */
  async #withoutFiles(log: DeltaLog, { snapshot, tombstones }: TableState): Promise<readonly RemoveFile[]> {
    const beforeMs = this.#context.clock.nowMs() - limits.privateRetentionMs;
    const active = new Set([...snapshot.files].map((file) => dataFilePath(log, file)));
    const gone = tombstones
      .filter((file) => (file.deletionTimestamp ?? 0) < beforeMs && !active.has(dataFilePath(log, file)))
      .sort((a, b) => (a.deletionTimestamp ?? 0) - (b.deletionTimestamp ?? 0))
      .slice(0, limits.maintenanceDeletesMax);
    await deleteAll(
      log.store,
      gone.map((file) => dataFilePath(log, file)),
    );
    const deleted = new Set(gone);
    return tombstones.filter((file) => !deleted.has(file));
  }

  async #clean(log: DeltaLog, { snapshot }: TableState, isPrivate: boolean): Promise<number> {
    if (isPrivate) {
      return cleanLog(log, {
        keptMs: limits.privateRetentionMs,
        neededFrom: async () => snapshot.version,
        lagMaxMs: Number.POSITIVE_INFINITY,
      });
    }
    const { configuration } = snapshot.metadata;
    if (!tableProperty(configuration, "delta.enableExpiredLogCleanup")) return 0;
    const { host: store, clock, random } = this.#context;
    const keptMs = tableProperty(configuration, "delta.logRetentionDuration");
    return cleanLog(log, {
      // Instances may be behind for a while, whatever the table says.
      keptMs: Math.max(keptMs, limits.privateRetentionMs),
      neededFrom: () => neededFrom({ store, clock, random }, this.#readersOf(log.path)),
      lagMaxMs: limits.consumerLagMaxMs,
    });
  }
}

/** The state's version that the last commits of all lanes have reached; undefined where one of them has not written it yet. */
function lastNamed(role: string, lanes: WarmFlow["lanes"]): number | undefined {
  const versions = [...lanes.values()].map(({ head }) => head.lastCommit?.tables[role]?.version ?? -1);
  const least = Math.min(...versions);
  return Number.isFinite(least) && least >= 0 ? least : undefined;
}

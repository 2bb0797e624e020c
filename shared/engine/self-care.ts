/**
 * Tables of flows keep themselves in shape: many small files become few, and files that nothing needs any more go, by what a person would do
 * with `optimize` and `vacuum`. It comes after a sweep and never in a batch; it is bounded in bytes and time, may die anywhere, and keeps no
 * append from being committed. Where the time is up, what is begun is ended: a merge with the bin, a vacuum with the batch of files that it
 * is at; what is left of a vacuum is done after the next sweep. A table of a keyed flow is rewritten under that flow's lease (SPEC.md 13), or at
 * the next time; `system.progress`, which is only appended to, without any.
 *
 *     merged        by the number of small files, never by the clock   not where delta.autoOptimize.autoCompact is false
 *     vacuumed      once a day                                         not where dyne.autoVacuum is false
 */
import { claimCare, endCare, layout } from "../checkpoint/index.ts";
import { isDyneError, limits, type FlowId } from "../core/index.ts";
import { tableProperty, type Snapshot } from "../delta/index.ts";
import { DeltaTable, mergeSize, optimize, vacuum } from "../table/index.ts";
import { CareSnapshots } from "./care-snapshots.ts";
import type { EngineContext } from "./context.ts";
import type { Engine } from "./engine.ts";

interface OwnedTable {
  /** Undefined for `system.progress`, which no flow writes. */
  readonly flow: FlowId | undefined;
  readonly path: string;
  /** Where it is recorded when the table was last looked after. */
  readonly record: string;
}

type Bounds = Pick<
  typeof limits,
  "selfCareEveryMs" | "selfCareVacuumMs" | "selfCareBudgetMs" | "selfCareSmallFiles" | "selfCareBytes"
>;

/** Whoever makes it closes it, before the engine. */
export class SelfCare {
  readonly #context: EngineContext;
  readonly #bounds: { readonly [Name in keyof Bounds]: number };
  readonly #engine: Pick<Engine, "flows" | "care" | "keptFiles">;
  readonly #snapshots: CareSnapshots;
  readonly #closing = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #isRunning = false;

  constructor(
    context: EngineContext,
    engine: Pick<Engine, "flows" | "care" | "keptFiles">,
    bounds: { readonly [Name in keyof Bounds]: number } = limits,
    snapshots = new CareSnapshots(limits.selfCareSnapshotFiles),
  ) {
    this.#snapshots = snapshots;
    this.#context = context;
    this.#bounds = bounds;
    this.#engine = engine;
  }

  /**
   * Looks after those tables of all flows that nobody has looked after for a while, until a time in milliseconds since the epoch. What fails
   * at one is logged, and does not keep the others from being looked at.
   */
  async run(untilMs = this.#context.clock.nowMs() + this.#bounds.selfCareBudgetMs): Promise<void> {
    if (this.#isRunning || this.#closing.signal.aborted) return;
    this.#isRunning = true;
    this.#running = this.#runAll(untilMs).finally(() => (this.#isRunning = false));
    await this.#running;
  }

  /** Stops what runs, and waits for it. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([this.#running]);
  }

  async #runAll(untilMs: number): Promise<void> {
    const { clock, logger } = this.#context;
    for (const owned of this.#tables()) {
      if (this.#closing.signal.aborted || clock.nowMs() >= untilMs) return;
      try {
        await this.#lookAfter(owned, untilMs);
      } catch (error) {
        if (!isDyneError(error)) throw error;
        logger.warn("the care of a table was put off", { table: owned.path, error: String(error) });
      }
    }
  }

  #tables(): readonly OwnedTable[] {
    const { progressPath } = this.#context;
    const ofFlows = this.#engine.flows.flatMap((flow): OwnedTable[] => [
      { flow: flow.id, path: flow.output.path, record: layout.care(flow.id, "sink") },
      ...("quarantine" in flow
        ? [{ flow: flow.id, path: flow.quarantine.path, record: layout.care(flow.id, "quarantine") }]
        : []),
    ]);
    if (progressPath === undefined) return ofFlows;
    return [...ofFlows, { flow: undefined, path: progressPath, record: layout.progressCare }];
  }

  async #lookAfter({ flow, path, record }: OwnedTable, untilMs: number): Promise<void> {
    const { host: store, clock, random } = this.#context;
    const records = { store, clock, random };
    const intervals = { lookMs: this.#bounds.selfCareEveryMs, vacuumMs: this.#bounds.selfCareVacuumMs };
    const turn = await claimCare(records, record, intervals);
    if (turn === undefined) return;
    const vacuums = turn.isVacuumDue && (await this.#isClockRight(record));
    const table = this.#open(path);
    // Of a table that was deleted, or made anew, nothing is true that was known of it.
    await table.confirmed();
    const snapshot = await table.find();
    if (snapshot === undefined) return;
    try {
      await this.#merge(flow, table, snapshot, untilMs);
      if (vacuums) {
        const isComplete = await this.#vacuum(table, snapshot, untilMs);
        await endCare(records, record, turn, isComplete ? "vacuumed" : "unfinished", intervals);
      }
    } finally {
      this.#snapshots.keep(path, table.known ?? snapshot);
    }
  }

  /** Opened apart: the engine decides by what it has seen of a table itself, and this one may see more. */
  #open(path: string): DeltaTable {
    const { lake: store, clock, random, logger, tables } = this.#context;
    const { known, log } = tables.open("lake", path);
    const { checkpointReader } = log;
    return new DeltaTable(
      { store, path, clock, random, logger, checkpointReader },
      this.#snapshots.newest(path, known),
    );
  }

  async #merge(flow: FlowId | undefined, table: DeltaTable, snapshot: Snapshot, untilMs: number): Promise<void> {
    const { compute, logger } = this.#context;
    const targetBytes = mergeSize(snapshot, this.#bounds.selfCareSmallFiles);
    if (targetBytes === undefined) return;
    const merge = (signal: AbortSignal) =>
      optimize(
        { compute, table },
        {
          targetBytes,
          smallFilesMin: this.#bounds.selfCareSmallFiles,
          bytesMax: this.#bounds.selfCareBytes,
          isAuto: true,
          untilMs,
          signal: AbortSignal.any([signal, this.#closing.signal]),
        },
      );
    const { signal } = this.#closing;
    const done = flow === undefined ? { result: await merge(signal) } : await this.#engine.care(flow, merge);
    if (done === undefined) return logger.debug("small files wait for a batch", { table: table.path, flow });
    const { result } = done;
    if (result.kind === "unchanged") return;
    const { filesAdded, filesRemoved } = result.metrics;
    logger.info("small files merged", { table: table.path, version: result.version, filesAdded, filesRemoved });
  }

  /**
   * Vacuum tells a file's age by the store's time against ours: by a clock that is days ahead, files of a batch that just runs would be old.
   * The record that was written a moment ago says what time it is there.
   */
  async #isClockRight(recordPath: string): Promise<boolean> {
    const { host, clock, logger } = this.#context;
    const written = await host.head(recordPath);
    const skewMs = written === undefined ? undefined : clock.nowMs() - written.lastModifiedMs;
    if (skewMs !== undefined && Math.abs(skewMs) <= limits.selfCareClockSkewMs) return true;
    logger.warn("nothing is vacuumed: the clock is not the store's", { record: recordPath, skewMs });
    return false;
  }

  /** False where there is more to delete. */
  async #vacuum(table: DeltaTable, { metadata }: Snapshot, untilMs: number): Promise<boolean> {
    if (!tableProperty(metadata.configuration, "dyne.autoVacuum")) return true;
    const keep = this.#engine.keptFiles(table.path);
    const result = await vacuum(table, { keep, untilMs, signal: this.#closing.signal });
    if (result.kind !== "committed") return true;
    const { filesDeleted, bytesDeleted } = result.metrics;
    const { isComplete } = result;
    this.#context.logger.info("table vacuumed", { table: table.path, filesDeleted, bytesDeleted, isComplete });
    return isComplete;
  }
}

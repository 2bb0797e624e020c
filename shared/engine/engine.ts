/**
 * The engine: rings go in, batches come out. Every ring is only a hint that there may be work; what is done follows from the logs.
 */
import { DyneError, isDyneError, laneId, type LaneId } from "../core/index.ts";
import { globMatches, type HubEvent } from "../sources/index.ts";
import type { KeepFiles } from "../table/index.ts";
import type { EngineContext } from "./context.ts";
import type { DeclaredFlow } from "./declared-flow.ts";
import { driverOf } from "./drivers/driver-of.ts";
import { HubDriver } from "./drivers/hub-driver.ts";
import type { Hint, ReplayPart } from "./flow.ts";
import { pauseFlow, resumeFlow } from "./flow-state.ts";
import { raiseGeneration } from "./generation.ts";
import { hindrance, type LaneResult } from "./lane-result.ts";
import { LaneRunner, type LaneBudget } from "./lane-runner.ts";
import { inputTables, type RunningFlow } from "./running-flow.ts";
import { Maintenance } from "./maintenance.ts";
import type { TableReader } from "./readers.ts";
import { assertChanged } from "./plan-change.ts";
import { leftMs, restMs } from "./rest.ts";
import { restoreFlow } from "./restore.ts";
import { skipBatch } from "./skip.ts";
import { ProgressFold, type FoldOccasion } from "./progress/progress-fold.ts";
import { keptFiles, underLeases } from "./table-care.ts";

/** How long the cascade of one hub invocation may take: the trigger gives the partition's next events only when it returns (SPEC.md 16). */
const cascadeBudgetMs = 2_000;
/** A pass that was rung by the queue may take longer, but the messages behind it wait for it: what is left is rung again. */
const passBudgetMs = 5_000;
const batchesPerPass = 1_000;
/** The dead man's switch of a flow rings this long after its batch began, unless the batch itself rang before. */
const deadManMs = 75_000;
/** When a flow that is held elsewhere is looked at again. */
const busyRetryMs = 1_000;
/** Payloads of this many events do not wait for the flow's interval: there is more behind them. */
const fullPayloadEvents = 1_000;

export class Engine {
  readonly #context: EngineContext;
  readonly #flows: ReadonlyMap<string, RunningFlow>;
  readonly #progress: ProgressFold | undefined;
  readonly #stopping = new AbortController();

  /** Takes the flows in the order of the graph. What cannot run is refused here, before any data arrives. */
  constructor(context: EngineContext, declaredFlows: readonly DeclaredFlow[]) {
    this.#context = context;
    this.#progress = context.progressPath === undefined ? undefined : new ProgressFold(context, context.progressPath);
    const flows = new Map<string, RunningFlow>();
    for (const declared of declaredFlows) {
      const driver = driverOf(context, declared, (flow) => flows.get(flow)?.driver);
      flows.set(declared.id, {
        declared,
        driver,
        runner: new LaneRunner(context, driver),
        maintenance: new Maintenance(context, driver, (path) => this.#readersOf(path), this.#progress),
        queue: new Map(),
        rungAgain: new Set(),
        lastStartMs: new Map(),
        hasRun: false,
        isRefused: false,
      });
    }
    this.#flows = flows;
  }

  /** The flows in the order of the graph. */
  get flows(): readonly DeclaredFlow[] {
    return [...this.#flows.values()].map((flow) => flow.declared);
  }

  /** Events of one partition came: takes them into bronze, then carries on downstream for a small budget. */
  async hubEvents(hub: string, partition: string, events: readonly HubEvent[]): Promise<void> {
    const lane = laneId(partition);
    this.#context.logger.debug("payload", { hub, lane, events: events.length, from: events[0]?.sequenceNumber });
    for (const flow of this.#flows.values()) {
      if (flow.declared.kind !== "hub" || flow.declared.hub !== hub) continue;
      const newest = events.at(-1);
      if (
        newest !== undefined &&
        flow.driver instanceof HubDriver &&
        flow.driver.hasCommitted(lane, newest.sequenceNumber)
      )
        continue;
      if (events.length < fullPayloadEvents) await this.#waitUntilDue(flow, lane);
      const result = await this.#run(flow, lane, { kind: "hub-events", events }, cascadeBudgetMs);
      if (result.kind === "busy") await this.#context.doorbells.ring(flow.declared.id, busyRetryMs);
      if (result.kind === "ran") await this.#cascade(flow.declared.output.path, cascadeBudgetMs);
    }
    await this.#maintain();
  }

  /** A blob was created in the lake: a landed file, or a commit of a table. Paths of nobody are ignored. */
  async blobCreated(path: string): Promise<void> {
    const commit = /^(.*)\/_delta_log\/\d{20}\.json$/.exec(path);
    if (commit !== null) await this.#cascade(commit[1] ?? "", passBudgetMs);
    for (const flow of this.#flows.values()) {
      if (flow.declared.kind !== "files" || !globMatches(flow.declared.glob, path)) continue;
      const lane = laneId("0");
      const result = await this.#run(flow, lane, { kind: "landed", path }, passBudgetMs);
      if (result.kind === "busy") await this.#context.doorbells.ring(flow.declared.id, busyRetryMs);
      if (result.kind === "ran") await this.#cascade(flow.declared.output.path, passBudgetMs);
    }
    await this.#maintain();
  }

  /** Looks at every lane of a flow. Unknown names are ignored: the bell may be of an older build. */
  async ring(name: string): Promise<void> {
    const flow = this.#flows.get(name);
    if (flow === undefined) return this.#context.logger.warn("a flow that is not declared was rung", { flow: name });
    if ((await this.#pass(flow, passBudgetMs)) === "ran") await this.#cascade(flow.declared.output.path, passBudgetMs);
    await this.#maintain();
  }

  /**
   * Empties a flow's tables, each in one commit, and reads its input from the start. The next run of the flow does it. A FAILED flow goes
   * on with it. Throws INVALID_ARGUMENT for a flow that is not declared or has never run.
   */
  async reset(name: string): Promise<void> {
    await raiseGeneration(this.#context, this.#flow(name).driver, { reason: "reset" });
    await this.#context.doorbells.ring(name, 0);
  }

  /**
   * Keeps a flow's data and goes on with its changed query: every lane where it ends, a view by computing it again. Throws INVALID_ARGUMENT
   * where the query has not changed, or the data do not fit the new one.
   */
  async continue(name: string): Promise<void> {
    const { driver } = this.#flow(name);
    await assertChanged(this.#context, driver);
    await raiseGeneration(this.#context, driver, { reason: "plan" });
    await this.#context.doorbells.ring(name, 0);
  }

  /** Stops a flow from taking new batches; one that is open is finished when it is resumed. */
  async pause(name: string): Promise<void> {
    await pauseFlow(this.#context, this.#flow(name).driver.flow);
  }

  /** Sets a flow going again, after a pause or after the cause of a failure was removed. */
  async resume(name: string): Promise<void> {
    await resumeFlow(this.#context, this.#flow(name).driver.flow);
    await this.#context.doorbells.ring(name, 0);
  }

  /** Goes past the batch that failed a streaming table; see `skipBatch`. */
  async skip(name: string, batch: number): Promise<void> {
    const { declared, driver } = this.#flow(name);
    if (declared.kind !== "stream")
      throw new DyneError(
        "INVALID_ARGUMENT",
        `Only batches of a table that reads another one row by row are skipped; ${name} is no such table. Remove the cause, then resume it.`,
      );
    await skipBatch(this.#context, driver, batch);
    await this.#context.doorbells.ring(name, 0);
  }

  /**
   * Runs every flow, in the order of the graph, until none has anything left to do (Spark's `availableNow`), without any rest in between.
   * Gives the flows that could not go on, and why.
   */
  async runAvailable(signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const stopped = new Map<string, string>();
    for (let ran = true; ran && !signal.aborted;) {
      ran = false;
      for (const flow of this.#flows.values()) {
        for (const lane of await flow.driver.lanes()) {
          const result = await this.#run(flow, lane, undefined, passBudgetMs, true);
          ran ||= result.kind === "ran";
          const hindered = hindrance(flow.declared.id, result);
          if (hindered === undefined) stopped.delete(flow.declared.id);
          else stopped.set(flow.declared.id, hindered);
        }
      }
    }
    await this.#maintain("now");
    return stopped;
  }

  /** Computes a view from its inputs again; readers see the old rows until the new ones replace them, in one commit. With `after`, only where that generation is the newest. Errors: as `reset`. */
  async refresh(name: string, after?: number): Promise<void> {
    const { declared, driver } = this.#flow(name);
    if (declared.kind !== "view")
      throw new DyneError(
        "INVALID_ARGUMENT",
        `${name} is a streaming table, which is not refreshed. Reset it instead.`,
      );
    await raiseGeneration(this.#context, driver, { reason: "refresh", after });
    await this.#context.doorbells.ring(name, 0);
  }

  /**
   * Runs batches of a backfill in a lane of a flow, and carries on downstream; `idle` where the part asked for is through, or cannot go on
   * now. Safe to repeat: batches that are done are not done again.
   */
  async replay(name: string, lane: LaneId, job: string, part: ReplayPart, budgetMs: number): Promise<LaneResult> {
    const flow = this.#flow(name);
    const result = await this.#run(flow, lane, { kind: "replay", job, part }, budgetMs);
    try {
      if (result.kind === "ran") await this.#cascade(flow.declared.output.path, passBudgetMs);
    } catch (error) {
      // What is committed is committed, and the sweep looks at every flow: nothing downstream ends the backfill.
      this.#context.logger.error("carrying on downstream of a backfill failed", { flow: name, error: String(error) });
    }
    await this.#maintain();
    return result;
  }

  /** Takes a flow back to a version of its sink; see `restoreFlow`. */
  async restore(name: string, version: number, position: "rewind" | "keep-position"): Promise<void> {
    const { declared, driver } = this.#flow(name);
    if (declared.kind === "view")
      throw new DyneError(
        "INVALID_ARGUMENT",
        `${name} always equals its query and is not restored. Refresh it instead.`,
      );
    await restoreFlow(this.#context, driver, version, position);
    await this.#context.doorbells.ring(name, 0);
  }

  /** What the flows need of the files of a table in the lake, for vacuum; see `keptFiles`. */
  keptFiles(path: string): KeepFiles {
    const drivers = [...this.#flows.values()].map(({ driver }) => driver);
    return keptFiles(this.#context, path, drivers, this.#readersOf(path));
  }

  /** Rewrites files of a flow's table while no merge of the flow can get in between; see `underLeases`. */
  async care<Result>(name: string, work: (signal: AbortSignal) => Promise<Result>) {
    return underLeases(this.#context, this.#flow(name).driver, work);
  }

  /** The safety net: looks at every flow in the order of the graph. One that fails does not keep the others from being looked at. */
  async sweep(): Promise<void> {
    const errors: unknown[] = [];
    for (const flow of this.#flows.values()) {
      try {
        await this.#pass(flow, passBudgetMs);
      } catch (error) {
        errors.push(error);
      }
    }
    await this.#maintain("sweep");
    if (errors.length > 0)
      throw new AggregateError(errors, `The sweep failed for ${errors.length} of ${this.#flows.size} flows.`);
  }

  /** Stops taking batches. Batches that run are finished or abandoned by their signal; leases are given back. */
  async close(): Promise<void> {
    this.#stopping.abort();
    for (const flow of this.#flows.values()) await Promise.allSettled(flow.queue.values());
  }

  #flow(name: string): RunningFlow {
    const flow = this.#flows.get(name);
    if (flow === undefined)
      throw new DyneError(
        "INVALID_ARGUMENT",
        `There is no flow "${name}". Choose one of ${[...this.#flows.keys()].join(", ")}.`,
      );
    return flow;
  }

  /** One pass over each flow that reads a table, and over those that read what they wrote, while the budget lasts. */
  async #cascade(path: string, budgetMs: number): Promise<void> {
    const untilMs = this.#context.clock.nowMs() + budgetMs;
    const changed = new Set([path]);
    for (const flow of this.#flows.values()) {
      if (!inputTables(flow.declared).some((input) => changed.has(input.path))) continue;
      const leftMs = untilMs - this.#context.clock.nowMs();
      if (leftMs <= 0) {
        await this.#context.doorbells.ring(flow.declared.id, 0);
        continue;
      }
      if ((await this.#pass(flow, leftMs)) === "ran") changed.add(flow.declared.output.path);
    }
  }

  /** Runs what is due of a flow's lanes; what is not due, or held elsewhere, is rung later. */
  async #pass(flow: RunningFlow, budgetMs: number): Promise<"ran" | "nothing"> {
    let ran = false;
    for (const lane of await flow.driver.lanes()) {
      if (flow.queue.has(lane)) {
        flow.rungAgain.add(lane);
        continue;
      }
      const dueInMs = this.#dueInMs(flow, lane);
      // Nobody rests from a batch of a generation that was made anew since, by whomever.
      const isResting = dueInMs > flow.driver.minIntervalMs;
      if (dueInMs > 0 && !(isResting && (await flow.runner.isOvertaken()))) {
        await this.#context.doorbells.ring(flow.declared.id, dueInMs);
        continue;
      }
      const result = await this.#run(flow, lane, undefined, budgetMs);
      if (result.kind === "busy") await this.#context.doorbells.ring(flow.declared.id, busyRetryMs);
      if (result.kind === "resting") await this.#context.doorbells.ring(flow.declared.id, result.dueInMs);
      if (result.kind === "ran" && result.more)
        await this.#context.doorbells.ring(flow.declared.id, Math.max(0, this.#dueInMs(flow, lane)));
      ran ||= result.kind === "ran";
      if (flow.rungAgain.delete(lane))
        await this.#context.doorbells.ring(flow.declared.id, Math.max(0, this.#dueInMs(flow, lane)));
    }
    return ran ? "ran" : "nothing";
  }

  /** Looks after the logs of the flows that have run: once the batches are through, and their doorbells rung. Progress is folded before. */
  async #maintain(occasion: FoldOccasion = "batch"): Promise<void> {
    const flows = [...this.#flows.values()].map(({ driver, runner }) => ({ flow: driver.flow, warm: runner.warm }));
    await this.#progress?.run(flows, occasion, this.#stopping.signal);
    for (const flow of this.#flows.values()) {
      const { warm } = flow.runner;
      if (!flow.hasRun || warm === undefined || this.#stopping.signal.aborted) continue;
      flow.hasRun = false;
      await flow.maintenance.run(warm, this.#stopping.signal);
    }
  }

  #readersOf(path: string): readonly TableReader[] {
    return [...this.#flows.values()].flatMap(({ declared, driver }) =>
      inputTables(declared)
        .filter((table) => table.path === path)
        .map((table) => ({ driver, table: table.name })),
    );
  }

  /** One run of a lane, after those before it in this instance. */
  async #run(
    flow: RunningFlow,
    lane: LaneId,
    hint: Hint | undefined,
    budgetMs: number,
    isEager = false,
  ): Promise<LaneResult> {
    const before = flow.queue.get(lane);
    const run = (async () => {
      await before?.catch(() => undefined);
      if (this.#stopping.signal.aborted) return { kind: "busy" } satisfies LaneResult;
      await this.#context.doorbells.ring(flow.declared.id, deadManMs);
      const nowMs = this.#context.clock.nowMs();
      flow.lastStartMs.set(lane, nowMs);
      const { signal } = this.#stopping;
      const budget: LaneBudget = { untilMs: nowMs + budgetMs, batchesMax: batchesPerPass, signal, isEager };
      const result = await flow.runner.run(lane, hint, budget);
      flow.hasRun ||= result.kind === "ran";
      return result;
    })();
    flow.queue.set(lane, run);
    try {
      return await run;
    } catch (error) {
      if (isDyneError(error) && error.kind === "data") return { kind: "stopped", state: "FAILED" };
      if (isDyneError(error, "PLAN_CHANGED")) return this.#refused(flow, error);
      throw error;
    } finally {
      if (flow.queue.get(lane) === run) flow.queue.delete(lane);
    }
  }

  /** A flow whose plan changed waits for its operator, who is told once; the others go on. */
  #refused(flow: RunningFlow, error: DyneError): LaneResult {
    if (!flow.isRefused) this.#context.logger.error(error.message, { ...error.details, code: error.code });
    flow.isRefused = true;
    return { kind: "stopped", state: error.code };
  }

  async #waitUntilDue(flow: RunningFlow, lane: LaneId): Promise<void> {
    const dueInMs = this.#dueInMs(flow, lane);
    if (dueInMs > 0) await this.#context.clock.sleep(dueInMs, this.#stopping.signal);
  }

  /** What is left of the flow's interval, or of the rest after its last batch. */
  #dueInMs(flow: RunningFlow, lane: LaneId): number {
    const lastMs = flow.lastStartMs.get(lane);
    if (lastMs === undefined) return 0;
    const nowMs = this.#context.clock.nowMs();
    const { minIntervalMs } = flow.driver;
    const commit = flow.runner.warm?.lanes.get(lane)?.head.lastCommit;
    return Math.max(leftMs(lastMs, minIntervalMs, nowMs), restMs(flow.driver, commit, nowMs));
  }
}

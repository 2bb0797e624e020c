/**
 * Backfill jobs: what was missed is brought in, or a view computed again, beside what runs live. A job is a record in storage; whoever is
 * rung takes it further by a bounded step and rings again, so that it outlives every instance.
 *
 *     QUEUED ─→ RUNNING ─→ SUCCEEDED          FAILED: it makes no sense, or did not come to its end in a week
 *        └──────────┴────→ CANCELLED          what is committed by then stays
 *
 * Jobs of one flow run one after another, the oldest first. All of their work is done by the protocol of batches, so that every step may
 * be done twice, and by two at once.
 */
import { v5 as uuid5 } from "uuid";
import { DyneError, instantOfMs, isDyneError, limits, type Logger, sentence } from "../../core/index.ts";
import { hasEnded, JobLog, type BackfillRequest, type JobRecord, type StoredJob } from "../../checkpoint/index.ts";
import type { DeclaredFlow } from "../declared-flow.ts";
import type { Engine } from "../engine.ts";
import { assertSensible, understood } from "./backfill-request.ts";
import { recordsOf, type BackfillServices, type BackfillWork } from "./backfill-work.ts";
import { filesBackfill } from "./files-backfill.ts";
import { hubBackfill } from "./hub-backfill.ts";
import { refreshBackfill } from "./refresh-backfill.ts";

/** A job, and the turn for which it is rung. */
export type JobBell = Pick<JobRecord, "jobId" | "turn">;

/** The queue through which jobs are rung: at least once, in no order. */
export interface JobBells {
  ring(bell: JobBell, delayMs: number): Promise<void>;
}

export interface BackfillContext extends BackfillServices {
  readonly bells: JobBells;
  readonly logger: Logger;
}

export interface SubmitOptions {
  /** Who asks, for the record. */
  readonly requestedBy?: string | undefined;
  /** The same key gives the same job, however often it is asked for. */
  readonly idempotencyKey?: string | undefined;
}

/** When a job that waits is looked at again. */
const waitMs = 15_000;

export class Backfill {
  readonly #context: BackfillContext;
  readonly #engines: readonly Engine[];
  readonly #log: JobLog;
  #tidiedMs = Number.NEGATIVE_INFINITY;

  constructor(context: BackfillContext, engines: readonly Engine[]) {
    this.#context = context;
    this.#engines = engines;
    this.#log = new JobLog(recordsOf(context));
  }

  /**
   * Takes a job on and rings for it. Safe to repeat with an idempotency key. Errors: INVALID_ARGUMENT for what no flow can do,
   * IDEMPOTENCY_KEY_REUSED for a key that came with another request, TOO_MANY_REQUESTS while too many jobs are open, STORAGE_UNAVAILABLE.
   */
  async submit(asked: BackfillRequest, options: SubmitOptions = {}): Promise<JobRecord> {
    const request = understood(asked);
    const flow = this.#flowOf(request);
    assertSensible(request, flow);
    const { idempotencyKey, requestedBy } = options;
    const jobId = idempotencyKey === undefined ? this.#context.random.uuid() : jobIdOf(idempotencyKey);
    const known = await this.#log.find(jobId);
    if (known === undefined && (await this.#log.open()).length >= limits.openJobsMax)
      throw new DyneError(
        "TOO_MANY_REQUESTS",
        `${limits.openJobsMax} jobs are open already. Wait for one of them to end, or cancel one.`,
      );
    const now = this.#now();
    const unit = request.kind === "refresh" ? "refreshes" : "prefix" in request ? "rows" : "events";
    const { record } =
      known ??
      (await this.#log.create({
        format: 1,
        jobId,
        flow: flow.id,
        request,
        requestedBy: requestedBy ?? null,
        createdTime: now,
        state: "QUEUED",
        updatedTime: now,
        turn: 0,
        endedTime: null,
        plan: null,
        progress: { unit, done: 0, total: null },
        rows: 0,
        waitsFor: null,
        error: null,
      }));
    if (JSON.stringify(record.request) !== JSON.stringify(request))
      throw new DyneError(
        "IDEMPOTENCY_KEY_REUSED",
        "The Idempotency-Key came with another request before. Choose a new one for each job.",
      );
    if (!hasEnded(record)) await this.#context.bells.ring(record, 0);
    return record;
  }

  /** Errors: JOB_NOT_FOUND, STORAGE_UNAVAILABLE. */
  async find(jobId: string): Promise<JobRecord> {
    return (await this.#stored(jobId)).record;
  }

  /** The newest jobs, ended ones included. */
  async list(jobsMax: number): Promise<readonly JobRecord[]> {
    const newest = (await this.#log.all()).toSorted((a, b) => b.changedMs - a.changedMs).slice(0, jobsMax);
    const jobs = await Promise.all(newest.map(({ jobId }) => this.#readable(jobId)));
    return jobs
      .flatMap((job) => (job === undefined || job === "unreadable" ? [] : [job.record]))
      .toSorted((a, b) => (a.createdTime < b.createdTime ? 1 : -1));
  }

  /** Ends a job; batches that it has committed stay. A job that has ended is given back as it is. Errors: as `find`. */
  async cancel(jobId: string): Promise<JobRecord> {
    for (let attempt = 1; attempt <= limits.stateAttemptsMax; attempt++) {
      const stored = await this.#stored(jobId);
      if (hasEnded(stored.record)) return stored.record;
      const changed = await this.#end(stored, { state: "CANCELLED" });
      if (changed !== undefined) return changed.record;
    }
    throw new DyneError("STORAGE_UNAVAILABLE", `Job ${jobId} kept changing while it was to be cancelled. Try again.`);
  }

  /**
   * Takes a job further for about `budgetMs`, and rings again where it has not ended. Never throws what a job can meet: that is in its
   * record. A job that is not there was deleted, and is left alone; so is one whose turn is another than the bell's, which comes twice or
   * late.
   */
  async advance(jobId: string, budgetMs: number, turn?: number): Promise<JobRecord | undefined> {
    const stored = await this.#readable(jobId);
    if (stored === "unreadable") return undefined;
    if (stored === undefined || hasEnded(stored.record)) {
      await this.#log.close(jobId);
      return stored?.record;
    }
    if (turn !== undefined && turn !== stored.record.turn) return stored.record;
    const { record, inMs } = await this.#step(stored, budgetMs);
    if (hasEnded(record)) await this.#log.close(jobId);
    else await this.#context.bells.ring(record, inMs);
    return record;
  }

  /** The safety net: rings jobs that nobody has taken further for a while, and forgets those that ended long ago. */
  async sweep(): Promise<void> {
    if (this.#engines.length === 0) return;
    const staleMs = this.#context.clock.nowMs() - limits.jobStaleMs;
    for (const jobId of await this.#log.open()) {
      const stored = await this.#readable(jobId);
      if (stored === "unreadable") continue;
      if (stored === undefined || Date.parse(stored.record.updatedTime) < staleMs)
        await this.#context.bells.ring({ jobId, turn: stored?.record.turn ?? 0 }, 0);
    }
    await this.#tidy();
  }

  async #step(stored: StoredJob, budgetMs: number): Promise<{ readonly record: JobRecord; readonly inMs: number }> {
    try {
      if (!this.#isDeclared(stored.record.flow))
        return await this.#wait(stored, `no pipeline of this build has ${stored.record.flow}`);
      const older = await this.#olderJob(stored.record);
      if (older !== undefined) return await this.#wait(stored, `job ${older.jobId} of ${older.flow} comes first`);
      const begun = stored.record.plan === null ? await this.#begin(stored) : stored;
      if (begun === undefined || begun.record.plan === null) return { record: stored.record, inMs: 0 };
      const { next, ...advanced } = await workOf(begun.record).advance(
        this.#stepOf(begun.record),
        begun.record.plan,
        budgetMs,
      );
      if (next.kind === "done") {
        const ended = await this.#end(begun, { ...advanced, state: "SUCCEEDED" });
        return { record: ended?.record ?? begun.record, inMs: 0 };
      }
      if (next.kind === "waits") return await this.#wait(begun, next.for, advanced, next.inMs);
      const changed = await this.#change(begun, { ...advanced, waitsFor: null });
      return { record: changed?.record ?? begun.record, inMs: 0 };
    } catch (error) {
      return this.#met(stored, error);
    }
  }

  /** Resolves what is to be done. Undefined where another instance was first. */
  async #begin(stored: StoredJob): Promise<StoredJob | undefined> {
    const plan = await workOf(stored.record).plan(this.#stepOf(stored.record));
    const total =
      plan.kind === "hub"
        ? plan.ranges.reduce((sum, range) => sum + range.untilSequence - range.fromSequence, 0)
        : null;
    this.#context.logger.info("backfill begins", {
      jobId: stored.record.jobId,
      flow: stored.record.flow,
      plan: plan.kind,
    });
    return this.#change(stored, {
      state: "RUNNING",
      plan,
      progress: { ...stored.record.progress, total: plan.kind === "refresh" ? 1 : total },
    });
  }

  /** What cannot be had now is waited for; anything else ends the job, and is said in it. */
  async #met(stored: StoredJob, error: unknown): Promise<{ readonly record: JobRecord; readonly inMs: number }> {
    const current = (await this.#log.find(stored.record.jobId)) ?? stored;
    if (hasEnded(current.record)) return { record: current.record, inMs: 0 };
    if (isDyneError(error) && (error.kind === "unavailable" || error.kind === "conflict"))
      return this.#wait(current, error.message);
    const code = isDyneError(error) ? error.code : "INTERNAL_ERROR";
    const message = error instanceof Error ? error.message : String(error);
    this.#context.logger.error("backfill failed", { jobId: current.record.jobId, code, error: message });
    const ended = await this.#end(current, { state: "FAILED", error: { code, message } });
    return { record: ended?.record ?? current.record, inMs: waitMs };
  }

  async #wait(stored: StoredJob, reason: string, more: Partial<JobRecord> = {}, inMs = waitMs) {
    const ageMs = this.#context.clock.nowMs() - Date.parse(stored.record.createdTime);
    const change = { ...more, waitsFor: reason };
    if (ageMs > limits.jobLifeMs) {
      const error = {
        code: "LIMIT_EXCEEDED",
        message: `It did not come to its end in a week: ${sentence(reason)} Ask for it again.`,
      };
      const ended = await this.#end(stored, { ...change, state: "FAILED", error });
      return { record: ended?.record ?? stored.record, inMs: waitMs };
    }
    const changed = await this.#change(stored, change);
    return { record: changed?.record ?? stored.record, inMs };
  }

  #end(stored: StoredJob, change: Partial<JobRecord>): Promise<StoredJob | undefined> {
    return this.#change(stored, { waitsFor: null, ...change, endedTime: this.#now() });
  }

  #change(stored: StoredJob, change: Partial<JobRecord>): Promise<StoredJob | undefined> {
    return this.#log.change(stored, {
      ...stored.record,
      ...change,
      updatedTime: this.#now(),
      turn: stored.record.turn + 1,
    });
  }

  /** An open job of the same flow that was taken on before. */
  async #olderJob(job: JobRecord): Promise<JobRecord | undefined> {
    for (const jobId of await this.#log.open()) {
      if (jobId === job.jobId) continue;
      const stored = await this.#readable(jobId);
      if (stored === undefined || stored === "unreadable") continue;
      const other = stored.record;
      if (other.flow === job.flow && !hasEnded(other) && isOlder(other, job)) return other;
    }
    return undefined;
  }

  async #tidy(): Promise<void> {
    const nowMs = this.#context.clock.nowMs();
    if (nowMs - this.#tidiedMs < limits.jobTidyMs) return;
    this.#tidiedMs = nowMs;
    const old = (await this.#log.all()).filter(({ changedMs }) => changedMs < nowMs - limits.jobKeptMs);
    for (const { jobId } of old.slice(0, limits.maintenanceDeletesMax)) {
      const stored = await this.#readable(jobId);
      if (stored !== undefined && stored !== "unreadable" && hasEnded(stored.record))
        await this.#log.delete(stored.record);
    }
  }

  /** A job, unless its record is a newer build's, or broken: that is no reason for the others to stop. */
  async #readable(jobId: string): Promise<StoredJob | "unreadable" | undefined> {
    try {
      return await this.#log.find(jobId);
    } catch (error) {
      if (!isDyneError(error, "FORMAT_TOO_NEW") && !isDyneError(error, "CHECKPOINT_CORRUPT")) throw error;
      this.#context.logger.error("a job cannot be read and is left alone", { jobId, error: error.message });
      return "unreadable";
    }
  }

  async #stored(jobId: string): Promise<StoredJob> {
    const stored = uuid.test(jobId) ? await this.#log.find(jobId) : undefined;
    if (stored !== undefined) return stored;
    throw new DyneError(
      "JOB_NOT_FOUND",
      `There is no job ${jobId}. Jobs are kept for ${limits.jobKeptMs / 86_400_000} days after their end; list them to see which there are.`,
    );
  }

  #stepOf(job: JobRecord) {
    const { engine, flow } = this.#declared(job.flow);
    return { services: this.#context, engine, flow, job };
  }

  #flowOf(request: BackfillRequest): DeclaredFlow {
    return this.#declared(request.kind === "refresh" ? request.table : request.source).flow;
  }

  #isDeclared(flow: string): boolean {
    return this.#engines.some(({ flows }) => flows.some(({ id }) => id === flow));
  }

  #declared(name: string): { readonly engine: Engine; readonly flow: DeclaredFlow } {
    for (const engine of this.#engines) {
      const flow = engine.flows.find((each) => each.id === name || each.output.name === name);
      if (flow !== undefined) return { engine, flow };
    }
    const names = this.#engines.flatMap(({ flows }) => flows.map((flow) => flow.output.name));
    throw new DyneError("INVALID_ARGUMENT", `There is no table "${name}". Choose one of ${names.join(", ")}.`);
  }

  #now(): string {
    return instantOfMs(this.#context.clock.nowMs());
  }
}

/** Each kind of work gets the plans that it made itself. */
function workOf({ request }: JobRecord): BackfillWork {
  const work: unknown =
    request.kind === "refresh" ? refreshBackfill : "prefix" in request ? filesBackfill : hubBackfill;
  return work as BackfillWork;
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The space of the ids of jobs that came with a key. Another value would take each of them for a new one. */
const keyedJobs = "6f1f3a58-0c75-4c0e-9d0b-2a1f2f7f7a11";

/** The id of a job from the key that a caller chose. */
const jobIdOf = (key: string): string => uuid5(key, keyedJobs);

function isOlder(a: JobRecord, b: JobRecord): boolean {
  return a.createdTime === b.createdTime ? a.jobId < b.jobId : a.createdTime < b.createdTime;
}

import { Cron } from "croner";
import { z } from "zod";

import { DyneError } from "../../shared/core/index.ts";
import { parseBinding } from "./binding.ts";
import type { Listener, TriggerContext } from "./listener.ts";
import { dateTimeOffset, jsonData, type RpcTypedData } from "./rpc-data.ts";
import { resolveSettings } from "./settings.ts";

const bindingSchema = z.object({
  schedule: z.string().min(1),
  runOnStartup: z.boolean().default(false),
  useMonitor: z.boolean().optional(),
});

const oneMinuteMs = 60_000;
/** Timers of the run time overflow beyond 24 days; a long wait is made of shorter ones. */
const sleepMsMax = 24 * 60 * oneMinuteMs;
/** A run that begins this much after its time is past due. */
const pastDueMs = 1_000;

/**
 * The listener of a `timerTrigger`: a six-field NCRONTAB schedule in UTC, one run at a time; occurrences that pass
 * while the function still runs are left out.
 * Source: learn.microsoft.com/azure/azure-functions/functions-bindings-timer.
 */
export function timerListener(context: TriggerContext): Listener {
  const binding = parseBinding(bindingSchema, context);
  const schedule = parseSchedule(
    resolveSettings(binding.schedule, context.settings, context.functionName),
    context.functionName,
  );
  return new TimerListener(context, schedule, binding.runOnStartup, binding.useMonitor ?? true);
}

/** A schedule that answers when it occurs next, strictly after a moment. */
export interface Schedule {
  next(afterMs: number): number;
}

const field =
  /^[\d*,/-]+$|^(?:(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)[,-]?)+$/i;

/**
 * Reads an NCRONTAB expression with seconds: `{second} {minute} {hour} {day} {month} {day of week}`.
 * Errors: `INVALID_SETTING` for anything else, and for a schedule that never occurs.
 */
export function parseSchedule(expression: string, functionName: string): Schedule {
  const invalid = (cause?: unknown): DyneError =>
    new DyneError(
      "INVALID_SETTING",
      `Function "${functionName}": "${expression}" is not a schedule. Use six fields, such as "0 */5 * * * *".`,
      { cause },
    );
  const fields = expression.trim().split(/\s+/);
  if (fields.length !== 6 || !fields.every((text) => field.test(text))) throw invalid();
  let cron: Cron;
  try {
    cron = new Cron(fields.join(" "), { paused: true, timezone: "UTC", mode: "6-part", domAndDow: true });
  } catch (cause) {
    throw invalid(cause);
  }
  const next = (afterMs: number): number => {
    const occurrence = cron.nextRun(new Date(afterMs));
    if (!occurrence) throw invalid();
    return occurrence.getTime();
  };
  next(0);
  return { next };
}

class TimerListener implements Listener {
  readonly #context: TriggerContext;
  readonly #schedule: Schedule;
  readonly #runOnStartup: boolean;
  readonly #useMonitor: boolean;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #lastMs: number | undefined;

  constructor(context: TriggerContext, schedule: Schedule, runOnStartup: boolean, useMonitor: boolean) {
    this.#context = context;
    this.#schedule = schedule;
    this.#runOnStartup = runOnStartup;
    this.#useMonitor = useMonitor;
  }

  async start(): Promise<void> {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#context;
    const { signal } = this.#stopping;
    if (this.#context.pastDue === true) await this.#tick(clock.nowMs() - oneMinuteMs);
    else if (this.#runOnStartup) await this.#tick(clock.nowMs());
    while (!signal.aborted) {
      const dueMs = this.#schedule.next(clock.nowMs());
      while (!signal.aborted && clock.nowMs() < dueMs)
        await clock.sleep(Math.min(dueMs - clock.nowMs(), sleepMsMax), signal);
      if (!signal.aborted) await this.#tick(dueMs);
    }
  }

  async #tick(dueMs: number): Promise<void> {
    const { clock, invoke } = this.#context;
    const nowMs = clock.nowMs();
    // A failure is logged where it happens; the next occurrence is the next try.
    await invoke(this.#payload(dueMs, nowMs), {}).catch(() => {});
    this.#lastMs = nowMs;
  }

  #payload(dueMs: number, nowMs: number): RpcTypedData {
    const nextMs = this.#schedule.next(nowMs);
    // The real host keeps no status for schedules that come more often than once a minute.
    const monitored = this.#useMonitor && this.#schedule.next(nextMs) - nextMs >= oneMinuteMs;
    const last = this.#lastMs === undefined ? "0001-01-01T00:00:00+00:00" : dateTimeOffset(new Date(this.#lastMs));
    const status = { Last: last, Next: dateTimeOffset(new Date(nextMs)), LastUpdated: last };
    return jsonData({
      Schedule: { AdjustForDST: true },
      ScheduleStatus: monitored ? status : null,
      IsPastDue: nowMs - dueMs > pastDueMs,
    });
  }
}

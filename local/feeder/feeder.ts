/** Feeds a hub with a planned stream, so that in the end it holds exactly the plan, whatever happened on the way. */
import type { Clock } from "../../shared/core/clock.ts";
import type { Logger } from "../../shared/core/logger.ts";
import { EventQueue } from "./event-queue.ts";
import { PartitionSender } from "./partition-sender.ts";
import type { Plan } from "./planned-event.ts";

/** How the feeder is set up. */
export interface FeederOptions {
  readonly connectionString: string;
  /** A hub to which nobody else sends. */
  readonly hub: string;
  readonly partitions: number;
  readonly plan: Plan;
  /** Events per second over all partitions, or as fast as the hub takes them. */
  readonly rate: number | "max";
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called after every send that the hub took. */
  readonly onProgress?: ((progress: FeederProgress) => void) | undefined;
  /** Stops after the sends in flight; what was sent stays, and another feeder can go on. */
  readonly signal?: AbortSignal | undefined;
  /** How long the SDK waits for an answer; 10 s by default. */
  readonly sendTimeoutMs?: number | undefined;
  /** How often in a row the hub may fail to answer; 30 by default. */
  readonly attemptsMax?: number | undefined;
}

/** How far the feeder has come. */
export interface FeederProgress {
  /** Events that this feeder sent. */
  readonly sent: number;
  /** Per partition, the first sequence number that the hub lacks. */
  readonly next: readonly number[];
}

const queueEventsMax = 20_000;
const queueBytesMax = 4 * 1024 * 1024;
/** How often events are released when there is a rate. */
const tickMs = 20;

/**
 * Sends the plan, one send in flight per partition, from where the hub is now until the plan ends or the signal is given.
 * Running it again goes on where it stopped. Throws `HUB_CHANGED` when the hub holds something else than the plan, and
 * `HUB_UNAVAILABLE` when it does not answer for long.
 */
export async function runFeeder(options: FeederOptions): Promise<FeederProgress> {
  const { partitions, signal, onProgress } = options;
  const stop = new AbortController();
  const combined = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  await using stack = new AsyncDisposableStack();
  const senders = Array.from({ length: partitions }, (_, partition) =>
    stack.use(
      new PartitionSender({
        ...options,
        partition,
        sendTimeoutMs: options.sendTimeoutMs ?? 10_000,
        attemptsMax: options.attemptsMax ?? 30,
      }),
    ),
  );
  const next = await Promise.all(senders.map((sender) => sender.start(combined)));
  const queues = senders.map(() => new EventQueue(queueEventsMax, queueBytesMax));
  combined.addEventListener("abort", () => queues.forEach((queue) => queue.end()));

  let sent = 0;
  const work = senders.map((sender, partition) => {
    const report = (count: number) => {
      sent += count;
      next[partition]! += count;
      onProgress?.({ sent, next: [...next] });
    };
    return sender.run(queues[partition]!, report, combined);
  });
  work.push(distribute(options, [...next], queues, combined));
  const guarded = work.map((part) =>
    part.catch((error: unknown) => {
      stop.abort();
      throw error;
    }),
  );
  const failed = (await Promise.allSettled(guarded)).find((outcome) => outcome.status === "rejected");
  if (failed) throw failed.reason;
  return { sent, next };
}

/** Puts the planned events into their partitions' queues, at the rate asked for, and ends the queues. */
async function distribute(
  { plan, rate, clock }: FeederOptions,
  from: readonly number[],
  queues: readonly EventQueue[],
  signal: AbortSignal,
): Promise<void> {
  const startMs = clock.nowMs();
  let released = 0;
  let allowed = rate === "max" ? Infinity : 0;
  for await (const event of plan(from)) {
    while (released >= allowed && rate !== "max" && !signal.aborted) {
      allowed = Math.floor(((clock.nowMs() - startMs) * rate) / 1_000);
      if (released >= allowed) await clock.sleep(tickMs, signal);
    }
    const queue = queues[event.partition]!;
    while (!queue.hasRoom && !signal.aborted) await queue.change();
    if (signal.aborted) return;
    queue.push(event);
    released++;
  }
  for (const queue of queues) queue.end();
}

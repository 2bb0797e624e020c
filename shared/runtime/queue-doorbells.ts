/** Doorbells through a storage queue: own messages beside those of Event Grid, in base64 as the trigger expects them. */
import type { QueueClient } from "@azure/storage-queue";
import { z } from "zod";
import type { Clock, Logger } from "../core/index.ts";
import type { Doorbells, JobBell, JobBells } from "../engine/index.ts";
import { describeRefusal } from "./refusal.ts";

/**
 * The format of dyne's own queue messages: a bell of a flow, in the queue `notices`, and one of a backfill job, in `bulk`.
 *
 *     {"format":1,"kind":"ring","flow":"silver.flights"}
 *     {"format":1,"kind":"chunk","job":"0f8c…","turn":7}
 */
export const flowBell = z.object({ format: z.literal(1), kind: z.enum(["ring", "wake"]), flow: z.string() });
export const jobBell = z.object({ format: z.literal(1), kind: z.literal("chunk"), job: z.string(), turn: z.number() });

const shortDelayMs = 5_000;
/** A queue hides a message for less than seven days; a bell that rings early is rung again. */
const longestDelayMs = 24 * 60 * 60 * 1000;

export class QueueDoorbells implements Doorbells {
  readonly #queue: QueueClient;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Due times of the bells that this instance has out, by flow: the next one is not sent while an earlier one is on its way. */
  readonly #outstanding = new Map<string, number[]>();

  constructor(queue: QueueClient, { clock, logger }: { clock: Clock; logger: Logger }) {
    this.#queue = queue;
    this.#clock = clock;
    this.#logger = logger;
  }

  /**
   * Sends a bell unless one of this instance's is due before it; of a long delay in its second half, because an earlier one may ring while
   * what this bell watches over is still under way. A bell that cannot be sent is left to the next bell, or the sweep. Never throws.
   */
  async ring(flow: string, wantedDelayMs: number): Promise<void> {
    const delayMs = Math.min(wantedDelayMs, longestDelayMs);
    const nowMs = this.#clock.nowMs();
    const dueMs = nowMs + Math.max(0, delayMs);
    const outstanding = (this.#outstanding.get(flow) ?? []).filter((atMs) => atMs > nowMs);
    const earliestMs = delayMs <= shortDelayMs ? nowMs : dueMs - delayMs / 2;
    if (outstanding.some((atMs) => atMs <= dueMs && atMs >= earliestMs)) return;
    this.#outstanding.set(flow, [...outstanding, dueMs]);
    try {
      await send(this.#queue, { format: 1, kind: "ring", flow }, delayMs);
    } catch (error) {
      this.#outstanding.set(
        flow,
        (this.#outstanding.get(flow) ?? []).filter((atMs) => atMs !== dueMs),
      );
      const { isDenied } = describeRefusal(error);
      this.#logger[isDenied ? "error" : "warn"]("a doorbell could not be sent; the sweep will look at the flow", {
        flow,
        error: String(error),
        ...(isDenied && { remedy: "Give the app's identity the role Storage Queue Data Contributor on the queue." }),
      });
    }
  }
}

/** Bells of backfill jobs. One that cannot be sent is left to the sweep, which rings jobs that stand still. Never throws. */
export class QueueJobBells implements JobBells {
  readonly #queue: QueueClient;
  readonly #logger: Logger;

  constructor(queue: QueueClient, { logger }: { logger: Logger }) {
    this.#queue = queue;
    this.#logger = logger;
  }

  async ring({ jobId: job, turn }: JobBell, delayMs: number): Promise<void> {
    try {
      await send(this.#queue, { format: 1, kind: "chunk", job, turn }, delayMs);
    } catch (error) {
      this.#logger.warn("a job's bell could not be sent; the sweep will look at it", { job, error: String(error) });
    }
  }
}

async function send(
  queue: QueueClient,
  message: z.infer<typeof flowBell> | z.infer<typeof jobBell>,
  delayMs: number,
): Promise<void> {
  const text = Buffer.from(JSON.stringify(message)).toString("base64");
  await queue.sendMessage(text, { visibilityTimeout: Math.max(0, Math.ceil(delayMs / 1000)) });
}

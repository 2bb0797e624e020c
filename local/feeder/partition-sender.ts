/**
 * Sends the planned events of one partition, one send in flight. The hub is the memory: what it holds is known by its last
 * sequence number, so whatever the fate of a send was, the sender asks and goes on with the first event that is missing.
 */
import { EventHubProducerClient, MessagingError } from "@azure/event-hubs";
import type { EventDataBatch } from "@azure/event-hubs";
import type { Clock } from "../../shared/core/clock.ts";
import { DyneError } from "../../shared/core/errors.ts";
import type { Logger } from "../../shared/core/logger.ts";
import type { EventQueue } from "./event-queue.ts";

/** What a sender needs. */
export interface PartitionSenderOptions {
  readonly connectionString: string;
  readonly hub: string;
  readonly partition: number;
  readonly sendTimeoutMs: number;
  /** How often in a row the hub may fail to answer before the sender gives up. */
  readonly attemptsMax: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const retryDelayMs = 100;
const retryDelayMaxMs = 5_000;

export class PartitionSender implements AsyncDisposable {
  readonly #options: PartitionSenderOptions;
  #client: EventHubProducerClient | undefined;
  #next = -1;

  constructor(options: PartitionSenderOptions) {
    this.#options = options;
  }

  /** Asks the hub for the first sequence number that it does not hold yet. Repeats until it answers. */
  async start(signal: AbortSignal | undefined): Promise<number> {
    this.#next = await this.#persistently(signal, () => this.#askNext());
    return this.#next;
  }

  /**
   * Sends what comes through the queue until it ends, reports every count of events that the hub took, and makes sure in
   * the end that it holds no more and no less. Throws `HUB_CHANGED` when somebody else sent, or the hub lost events.
   */
  async run(queue: EventQueue, onSent: (count: number) => void, signal: AbortSignal | undefined): Promise<void> {
    while (!signal?.aborted) {
      if (queue.length === 0) {
        if (queue.ended) return await this.#verify(signal);
        await queue.change();
        continue;
      }
      const sent = await this.#sendFront(queue, signal);
      queue.drop(sent);
      this.#next += sent;
      if (sent > 0) onSent(sent);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disconnect();
  }

  /** Sends a batch from the queue's front; returns how many events the hub holds of it. */
  async #sendFront(queue: EventQueue, signal: AbortSignal | undefined): Promise<number> {
    let batch: EventDataBatch | undefined;
    try {
      const client = this.#connect();
      batch = await client.createBatch({ partitionId: String(this.#options.partition) });
      this.#fill(batch, queue);
      await client.sendBatch(batch);
      return batch.count;
    } catch (error) {
      if (error instanceof DyneError) throw error;
      const { hub, partition, logger } = this.#options;
      logger.warn("the outcome of a send is unknown", { hub, partition, error: String(error) });
      const next = await this.#persistently(signal, () => this.#askNext());
      return this.#held(next, batch?.count ?? 0);
    }
  }

  async #verify(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return;
    this.#held(await this.#persistently(signal, () => this.#askNext()), 0);
  }

  #fill(batch: EventDataBatch, queue: EventQueue): void {
    for (let k = 0; k < queue.length; k++) {
      const { partitionKey, body, sequenceNumber } = queue.at(k)!;
      if (sequenceNumber !== this.#next + k) {
        throw new DyneError(
          "HUB_CHANGED",
          `Event ${sequenceNumber} of the plan is not what partition ${this.#options.partition} lacks. Use a hub that only the feeder sends to.`,
        );
      }
      const added = batch.tryAdd({
        bodyType: "data",
        body,
        messageAnnotations: { "x-opt-partition-key": partitionKey },
      });
      if (added) continue;
      if (k > 0) return;
      throw new DyneError(
        "LIMIT_EXCEEDED",
        `Event ${sequenceNumber} of partition ${this.#options.partition} has ${body.length} bytes and does not fit into a message. Plan smaller events.`,
      );
    }
  }

  /** How many events of the batch in doubt the hub holds, when `next` is the first it lacks. */
  #held(next: number, batchEvents: number): number {
    const held = next - this.#next;
    if (held >= 0 && held <= batchEvents) return held;
    const { hub, partition } = this.#options;
    throw new DyneError(
      "HUB_CHANGED",
      `Partition ${partition} of ${hub} goes on at ${next}, where ${this.#next}${batchEvents === 0 ? "" : ` to ${this.#next + batchEvents}`} was expected. Use a hub that only the feeder sends to.`,
    );
  }

  /**
   * The first sequence number that the hub lacks. The old connection is given up first, and the answer counts only
   * when a second one agrees: by then the hub has also seen what was still on its way over the old connection.
   */
  async #askNext(): Promise<number> {
    await this.#disconnect();
    const ask = async () => {
      const { lastEnqueuedSequenceNumber } = await this.#connect().getPartitionProperties(
        String(this.#options.partition),
      );
      return lastEnqueuedSequenceNumber + 1;
    };
    let next = await ask();
    for (let again = await ask(); again !== next; again = await ask()) next = again;
    return next;
  }

  /** Repeats with growing pauses. Throws `HUB_UNAVAILABLE` when the attempts are used up or the signal is given. */
  async #persistently<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const { attemptsMax, clock, logger, hub, partition } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        logger.debug("the hub does not answer", { hub, partition, attempt, error: String(error) });
        if (error instanceof MessagingError && error.code === "MessagingEntityNotFoundError") {
          throw new DyneError(
            "INVALID_SETTING",
            `There is no partition ${partition} of a hub ${hub}. Check the name of the hub and its partitions.`,
            { cause: error },
          );
        }
        if (attempt >= attemptsMax || signal?.aborted) {
          throw new DyneError(
            "HUB_UNAVAILABLE",
            `The hub ${hub} did not answer ${attempt} times. Check that it runs, then start the feeder again.`,
            { cause: error },
          );
        }
        await clock.sleep(Math.min(retryDelayMaxMs, retryDelayMs * 2 ** (attempt - 1)), signal);
      }
    }
  }

  #connect(): EventHubProducerClient {
    const { connectionString, hub, sendTimeoutMs } = this.#options;
    return (this.#client ??= new EventHubProducerClient(connectionString, hub, {
      retryOptions: { maxRetries: 0, timeoutInMs: sendTimeoutMs },
    }));
  }

  /** Gives up the connection; a hub that does not say goodbye is not waited for. */
  async #disconnect(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (!client) return;
    const patience = new AbortController();
    const closed = client
      .close()
      .catch((error: unknown) => this.#options.logger.debug("closing a producer failed", { error: String(error) }));
    await Promise.race([closed, this.#options.clock.sleep(this.#options.sendTimeoutMs, patience.signal)]);
    patience.abort();
  }
}

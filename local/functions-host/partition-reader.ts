import type { EventHubConsumerClient, EventPosition, ReceivedEventData, Subscription } from "@azure/event-hubs";

import type { Clock, Logger } from "../../shared/core/index.ts";
import { reasonOf } from "./connections.ts";

/** What a reader is made of. */
export interface PartitionReaderOptions {
  readonly client: Pick<EventHubConsumerClient, "subscribe">;
  readonly partitionId: string;
  /** Where to begin. */
  readonly start: EventPosition;
  readonly settings: {
    readonly maxEventBatchSize: number;
    readonly minEventBatchSize: number;
    readonly maxWaitTime: number;
  };
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends the reader. */
  readonly signal: AbortSignal;
}

/** A subscription, and what it may still bring. */
interface Link {
  open: boolean;
  subscription?: Subscription;
  /** Events that the SDK has asked for and not handed over; an upper bound. */
  credit: number;
}

/** Batches kept ready beside the one being worked on. */
const readyBatchesMax = 2;
/** Batches that the SDK may hold beyond those before the link is closed. */
const creditBatchesMax = 8;
/** Batches' worth of credit that a quiet link may gather before it is renewed, long before the protocol's counter ends. */
const quietCreditBatchesMax = 1_000;
/** The SDK notices a lost connection only between two of its reads: this is how long one lasts when nothing comes. */
const readWaitSeconds = 1;
const reopenDelayMs = 1_000;
/** The owner level of the real host's processor. */
const ownerLevel = 0;

/**
 * One partition as a sequence of batches, through an SDK subscription with an owner level.
 *
 * Memory is bounded here, because the SDK's own bound is not one: each of its reads adds credit to the link without
 * taking back what earlier reads left over, so after a quiet hour a burst is received in whole, however slow the
 * consumer. The reader counts that credit; when it is large and the consumer is behind, it closes the link, and opens
 * another after the last event it kept.
 */
export class PartitionReader implements AsyncDisposable {
  readonly #options: PartitionReaderOptions;
  readonly #ready: ReceivedEventData[] = [];
  #position: EventPosition;
  #link: Link | undefined;
  #closing: Promise<void> = Promise.resolve();
  #reopenAtMs = 0;
  #ended = false;
  #changed = Promise.withResolvers<void>();

  constructor(options: PartitionReaderOptions) {
    this.#options = options;
    this.#position = options.start;
    options.signal.addEventListener("abort", this.#end, { once: true });
    if (options.signal.aborted) this.#end();
  }

  /** The next batch, between the sizes of the settings; empty only when the reader has ended. Call it one at a time. */
  async next(): Promise<readonly ReceivedEventData[]> {
    const { settings, clock } = this.#options;
    let deadlineMs = Infinity;
    while (!this.#ended && this.#ready.length < settings.minEventBatchSize) {
      if (this.#ready.length > 0 && deadlineMs === Infinity) deadlineMs = clock.nowMs() + settings.maxWaitTime;
      if (clock.nowMs() >= deadlineMs) break;
      if (this.#link === undefined && clock.nowMs() >= this.#reopenAtMs) await this.#open();
      await this.#change(this.#link === undefined ? Math.min(deadlineMs, this.#reopenAtMs) : deadlineMs);
    }
    if (this.#ended) return [];
    const batch = this.#ready.splice(0, settings.maxEventBatchSize);
    this.#wake();
    return batch;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.signal.removeEventListener("abort", this.#end);
    this.#end();
    await this.#closing;
  }

  readonly #end = (): void => {
    this.#ended = true;
    this.#close();
    this.#wake();
  };

  #wake(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers();
    changed.resolve();
  }

  /** Resolves when something has changed since the call, or at `atMs`. */
  async #change(atMs: number): Promise<void> {
    const { clock } = this.#options;
    if (this.#ended) return;
    if (atMs === Infinity) return this.#changed.promise;
    const waited = new AbortController();
    await Promise.race([this.#changed.promise, clock.sleep(Math.max(0, atMs - clock.nowMs()), waited.signal)]);
    waited.abort();
  }

  get #behind(): boolean {
    return this.#ready.length >= readyBatchesMax * this.#options.settings.maxEventBatchSize;
  }

  async #open(): Promise<void> {
    await this.#closing;
    if (this.#ended) return;
    const { client, partitionId, logger, settings } = this.#options;
    const link: Link = { open: true, credit: settings.maxEventBatchSize };
    this.#link = link;
    link.subscription = client.subscribe(
      partitionId,
      {
        processEvents: (events) => this.#receive(link, events),
        processError: async (error) => {
          if (link.open)
            logger.warn("A partition could not be read; it is tried again.", { partitionId, error: reasonOf(error) });
        },
        // The SDK gives up a link that was stolen or failed for good, and would begin again at the first position.
        processClose: async () => this.#lose(link),
      },
      {
        startPosition: this.#position,
        ownerLevel,
        maxBatchSize: settings.maxEventBatchSize,
        prefetchCount: settings.maxEventBatchSize,
        maxWaitTimeInSeconds: readWaitSeconds,
        skipParsingBodyAsJson: true,
      },
    );
  }

  async #receive(link: Link, events: readonly ReceivedEventData[]): Promise<void> {
    if (!link.open) return;
    const { maxEventBatchSize } = this.#options.settings;
    link.credit -= events.length;
    const last = events.at(-1);
    if (last !== undefined) {
      this.#ready.push(...events);
      this.#position = { sequenceNumber: last.sequenceNumber, isInclusive: false };
      this.#wake();
    }
    const creditMax = (this.#behind ? creditBatchesMax : quietCreditBatchesMax) * maxEventBatchSize;
    if (link.credit > creditMax) {
      this.#close();
      this.#wake();
    }
    while (this.#behind && link.open) await this.#changed.promise;
    link.credit += maxEventBatchSize;
  }

  #lose(link: Link): void {
    if (!link.open) return;
    this.#reopenAtMs = this.#options.clock.nowMs() + reopenDelayMs;
    this.#close();
    this.#wake();
  }

  /** Closes the link, if there is one. What it brings from now on is not kept. */
  #close(): void {
    const link = this.#link;
    if (link === undefined) return;
    link.open = false;
    this.#link = undefined;
    const { logger, partitionId } = this.#options;
    this.#closing = Promise.resolve(link.subscription?.close()).catch((error: unknown) =>
      logger.debug("A partition's link did not close cleanly.", { partitionId, error: String(error) }),
    );
  }
}

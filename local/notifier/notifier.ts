import { BlobServiceClient } from "@azure/storage-blob";
import { QueueServiceClient, type QueueClient } from "@azure/storage-queue";

import type { Clock, Logger, Random } from "../../shared/core/index.ts";
import type { AccountName, Azurite, BlobCreation } from "../azurite/index.ts";
import { announce, defaultHabits, type NoticeHabits } from "./announcements.ts";
import type { Announcement } from "./event-grid-event.ts";
import { blobSubject, defaultSubscriptions, matches, type NoticeSubscription } from "./subscription.ts";

/** What a notifier is made of. */
export interface NotifierOptions {
  readonly azurite: Pick<Azurite, "connectionStrings" | "onBlobCreated">;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Queue of the account `host` that the messages go to. */
  readonly queue?: string;
  readonly subscriptions?: readonly NoticeSubscription[];
  readonly habits?: Partial<NoticeHabits>;
}

/** What a notifier has done so far. */
export interface NotifierCounts {
  /** Blob creations that a subscription asked for. */
  readonly creations: number;
  /** Messages put into the queue. */
  readonly messages: number;
  /** Creations dropped because too many were waiting: the sweep finds them. */
  readonly dropped: number;
}

/** A running notifier; disposing of it sends what is waiting, within a limit. */
export interface Notifier extends AsyncDisposable {
  readonly counts: NotifierCounts;
  /** Resolves when every creation seen so far has been announced. */
  idle(): Promise<void>;
}

const pendingMax = 100_000;
const sendersMax = 4;
const stopLimitMs = 5_000;
const retryDelayMs = { first: 100, max: 5_000 };

/**
 * Starts announcing the blobs created in the account `lake` to a queue of the account `host`, as an Event Grid
 * subscription with a storage queue behind it does: base64, at least once, in no promised order. The queue must exist.
 */
export function startNotifier(options: NotifierOptions): Notifier {
  const { azurite } = options;
  const queues = QueueServiceClient.fromConnectionString(azurite.connectionStrings["host" satisfies AccountName]);
  const blobs = BlobServiceClient.fromConnectionString(azurite.connectionStrings["lake" satisfies AccountName]);
  const notifier = new QueueNotifier(options, queues.getQueueClient(options.queue ?? "notices"), blobs);
  const unsubscribe = azurite.onBlobCreated((creation) => notifier.add(creation));
  return {
    get counts() {
      return notifier.counts;
    },
    idle: () => notifier.idle(),
    async [Symbol.asyncDispose]() {
      unsubscribe();
      await notifier.stop();
    },
  };
}

class QueueNotifier {
  readonly counts = { creations: 0, messages: 0, dropped: 0 };
  readonly #options: NotifierOptions;
  readonly #queue: QueueClient;
  readonly #blobs: BlobServiceClient;
  readonly #habits: NoticeHabits;
  readonly #subscriptions: readonly NoticeSubscription[];
  readonly #stopping = new AbortController();
  readonly #pending: { readonly creation: BlobCreation; readonly atMs: number }[] = [];
  #senders = 0;
  #sequence = 0;
  #whenIdle: (() => void)[] = [];

  constructor(options: NotifierOptions, queue: QueueClient, blobs: BlobServiceClient) {
    this.#options = options;
    this.#queue = queue;
    this.#blobs = blobs;
    this.#habits = { ...defaultHabits, ...options.habits };
    this.#subscriptions = options.subscriptions ?? defaultSubscriptions;
  }

  add(creation: BlobCreation): void {
    const subject = blobSubject(creation.container, creation.blob);
    if (!this.#subscriptions.some((subscription) => matches(subscription, subject))) return;
    this.counts.creations++;
    if (this.#pending.length >= pendingMax) {
      this.counts.dropped++;
      this.#options.logger.error("A blob is not announced: too many are waiting. The sweep will find it.", { subject });
      return;
    }
    this.#pending.push({ creation, atMs: this.#options.clock.nowMs() });
    if (this.#senders < sendersMax) {
      this.#senders++;
      void this.#send();
    }
  }

  idle(): Promise<void> {
    if (this.#senders === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  async stop(): Promise<void> {
    const waited = new AbortController();
    await Promise.race([this.idle(), this.#options.clock.sleep(stopLimitMs, waited.signal)]);
    waited.abort();
    this.#stopping.abort();
    await this.idle();
  }

  /** One sender: takes what is waiting until nothing is left. It ends only then, or when the notifier stops. */
  async #send(): Promise<void> {
    for (;;) {
      const next = this.#pending.shift();
      if (next === undefined || this.#stopping.signal.aborted) break;
      await this.#announce(next.creation, next.atMs);
    }
    this.#senders--;
    if (this.#senders > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  async #announce(creation: BlobCreation, atMs: number): Promise<void> {
    const { random } = this.#options;
    const contentLengthBytes = await this.#persist(() => this.#length(creation));
    if (contentLengthBytes === undefined) return;
    const announcement: Announcement = {
      creation,
      contentLengthBytes,
      atMs,
      eventId: random.uuid(),
      batchId: random.uuid(),
      sequencer: `${atMs.toString(16).padStart(16, "0")}${(this.#sequence++).toString(16).padStart(16, "0")}`,
    };
    for (const { event, delaySeconds } of announce(announcement, this.#habits, random)) {
      const message = Buffer.from(JSON.stringify(event)).toString("base64");
      const settings = { visibilityTimeout: delaySeconds, messageTimeToLive: -1, abortSignal: this.#stopping.signal };
      const sent = await this.#persist(() => this.#queue.sendMessage(message, settings));
      if (sent !== undefined) this.counts.messages++;
    }
  }

  async #length(creation: BlobCreation): Promise<number> {
    if (creation.contentLengthBytes !== undefined) return creation.contentLengthBytes;
    const client = this.#blobs.getContainerClient(creation.container).getBlobClient(creation.blob);
    try {
      return (await client.getProperties()).contentLength ?? 0;
    } catch (error) {
      // Removed again already: it is announced all the same, and consumers find nothing there.
      if ((error as { statusCode?: number }).statusCode === 404) return 0;
      throw error;
    }
  }

  /** Repeats until it succeeds; undefined only when the notifier was stopped first. */
  async #persist<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { clock, logger } = this.#options;
    const { signal } = this.#stopping;
    for (let delayMs = retryDelayMs.first; !signal.aborted; delayMs = Math.min(delayMs * 2, retryDelayMs.max)) {
      try {
        return await work();
      } catch (error) {
        logger.warn("A notice could not be sent; it is tried again.", { error: String(error), delayMs });
        await clock.sleep(delayMs, signal);
      }
    }
    return undefined;
  }
}

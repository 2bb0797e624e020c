/** Reads ranges of a hub through dyne's own consumer group with the real SDK. */
import {
  EventHubConsumerClient,
  type EventPosition,
  type PartitionProperties,
  type ReceivedEventData,
  type SubscriptionEventHandlers,
  type TokenCredential,
} from "@azure/event-hubs";
import { DyneError, isDyneError, sentence } from "../core/index.ts";
import type { EventHubReader, HubDescription, HubEvent, HubReadRange, PartitionRange } from "./event-hub.ts";

/** A second reader beside the trigger's epoch reader is not allowed in one group, so dyne has one of its own. */
export const readConsumerGroup = "dyne-read";

/** Events that are asked for at once: the SDK hands over what has come 20 ms after the first of them. */
const eventsPerReceive = 4_000;

/** How long the hub may leave dyne waiting, in milliseconds. */
export interface HubPatience {
  /** For the properties of a hub or a partition, all tries together. */
  readonly answerMs: number;
  /** Between two events of a read. */
  readonly eventMs: number;
  /** For the end of a read, or of a connection; then it is left behind. */
  readonly closeMs: number;
  /** Between two tries. The SDK's own 30 seconds would outlast `answerMs`, and hide why the first try failed. */
  readonly retryMs: number;
}

const usualPatience: HubPatience = { answerMs: 30_000, eventMs: 30_000, closeMs: 5_000, retryMs: 1_000 };

/** How to reach the namespace: a connection string on loopback, an identity everywhere else. */
export type EventHubConnection =
  | { readonly kind: "connection-string"; readonly connectionString: string }
  | {
      readonly kind: "identity";
      readonly fullyQualifiedNamespace: string;
      /** Where to connect to instead of the namespace's own address: `sb://127.0.0.1:…`. */
      readonly customEndpointAddress?: string | undefined;
      readonly credential: TokenCredential;
    };

/**
 * Keeps a connection per partition, and opens another after one that did not answer, did not deliver, or did not close:
 * the SDK waits for ever for the close of a link whose connection breaks meanwhile.
 */
export class AmqpEventHubReader implements EventHubReader {
  readonly #connection: EventHubConnection;
  readonly #patience: HubPatience;
  readonly #clients = new Map<string, EventHubConsumerClient>();
  /** The last read of each partition: a connection takes one at a time, and the next one waits for it. */
  readonly #reads = new Map<string, Promise<unknown>>();

  constructor(connection: EventHubConnection, patience: Partial<HubPatience> = {}) {
    this.#connection = connection;
    this.#patience = { ...usualPatience, ...patience };
  }

  async describe(hub: string): Promise<HubDescription> {
    const properties = await this.#ask(`the hub ${hub}`, this.#client(hub), (client, abortSignal) =>
      client.getEventHubProperties({ abortSignal }),
    );
    return { epochUs: BigInt(properties.createdOn.getTime()) * 1000n, partitions: properties.partitionIds };
  }

  async partition(hub: string, partition: string): Promise<PartitionRange> {
    const properties = await this.#properties(hub, partition);
    const untilSequence = properties.lastEnqueuedSequenceNumber + 1;
    return { beginSequence: properties.isEmpty ? untilSequence : properties.beginningSequenceNumber, untilSequence };
  }

  #properties(hub: string, partition: string): Promise<PartitionProperties> {
    return this.#ask(`partition ${partition} of ${hub}`, this.#client(hub, partition), (client, abortSignal) =>
      client.getPartitionProperties(partition, { abortSignal }),
    );
  }

  read(range: HubReadRange, signal?: AbortSignal): Promise<readonly HubEvent[]> {
    return this.#inTurn(`${range.hub}/${range.partition}`, () => this.#read(range, signal));
  }

  /** Runs after what was asked of the same partition before. */
  async #inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#reads.get(key);
    const reading = (async () => {
      await before?.catch(() => undefined);
      return work();
    })();
    this.#reads.set(key, reading);
    try {
      return await reading;
    } finally {
      if (this.#reads.get(key) === reading) this.#reads.delete(key);
    }
  }

  async sequenceAt(hub: string, partition: string, timeUs: bigint): Promise<number> {
    const properties = await this.#properties(hub, partition);
    const untilSequence = properties.lastEnqueuedSequenceNumber + 1;
    // The hub counts in milliseconds, and finds what is after a time.
    const atMs = Number((timeUs + 999n) / 1000n);
    if (properties.isEmpty || properties.lastEnqueuedOnUtc.getTime() < atMs) return untilSequence;
    const range = { hub, partition, fromSequence: 0, untilSequence };
    let found: number | undefined;
    const position = { enqueuedOn: new Date(atMs - 1) };
    await this.#inTurn(`${hub}/${partition}`, () =>
      this.#receive(range, { position, eventsMax: 1 }, (received) => {
        found ??= received[0]?.sequenceNumber;
        return found !== undefined;
      }),
    );
    return found ?? untilSequence;
  }

  async #read(range: HubReadRange, signal: AbortSignal | undefined): Promise<readonly HubEvent[]> {
    const taken = new TakenEvents(range);
    if (taken.isFull) return taken.events;
    const position = { sequenceNumber: range.fromSequence, isInclusive: true };
    // No more at once than the range has: what is behind it would only be in the way of the next request.
    const eventsMax = Math.min(range.untilSequence - range.fromSequence, eventsPerReceive);
    await this.#receive(range, { position, eventsMax }, (received) => taken.take(received), signal);
    return taken.events;
  }

  /** Hands over events from a position on until `take` has enough. */
  async #receive(
    range: HubReadRange,
    { position, eventsMax }: { readonly position: EventPosition; readonly eventsMax: number },
    take: (received: readonly ReceivedEventData[]) => boolean,
    signal?: AbortSignal,
  ): Promise<void> {
    if (signal?.aborted) throw readError(range, "the read was abandoned");
    const client = this.#client(range.hub, range.partition);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const handlers: SubscriptionEventHandlers = {
      processEvents: async (received) => {
        if (received.length > 0) timer.refresh();
        try {
          if (take(received)) resolve();
        } catch (error) {
          reject(error);
        }
      },
      processError: async (thrown) => {
        const error = lastOf(thrown);
        const what = `partition ${range.partition} of ${range.hub}`;
        reject(denied(what, error) ?? readError(range, error instanceof Error ? error.message : String(error), error));
      },
    };
    const subscription = client.subscribe(range.partition, handlers, {
      startPosition: position,
      maxBatchSize: eventsMax,
      prefetchCount: eventsMax,
      maxWaitTimeInSeconds: 1,
      skipParsingBodyAsJson: true,
    });
    const late = () => reject(readError(range, `no event came for ${this.#patience.eventMs} ms`));
    const timer = setTimeout(late, this.#patience.eventMs);
    const abort = () => reject(readError(range, "the read was abandoned"));
    signal?.addEventListener("abort", abort, { once: true });
    let usable = false;
    try {
      await promise;
      usable = true;
    } catch (error) {
      usable = signal?.aborted === true || isDyneError(error, "DATA_LOSS");
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      const closed = await settlesWithin(subscription.close(), this.#patience.closeMs);
      if (!usable || !closed) this.#leave(client);
    }
  }

  /** Never throws, and returns also where a connection does not close. */
  async close(): Promise<void> {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    await Promise.all(clients.map((client) => settlesWithin(client.close(), this.#patience.closeMs)));
  }

  async #ask<T>(
    what: string,
    client: EventHubConsumerClient,
    ask: (client: EventHubConsumerClient, abortSignal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { answerMs } = this.#patience;
    const aborter = new AbortController();
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      reject(new Error(`no answer for ${answerMs} ms`));
      aborter.abort();
    }, answerMs);
    try {
      return await Promise.race([ask(client, aborter.signal), late]);
    } catch (thrown) {
      const cause = lastOf(thrown);
      if (!isRefusal(cause)) this.#leave(client);
      throw (
        denied(what, cause) ??
        new DyneError(
          "STORAGE_UNAVAILABLE",
          `Event Hubs did not describe ${what}: ${sentence(cause)} Check that it exists and that this identity may read it.`,
          { cause },
        )
      );
    } finally {
      clearTimeout(timer);
    }
  }

  /** A connection per partition: lanes read at the same time, and none is to wait behind another's events. */
  #client(hub: string, partition = ""): EventHubConsumerClient {
    const key = `${hub}/${partition}`;
    const known = this.#clients.get(key);
    if (known !== undefined) return known;
    const client = clientOf(this.#connection, hub, this.#patience.retryMs);
    this.#clients.set(key, client);
    return client;
  }

  /** The next call opens another connection; this one closes when it can. */
  #leave(client: EventHubConsumerClient): void {
    for (const [key, known] of this.#clients) if (known === client) this.#clients.delete(key);
    client.close().catch(() => {});
  }
}

function clientOf(connection: EventHubConnection, hub: string, retryMs: number): EventHubConsumerClient {
  const retryOptions = { timeoutInMs: 15_000, maxRetries: 3, retryDelayInMs: retryMs };
  if (connection.kind === "connection-string")
    return new EventHubConsumerClient(readConsumerGroup, connection.connectionString, hub, { retryOptions });
  const { fullyQualifiedNamespace, customEndpointAddress, credential } = connection;
  return new EventHubConsumerClient(readConsumerGroup, fullyQualifiedNamespace, hub, credential, {
    retryOptions,
    ...(customEndpointAddress !== undefined && { customEndpointAddress }),
  });
}

/** The first events of a range, as they come: in order, each once, whatever a reconnect repeats. */
class TakenEvents {
  readonly events: HubEvent[] = [];
  readonly #range: HubReadRange;
  #bytes = 0;

  constructor(range: HubReadRange) {
    this.#range = range;
  }

  get isFull(): boolean {
    const { fromSequence, untilSequence, maxBytes = Number.POSITIVE_INFINITY } = this.#range;
    return this.events.length >= untilSequence - fromSequence || this.#bytes >= maxBytes;
  }

  /** True when no more are needed. Throws DATA_LOSS where one is missing. */
  take(received: readonly ReceivedEventData[]): boolean {
    for (const event of received) {
      if (this.isFull) break;
      const expected = this.#range.fromSequence + this.events.length;
      if (event.sequenceNumber < expected) continue;
      if (event.sequenceNumber > expected) throw gap(this.#range, expected, event.sequenceNumber);
      const read = hubEvent(event);
      this.events.push(read);
      this.#bytes += read.body.length;
    }
    return this.isFull;
  }
}

/** True when the work is done in time; false when it fails or lasts longer. Never throws. */
async function settlesWithin(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, limitMs, false);
  const done = work.then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** An answer that says no: the connection it came over is sound. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && "retryable" in error && error.retryable === false;
}

function hubEvent(event: ReceivedEventData): HubEvent {
  const properties =
    event.properties !== undefined && Object.keys(event.properties).length > 0 ? event.properties : null;
  return {
    body: bodyBytes(event.body),
    sequenceNumber: event.sequenceNumber,
    offset: String(event.offset),
    enqueuedTimeUs: BigInt(event.enqueuedTimeUtc.getTime()) * 1000n,
    partitionKey: event.partitionKey ?? null,
    properties,
  };
}

/** Data sections arrive as bytes; a value or sequence section is kept as its JSON. */
function bodyBytes(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
}

function gap(range: HubReadRange, expected: number, found: number): DyneError {
  return new DyneError(
    "DATA_LOSS",
    `Partition ${range.partition} of ${range.hub} no longer holds sequence numbers ${expected} to ${found - 1}: they expired before they ` +
      "were read. Replay them from Capture, or set failOnDataLoss: false to go on without them.",
    { details: { ...range, expected, found } },
  );
}

/** After several tries the SDK throws all of their errors together, under no message. */
function lastOf(thrown: unknown): unknown {
  return thrown instanceof AggregateError ? (thrown.errors.at(-1) ?? thrown) : thrown;
}

/** What no repetition helps against: the identity has no token or no role. Undefined where it is something else. */
function denied(what: string, cause: unknown): DyneError | undefined {
  if (isDyneError(cause)) return cause.kind === "invalid" ? cause : undefined;
  if (!(cause instanceof Error) || !("code" in cause) || cause.code !== "UnauthorizedError") return undefined;
  const remedy = /claim\(s\) are required/.test(cause.message)
    ? "Give the app's identity the role Azure Event Hubs Data Receiver on the hub."
    : "Check that the app's identity and the namespace belong to the same tenant, and this machine's clock.";
  return new DyneError("HUB_DENIED", `Event Hubs refuses access to ${what}: ${sentence(cause)} ${remedy}`, { cause });
}

function readError(range: HubReadRange, reason: string, cause?: unknown): DyneError {
  return new DyneError(
    "STORAGE_UNAVAILABLE",
    `Reading [${range.fromSequence}, ${range.untilSequence}) of partition ${range.partition} of ${range.hub} failed: ${sentence(reason)} It is tried again.`,
    { cause },
  );
}

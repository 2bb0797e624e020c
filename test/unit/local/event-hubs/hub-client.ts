/** The real SDK as the tests use it. */
import { EventHubConsumerClient, EventHubProducerClient } from "@azure/event-hubs";
import type { EventPosition, ReceivedEventData, SubscribeOptions } from "@azure/event-hubs";

export const hubName = "flights";

/** A producer that never sends twice by itself. */
export function producerOf(connectionString: string, hub = hubName): EventHubProducerClient & AsyncDisposable {
  const client = new EventHubProducerClient(connectionString, hub, {
    retryOptions: { maxRetries: 0, timeoutInMs: 1_500 },
  });
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

/** Sends one batch of texts to a partition. */
export async function sendTexts(
  producer: EventHubProducerClient,
  partition: number,
  texts: readonly string[],
): Promise<void> {
  const batch = await producer.createBatch({ partitionId: String(partition) });
  for (const text of texts) if (!batch.tryAdd({ body: Buffer.from(text) })) throw new Error("the batch is full");
  await producer.sendBatch(batch);
}

export interface ReadOptions extends SubscribeOptions {
  readonly group?: string;
  readonly partition?: number;
  readonly startPosition: EventPosition;
}

/** A reader that keeps what it gets. */
export interface Reader extends AsyncDisposable {
  readonly events: ReceivedEventData[];
  readonly errors: (Error & { code?: string })[];
  /** Resolves when so many events have come. */
  atLeast(count: number): Promise<ReceivedEventData[]>;
  /** Resolves when an error has come. */
  failed(): Promise<Error & { code?: string }>;
}

/** Reads a partition until it is disposed of. */
export function readPartition(
  connectionString: string,
  { group = "dyne-read", partition = 0, ...options }: ReadOptions,
): Reader {
  const client = new EventHubConsumerClient(group, connectionString, hubName, {
    retryOptions: { maxRetries: 1, retryDelayInMs: 50 },
  });
  const events: ReceivedEventData[] = [];
  const errors: Error[] = [];
  let changed = Promise.withResolvers<void>();
  const notify = () => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  const subscription = client.subscribe(
    String(partition),
    {
      processEvents: async (received) => {
        events.push(...received);
        if (received.length > 0) notify();
      },
      processError: async (error) => {
        errors.push(error);
        notify();
      },
    },
    { maxBatchSize: 500, maxWaitTimeInSeconds: 1, skipParsingBodyAsJson: true, ...options },
  );
  const until = async (done: () => boolean) => {
    while (!done()) await changed.promise;
  };
  return {
    events,
    errors,
    atLeast: (count) => until(() => events.length >= count).then(() => events),
    failed: () => until(() => errors.length > 0).then(() => errors[0]!),
    async [Symbol.asyncDispose]() {
      await subscription.close();
      await client.close();
    },
  };
}

export const textOf = (event: ReceivedEventData): string => Buffer.from(event.body as Uint8Array).toString();

import {
  earliestEventPosition,
  latestEventPosition,
  type EventHubConsumerClient,
  type EventPosition,
} from "@azure/event-hubs";
import { z } from "zod";

import { parseBinding } from "./binding.ts";
import { TriggerCheckpointStore } from "./checkpoint-store.ts";
import { openBlobService, openHub, reasonOf } from "./connections.ts";
import { eventHubData, eventHubMetadata, type EventHubPlace } from "./event-hub-payload.ts";
import { PartitionReader } from "./partition-reader.ts";
import type { Listener, TriggerContext } from "./listener.ts";
import { resolveSettings } from "./settings.ts";

const bindingSchema = z.object({
  eventHubName: z.string().min(1),
  connection: z.string().min(1),
  consumerGroup: z.string().min(1).default("$Default"),
  cardinality: z.literal("many", "this host delivers batches only").default("many"),
  dataType: z.literal("binary", "bodies would arrive as lossy text without it"),
});

/** How often partitions that were added to the hub are looked for, and an unreachable hub is tried again. */
const partitionsRefreshMs = 30_000;
const retryDelayMs = 1_000;

/**
 * The listener of an `eventHubTrigger`: reads every partition of the hub in the trigger's consumer group as its one
 * epoch reader, runs one invocation per partition at a time, and moves its checkpoint after each, **also when the
 * function failed**. After a restart it delivers from its checkpoint, so what was running may come again.
 * Source: learn.microsoft.com/azure/azure-functions/functions-bindings-event-hubs-trigger.
 */
export function eventHubListener(context: TriggerContext): Listener {
  const binding = parseBinding(bindingSchema, context);
  const text = (value: string): string => resolveSettings(value, context.settings, context.functionName);
  const { consumerGroup } = binding;
  const eventHubName = text(binding.eventHubName);
  const { client, fullyQualifiedNamespace } = openHub(
    binding.connection,
    {
      hub: eventHubName,
      consumerGroup,
      retryOptions: { timeoutInMs: 10_000, retryDelayInMs: 200, maxRetryDelayInMs: 5_000 },
    },
    context,
  );
  const host = openBlobService("AzureWebJobsStorage", context);
  const place = { fullyQualifiedNamespace, eventHubName, consumerGroup };
  return new EventHubListener(context, client, place, new TriggerCheckpointStore(host, place));
}

class EventHubListener implements Listener {
  readonly #context: TriggerContext;
  readonly #client: EventHubConsumerClient;
  readonly #place: Omit<EventHubPlace, "partitionId">;
  readonly #checkpoints: TriggerCheckpointStore;
  readonly #stopping = new AbortController();
  readonly #partitions = new Map<string, Promise<void>>();
  #watching: Promise<void> | undefined;

  constructor(
    context: TriggerContext,
    client: EventHubConsumerClient,
    place: Omit<EventHubPlace, "partitionId">,
    checkpoints: TriggerCheckpointStore,
  ) {
    this.#context = context;
    this.#place = place;
    this.#checkpoints = checkpoints;
    this.#client = client;
  }

  async start(): Promise<void> {
    this.#watching ??= this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#watching;
    await Promise.all(this.#partitions.values());
    await this.#client.close();
  }

  /** Starts a reader for every partition, now and when more are found. */
  async #watch(): Promise<void> {
    const { clock, logger } = this.#context;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let delayMs = partitionsRefreshMs;
      try {
        if (this.#partitions.size === 0) await this.#checkpoints.prepare();
        for (const partitionId of await this.#client.getPartitionIds({ abortSignal: signal })) {
          if (!this.#partitions.has(partitionId)) this.#partitions.set(partitionId, this.#read(partitionId));
        }
      } catch (error) {
        delayMs = retryDelayMs;
        if (!signal.aborted)
          logger.warn("An event hub cannot be reached; it is tried again.", { ...this.#place, error: reasonOf(error) });
      }
      await clock.sleep(delayMs, signal);
    }
  }

  /** Reads one partition until the host stops. Never rejects. */
  async #read(partitionId: string): Promise<void> {
    const { clock, logger, hostJson } = this.#context;
    const { signal } = this.#stopping;
    const settings = hostJson.extensions.eventHubs;
    while (!signal.aborted) {
      try {
        const start = await this.#startPosition(partitionId);
        await using reader = new PartitionReader({
          client: this.#client,
          partitionId,
          start,
          settings,
          clock,
          logger,
          signal,
        });
        await this.#deliver(reader, partitionId, settings.batchCheckpointFrequency);
      } catch (error) {
        if (!signal.aborted)
          logger.error("A partition's reader failed; it begins again.", { partitionId, error: reasonOf(error) });
        await clock.sleep(retryDelayMs, signal);
      }
    }
  }

  async #deliver(reader: PartitionReader, partitionId: string, checkpointEvery: number): Promise<void> {
    const { invoke, random, logger } = this.#context;
    const place = { ...this.#place, partitionId };
    for (let batches = 1; ; batches++) {
      const events = await reader.next();
      const last = events.at(-1);
      if (last === undefined) return;
      // The host has logged a failure; like the real one it goes on with the next batch.
      await invoke(eventHubData(events), eventHubMetadata(place, events, random)).catch(() => {});
      if (batches % checkpointEvery !== 0) continue;
      try {
        await this.#checkpoints.write(partitionId, { sequenceNumber: last.sequenceNumber, offset: last.offset });
      } catch (error) {
        logger.warn("A trigger's checkpoint could not be written; a restart delivers again from the one before.", {
          ...place,
          error: String(error),
        });
      }
    }
  }

  async #startPosition(partitionId: string): Promise<EventPosition> {
    const checkpoint = await this.#checkpoints.read(partitionId);
    if (checkpoint) return { sequenceNumber: checkpoint.sequenceNumber, isInclusive: false };
    const { type, enqueuedTimeUtc } = this.#context.hostJson.extensions.eventHubs.initialOffsetOptions;
    if (type === "fromEnd") return latestEventPosition;
    if (type === "fromEnqueuedTime" && enqueuedTimeUtc !== undefined) return { enqueuedOn: new Date(enqueuedTimeUtc) };
    return earliestEventPosition;
  }
}

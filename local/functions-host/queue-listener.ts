import type { DequeuedMessageItem, QueueClient, QueueServiceClient } from "@azure/storage-queue";
import { z } from "zod";

import { PollingBackoff } from "./backoff.ts";
import { openQueueService } from "./connections.ts";
import type { Listener, TriggerContext } from "./listener.ts";
import { parseBinding } from "./binding.ts";
import { decodeMessage, queueData, queueMetadata } from "./queue-payload.ts";
import { resolveSettings } from "./settings.ts";

const bindingSchema = z.object({
  queueName: z.string().min(1),
  connection: z.string().min(1).default("AzureWebJobsStorage"),
  dataType: z.string().optional(),
});

/** How long a message is hidden while its function runs; renewed at half of it. A killed host's messages come back after it. */
const claimMs = 10 * 60_000;

/**
 * The listener of a `queueTrigger`: several messages at a time, deleted when their function succeeds, visible again
 * after `visibilityTimeout` when it fails, and moved to `<queue>-poison` after `maxDequeueCount` tries. A queue that
 * does not exist counts as empty.
 * Source: learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger.
 */
export function queueListener(context: TriggerContext): Listener {
  const binding = parseBinding(bindingSchema, context);
  const service = openQueueService(binding.connection, context);
  const queueName = resolveSettings(binding.queueName, context.settings, context.functionName);
  return new QueueListener(context, service, queueName, binding.dataType);
}

class QueueListener implements Listener {
  readonly #context: TriggerContext;
  readonly #queue: QueueClient;
  readonly #poison: QueueClient;
  readonly #dataType: string | undefined;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #polling: Promise<void> | undefined;

  constructor(context: TriggerContext, service: QueueServiceClient, queueName: string, dataType: string | undefined) {
    this.#context = context;
    this.#queue = service.getQueueClient(queueName);
    this.#poison = service.getQueueClient(`${queueName}-poison`);
    this.#dataType = dataType;
  }

  async start(): Promise<void> {
    this.#polling ??= this.#poll();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#polling;
    await Promise.all(this.#running);
  }

  async #poll(): Promise<void> {
    const { clock, random, hostJson } = this.#context;
    const { batchSize, newBatchThreshold, maxPollingInterval } = hostJson.extensions.queues;
    const backoff = new PollingBackoff(maxPollingInterval, random);
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const messages = await this.#receive(batchSize);
      if (messages.length === 0) {
        await clock.sleep(backoff.nextMs(), signal);
        continue;
      }
      backoff.reset();
      for (const message of messages) {
        const running = this.#process(message).finally(() => this.#running.delete(running));
        this.#running.add(running);
      }
      while (this.#running.size > newBatchThreshold && !signal.aborted) await Promise.race(this.#running);
    }
  }

  async #receive(count: number): Promise<readonly DequeuedMessageItem[]> {
    try {
      const settings = { numberOfMessages: count, visibilityTimeout: claimMs / 1000 };
      // Not aborted by a stop: the queue may have answered already, and would hide what nobody then handles.
      return (await this.#queue.receiveMessages(settings)).receivedMessageItems;
    } catch (error) {
      if (statusCode(error) !== 404) {
        this.#context.logger.warn("A queue could not be read; it is tried again.", {
          queue: this.#queue.name,
          error: String(error),
        });
      }
      return [];
    }
  }

  /** Takes one message to its end. Never rejects. */
  async #process(message: DequeuedMessageItem): Promise<void> {
    const { extensions } = this.#context.hostJson;
    const { messageEncoding, maxDequeueCount, visibilityTimeout } = extensions.queues;
    await using claim = new Claim(this.#context, this.#queue, message);
    try {
      const body = decodeMessage(message.messageText, messageEncoding);
      if (body === undefined || message.dequeueCount > maxDequeueCount) {
        await this.#moveToPoison(message, claim);
        return;
      }
      const succeeded = await this.#context.invoke(queueData(body, this.#dataType), queueMetadata(message, body)).then(
        () => true,
        () => false,
      );
      if (succeeded) await claim.delete();
      else if (message.dequeueCount >= maxDequeueCount) await this.#moveToPoison(message, claim);
      else await claim.release(visibilityTimeout);
    } catch (error) {
      this.#context.logger.warn("A queue message could not be settled; it comes again.", {
        queue: this.#queue.name,
        messageId: message.messageId,
        error: String(error),
      });
    }
  }

  async #moveToPoison(message: DequeuedMessageItem, claim: Claim): Promise<void> {
    const fields = { queue: this.#queue.name, messageId: message.messageId, dequeueCount: message.dequeueCount };
    this.#context.logger.warn("A queue message is moved to the poison queue.", fields);
    await this.#poison.createIfNotExists();
    await this.#poison.sendMessage(message.messageText, { messageTimeToLive: -1 });
    await claim.delete();
  }
}

/** One message while its function runs: hidden from others until deleted, released or disposed of. */
class Claim implements AsyncDisposable {
  readonly #context: TriggerContext;
  readonly #queue: QueueClient;
  readonly #message: DequeuedMessageItem;
  readonly #ended = new AbortController();
  readonly #renewing: Promise<void>;
  #popReceipt: string;

  constructor(context: TriggerContext, queue: QueueClient, message: DequeuedMessageItem) {
    this.#context = context;
    this.#queue = queue;
    this.#message = message;
    this.#popReceipt = message.popReceipt;
    this.#renewing = this.#renew();
  }

  async delete(): Promise<void> {
    await this[Symbol.asyncDispose]();
    await this.#queue.deleteMessage(this.#message.messageId, this.#popReceipt);
  }

  async release(visibleAfterMs: number): Promise<void> {
    await this[Symbol.asyncDispose]();
    await this.#hide(visibleAfterMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#renewing;
  }

  async #renew(): Promise<void> {
    const { signal } = this.#ended;
    for (;;) {
      await this.#context.clock.sleep(claimMs / 2, signal);
      if (signal.aborted) return;
      try {
        await this.#hide(claimMs);
      } catch (error) {
        this.#context.logger.warn("A queue message could not be kept hidden.", {
          queue: this.#queue.name,
          error: String(error),
        });
      }
    }
  }

  async #hide(forMs: number): Promise<void> {
    const { messageId, messageText } = this.#message;
    const updated = await this.#queue.updateMessage(messageId, this.#popReceipt, messageText, Math.ceil(forMs / 1000));
    this.#popReceipt = updated.popReceipt ?? this.#popReceipt;
  }
}

function statusCode(error: unknown): number | undefined {
  return (error as { statusCode?: number }).statusCode;
}

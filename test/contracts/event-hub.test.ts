import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventHubProducerClient } from "@azure/event-hubs";
import { startEventHubs } from "../../local/event-hubs/index.ts";
import { ManualClock, silentLogger } from "../../shared/core/index.ts";
import { AmqpEventHubReader } from "../../shared/sources/amqp-event-hub-reader.ts";
import { MemoryEventHub } from "../../shared/sources/index.ts";
import { eventHubContract } from "./event-hub.contract.ts";

const createdMs = Date.UTC(2026, 0, 1);
const dayMs = 24 * 60 * 60 * 1000;

eventHubContract("MemoryEventHub", async () => {
  const memory = new MemoryEventHub("events", 3, BigInt(createdMs) * 1000n);
  return {
    reader: memory,
    createdMs,
    send: async (partition, events, atMs = createdMs) =>
      void memory.send(
        partition,
        events.map((event) => ({ ...event, enqueuedTimeUs: BigInt(atMs) * 1000n })),
      ),
    expire: async () => {
      for (const partition of ["0", "1", "2"])
        memory.expireBefore(partition, (await memory.partition("events", partition)).untilSequence);
    },
    close: async () => {},
  };
});

eventHubContract("AmqpEventHubReader", async () => {
  const directory = await mkdtemp(join(tmpdir(), "dyne-hub-contract-"));
  const clock = new ManualClock(createdMs);
  const hubs = { events: { partitions: 3, consumerGroups: ["dyne-read"], retentionMs: dayMs } };
  const server = await startEventHubs({ directory, hubs, clock, logger: silentLogger });
  const producer = new EventHubProducerClient(server.connectionString, "events", {
    retryOptions: { maxRetries: 0, timeoutInMs: 5_000 },
  });
  return {
    reader: new AmqpEventHubReader(
      { kind: "connection-string", connectionString: server.connectionString },
      { answerMs: 3_000, eventMs: 1_000, closeMs: 1_000 },
    ),
    createdMs,
    send: async (partition, events, atMs = clock.nowMs()) => {
      clock.advance(Math.max(0, atMs - clock.nowMs()));
      let batch = await producer.createBatch({ partitionId: partition });
      for (const { body, partitionKey, properties } of events) {
        const amqp = {
          body: Buffer.from(body),
          bodyType: "data" as const,
          ...(properties === undefined ? {} : { applicationProperties: properties }),
          ...(partitionKey === undefined ? {} : { messageAnnotations: { "x-opt-partition-key": partitionKey } }),
        };
        if (batch.tryAdd(amqp)) continue;
        await producer.sendBatch(batch);
        batch = await producer.createBatch({ partitionId: partition });
        if (!batch.tryAdd(amqp)) throw new Error("the event does not fit into a batch");
      }
      await producer.sendBatch(batch);
    },
    expire: async () => clock.advance(2 * dayMs),
    close: async () => {
      await producer.close();
      await server[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
});

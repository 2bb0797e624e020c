import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EventHubProducerClient } from "@azure/event-hubs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startEventHubs } from "../../../local/event-hubs/index.ts";
import type { EventHubsServer } from "../../../local/event-hubs/index.ts";
import { ManualClock, silentLogger } from "../../../shared/core/index.ts";
import { AmqpEventHubReader, type HubPatience } from "../../../shared/sources/amqp-event-hub-reader.ts";
import type { HubEvent } from "../../../shared/sources/index.ts";
import { startProxy } from "./loopback-proxy.ts";
import type { Fault, LoopbackProxy } from "./loopback-proxy.ts";

const hub = "flights";
const createdAtMs = Date.UTC(2026, 0, 1);
const total = 12_000;

let directory: string;
let server: EventHubsServer;
let proxy: LoopbackProxy;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "dyne-reader-"));
  const clock = new ManualClock(createdAtMs);
  const hubs = {
    [hub]: { partitions: 2, consumerGroups: ["dyne-read"] },
    short: { partitions: 1, consumerGroups: ["dyne-read"], retentionMs: 60_000 },
  };
  server = await startEventHubs({ directory, hubs, clock, logger: silentLogger });
  await publish(hub, total);
  await publish("short", 10);
  clock.advance(120_000);
  // Being asked makes the hub drop what has expired, before the rest comes.
  const producer = new EventHubProducerClient(server.connectionString, "short");
  await producer.getPartitionProperties("0");
  await producer.close();
  await publish("short", 10);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(async () => {
  proxy = await startProxy(server.port);
});
afterEach(() => proxy[Symbol.asyncDispose]());

async function publish(name: string, count: number): Promise<void> {
  const producer = new EventHubProducerClient(server.connectionString, name);
  for (let sent = 0; sent < count; sent += 2_000) {
    const batch = await producer.createBatch({ partitionId: "0" });
    for (let k = sent; k < Math.min(count, sent + 2_000); k++)
      batch.tryAdd({ body: Buffer.from(String(k).padEnd(150)) });
    await producer.sendBatch(batch);
  }
  await producer.close();
}

function readerOf(patience: Partial<HubPatience> = {}): AmqpEventHubReader & AsyncDisposable {
  const connectionString = server.connectionString.replace(`:${server.port};`, `:${proxy.port};`);
  const reader = new AmqpEventHubReader({ kind: "connection-string", connectionString }, patience);
  return Object.assign(reader, { [Symbol.asyncDispose]: () => reader.close() });
}

const range = (fromSequence: number, untilSequence: number) => ({
  hub,
  partition: "0",
  fromSequence,
  untilSequence,
});

const sequenceNumbers = (events: readonly HubEvent[]) => events.map((event) => event.sequenceNumber);
const numbers = (from: number, until: number) => Array.from({ length: until - from }, (_, k) => from + k);

/** A client's detach begins with this descriptor; nothing else that a reader sends does. */
const detach = Buffer.from([0x00, 0x53, 0x16]);
const atDetach = (fault: Fault) => (bytes: Buffer) => (bytes.includes(detach) ? fault : "none");

const unavailable = { code: "STORAGE_UNAVAILABLE" };

describe("reading ranges", () => {
  test("a hub and its partitions are described", async () => {
    await using reader = readerOf();
    expect(await reader.describe(hub)).toEqual({ epochUs: BigInt(createdAtMs) * 1000n, partitions: ["0", "1"] });
    expect(await reader.partition(hub, "0")).toEqual({ beginSequence: 0, untilSequence: total });
    expect(await reader.partition(hub, "1")).toEqual({ beginSequence: 0, untilSequence: 0 });
    expect(await reader.partition("short", "0")).toEqual({ beginSequence: 10, untilSequence: 20 });
  });

  test.each([
    [0, total],
    [4_321, 8_765],
    [total - 1, total],
    [7, 7],
  ])("[%i, %i) has exactly its events, in order", async (from, until) => {
    await using reader = readerOf();
    const events = await reader.read(range(from, until));
    expect(sequenceNumbers(events)).toEqual(numbers(from, until));
    for (const event of events) {
      expect(Number(Buffer.from(event.body).toString())).toBe(event.sequenceNumber);
    }
  });

  test("a limit of bytes ends a read early, after at least one event", async () => {
    await using reader = readerOf();
    expect(await reader.read({ ...range(100, 5_000), maxBytes: 1_500 })).toHaveLength(10);
    expect(await reader.read({ ...range(100, 5_000), maxBytes: 1 })).toHaveLength(1);
  });

  test("a range whose beginning has expired is lost data", async () => {
    await using reader = readerOf();
    const expired = { hub: "short", partition: "0", fromSequence: 5, untilSequence: 15 };
    await expect(reader.read(expired)).rejects.toMatchObject({ code: "DATA_LOSS" });
    await expect(reader.read({ ...expired, untilSequence: 8 })).rejects.toMatchObject({ code: "DATA_LOSS" });
    expect(await reader.read({ ...expired, fromSequence: 10 })).toHaveLength(5);
  });

  test("after each of twenty reads that end in the middle of a flood, the same connection answers", async () => {
    await using reader = readerOf({ answerMs: 5_000 });
    for (let round = 0; round < 20; round++) {
      expect(await reader.read({ ...range(round, total), maxBytes: 1_500 })).toHaveLength(10);
      expect(await reader.partition(hub, "0")).toEqual({ beginSequence: 0, untilSequence: total });
    }
    expect(proxy.connections).toBe(1);
  }, 30_000);
});

describe("a hub that does not answer", () => {
  test("a read without an event in time is unavailable, and the next one opens another connection", async () => {
    await using reader = readerOf({ eventMs: 300, closeMs: 200 });
    await reader.partition(hub, "0");
    proxy.strike("silence");
    await expect(reader.read(range(0, total))).rejects.toMatchObject(unavailable);
    expect(await reader.read(range(0, total))).toHaveLength(total);
    expect(proxy.connections).toBe(2);
  });

  test("a question without an answer in time is unavailable, and the next one opens another connection", async () => {
    await using reader = readerOf({ answerMs: 300, closeMs: 200 });
    await reader.partition(hub, "0");
    proxy.strike("silence");
    await expect(reader.partition(hub, "0")).rejects.toMatchObject(unavailable);
    expect((await reader.partition(hub, "0")).untilSequence).toBe(total);
  });

  test.each(["silence", "cut"] as const)("a read whose end meets %s has its events all the same", async (fault) => {
    await using reader = readerOf({ closeMs: 300 });
    await reader.partition(hub, "0");
    proxy.onSent = atDetach(fault);
    expect(await reader.read(range(0, 1_000))).toHaveLength(1_000);
    proxy.onSent = () => "none";
    expect((await reader.partition(hub, "0")).untilSequence).toBe(total);
    expect(await reader.read(range(0, 1_000))).toHaveLength(1_000);
  });

  test("a connection that is cut in the middle of a read costs neither an event nor a repetition", async () => {
    await using reader = readerOf();
    await reader.partition(hub, "0");
    let bytesReceived = 0;
    proxy.onReceived = (bytes) => {
      const before = bytesReceived;
      bytesReceived += bytes.length;
      return before < 500_000 && bytesReceived >= 500_000 ? "cut" : "none";
    };
    expect(sequenceNumbers(await reader.read(range(0, total)))).toEqual(numbers(0, total));
    expect(proxy.connections).toBe(2);
  });

  test("an unknown hub is unavailable", async () => {
    await using reader = readerOf();
    await expect(reader.describe("nothing")).rejects.toMatchObject(unavailable);
    await expect(reader.partition(hub, "7")).rejects.toMatchObject(unavailable);
  });

  test("the end of a reader does not wait for connections that do not close", async () => {
    const reader = readerOf({ closeMs: 200 });
    await reader.partition(hub, "0");
    proxy.strike("silence");
    await reader.close();
  });
});

describe("an abandoned read", () => {
  test("ends at once when its signal aborts, before or during it", async () => {
    await using reader = readerOf();
    await expect(reader.read(range(0, 10), AbortSignal.abort())).rejects.toMatchObject(unavailable);
    const aborter = new AbortController();
    const waiting = reader.read(range(total, total + 1), aborter.signal);
    aborter.abort();
    await expect(waiting).rejects.toMatchObject(unavailable);
    expect(await reader.read(range(0, 10))).toHaveLength(10);
    expect(proxy.connections).toBe(1);
  });
});

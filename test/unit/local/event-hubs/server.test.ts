import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { earliestEventPosition, EventHubBufferedProducerClient, latestEventPosition } from "@azure/event-hubs";
import rhea from "rhea";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { partitionOf, startEventHubs } from "../../../../local/event-hubs/index.ts";
import type { EventHubsOptions, EventHubsServer, PublishFault } from "../../../../local/event-hubs/index.ts";
import { ManualClock, silentLogger } from "../../../../shared/core/index.ts";
import { hubName, producerOf, readPartition, sendTexts, textOf } from "./hub-client.ts";

const createdAtMs = Date.UTC(2026, 0, 1);
const settings = { partitions: 2, consumerGroups: ["dyne-trigger", "dyne-read"] };

let directory: string;
let clock: ManualClock;
let server: EventHubsServer;
let fault: PublishFault | undefined;

async function start(options: Partial<EventHubsOptions> = {}): Promise<void> {
  server = await startEventHubs({
    directory,
    hubs: { [hubName]: settings },
    clock,
    logger: silentLogger,
    onPublish: () => fault,
    ...options,
  });
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "dyne-hubs-"));
  clock = new ManualClock(createdAtMs);
  fault = undefined;
  await start();
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

describe("publishing and reading with the SDK", () => {
  test("an event arrives with its body, properties, place, time and key", async () => {
    await using producer = producerOf(server.connectionString);
    clock.advance(1_000);
    const event = {
      body: Buffer.from([0xff, 0, 1]),
      bodyType: "data" as const,
      messageAnnotations: { "x-opt-partition-key": "F1" },
      applicationProperties: { n: 7, ok: true },
    };
    const batch = await producer.createBatch({ partitionId: "1" });
    batch.tryAdd(event);
    batch.tryAdd({ ...event, body: Buffer.alloc(0), messageAnnotations: { "x-opt-partition-key": "F2" } });
    batch.tryAdd({ body: { json: true } });
    await producer.sendBatch(batch);

    await using reader = readPartition(server.connectionString, { partition: 1, startPosition: earliestEventPosition });
    const [first, second, third] = await reader.atLeast(3);
    expect(first).toMatchObject({
      sequenceNumber: 0,
      offset: "0",
      partitionKey: "F1",
      properties: { n: 7, ok: true },
      enqueuedTimeUtc: new Date(createdAtMs + 1_000),
    });
    expect(Buffer.from(first!.body as Uint8Array)).toEqual(event.body);
    expect(second).toMatchObject({ sequenceNumber: 1, partitionKey: "F2" });
    expect(second!.body).toHaveLength(0);
    expect(third!.partitionKey).toBeUndefined();
    expect(textOf(third!)).toBe('{"json":true}');
  });

  test("a partition key routes the same way from the server as from the buffered producer", async () => {
    const keys = Array.from({ length: 40 }, (_, k) => `key-${k}`);
    await using producer = producerOf(server.connectionString);
    for (const key of keys) await producer.sendBatch([{ body: Buffer.from(key) }], { partitionKey: key });
    const buffered = new EventHubBufferedProducerClient(server.connectionString, hubName, {
      onSendEventsErrorHandler: () => {},
    });
    for (const key of keys) await buffered.enqueueEvent({ body: Buffer.from(key) }, { partitionKey: key });
    await buffered.close({ flush: true });
    for (const partition of [0, 1]) {
      const mine = keys.filter((key) => partitionOf(key, 2) === partition);
      await using reader = readPartition(server.connectionString, { partition, startPosition: earliestEventPosition });
      const events = await reader.atLeast(2 * mine.length);
      expect(events.map(textOf).toSorted()).toEqual([...mine, ...mine].toSorted());
      // The buffered producer chooses the partition itself and does not send the key.
      expect(events.filter((event) => event.partitionKey !== undefined).map((event) => event.partitionKey)).toEqual(
        mine,
      );
    }
  });

  test("publishes without a key go to the partitions in turn", async () => {
    await using producer = producerOf(server.connectionString);
    for (let k = 0; k < 4; k++) await producer.sendBatch([{ body: k }]);
    for (const id of ["0", "1"]) expect((await producer.getPartitionProperties(id)).lastEnqueuedSequenceNumber).toBe(1);
  });

  test("a plain AMQP message, without the SDK's batch format, is an event too", async () => {
    const connection = rhea.create_container().connect({ host: "127.0.0.1", port: server.port, reconnect: false });
    const sender = connection.open_sender(`${hubName}/Partitions/0`);
    await new Promise<void>((resolve) => {
      sender.once("sendable", () =>
        sender.send({ body: rhea.message.data_section(Buffer.from("plain")), application_properties: { a: "b" } }),
      );
      sender.once("accepted", () => resolve());
    });
    connection.close();
    await using reader = readPartition(server.connectionString, { startPosition: earliestEventPosition });
    const [event] = await reader.atLeast(1);
    expect(textOf(event!)).toBe("plain");
    expect(event!.properties).toEqual({ a: "b" });
  });

  test("a live reader gets what is sent later, and a reader far behind gets everything in order", async () => {
    await using producer = producerOf(server.connectionString);
    await using live = readPartition(server.connectionString, {
      group: "dyne-trigger",
      startPosition: earliestEventPosition,
    });
    const count = 12_000;
    for (let k = 0; k < count; k += 1_000)
      await sendTexts(
        producer,
        0,
        Array.from({ length: 1_000 }, (_, i) => `${k + i}-${"x".repeat(500)}`),
      );
    await using behind = readPartition(server.connectionString, { startPosition: earliestEventPosition });
    for (const reader of [live, behind]) {
      const events = await reader.atLeast(count);
      expect(events.map((event) => event.sequenceNumber)).toEqual(Array.from({ length: count }, (_, k) => k));
      expect(events.every((event, k) => textOf(event).startsWith(`${k}-`))).toBe(true);
    }
  });

  test("a reader that asks for it is told about the partition's end", async () => {
    await using producer = producerOf(server.connectionString);
    await sendTexts(producer, 0, ["a", "b", "c"]);
    const seen = Promise.withResolvers<number | undefined>();
    const { EventHubConsumerClient } = await import("@azure/event-hubs");
    const client = new EventHubConsumerClient("dyne-read", server.connectionString, hubName);
    const handlers = {
      processEvents: async (
        _: unknown,
        context: { lastEnqueuedEventProperties?: { sequenceNumber?: number } | undefined },
      ) => seen.resolve(context.lastEnqueuedEventProperties?.sequenceNumber),
      processError: async (error: Error) => seen.reject(error),
    };
    client.subscribe("0", handlers, { startPosition: earliestEventPosition, trackLastEnqueuedEventProperties: true });
    expect(await seen.promise).toBe(2);
    await client.close();
  });
});

describe("start positions", () => {
  test("by sequence number, offset and time begin exactly there", async () => {
    await using producer = producerOf(server.connectionString);
    for (const text of ["a", "b", "c", "d"]) {
      clock.advance(10_000);
      await sendTexts(producer, 0, [text]);
    }
    await using all = readPartition(server.connectionString, { startPosition: earliestEventPosition });
    const events = await all.atLeast(4);
    const { sequenceNumber, offset, enqueuedTimeUtc } = events[1]!;
    const cases = [
      { startPosition: { sequenceNumber }, expected: "cd" },
      { startPosition: { sequenceNumber, isInclusive: true }, expected: "bcd" },
      { startPosition: { offset }, expected: "cd" },
      { startPosition: { offset, isInclusive: true }, expected: "bcd" },
      { startPosition: { enqueuedOn: enqueuedTimeUtc }, expected: "cd" },
    ];
    for (const { startPosition, expected } of cases) {
      await using reader = readPartition(server.connectionString, { group: "$Default", startPosition });
      expect((await reader.atLeast(expected.length)).map(textOf).join("")).toBe(expected);
    }
  });

  test("the latest position skips what was there before", async () => {
    await using producer = producerOf(server.connectionString);
    await sendTexts(producer, 0, ["old"]);
    await using reader = readPartition(server.connectionString, { startPosition: latestEventPosition });
    const arrived = reader.atLeast(1);
    // The reader has attached once an event reaches it, so events are sent until one does.
    let done = false;
    void arrived.then(() => (done = true));
    while (!done) await sendTexts(producer, 0, ["new"]);
    expect((await arrived).map(textOf)).not.toContain("old");
  });
});

describe("epochs", () => {
  test("a reader with an equal or higher epoch takes over, and a lower or none is refused", async () => {
    await using producer = producerOf(server.connectionString);
    await sendTexts(producer, 0, ["a"]);
    const from = { group: "dyne-trigger", startPosition: earliestEventPosition };
    await using first = readPartition(server.connectionString, { ...from, ownerLevel: 5 });
    await first.atLeast(1);
    await using lower = readPartition(server.connectionString, { ...from, ownerLevel: 4 });
    expect(await lower.failed()).toMatchObject({ code: "ReceiverDisconnectedError" });
    await using without = readPartition(server.connectionString, from);
    expect(await without.failed()).toMatchObject({ code: "ReceiverDisconnectedError" });
    await using second = readPartition(server.connectionString, { ...from, ownerLevel: 6 });
    await second.atLeast(1);
    expect(await first.failed()).toMatchObject({ code: "ReceiverDisconnectedError" });
  });

  test("readers of another group and of another partition are left alone", async () => {
    await using producer = producerOf(server.connectionString);
    await using trigger = readPartition(server.connectionString, {
      group: "dyne-trigger",
      startPosition: earliestEventPosition,
      ownerLevel: 1,
    });
    await using shared = readPartition(server.connectionString, { startPosition: earliestEventPosition });
    await using other = readPartition(server.connectionString, {
      group: "dyne-trigger",
      partition: 1,
      startPosition: earliestEventPosition,
      ownerLevel: 0,
    });
    await sendTexts(producer, 0, ["a"]);
    await sendTexts(producer, 1, ["a"]);
    await Promise.all([trigger.atLeast(1), shared.atLeast(1), other.atLeast(1)]);
    expect([...trigger.errors, ...shared.errors, ...other.errors]).toEqual([]);
  });

  test("a reader that has gone leaves its place to one without an epoch", async () => {
    await using producer = producerOf(server.connectionString);
    await sendTexts(producer, 0, ["a"]);
    {
      await using owner = readPartition(server.connectionString, {
        startPosition: earliestEventPosition,
        ownerLevel: 9,
      });
      await owner.atLeast(1);
    }
    await using next = readPartition(server.connectionString, { startPosition: earliestEventPosition });
    await next.atLeast(1);
    expect(next.errors).toEqual([]);
  });
});

describe("what is refused", () => {
  test("a message over 1 MiB, while one of a million bytes is taken", async () => {
    await using producer = producerOf(server.connectionString);
    await expect(producer.sendBatch([{ body: Buffer.alloc(1024 * 1024) }], { partitionId: "0" })).rejects.toMatchObject(
      { code: "MessageTooLargeError" },
    );
    expect((await producer.createBatch()).maxSizeInBytes).toBe(1024 * 1024);
    await producer.sendBatch([{ body: Buffer.alloc(1_000_000, "x") }], { partitionId: "0" });
    await using reader = readPartition(server.connectionString, { startPosition: earliestEventPosition });
    expect((await reader.atLeast(1)).map((event) => (event.body as Uint8Array).length)).toEqual([1_000_000]);
  });

  test.each([
    ["an unknown hub", "nothing", "0", "dyne-read"],
    ["an unknown partition", hubName, "7", "dyne-read"],
  ])("%s", async (_, hub, partition) => {
    await using producer = producerOf(server.connectionString, hub);
    await expect(producer.sendBatch([{ body: "a" }], { partitionId: partition })).rejects.toMatchObject({
      code: "MessagingEntityNotFoundError",
    });
    await expect(producer.getPartitionProperties(partition)).rejects.toMatchObject({
      code: "MessagingEntityNotFoundError",
    });
  });

  test("a consumer group that was not declared", async () => {
    await using reader = readPartition(server.connectionString, {
      group: "strangers",
      startPosition: earliestEventPosition,
    });
    expect(await reader.failed()).toMatchObject({ code: "MessagingEntityNotFoundError" });
  });

  test("a hub with an impossible name or number of partitions", async () => {
    for (const hubs of [
      { "../up": settings },
      { none: { ...settings, partitions: 0 } },
      { [hubName]: { ...settings, partitions: 1 } },
    ]) {
      await expect(startEventHubs({ directory, hubs, clock, logger: silentLogger })).rejects.toMatchObject({
        code: "INVALID_SETTING",
      });
    }
  });

  test("a publish that fault injection rejects, which then is not in the log", async () => {
    await using producer = producerOf(server.connectionString);
    fault = { kind: "reject", condition: "com.microsoft:server-busy" };
    await expect(sendTexts(producer, 0, ["a"])).rejects.toMatchObject({ code: "ServerBusyError" });
    expect(await producer.getPartitionProperties("0")).toMatchObject({
      isEmpty: true,
      lastEnqueuedSequenceNumber: -1,
      beginningSequenceNumber: 0,
    });
  });
});

describe("broken connections and restarts", () => {
  test("an answer can be lost with the event written or not, and the partition's properties tell which", async () => {
    for (const [kind, last] of [
      ["drop", -1],
      ["drop-after-write", 0],
    ] as const) {
      fault = { kind };
      await using producer = producerOf(server.connectionString);
      await expect(sendTexts(producer, 0, ["a"])).rejects.toMatchObject({ code: "OperationTimeoutError" });
      fault = undefined;
      expect((await producer.getPartitionProperties("0")).lastEnqueuedSequenceNumber).toBe(last);
    }
  });

  test("a reader goes on after its connection was dropped, without a gap or a repetition", async () => {
    await using producer = producerOf(server.connectionString);
    await using reader = readPartition(server.connectionString, { startPosition: earliestEventPosition });
    await sendTexts(producer, 0, ["a"]);
    await reader.atLeast(1);
    server.dropConnections();
    await using again = producerOf(server.connectionString);
    await sendTexts(again, 0, ["b"]);
    expect((await reader.atLeast(2)).map(textOf)).toEqual(["a", "b"]);
  });

  test("events, sequence numbers and the hub's creation time are there after a restart", async () => {
    {
      await using producer = producerOf(server.connectionString);
      await sendTexts(producer, 0, ["a", "b"]);
    }
    await server[Symbol.asyncDispose]();
    clock.advance(60_000);
    await start();
    await using producer = producerOf(server.connectionString);
    expect(await producer.getEventHubProperties()).toMatchObject({
      name: hubName,
      createdOn: new Date(createdAtMs),
      partitionIds: ["0", "1"],
    });
    expect(await producer.getPartitionProperties("0")).toMatchObject({
      lastEnqueuedSequenceNumber: 1,
      lastEnqueuedOnUtc: new Date(createdAtMs),
      isEmpty: false,
    });
    await sendTexts(producer, 0, ["c"]);
    await using reader = readPartition(server.connectionString, { startPosition: earliestEventPosition });
    expect((await reader.atLeast(3)).map((event) => [event.sequenceNumber, textOf(event)])).toEqual([
      [0, "a"],
      [1, "b"],
      [2, "c"],
    ]);
  });

  test("a hub whose folder was deleted is a new hub with a new creation time", async () => {
    await server[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
    clock.advance(1_000);
    await start();
    await using producer = producerOf(server.connectionString);
    expect((await producer.getEventHubProperties()).createdOn).toEqual(new Date(createdAtMs + 1_000));
  });

  test("what has expired is gone, and the partition's properties say where it begins", async () => {
    await server[Symbol.asyncDispose]();
    await start({ hubs: { [hubName]: { ...settings, retentionMs: 60_000 } } });
    await using producer = producerOf(server.connectionString);
    await sendTexts(producer, 0, ["a", "b"]);
    clock.advance(120_000);
    expect(await producer.getPartitionProperties("0")).toMatchObject({
      beginningSequenceNumber: 2,
      lastEnqueuedSequenceNumber: 1,
      isEmpty: true,
    });
    await sendTexts(producer, 0, ["c"]);
    await using reader = readPartition(server.connectionString, { startPosition: earliestEventPosition });
    expect((await reader.atLeast(1)).map((event) => [event.sequenceNumber, textOf(event)])).toEqual([[2, "c"]]);
  });
});

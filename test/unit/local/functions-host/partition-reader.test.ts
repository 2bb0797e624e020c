import type {
  EventHubConsumerClient,
  EventPosition,
  ReceivedEventData,
  SubscribeOptions,
  SubscriptionEventHandlers,
} from "@azure/event-hubs";
import { expect, test } from "vitest";

import { PartitionReader } from "../../../../local/functions-host/partition-reader.ts";
import { ManualClock, silentLogger } from "../../../../shared/core/index.ts";

interface Opened {
  readonly handlers: SubscriptionEventHandlers;
  readonly start: EventPosition;
  closed: boolean;
}

/** A client whose links are fed by the test. */
class ScriptedClient {
  readonly links: Opened[] = [];

  readonly subscribe = ((_: string, handlers: SubscriptionEventHandlers, options: SubscribeOptions) => {
    const link: Opened = { handlers, start: options.startPosition as EventPosition, closed: false };
    this.links.push(link);
    return { isRunning: !link.closed, close: async () => void (link.closed = true) };
  }) as EventHubConsumerClient["subscribe"];

  get link(): Opened {
    return this.links.at(-1) ?? expect.fail("no link was opened");
  }

  /** Hands over events as the SDK does; resolves when the reader wants more. */
  feed(from: number, to: number): Promise<void> {
    const events = Array.from({ length: to - from }, (_, i) => ({ sequenceNumber: from + i }) as ReceivedEventData);
    return this.link.handlers.processEvents(events, {} as never);
  }
}

function open(maxEventBatchSize: number) {
  const client = new ScriptedClient();
  const clock = new ManualClock();
  const reader = new PartitionReader({
    client,
    partitionId: "0",
    start: { offset: "-1" },
    settings: { maxEventBatchSize, minEventBatchSize: 1, maxWaitTime: 1_000 },
    clock,
    logger: silentLogger,
    signal: new AbortController().signal,
  });
  const next = async () => (await reader.next()).map(({ sequenceNumber }) => sequenceNumber);
  return { client, clock, reader, next };
}

/** Lets everything that is ready to run, run. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a reader whose consumer is behind asks for no more, without closing a link that has little credit", async () => {
  const { client, reader, next } = open(2);
  await using _ = reader;
  const first = next();
  await settled();
  await client.feed(0, 2);
  expect(await first).toEqual([0, 1]);
  await client.feed(2, 4);
  let asked = false;
  void client.feed(4, 6).then(() => (asked = true));
  await settled();
  expect([asked, client.link.closed]).toEqual([false, false]);
  expect(await next()).toEqual([2, 3]);
  await settled();
  expect(asked).toBe(true);
});

test("after many small reads a burst closes the link, what it still brings is dropped, and another goes on after the last event kept", async () => {
  const { client, reader, next } = open(2);
  await using _ = reader;
  for (let n = 0; n < 20; n++) {
    const batch = next();
    await settled();
    await client.feed(n, n + 1);
    expect(await batch).toEqual([n]);
  }
  await client.feed(20, 22);
  await client.feed(22, 24);
  const burst = client.link;
  expect(burst.closed).toBe(true);
  await client.feed(24, 26);
  expect([await next(), await next()]).toEqual([
    [20, 21],
    [22, 23],
  ]);
  const batch = next();
  await settled();
  expect(client.link).not.toBe(burst);
  expect(client.link.start).toEqual({ sequenceNumber: 23, isInclusive: false });
  await client.feed(24, 26);
  expect(await batch).toEqual([24, 25]);
});

test("a link that the SDK gave up is opened again after a pause, at the last event kept", async () => {
  const { client, clock, reader, next } = open(2);
  await using _ = reader;
  const first = next();
  await settled();
  await client.feed(0, 1);
  await first;
  const second = next();
  await client.link.handlers.processClose?.("OwnershipLost" as never, {} as never);
  await settled();
  expect(client.links).toHaveLength(1);
  clock.advance(1_000);
  await settled();
  expect(client.link.start).toEqual({ sequenceNumber: 0, isInclusive: false });
  await client.feed(1, 2);
  expect(await second).toEqual([1]);
});

test("a reader that is disposed of gives an empty batch to whoever waits", async () => {
  const { reader, next } = open(2);
  const waiting = next();
  await reader[Symbol.asyncDispose]();
  expect(await waiting).toEqual([]);
});

import { QueueServiceClient, type QueueClient } from "@azure/storage-queue";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";

import { startFunctionsHost, type FunctionsHost } from "../../../../local/functions-host/index.ts";
import { seededRandom, silentLogger, systemClock } from "../../../../shared/core/index.ts";
import { temporaryAzurite } from "../azurite/temporary-azurite.ts";
import { Calls, registerFixtureApp, type FixtureHandlers } from "./fixture-app.ts";

vi.setConfig({ testTimeout: 20_000 });

let storage: Awaited<ReturnType<typeof temporaryAzurite>>;
let queue: QueueClient;
let poison: QueueClient;
let runs = 0;

beforeAll(async () => {
  storage = await temporaryAzurite();
});

beforeEach(async () => {
  const queues = QueueServiceClient.fromConnectionString(storage.azurite.connectionStrings.host);
  queue = queues.getQueueClient(`work-${++runs}`);
  poison = queues.getQueueClient(`work-${runs}-poison`);
});

afterAll(async () => {
  await storage[Symbol.asyncDispose]();
});

function start(handlers: FixtureHandlers, calls: Calls, queues: object = {}): Promise<FunctionsHost> {
  return startFunctionsHost({
    hostJson: { version: "2.0", extensions: { queues: { maxPollingInterval: "00:00:00.2", ...queues } } },
    settings: { NOTICES: storage.azurite.connectionStrings.host, QUEUE: queue.name },
    load: async () => registerFixtureApp(handlers, calls),
    clock: systemClock,
    random: seededRandom(1),
    logger: silentLogger,
  });
}

async function send(...texts: string[]): Promise<void> {
  await queue.createIfNotExists();
  for (const text of texts) await queue.sendMessage(Buffer.from(text).toString("base64"));
}

async function count(of: QueueClient): Promise<number> {
  return (await of.getProperties()).approximateMessagesCount ?? 0;
}

test("messages sent before and after the queue is first polled are handled once each and removed", async () => {
  const calls = new Calls();
  await using _ = await start({ queue: () => {} }, calls);
  await send('{"n":1}', "plain text");
  await calls.until((all) => all.length === 2);
  await send('{"n":3}');
  await calls.until((all) => all.length === 3);
  await vi.waitFor(async () => expect(await count(queue)).toBe(0));
  expect(calls.all.map(({ input }) => input)).toEqual(expect.arrayContaining([{ n: 1 }, "plain text", { n: 3 }]));
  expect(calls.all[0]?.context.triggerMetadata).toMatchObject({
    queueTrigger: expect.anything(),
    dequeueCount: 1,
    id: expect.any(String),
    popReceipt: expect.any(String),
    insertionTime: expect.stringMatching(/^\d{4}-.*\+00:00$/),
    expirationTime: expect.any(String),
    nextVisibleTime: expect.any(String),
  });
});

test("a message whose function fails comes again after the visibility time-out, then goes to the poison queue as it was", async () => {
  const calls = new Calls();
  const fail = () => Promise.reject(new Error("no"));
  await using _ = await start({ queue: fail }, calls, { visibilityTimeout: "00:00:01", maxDequeueCount: 2 });
  const sentAtMs = systemClock.nowMs();
  await send('{"n":1}');
  await vi.waitFor(async () => expect(await count(poison)).toBe(1), { timeout: 10_000 });
  expect(systemClock.nowMs() - sentAtMs).toBeGreaterThanOrEqual(1_000);
  expect(calls.all.map(({ context }) => context.triggerMetadata?.["dequeueCount"])).toEqual([1, 2]);
  const [message] = (await poison.receiveMessages()).receivedMessageItems;
  expect(Buffer.from(message?.messageText ?? "", "base64").toString()).toBe('{"n":1}');
  expect(await count(queue)).toBe(0);
});

test("a message that is not base64 goes to the poison queue and no function sees it", async () => {
  const calls = new Calls();
  await queue.createIfNotExists();
  await queue.sendMessage('{"not":"base64"}');
  await using _ = await start({ queue: () => {} }, calls);
  await vi.waitFor(async () => expect(await count(poison)).toBe(1), { timeout: 10_000 });
  expect(calls.all).toHaveLength(0);
});

test("no more than a batch runs at once, and a stop waits for what runs and leaves the rest", async () => {
  const calls = new Calls();
  const release = Promise.withResolvers<void>();
  await send("a", "b", "c", "d", "e", "f");
  const host = await start({ queue: () => release.promise }, calls, { batchSize: 2, newBatchThreshold: 0 });
  await calls.until((all) => all.length === 2);
  const stopped = host[Symbol.asyncDispose]();
  release.resolve();
  await stopped;
  expect(calls.all).toHaveLength(2);
  expect(await count(queue)).toBe(4);
});

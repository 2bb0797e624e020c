import { EventHubProducerClient } from "@azure/event-hubs";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";

import { startEventHubs, type EventHubsServer } from "../../../../local/event-hubs/index.ts";
import { startFunctionsHost, type FunctionsHost } from "../../../../local/functions-host/index.ts";
import { seededRandom, silentLogger, systemClock } from "../../../../shared/core/index.ts";
import { temporaryAzurite, temporaryDirectory } from "../azurite/temporary-azurite.ts";
import { Calls, registerFixtureApp, type Call, type FixtureHandlers } from "./fixture-app.ts";

vi.setConfig({ testTimeout: 30_000 });

let storage: Awaited<ReturnType<typeof temporaryAzurite>>;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let hubs: EventHubsServer;
let producer: EventHubProducerClient;

beforeAll(async () => {
  storage = await temporaryAzurite();
});

afterAll(async () => {
  await storage[Symbol.asyncDispose]();
});

beforeEach(async () => {
  directory = await temporaryDirectory();
  hubs = await startHubs();
  producer = new EventHubProducerClient(hubs.connectionString, "events");
  const { BlobServiceClient } = await import("@azure/storage-blob");
  const host = BlobServiceClient.fromConnectionString(storage.azurite.connectionStrings.host);
  const checkpoints = host.getContainerClient("azure-webjobs-eventhub");
  await checkpoints.createIfNotExists();
  for await (const { name } of checkpoints.listBlobsFlat()) await checkpoints.deleteBlob(name);
  return async () => {
    await producer.close();
    await hubs[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  };
});

function startHubs(port?: number): Promise<EventHubsServer> {
  const events = { partitions: 2, consumerGroups: ["dyne-trigger", "dyne-read"] };
  return startEventHubs({
    directory: directory.path,
    hubs: { events },
    port,
    clock: systemClock,
    logger: silentLogger,
  });
}

function start(handlers: FixtureHandlers, calls: Calls, eventHubs: object = {}): Promise<FunctionsHost> {
  return startFunctionsHost({
    hostJson: { version: "2.0", extensions: { eventHubs: { maxEventBatchSize: 10, ...eventHubs } } },
    settings: { EVENTS: hubs.connectionString, AzureWebJobsStorage: storage.azurite.connectionStrings.host },
    load: async () => registerFixtureApp(handlers, calls),
    clock: systemClock,
    random: seededRandom(1),
    logger: silentLogger,
  });
}

async function send(partitionId: string, bodies: readonly (string | Uint8Array)[]): Promise<void> {
  await producer.sendBatch(
    bodies.map((body) => ({ body: Buffer.from(body) })),
    { partitionId },
  );
}

function partitionOf({ context }: Pick<Call, "context">): string {
  const { partitionContext } = context.triggerMetadata as { partitionContext: { partitionId: string } };
  return partitionContext.partitionId;
}

/** The bodies that a partition's calls brought, in order. */
function bodies(calls: readonly Call[], partitionId: string): string[] {
  return calls
    .filter((call) => partitionOf(call) === partitionId)
    .flatMap(({ input }) => (input as Buffer[]).map(String));
}

const numbered = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => String(from + i));

test("every event arrives once and in order, in batches of one partition that never overlap", async () => {
  const calls = new Calls();
  const running = new Map<string, number>();
  let overlapped = false;
  const hub: NonNullable<FixtureHandlers["hub"]> = async (_, context) => {
    const partitionId = partitionOf({ context });
    overlapped ||= (running.get(partitionId) ?? 0) > 0;
    running.set(partitionId, (running.get(partitionId) ?? 0) + 1);
    await systemClock.sleep(2);
    running.set(partitionId, (running.get(partitionId) ?? 0) - 1);
  };
  await using _ = await start({ hub }, calls);
  for (let from = 0; from < 100; from += 25)
    await Promise.all(["0", "1"].map((partitionId) => send(partitionId, numbered(from, from + 25))));
  await calls.until((all) => bodies(all, "0").length >= 100 && bodies(all, "1").length >= 100);
  expect(bodies(calls.all, "0")).toEqual(numbered(0, 100));
  expect(bodies(calls.all, "1")).toEqual(numbered(0, 100));
  expect(Math.max(...calls.all.map(({ input }) => (input as unknown[]).length))).toBeLessThanOrEqual(10);
  expect(overlapped).toBe(false);
});

test("a body is not touched: JSON, invalid UTF-8 and an empty body arrive byte for byte", async () => {
  const calls = new Calls();
  const sent = [Buffer.from('{ "a" : 1.0 }'), Buffer.from([0xff, 0xfe, 0x00, 0x80]), Buffer.alloc(0)];
  await send("0", sent);
  await using _ = await start({ hub: () => {} }, calls);
  await calls.until((all) => bodies(all, "0").length === 3);
  expect(calls.all.flatMap(({ input }) => input as Buffer[])).toEqual(sent);
});

test("the checkpoint moves even when the function fails, and a host that starts again goes on from there", async () => {
  const first = new Calls();
  await send("0", ["a", "b"]);
  {
    await using _ = await start({ hub: () => Promise.reject(new Error("no")) }, first);
    await first.until((all) => bodies(all, "0").length === 2);
  }
  await send("0", ["c"]);
  const second = new Calls();
  await using _ = await start({ hub: () => {} }, second);
  await second.until((all) => bodies(all, "0").length > 0);
  expect(bodies(first.all, "0")).toEqual(["a", "b"]);
  expect(bodies(second.all, "0")).toEqual(["c"]);
});

test("a function waits for a minimum of events, but not longer than the maximum wait", async () => {
  const calls = new Calls();
  await using _ = await start({ hub: () => {} }, calls, { minEventBatchSize: 5, maxWaitTime: "00:00:01" });
  await send("0", ["a", "b"]);
  await calls.until((all) => all.length === 1);
  await send("0", ["c", "d", "e"]);
  await send("0", ["f", "g", "h"]);
  await calls.until((all) => bodies(all, "0").length === 8);
  expect(calls.all.map(({ input }) => (input as unknown[]).length)).toEqual([2, 6]);
});

test("a slow function after many small batches holds a bounded number of events, and still sees all", async () => {
  const calls = new Calls();
  const blocked = Promise.withResolvers<void>();
  let block = false;
  await using _ = await start({ hub: () => (block ? blocked.promise : undefined) }, calls, { maxEventBatchSize: 5 });
  for (let n = 0; n < 30; n++) {
    await send("0", [String(n)]);
    await calls.until((all) => bodies(all, "0").length === n + 1);
  }
  block = true;
  for (let from = 30; from < 330; from += 100) await send("0", numbered(from, from + 100));
  await calls.until((all) => bodies(all, "0").length > 30);
  blocked.resolve();
  await calls.until((all) => bodies(all, "0").length >= 330);
  expect(bodies(calls.all, "0")).toEqual(numbered(0, 330));
});

test("after the hub's server was away the trigger goes on", async () => {
  const calls = new Calls();
  await using _ = await start({ hub: () => {} }, calls);
  await send("0", ["a"]);
  await calls.until((all) => bodies(all, "0").length === 1);
  const { port } = hubs;
  await producer.close();
  await hubs[Symbol.asyncDispose]();
  hubs = await startHubs(port);
  producer = new EventHubProducerClient(hubs.connectionString, "events");
  await send("0", ["b"]);
  await calls.until((all) => bodies(all, "0").includes("b"));
  expect(bodies(calls.all, "0")).toEqual(["a", "b"]);
});

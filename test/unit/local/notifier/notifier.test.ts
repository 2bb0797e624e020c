import { Readable } from "node:stream";

import { BlobServiceClient, type ContainerClient } from "@azure/storage-blob";
import { QueueServiceClient, type QueueClient } from "@azure/storage-queue";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";

import type { EventGridEvent } from "../../../../local/notifier/index.ts";
import { startNotifier, type NoticeHabits, type Notifier } from "../../../../local/notifier/index.ts";
import { seededRandom, silentLogger, systemClock } from "../../../../shared/core/index.ts";
import { temporaryAzurite } from "../azurite/temporary-azurite.ts";

vi.setConfig({ testTimeout: 20_000 });

const never: NoticeHabits = { duplicates: 0, renames: 0, emptyFiles: 0, unknownPaths: 0 };

let storage: Awaited<ReturnType<typeof temporaryAzurite>>;
let queue: QueueClient;
let container: (name: string) => ContainerClient;

beforeAll(async () => {
  storage = await temporaryAzurite();
  const { connectionStrings } = storage.azurite;
  queue = QueueServiceClient.fromConnectionString(connectionStrings.host).getQueueClient("notices");
  container = (name) => BlobServiceClient.fromConnectionString(connectionStrings.lake).getContainerClient(name);
});

beforeEach(async () => {
  await queue.clearMessages();
});

afterAll(async () => {
  await storage[Symbol.asyncDispose]();
});

function notifier(habits: NoticeHabits): Notifier {
  return startNotifier({
    azurite: storage.azurite,
    clock: systemClock,
    random: seededRandom(3),
    logger: silentLogger,
    habits,
  });
}

/** Takes all messages that are visible. */
async function received(): Promise<EventGridEvent[]> {
  const events: EventGridEvent[] = [];
  for (;;) {
    const { receivedMessageItems } = await queue.receiveMessages({ numberOfMessages: 32 });
    if (receivedMessageItems.length === 0) return events;
    events.push(
      ...receivedMessageItems.map(
        ({ messageText }) => JSON.parse(Buffer.from(messageText, "base64").toString()) as EventGridEvent,
      ),
    );
  }
}

async function announced(running: Notifier, creations: number): Promise<EventGridEvent[]> {
  await vi.waitFor(() => expect(running.counts.creations).toBe(creations), { timeout: 10_000 });
  await running.idle();
  return received();
}

test("every way to write a blob is announced, with its length", async () => {
  await using running = notifier(never);
  const landing = container("landing");
  await landing.getBlockBlobClient("put.json").upload("12345", 5);
  await landing.getBlockBlobClient("stream.json").uploadStream(Readable.from([Buffer.alloc(3_000_000)]), 1_000_000);
  const blocks = landing.getBlockBlobClient("blocks ü.json");
  await blocks.stageBlock("MQ==", "abc", 3);
  await blocks.commitBlockList(["MQ=="]);
  await landing.getBlockBlobClient("data.json").uploadData(Buffer.alloc(7));
  await (await landing.getBlockBlobClient("copy.json").beginCopyFromURL(blocks.url)).pollUntilDone();

  const events = await announced(running, 5);
  const seen = events.map(({ subject, data }) => [subject.split("/blobs/")[1], data["api"], data["contentLength"]]);
  expect(seen.sort((a, b) => String(a).localeCompare(String(b)))).toEqual([
    ["blocks ü.json", "PutBlockList", 3],
    ["copy.json", "CopyBlob", 3],
    ["data.json", "PutBlob", 7],
    ["put.json", "PutBlob", 5],
    ["stream.json", "PutBlockList", 3_000_000],
  ]);
  expect(new Set(events.map(({ id }) => id)).size).toBe(5);
});

test("commits are announced by their writer's request id; data files, checkpoints and refused writes are not", async () => {
  await using running = notifier(never);
  const lake = container("lake");
  const commit = lake.getBlockBlobClient("silver/events/_delta_log/00000000000000000000.json");
  await lake.getBlockBlobClient("silver/events/part-0.parquet").upload("x", 1);
  const { clientRequestId } = await commit.upload("{}", 2, { conditions: { ifNoneMatch: "*" } });
  await expect(commit.upload("{}", 2, { conditions: { ifNoneMatch: "*" } })).rejects.toMatchObject({ statusCode: 409 });
  await lake.getBlockBlobClient("silver/events/_delta_log/00000000000000000000.checkpoint.parquet").upload("x", 1);
  await lake.getBlockBlobClient("end/_delta_log/00000000000000000000.json").upload("{}", 2);

  const events = await announced(running, 2);
  const own = events.find(({ subject }) => subject.includes("silver"));
  expect(own?.data).toMatchObject({ clientRequestId, api: "PutBlob" });
  expect(events).toHaveLength(2);
});

test("with every habit at its strongest a consumer sees renames, repetitions, empty files and unknown paths", async () => {
  await using running = notifier({ duplicates: 1, renames: 1, emptyFiles: 1, unknownPaths: 1 });
  await container("lake").getBlockBlobClient("gold/a/_delta_log/00000000000000000001.json").upload("{}", 2);
  await announced(running, 1);
  expect(running.counts).toEqual({ creations: 1, messages: 4, dropped: 0 });
});

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startEventHubs } from "../../../../local/event-hubs/index.ts";
import type { EventHubsServer } from "../../../../local/event-hubs/index.ts";
import { ManualClock, silentLogger } from "../../../../shared/core/index.ts";
import { hubName, producerOf, sendTexts } from "./hub-client.ts";
import { plainClient } from "./plain-client.ts";

let directory: string;
let server: EventHubsServer;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "dyne-hubs-"));
  server = await startEventHubs({
    directory,
    hubs: { [hubName]: { partitions: 2, consumerGroups: ["dyne-trigger", "dyne-read"] } },
    clock: new ManualClock(Date.UTC(2026, 0, 1)),
    logger: silentLogger,
  });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

/** More than the deliveries that a session holds, so that some always wait for the client's window. */
const flood = 6_000;

async function fill(partition: number, events: number, bytes = 100): Promise<void> {
  await using producer = producerOf(server.connectionString);
  const perBatch = Math.min(events, Math.floor(800_000 / (bytes + 50)));
  const text = "x".repeat(bytes);
  for (let sent = 0; sent < events; sent += perBatch)
    await sendTexts(producer, partition, Array<string>(Math.min(perBatch, events - sent)).fill(text));
}

const fromZero = (count: number): number[] => Array.from({ length: count }, (_, k) => k);

test("a connection whose reader detaches in the middle of a flood, fifty times, still answers", async () => {
  await fill(0, flood);
  using client = plainClient(server.port);
  for (let round = 0; round < 50; round++) {
    const reader = client.read({ credit: 100_000 });
    await reader.atLeast(1 + (round % 4) * 300);
    reader.link.close();
    expect(await client.lastSequenceNumber()).toBe(flood - 1);
  }
}, 30_000);

test("readers of one session lose nothing when another of them detaches", async () => {
  await fill(0, flood);
  await fill(1, flood);
  using client = plainClient(server.port);
  for (let round = 0; round < 4; round++) {
    const staying = client.read({ partition: 1, credit: flood });
    const going = client.read({ partition: 0, credit: flood });
    await going.atLeast(1_000 * round + 1);
    going.link.close();
    await staying.atLeast(flood);
    expect(staying.sequenceNumbers).toEqual(fromZero(flood));
    staying.link.close();
  }
  expect(await client.lastSequenceNumber(1)).toBe(flood - 1);
}, 30_000);

test("a delivery that is on the wire in part ends with its link, and the session goes on", async () => {
  await fill(0, 40, 60_000);
  await fill(1, 500);
  // Each event is some fifteen frames, so that the window of 64 ends in the middle of the fifth.
  using client = plainClient(server.port, {
    max_frame_size: 4_096,
    session_buffer_size: { incoming: 64, outgoing: 64 },
  });
  for (let round = 0; round < 10; round++) {
    const large = client.read({ partition: 0, credit: 40 });
    await large.atLeast(1 + (round % 5));
    large.link.close();
    expect(await client.lastSequenceNumber()).toBe(39);
    const small = client.read({ partition: 1, credit: 500 });
    await small.atLeast(500);
    expect(small.sequenceNumbers).toEqual(fromZero(500));
    small.link.close();
  }
}, 30_000);

test("a reader that is thrown out in the middle of a flood keeps its connection", async () => {
  await fill(0, flood);
  using first = plainClient(server.port);
  using second = plainClient(server.port);
  for (let epoch = 1; epoch <= 5; epoch++) {
    const loser = first.read({ group: "dyne-trigger", credit: 100_000, epoch });
    await loser.atLeast(1);
    const thrownOut = once(loser.link, "receiver_error");
    const winner = second.read({ group: "dyne-trigger", credit: 100_000, epoch });
    await Promise.race([thrownOut, first.broken]);
    await winner.atLeast(flood);
    expect(winner.sequenceNumbers).toEqual(fromZero(flood));
    winner.link.close();
    expect(await first.lastSequenceNumber()).toBe(flood - 1);
  }
}, 30_000);

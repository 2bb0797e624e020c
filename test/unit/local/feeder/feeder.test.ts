import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { earliestEventPosition } from "@azure/event-hubs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startEventHubs } from "../../../../local/event-hubs/index.ts";
import type { EventHubsServer, PublishFault } from "../../../../local/event-hubs/index.ts";
import { runFeeder } from "../../../../local/feeder/index.ts";
import type { FeederOptions, PlannedEvent } from "../../../../local/feeder/index.ts";
import { seededRandom, silentLogger, systemClock } from "../../../../shared/core/index.ts";
import type { Clock } from "../../../../shared/core/index.ts";
import { hubName, producerOf, readPartition, sendTexts, textOf } from "../event-hubs/hub-client.ts";

const partitions = 2;
let directory: string;
let server: EventHubsServer;
let faults: () => PublishFault | undefined;

async function start(port?: number): Promise<void> {
  const hubs = { [hubName]: { partitions, consumerGroups: ["dyne-read"] } };
  server = await startEventHubs({
    directory,
    hubs,
    port,
    clock: systemClock,
    logger: silentLogger,
    onPublish: () => faults(),
  });
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "dyne-feeder-"));
  faults = () => undefined;
  await start();
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

/** Event k of partition p is the text `p:k`. */
function planned(events: number): FeederOptions["plan"] {
  return async function* (from) {
    for (let k = 0; k < events; k++) {
      const partition = k % partitions;
      const sequenceNumber = Math.floor(k / partitions);
      if (sequenceNumber < from[partition]!) continue;
      const text = `${partition}:${sequenceNumber}`;
      yield {
        partition,
        sequenceNumber,
        partitionKey: `key-${text}`,
        body: Buffer.from(text.padEnd(300)),
      } satisfies PlannedEvent;
    }
  };
}

function feed(options: Partial<FeederOptions> & { events: number }): ReturnType<typeof runFeeder> {
  const { events, ...rest } = options;
  return runFeeder({
    connectionString: server.connectionString,
    hub: hubName,
    partitions,
    plan: planned(events),
    rate: "max",
    clock: systemClock,
    logger: silentLogger,
    sendTimeoutMs: 1_200,
    ...rest,
  });
}

/** The hub holds exactly the plan: every event once, in order, under its key. */
async function expectPlan(events: number): Promise<void> {
  for (let partition = 0; partition < partitions; partition++) {
    const count = Math.ceil((events - partition) / partitions);
    await using reader = readPartition(server.connectionString, { partition, startPosition: earliestEventPosition });
    const received = await reader.atLeast(count);
    const expected = Array.from({ length: count }, (_, k) => `${partition}:${k}`);
    expect(received.map((event) => textOf(event).trim())).toEqual(expected);
    expect(received.map((event) => event.partitionKey)).toEqual(expected.map((text) => `key-${text}`));
  }
}

describe("a feeder", () => {
  test("sends the plan to its partitions, each event under its own key, and tells how far it is", async () => {
    const progress: number[] = [];
    const result = await feed({ events: 15_001, onProgress: ({ sent }) => progress.push(sent) });
    expect(result).toEqual({ sent: 15_001, next: [7_501, 7_500] });
    expect(progress.at(-1)).toBe(15_001);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    await expectPlan(15_001);
  });

  test("leaves exactly the plan when answers are lost after writing, before writing, or publishes are refused", async () => {
    const random = seededRandom(42);
    let injected = 0;
    faults = () => {
      if (injected === 6 || random.next() < 0.5) return undefined;
      const kinds = [
        { kind: "drop-after-write" },
        { kind: "drop" },
        { kind: "reject", condition: "com.microsoft:server-busy" },
      ] as const;
      return kinds[injected++ % 3];
    };
    const result = await feed({ events: 40_000 });
    expect(injected).toBe(6);
    expect(result.next).toEqual([20_000, 20_000]);
    await expectPlan(40_000);
  }, 30_000);

  test("goes on when the hub restarts in the middle", async () => {
    let restarting: Promise<void> | undefined;
    const restart = async () => {
      const { port } = server;
      await server[Symbol.asyncDispose]();
      await start(port);
    };
    await feed({ events: 40_000, onProgress: ({ sent }) => void (sent > 5_000 && (restarting ??= restart())) });
    await restarting;
    expect(restarting).toBeDefined();
    await expectPlan(40_000);
  }, 30_000);

  test("that is stopped can be started again, and nothing is sent twice", async () => {
    const stop = new AbortController();
    const first = await feed({
      events: 40_000,
      signal: stop.signal,
      onProgress: ({ sent }) => void (sent > 8_000 && stop.abort()),
    });
    expect(first.sent).toBeLessThan(40_000);
    const second = await feed({ events: 40_000 });
    expect(first.sent + second.sent).toBe(40_000);
    await expectPlan(40_000);
    expect((await feed({ events: 40_000 })).sent).toBe(0);
  });

  test("keeps to its rate by the clock that it is given", async () => {
    // Sleeping moves this clock, so that the run is quick and its length is still measured.
    let nowMs = 0;
    const clock: Clock = {
      nowMs: () => nowMs,
      sleep: async (ms) => {
        nowMs += ms;
        await new Promise((resolve) => setImmediate(resolve));
      },
    };
    let releasedMs = 0;
    const source = planned(5_000);
    const plan: FeederOptions["plan"] = async function* (from) {
      yield* source(from);
      releasedMs = nowMs;
    };
    await feed({ events: 5_000, rate: 1_000, clock, plan });
    expect(releasedMs).toBeGreaterThanOrEqual(5_000);
    expect(releasedMs).toBeLessThan(5_100);
    await expectPlan(5_000);
  });

  test("waits for a slow hub instead of keeping the plan in memory", async () => {
    let made = 0;
    let maximum = 0;
    let sent = 0;
    const source = planned(300_000);
    const stop = new AbortController();
    const plan: FeederOptions["plan"] = async function* (from) {
      for await (const event of source(from)) {
        maximum = Math.max(maximum, ++made - sent);
        yield event;
      }
    };
    const onProgress = (progress: { sent: number }) => {
      sent = progress.sent;
      if (sent > 60_000) stop.abort();
    };
    await feed({ events: 0, plan, onProgress, signal: stop.signal });
    expect(maximum).toBeLessThan(60_000);
  });
});

describe("a feeder gives up", () => {
  test("when somebody else sends to its hub", async () => {
    await using producer = producerOf(server.connectionString);
    const source = planned(2);
    const plan: FeederOptions["plan"] = async function* (from) {
      await sendTexts(producer, 0, ["foreign"]);
      yield* source(from);
    };
    await expect(feed({ events: 2, plan })).rejects.toMatchObject({ code: "HUB_CHANGED" });
  });

  test("when there is no such hub or partition", async () => {
    await expect(feed({ events: 2, hub: "nothing" })).rejects.toMatchObject({ code: "INVALID_SETTING" });
    await expect(feed({ events: 2, partitions: 3 })).rejects.toMatchObject({ code: "INVALID_SETTING" });
  });

  test("when an event does not fit into a message", async () => {
    const plan = async function* () {
      yield { partition: 0, sequenceNumber: 0, partitionKey: "k", body: Buffer.alloc(1_100_000) };
    };
    await expect(feed({ events: 1, plan })).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  });

  test("when the hub stays away", async () => {
    const { connectionString } = server;
    await server[Symbol.asyncDispose]();
    await expect(feed({ events: 2, connectionString, attemptsMax: 2 })).rejects.toMatchObject({
      code: "HUB_UNAVAILABLE",
      kind: "unavailable",
    });
    await start();
  });
});

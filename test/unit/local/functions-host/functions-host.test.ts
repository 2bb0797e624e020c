import { app, type InvocationContext, type Timer } from "@azure/functions";
import fc from "fast-check";
import { expect, test } from "vitest";

import type { ReceivedEventData } from "@azure/event-hubs";

import { isDyneError, ManualClock, seededRandom, silentLogger, type Logger } from "../../../../shared/core/index.ts";
import {
  jsonData,
  startFunctionsHost,
  type FunctionsHostOptions,
  type ListenerFactory,
} from "../../../../local/functions-host/index.ts";
import { eventHubData, eventHubMetadata } from "../../../../local/functions-host/event-hub-payload.ts";
import { Calls, registerFixtureApp, type Call, type FixtureHandlers } from "./fixture-app.ts";

const deaf: ListenerFactory = () => ({ start: async () => {}, stop: async () => {} });

function options(load: () => void, more: Partial<FunctionsHostOptions> = {}): FunctionsHostOptions {
  return {
    hostJson: { version: "2.0" },
    settings: { QUEUE: "notices" },
    load: async () => load(),
    clock: new ManualClock(Date.parse("2026-11-23T10:00:00Z")),
    random: seededRandom(7),
    logger: silentLogger,
    listeners: { eventHubTrigger: deaf, queueTrigger: deaf },
    ...more,
  };
}

function fixture(handlers: FixtureHandlers, more: Partial<FunctionsHostOptions> = {}) {
  const calls = new Calls();
  return { calls, options: options(() => registerFixtureApp(handlers, calls), more) };
}

test("an invocation runs the hooks around the handler in the worker's order, from start to termination", async () => {
  const steps: string[] = [];
  const host = await startFunctionsHost(
    options(() => {
      app.hook.appStart(() => void steps.push("start"));
      app.hook.preInvocation((context) => {
        steps.push(`before ${context.invocationContext.functionName}`);
        context.hookData["from"] = "before";
      });
      app.hook.postInvocation((context) => {
        steps.push(`after ${String(context.hookData["from"])} ${String(context.result)} ${String(context.error)}`);
      });
      app.hook.appTerminate(() => void steps.push("terminate"));
      app.timer("sweep", {
        schedule: "0 0 * * * *",
        handler: (timer: Timer) => {
          steps.push(`run ${timer.isPastDue}`);
          if (timer.isPastDue) throw new Error("late");
          return "swept";
        },
      });
    }),
  );
  expect(host.functions).toEqual(["sweep"]);
  expect(await host.invoke("sweep", jsonData({ IsPastDue: false }))).toEqual({ string: "swept" });
  await expect(host.invoke("sweep", jsonData({ IsPastDue: true }))).rejects.toThrow("late");
  await host[Symbol.asyncDispose]();
  await host[Symbol.asyncDispose]();
  expect(steps).toEqual([
    "start",
    "before sweep",
    "run false",
    "after before swept null",
    "before sweep",
    "run true",
    "after before null Error: late",
    "terminate",
  ]);
});

test("bodies of an event hub batch arrive byte for byte, and the positions in every form a worker may use", async () => {
  const { calls, options: settings } = fixture({ hub: () => {} });
  await using host = await startFunctionsHost(settings);
  const place = {
    fullyQualifiedNamespace: "127.0.0.1",
    eventHubName: "events",
    consumerGroup: "dyne-trigger",
    partitionId: "3",
  };
  const event = fc.record({
    body: fc.uint8Array(),
    sequenceNumber: fc.maxSafeNat(),
    offset: fc.nat().map(String),
    partitionKey: fc.constantFrom(null, "007", "key"),
    enqueuedTimeUtc: fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 5 }), fc.integer(), async (records, seed) => {
      const events = records as unknown as ReceivedEventData[];
      await host.invoke("hub-events", eventHubData(events), eventHubMetadata(place, events, seededRandom(seed)));
      const { input, context } = calls.all.at(-1) as Call;
      expect((input as Buffer[]).map((body) => [...body])).toEqual(records.map((record) => [...record.body]));
      const metadata = context.triggerMetadata as Record<string, unknown>;
      expect((metadata["sequenceNumberArray"] as unknown[]).map(toNumber)).toEqual(
        records.map((record) => record.sequenceNumber),
      );
      expect(
        (metadata["systemPropertiesArray"] as { partitionKey: unknown; enqueuedTimeUtc: string }[]).map(
          ({ partitionKey, enqueuedTimeUtc }) => [partitionKey, Date.parse(`${enqueuedTimeUtc.replace("Z", "")}Z`)],
        ),
      ).toEqual(records.map((record) => [record.partitionKey, record.enqueuedTimeUtc.getTime()]));
      expect(metadata["partitionContext"]).toMatchObject({ partitionId: "3", eventHubName: "events" });
    }),
    { numRuns: 50 },
  );
});

function toNumber(value: unknown): number {
  if (typeof value !== "object") return Number(value);
  const { low, high } = value as { low: number; high: number };
  return high * 2 ** 32 + (low >>> 0);
}

test("what a function logs is forwarded with its name and invocation", async () => {
  const lines: unknown[] = [];
  const logger: Logger = { ...silentLogger, info: (message, fields) => lines.push([message, fields]) };
  const { calls, options: settings } = fixture(
    { queue: (_, context: InvocationContext) => context.log("seen %d", 7) },
    { logger },
  );
  await using host = await startFunctionsHost(settings);
  await host.invoke("notices", { string: "x" });
  const invocationId = calls.all[0]?.context.invocationId;
  expect(lines).toEqual([["seen 7", { functionName: "notices", invocationId, category: "user" }]]);
});

test("a function whose trigger has no listener is refused by name, and the process is free for another host", async () => {
  const graph = options(() => app.eventGrid("created", { handler: () => {} }));
  await expect(startFunctionsHost(graph)).rejects.toThrow(/"created".*"eventGridTrigger".*no listener/);
  await using host = await startFunctionsHost(fixture({ timer: () => {} }).options);
  expect(host.functions).toEqual(["sweep"]);
});

test.each([
  ["no connection setting", { hub: () => {} }, { listeners: {}, settings: {} }, "INVALID_SETTING", "EVENTS"],
  [
    "a %setting% that is absent",
    { queue: () => {} },
    { listeners: {}, settings: { NOTICES: "UseDevelopmentStorage=true" } },
    "INVALID_SETTING",
    "QUEUE",
  ],
  ["no function at all", {}, {}, "INVALID_ARGUMENT", "no functions"],
] as const)("an app with %s does not start", async (_, handlers, more, code, words) => {
  const error: unknown = await startFunctionsHost(fixture(handlers, more).options).catch((caught: unknown) => caught);
  expect(error).toSatisfy((caught) => isDyneError(caught, code));
  expect(String(error)).toContain(words);
});

test("two functions of one name, and a second host beside a running one, are refused", async () => {
  const handler = () => {};
  const twice = options(() => {
    for (const schedule of ["0 0 * * * *", "0 1 * * * *"]) app.timer("sweep", { schedule, handler });
  });
  await expect(startFunctionsHost(twice)).rejects.toThrow('"sweep"');
  await using _ = await startFunctionsHost(fixture({ timer: handler }).options);
  await expect(startFunctionsHost(fixture({ timer: handler }).options)).rejects.toThrow("already");
});

test("draining waits for running invocations, but not beyond its limit", async () => {
  const clock = new ManualClock();
  const release = Promise.withResolvers<void>();
  const { calls, options: settings } = fixture({ queue: () => release.promise }, { clock, stopLimitMs: 1_000 });
  await using host = await startFunctionsHost(settings);
  const running = host.invoke("notices", { string: "x" });
  await calls.until((all) => all.length === 1);
  let drained = false;
  const draining = host.drain().then(() => (drained = true));
  await Promise.resolve();
  expect(drained).toBe(false);
  clock.advance(1_000);
  await draining;
  release.resolve();
  await running;
});

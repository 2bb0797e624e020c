/** What alerts are made of: lines of the log that say where everything stands. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LogFields } from "../../../shared/core/index.ts";
import { logStatus, type QueueLength, type StatusTurn } from "../../../shared/runtime/status-log.ts";
import { EngineBench, EngineWorld } from "../../support/engine-harness.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { readingAt } from "../../support/engine-scenario.ts";

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

const noMessages: QueueLength = async () => 0;

/** The lines of one look, at a minute after the world's own. */
async function linesOf(
  world: EngineWorld,
  queueLength = noMessages,
  nowMs = Date.parse("2026-05-01T10:05:30Z"),
  turn?: StatusTurn,
) {
  const lines: LogFields[] = [];
  const line = (level: string) => (message: string, fields?: LogFields) =>
    void lines.push({ level, message, ...fields });
  const logger = { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
  const context = world.context((store) => store);
  const clock = { ...context.clock, nowMs: () => nowMs, sleep: context.clock.sleep.bind(context.clock) };
  await logStatus({ ...context, clock, logger, queueLength }, [world.pipeline], turn);
  return lines;
}

describe("the status in the log", () => {
  test("is told in minutes that divide by five alone", async () => {
    const world = new EngineWorld({ bench, pipeline: engineFixture() });
    expect(await linesOf(world, noMessages, Date.parse("2026-05-01T10:06:00Z"))).toEqual([]);
    expect(await linesOf(world, noMessages, Date.parse("2026-05-01T10:09:59.999Z"))).toEqual([]);
    expect((await linesOf(world, noMessages, Date.parse("2026-05-01T10:10:00Z"))).length).toBeGreaterThan(2);
  });

  test("is told once in every five minutes by a process whose sweeps last longer than a minute", async () => {
    const world = new EngineWorld({ bench, pipeline: engineFixture() });
    const turn: StatusTurn = { lastLook: undefined };
    const told: string[] = [];
    for (const at of ["10:03:50", "10:04:58", "10:06:06", "10:07:14", "10:09:59", "10:10:01", "10:11:09", "10:16:40"]) {
      const lines = await linesOf(world, noMessages, Date.parse(`2026-05-01T${at}Z`), turn);
      if (lines.length > 0) told.push(at);
    }
    expect(told).toEqual(["10:06:06", "10:10:01", "10:16:40"]);
  });

  test("has a line for every flow, with the input that waits by its unit, and one for each queue of given-up messages", async () => {
    const world = new EngineWorld({ bench, pipeline: engineFixture() });
    world.send("0", [readingAt(0, "a", "d1", 1), readingAt(1, "b", "d1", 2)]);
    world.send("1", [readingAt(2, "c", "d1", 3)]);
    const messages: Readonly<Record<string, number>> = { "notices-poison": 3 };
    const lines = await linesOf(world, async (queue) => messages[queue] ?? 0);
    const flows = lines.filter(({ message }) => message === "flow status");
    expect(flows.map(({ flow }) => flow)).toEqual(world.pipeline.flows.map(({ id }) => id));
    expect(flows.find(({ flow }) => flow === "bronze.events")).toEqual({
      level: "info",
      message: "flow status",
      pipeline: world.pipeline.name,
      flow: "bronze.events",
      state: "NEW",
      eventsBehind: 3,
      versionsBehind: null,
      freshnessMs: null,
      intervalMs: 0,
    });
    expect(lines.filter(({ message }) => message === "queue status")).toEqual([
      { level: "info", message: "queue status", queue: "notices-poison", messages: 3 },
      { level: "info", message: "queue status", queue: "bulk-poison", messages: 0 },
    ]);
  });

  test("leaves out what cannot be told, says why, and tells the rest", async () => {
    const world = new EngineWorld({ bench, pipeline: engineFixture() });
    const lines = await linesOf(world, async (queue) => {
      if (queue === "notices-poison") throw new Error("no answer");
      return 1;
    });
    expect(lines.filter(({ message }) => message !== "flow status")).toEqual([
      { level: "warn", message: "the status could not be told", queue: "notices-poison", reason: "Error: no answer" },
      { level: "info", message: "queue status", queue: "bulk-poison", messages: 1 },
    ]);
  });
});

/** The share of time that a view's refreshes may take (SPEC.md 11): the longer one takes, the later the next one begins, whoever runs it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CommitRecord } from "../../../shared/checkpoint/index.ts";
import type { Compute } from "../../../shared/compute/index.ts";
import { limits } from "../../../shared/core/index.ts";
import { nextRefresh, type DeclaredFlow } from "../../../shared/engine/index.ts";
import { restMs } from "../../../shared/engine/rest.ts";
import {
  count,
  definePipeline,
  eventHub,
  materializedView,
  read,
  streamingTable,
  type Duration,
} from "../../../shared/pipeline/index.ts";
import { flowStatus } from "../../../shared/serving/index.ts";
import { dyingAtOutcome, expectCrash } from "../../support/engine-faults.ts";
import { EngineBench, EngineWorld, startMs } from "../../support/engine-harness.ts";
import { committedBatches } from "../../support/engine-oracle.ts";

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

const refreshMs = 20_000;
const total = "gold.total";

/** A view over a hub whose refreshes take 20 s each, by the clock of the test. */
function worldOf(dutyCycle?: number, minInterval: Duration = "0 seconds"): EngineWorld {
  const events = streamingTable("bronze.events", {
    minInterval: "0 seconds",
    from: eventHub("events", { partitions: 2 }),
  });
  const view = materializedView(total, {
    minInterval,
    query: read(events)
      .groupBy()
      .agg(() => ({ rows: count() })),
    ...(dutyCycle === undefined ? {} : { dutyCycle }),
  });
  const slow: Compute = {
    run: (job) => {
      if (job.name.startsWith(total) && job.writes.length > 0) world.clock.advance(refreshMs);
      return bench.compute.run(job);
    },
    close: async () => {},
  };
  const world = new EngineWorld({
    bench: { compute: slow, directory: bench.directory },
    pipeline: definePipeline("duty", [events, view]),
  });
  return world;
}

const send = (world: EngineWorld) => world.engine.hubEvents("events", "0", world.send("0", ["x"]));
const refreshes = async (world: EngineWorld) => (await committedBatches(world, total)).length;
const rungs = (world: EngineWorld) => [
  ...new Set(
    world.rings.filter(({ flow, delayMs }) => flow === total && delayMs !== 75_000).map(({ delayMs }) => delayMs),
  ),
];

describe("a view whose refresh took long", () => {
  test("is refreshed again no earlier than its share of time lets it, and rung then", async () => {
    const world = worldOf(0.25);
    await send(world);
    expect(await refreshes(world)).toBe(1);
    await send(world);
    expect(await refreshes(world)).toBe(1);
    expect(rungs(world)).toEqual([3 * refreshMs]);
    world.clock.advance(3 * refreshMs - 1);
    await world.engine.ring(total);
    expect(await refreshes(world)).toBe(1);
    world.clock.advance(1);
    await world.engine.ring(total);
    expect(await refreshes(world)).toBe(2);
    expect(await world.rows(total)).toEqual([{ rows: 2 }]);
  });

  test("rests by 20 % unless it says another share", async () => {
    const world = worldOf();
    await send(world);
    await send(world);
    expect(rungs(world)).toEqual([4 * refreshMs]);
  });

  test("rests in an instance that is started anew as well, which has it from the last commit", async () => {
    const world = worldOf(0.25);
    await send(world);
    const endedMs = world.clock.nowMs();
    world.restart();
    const restartedMs = world.clock.nowMs() - endedMs;
    world.rings.length = 0;
    await send(world);
    expect(await refreshes(world)).toBe(1);
    expect(rungs(world)).toEqual([3 * refreshMs - restartedMs]);
    world.clock.advance(3 * refreshMs - restartedMs);
    await world.engine.ring(total);
    expect(await refreshes(world)).toBe(2);
  });

  test("says when the next one is due", async () => {
    const world = worldOf(0.25);
    await send(world);
    await send(world);
    const flow = world.flow(total) as Extract<DeclaredFlow, { kind: "view" }>;
    expect(await nextRefresh(world.context(), flow)).toMatchObject({ kind: "refresh", dueInMs: 3 * refreshMs });
  });

  test.each([
    { share: 0.25, minInterval: "0 seconds", intervalMs: refreshMs / 0.25 },
    { share: 0.25, minInterval: "2 minutes", intervalMs: 120_000 },
    { share: 1, minInterval: "3 seconds", intervalMs: 3_000 },
  ] as const)(
    "says in its status how far apart its refreshes are: a share of $share, at least $minInterval",
    async ({ share, minInterval, intervalMs }) => {
      const world = worldOf(share, minInterval);
      const flow = world.pipeline.flows.find(({ id }) => id === total)!;
      const intervalNow = async () => (await flowStatus(world.context(), flow)).intervalMs;
      const before = await intervalNow();
      await send(world);
      expect([before, await intervalNow()]).toEqual([flow.minIntervalMs, intervalMs]);
    },
  );

  test("does not rest with a share of one", async () => {
    const world = worldOf(1);
    await send(world);
    await send(world);
    expect(await refreshes(world)).toBe(2);
  });

  test("does not rest where all that there is was asked for, or the view is made anew", async () => {
    const world = worldOf(0.25);
    await send(world);
    await send(world);
    await world.engine.runAvailable(new AbortController().signal);
    expect(await refreshes(world)).toBe(2);
    await world.engine.refresh(total);
    world.restart();
    await world.engine.ring(total);
    const path = `checkpoints/${total}/00000000000000000002/0/commits/00000000000000000001`;
    expect(await world.record(path)).toMatchObject({ generation: 2, batchId: 1 });
  });

  test("does not rest where it is made anew, in the instance that knows its last batch either", async () => {
    const world = worldOf(0.25);
    await send(world);
    await world.engine.refresh(total);
    await world.engine.ring(total);
    const path = `checkpoints/${total}/00000000000000000002/0/commits/00000000000000000001`;
    expect(await world.record(path)).toMatchObject({ generation: 2, batchId: 1 });
  });

  test("is not held until a clock that was set back has caught up, nor by its own interval", async () => {
    const world = worldOf(0.25, "30 seconds");
    await send(world);
    world.clock.advance(-3_600_000);
    await send(world);
    expect(await refreshes(world)).toBe(2);
    await send(world);
    expect(await refreshes(world), "and rests again by the time that is now").toBe(2);
  });

  test("finishes at once what another instance began", async () => {
    const world = worldOf(0.25);
    await send(world);
    world.restart(dyingAtOutcome(total));
    await send(world);
    world.clock.advance(3 * refreshMs);
    await world.engine.ring(total).catch(expectCrash);
    world.restart((store) => store);
    await world.engine.ring(total);
    expect(await refreshes(world)).toBe(2);
  });
});

describe("the rest after a batch", () => {
  const commit = (batchId: number, durationMs: Readonly<Record<string, number>>, batchTime?: string): CommitRecord =>
    ({
      batchId,
      committedTime: new Date(startMs + 60_000).toISOString(),
      progress: { durationMs, batchTime },
    }) as unknown as CommitRecord;
  const began = new Date(startMs).toISOString();

  test.each([
    ["is what its time asks for, less what has passed", commit(1, { compute: 900, commit: 100 }, began), 4_000, 1_000],
    ["is over after it", commit(1, { compute: 1_000 }, began), 5_000, 0],
    ["is rounded up, so that no bell rings a moment too early", commit(1, { compute: 0.3 }, began), 0, 2],
    [
      "is over by a clock that was set back to before it, instead of lasting until that has caught up",
      commit(1, { compute: 1_000 }, began),
      -3_600_000,
      0,
    ],
    ["is bounded after a clock that jumped", commit(1, { compute: 1e12 }, began), 0, limits.refreshCountedMs * 5],
    ["is nothing after the beginning of a lane", commit(0, { compute: 1_000 }, began), 0, 0],
    [
      "is counted from the commit where an early build did not say when it began",
      commit(1, { compute: 1_000 }),
      60_000,
      5_000,
    ],
    ["is nothing before the first", undefined, 0, 0],
  ])("%s", (_, last, afterMs, restingMs) => {
    expect(restMs({ dutyCycle: 0.2 }, last, startMs + afterMs)).toBe(restingMs);
  });
});

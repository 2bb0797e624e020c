/** Bells, leases and the cascade (engine-rules 13, 16): who runs when, and what is rung for later. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Compute } from "../../../shared/compute/index.ts";
import { isDyneError, limits } from "../../../shared/core/index.ts";
import {
  definePipeline,
  eventHub,
  materializedView,
  count,
  read,
  readStream,
  streamingTable,
} from "../../../shared/pipeline/index.ts";
import { aroundStore, CrashPoint } from "../../support/engine-faults.ts";
import { EngineBench, EngineWorld, type WorldOptions } from "../../support/engine-harness.ts";
import { committedBatches } from "../../support/engine-oracle.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { readingAt } from "../../support/engine-scenario.ts";

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

async function newWorld(on: WorldOptions["bench"] = bench): Promise<EngineWorld> {
  const world = new EngineWorld({ bench: on, pipeline: engineFixture() });
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
  await world.quiet();
  world.rings.length = 0;
  return world;
}

const downstream = [
  "silver.bodies",
  "silver.readings",
  "gold.by_device",
  "gold.by_site",
  "gold.with_device",
  "gold.total",
];

describe("events of a partition", () => {
  test("go through to gold in the same call", async () => {
    const world = await newWorld();
    await world.engine.hubEvents("events", "0", world.send("0", [readingAt(0, "a", "d1", 1)]));
    expect((await world.rows("gold.total"))[0]).toMatchObject({ readings: 1 });
    expect(await world.rows("gold.by_device")).toHaveLength(1);
  });

  test("ring the flows that the budget of the call does not reach", async () => {
    const slow: Compute = {
      run: (job) => {
        if (job.name.startsWith("silver.bodies")) world.clock.advance(3_000);
        return bench.compute.run(job);
      },
      close: async () => {},
    };
    const world = await newWorld({ compute: slow, directory: bench.directory });
    await world.engine.hubEvents("events", "0", world.send("0", [readingAt(0, "a", "d1", 1)]));
    expect(world.rings).toContainEqual({ flow: "silver.readings", delayMs: 0 });
    expect(await world.rows("silver.readings")).toEqual([]);
    await world.engine.ring("silver.readings");
    expect(await world.rows("silver.readings")).toHaveLength(1);
  });

  test("of a hub that nobody reads are nobody's", async () => {
    const world = await newWorld();
    await world.engine.hubEvents("others", "0", world.send("0", ["x"]));
    expect(world.rings).toEqual([]);
  });

  test("that are known to be committed cost no call", async () => {
    const counter = new CrashPoint(0, "before");
    const world = new EngineWorld({
      bench,
      pipeline: engineFixture(),
      wrap: (store) => aroundStore(store, counter.around),
    });
    const events = world.send("0", ["a", "b", "c"]);
    await world.engine.hubEvents("events", "0", events);
    const { calls } = counter;
    await world.engine.hubEvents("events", "0", events);
    await world.engine.hubEvents("events", "0", events.slice(0, 2));
    expect(counter.calls).toBe(calls);
  });
});

describe("a notice of a commit", () => {
  test("runs the flows that read the table, and those that read what they wrote", async () => {
    const world = await newWorld();
    world.send("0", [readingAt(0, "a", "d1", 1)]);
    await world.engine.ring("bronze.events");
    const batches = await committedBatches(world, "gold.total");
    expect(batches.at(-1)?.commit.progress.counts.inputRows, "the notice's commit is through already").toBe(1);
    world.rings.length = 0;
    await world.engine.blobCreated("lake/bronze/events/_delta_log/00000000000000000001.json");
    expect([...new Set(world.rings.map(({ flow }) => flow))]).toEqual(["silver.bodies", "silver.readings"]);
  });
});

describe("before each run", () => {
  test("a bell is queued that rings when the instance dies", async () => {
    const world = await newWorld();
    await world.engine.hubEvents("events", "0", world.send("0", [readingAt(0, "a", "d1", 1)]));
    const late = world.rings.filter(({ delayMs }) => delayMs >= limits.leaseSeconds * 1_000);
    expect(new Set(late.map(({ flow }) => flow))).toEqual(new Set(["bronze.events", ...downstream]));
  });
});

describe("a lane that another instance holds", () => {
  test("is left to it and rung later; once its lease has run out, it is taken over", async () => {
    const world = await newWorld();
    const lease = await world.estate.host.acquireLease("checkpoints/silver.readings/00000000000000000001/0/lease", 15);
    expect(lease).toBeDefined();
    world.send("0", [readingAt(0, "a", "d1", 1)]);
    await world.engine.sweep();
    expect(await world.rows("silver.readings")).toEqual([]);
    expect(world.rings).toContainEqual({ flow: "silver.readings", delayMs: 1_000 });
    expect(await world.rows("silver.bodies")).toHaveLength(1);
    world.clock.advance(16_000);
    await world.engine.sweep();
    expect(await world.rows("silver.readings")).toHaveLength(1);
  });

  test.each(["before", "after"])("is given up %s a batch was computed; its successor finishes it", async (moment) => {
    const lease = "checkpoints/silver.readings/00000000000000000001/0/lease";
    const lose = async (): Promise<void> => {
      world.clock.advance(16_000);
      expect(await world.estate.host.acquireLease(lease, 15)).toBeDefined();
      world.clock.advance(limits.leaseRenewMs);
      await new Promise((resolve) => setImmediate(resolve));
    };
    const interrupted: Compute = {
      run: async (job) => {
        const isOurs = job.name === "silver.readings/0/1";
        if (isOurs && moment === "before") await lose();
        const result = await bench.compute.run(job);
        if (isOurs && moment === "after") await lose();
        return result;
      },
      close: async () => {},
    };
    const world = await newWorld({ compute: interrupted, directory: bench.directory });
    world.send("0", [readingAt(0, "a", "d1", 1)]);
    const error: unknown = await world.engine.ring("bronze.events").catch((reason: unknown) => reason);
    expect(isDyneError(error, "BATCH_ABANDONED"), String(error)).toBe(true);
    const outcomes = (await world.hostPaths()).filter((path) => /silver\.readings\/.*\/outcome\//.test(path));
    expect(outcomes).toEqual([]);
    const next = new EngineWorld({ bench, pipeline: engineFixture() }, world.estate);
    world.clock.advance(16_000);
    await next.quiet();
    expect(await committedBatches(next, "silver.readings")).toHaveLength(1);
    expect((await next.rows("gold.total"))[0]).toMatchObject({ readings: 1 });
  });

  test("does not keep the other lanes from going on", async () => {
    const world = await newWorld();
    await world.estate.host.acquireLease("checkpoints/bronze.events/00000000000000000001/0/lease", 15);
    world.send("0", ["a"]);
    world.send("1", ["b"]);
    await world.engine.sweep();
    expect((await world.rows("bronze.events")).map((row) => row["event_data"])).toEqual(["b"]);
  });
});

test("leases are given back after every run, so that another instance can go on at once", async () => {
  const world = await newWorld();
  world.send("0", [readingAt(0, "a", "d1", 1)]);
  await world.engine.sweep();
  const other = new EngineWorld({ bench, pipeline: engineFixture() }, world.estate);
  world.send("0", [readingAt(5, "b", "d1", 1)]);
  await other.engine.sweep();
  expect(await world.rows("silver.readings")).toHaveLength(2);
  world.send("0", [readingAt(10, "c", "d1", 1)]);
  await world.engine.sweep();
  expect((await world.rows("gold.total"))[0]).toMatchObject({ readings: 3 });
});

test("a bell for a flow of an older build is noted and does nothing", async () => {
  const world = await newWorld();
  await world.engine.ring("silver.gone");
  expect(world.lines).toEqual([
    { level: "warn", message: expect.stringContaining("not declared") as string, fields: { flow: "silver.gone" } },
  ]);
  expect(world.rings).toEqual([]);
});

test("a flow that cannot run does not keep a sweep from the others", async () => {
  const world = await newWorld();
  world.send("0", [readingAt(0, "a", "d1", 1)]);
  world.restart((store) =>
    aroundStore(store, async ({ path }, work) => {
      if (path.includes("/silver.bodies/")) throw new Error("out of order");
      return work();
    }),
  );
  await expect(world.engine.sweep()).rejects.toThrow("1 of 9 flows");
  expect((await world.rows("gold.total"))[0]).toMatchObject({ readings: 1 });
});

test("a closed engine takes no batch and rings what it was asked for", async () => {
  const world = await newWorld();
  const events = world.send("0", ["a"]);
  await world.engine.close();
  await world.engine.hubEvents("events", "0", events);
  expect(await world.rows("bronze.events")).toEqual([]);
  expect(world.rings).toEqual([{ flow: "bronze.events", delayMs: 1_000 }]);
});

test("bursts coalesce: within the interval of a flow the bell is put off, and one batch takes all", async () => {
  const events = streamingTable("bronze.events", {
    minInterval: "0 seconds",
    from: eventHub("events", { partitions: 2 }),
  });
  const sizes = streamingTable("silver.sizes", {
    minInterval: "0 seconds",
    query: readStream(events).select(({ sequence_number }) => ({ sequence_number })),
  });
  const total = materializedView("gold.total", {
    minInterval: "5 seconds",
    query: read(sizes)
      .groupBy()
      .agg(() => ({ rows: count() })),
  });
  const world = new EngineWorld({ bench, pipeline: definePipeline("bursts", [events, sizes, total]) });
  const send = () => world.engine.hubEvents("events", "0", world.send("0", ["x"]));
  await send();
  await send();
  await send();
  expect(await committedBatches(world, "silver.sizes")).toHaveLength(3);
  expect(await committedBatches(world, "gold.total")).toHaveLength(1);
  expect(world.rings.filter(({ flow, delayMs }) => flow === "gold.total" && delayMs <= 5_000)).toHaveLength(2);
  world.clock.advance(5_000);
  await world.engine.ring("gold.total");
  expect(await committedBatches(world, "gold.total")).toHaveLength(2);
  expect(await world.rows("gold.total")).toEqual([{ rows: 3 }]);
});

test("a stream that never pauses holds no pass: what came during a batch waits for the flow's interval, and is rung", async () => {
  const events = streamingTable("bronze.events", {
    minInterval: "0 seconds",
    from: eventHub("events", { partitions: 2 }),
  });
  const sizes = streamingTable("silver.sizes", {
    minInterval: "5 seconds",
    query: readStream(events).select(({ sequence_number }) => ({ sequence_number })),
  });
  let arrivals = 3;
  const endless: Compute = {
    run: async (job) => {
      if (job.name.startsWith("silver.sizes") && arrivals-- > 0) await send();
      return bench.compute.run(job);
    },
    close: async () => {},
  };
  const world: EngineWorld = new EngineWorld({
    bench: { compute: endless, directory: bench.directory },
    pipeline: definePipeline("endless", [events, sizes]),
  });
  const send = () => world.engine.hubEvents("events", "0", world.send("0", ["x"]));
  await send();
  expect(await committedBatches(world, "silver.sizes")).toHaveLength(1);
  expect(world.rings).toContainEqual({ flow: "silver.sizes", delayMs: 5_000 });
});

test("a clock that was set back puts a bell off by no more than the flow's interval", async () => {
  const world = await newWorld();
  await world.engine.hubEvents("events", "0", world.send("0", [readingAt(0, "a", "d1", 1)]));
  world.rings.length = 0;
  world.clock.advance(-3_600_000);
  await world.engine.hubEvents("events", "0", world.send("0", [readingAt(1, "b", "d1", 2)]));
  await world.engine.ring("gold.total");
  expect(await world.rows("bronze.events")).toHaveLength(2);
  expect((await world.rows("gold.total"))[0]).toMatchObject({ readings: 2 });
  expect(Math.max(...world.rings.map(({ delayMs }) => delayMs))).toBeLessThanOrEqual(75_000);
});

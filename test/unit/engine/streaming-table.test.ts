/**
 * Laws of streaming tables (engine-rules 4, 5, 8): what becomes of a row follows from its place in the stream, never from the batch that
 * happens to hold it. `SEED=… FC_PATH=…` replays a failure with the path that fast-check prints, `SHRINK=1` looks for a smaller one.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pauseFlow, resumeFlow } from "../../../shared/engine/index.ts";
import { flowId } from "../../../shared/core/index.ts";
import { EngineBench, EngineWorld, type Row } from "../../support/engine-harness.ts";
import {
  drawnEvents,
  eventsOf,
  modelOf,
  placed,
  toSend,
  verdictsOf,
  type ModelEvent,
} from "../../support/engine-model.ts";
import { committedBatches, judgeStream, judgeView, laneVersions } from "../../support/engine-oracle.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";

const file = "test/unit/engine/streaming-table.test.ts";
const seed = Number(process.env["SEED"] ?? 31);
const numRuns = Number(process.env["RUNS"] ?? 3);
const settings: fc.Parameters<unknown> = {
  seed,
  numRuns,
  // A run takes long: a failure is shrunk only where that is asked for.
  endOnFailure: process.env["SHRINK"] === undefined,
  ...(process.env["FC_PATH"] === undefined ? {} : { path: process.env["FC_PATH"] }),
};
const replay = `again with: SEED=${seed} RUNS=${numRuns} [FC_PATH=…] npx vitest run --project unit ${file}`;
const pipeline = engineFixture();
const silver = flowId("silver.readings");
const sites = { d1: "north", d2: "south" };
const devicesCsv = "code,site,weight\nd1,north,5\nd2,south,7\n";

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

/** One step of a history: some events of a partition arrive; the engine learns of them by a payload, by a sweep, or later. */
interface Step {
  readonly partition: 0 | 1;
  readonly events: number;
  readonly by: "payload" | "sweep" | "nothing";
  /** Silver stands still while bronze goes on. */
  readonly pause: boolean;
  readonly restart: boolean;
}

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    partition: fc.constantFrom(0 as const, 1 as const),
    events: fc.integer({ min: 1, max: 9 }),
    by: fc.constantFrom("payload" as const, "payload" as const, "sweep" as const, "nothing" as const),
    pause: fc.boolean(),
    restart: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
  }),
  { maxLength: 8, size: "max" },
);

/** Goes through a history; whatever was not sent by its steps comes at the end, at once. */
async function live(partitions: readonly (readonly ModelEvent[])[], history: readonly Step[]): Promise<EngineWorld> {
  const world = new EngineWorld({ bench, pipeline });
  await world.land("landing/devices/a.csv", devicesCsv);
  await world.engine.sweep();
  const sent = [0, 0];
  for (const { partition, events, by, pause, restart } of history) {
    const from = sent[partition] ?? 0;
    const batch = (partitions[partition] ?? []).slice(from, from + events);
    sent[partition] = from + batch.length;
    const stored = world.estate.hub.send(String(partition), toSend(batch));
    await (pause ? pauseFlow : resumeFlow)(world.context(), silver);
    if (restart) world.restart();
    if (by === "payload") await world.engine.hubEvents("events", String(partition), stored);
    if (by === "sweep") await world.engine.sweep();
  }
  for (const [partition, events] of partitions.entries()) {
    world.estate.hub.send(String(partition), toSend(events.slice(sent[partition])));
  }
  await resumeFlow(world.context(), silver);
  await world.quiet();
  return world;
}

async function quarantineOf(world: EngineWorld): Promise<Row[]> {
  return world.rows("silver.readings", { quarantine: true });
}

async function expectLaws(world: EngineWorld): Promise<void> {
  for (const name of ["silver.readings", "silver.bodies"]) {
    const { actual, lawful } = await judgeStream(world, name);
    expect(actual, `${name}; ${replay}`).toEqual(lawful);
  }
  for (const name of ["gold.by_device", "gold.by_site", "gold.total"]) {
    const { actual, lawful } = await judgeView(world, name);
    expect(actual, `${name}; ${replay}`).toEqual(lawful);
  }
  expect(world.lines, replay).toEqual([]);
}

const byPlace = (a: ModelEvent, b: ModelEvent): number => a.lane.localeCompare(b.lane) || a.position - b.position;

describe("random streams, cut at random", () => {
  test(
    "give the rows and the quarantine of a naive model, which knows nothing of batches",
    { timeout: 120_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(drawnEvents, drawnEvents, steps, async (a, b, history) => {
          const partitions = [eventsOf("0", a), eventsOf("1", b)];
          const world = await live(partitions, history);
          const model = modelOf(partitions, sites, byPlace);
          expect(await world.rows("silver.readings"), replay).toEqual(model.silver);
          expect(placed(await quarantineOf(world)), replay).toEqual(model.quarantine);
          expect(await world.rows("bronze.events"), replay).toHaveLength(a.length + b.length);
          await expectLaws(world);
          await expectCounts(world, partitions);
        }),
        settings,
      );
    },
  );

  test("give the same tables however they are cut", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(drawnEvents, drawnEvents, steps, steps, async (a, b, one, other) => {
        const partitions = [eventsOf("0", a), eventsOf("1", b)];
        const left = await live(partitions, one);
        const right = await live(partitions, other);
        expect(await left.everything(), replay).toEqual(await right.everything());
      }),
      { ...settings, numRuns: Math.ceil(numRuns / 2) },
    );
  });

  test("fold ids that partitions share in the order of the input table", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(drawnEvents, drawnEvents, steps, async (a, b, history) => {
        const partitions = [eventsOf("0", a, true), eventsOf("1", b, true)];
        const world = await live(partitions, history);
        const versions = await laneVersions(world, "bronze.events");
        const versionOf = ({ lane, position }: ModelEvent): number => versions.get(`${lane}/${position}`) ?? -1;
        const model = modelOf(partitions, sites, (x, y) => versionOf(x) - versionOf(y) || byPlace(x, y));
        expect(await world.rows("silver.readings"), replay).toEqual(model.silver);
        expect(placed(await quarantineOf(world)), replay).toEqual(model.quarantine);
        await expectLaws(world);
      }),
      settings,
    );
  });
});

/** The counts of all batches together say what became of every row. */
async function expectCounts(world: EngineWorld, partitions: readonly (readonly ModelEvent[])[]): Promise<void> {
  const batches = await committedBatches(world, "silver.readings");
  const total = (of: (counts: (typeof batches)[number]["commit"]["progress"]["counts"]) => number): number =>
    batches.reduce((sum, { commit }) => sum + of(commit.progress.counts), 0);
  const verdicts = partitions.flatMap(verdictsOf);
  const count = (verdict: string): number => verdicts.filter((each) => each === verdict).length;
  expect(
    total(({ inputRows }) => inputRows),
    replay,
  ).toBe(verdicts.length);
  expect(
    total(({ late }) => late),
    replay,
  ).toBe(count("LATE"));
  expect(
    total(({ lateIdle }) => lateIdle),
    replay,
  ).toBe(0);
  expect(
    total(({ quarantined }) => quarantined["MALFORMED"] ?? 0),
    replay,
  ).toBe(count("MALFORMED"));
  expect(
    total(({ quarantined }) => quarantined["EXPECTATION"] ?? 0),
    replay,
  ).toBe(count("EXPECTATION"));
  expect(
    total(({ outputRows, duplicates }) => outputRows + duplicates),
    replay,
  ).toBe(count("fresh"));
  expect(
    total(({ outputRows }) => outputRows),
    replay,
  ).toBe((await world.rows("silver.readings")).length);
}

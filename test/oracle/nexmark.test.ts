/**
 * Queries that others made up, over events that come out of order: each view equals its batch query after every batch, and was not simply
 * computed anew; each streaming table equals its query over all bids.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventsBetween } from "../../bench/nexmark/events.ts";
import { queries } from "../../bench/nexmark/queries.ts";
import { eventTables, landedEvents, landedSide } from "../../bench/nexmark/tables.ts";
import { definePipeline } from "../../shared/pipeline/index.ts";
import { EngineBench, EngineWorld } from "../support/engine-harness.ts";
import { committedBatches, judgeHistory, judgeStream } from "../support/engine-oracle.ts";

const stream = { seed: 20_260_101, eventsPerSecond: 20, shuffled: 60 };
/** Places of the events; the second batch overtakes the third. */
const batches = [
  [0, 1_400],
  [1_700, 2_000],
  [1_400, 1_700],
] as const;

const views = queries.map(({ view }) => view());
const streams = queries.flatMap(({ stream: streamOf }) => (streamOf === undefined ? [] : [streamOf()]));

let bench: EngineBench;
let world: EngineWorld;
beforeAll(async () => {
  bench = await EngineBench.open();
  world = new EngineWorld({ bench, pipeline: definePipeline("nexmark", [...eventTables, ...views, ...streams]) });
  await world.land(...landedSide());
  for (const [index, [from, to]] of batches.entries()) {
    for (const [path, text] of landedEvents(index, eventsBetween(stream, from, to))) await world.land(path, text);
    await world.quiet();
  }
}, 180_000);
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

/** How a view takes in what was added; the first batch is always in full. */
const strategies = new Map([
  ["append", ["q0", "q1", "q2", "q3", "q10", "q13", "q14", "q20", "q21", "q22"]],
  ["merge-partials", ["q4", "q15", "q16", "q17"]],
  ["recompute-keys", ["q5", "q6", "q7", "q8", "q9", "q11", "q18", "q19"]],
]);

describe("a query of Nexmark", () => {
  const cases = [...strategies].flatMap(([strategy, names]) => names.map((name) => ({ name, strategy })));

  it("is known by its strategy", () => {
    expect(cases.map(({ name }) => `nexmark.${name}`).toSorted()).toEqual(views.map(({ name }) => name).toSorted());
  });

  it.for(cases)(
    "$name as a view equals its batch query after every batch, by $strategy",
    async ({ name, strategy }) => {
      const view = `nexmark.${name}`;
      const history = await judgeHistory(world, view);
      for (const [batch, { actual, lawful }] of history.entries()) expect(actual, `batch ${batch}`).toEqual(lawful);
      expect(history.at(-1)?.actual.length).toBeGreaterThan(0);
      const taken = (await committedBatches(world, view)).map(({ commit }) => commit.progress.strategy.name);
      expect(taken).toEqual(["full", strategy, strategy]);
      expect(await world.stateOf(view)).toBe("RUNNING");
    },
  );

  it.for(streams.map(({ name }) => name))("%s as a streaming table equals its query over all bids", async (name) => {
    const { actual, lawful } = await judgeStream(world, name);
    expect(actual.length).toBeGreaterThan(0);
    expect(actual).toEqual(lawful);
    expect(await world.rows(name, { quarantine: true })).toEqual([]);
  });
});

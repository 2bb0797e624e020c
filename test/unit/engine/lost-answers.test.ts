/**
 * Requests and answers get lost at random, and instances work beside each other: the tables come out as in a quiet run (engine-rules 1, 2,
 * 23). `SEED=… RUNS=1` replays a run.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { limits, seededRandom } from "../../../shared/core/index.ts";
import type { ObjectStore } from "../../../shared/storage/index.ts";
import { aroundStore, Baton, isPassing, withoutLeases } from "../../support/engine-faults.ts";
import { rewriteTable } from "../../support/engine-foreign.ts";
import { EngineBench, EngineWorld, newEstate, tablesOf, type Tables, type Wrap } from "../../support/engine-harness.ts";
import { commitsOfTxns, judgeFiles, judgeView } from "../../support/engine-oracle.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { scenario } from "../../support/engine-scenario.ts";
import { tidyLogs } from "../../support/engine-tidying.ts";
import { FaultyStore } from "../../support/faulty-store.ts";

const firstSeed = Number(process.env["SEED"] ?? 4_000);
const runs = Number(process.env["RUNS"] ?? 1);
const seeds = Array.from({ length: runs }, (_, run) => firstSeed + run);
const pipeline = engineFixture();
const replayOf = (seed: number): string =>
  `again with: SEED=${seed} RUNS=1 npx vitest run --project unit test/unit/engine/lost-answers.test.ts`;

/** An instance each: one that waits for its turn must not keep another from computing. */
let benches: { readonly a: EngineBench; readonly b: EngineBench; readonly c: EngineBench };
let undisturbed: Tables;

beforeAll(async () => {
  benches = { a: await EngineBench.open(), b: await EngineBench.open(), c: await EngineBench.open() };
  const world = new EngineWorld({ bench: benches.a, pipeline });
  for (const { happens, works } of scenario) {
    await happens(world);
    await works(world);
  }
  await world.quiet();
  undisturbed = await tablesOf(world);
});

afterAll(async () => {
  for (const bench of Object.values(benches)) await bench[Symbol.asyncDispose]();
});

async function expectUndisturbed(world: EngineWorld, where: string): Promise<void> {
  expect(await tablesOf(world), where).toEqual(undisturbed);
  const twice = [...(await commitsOfTxns(world))].filter(([, count]) => count !== 1);
  expect(twice, where).toEqual([]);
}

describe("lost requests, lost answers and late writes", () => {
  test.each(seeds)("change nothing of the result (seed %i)", { timeout: 120_000 }, async (seed) => {
    const faulty: FaultyStore[] = [];
    const random = seededRandom(seed);
    const wrap: Wrap = (store) => {
      const wrapped = new FaultyStore(store, {
        random,
        rates: { lostRequest: 0.02, lostAnswer: 0.03, lateWrite: 0.02 },
      });
      faulty.push(wrapped);
      return wrapped;
    };
    const world = new EngineWorld({ bench: benches.a, pipeline, seed, wrap });
    let failures = 0;
    for (const { happens, works } of scenario) {
      await happens(world);
      for (let attempt = 1; attempt <= 4; attempt++) {
        try {
          await works(world);
          break;
        } catch (error) {
          if (!isPassing(error)) throw error;
          failures++;
        }
      }
    }
    for (const store of faulty) await store.heal();
    world.restart();
    await world.quiet();
    await expectUndisturbed(world, `${failures} failures; ${replayOf(seed)}`);
  });
});

describe("two instances that both believe to hold every lease", () => {
  test.each(seeds)("commit each batch once, whoever finishes it (seed %i)", { timeout: 120_000 }, async (seed) => {
    const { world, passes } = await rivals(seed);
    expect(passes, replayOf(seed)).toBeGreaterThan(50);
    await expectUndisturbed(world, replayOf(seed));
    expect(await judgeFiles(world), replayOf(seed)).toEqual({ undecided: [], lost: [], left: [] });
  });

  test.each(seeds)(
    "do so while a third rewrites the tables under them (seed %i)",
    { timeout: 120_000 },
    async (seed) => {
      const tables = [
        "gold.by_device",
        "gold.by_site",
        "gold.total",
        "silver.readings",
        "gold.by_device",
        "bronze.events",
      ];
      const { world } = await rivals(seed, async (third) => {
        for (const table of tables) await rewriteTable(third, table, { dataChange: false });
      });
      await expectUndisturbed(world, replayOf(seed));
      for (const view of ["gold.by_device", "gold.by_site", "gold.with_device", "gold.total"]) {
        const { actual, lawful } = await judgeView(world, view);
        expect(actual, `${view}; ${replayOf(seed)}`).toEqual(lawful);
      }
    },
  );

  test.each(seeds.slice(0, 1))(
    "do so while a third checkpoints and cleans the logs under them, and one of them sleeps meanwhile (seed %i)",
    { timeout: 120_000 },
    async (seed) => {
      let deleted = 0;
      const tidies = async (third: EngineWorld): Promise<void> => void (deleted += await tidyLogs(third));
      const { world } = await rivals(seed, tidies, (act) => act > 0 && act < scenario.length - 1);
      await expectUndisturbed(world, replayOf(seed));
      expect(deleted, replayOf(seed)).toBeGreaterThan(10);
    },
  );
});

/**
 * Goes through the scenario with two instances that take turns by a throw of the dice, and a third party that works beside them. The second
 * instance sleeps through some of the acts.
 */
async function rivals(
  seed: number,
  third: (world: EngineWorld) => Promise<void> = async () => {},
  sleeps: (act: number) => boolean = () => false,
): Promise<{ world: EngineWorld; passes: number }> {
  const estate = newEstate(seed);
  const baton = new Baton(seededRandom(seed), ["a", "b", "c"]);
  const instance = (name: "a" | "b"): EngineWorld => {
    const wrap: Wrap = (store) => aroundStore(withoutLeases(store), baton.around(name));
    return new EngineWorld({ bench: benches[name], pipeline, wrap }, estate);
  };
  const [a, b] = [instance("a"), instance("b")];
  const taken = (store: ObjectStore): ObjectStore => aroundStore(store, baton.around("c"));
  const beside = new EngineWorld(
    { bench: benches.c, pipeline },
    { ...estate, host: taken(estate.host), lake: taken(estate.lake) },
  );
  for (const [act, { happens, works }] of scenario.entries()) {
    await happens(a);
    // Before it wakes, what it missed is gone.
    if (!sleeps(act) && sleeps(act - 1)) await third(beside);
    baton.begin();
    await Promise.all([
      baton.run("a", () => works(a)),
      baton.run("b", async () => {
        if (!sleeps(act)) await works(b);
      }),
      baton.run("c", () => third(beside)),
    ]);
    // Long enough for what the instances know of the tables to be old, and for the logs of states to be cleaned.
    estate.clock.advance(limits.privateRetentionMs + 1);
  }
  a.restart();
  await a.quiet();
  return { world: a, passes: baton.passes };
}

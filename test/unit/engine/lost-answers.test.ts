/**
 * Requests and answers get lost at random, and instances work beside each other: the tables come out as in a quiet run (engine-rules 1, 2,
 * 23). `SEED=… RUNS=1` replays a run.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isDyneError, seededRandom } from "../../../shared/core/index.ts";
import { aroundStore, Baton, type Around } from "../../support/engine-faults.ts";
import { EngineBench, EngineWorld, newEstate, type Row, type Wrap } from "../../support/engine-harness.ts";
import { commitsOfTxns } from "../../support/engine-oracle.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { scenario } from "../../support/engine-scenario.ts";
import { FaultyStore } from "../../support/faulty-store.ts";

const firstSeed = Number(process.env["SEED"] ?? 4_000);
const runs = Number(process.env["RUNS"] ?? 6);
const seeds = Array.from({ length: runs }, (_, run) => firstSeed + run);
const pipeline = engineFixture();
const replayOf = (seed: number): string =>
  `again with: SEED=${seed} RUNS=1 npx vitest run --project unit test/unit/engine/lost-answers.test.ts`;

let bench: EngineBench;
let rivalBench: EngineBench;
let undisturbed: Readonly<Record<string, readonly Row[]>>;

beforeAll(async () => {
  bench = await EngineBench.open();
  rivalBench = await EngineBench.open();
  const world = new EngineWorld({ bench, pipeline });
  for (const { happens, works } of scenario) {
    await happens(world);
    await works(world);
  }
  await world.quiet();
  undisturbed = await tablesOf(world);
});

afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await rivalBench[Symbol.asyncDispose]();
});

/** All tables; the etags and times of files differ from run to run. */
async function tablesOf(world: EngineWorld): Promise<Readonly<Record<string, readonly Row[]>>> {
  const tables = await world.everything();
  const own = (row: Row): Row =>
    Object.fromEntries(
      Object.entries(row).filter(([name]) => !name.startsWith("file_etag") && name !== "file_modification_time"),
    );
  return Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, rows.map(own)]));
}

async function expectUndisturbed(world: EngineWorld, where: string): Promise<void> {
  expect(await tablesOf(world), where).toEqual(undisturbed);
  const twice = [...(await commitsOfTxns(world))].filter(([, count]) => count !== 1);
  expect(twice, where).toEqual([]);
}

/** Errors that a queue answers by delivering again. */
function isPassing(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(isPassing);
  return isDyneError(error) && error.kind === "unavailable";
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
    const world = new EngineWorld({ bench, pipeline, seed, wrap });
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
    const estate = newEstate(seed);
    const baton = new Baton(seededRandom(seed), ["a", "b"]);
    const both = { a: bench, b: rivalBench };
    const worlds = (["a", "b"] as const).map((name) => {
      const wrap: Wrap = (store) => aroundStore(withoutLeases(store), baton.around(name));
      return { name, world: new EngineWorld({ bench: both[name], pipeline, wrap }, estate) };
    });
    const first = worlds[0]!.world;
    for (const { happens, works } of scenario) {
      await happens(first);
      baton.begin();
      await Promise.all(worlds.map(({ name, world }) => baton.run(name, () => works(world))));
    }
    first.restart();
    await first.quiet();
    await expectUndisturbed(first, replayOf(seed));
  });
});

/** A store on which everybody gets every lease and keeps it. */
function withoutLeases(store: ReturnType<typeof newEstate>["host"]): typeof store {
  const around: Around = (_operation, work) => work();
  return {
    ...aroundStore(store, around),
    acquireLease: async () => ({ renew: async () => true, release: async () => {} }),
  };
}

/**
 * The schedules in two halves, so that two workers share them: blocks of seeds in turn, because the seeds of a block share a quiet run.
 *
 *     SIMULATION_RUNS=2000     how many seeds, 500 where it is not set
 *     SIMULATION_FIRST=100000  the first of them, 0 where it is not set
 *     SIMULATION_DRAWN=5000    how many more with a pipeline of the oracle's making, a fortieth of the others where it is not set
 *     SEED=123                 this one alone
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drawnFrom } from "./drawn.ts";
import { blockSize } from "./schedule.ts";
import { Seeds } from "./seeds.ts";

const runs = Number(process.env["SIMULATION_RUNS"] ?? 500);
const first = Number(process.env["SIMULATION_FIRST"] ?? 0);
const drawnRuns = Number(process.env["SIMULATION_DRAWN"] ?? Math.floor(runs / 40));
const only = process.env["SEED"] === undefined ? undefined : Number(process.env["SEED"]);
/** How often a long run says how far it is. */
const progressMs = 10_000;
/** Generous for a busy machine; a schedule that hangs is told by itself. */
const seedMs = 10_000;

const half = (seed: number): number => Math.floor(seed / blockSize) % 2;

/** The tests of one half. */
export function schedulesOfHalf(mine: 0 | 1): void {
  const all = [
    ...Array.from({ length: runs }, (_, run) => first + run),
    ...Array.from({ length: drawnRuns }, (_, run) => drawnFrom + first + run),
  ];
  const seeds = (only === undefined ? all : [only]).filter((seed) => half(seed) === mine);
  let player: Seeds;
  beforeAll(async () => {
    player = await Seeds.open();
  });
  afterAll(() => player[Symbol.asyncDispose]());

  describe.skipIf(seeds.length === 0)("whatever becomes of instances, answers, clock and order", () => {
    test(
      "tables and logs are in the end those of a quiet run",
      { timeout: 120_000 + seeds.length * seedMs },
      async () => {
        let saidMs = Date.now();
        for (const [index, seed] of seeds.entries()) {
          const failure = await player.failureOf(seed);
          if (failure !== undefined) expect.fail(failure.message);
          if (Date.now() - saidMs > progressMs) {
            saidMs = Date.now();
            console.log(`simulation: ${index + 1} of ${seeds.length} schedules of this half`);
          }
        }
      },
    );

    test.skipIf(seeds.length < 100)("each misfortune struck often among them", () => {
      for (const [name, count] of Object.entries(player.met)) expect(count, name).toBeGreaterThan(seeds.length / 20);
    });
  });
}

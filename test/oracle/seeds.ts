/**
 * The pipelines of a run, each from a seed of its own, in two halves that two workers share.
 *
 *     ORACLE_RUNS=500      how many, 50 where it is not set
 *     ORACLE_FIRST=100000  the seed of the first of them, 0 where it is not set; `random` draws it
 *     ORACLE_FAILURES=5    goes on until so many have failed, and tells of all; 1 where it is not set
 *     SEED=123             this one alone
 */
import { randomInt } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EngineBench } from "../support/engine-harness.ts";
import { caseOf, examine } from "./case.ts";
import { Coverage } from "./coverage.ts";
import { smallestCase } from "./smallest-case.ts";

const runs = Number(process.env["ORACLE_RUNS"] ?? 50);
const first = process.env["ORACLE_FIRST"] === "random" ? randomInt(2 ** 30) : Number(process.env["ORACLE_FIRST"] ?? 0);
const failuresMax = Number(process.env["ORACLE_FAILURES"] ?? 1);
const only = process.env["SEED"] === undefined ? undefined : Number(process.env["SEED"]);

/** How long, and how often, a counterexample is made smaller. */
const shrinkMs = 90_000;
const shrinksMax = 600;
/** How often a long run says how far it is. */
const progressMs = 10_000;
/** Generous for a busy machine. */
const caseMs = 4_000;

/** A counterexample in words, after it was made as small as the time allows, and the command that finds it again. */
async function told(bench: EngineBench, seed: number): Promise<string> {
  const untilMs = performance.now() + shrinkMs;
  let tries = 0;
  const firstVerdict = await examine(bench, caseOf(seed), new Coverage());
  if (firstVerdict.kind !== "broken")
    throw new Error(
      `The counterexample of seed ${seed} is none when it is judged again: something is not in its seed.`,
    );
  let { counterexample } = firstVerdict;
  await smallestCase(
    caseOf(seed),
    async (candidate) => {
      const verdict = await examine(bench, candidate, new Coverage());
      const isSame = verdict.kind === "broken" && verdict.why === firstVerdict.why;
      if (isSame) ({ counterexample } = verdict);
      return isSame;
    },
    () => ++tries <= shrinksMax && performance.now() < untilMs,
  );
  return `${counterexample}\n\nagain with: SEED=${seed} npm run test:oracle`;
}

/** The tests of one half. */
export function pipelinesOfHalf(mine: 0 | 1): void {
  const seeds = (only === undefined ? Array.from({ length: runs }, (_, run) => first + run) : [only]).filter(
    (seed) => seed % 2 === mine,
  );
  let bench: EngineBench;
  beforeAll(async () => {
    bench = await EngineBench.open();
  });
  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });

  describe.skipIf(seeds.length === 0)("random pipelines with random histories", () => {
    const coverage = new Coverage();
    test(
      "every view at every version, and every batch of a streaming table, is what its batch query gives",
      { timeout: 120_000 + failuresMax * 2 * shrinkMs + seeds.length * caseMs },
      async () => {
        const startedMs = performance.now();
        let [refused, toldMs] = [0, startedMs];
        const failures: string[] = [];
        console.log(`oracle: ${seeds.length} pipelines, of the seeds ${seeds[0]} to ${seeds.at(-1)}`);
        for (const [index, seed] of seeds.entries()) {
          const verdict = await examine(bench, caseOf(seed), coverage);
          if (verdict.kind === "refused") refused++;
          if (verdict.kind === "broken") {
            failures.push(await told(bench, seed));
            if (failures.length < failuresMax) console.log(failures.at(-1));
            else break;
          }
          if (performance.now() - toldMs < progressMs) continue;
          toldMs = performance.now();
          console.log(
            `oracle: ${index + 1} of ${seeds.length} pipelines of this half, ${Math.round((toldMs - startedMs) / 1_000)} s`,
          );
        }
        if (failures.length > 0) expect.fail(failures.join("\n\n"));
        const seconds = Math.round((performance.now() - startedMs) / 1_000);
        console.log(
          `oracle: ${seeds.length} pipelines in ${seconds} s, ${refused} of them refused\n${coverage.toString()}`,
        );
        expect(refused, "refused pipelines test nothing").toBeLessThan(Math.max(2, seeds.length * 0.2));
      },
    );

    test.skipIf(seeds.length < 25)("nothing that the oracle can draw is missing among them", () => {
      expect(coverage.missing(seeds.length)).toEqual([]);
      expect(coverage.followedShare, "refreshes by changes where they are asked for").toBeGreaterThan(0.6);
    });
  });
}

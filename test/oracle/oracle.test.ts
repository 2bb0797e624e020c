/**
 * The law of the engine (SPEC.md 8) over random pipelines with random histories. `ORACLE_RUNS` says how many; a failure names the seed and
 * the command that finds it again.
 */
import { randomInt } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EngineBench } from "../support/engine-harness.ts";
import { drawnCase, examine, type Case } from "./case.ts";
import { Coverage } from "./coverage.ts";
import { smallestCase } from "./smallest-case.ts";

const runs = Number(process.env["ORACLE_RUNS"] ?? 50);
/** The same pipelines at every run; `SEED=random` draws others. */
const seed = process.env["SEED"] === "random" ? randomInt(2 ** 31) : Number(process.env["SEED"] ?? 8);
const path = process.env["FC_PATH"];
const again = (at: string | null): string =>
  `again with: SEED=${seed} ORACLE_RUNS=${runs}${at === null ? "" : ` FC_PATH=${at}`} npm run test:oracle`;

/** How long, and how often, a counterexample is made smaller. */
const shrinkMs = 60_000;
const shrinksMax = 400;
const progressMs = 5_000;

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

/** A counterexample in words, after it was made as small as the time allows. */
async function told(open: EngineBench, broken: Case): Promise<string> {
  const untilMs = performance.now() + shrinkMs;
  let tries = 0;
  const first = await examine(open, broken, new Coverage());
  if (first.kind !== "broken")
    throw new Error("The counterexample is none when it is judged again: something is not in its seed.");
  let { counterexample } = first;
  await smallestCase(
    broken,
    async (candidate) => {
      const verdict = await examine(open, candidate, new Coverage());
      const isSame = verdict.kind === "broken" && verdict.why === first.why;
      if (isSame) ({ counterexample } = verdict);
      return isSame;
    },
    () => ++tries <= shrinksMax && performance.now() < untilMs,
  );
  return counterexample;
}

describe("random pipelines with random histories", () => {
  test(
    "every view at every version, and every batch of a streaming table, is what its batch query gives",
    { timeout: 120_000 + runs * 3_000 },
    async () => {
      const coverage = new Coverage();
      const startedMs = performance.now();
      let [done, refused, toldMs] = [0, 0, startedMs];
      let broken: Case | undefined;
      console.log(`oracle: ${runs} pipelines, SEED=${seed}`);
      const property = fc.asyncProperty(drawnCase, async (drawn) => {
        const verdict = await examine(bench, drawn, coverage);
        if (verdict.kind === "broken") broken = drawn;
        if (verdict.kind === "refused") refused++;
        done++;
        if (performance.now() - toldMs >= progressMs) {
          toldMs = performance.now();
          console.log(`oracle: ${done} of ${runs} pipelines, ${Math.round((toldMs - startedMs) / 1_000)} s`);
        }
        return verdict.kind !== "broken";
      });
      const replay = path === undefined ? {} : { path };
      const out = await fc.check(property, { seed, numRuns: runs, endOnFailure: true, ...replay });
      if (broken !== undefined) throw new Error(`${await told(bench, broken)}\n\n${again(out.counterexamplePath)}`);
      if (out.failed) throw out.errorInstance;
      const seconds = Math.round((performance.now() - startedMs) / 1_000);
      console.log(`oracle: ${done} pipelines in ${seconds} s, ${refused} of them refused\n${coverage.toString()}`);
      if (path !== undefined) return;
      expect(refused, "refused pipelines test nothing").toBeLessThan(Math.max(2, runs * 0.2));
      if (runs >= 50) expect(coverage.missing(), again(null)).toEqual([]);
    },
  );
});

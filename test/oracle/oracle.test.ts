/**
 * The law of the engine (SPEC.md 8) over random pipelines with random histories. `ORACLE_RUNS` says how many; a failure names the seed and
 * the command that finds it again.
 */
import { randomInt } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EngineBench } from "../support/engine-harness.ts";
import { drawnCase, examine } from "./case.ts";
import { Coverage } from "./coverage.ts";

const runs = Number(process.env["ORACLE_RUNS"] ?? 50);
/** The same pipelines at every `npm test`, others at every longer run. */
const seed = Number(process.env["SEED"] ?? (process.env["ORACLE_RUNS"] === undefined ? 8 : randomInt(2 ** 31)));
const path = process.env["FC_PATH"];
const again = (at: string | null): string =>
  `again with: SEED=${seed} ORACLE_RUNS=${runs}${at === null ? "" : ` FC_PATH=${at}`} npm run test:oracle`;

/** Pipelines that are tried to make a counterexample smaller; each takes as long as the one before. */
const shrinksMax = 200;
const progressMs = 5_000;

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

describe("random pipelines with random histories", () => {
  test(
    "every view at every version, and every batch of a streaming table, is what its batch query gives",
    { timeout: 120_000 + runs * 3_000 },
    async () => {
      const coverage = new Coverage();
      const startedMs = performance.now();
      let [done, refused, shrinks, toldMs] = [0, 0, 0, startedMs];
      let hasFailed = false;
      console.log(`oracle: ${runs} pipelines, SEED=${seed}`);
      const property = fc.asyncProperty(drawnCase, async (drawn) => {
        if (hasFailed && ++shrinks > shrinksMax) return;
        const verdict = await examine(bench, drawn, coverage);
        hasFailed ||= verdict.kind === "broken";
        if (verdict.kind === "broken") throw new Error(verdict.counterexample);
        if (verdict.kind === "refused") refused++;
        done++;
        if (hasFailed || performance.now() - toldMs < progressMs) return;
        toldMs = performance.now();
        console.log(`oracle: ${done} of ${runs} pipelines, ${Math.round((toldMs - startedMs) / 1_000)} s`);
      });
      const out = await fc.check(property, { seed, numRuns: runs, ...(path === undefined ? {} : { path }) });
      if (out.failed) {
        const reason = out.errorInstance instanceof Error ? out.errorInstance.message : String(out.errorInstance);
        throw new Error(`${reason}\n\n${again(out.counterexamplePath)}`);
      }
      const seconds = Math.round((performance.now() - startedMs) / 1_000);
      console.log(`oracle: ${done} pipelines in ${seconds} s, ${refused} of them refused\n${coverage.toString()}`);
      if (path !== undefined) return;
      expect(refused, "refused pipelines test nothing").toBeLessThan(Math.max(2, runs * 0.2));
      if (runs >= 50) expect(coverage.missing(), again(null)).toEqual([]);
    },
  );
});

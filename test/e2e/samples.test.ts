/** `npm start -- --pipeline …`: the samples with made-up streams, from an empty folder to their proof. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runSample, sampleNames, type SampleSummary } from "../../local/demo/index.ts";
import { silentLogger, systemClock, systemRandom } from "../../shared/core/index.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const runLimitMs = 180_000;
const events = 1_000;

/** How many comparisons each sample's proof has at least, and the tables that end it. */
const proofs = {
  "customer-events": { checks: 9, gold: ["gold.fact_events", "gold.customer_metrics"] },
  sensors: { checks: 4, gold: ["gold.machine_temperature"] },
} as const;

it.each(sampleNames)("%s proves every table against what was sent", { timeout: 200_000 }, async (name) => {
  await using folder = await temporaryFolder();
  const summary = await run(name, folder.path);
  expect(summary.checks.filter((check) => !check.ok)).toEqual([]);
  expect(summary.checks.length).toBeGreaterThanOrEqual(proofs[name].checks);
  expect(summary.events).toBeGreaterThanOrEqual(events);
  for (const table of proofs[name].gold) expect(summary.rows[table], table).toBeGreaterThan(10);
});

/** A run that does not end in time says what the Functions said last. */
async function run(name: (typeof sampleNames)[number], directory: string): Promise<SampleSummary> {
  try {
    return await runSample(
      name,
      { events, rate: "max", seed: 3, partitions: 2, directory },
      {
        clock: systemClock,
        random: systemRandom,
        logger: silentLogger,
        onStep: () => undefined,
        onProgress: () => undefined,
        signal: AbortSignal.timeout(runLimitMs),
      },
    );
  } catch (cause) {
    const log = await readFile(join(directory, "logs/functions.log"), "utf8").catch(() => "");
    throw new Error(`the Functions said last:\n${log.trimEnd().split("\n").slice(-12).join("\n")}`, { cause });
  }
}

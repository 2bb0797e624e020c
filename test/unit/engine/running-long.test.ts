/**
 * Five hundred batches of bronze with everything real but the store, which is in memory: a batch costs the same at the end as at the
 * beginning, and logs stay short. The ten thousand of all tables are in test/long.
 */
import { expect, test } from "vitest";
import { limits } from "../../../shared/core/index.ts";
import { EngineBench } from "../../support/engine-harness.ts";
import { growthOf, roundsPerDay, runLong } from "../../support/engine-long-run.ts";

test("five hundred batches of bronze cost the same at the end as at the beginning", { timeout: 120_000 }, async () => {
  await using bench = await EngineBench.open();
  const run = await runLong(bench, { tables: "bronze", batchesMin: 500 });
  expect(run.batches).toBe(run.rounds);
  for (const growth of growthOf(run)) {
    expect(growth.files).toBe(1);
    expect(growth.calls).toBeLessThan(1.3);
    expect(growth.readBytes).toBeLessThan(1.3);
    expect(growth.writtenBytes).toBeLessThan(1.3);
  }
  // A lane keeps a hundred batches of three entries and is cleaned every hundred; a log has a month and the longest tail.
  expect(run.most["bronze.events checkpoint"]).toBeLessThan(2 * 3 * limits.laneEntriesKept + 10);
  const month = 30 * roundsPerDay;
  const tail = limits.checkpointTailCommitsMin + limits.checkpointLookCommits;
  expect(run.most["lake/bronze/events log"]).toBeLessThan(month + 2 * tail);
  expect(Math.max(...run.coldCalls)).toBeLessThan(tail + 50);
  expect(run.complaints).toEqual([]);
  expect(await run.world.rows("bronze.events")).toHaveLength(run.rounds);
});

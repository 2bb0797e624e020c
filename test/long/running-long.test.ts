/**
 * Ten thousand batches through bronze, silver and gold with everything real but the stores, which are in memory: a batch costs the same at
 * the end as at the beginning, maintenance included, and nothing but data grows.
 */
import { expect, test } from "vitest";
import { limits } from "../../shared/core/index.ts";
import { EngineBench } from "../support/engine-harness.ts";
import { growthOf, roundsPerDay, rowsAfter, runLong } from "../support/engine-long-run.ts";

const batchesMin = 10_000;
/** The tables with a log: bronze, silver, its quarantine and state, gold. */
const tables = 5;

test("ten thousand batches cost the same at the end as at the beginning, and nothing but data grows", async () => {
  await using bench = await EngineBench.open();
  const run = await runLong(bench, { tables: "all", batchesMin });
  console.log(JSON.stringify({ batches: run.batches, growth: growthOf(run), most: run.most, cold: run.coldCalls }));
  expect(run.batches).toBeGreaterThanOrEqual(batchesMin);
  for (const growth of growthOf(run)) {
    expect(growth.files).toBeCloseTo(1, 1);
    expect(growth.calls).toBeLessThan(1.3);
    expect(growth.readBytes).toBeLessThan(1.3);
    expect(growth.writtenBytes).toBeLessThan(1.3);
  }
  const tail = limits.checkpointTailCommitsMin + limits.checkpointLookCommits;
  const month = 30 * roundsPerDay;
  // The view keeps its groups by day, as it is partitioned itself: a file a day is data.
  const days = Math.ceil(run.rounds / roundsPerDay);
  for (const [what, most] of Object.entries(run.most)) {
    if (what.endsWith("checkpoint")) expect(most, what).toBeLessThan(2 * 3 * limits.laneEntriesKept + 10);
    else if (what.endsWith("state log")) expect(most, what).toBeLessThan(3 * tail);
    else if (what.endsWith("state files"))
      expect(most, what).toBeLessThan(tail + (what.startsWith("gold.") ? days : 0));
    else expect(most, what).toBeLessThan(month + 3 * tail);
  }
  // A new instance replays the tail of each table, at worst twice: as the batch needs it, and as it stands.
  expect(Math.max(...run.coldCalls)).toBeLessThan(2 * tables * tail);
  expect(run.complaints).toEqual([]);
  const rows = rowsAfter(run.rounds);
  expect(await run.world.rows("bronze.events")).toHaveLength(run.rounds);
  expect(await run.world.rows("silver.readings")).toHaveLength(rows);
  const totals = await run.world.rows("gold.by_device");
  expect(totals.reduce((sum, row) => sum + Number(row["readings"]), 0)).toBe(rows);
});

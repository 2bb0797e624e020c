/** A change that cannot be computed from the changed files is no failure of the view: the query decides (engine-rules 8, 12). */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DuckDbCompute, type Compute } from "../../../shared/compute/index.ts";
import { seededRandom } from "../../../shared/core/index.ts";
import { call, column, text } from "../../../shared/engine/incremental/expressions.ts";
import { long, materializedView, read, sum, tablePath } from "../../../shared/pipeline/index.ts";
import { committedBatches, judgeView } from "../../support/engine-oracle.ts";
import type { EngineWorld } from "../../support/engine-harness.ts";
import { expectViewLaw, fileWith, sale, sales, salesWorld, sell, stocked, unsell } from "../../support/view-sales.ts";

const soon = { minInterval: "0 seconds" } as const;
const rows = read(sales);

let bench: { readonly compute: Compute; readonly directory: string };
beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), "dyne-failures-"));
  // Without a cache, so that a file that is gone from the store is gone.
  const settings = { directory, memoryLimitMb: 512, threads: 1, cacheBytes: 1 };
  bench = { compute: await DuckDbCompute.open(settings, seededRandom(7)), directory };
});
afterAll(async () => {
  await bench.compute.close();
  await rm(bench.directory, { recursive: true, force: true });
});

const withoutItem = (item: string) => call("not", call("eq_null_safe", column("item"), text(item)));

async function lastStrategy(world: EngineWorld, name: string) {
  return (await committedBatches(world, name)).at(-1)?.commit.progress.strategy;
}

test(
  "two rows that never were there together and fail as a pair do not fail the view",
  { timeout: 60_000 },
  async () => {
    const view = materializedView("gold.ratio", {
      ...soon,
      query: rows
        .filter(({ item }) => item.eq("part"))
        .select(({ shop, amount }) => ({ shop, part: amount }))
        .join(
          rows.filter(({ item }) => item.eq("whole")).select(({ shop, amount }) => ({ shop, whole: amount })),
          "shop",
        )
        .select(({ part, whole }) => ({ part, times: part.divide(whole).cast(long()) })),
    });
    const world = await salesWorld(bench, [view]);
    await stocked(world);
    await sell(world, [sale({ shop: "q", item: "part", amount: 4 })]);
    await sell(world, [sale({ shop: "q", item: "whole", amount: 2 })]);
    await world.quiet();
    await unsell(world, withoutItem("part"), await fileWith(world, "part"));
    await sell(world, [sale({ shop: "q", item: "whole", amount: 0 })]);
    await world.quiet();
    expect(await lastStrategy(world, "gold.ratio")).toMatchObject({
      name: "full",
      reason: expect.stringMatching(/^the change cannot be computed: .*divi/i),
    });
    await expectViewLaw(world, [view], "after the pair that never was");
  },
);

test("a file that a change removed and a vacuum took is not missed", { timeout: 60_000 }, async () => {
  const view = materializedView("gold.totals", {
    ...soon,
    query: rows.groupBy("shop").agg(({ amount }) => ({ total: sum(amount) })),
  });
  const world = await salesWorld(bench, [view]);
  await stocked(world);
  await sell(world, [sale({ shop: "q", item: "gone", amount: 4 })]);
  await world.quiet();
  const table = world.table(tablePath("bronze.sales"));
  const named = async () => [...(await table.latest()).files].map(({ path }) => path);
  const before = await named();
  await unsell(world, withoutItem("gone"), await fileWith(world, "gone"));
  const after = new Set(await named());
  const removed = before.filter((path) => !after.has(path));
  expect(removed).toHaveLength(1);
  for (const path of removed) await world.estate.lake.delete(`${table.path}/${path}`);
  await world.quiet();
  expect(await lastStrategy(world, "gold.totals")).toMatchObject({
    name: "full",
    reason: expect.stringMatching(/^the change cannot be computed: .*is gone/),
    isStateKept: true,
  });
  const { actual, lawful } = await judgeView(world, "gold.totals");
  expect(actual).toEqual(lawful);

  await sell(world, [sale({ shop: "q", item: "next", amount: 5 })]);
  await world.quiet();
  expect((await lastStrategy(world, "gold.totals"))?.name, "and goes on from there").toBe("merge-partials");
});

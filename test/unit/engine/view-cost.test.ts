/** What a refresh costs follows the change and the files that it touches, not the size of the table (engine-rules 11). Bytes are counted. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DuckDbCompute, type Compute } from "../../../shared/compute/index.ts";
import { seededRandom, type Random } from "../../../shared/core/index.ts";
import type { DeclaredTable } from "../../../shared/pipeline/index.ts";
import { EngineWorld } from "../../support/engine-harness.ts";
import { committedBatches, judgeView } from "../../support/engine-oracle.ts";
import { Meter } from "../../support/metered-store.ts";
import { sale, salesPipeline, salesViews, sell, type Sale } from "../../support/view-sales.ts";

const days = 100;
const salesPerDay = 2_000;
const changedDay = 37;

let bench: { readonly compute: Compute; readonly directory: string };
beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), "dyne-cost-"));
  // Nothing stays on the local disk from one job to the next, so that every read is one of the store.
  const settings = { directory, memoryLimitMb: 512, threads: 1, cacheBytes: 1 };
  bench = { compute: await DuckDbCompute.open(settings, seededRandom(7)), directory };
});
afterAll(async () => {
  await bench.compute.close();
  await rm(bench.directory, { recursive: true, force: true });
});

/** Bytes of the refresh of a view after one day in a hundred changed, and what was read and written for it. */
async function refreshCost(view: DeclaredTable): Promise<{ meter: Meter; world: EngineWorld }> {
  const random = seededRandom(11);
  const meter = new Meter();
  const world = new EngineWorld({
    bench,
    pipeline: salesPipeline([view]),
    wrap: (store) => meter.of(store),
  });
  await world.engine.sweep();
  const day = (number: number) => Array.from({ length: salesPerDay }, () => randomSale(random, number));
  await sell(world, Array.from({ length: days }, (_, number) => day(number)).flat());
  await world.quiet();
  await sell(world, day(changedDay));
  meter.reset();
  await world.engine.sweep();
  return { meter, world };
}

function randomSale(random: Random, day: number): Sale {
  const upTo = (n: number) => Math.floor(random.next() * n);
  return sale({
    day,
    shop: `shop ${upTo(20)}`,
    item: `item ${upTo(300)}`,
    amount: upTo(1_000_000),
    price: `${upTo(100_000)}.${10 + upTo(89)}`,
    weight: random.next(),
  });
}

test(
  "a change of one percent costs at most a twentieth of a full refresh, and reads no file of the input beside its own",
  { timeout: 120_000 },
  async () => {
    const merged = await refreshCost(salesViews.perShop);
    const full = await refreshCost({ ...salesViews.perShop, refresh: "full" });
    const strategyOf = async ({ world }: typeof merged) =>
      (await committedBatches(world, "gold.per_shop")).at(-1)?.commit.progress.strategy.name;
    expect([await strategyOf(merged), await strategyOf(full)]).toEqual(["merge-partials", "full"]);

    expect(bytesOf(full.meter)).toBeGreaterThan(1_000_000);
    expect(bytesOf(merged.meter) / bytesOf(full.meter)).toBeLessThan(0.05);

    const data = (paths: Meter["read"]) => paths.map(({ path }) => path).filter((path) => path.endsWith(".parquet"));
    const ofInput = new Set(data(merged.meter.read).filter((path) => path.includes("/bronze/")));
    expect(ofInput.size, "files of the input: the one that was added").toBe(1);
    const partitions = new Set(
      data([...merged.meter.read, ...merged.meter.written]).flatMap(
        (path) => /=(\d{4}-\d\d-\d\d)\//.exec(path)?.[1] ?? [],
      ),
    );
    expect([...partitions], "partitions of view and hidden tables").toHaveLength(1);

    const { actual, lawful } = await judgeView(merged.world, "gold.per_shop");
    expect(actual).toEqual(lawful);
  },
);

const bytesOf = ({ readBytes, writtenBytes }: Meter): number => readBytes + writtenBytes;

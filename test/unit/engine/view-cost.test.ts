/** What a refresh costs follows the change and the files that it touches, not the size of the table (engine-rules 11). Bytes are counted. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DuckDbCompute, type Compute } from "../../../shared/compute/index.ts";
import { seededRandom, type Random } from "../../../shared/core/index.ts";
import { call, column, text } from "../../../shared/engine/incremental/expressions.ts";
import {
  count,
  materializedView,
  read,
  rowNumber,
  sum,
  tablePath,
  type DeclaredTable,
} from "../../../shared/pipeline/index.ts";
import type { ColumnTypes, DataFrame } from "../../../shared/plan/index.ts";
import { EngineWorld } from "../../support/engine-harness.ts";
import { committedBatches, judgeView } from "../../support/engine-oracle.ts";
import { Meter } from "../../support/metered-store.ts";
import { sale, sales, salesPipeline, salesViews, firstDay, sell, unsell, type Sale } from "../../support/view-sales.ts";

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

const soon = { minInterval: "0 seconds" } as const;
const rows = read(sales);
const withLarge = rows
  .select(({ day, shop, item, amount }) => ({ day, shop, item, amount }))
  .join(
    rows
      .filter(({ amount }) => amount.gt(990_000))
      .select(({ day, shop, item, amount: large }) => ({ day, shop, other: item, large })),
    ["day", "shop"],
  );
/** The sales of a shop and day beside each of its largest, as often as there are names. */
const largeBeside = (places: readonly string[]): DataFrame<ColumnTypes> =>
  places.reduce<DataFrame<ColumnTypes>>(
    (joined, place, index) =>
      joined.join(
        rows
          .filter(({ amount }) => amount.gt(995_000 - index * 500))
          .select(({ day, shop, amount }) => ({ day, shop, [place]: amount })),
        ["day", "shop"],
      ),
    rows.filter(({ amount }) => amount.gt(990_000)).select(({ day, shop, amount }) => ({ day, shop, amount })),
  );
/** Ways to refresh a view, each with a view whose rows are kept by day. */
const ways: readonly {
  readonly what: string;
  readonly way: "append" | "merge-partials" | "recompute-keys";
  readonly change: "sold" | "taken back";
  readonly query: DataFrame<ColumnTypes>;
}[] = [
  { what: "rows of a join", way: "append", change: "sold", query: withLarge },
  {
    what: "rows of five joins",
    way: "append",
    change: "sold",
    query: largeBeside(["a", "b", "c", "d", "e"]),
  },
  {
    what: "groups over a join",
    way: "merge-partials",
    change: "sold",
    query: withLarge
      .groupBy("day", "shop")
      .agg(({ large, amount }) => ({ pairs: count(), large: sum(large), all: sum(amount) })),
  },
  { what: "rows of a join of which some went", way: "recompute-keys", change: "taken back", query: withLarge },
  {
    what: "the first of each partition",
    way: "recompute-keys",
    change: "sold",
    query: rows
      .withColumns(({ day, shop, amount, item }) => ({
        place: rowNumber().over({ partitionBy: [day, shop], orderBy: [amount.desc(), item] }),
      }))
      .filter(({ place }) => place.le(10))
      .select(({ day, shop, item, amount, place }) => ({ day, shop, item, amount, place })),
  },
  {
    what: "rows found by their columns",
    way: "recompute-keys",
    change: "taken back",
    query: rows.select(({ day, shop, amount }) => ({ day, shop, amount })),
  },
];

describe("after a change of one percent", () => {
  const views = ways.map(({ query }, index) => ({
    changing: materializedView(`gold.changing_${index}`, { ...soon, query, partitionBy: ["day"] }),
    full: materializedView(`gold.full_${index}`, { ...soon, refresh: "full", query, partitionBy: ["day"] }),
  }));
  const meter = new Meter();
  let world: EngineWorld;
  let random: Random;
  const day = (number: number) => Array.from({ length: salesPerDay }, () => randomSale(random, number));
  beforeAll(async () => {
    random = seededRandom(11);
    world = new EngineWorld({
      bench,
      pipeline: salesPipeline(views.flatMap(({ changing, full }) => [changing, full])),
      wrap: (store) => meter.of(store),
    });
    await world.engine.sweep();
    await sell(world, Array.from({ length: days }, (_, number) => day(number)).flat());
  }, 120_000);

  async function costOf(name: string): Promise<{ bytes: number; way: string | undefined }> {
    meter.reset();
    await world.engine.ring(name);
    const strategy = (await committedBatches(world, name)).at(-1)?.commit.progress.strategy;
    return { bytes: bytesOf(meter), way: strategy?.name };
  }

  test.each(ways.map((each, index) => ({ ...each, ...views[index]!, changed: changedDay + index })))(
    "$what cost at most a twentieth of a full refresh, by $way",
    { timeout: 120_000 },
    async ({ way, change, changed, changing, full }) => {
      await world.engine.ring(changing.name);
      await world.engine.ring(full.name);
      if (change === "sold") await sell(world, day(changed));
      else {
        const files = [...(await world.table(tablePath("bronze.sales")).latest()).files];
        const name = new Date((firstDay + changed) * 86_400_000).toISOString().slice(0, 10);
        const which = files.findIndex(({ partitionValues }) => partitionValues["day"] === name);
        await unsell(world, call("not", call("eq", column("item"), text("item 7"))), which);
      }
      const own = await costOf(changing.name);
      const whole = await costOf(full.name);
      expect([own.way, whole.way]).toEqual([way, "full"]);
      expect(whole.bytes).toBeGreaterThan(500_000);
      expect(own.bytes / whole.bytes).toBeLessThan(0.05);
      const { actual, lawful } = await judgeView(world, changing.name);
      expect(actual).toEqual(lawful);
    },
  );
});

const bytesOf = ({ readBytes, writtenBytes }: Meter): number => readBytes + writtenBytes;

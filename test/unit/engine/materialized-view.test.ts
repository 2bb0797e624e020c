/**
 * Laws of materialized views (engine-rules 8, 10): after each of its batches a view equals its batch query over its inputs at the versions
 * of that batch, whatever was appended, deleted or rewritten in between.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dyingAtCommit, expectCrash } from "../../support/engine-faults.ts";
import { tablePath } from "../../../shared/pipeline/index.ts";
import { rewriteTable } from "../../support/engine-foreign.ts";
import { EngineBench, EngineWorld } from "../../support/engine-harness.ts";
import { committedBatches, judgeHistory, judgeView } from "../../support/engine-oracle.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { readingAt } from "../../support/engine-scenario.ts";
import { call, column, filter, long, text } from "../../../shared/engine/incremental/expressions.ts";

const seed = Number(process.env["SEED"] ?? 53);
const numRuns = Number(process.env["RUNS"] ?? 3);
const replay = `again with: SEED=${seed} RUNS=${numRuns} [FC_PATH=…] npx vitest run --project unit test/unit/engine/materialized-view.test.ts`;
const settings: fc.Parameters<unknown> = {
  seed,
  numRuns,
  endOnFailure: process.env["SHRINK"] === undefined,
  ...(process.env["FC_PATH"] === undefined ? {} : { path: process.env["FC_PATH"] }),
};
const pipeline = engineFixture();
const views = ["gold.by_device", "gold.by_site", "gold.with_device", "gold.total"];

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

async function newWorld(): Promise<EngineWorld> {
  const world = new EngineWorld({ bench, pipeline });
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\nd2,south,7\n");
  await world.engine.sweep();
  return world;
}

/** The next reading, on time; those whose value is divisible by three lie on the next day. */
let ids = 0;
function nextReading(world: EngineWorld, device: string | null, value: number | null) {
  const minutes = world.estate.arrivals * 5 + (value !== null && value % 3 === 0 ? 1_440 : 0);
  return readingAt(minutes, `r${ids++}`, device, value);
}

async function expectLaw(world: EngineWorld, where: string): Promise<void> {
  for (const view of views) {
    for (const [batch, { actual, lawful }] of (await judgeHistory(world, view)).entries()) {
      expect(actual, `${view}, batch ${batch}, ${where}`).toEqual(lawful);
    }
    const { actual, lawful } = await judgeView(world, view);
    expect(actual, `${view} now, ${where}`).toEqual(lawful);
  }
}

type Step =
  | {
      readonly kind: "append";
      readonly rows: readonly { readonly device: string | null; readonly value: number | null }[];
    }
  | { readonly kind: "optimize"; readonly table: string; readonly which: number | undefined }
  | { readonly kind: "delete"; readonly above: number; readonly which: number | undefined }
  | { readonly kind: "land"; readonly weight: number }
  | { readonly kind: "restart" };

const tables = ["bronze.events", "silver.readings", ...views];
/** One of the files, or all of them. */
const which = fc.option(fc.nat(20), { nil: undefined });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      rows: fc.array(
        fc.record({ device: fc.constantFrom("d1", "d2", "d9", null), value: fc.integer({ min: 0, max: 1_000 }) }),
        { minLength: 1, maxLength: 4 },
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("optimize" as const), table: fc.constantFrom(...tables), which }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("delete" as const), above: fc.integer({ min: 0, max: 1_000 }), which }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("land" as const), weight: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
);

async function take(world: EngineWorld, now: Step): Promise<void> {
  switch (now.kind) {
    case "append":
      for (const [index, { device, value }] of now.rows.entries())
        world.send(String(index % 2), [nextReading(world, device, value)]);
      return world.engine.sweep();
    case "optimize":
      await rewriteTable(world, now.table, { dataChange: false, which: now.which });
      return world.engine.sweep();
    case "delete": {
      const kept = call("le", column("value"), long(now.above));
      await rewriteTable(world, "silver.readings", {
        dataChange: true,
        which: now.which,
        keep: (rows) => filter(rows, kept),
      });
      return world.engine.sweep();
    }
    case "land":
      await world.land(`landing/devices/${now.weight}.csv`, `code,site,weight\nd9,east,${now.weight}\n`);
      return world.engine.sweep();
    case "restart":
      return world.restart();
  }
}

describe("a materialized view", () => {
  test(
    "equals its batch query after each batch, with deletes and OPTIMIZE in between",
    { timeout: 120_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 12, size: "max" }), async (history) => {
          const world = await newWorld();
          for (const now of history) await take(world, now);
          await world.quiet();
          await expectLaw(world, replay);
          expect(world.lines, replay).toEqual([]);
        }),
        settings,
      );
    },
  );

  test.each(["gold.by_device", "gold.by_site", "gold.total"])(
    "%s redoes only the merge when its files were rewritten between outcome and commit",
    { timeout: 30_000 },
    async (view) => {
      const world = await newWorld();
      for (let n = 0; n < 3; n++) {
        world.send("0", [nextReading(world, "d1", n), nextReading(world, "d2", n), nextReading(world, null, n)]);
        await world.engine.sweep();
      }
      const before = (await committedBatches(world, view)).length;
      world.send("0", [nextReading(world, "d2", 900), nextReading(world, "d1", 10)]);
      world.restart(dyingAtCommit(tablePath(view)));
      await world.engine.sweep().catch(expectCrash);
      await rewriteTable(world, view, { dataChange: false });
      world.restart();
      await world.quiet();
      expect(await committedBatches(world, view)).toHaveLength(before + 1);
      const redone = (await world.hostPaths()).filter(
        (path) => path.startsWith(`checkpoints/${view}/`) && path.endsWith(".1"),
      );
      expect(redone).toEqual([expect.stringMatching(new RegExp(`outcome/0*${before + 1}\\.1$`))]);
      await expectLaw(world, "after the redo");
    },
  );

  test(
    "redoes the merge again when its files are rewritten once more before the next try",
    { timeout: 30_000 },
    async () => {
      const view = "gold.by_device";
      const world = await newWorld();
      for (let n = 0; n < 2; n++) {
        world.send("0", [nextReading(world, "d1", n), nextReading(world, "d2", n)]);
        await world.engine.sweep();
      }
      world.send("0", [nextReading(world, "d2", 9)]);
      for (let time = 0; time < 3; time++) {
        world.restart(dyingAtCommit(tablePath(view)));
        await world.engine.sweep().catch(expectCrash);
        await rewriteTable(world, view, { dataChange: false });
      }
      world.restart();
      await world.quiet();
      const redone = (await world.hostPaths()).filter((path) => /gold\.by_device\/.*\.\d+$/.test(path));
      expect(redone.map((path) => path.slice(path.lastIndexOf(".")))).toEqual([".1", ".2", ".3"]);
      await expectLaw(world, "after three redos");
    },
  );

  test("commits nothing when an input was only rewritten", async () => {
    const world = await newWorld();
    world.send("0", [nextReading(world, "d1", 1), nextReading(world, "d2", 2)]);
    await world.quiet();
    const before = await Promise.all(views.map((view) => committedBatches(world, view)));
    await rewriteTable(world, "silver.readings", { dataChange: false });
    await rewriteTable(world, "bronze.events", { dataChange: false });
    await world.quiet();
    expect(await Promise.all(views.map((view) => committedBatches(world, view)))).toEqual(before);
    await expectLaw(world, "after the rewrite");
  });

  test("loses the groups whose rows were deleted upstream, by recomputing the touched groups alone", async () => {
    const world = await newWorld();
    for (const device of ["d1", "d2", "gone", "d1", "d2", "d9"]) {
      world.send("0", [nextReading(world, device, 1), nextReading(world, "d1", 2)]);
      await world.engine.sweep();
    }
    const kept = call("ne", column("device"), text("gone"));
    const files = [...(await world.table("lake/silver/readings").latest()).files].map(({ stats }) => stats ?? "");
    await rewriteTable(world, "silver.readings", {
      dataChange: true,
      which: files.findIndex((stats) => stats.includes("gone")),
      keep: (rows) => filter(rows, kept),
    });
    await world.quiet();
    const last = (await committedBatches(world, "gold.by_device")).at(-1);
    expect(last?.commit.progress.strategy.name).toBe("recompute-keys");
    expect((await world.rows("gold.by_device")).map((row) => row["device"])).not.toContain("gone");
    await expectLaw(world, "after the delete");
  });

  test("rewrites nothing when a change touches none of its groups", async () => {
    const world = await newWorld();
    for (let n = 0; n < 4; n++) {
      world.send("0", [nextReading(world, "d1", n), nextReading(world, "d2", n)]);
      await world.engine.sweep();
    }
    const version = async () => (await world.table("lake/gold/by_site").latest()).version;
    const before = await version();
    world.send("0", [nextReading(world, "d1", 950)]);
    await world.quiet();
    await expectLaw(world, "after a row that the view leaves out");
    expect(await version()).toBe(before);
  });

  test("keeps groups of NULL apart from all others", async () => {
    const world = await newWorld();
    for (const device of [null, "d1", null, "unknown", "d1"]) {
      world.send("0", [nextReading(world, device, 5)]);
      await world.engine.sweep();
    }
    await expectLaw(world, "with NULL keys");
    expect((await world.rows("gold.by_device")).map(({ device, readings }) => [device, readings])).toContainEqual([
      null,
      2,
    ]);
  });

  test("adds a small change to the groups that it touches, and says so", async () => {
    const world = await newWorld();
    for (let n = 0; n < 6; n++) {
      world.send("0", [nextReading(world, "d1", n), nextReading(world, "d2", n)]);
      await world.engine.sweep();
    }
    for (const view of ["gold.by_device", "gold.total"]) {
      const strategies = (await committedBatches(world, view)).map(({ commit }) => commit.progress.strategy);
      expect(strategies[0]?.name).toBe("full");
      expect(strategies.at(-1)).toMatchObject({ name: "merge-partials", change: { files: expect.any(Number) } });
    }
    const join = (await committedBatches(world, "gold.with_device")).map(({ commit }) => commit.progress.strategy.name);
    expect(new Set(join)).toEqual(new Set(["full", "append"]));
  });
});

/** Landed files → bronze (engine-rules 21): each (path, etag) once, whoever announces it and however often. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { limits } from "../../../../shared/core/index.ts";
import { aroundStore, Crash, CrashPoint, expectCrash } from "../../../support/engine-faults.ts";
import { EngineBench, EngineWorld } from "../../../support/engine-harness.ts";
import { committedBatches } from "../../../support/engine-oracle.ts";
import { engineFixture } from "../../../support/engine-pipeline.ts";

const bronze = "bronze.devices";
const header = "code,site,weight\n";

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

function newWorld(): EngineWorld {
  return new EngineWorld({ bench, pipeline: engineFixture() });
}

async function codes(world: EngineWorld): Promise<string[]> {
  return (await world.rows(bronze)).map((row) => String(row["code"])).sort();
}

describe("a landed file", () => {
  test("is read once, however often and by whomever it is announced", async () => {
    const world = newWorld();
    await world.land("landing/devices/a.csv", `${header}d1,north,5\n`);
    for (let time = 0; time < 3; time++) await world.engine.blobCreated("landing/devices/a.csv");
    await Promise.all([world.engine.blobCreated("landing/devices/a.csv"), world.engine.sweep()]);
    world.restart();
    await world.engine.blobCreated("landing/devices/a.csv");
    await world.quiet();
    expect(await codes(world)).toEqual(["d1"]);
    expect(await committedBatches(world, bronze)).toHaveLength(1);
  });

  test("that nobody announced is found by the sweep", async () => {
    const world = newWorld();
    await world.land("landing/devices/deep/er/a.csv", `${header}d1,north,5\n`);
    await world.engine.sweep();
    expect(await codes(world)).toEqual(["d1"]);
  });

  test("that is written again under its path is another file", async () => {
    const world = newWorld();
    await world.land("landing/devices/a.csv", `${header}d1,north,5\n`);
    await world.engine.sweep();
    await world.land("landing/devices/a.csv", `${header}d2,south,7\n`);
    await world.engine.blobCreated("landing/devices/a.csv");
    await world.quiet();
    expect(await codes(world)).toEqual(["d1", "d2"]);
  });

  test("that is replaced between planning and reading leaves the batch as REPLACED; its successor is read", async () => {
    const world = newWorld();
    await world.land("landing/devices/a.csv", `${header}d1,north,5\n`);
    await world.land("landing/devices/b.csv", `${header}d2,south,7\n`);
    await dieAfterPlanning(world);
    await world.land("landing/devices/a.csv", `${header}d3,east,9\n`);
    world.restart();
    await world.quiet();
    expect(await codes(world)).toEqual(["d2", "d3"]);
    const quarantine = await world.rows(bronze, { quarantine: true });
    expect(quarantine).toEqual([
      expect.objectContaining({ reason: "REPLACED", row: '{"path":"landing/devices/a.csv","etag":"\\"1\\""}' }),
    ]);
    expect((await committedBatches(world, bronze))[0]?.commit.progress.counts.quarantined).toEqual({ REPLACED: 1 });
  });

  test("that is removed between planning and reading is REPLACED by nothing", async () => {
    const world = newWorld();
    await world.land("landing/devices/a.csv", `${header}d1,north,5\n`);
    await dieAfterPlanning(world);
    await world.estate.lake.delete("landing/devices/a.csv");
    world.restart();
    await world.quiet();
    expect(await codes(world)).toEqual([]);
    expect(await world.rows(bronze, { quarantine: true })).toEqual([expect.objectContaining({ reason: "REPLACED" })]);
  });

  test("of no bytes, or of a header alone, gives no rows and stops nothing", async () => {
    const world = newWorld();
    await world.land("landing/devices/empty.csv", "");
    await world.land("landing/devices/header.csv", header);
    await world.engine.blobCreated("landing/devices/empty.csv");
    await world.land("landing/devices/a.csv", `${header}d1,north,5\n`);
    await world.quiet();
    expect(await codes(world)).toEqual(["d1"]);
    expect(await world.stateOf(bronze)).toBe("RUNNING");
  });

  test("keeps what does not fit its schema as rescued data", async () => {
    const world = newWorld();
    await world.land("landing/devices/a.csv", "code,weight,colour\nd1,heavy,red\nd2,3,\n");
    await world.engine.sweep();
    const rows = await world.rows(bronze);
    const rescued = rows.map((row) => JSON.parse(String(row["_rescued_data"])) as unknown);
    expect(rows.map((row, index) => [row["code"], row["site"], row["weight"], rescued[index]])).toEqual([
      ["d1", null, null, { weight: "heavy", colour: "red" }],
      ["d2", null, 3, null],
    ]);
  });

  test("older than its source allows is refused loudly, not read", async () => {
    const world = newWorld();
    await world.land("landing/devices/old.csv", `${header}d1,north,5\n`);
    world.clock.advance(91 * 86_400_000);
    await world.land("landing/devices/new.csv", `${header}d2,south,7\n`);
    await world.engine.sweep();
    expect(await codes(world)).toEqual(["d2"]);
    expect(world.lines).toContainEqual(
      expect.objectContaining({
        level: "error",
        fields: expect.objectContaining({ path: "landing/devices/old.csv" }) as object,
      }),
    );
  });
});

test("notices of paths that are nobody's cost no call at all", async () => {
  const counter = new CrashPoint(0, "before");
  const world = new EngineWorld({
    bench,
    pipeline: engineFixture(),
    wrap: (store) => aroundStore(store, counter.around),
  });
  for (const path of [
    "landing/other/a.csv",
    "landing/devices/a.txt",
    "somewhere/else",
    "lake/silver/readings/part-0.parquet",
    "",
  ]) {
    await world.engine.blobCreated(path);
  }
  expect(counter.calls).toBe(0);
  await world.engine.blobCreated("lake/nobody/knows/_delta_log/00000000000000000001.json");
  expect(counter.calls).toBe(0);
  expect(world.rings).toEqual([]);
});

test("a ledger that was merged still knows every file", { timeout: 30_000 }, async () => {
  const world = newWorld();
  const files = limits.stateSmallFilesMax + 3;
  for (let n = 0; n < files; n++) {
    await world.land(`landing/devices/${n}.csv`, `${header}d${n},north,5\n`);
    await world.engine.blobCreated(`landing/devices/${n}.csv`);
  }
  world.restart();
  for (let n = 0; n < files; n++) await world.engine.blobCreated(`landing/devices/${n}.csv`);
  await world.quiet();
  expect(await codes(world)).toHaveLength(files);
  const ledger = await world.table(`checkpoints/${bronze}/00000000000000000001/state/files`, "host").latest();
  expect(ledger.files.size).toBeLessThan(limits.stateSmallFilesMax);
});

/** The offsets of the first batch are written, and the instance dies. */
async function dieAfterPlanning(world: EngineWorld): Promise<void> {
  let isDead = false;
  world.restart((store) =>
    aroundStore(store, async ({ path, name }, work) => {
      isDead ||= name === "downloadFile" && path.startsWith("landing/devices/");
      if (isDead) throw new Crash("while reading");
      return work();
    }),
  );
  await world.engine.sweep().catch(expectCrash);
}

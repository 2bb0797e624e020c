/** The engine over a lake with hierarchical namespace, as it is in Azure: folders are listed, stay, and have names of their own. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { listLanded } from "../../shared/sources/index.ts";
import { AzureBlobStore } from "../../shared/storage/index.ts";
import { EngineBench, EngineWorld, newEstate, type Estate } from "../support/engine-harness.ts";
import { engineFixture } from "../support/engine-pipeline.ts";
import { scenario } from "../support/engine-scenario.ts";
import { HierarchicalAccount } from "../support/hierarchical-account.ts";

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => bench?.[Symbol.asyncDispose]());

interface HierarchicalEstate extends AsyncDisposable {
  readonly estate: Estate;
  readonly lake: HierarchicalAccount;
}

async function hierarchicalEstate(): Promise<HierarchicalEstate> {
  const flat = newEstate();
  const lake = await HierarchicalAccount.start(flat.lake);
  return {
    estate: { ...flat, lake: new AzureBlobStore(lake.blobService) },
    lake,
    [Symbol.asyncDispose]: () => lake[Symbol.asyncDispose](),
  };
}

async function play(world: EngineWorld): Promise<Awaited<ReturnType<EngineWorld["everything"]>>> {
  for (const act of scenario) {
    await act.happens(world);
    await act.works(world);
    // Each act meets an instance that has to find everything by listing.
    world.restart();
  }
  await world.quiet();
  return world.everything();
}

test("all tables are those of a flat account, and so are the states of the flows", { timeout: 60_000 }, async () => {
  const flat = new EngineWorld({ bench, pipeline: engineFixture() });
  const expected = await play(flat);
  await using under = await hierarchicalEstate();
  const world = new EngineWorld({ bench, pipeline: engineFixture() }, under.estate);
  expect(await play(world)).toEqual(expected);
  expect(Object.values(expected).filter((rows) => rows.length > 0).length).toBeGreaterThan(5);
  for (const flow of Object.keys(expected).filter((name) => !name.includes("("))) {
    const { id } = world.flow(flow);
    expect([id, await world.stateOf(id)]).toEqual([id, await flat.stateOf(id)]);
  }
  expect(under.lake.folders).toContain("landing/devices");
  expect(under.lake.folders.some((folder) => folder.endsWith("/_delta_log"))).toBe(true);
  expect(world.lines).toEqual(flat.lines);
});

test("landed files are found among folders, empty ones and ones with the name of a file", async () => {
  await using under = await hierarchicalEstate();
  const { lake } = under.estate;
  const bytes = new TextEncoder().encode("x");
  for (const path of ["a.csv", "folder.csv/part", "old/b.csv", "deep/er/c.csv", "z.csv"])
    await lake.put(`landing/devices/${path}`, bytes);
  await lake.delete("landing/devices/old/b.csv");
  expect(under.lake.folders).toContain("landing/devices/old");
  const found = async (glob: string) => (await listLanded(lake, glob)).map(({ path }) => path);
  expect(await found("landing/devices/*.csv")).toEqual(["landing/devices/a.csv", "landing/devices/z.csv"]);
  expect(await found("landing/devices/old/*.csv")).toEqual([]);
  expect(await found("landing/nothing/*.csv")).toEqual([]);
  await lake.put("landing/taken", bytes);
  expect(await found("landing/taken/*.csv")).toEqual([]);
});

/** Builds of a pipeline over the same tables (engine-rules 2, 3): who may run, and who stops. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { FlowLog, type GenerationRecord } from "../../../shared/checkpoint/index.ts";
import { EngineBench, EngineWorld } from "../../support/engine-harness.ts";
import { committedBatches } from "../../support/engine-oracle.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { readingAt } from "../../support/engine-scenario.ts";

const readings = "silver.readings";

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

async function newWorld(): Promise<EngineWorld> {
  const world = new EngineWorld({ bench, pipeline: engineFixture() });
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
  send(world, 1);
  await world.quiet();
  return world;
}

function send(world: EngineWorld, value: number): void {
  world.send("0", [readingAt(world.estate.arrivals * 5, `r${world.estate.arrivals}`, "d1", value)]);
}

async function generations(world: EngineWorld): Promise<GenerationRecord[]> {
  const { host, clock, random } = world.context((store) => store);
  return new FlowLog({ store: host, clock, random }, world.flow(readings).id).generations();
}

test("all tables of a flow exist, empty, before its generation is written", async () => {
  const world = await newWorld();
  const [record] = await generations(world);
  expect(Object.keys(record?.tables ?? {})).toEqual(["quarantine", "state:drop_duplicates", "sink"]);
  for (const [role, { root, path, tableId }] of Object.entries(record?.tables ?? {})) {
    const table = world.table(path, root);
    expect((await table.at(0)).files.size, role).toBe(0);
    expect((await table.latest()).metadata.id, role).toBe(tableId);
  }
});

test("a build with another plan is refused for that flow alone, with both fingerprints", async () => {
  const world = await newWorld();
  const changed = new EngineWorld({ bench, pipeline: engineFixture({ minimumValue: 5 }) }, world.estate);
  send(changed, 9);
  await changed.quiet();
  await changed.quiet();
  const refusals = changed.lines.filter(({ fields }) => fields["code"] === "PLAN_CHANGED");
  expect(refusals).toHaveLength(1);
  expect(refusals[0]).toMatchObject({
    level: "error",
    message: expect.stringContaining(`"dyne flow continue ${readings}"`) as string,
    fields: {
      flow: readings,
      recorded: world.flow(readings).fingerprint,
      declared: changed.flow(readings).fingerprint,
    },
  });
  expect(await changed.rows("bronze.events")).toHaveLength(2);
  expect(await changed.rows("silver.bodies")).toHaveLength(2);
  expect(await changed.rows(readings)).toHaveLength(1);
  expect(await changed.stateOf(readings)).toBe("RUNNING");
});

test("the earlier build goes on after a refused one, as if nothing had been", async () => {
  const world = await newWorld();
  const changed = new EngineWorld({ bench, pipeline: engineFixture({ minimumValue: 5 }) }, world.estate);
  await changed.engine.sweep().catch(() => undefined);
  send(world, 2);
  await world.quiet();
  expect(await world.rows(readings)).toHaveLength(2);
});

test.each(["warm", "cold"])(
  "a build whose generation was followed by another plan's stops quietly before planning (%s)",
  async (instance) => {
    const world = await newWorld();
    const [first] = await generations(world);
    const { host, clock, random } = world.context((store) => store);
    const log = new FlowLog({ store: host, clock, random }, world.flow(readings).id);
    await log.putGeneration({
      ...(first as GenerationRecord),
      generation: 2,
      planFingerprint: "a newer plan",
      reason: "plan",
      continues: { kind: "seal" },
    });
    const before = await committedBatches(world, readings);
    send(world, 2);
    if (instance === "cold") world.restart();
    await world.quiet();
    expect(await committedBatches(world, readings)).toEqual(before);
    expect(
      (await world.hostPaths()).filter(
        (path) => path.startsWith(`checkpoints/${readings}/`) && path.includes("/offsets/"),
      ),
    ).toHaveLength(2);
    expect(await world.rows(readings)).toHaveLength(1);
    expect(await world.stateOf(readings)).toBe("RUNNING");
  },
);

test("two builds of one plan adopt each other's tables", async () => {
  const world = new EngineWorld({ bench, pipeline: engineFixture() });
  const other = new EngineWorld({ bench, pipeline: engineFixture() }, world.estate);
  await Promise.all([world.engine.sweep(), other.engine.sweep()]);
  const [record] = await generations(world);
  expect(await generations(world)).toHaveLength(1);
  const sink = record?.tables["sink"];
  expect((await world.table(sink?.path ?? "").latest()).metadata.id).toBe(sink?.tableId);
});

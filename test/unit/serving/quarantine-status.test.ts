import { afterAll, beforeAll, expect, test } from "vitest";
import { quarantinedRows } from "../../../shared/serving/index.ts";
import { EngineBench, EngineWorld } from "../../support/engine-harness.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { readingAt } from "../../support/engine-scenario.ts";

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

test("rows in quarantine are counted by reason and rule, with an example and the time of the last", async () => {
  const world = new EngineWorld({ bench, pipeline: engineFixture({ minimumValue: 5 }) });
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
  world.send("0", [readingAt(0, "a", "d1", 1), readingAt(1, "b", "d1", 2), "no json", readingAt(2, "c", "d1", 7)]);
  await world.quiet();
  world.clock.advance(60_000);
  world.send("0", ["{"]);
  await world.quiet();
  const found = await quarantinedRows({ compute: world.compute, tables: world.context().tables }, "silver.readings");
  expect(found).toMatchObject([
    { table: "silver.readings", reason: "EXPECTATION", rule: "large_enough", rows: 2 },
    { table: "silver.readings", reason: "MALFORMED", rule: null, rows: 2, example: "not valid JSON" },
  ]);
  const [expectation, malformed] = found;
  expect(malformed?.lastTime).toMatch(/^2026-03-01T\d\d:\d\d:\d\d\.\d{6}Z$/);
  expect(Date.parse(malformed!.lastTime) - Date.parse(expectation!.lastTime)).toBeGreaterThanOrEqual(60_000);
});

test("a table without quarantined rows, or that has not run, has none", async () => {
  const world = new EngineWorld({ bench, pipeline: engineFixture() });
  const context = { compute: world.compute, tables: world.context().tables };
  expect(await quarantinedRows(context, "silver.readings")).toEqual([]);
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\n");
  world.send("0", [readingAt(0, "a", "d1", 1)]);
  await world.quiet();
  expect(await quarantinedRows(context, "silver.readings")).toEqual([]);
});

/** Flows that begin anew on a table whose log no longer goes back to its start (engine-rules 12, 13). */
import { afterAll, beforeAll, expect, test } from "vitest";
import { limits } from "../../../shared/core/index.ts";
import { tablePath } from "../../../shared/pipeline/index.ts";
import { EngineBench, EngineWorld, newEstate } from "../../support/engine-harness.ts";
import { tidyLogs } from "../../support/engine-tidying.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { scenario } from "../../support/engine-scenario.ts";

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

test.each(["silver.bodies", "gold.total", "gold.with_device"])(
  "%s is made anew from what the oldest checkpoint holds",
  async (flow) => {
    const world = new EngineWorld({ bench, pipeline: engineFixture() }, newEstate());
    for (const act of scenario) {
      await act.happens(world);
      await act.works(world);
    }
    await world.quiet();
    const before = await world.rows(flow);
    world.clock.advance(2 * limits.privateRetentionMs);
    expect(await tidyLogs(world)).toBeGreaterThan(0);
    expect(
      await world.estate.lake.head(`${tablePath("bronze.events")}/_delta_log/00000000000000000000.json`),
    ).toBeUndefined();
    world.restart();
    await world.engine.reset(flow);
    await world.quiet();
    expect(await world.stateOf(flow)).toBe("RUNNING");
    expect(await world.rows(flow)).toEqual(before);
  },
);

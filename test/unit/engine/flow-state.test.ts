/** RUNNING, PAUSED and FAILED flows (engine-rules 7, 12): what stops one, what goes on meanwhile, and how it comes back. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { flowId } from "../../../shared/core/index.ts";
import { createTable, numberedSchema, schemaString } from "../../../shared/delta/index.ts";
import { failFlow, pauseFlow, resumeFlow } from "../../../shared/engine/index.ts";
import { call, column, filter, long } from "../../../shared/engine/incremental/expressions.ts";
import { tablePath, type Pipeline } from "../../../shared/pipeline/index.ts";
import type { StructField } from "../../../shared/plan/index.ts";
import { aroundStore, Crash, dyingAtCommit, dyingAtOutcome, expectCrash } from "../../support/engine-faults.ts";
import { commitTo, rewriteTable } from "../../support/engine-foreign.ts";
import { EngineBench, EngineWorld } from "../../support/engine-harness.ts";
import { committedBatches, judgeStream, judgeView } from "../../support/engine-oracle.ts";
import { engineFixture } from "../../support/engine-pipeline.ts";
import { readingAt } from "../../support/engine-scenario.ts";

const readings = "silver.readings";
const silver = flowId(readings);
const views = ["gold.by_device", "gold.by_site", "gold.with_device", "gold.total"];

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

/** Two readings are through. */
async function newWorld(pipeline: Pipeline = engineFixture()): Promise<EngineWorld> {
  const world = new EngineWorld({ bench, pipeline });
  await world.land("landing/devices/a.csv", "code,site,weight\nd1,north,5\nd2,south,7\n");
  await send(world, [1, 2]);
  await world.quiet();
  return world;
}

/** Readings with these values, on time. */
async function send(world: EngineWorld, values: readonly number[]): Promise<void> {
  for (const value of values)
    world.send("0", [readingAt(world.estate.arrivals * 5, `r${world.estate.arrivals}`, "d1", value)]);
}

async function failureOf(world: EngineWorld, flow: string): Promise<Record<string, unknown> | undefined> {
  return (await world.record(`checkpoints/${flow}/state.json`))?.["failure"] as Record<string, unknown> | undefined;
}

async function valuesOf(world: EngineWorld, name = readings): Promise<number[]> {
  return (await world.rows(name)).map((row) => Number(row["value"])).sort((a, b) => a - b);
}

/** Rings a flow by every bell there is. */
async function ringAll(world: EngineWorld, flow: string): Promise<void> {
  await world.engine.ring(flow);
  await world.engine.sweep();
  await world.engine.blobCreated("lake/bronze/events/_delta_log/00000000000000000001.json");
  await world.engine.hubEvents("events", "0", []);
}

async function dieAtOutcome(world: EngineWorld, flow: string): Promise<void> {
  world.restart(dyingAtOutcome(flow));
  await world.engine.sweep().catch(expectCrash);
  world.restart();
}

describe("an expectation that fails", () => {
  test("commits nothing of the batch and fails the flow, while upstream and its other readers go on", async () => {
    const world = await newWorld(engineFixture({ failAtValue: 13 }));
    await send(world, [3, 13, 4]);
    await world.quiet();
    expect(await world.stateOf(readings)).toBe("FAILED");
    expect(await failureOf(world, readings)).toMatchObject({
      lane: "0",
      generation: 1,
      batchId: 2,
      code: "EXPECTATION_FAILED",
      message: expect.stringContaining('"possible"') as string,
      sample: expect.stringContaining('"value":13') as string,
    });
    expect(await valuesOf(world)).toEqual([1, 2]);
    expect(await world.rows(readings, { quarantine: true })).toEqual([]);
    await send(world, [5]);
    await world.quiet();
    expect(await world.rows("bronze.events")).toHaveLength(6);
    expect(await world.rows("silver.bodies")).toHaveLength(6);
    expect(await valuesOf(world)).toEqual([1, 2]);
    for (const view of views) expect(await world.stateOf(view)).toBe("RUNNING");
  });

  test("fails it again with the same batch when it is resumed without a change", async () => {
    const world = await newWorld(engineFixture({ failAtValue: 13 }));
    await send(world, [13]);
    await world.quiet();
    const first = await failureOf(world, readings);
    await resumeFlow(world.context(), silver);
    expect(await world.stateOf(readings)).toBe("RUNNING");
    await world.quiet();
    expect(await failureOf(world, readings)).toEqual(first);
  });

  test("lets the row pass where it is late or malformed: those are out before the rules", async () => {
    const world = await newWorld(engineFixture({ failAtValue: 13 }));
    world.send("0", [readingAt(15, "x", "d1", 3), readingAt(-100, "y", "d1", 13), '{"value":"13"}']);
    await world.quiet();
    expect(await world.stateOf(readings)).toBe("RUNNING");
    const reasons = (await world.rows(readings, { quarantine: true })).map((row) => row["reason"]);
    expect(new Set(reasons)).toEqual(new Set(["LATE", "MALFORMED"]));
  });
});

describe("a batch that failed", () => {
  /** Batch 2 breaks the rule; a reading waits behind it. */
  async function failedWorld(): Promise<EngineWorld> {
    const world = await newWorld(engineFixture({ failAtValue: 13 }));
    await send(world, [3, 13]);
    await world.quiet();
    await send(world, [5]);
    await world.quiet();
    return world;
  }

  test("is skipped where that is asked for by its number, and the next one goes on from there", async () => {
    const world = await failedWorld();
    await world.engine.skip(readings, 2);
    await world.quiet();
    expect([await world.stateOf(readings), await valuesOf(world)]).toEqual(["RUNNING", [1, 2, 5]]);
    expect(
      await world.record(`checkpoints/${readings}/00000000000000000001/0/commits/00000000000000000002`),
    ).toMatchObject({
      progress: { strategy: { name: "skip", reason: expect.stringContaining("EXPECTATION_FAILED") } },
    });
    expect(await world.rows("bronze.events")).toHaveLength(5);
    const { actual, lawful } = await judgeView(world, "gold.by_device");
    expect(actual).toEqual(lawful);
  });

  test("is skipped once, though the one who asked died before the flow was set going", async () => {
    const world = await failedWorld();
    world.restart((store) =>
      aroundStore(store, async ({ name, path }, work) => {
        if (name === "putIfMatch" && path.endsWith("/state.json")) throw new Crash("before the resume");
        return work();
      }),
    );
    await world.engine.skip(readings, 2).catch(expectCrash);
    world.restart();
    expect(await world.stateOf(readings)).toBe("FAILED");
    await world.engine.skip(readings, 2);
    await world.quiet();
    expect(await valuesOf(world)).toEqual([1, 2, 5]);
  });

  test("is not skipped by another number, nor in a flow that runs, nor in one that is no streaming table", async () => {
    const world = await failedWorld();
    const refused = { code: "INVALID_ARGUMENT" };
    for (const batch of [1, 3]) await expect(world.engine.skip(readings, batch)).rejects.toMatchObject(refused);
    await expect(world.engine.skip("silver.bodies", 2)).rejects.toMatchObject(refused);
    await expect(world.engine.skip("bronze.events", 1)).rejects.toMatchObject(refused);
    await expect(world.engine.skip("gold.total", 1)).rejects.toMatchObject(refused);
    await world.quiet();
    expect([await world.stateOf(readings), await valuesOf(world)]).toEqual(["FAILED", [1, 2]]);
  });

  test("before its input was logged is not skipped: the one after it would fail alike", async () => {
    const world = await newWorld();
    await failFlow(world.context(), silver, {
      lane: "0",
      generation: 1,
      batchId: 2,
      code: "UPSTREAM_CHANGED",
      message: "for a test",
      sample: null,
    });
    await expect(world.engine.skip(readings, 2)).rejects.toMatchObject({ message: expect.stringContaining("Reset") });
  });

  test("that is decided already is not skipped", async () => {
    const world = await newWorld();
    await send(world, [3]);
    world.restart(dyingAtCommit(tablePath(readings)));
    await world.quiet().catch(expectCrash);
    world.restart();
    await failFlow(world.context(), silver, {
      lane: "0",
      generation: 1,
      batchId: 2,
      code: "SINK_CHANGED",
      message: "for a test",
      sample: null,
    });
    await expect(world.engine.skip(readings, 2)).rejects.toMatchObject({
      message: expect.stringContaining("computed already"),
    });
    await world.engine.resume(readings);
    await world.quiet();
    expect(await valuesOf(world)).toEqual([1, 2, 3]);
  });
});

test("all that is there is run, through to gold, and what cannot go on is named", async () => {
  const world = await newWorld(engineFixture({ failAtValue: 13 }));
  await send(world, [3, 4]);
  const { signal } = new AbortController();
  expect(await world.engine.runAvailable(signal)).toEqual(new Map());
  const { actual, lawful } = await judgeView(world, "gold.total");
  expect(actual).toEqual(lawful);
  expect(await valuesOf(world)).toEqual([1, 2, 3, 4]);
  await send(world, [13]);
  const stopped = await world.engine.runAvailable(signal);
  expect([...stopped]).toEqual([[readings, expect.stringContaining("FAILED")]]);
  expect(await world.rows("silver.bodies")).toHaveLength(5);
});

describe("a flow that is", () => {
  const stops = [
    { state: "PAUSED", stop: (world: EngineWorld) => pauseFlow(world.context(), silver) },
    {
      state: "FAILED",
      stop: (world: EngineWorld) =>
        failFlow(world.context(), silver, {
          lane: "0",
          generation: 1,
          batchId: 2,
          code: "DATA_ERROR",
          message: "for a test",
          sample: null,
        }),
    },
  ];

  test.each(stops)("$state writes nothing, whichever bell rings, until it is resumed", async ({ state, stop }) => {
    const world = await newWorld();
    await stop(world);
    const pathsBefore = (await world.hostPaths()).filter((path) => path.includes(`/${readings}/`));
    await send(world, [3]);
    await ringAll(world, readings);
    expect((await world.hostPaths()).filter((path) => path.includes(`/${readings}/`))).toEqual(pathsBefore);
    expect(await world.stateOf(readings)).toBe(state);
    await resumeFlow(world.context(), silver);
    await world.quiet();
    expect(await valuesOf(world)).toEqual([1, 2, 3]);
    for (const view of views) {
      const { actual, lawful } = await judgeView(world, view);
      expect(actual).toEqual(lawful);
    }
  });

  test.each(stops)("$state with a batch open goes on with exactly that batch's range", async ({ stop }) => {
    const world = await newWorld();
    await send(world, [3, 4]);
    await dieAtOutcome(world, readings);
    await stop(world);
    const open =
      (await world.hostPaths())
        .filter((path) => path.startsWith(`checkpoints/${readings}/`) && path.includes("/offsets/"))
        .at(-1) ?? "";
    const planned = await world.record(open);
    await send(world, [5, 6]);
    await ringAll(world, readings);
    await resumeFlow(world.context(), silver);
    await world.quiet();
    const batches = await committedBatches(world, readings);
    expect(batches[1]?.offsets).toEqual(planned);
    expect(batches.map(({ offsets }) => offsets.inputs["bronze.events"])).toMatchObject([
      { afterVersion: -1, toVersion: 1 },
      { afterVersion: 1, toVersion: 2 },
      { afterVersion: 2, toVersion: 3 },
    ]);
    expect(await valuesOf(world)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

test("the first failure stays, and a pause does not hide it", async () => {
  const world = await newWorld();
  const failure = { lane: "0", generation: 1, batchId: 2, code: "DATA_ERROR", message: "first", sample: null };
  await failFlow(world.context(), silver, failure);
  await failFlow(world.context(), silver, { ...failure, message: "second" });
  await pauseFlow(world.context(), silver);
  expect(await failureOf(world, readings)).toEqual(failure);
  expect(await world.stateOf(readings)).toBe("FAILED");
});

describe("a flow that failed in a generation before this one", () => {
  test("and fails in this one too says so, and stops", async () => {
    const world = await newWorld(engineFixture({ failAtValue: 13 }));
    await send(world, [13]);
    await world.quiet();
    expect(await failureOf(world, readings)).toMatchObject({ generation: 1 });
    await world.engine.reset(readings);
    await world.quiet();
    expect(await failureOf(world, readings)).toMatchObject({ generation: 2, code: "EXPECTATION_FAILED" });
    const lines = world.lines.length;
    await ringAll(world, readings);
    expect(world.lines).toHaveLength(lines);
  });

  test("can be paused", async () => {
    const world = await newWorld();
    await failFlow(world.context(), silver, {
      lane: "0",
      generation: 1,
      batchId: 2,
      code: "DATA_ERROR",
      message: "for a test",
      sample: null,
    });
    await world.engine.reset(readings);
    await world.quiet();
    await pauseFlow(world.context(), silver);
    await send(world, [3]);
    await ringAll(world, readings);
    expect(await valuesOf(world)).toEqual([1, 2]);
  });
});

describe("a sink that was changed under the flow", () => {
  test("by somebody who wrote the flow's own txn fails the flow with SINK_CHANGED", async () => {
    const world = await newWorld();
    await commitTo(world, readings, [{ txn: { appId: "dyne/fixture/silver.readings/0", version: 7 } }]);
    await send(world, [3]);
    await world.quiet();
    expect(await world.stateOf(readings)).toBe("FAILED");
    expect(await failureOf(world, readings)).toMatchObject({
      code: "SINK_CHANGED",
      message: expect.stringContaining("its txn is 7") as string,
    });
    expect(await valuesOf(world)).toEqual([1, 2]);
  });

  test("by a later generation is left alone: the older one stops quietly", async () => {
    const world = await newWorld();
    await commitTo(world, readings, [{ txn: { appId: "dyne/fixture/silver.readings/0", version: 2 ** 33 + 1 } }]);
    await send(world, [3]);
    await world.quiet();
    expect(await world.stateOf(readings)).toBe("RUNNING");
    expect(await valuesOf(world)).toEqual([1, 2]);
  });

  test("by somebody who appended rows is left as it is: only the flow's own txn counts", async () => {
    const world = await newWorld();
    const table = world.table(tablePath(readings));
    const [file] = (await table.latest()).files;
    await commitTo(world, readings, [{ add: { ...file!, path: file!.path.replace("part-", "other-") } }]);
    await world.estate.lake.put(
      `${table.path}/${file!.path.replace("part-", "other-").replaceAll("%3D", "=")}`,
      (await world.estate.lake.get(`${table.path}/${file!.path}`))!.bytes,
    );
    await send(world, [3]);
    await world.quiet();
    expect(await world.stateOf(readings)).toBe("RUNNING");
    expect(await valuesOf(world)).toEqual([1, 1, 2, 2, 3]);
  });

  test.each(["the instance that wrote it", "the next instance"])(
    "by somebody who made the table again fails the flow with SINK_CHANGED, seen by %s",
    async (instance) => {
      const world = await newWorld();
      await makeAgain(world, readings);
      await send(world, [3]);
      if (instance === "the next instance") world.restart();
      await world.quiet();
      expect(await failureOf(world, readings)).toMatchObject({ code: "SINK_CHANGED" });
      expect(await world.rows(readings)).toEqual([]);
    },
  );

  test("by somebody who deleted the table fails the flow with SINK_CHANGED, and makes no log with a gap", async () => {
    const world = await newWorld(engineFixture({ readingsOnly: true }));
    const { path } = world.table(tablePath(readings));
    for await (const file of world.estate.lake.list(`${path}/`)) await world.estate.lake.delete(file.path);
    await send(world, [3]);
    await world.quiet();
    expect(await failureOf(world, readings)).toMatchObject({
      code: "SINK_CHANGED",
      message: expect.stringContaining("it is gone") as string,
    });
    expect(await world.table(path).find()).toBeUndefined();
  });

  test("by somebody who added a column goes on: the flow's rows have NULL there", async () => {
    const world = await newWorld();
    const table = world.table(tablePath(readings));
    const { schema } = await table.latest();
    await table.addColumns({
      kind: "struct",
      fields: { ...schema.fields, note: { type: { kind: "string" }, nullable: true } },
    });
    await send(world, [3]);
    await world.quiet();
    expect(await world.stateOf(readings)).toBe("RUNNING");
    expect((await world.rows(readings)).map(({ value, note }) => [value, note])).toEqual([
      [1, null],
      [2, null],
      [3, null],
    ]);
  });

  test("by somebody who dropped a column fails the flow with SINK_CHANGED, naming it", async () => {
    const world = await newWorld();
    const { metadata, schema } = await world.table(tablePath(readings)).latest();
    const { site: _dropped, ...fields } = schema.fields as Record<string, StructField>;
    const schemaText = schemaString({ kind: "struct", fields });
    await commitTo(world, readings, [{ metaData: { ...metadata, schemaString: schemaText } }]);
    await send(world, [3]);
    await world.quiet();
    expect(await failureOf(world, readings)).toMatchObject({
      code: "SINK_CHANGED",
      message: expect.stringContaining("no column site") as string,
    });
  });
});

test("a table whose columns somebody mapped fails the flow that writes it: its files would not have the names that readers look for", async () => {
  const world = await newWorld();
  const { metadata, schema } = await world.table(tablePath(readings)).latest();
  const mapped = numberedSchema(schema, { maxColumnId: 0, physicalName: (name) => name });
  const configuration = { "delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "99" };
  await commitTo(world, readings, [
    { protocol: { minReaderVersion: 2, minWriterVersion: 5 } },
    { metaData: { ...metadata, schemaString: schemaString(mapped.schema), configuration } },
  ]);
  await send(world, [3]);
  await world.quiet();
  expect(await failureOf(world, readings)).toMatchObject({
    code: "SINK_CHANGED",
    message: expect.stringContaining("its columns are mapped") as string,
  });
});

describe("an upstream table", () => {
  const rowsBelow = call("lt", column("sequence_number"), long(1));

  test("that was deleted from stops its streaming tables with UPSTREAM_CHANGED, and nobody else", async () => {
    const world = await newWorld();
    await rewriteTable(world, "bronze.events", { dataChange: true, keep: (rows) => filter(rows, rowsBelow) });
    await send(world, [3]);
    await world.quiet();
    for (const flow of [readings, "silver.bodies"]) {
      expect(await failureOf(world, flow)).toMatchObject({ code: "UPSTREAM_CHANGED" });
    }
    expect(await valuesOf(world)).toEqual([1, 2]);
    for (const flow of ["bronze.events", "bronze.devices", ...views]) expect(await world.stateOf(flow)).toBe("RUNNING");
  });

  test("that was rewritten without a change of rows stops nobody", async () => {
    const world = await newWorld();
    await send(world, [3]);
    await world.engine.ring("bronze.notes");
    await rewriteTable(world, "bronze.events", { dataChange: false });
    await send(world, [4]);
    await rewriteTable(world, "bronze.events", { dataChange: false });
    await world.quiet();
    expect(await valuesOf(world)).toEqual([1, 2, 3, 4]);
    const { actual, lawful } = await judgeStream(world, "silver.bodies");
    expect(actual).toEqual(lawful);
  });

  test("that was made again stops the flows that read it", async () => {
    const world = await newWorld();
    await makeAgain(world, readings);
    world.restart();
    await world.quiet();
    for (const view of views) expect(await failureOf(world, view)).toMatchObject({ code: "UPSTREAM_CHANGED" });
  });
});

/** Deletes a table with all it has and makes an empty one of the same form in its place. */
async function makeAgain(world: EngineWorld, name: string): Promise<void> {
  const { log } = world.table(tablePath(name));
  const { schema, partitionBy } = await world.table(tablePath(name)).latest();
  const paths: string[] = [];
  for await (const { path } of world.estate.lake.list(`${log.path}/`)) paths.push(path);
  for (const path of paths) await world.estate.lake.delete(path);
  await createTable(log, { schema, partitionBy });
}

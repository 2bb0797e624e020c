/** A query that changed over data that exist (engine-rules 2, 3): what the flow says, and what an operator can have done. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DyneError } from "../../../shared/core/index.ts";
import {
  count,
  definePipeline,
  eventHub,
  fromJson,
  length,
  long,
  materializedView,
  read,
  readStream,
  streamingTable,
  string,
  struct,
  sum,
  timestamp,
  type Pipeline,
} from "../../../shared/pipeline/index.ts";
import { EngineBench, EngineWorld } from "../../support/engine-harness.ts";

const soon = { minInterval: "0 seconds" } as const;
const Reading = struct({ id: string(), device: string(), at: timestamp(), value: long() });
const silver = "silver.readings";
const gold = "gold.by_device";

const events = streamingTable("bronze.events", { ...soon, from: eventHub("events", { partitions: 2 }) });
const parsed = readStream(events)
  .withColumns(({ event_data }) => ({ reading: fromJson(event_data, Reading) }))
  .select(({ reading }) => ({ ...reading.fields }));

type Silver =
  | "reordered"
  | "respelled"
  | "slower"
  | "otherwise timed"
  | "first"
  | "doubled"
  | "wider"
  | "narrower"
  | "retyped"
  | "timeless"
  | "partitioned"
  | "elsewhere";

/** `silver` and `gold` name how their tables are declared. */
function pipelineOf(declared: { silver?: Silver; keys?: "id" | "device"; gold?: "count" | "sum" } = {}): Pipeline {
  const { silver: how = "first", keys = "id", gold: total = "count" } = declared;
  const timed = parsed.withWatermark("at", "10 minutes").dropDuplicatesWithinWatermark([keys]);
  const upstream = streamingTable("silver.plain", { ...soon, query: parsed });
  const tables = {
    reordered: () =>
      streamingTable(silver, {
        ...soon,
        query: parsed
          .select(({ value, at, device, id }) => ({ value, at, device, id }))
          .withWatermark("at", "10 minutes")
          .dropDuplicatesWithinWatermark([keys]),
      }),
    respelled: () =>
      streamingTable(silver, {
        ...soon,
        query: parsed
          .select(({ id, device, at, value }) => ({ id, Device: device, at, value }))
          .withWatermark("at", "10 minutes")
          .dropDuplicatesWithinWatermark(["id"]),
      }),
    slower: () =>
      streamingTable(silver, {
        ...soon,
        query: parsed.withWatermark("at", "2 hours").dropDuplicatesWithinWatermark([keys]),
      }),
    "otherwise timed": () =>
      streamingTable(silver, {
        ...soon,
        query: parsed
          .withColumns(({ at }) => ({ made: at.minusHours(7) }))
          .withWatermark("made", "10 minutes")
          .dropDuplicatesWithinWatermark([keys]),
      }),
    timeless: () => streamingTable(silver, { ...soon, query: parsed }),
    partitioned: () => streamingTable(silver, { ...soon, query: timed, partitionBy: ["device"] }),
    elsewhere: () =>
      streamingTable(silver, {
        ...soon,
        query: readStream(upstream).withWatermark("at", "10 minutes").dropDuplicatesWithinWatermark([keys]),
      }),
    first: () => streamingTable(silver, { ...soon, query: timed }),
    doubled: () =>
      streamingTable(silver, {
        ...soon,
        query: parsed
          .withColumns(({ value }) => ({ value: value.times(2) }))
          .withWatermark("at", "10 minutes")
          .dropDuplicatesWithinWatermark([keys]),
      }),
    wider: () =>
      streamingTable(silver, {
        ...soon,
        query: parsed
          .withColumns(({ device }) => ({ letters: length(device) }))
          .withWatermark("at", "10 minutes")
          .dropDuplicatesWithinWatermark([keys]),
      }),
    narrower: () =>
      streamingTable(silver, {
        ...soon,
        query: parsed
          .select(({ id, at, value }) => ({ id, at, value }))
          .withWatermark("at", "10 minutes")
          .dropDuplicatesWithinWatermark(["id"]),
      }),
    retyped: () =>
      streamingTable(silver, {
        ...soon,
        query: parsed
          .withColumns(({ value }) => ({ value: value.cast(string()) }))
          .withWatermark("at", "10 minutes")
          .dropDuplicatesWithinWatermark([keys]),
      }),
  };
  const view = materializedView(gold, {
    ...soon,
    query: read(upstream)
      .groupBy("device")
      .agg(() => ({ readings: count() })),
  });
  const wider = materializedView(gold, {
    ...soon,
    query: read(upstream)
      .groupBy("device")
      .agg(({ value }) => ({ readings: count(), total: sum(value) })),
  });
  return definePipeline("fixture", [events, upstream, tables[how](), total === "count" ? view : wider]);
}

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(() => bench[Symbol.asyncDispose]());

const reading = (id: string, value: number) => ({ id, device: "d1", at: "2026-03-01T00:00:00Z", value });

/** A world with one reading, and what it looks like to a build with another pipeline. */
async function deployed(changed: Pipeline): Promise<{ before: EngineWorld; after: EngineWorld }> {
  const before = new EngineWorld({ bench, pipeline: pipelineOf() });
  before.send("0", [reading("a", 1)]);
  await before.quiet();
  return { before, after: new EngineWorld({ bench, pipeline: changed }, before.estate) };
}

function refusalOf(world: EngineWorld): string {
  const said = world.lines.filter(({ fields }) => fields["code"] === "PLAN_CHANGED");
  expect(said).toHaveLength(1);
  return said[0]?.message ?? "";
}

describe("a flow whose query changed says what changed and what can be done", () => {
  test.each<[Silver, RegExp, boolean]>([
    ["doubled", /its columns are the same, what they hold is computed in another way/, true],
    ["wider", /new columns letters int/, true],
    ["narrower", /columns no longer declared device/, true],
    ["retyped", /columns of another type or spelling value: bigint → string/, false],
    ["reordered", /its columns are the same/, true],
    ["respelled", /columns of another type or spelling device → Device/, false],
    ["slower", /another watermark/, false],
    ["otherwise timed", /another watermark/, false],
    ["timeless", /another watermark/, false],
    ["partitioned", /other partition columns/, false],
    ["elsewhere", /another input/, false],
  ])("%s", async (how, told, canContinue) => {
    const { after } = await deployed(pipelineOf({ silver: how }));
    await after.quiet();
    const refusal = refusalOf(after);
    expect(refusal).toMatch(told);
    expect(refusal.includes(`"dyne flow continue ${silver}"`)).toBe(canContinue);
    expect(refusal).toContain(`"dyne flow reset ${silver}"`);
    expect(await after.rows(silver)).toHaveLength(1);
    if (canContinue) return;
    await expect(after.engine.continue(silver)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await after.engine.reset(silver);
    await after.quiet();
    expect(await after.rows(silver)).toHaveLength(1);
    expect(await after.stateOf(silver)).toBe("RUNNING");
  });

  test("with other keys to remember rows by it cannot keep its data", async () => {
    const { after } = await deployed(pipelineOf({ keys: "device" }));
    await after.quiet();
    expect(refusalOf(after)).toMatch(/other keys or times to remember rows by/);
    await expect(after.engine.continue(silver)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("Reset it, or give it a new name") as string,
    });
    await after.engine.reset(silver);
    await after.quiet();
    expect(await after.rows(silver)).toHaveLength(1);
  });

  test("and the others go on meanwhile", async () => {
    const { after } = await deployed(pipelineOf({ silver: "doubled" }));
    after.send("0", [reading("b", 2)]);
    await after.quiet();
    expect(await after.rows("bronze.events")).toHaveLength(2);
    expect(await after.rows(gold)).toEqual([{ device: "d1", readings: 2 }]);
    expect(await after.rows(silver)).toHaveLength(1);
  });
});

describe("a changed flow that is continued", () => {
  test.each<[Silver, readonly object[]]>([
    [
      "doubled",
      [
        { id: "a", value: 1 },
        { id: "b", value: 4 },
      ],
    ],
    [
      "wider",
      [
        { id: "a", value: 1, letters: null },
        { id: "b", value: 2, letters: 2 },
      ],
    ],
    [
      "narrower",
      [
        { id: "a", value: 1, device: "d1" },
        { id: "b", value: 2, device: null },
      ],
    ],
  ])("keeps its rows and its memory of them, and makes new ones by the new query: %s", async (how, expected) => {
    const { after } = await deployed(pipelineOf({ silver: how }));
    after.send("0", [reading("a", 9), reading("b", 2)]);
    await after.quiet();
    await after.engine.continue(silver);
    await after.quiet();
    expect(await after.rows(silver)).toMatchObject(expected);
    expect(await after.rows(silver)).toHaveLength(2);
  });

  test("as a view is computed again by the new query, at once", async () => {
    const { after } = await deployed(pipelineOf({ gold: "sum" }));
    await after.quiet();
    expect(refusalOf(after)).toMatch(/new columns total bigint/);
    await after.engine.continue(gold);
    await after.quiet();
    expect(await after.rows(gold)).toEqual([{ device: "d1", readings: 1, total: 1 }]);
  });

  test("is left to its new build: the one before stops quietly", async () => {
    const { before, after } = await deployed(pipelineOf({ silver: "doubled" }));
    await after.engine.continue(silver);
    before.send("0", [reading("b", 2)]);
    await before.quiet();
    expect(await before.rows(silver)).toHaveLength(1);
    await after.quiet();
    expect(await after.rows(silver)).toMatchObject([{ value: 1 }, { value: 4 }]);
  });
});

describe("data of another query", () => {
  test("are not restored to a version", async () => {
    const { after } = await deployed(pipelineOf({ silver: "retyped" }));
    await expect(after.engine.restore(silver, 1, "rewind")).rejects.toMatchObject({ code: "PLAN_CHANGED" });
    expect(await after.rows(silver)).toHaveLength(1);
  });

  test("are refreshed with the columns of the new one", async () => {
    const { after } = await deployed(pipelineOf({ gold: "sum" }));
    await after.engine.refresh(gold);
    await after.quiet();
    expect(await after.rows(gold)).toEqual([{ device: "d1", readings: 1, total: 1 }]);
    expect(await after.stateOf(gold)).toBe("RUNNING");
  });

  test("are told apart by what was read, also where no row has reached the table yet", async () => {
    const before = new EngineWorld({ bench, pipeline: pipelineOf() });
    before.send("0", ["no json"]);
    await before.quiet();
    for (const how of ["elsewhere", "timeless", "otherwise timed"] as const) {
      const after = new EngineWorld({ bench, pipeline: pipelineOf({ silver: how }) }, before.estate);
      await expect(after.engine.continue(silver), how).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
  });

  test("that were a view's are not continued by a stream, which would read them again", async () => {
    const plain = streamingTable("silver.plain", { ...soon, query: parsed });
    const view = materializedView(silver, { ...soon, query: read(plain) });
    const stream = streamingTable(silver, { ...soon, query: readStream(plain) });
    const before = new EngineWorld({ bench, pipeline: definePipeline("fixture", [events, plain, view]) });
    before.send("0", [reading("a", 1)]);
    before.send("1", [reading("b", 2)]);
    await before.quiet();
    const pipeline = definePipeline("fixture", [events, plain, stream]);
    const after = new EngineWorld({ bench, pipeline }, before.estate);
    await expect(after.engine.continue(silver)).rejects.toThrow(/another input/);
    await after.engine.reset(silver);
    await after.quiet();
    expect(await after.rows(silver)).toHaveLength(2);
  });

  test("can be continued after a reset from other lanes", async () => {
    const { before, after } = await deployed(pipelineOf({ silver: "timeless" }));
    await after.engine.reset(silver);
    await after.quiet();
    await before.engine.reset(silver);
    await before.quiet();
    const doubled = new EngineWorld({ bench, pipeline: pipelineOf({ silver: "doubled" }) }, before.estate);
    await doubled.engine.continue(silver);
    await doubled.quiet();
    expect(await doubled.stateOf(silver)).toBe("RUNNING");
    expect(await doubled.rows(silver)).toHaveLength(1);
  });

  test("whose table was deleted are not continued", async () => {
    const { after } = await deployed(pipelineOf({ silver: "doubled" }));
    for await (const { path } of after.estate.lake.list("lake/silver/readings/_delta_log/"))
      await after.estate.lake.delete(path);
    await expect(after.engine.continue(silver)).rejects.toThrow(/its table is gone/);
  });
});

describe("there is nothing to continue", () => {
  test("where the query has not changed", async () => {
    const { before } = await deployed(pipelineOf());
    const refused: unknown = await before.engine.continue(silver).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(DyneError);
    expect(String(refused)).toMatch(/has not changed/);
  });

  test("where the flow never ran", async () => {
    const world = new EngineWorld({ bench, pipeline: pipelineOf() });
    await expect(world.engine.continue(silver)).rejects.toThrow(/has not run yet/);
  });
});

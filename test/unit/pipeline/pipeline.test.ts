import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pipelines } from "../../../pipelines/index.ts";
import {
  count,
  currentTimestamp,
  definePipeline,
  drop,
  eventHub,
  fail,
  files,
  fromJson,
  long,
  manifest,
  manifestSchema,
  materializedView,
  parseManifest,
  read,
  readStream,
  streamingTable,
  string,
  struct,
  timestamp,
  warn,
} from "../../../shared/pipeline/index.ts";
import type { DeclaredTable, FileFormat } from "../../../shared/pipeline/index.ts";
import { typeName } from "../../../shared/plan/index.ts";
import type { LogicalPlan } from "../../../shared/plan/index.ts";

const bronze = streamingTable("bronze.events", { from: eventHub("events"), partitionBy: ["ingestion_date"] });
const Event = struct({ id: string(), at: timestamp(), amount: long() });
const parsed = readStream(bronze).select(({ event_data }) => fromJson(event_data, Event).fields);
const silver = streamingTable("silver.events", { query: parsed });
const gold = materializedView("gold.counts", {
  query: read(silver)
    .groupBy("id")
    .agg(() => ({ n: count() })),
});

/** A table whose query reads a table of any name: what the builder cannot express. */
function reading(name: string, source: string, kind: DeclaredTable["kind"] = "materializedView"): DeclaredTable {
  const query: LogicalPlan = {
    kind: "scan",
    source,
    schema: struct({ a: string() }),
    streaming: kind === "streamingTable",
  };
  return {
    ...(gold as unknown as DeclaredTable),
    name: name as DeclaredTable["name"],
    kind,
    query,
    schema: struct({ a: string() }),
  };
}

describe("bronze and quarantine", () => {
  it("have the columns that the formats promise", () => {
    expect(typeName(bronze.schema)).toBe(
      "struct<event_data:string,event_data_binary:binary,ingestion_timestamp:timestamp,ingestion_date:date,source_system:string,source_epoch:timestamp,partition:string,sequence_number:bigint,offset:string,enqueued_time:timestamp,partition_key:string,properties:string>",
    );
    const landed = streamingTable("bronze.airports", {
      from: files("landing/airports/**.csv", { format: "csv", schema: struct({ iata: string() }) }),
    });
    expect(typeName(landed.schema)).toBe(
      "struct<iata:string,file_name:string,file_etag:string,file_modification_time:timestamp,row_number:bigint,_rescued_data:string,ingestion_timestamp:timestamp,ingestion_date:date>",
    );
  });
});

describe("a table that cannot be", () => {
  const cases: readonly (readonly [string, string, RegExp, () => unknown])[] = [
    [
      "a name without schema",
      "INVALID_PIPELINE",
      /not a table name/,
      () => streamingTable("events", { from: eventHub("events") }),
    ],
    ["a hub's name", "INVALID_PIPELINE", /not the name of a hub/, () => eventHub("My Hub")],
    ["a hub with a dot", "INVALID_PIPELINE", /"web\.visits" .* name of a function/, () => eventHub("web.visits")],
    ["no partitions", "INVALID_PIPELINE", /0 partitions/, () => eventHub("events", { partitions: 0 })],
    [
      "a format that cannot be read",
      "UNSUPPORTED_FEATURE",
      /"xml".*csv, json, jsonl/,
      () => files("landing/a/**.xml", { format: "xml" as FileFormat, schema: Event }),
    ],
    [
      "a place outside of landing",
      "INVALID_PIPELINE",
      /landing/,
      () => files("lake/a/**.csv", { format: "csv", schema: Event }),
    ],
    [
      "a place above its folder",
      "INVALID_PIPELINE",
      /landing/,
      () => files("landing/../**.csv", { format: "csv", schema: Event }),
    ],
    [
      "a file column named like its provenance",
      "DUPLICATE_NAME",
      /file_name/,
      () =>
        streamingTable("bronze.a", {
          from: files("landing/a/**.csv", { format: "csv", schema: struct({ file_name: string() }) }),
        }),
    ],
    [
      "an unknown partition column",
      "UNKNOWN_COLUMN",
      /silver\.events: .*"idd".*"id"/,
      () => streamingTable("silver.events", { query: parsed, partitionBy: ["idd" as "id"] }),
    ],
    [
      "a partition column of bytes",
      "TYPE_MISMATCH",
      /binary/,
      () => streamingTable("bronze.events", { from: eventHub("events"), partitionBy: ["event_data_binary"] }),
    ],
    [
      "a column that differs in case only from the one of a row's place",
      "INVALID_PIPELINE",
      /in which dyne keeps a row's place/,
      () => streamingTable("silver.events", { query: readStream(bronze).select(({ offset }) => ({ _Dyne: offset })) }),
    ],
    [
      "partitioning by every column",
      "INVALID_PIPELINE",
      /leaves none/,
      () => streamingTable("silver.events", { query: parsed, partitionBy: ["id", "at", "amount"] }),
    ],
    [
      "an expectation that is no condition",
      "TYPE_MISMATCH",
      /"x" is long, not boolean/,
      () => streamingTable("silver.events", { query: parsed, expect: ({ amount }) => ({ x: drop(amount as never) }) }),
    ],
    [
      "an expectation's name",
      "INVALID_PIPELINE",
      /Has Id/,
      () =>
        streamingTable("silver.events", { query: parsed, expect: ({ id }) => ({ "Has Id": warn(id.isNotNull()) }) }),
    ],
    [
      "an expectation over groups",
      "INVALID_PIPELINE",
      /aggregate/,
      () => streamingTable("silver.events", { query: parsed, expect: () => ({ many: fail(count().gt(1)) }) }),
    ],
    [
      "groups on a stream",
      "UNBOUNDED_STATE",
      /silver\.events: .*materialized view/,
      () => streamingTable("silver.events", { query: parsed.groupBy("id").agg(() => ({ n: count() })) }),
    ],
    [
      "a view of a stream",
      "INVALID_PIPELINE",
      /read\(\) instead of readStream/,
      () => materializedView("gold.a", { query: parsed }),
    ],
    [
      "a view with a clock",
      "INVALID_PIPELINE",
      /currentTimestamp/,
      () => materializedView("gold.a", { query: read(silver).withColumns(() => ({ now: currentTimestamp() })) }),
    ],
    ["neither source nor query", "INVALID_PIPELINE", /neither/, () => streamingTable("silver.events", {} as never)],
    [
      "a retention that is none",
      "INVALID_ARGUMENT",
      /"for ever"/,
      () => streamingTable("bronze.events", { from: eventHub("events"), retention: "for ever" as "1 day" }),
    ],
  ];
  for (const [name, code, message, work] of cases) {
    it(`is refused when it is declared: ${name}`, () => {
      expect(work).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
    });
  }
});

describe("a pipeline", () => {
  it("puts tables in the order of the data, whatever the order they are listed in", () => {
    const pipeline = definePipeline("events", [gold, silver, bronze]);
    expect(pipeline.tables.map(({ name }) => name)).toEqual(["bronze.events", "silver.events", "gold.counts"]);
    expect(pipeline.flows.map(({ kind, lanes }) => [kind, lanes.kind])).toEqual([
      ["hub", "partitions"],
      ["stream", "partitions"],
      ["view", "single"],
    ]);
    expect(pipeline.graph.get(silver.name)).toEqual({ upstream: ["bronze.events"], downstream: ["gold.counts"] });
  });

  it("has a single lane where rows are de-duplicated", () => {
    const query = parsed.withWatermark("at", "1 hour").dropDuplicatesWithinWatermark(["id"]);
    const pipeline = definePipeline("events", [bronze, streamingTable("silver.events", { query })]);
    expect(pipeline.flows[1]?.lanes).toEqual({ kind: "single" });
  });

  it("lets tables carry the place of a row where one with event time reads them, at once or through others", () => {
    const between = streamingTable("silver.between", { query: readStream(silver) });
    const late = streamingTable("silver.late", { query: readStream(between).withWatermark("at", "1 hour") });
    const carriers = (tables: readonly DeclaredTable[]) =>
      definePipeline("events", tables)
        .flows.filter(({ carriesPlace }) => carriesPlace)
        .map(({ id }) => id);
    expect(carriers([bronze, silver, between, late])).toEqual(["silver.events", "silver.between"]);
    expect(carriers([bronze, silver, between])).toEqual([]);
    const [, before] = definePipeline("events", [bronze, silver]).flows;
    const [, after] = definePipeline("events", [bronze, silver, between, late]).flows;
    expect(after?.fingerprint, "it is no change of the plan").toBe(before?.fingerprint);
  });

  const cases: readonly (readonly [string, string, RegExp, readonly DeclaredTable[]])[] = [
    ["two tables of one name", "DUPLICATE_NAME", /silver\.events twice/, [bronze, silver, silver]],
    [
      "a table among those that dyne keeps about itself",
      "INVALID_PIPELINE",
      /system\.progress .* Give it another schema/,
      [bronze, streamingTable("system.progress", { query: parsed })],
    ],
    [
      "two tables of one hub",
      "DUPLICATE_NAME",
      /both read the hub "events"/,
      [bronze, streamingTable("bronze.again", { from: eventHub("events") })],
    ],
    [
      "a table that is not listed",
      "INVALID_PIPELINE",
      /silver\.events reads bronze\.events, which the pipeline does not list/,
      [silver],
    ],
    [
      "a circle",
      "INVALID_PIPELINE",
      /gold\.a → gold\.b → gold\.a/,
      [reading("gold.a", "gold.b"), reading("gold.b", "gold.a")],
    ],
    ["a table that reads itself", "INVALID_PIPELINE", /gold\.a → gold\.a/, [reading("gold.a", "gold.a")]],
    [
      "a stream of a view",
      "INVALID_PIPELINE",
      /reads the view gold\.counts as a stream/,
      [bronze, silver, gold, streamingTable("silver.counts", { query: readStream(gold) })],
    ],
    [
      "another declaration of a table",
      "SCHEMA_MISMATCH",
      /other columns/,
      [bronze, reading("gold.a", "bronze.events")],
    ],
  ];
  for (const [name, code, message, tables] of cases) {
    it(`cannot have ${name}`, () => {
      expect(() => definePipeline("events", tables)).toThrow(
        expect.objectContaining({ code, message: expect.stringMatching(message) }),
      );
    });
  }

  it("has flows whose fingerprint changes exactly with what decides their rows", () => {
    const fingerprint = (table: DeclaredTable): string | undefined =>
      definePipeline("events", [bronze, table]).flows[1]?.fingerprint;
    const base = fingerprint(silver);
    expect(
      fingerprint(
        streamingTable("silver.events", {
          query: parsed,
          description: "what it is",
          owner: "me",
          minInterval: "5 seconds",
        }),
      ),
    ).toBe(base);
    expect(
      fingerprint(streamingTable("silver.events", { query: parsed.filter(({ amount }) => amount.gt(0)) })),
    ).not.toBe(base);
    expect(fingerprint(streamingTable("silver.events", { query: parsed, partitionBy: ["id"] }))).not.toBe(base);
    expect(
      fingerprint(
        streamingTable("silver.events", { query: parsed, expect: ({ id }) => ({ has_id: drop(id.isNotNull()) }) }),
      ),
    ).not.toBe(base);
  });
});

describe("the manifest", () => {
  for (const pipeline of pipelines) {
    it(`of ${pipeline.name} is valid, survives JSON, and is the same every time`, () => {
      const json: unknown = JSON.parse(JSON.stringify(manifest(pipeline)));
      expect(parseManifest(json)).toEqual(manifest(pipeline));
    });
  }

  it("calls functions as the Functions host takes it, whatever their hubs are called", () => {
    const named = fc.stringMatching(/^[a-z0-9]([a-z0-9._-]{0,48}[a-z0-9])?$/);
    fc.assert(
      fc.property(named, (hub) => {
        const declare = () => [streamingTable("bronze.events", { from: eventHub(hub) })];
        if (hub.includes(".")) {
          expect(declare).toThrow(/cannot be part of the name of a function/);
          return;
        }
        for (const { name } of manifest(definePipeline("events", declare())).functions) {
          expect(name).toMatch(/^[a-z][a-z0-9_-]{0,127}$/i);
        }
      }),
    );
  });

  it("names what has to be provisioned", () => {
    const { functions, queues, consumerGroups, sources, flows, tables } = manifest(
      definePipeline("events", [bronze, silver, gold]),
    );
    expect(functions.map(({ name }) => name)).toEqual([
      "hub-events",
      "notices",
      "bulk",
      "sweep",
      "backfill",
      "status",
      "rows",
      "health",
    ]);
    expect(queues).toEqual(["bulk", "notices"]);
    expect(consumerGroups).toEqual([
      { hub: "events", name: "dyne-trigger" },
      { hub: "events", name: "dyne-read" },
    ]);
    expect(sources).toEqual([
      {
        kind: "eventHub",
        hub: "events",
        table: "bronze.events",
        partitions: 4,
        startingPosition: "earliest",
        failOnDataLoss: true,
      },
    ]);
    expect(flows.map(({ id, minInterval }) => [id, minInterval])).toEqual([
      ["bronze.events", "PT0.5S"],
      ["silver.events", "PT1S"],
      ["gold.counts", "PT5S"],
    ]);
    expect(tables.map(({ path, quarantinePath }) => [path, quarantinePath])).toEqual([
      ["lake/bronze/events", null],
      ["lake/silver/events", "quarantine/silver/events"],
      ["lake/gold/counts", null],
    ]);
  });

  it("of a later version, or with anything unknown, is refused", () => {
    const good = manifest(definePipeline("events", [bronze]));
    expect(() => parseManifest({ ...good, format: 2 })).toThrow(expect.objectContaining({ code: "FORMAT_TOO_NEW" }));
    expect(() => parseManifest({ ...good, secrets: [] })).toThrow(
      expect.objectContaining({ code: "INVALID_PIPELINE" }),
    );
    expect(manifestSchema.safeParse(good).success).toBe(true);
  });
});

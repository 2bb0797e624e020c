/** What somebody may set of a table that a flow writes: either it is refused before anything is committed, or the flow goes on, and can begin anew. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isDyneError } from "../../../shared/core/index.ts";
import {
  numberedSchema,
  schemaString,
  tableProperties,
  type Action,
  type TableProperty,
} from "../../../shared/delta/index.ts";
import { tableFeatures } from "../../../shared/delta/feature-table.ts";
import {
  count,
  definePipeline,
  eventHub,
  fromJson,
  long,
  materializedView,
  read,
  readStream,
  streamingTable,
  string,
  struct,
  sum,
  tablePath,
} from "../../../shared/pipeline/index.ts";
import {
  setProperties,
  unsetProperties,
  upgradeProtocol,
  type Alteration,
  type DeltaTable,
  type TableWriter,
} from "../../../shared/table/index.ts";
import { EngineBench, EngineWorld, type Row } from "../../support/engine-harness.ts";

const [bronze, silver, gold] = ["bronze.events", "silver.values", "gold.totals"] as const;
const soon = { minInterval: "0 seconds" } as const;
const events = streamingTable(bronze, { ...soon, from: eventHub("events", { partitions: 1 }) });
const rows = streamingTable(silver, {
  ...soon,
  query: readStream(events)
    .withColumns(({ event_data }) => ({ event: fromJson(event_data, struct({ key: string(), value: long() })) }))
    .select(({ event }) => ({ ...event.fields })),
});
const totals = materializedView(gold, {
  ...soon,
  query: read(rows)
    .groupBy("key")
    .agg(({ value }) => ({ total: sum(value), rows: count() })),
});
const pipeline = definePipeline("fixture", [events, rows, totals]);

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

/** Flows that have read what was sent, malformed events among it. */
interface Altered {
  readonly world: EngineWorld;
  sent: number;
}

async function begin(): Promise<Altered> {
  const altered = { world: new EngineWorld({ bench, pipeline }), sent: 0 };
  await goesOn(altered);
  return altered;
}

function tableOf({ world }: Altered, name: string): DeltaTable {
  const quarantined = name.startsWith("quarantine/");
  return world.table(tablePath(name.replace("quarantine/", ""), quarantined ? "quarantine" : "lake"));
}

/** Sends rows of two keys, of which the view changes one, and expects all tables to have all there are. */
async function goesOn(altered: Altered): Promise<void> {
  const value = ++altered.sent;
  altered.world.send("0", [{ key: "a", value }, { key: `k${value}`, value: 1 }, "no JSON"]);
  await altered.world.quiet();
  await expectAll(altered);
}

async function expectAll({ world, sent }: Altered): Promise<void> {
  for (const flow of [bronze, silver, gold]) expect([flow, await world.stateOf(flow)]).toEqual([flow, "RUNNING"]);
  const values = Array.from({ length: sent }, (_, i) => i + 1);
  const wanted: Row[] = [
    { key: "a", total: values.reduce((total, value) => total + value, 0), rows: sent },
    ...values.map((value) => ({ key: `k${value}`, total: 1, rows: 1 })),
  ];
  const byKey = (a: Row, b: Row) => (String(a["key"]) < String(b["key"]) ? -1 : 1);
  expect((await world.rows(gold)).toSorted(byKey)).toEqual(wanted.toSorted(byKey));
  expect(await world.rows(silver)).toHaveLength(2 * sent);
  expect(await world.rows(silver, { quarantine: true })).toHaveLength(sent);
}

/** Each flow begins anew, those that read it after it. */
async function beginsAnew(altered: Altered): Promise<void> {
  await altered.world.engine.refresh(gold);
  await altered.world.quiet();
  await expectAll(altered);
  for (const flow of [bronze, silver]) {
    await altered.world.engine.reset(flow);
    await altered.world.quiet();
  }
  await expectAll(altered);
}

const writers: Readonly<Record<string, TableWriter>> = {
  [bronze]: { flow: bronze, appendsOnly: true },
  [silver]: { flow: silver, appendsOnly: true },
  [`quarantine/${silver}`]: { flow: silver, appendsOnly: true },
  [gold]: { flow: gold, appendsOnly: false },
};

/** Texts of which every property takes one or more. */
const texts = [
  ...["true", "false", "1", "64", "interval 1 hour", "128mb", "Serializable", "WriteSerializable"],
  ...["none", "name", "id", "classic", "v2", "zstd", "snappy", "iceberg"],
];

/** Tries an alteration of every table: the names of those that took it. Others have refused it, and are unchanged. */
async function tried(altered: Altered, alter: (table: DeltaTable, writer: TableWriter) => Promise<Alteration>) {
  const taken: string[] = [];
  for (const [name, writer] of Object.entries(writers)) {
    const { version } = await tableOf(altered, name).latest();
    try {
      await alter(tableOf(altered, name), writer);
      taken.push(name);
    } catch (error) {
      if (!isDyneError(error)) throw error;
      expect(["INVALID_ARGUMENT", "UNSUPPORTED_FEATURE", "UNKNOWN_COLUMN"]).toContain(error.code);
      expect((await tableOf(altered, name).latest()).version).toBe(version);
    }
  }
  return taken;
}

const all = Object.keys(writers);
/** What dyne writes, and flows do not: refused of these tables. */
const notOfFlows: Readonly<Record<string, readonly string[]>> = {
  "delta.appendOnly=true": [gold],
  "delta.enableChangeDataFeed=true": [gold],
  "delta.setTransactionRetentionDuration=interval 1 hour": all,
  "delta.columnMapping.mode=name": all,
  "delta.columnMapping.mode=id": all,
};

/** Some texts of a property, and no two where any would do. */
function textsOf({ form, parse }: TableProperty<unknown>): readonly string[] {
  if (form.startsWith("names of columns")) return ["the first column"];
  return texts.filter((text) => parse(text) !== undefined).slice(0, form === "a text" ? 1 : undefined);
}

describe("a property of a table that a flow writes is refused, or the flow goes on with it and begins anew:", () => {
  const known = Object.entries<TableProperty<unknown>>(tableProperties).filter(([, each]) => each.isInternal !== true);
  test.each(known.map(([name]) => name))("%s", { timeout: 60_000 }, async (name) => {
    const property: TableProperty<unknown> = tableProperties[name as keyof typeof tableProperties];
    const altered = await begin();
    expect(textsOf(property)).not.toEqual([]);
    for (const text of textsOf(property)) {
      const taken = await tried(altered, async (table, writer) => {
        const [first = ""] = Object.keys((await table.latest()).schema.fields);
        return setProperties({ table }, { [name]: text === "the first column" ? first : text }, { writer });
      });
      const refused = property.refused?.(property.parse(text)) === undefined ? notOfFlows[`${name}=${text}`] : all;
      expect([text, taken]).toEqual([text, all.filter((table) => refused?.includes(table) !== true)]);
      if (taken.length > 0) await goesOn(altered);
    }
    // Tables that keep their rows are not emptied.
    if (name !== "delta.appendOnly") await beginsAnew(altered);
  });
});

test.each(Object.keys(tableFeatures))(
  "the feature %s of a table that a flow writes is refused, or the flow goes on with it and begins anew",
  { timeout: 60_000 },
  async (feature) => {
    const altered = await begin();
    const taken = await tried(altered, (table, writer) => upgradeProtocol({ table }, [feature], { writer }));
    expect([[], all]).toContainEqual(taken);
    if (feature === "columnMapping") expect(taken).toEqual([]);
    if (taken.length === 0) return;
    await goesOn(altered);
    await beginsAnew(altered);
  },
);

test.each([
  [
    { "delta.columnMapping.mode": "name" },
    /flow gold\.totals, which finds columns .* Leave delta.columnMapping.mode unset/,
  ],
  [
    { "delta.feature.columnMapping": "supported" },
    /Leave delta.columnMapping.mode unset, and rename .* in its pipeline/,
  ],
  [{ "delta.minReaderVersion": "2" }, /Leave delta.columnMapping.mode unset/],
  [{ "delta.appendOnly": "true" }, /which replaces rows, or may\. Leave delta\.appendOnly unset/],
  [{ "delta.enableChangeDataFeed": "true" }, /writes no change files\. Leave delta\.enableChangeDataFeed unset/],
])("what a table's log says of its flow is enough to refuse %j, with what to do", async (properties, message) => {
  const altered = await begin();
  const setting = setProperties({ table: tableOf(altered, gold) }, properties);
  await expect(setting).rejects.toMatchObject({ code: "INVALID_ARGUMENT", details: { flow: gold } });
  await expect(setting).rejects.toThrow(message);
});

describe("a table that another program altered", () => {
  /** What another program commits. */
  async function alter(table: DeltaTable, actions: readonly Action[]): Promise<void> {
    const outcome = await table.commit({ actions, isBlindAppend: false, operation: "SET TBLPROPERTIES" });
    expect(outcome.kind).toBe("committed");
  }

  async function mapColumns(table: DeltaTable, physicalName: (name: string) => string): Promise<void> {
    const { metadata, schema } = await table.latest();
    const { schema: mapped, maxColumnId } = numberedSchema(schema, { maxColumnId: 0, physicalName });
    const configuration = {
      "delta.columnMapping.mode": "name",
      "delta.columnMapping.maxColumnId": String(maxColumnId),
      owner: "me",
    };
    await alter(table, [
      { protocol: { minReaderVersion: 2, minWriterVersion: 5 } },
      { metaData: { ...metadata, schemaString: schemaString(mapped), configuration } },
    ]);
  }

  test.each([silver, `quarantine/${silver}`, gold])(
    "so that the columns of %s are mapped says so until its flow is reset, which gives them their own names",
    async (name) => {
      const altered = await begin();
      const flow = writers[name]!.flow;
      // As after a rename: names in files are others than those of the columns.
      await mapColumns(tableOf(altered, name), (column) => `col-${column}`);
      await expect(goesOn(altered)).rejects.toThrow("FAILED");
      expect(await altered.world.record(`checkpoints/${flow}/state.json`)).toMatchObject({
        failure: { code: "SINK_CHANGED", message: expect.stringContaining("its columns are mapped") as string },
      });
      const remedy = `"dyne flow reset ${flow}" gives them their own names`;
      const again =
        flow === gold ? altered.world.engine.refresh(gold) : altered.world.engine.restore(flow, 1, "rewind");
      await expect(again).rejects.toThrow(remedy);
      await expect(
        unsetProperties({ table: tableOf(altered, name) }, ["delta.columnMapping.mode"], { writer: writers[name] }),
      ).rejects.toThrow(`"dyne flow reset ${flow}"`);
      await altered.world.engine.reset(flow);
      await altered.world.quiet();
      await expectAll(altered);
      const { columnMapping, metadata } = await tableOf(altered, name).latest();
      expect(columnMapping).toBe("none");
      expect(metadata.configuration).toEqual({ "delta.columnMapping.maxColumnId": expect.any(String), owner: "me" });
      await goesOn(altered);
    },
  );

  test.each([silver, gold])("so that the columns of %s are mapped goes on when that is undone", async (name) => {
    const altered = await begin();
    const before = (await tableOf(altered, name).latest()).metadata;
    await mapColumns(tableOf(altered, name), (column) => column);
    await expect(goesOn(altered)).rejects.toThrow("FAILED");
    await alter(tableOf(altered, name), [{ metaData: before }]);
    await altered.world.engine.resume(name);
    await altered.world.quiet();
    await expectAll(altered);
    await goesOn(altered);
  });

  test("so that a view keeps its rows is refreshed, and goes on, once that is taken away", async () => {
    const altered = await begin();
    const table = tableOf(altered, gold);
    const { metadata } = await table.latest();
    const configuration = { ...metadata.configuration, "delta.appendOnly": "true" };
    await alter(table, [{ metaData: { ...metadata, configuration } }]);
    await expect(goesOn(altered)).rejects.toMatchObject({
      errors: [{ message: expect.stringContaining("unset it") }],
    });
    for (const again of ["refresh", "reset"] as const)
      await expect(altered.world.engine[again](gold)).rejects.toThrow(
        `"dyne table alter ${gold} unset-property delta.appendOnly"`,
      );
    await unsetProperties({ table: tableOf(altered, gold) }, ["delta.appendOnly"]);
    await goesOn(altered);
    await beginsAnew(altered);
  });

  test("so that a streaming table keeps its rows is reset once that is taken away", async () => {
    const altered = await begin();
    const [table, name] = [tableOf(altered, `quarantine/${silver}`), `quarantine/${silver}`];
    await setProperties({ table }, { "delta.appendOnly": "true" }, { writer: writers[name] });
    await goesOn(altered);
    await expect(altered.world.engine.reset(silver)).rejects.toThrow(
      `"dyne table alter ${name} unset-property delta.appendOnly"`,
    );
    await unsetProperties({ table: tableOf(altered, name) }, ["delta.appendOnly"]);
    await beginsAnew(altered);
  });
});

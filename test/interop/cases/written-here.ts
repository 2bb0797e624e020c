/** Tables that dyne writes, by feature. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { schemaString } from "../../../shared/delta/index.ts";
import type { DataType, Schema } from "../../../shared/plan/index.ts";
import type { TableSession } from "../../../shared/table/index.ts";
import { appendTexts, dyneStep } from "../dyne-steps.ts";
import { demoRun, demoTables, type DemoTable } from "../exported-tables.ts";
import { Model } from "../model.ts";
import { randomTable, type RandomTable, type Step } from "../random-table.ts";
import { peerNames, type World } from "../world.ts";
import type { Written, WrittenHere } from "./case.ts";

type Properties = Readonly<Record<string, string>>;

/** Creates a table and does steps on it, with a model of its rows beside. */
async function stepByStep(
  world: World,
  session: TableSession,
  table: RandomTable,
  steps: readonly Step[],
): Promise<Model> {
  const model = new Model(table);
  await appendTexts(world, session, table.schemaJson, table.first);
  for (const step of steps) {
    const concerned = model.concerns(step) > 0;
    const committed = await dyneStep(world, session, table, step);
    if (concerned && !committed) throw new Error(`${step.kind} changed nothing, but concerns rows`);
    if (committed) model.apply(step);
  }
  return model;
}

async function create(
  { table }: TableSession,
  { schema, partitionBy }: RandomTable,
  configuration: Properties,
): Promise<void> {
  await table.createIfAbsent({ schema, partitionBy, configuration });
}

function writtenOf({ versions }: Model, withChanges: boolean): Written {
  return {
    versions: versions.map(({ rows }) => rows),
    ...(withChanges && { changes: versions.map(({ changes }) => changes) }),
  };
}

/** A random table of dyne's own. */
function random(feature: string, seed: number, configuration: Properties = {}): WrittenHere {
  return {
    kind: "here",
    feature,
    seed,
    async write(world, path) {
      const session = world.session(path);
      const table = randomTable(seed);
      await create(session, table, configuration);
      const model = await stepByStep(world, session, table, table.steps);
      return writtenOf(model, configuration["delta.enableChangeDataFeed"] === "true");
    },
  };
}

/** The same steps for every feature: each kind of change once, some rows of which are concerned and some not. */
const plain: RandomTable = {
  seed: 0,
  schema: {
    kind: "struct",
    fields: {
      id: { type: { kind: "long" }, nullable: true },
      note: { type: { kind: "string" }, nullable: true },
      day: { type: { kind: "date" }, nullable: true },
    },
  },
  schemaJson: JSON.stringify({
    type: "struct",
    fields: [
      { name: "id", type: "long", nullable: true, metadata: {} },
      { name: "note", type: "string", nullable: true, metadata: {} },
      { name: "day", type: "date", nullable: true, metadata: {} },
    ],
  }),
  partitionBy: ["day"],
  first: rows(1, 12),
  steps: [
    { kind: "append", rows: rows(13, 20) },
    { kind: "update", set: { note: "'updated'" }, where: "id % 4 = 1" },
    { kind: "delete", where: "id % 5 = 0" },
    { kind: "checkpoint" },
    { kind: "merge", rows: [...rows(3, 4), ...rows(30, 32)] },
    { kind: "delete", where: "id % 3 = 2" },
    { kind: "optimize" },
    { kind: "append", rows: rows(40, 41) },
  ],
};

function rows(first: number, last: number): readonly string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const id = first + i;
    return JSON.stringify({
      id,
      note: id % 7 === 0 ? null : `n${id}`,
      day: id % 6 === 0 ? null : `2024-01-0${1 + (id % 2)}`,
    });
  });
}

/** A table that Spark created with a feature, changed by dyne. */
function onSparks(
  feature: string,
  properties: readonly string[],
  more: Partial<WrittenHere> = {},
  withChanges = false,
): WrittenHere {
  return {
    kind: "here",
    feature,
    async write(world, path) {
      const listed = [
        ...(properties.some((one) => one.includes("DeletionVectors")) ? [] : ["delta.enableDeletionVectors = false"]),
        ...properties,
      ];
      const statement = `CREATE TABLE {t} (id BIGINT, note STRING, day DATE) USING delta PARTITIONED BY (day) TBLPROPERTIES (${listed.join(", ")})`;
      await world.peers.Spark.ask("sql", { path, statements: [statement] });
      return writtenOf(await stepByStep(world, world.session(path), plain, plain.steps), withChanges);
    },
    ...more,
  };
}

const randomly = "random columns, rows and operations";
const seed = Number(process.env["INTEROP_SEED"] ?? 1) + 1_000;

const schemaOf = (types: Readonly<Record<string, DataType>>): Schema => ({
  kind: "struct",
  fields: Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type, nullable: true }])),
});

/** A table of dyne's own whose columns and rows are these texts. */
function listed(
  feature: string,
  {
    types,
    partitionBy = [],
    rows,
  }: { types: Readonly<Record<string, DataType>>; partitionBy?: readonly string[]; rows: readonly string[] },
): WrittenHere {
  const schema = schemaOf(types);
  return {
    kind: "here",
    feature,
    async write(world, path) {
      const session = world.session(path);
      await session.table.createIfAbsent({ schema, partitionBy });
      await appendTexts(world, session, schemaString(schema), rows);
      return { versions: [[], rows] };
    },
  };
}

const specialValues = [
  "100%",
  "a/b",
  "a b",
  "a+b",
  "a?b#c",
  "a:b",
  "a\\b",
  "{x}[y]",
  "äöü",
  "%2F",
  "x=y",
  "'",
  '"',
  "😀",
  "~",
  "a*b",
];

const partitions: readonly WrittenHere[] = [
  listed("partitions with special characters", {
    types: { id: { kind: "long" }, "the-key": { kind: "string" }, Größe: { kind: "integer" } },
    partitionBy: ["the-key"],
    rows: [...specialValues, null].map((value, id) => JSON.stringify({ id, "the-key": value, Größe: id })),
  }),
  listed("partitions of many types", {
    types: {
      id: { kind: "long" },
      b: { kind: "boolean" },
      y: { kind: "byte" },
      l: { kind: "long" },
      dec: { kind: "decimal", precision: 20, scale: 4 },
      day: { kind: "date" },
      at: { kind: "timestamp" },
    },
    partitionBy: ["b", "y", "l", "dec", "day", "at"],
    rows: [
      '{"id":1,"b":true,"y":-128,"l":-9223372036854775808,"dec":"-1234567890123456.7890","day":"1969-12-31","at":"1969-12-31T23:59:59.999999Z"}',
      '{"id":2,"b":false,"y":127,"l":9223372036854775807,"dec":"0.0001","day":"9999-12-31","at":"2024-02-29T12:34:56.000000Z"}',
      '{"id":3,"b":null,"y":null,"l":null,"dec":null,"day":null,"at":null}',
    ],
  }),
  listed("timestampNtz", {
    types: { id: { kind: "long" }, at: { kind: "timestamp_ntz" }, p: { kind: "timestamp_ntz" } },
    partitionBy: ["p"],
    rows: [
      '{"id":1,"at":"2024-02-29T12:34:56.789012","p":"2024-02-29T12:34:56.789012"}',
      '{"id":2,"at":null,"p":null}',
    ],
  }),
];

/** Commits before the checkpoint are deleted: what is read is read from the checkpoint. */
const checkpoints: WrittenHere = {
  kind: "here",
  feature: "checkpoints",
  async write(world, path) {
    const session = world.session(path);
    await create(session, plain, {});
    const model = await stepByStep(world, session, plain, [...plain.steps, { kind: "checkpoint" }]);
    const newest = model.versions.length - 1;
    for (let version = 0; version < newest; version++) await rm(commitFile(path, version));
    return { versions: [...Array.from({ length: newest }, () => undefined), model.newest.rows] };
  },
};

const commitFile = (path: string, version: number): string =>
  join(path, "_delta_log", `${String(version).padStart(20, "0")}.json`);

const transactionIdentifiers: WrittenHere = {
  kind: "here",
  feature: "transaction identifiers",
  async write(world, path) {
    const session = world.session(path);
    await create(session, plain, {});
    const fences = (version: number, expected?: number) => [{ appId: "dyne/case", version, expected }];
    await appendTexts(world, session, plain.schemaJson, plain.first, { fences: fences(2 ** 33 + 1) });
    await appendTexts(world, session, plain.schemaJson, rows(50, 51), { fences: fences(2 ** 33 + 2, 2 ** 33 + 1) });
    for (const peer of peerNames) {
      const recorded = await world.peers[peer].ask("txn", { path, appId: "dyne/case" });
      if (recorded !== 2 ** 33 + 2) throw new Error(`${peer} finds the transaction at ${JSON.stringify(recorded)}`);
    }
    return { versions: [[], plain.first, [...plain.first, ...rows(50, 51)]] };
  },
};

const addedColumns: WrittenHere = {
  kind: "here",
  feature: "added columns",
  async write(world, path) {
    const session = world.session(path);
    await create(session, plain, {});
    await appendTexts(world, session, plain.schemaJson, plain.first);
    const { fields } = plain.schema;
    await session.table.addColumns({
      kind: "struct",
      fields: { ...fields, amount: { type: { kind: "integer" }, nullable: true } },
    });
    const evolved = schemaString(
      schemaOf({ id: { kind: "long" }, tags: { kind: "array", element: { kind: "string" }, containsNull: true } }),
    );
    await appendTexts(world, session, evolved, ['{"id":60,"tags":["a",null]}'], { mergeSchema: true });
    const widened = (row: string, more: string) => `${row.slice(0, -1)},${more}}`;
    return {
      versions: [
        [],
        plain.first,
        plain.first.map((row) => widened(row, '"amount":null')),
        [
          ...plain.first.map((row) => widened(row, '"amount":null,"tags":null')),
          '{"id":60,"note":null,"day":null,"amount":null,"tags":["a",null]}',
        ],
      ],
    };
  },
};

/** A table that the demo filled, as `table export` copies it; the rows are those of the table itself. */
function exported(name: DemoTable): WrittenHere {
  return {
    kind: "here",
    feature: "tables of a pipeline, exported",
    title: name,
    async write(_world, path) {
      const run = await demoRun();
      await run.exportTo(name, path);
      return { versions: [undefined, await run.rows(name)] };
    },
  };
}

/** All of them. */
export const writtenHere: readonly WrittenHere[] = [
  ...[0, 1, 2, 3].map((offset) => random(randomly, seed + offset)),
  random("change data feed", seed + 10, { "delta.enableChangeDataFeed": "true" }),
  ...partitions,
  checkpoints,
  transactionIdentifiers,
  addedColumns,
  ...demoTables.map(exported),
  onSparks("deletion vectors", ["delta.enableDeletionVectors = true"]),
  onSparks(
    "change data feed with deletion vectors",
    ["delta.enableDeletionVectors = true", "delta.enableChangeDataFeed = true"],
    {},
    true,
  ),
];

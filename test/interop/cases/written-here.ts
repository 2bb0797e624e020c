/** Tables that dyne writes, by feature. */
import { cp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { logTail, schemaString, writeCompaction } from "../../../shared/delta/index.ts";
import { appendTexts } from "../dyne-steps.ts";
import { demoRun, demoTables, type DemoTable } from "../exported-tables.ts";
import { randomTable } from "../random-table.ts";
import { canonicalRows } from "../same-rows.ts";
import { interopSeed } from "../seed.ts";
import { peerNames } from "../world.ts";
import { noMappedChanges, type WrittenHere } from "./case.ts";
import { careHere } from "./care-here.ts";
import { sameRows, statements } from "./checks.ts";
import { mappedHere } from "./mapped-here.ts";
import { protocolsHere } from "./protocols.ts";
import { rulesHere } from "./rules-here.ts";
import { inTurnsHere } from "./turns.ts";
import { valuesHere } from "./values-here.ts";
import { create, plain, rows, schemaOf, stepByStep, writtenOf, type Properties } from "./plain-table.ts";

/** A random table of dyne's own. */
function random(feature: string, seed: number, configuration: Properties = {}): WrittenHere {
  const isMapped = configuration["delta.columnMapping.mode"] !== undefined;
  return {
    kind: "here",
    feature,
    seed,
    ...(isMapped && configuration["delta.enableChangeDataFeed"] === "true" && { readings: noMappedChanges }),
    async write(world, path) {
      const session = world.session(path);
      const table = randomTable(seed, { oddNames: isMapped });
      await create(session, table, configuration);
      const model = await stepByStep(world, session, table, table.steps);
      return writtenOf(model, configuration["delta.enableChangeDataFeed"] === "true");
    },
  };
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
const seed = interopSeed + 1_000;

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

/** Of a copy whose compacted commits are empty, only the compaction can tell the rows. */
const compactions: WrittenHere = {
  kind: "here",
  feature: "log compaction",
  async write(world, path) {
    const session = world.session(path);
    await create(session, plain, { "delta.enableDeletionVectors": "true" });
    const steps = plain.steps.filter(({ kind }) => kind !== "checkpoint");
    const written = writtenOf(await stepByStep(world, session, plain, steps), false);
    const { log } = session.table;
    const snapshot = await session.table.at(written.versions.length - 2);
    const { uncompacted } = await logTail(log, snapshot.version);
    const compaction = await writeCompaction(log, snapshot, uncompacted);
    expect(compaction).toMatchObject({ version: 0, lastVersion: snapshot.version });
    return written;
  },
  checks: {
    "Spark and dyne read the compaction instead of its commits": async (world, path, { versions }) => {
      const copy = world.newPath();
      await cp(path, copy, { recursive: true });
      for (let version = 0; version < versions.length - 1; version++) await writeFile(commitFile(copy, version), "");
      expect(await sameRows(world, copy)).toEqual(canonicalRows(versions.at(-1)!));
    },
    "Spark goes on": async (world, path) => {
      await statements(world, path, "DELETE FROM {t} WHERE id = 1");
      await sameRows(world, path);
    },
  },
};

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
  ...[0, 1].map((offset) => random(randomly, seed + offset)),
  random("change data feed", seed + 10, { "delta.enableChangeDataFeed": "true" }),
  ...valuesHere,
  checkpoints,
  compactions,
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
  random("column mapping by name", seed + 20, { "delta.columnMapping.mode": "name" }),
  random("column mapping by id", seed + 21, {
    "delta.columnMapping.mode": "id",
    "delta.enableDeletionVectors": "true",
  }),
  random("change data feed with column mapping", seed + 22, {
    "delta.columnMapping.mode": "name",
    "delta.enableChangeDataFeed": "true",
  }),
  ...mappedHere,
  ...rulesHere,
  ...careHere,
  ...protocolsHere,
  ...inTurnsHere,
];

/** Rules about rows, which dyne writes into the table: Spark keeps them, and dyne keeps Spark's. */
import { expect } from "vitest";
import { schemaString } from "../../../shared/delta/index.ts";
import {
  date,
  decimal,
  double,
  integer,
  long,
  string,
  timestamp,
  type DataType,
  type Schema,
} from "../../../shared/plan/index.ts";
import { appendTexts, mergeById, updateBySql } from "../dyne-steps.ts";
import type { World } from "../world.ts";
import type { Check, WrittenHere } from "./case.ts";
import { sameRows, statements } from "./checks.ts";
import { create } from "./plain-table.ts";

interface RuledColumn {
  readonly type: DataType;
  readonly nullable?: boolean;
  /** In Spark's SQL. */
  readonly generatedAs?: string;
  readonly invariant?: string;
}

function ruled(columns: Readonly<Record<string, RuledColumn>>): Schema {
  const fields = Object.entries(columns).map(([name, { type, nullable = true, generatedAs, invariant }]) => {
    const metadata = {
      ...(generatedAs !== undefined && { "delta.generationExpression": generatedAs }),
      ...(invariant !== undefined && {
        "delta.invariants": JSON.stringify({ expression: { expression: invariant } }),
      }),
    };
    return [name, { type, nullable, metadata }] as const;
  });
  return { kind: "struct", fields: Object.fromEntries(fields) };
}

/** That Spark refuses a statement in these words, and that no version comes of it. */
async function sparkRefuses(world: World, path: string, statement: string, words: RegExp): Promise<void> {
  const { version } = await world.session(path).table.latest();
  await expect(statements(world, path, statement), statement).rejects.toThrow(words);
  expect((await world.session(path).table.latest()).version, statement).toBe(version);
}

const violates = /CONSTRAINT|INVARIANT|NOT_NULL|violated/i;

const checkConstraints: WrittenHere = {
  kind: "here",
  feature: "CHECK constraints and NOT NULL",
  fromCheckpoint: true,
  async write(world, path) {
    const schema = ruled({
      id: { type: long(), nullable: false },
      amount: { type: decimal(10, 2) },
      kind: { type: string() },
    });
    await create(world.session(path), { schema, partitionBy: [] }, {});
    const table = world.lake(path);
    await table.addConstraint("positive", "amount > 0");
    await table.append([
      { id: 1, amount: "1.50", kind: "a" },
      { id: 2, amount: "2", kind: "bb" },
    ]);
    await table.addConstraint("Known", "kind IN ('a', 'bb') AND length(kind) < 3 OR kind IS NULL");
    await table.append([{ id: 3, amount: "0.01", kind: null }]);
    const first = ['{"id":1,"amount":"1.50","kind":"a"}', '{"id":2,"amount":"2.00","kind":"bb"}'];
    return { versions: [[], [], first, first, [...first, '{"id":3,"amount":"0.01","kind":null}']] };
  },
  checks: {
    "Spark refuses rows that break them": async (world, path) => {
      for (const row of ["(NULL, 1, 'a')", "(9, -1, 'a')", "(9, 1, 'c')", "(9, NULL, 'zzz')"])
        await sparkRefuses(world, path, `INSERT INTO {t} VALUES ${row}`, violates);
      await sparkRefuses(world, path, "UPDATE {t} SET amount = amount - 2 WHERE id = 2", violates);
    },
    "Spark writes rows that keep them, and dyne keeps a constraint of Spark's": async (world, path) => {
      await statements(
        world,
        path,
        "INSERT INTO {t} VALUES (4, 7, 'bb')",
        "ALTER TABLE {t} ADD CONSTRAINT small CHECK (amount < 100 AND id % 10 <> 9)",
      );
      const table = world.lake(path);
      await expect(table.append([{ id: 19, amount: "1", kind: "a" }])).rejects.toThrow(/small/);
      await expect(updateBySql(table.session, { amount: "amount + 99" }, "id = 4")).rejects.toThrow(/small/);
      await table.append([{ id: 20, amount: "99.99", kind: "a" }]);
      await table.dropConstraint("positive");
      await statements(world, path, "INSERT INTO {t} VALUES (21, -1, 'a')");
      await sameRows(world, path);
    },
  },
};

const invariants: WrittenHere = {
  kind: "here",
  feature: "column invariants",
  async write(world, path) {
    const schema = ruled({ id: { type: long() }, amount: { type: integer(), invariant: "amount > 3" } });
    await create(world.session(path), { schema, partitionBy: [] }, {});
    await world.lake(path).append([{ id: 1, amount: 4 }]);
    await expect(world.lake(path).append([{ id: 1, amount: 3 }])).rejects.toThrow(/amount > 3/);
    return { versions: [[], ['{"id":1,"amount":4}']] };
  },
  checks: {
    "Spark refuses rows that break them, and writes those that keep them": async (world, path) => {
      await sparkRefuses(world, path, "INSERT INTO {t} VALUES (2, 3)", violates);
      await statements(world, path, "INSERT INTO {t} VALUES (2, 5)");
      await sameRows(world, path);
    },
  },
};

const generatedColumns: Readonly<Record<string, RuledColumn>> = {
  day: { type: date(), generatedAs: "CAST(at AS DATE)" },
  year: { type: integer(), generatedAs: "YEAR(at)" },
  hour: { type: integer(), generatedAs: "hour(at)" },
  twice: { type: long(), generatedAs: "id * 2 + 1" },
  remainder: { type: long(), generatedAs: "id % 3" },
  label: { type: string(), generatedAs: "concat(upper(name), '-', CAST(id AS STRING))" },
  start: { type: string(), generatedAs: "substring(name, 1, 2)" },
  part: { type: double(), generatedAs: "ratio / 3" },
  size: { type: string(), generatedAs: "CASE WHEN ratio > 1 THEN 'big' WHEN ratio IS NULL THEN NULL ELSE 'small' END" },
  known: { type: string(), generatedAs: "coalesce(name, 'nobody')" },
};

const givenColumns: Readonly<Record<string, RuledColumn>> = {
  id: { type: long() },
  name: { type: string() },
  at: { type: timestamp() },
  ratio: { type: double() },
};

const givenRows = [
  '{"id":1,"name":"Ada","at":"2024-02-29T23:59:59.999999Z","ratio":0.5}',
  '{"id":2,"name":"straße","at":"1969-12-31T23:59:59.999999Z","ratio":1.5}',
  '{"id":3,"name":null,"at":null,"ratio":null}',
  '{"id":-4,"name":"😀😀😀","at":"1582-10-15T00:00:00.000000Z","ratio":"NaN"}',
  '{"id":5,"name":"","at":"0001-01-01T00:00:00.000000Z","ratio":"-Infinity"}',
] as const;

/** That Spark computes of every row what is in it. */
const areAsComputed: Check = async (world, path) => {
  const wrong = Object.entries(generatedColumns).map(
    ([name, { generatedAs }]) => `count_if(NOT (${name} <=> (${generatedAs}))) AS ${name}`,
  );
  const answer = await world.peers.Spark.ask("query", { path, statement: `SELECT ${wrong.join(", ")} FROM {t}` });
  const none = Object.fromEntries(Object.keys(generatedColumns).map((name) => [name, 0]));
  expect((answer as string[]).map((row) => JSON.parse(row) as unknown)).toEqual([none]);
};

const generated: WrittenHere = {
  kind: "here",
  feature: "generated columns",
  fromCheckpoint: true,
  async write(world, path) {
    const schema = ruled({ ...givenColumns, ...generatedColumns });
    const session = world.session(path);
    await create(session, { schema, partitionBy: ["day"] }, {});
    await appendTexts(world, session, schemaString(ruled(givenColumns)), givenRows);
    const table = world.lake(path);
    await table.append([{ id: 6, name: "late", at: "2024-03-01T00:00:00Z", ratio: 3 }]);
    await updateBySql(session, { id: "id + 10" }, "id = 6");
    return {
      versions: [
        [],
        undefined,
        undefined,
        [
          '{"id":1,"name":"Ada","at":"2024-02-29T23:59:59.999999Z","ratio":0.5,"day":"2024-02-29","year":2024,"hour":23,"twice":3,"remainder":1,"label":"ADA-1","start":"Ad","part":0.16666666666666666,"size":"small","known":"Ada"}',
          '{"id":2,"name":"straße","at":"1969-12-31T23:59:59.999999Z","ratio":1.5,"day":"1969-12-31","year":1969,"hour":23,"twice":5,"remainder":2,"label":"STRASSE-2","start":"st","part":0.5,"size":"big","known":"straße"}',
          '{"id":3,"name":null,"at":null,"ratio":null,"day":null,"year":null,"hour":null,"twice":7,"remainder":0,"label":null,"start":null,"part":null,"size":null,"known":"nobody"}',
          '{"id":-4,"name":"😀😀😀","at":"1582-10-15T00:00:00.000000Z","ratio":"NaN","day":"1582-10-15","year":1582,"hour":0,"twice":-7,"remainder":-1,"label":"😀😀😀--4","start":"😀😀","part":"NaN","size":"big","known":"😀😀😀"}',
          '{"id":5,"name":"","at":"0001-01-01T00:00:00.000000Z","ratio":"-Infinity","day":"0001-01-01","year":1,"hour":0,"twice":11,"remainder":2,"label":"-5","start":"","part":"-Infinity","size":"small","known":""}',
          '{"id":16,"name":"late","at":"2024-03-01T00:00:00.000000Z","ratio":3,"day":"2024-03-01","year":2024,"hour":0,"twice":33,"remainder":1,"label":"LATE-16","start":"la","part":1,"size":"big","known":"late"}',
        ],
      ],
    };
  },
  checks: {
    "Spark computes what dyne has written": areAsComputed,
    "Spark refuses other values": (world, path) =>
      sparkRefuses(world, path, "INSERT INTO {t} (id, name, twice) VALUES (7, 'x', 1)", violates),
    "dyne refuses other values": async (world, path) => {
      await expect(world.lake(path).append([{ id: 7, name: "x", twice: 1 }])).rejects.toThrow(/twice/);
    },
    "Spark's rows and a merge of dyne's have them too": async (world, path) => {
      await statements(
        world,
        path,
        "INSERT INTO {t} (id, name, at) VALUES (20, 'spark', TIMESTAMP'2025-05-05 05:05:05Z')",
        "UPDATE {t} SET at = TIMESTAMP'2026-01-01 00:00:00Z' WHERE id = 1",
      );
      await mergeById(world, world.session(path), schemaString(ruled(givenColumns)), [
        '{"id":20,"name":"merged","at":null,"ratio":9}',
        '{"id":21,"name":"new","at":"2024-12-31T12:00:00.000000Z","ratio":null}',
      ]);
      await areAsComputed(world, path, { versions: [] });
      await sameRows(world, path);
    },
  },
};

/** All of them. */
export const rulesHere: readonly WrittenHere[] = [checkConstraints, invariants, generated];

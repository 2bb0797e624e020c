/**
 * Rows that are written, changed and moved while the columns of their table are added, renamed, dropped and widened, against a naive model:
 * after any history the table has the model's rows under the model's names. `HISTORIES=1000` draws more of them.
 */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom, silentLogger } from "../../../../shared/core/index.ts";
import type { DataType, Expression, Schema, StructField } from "../../../../shared/plan/index.ts";
import {
  addColumns,
  appendRows,
  deleteRows,
  DeltaTable,
  dropColumns,
  mergeRows,
  optimize,
  readChanges,
  renameColumn,
  restoreTable,
  setProperties,
  sourceColumn,
  sourceOfRows,
  targetColumn,
  updateRows,
  widenColumn,
} from "../../../../shared/table/index.ts";
import { rowSetOf } from "../../../../shared/table/lake/row-input.ts";
import {
  call,
  changingTable,
  column,
  rowTexts,
  text,
  whole,
  type ChangingTable,
} from "../../../support/changing-table.ts";
import { openCompute, type ComputeUnderTest } from "../../../support/compute-under-test.ts";

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(async () => under[Symbol.asyncDispose]());

/** A column that keeps its key whatever it is called, and the fields of a struct. */
interface ModelColumn {
  readonly key: number;
  readonly name: string;
  readonly type: DataType["kind"];
  readonly fields?: readonly ModelColumn[];
}
/** Values by the keys of columns and fields; those of a struct beside its own, which is null where the struct is NULL. */
type ModelRow = ReadonlyMap<number, string | number | null>;

interface Model {
  readonly columns: readonly ModelColumn[];
  readonly rows: readonly ModelRow[];
  readonly nextKey: number;
  /** Columns, with their types, that rows were changed with: such rows cannot be told in columns that lack them, or are narrower. */
  readonly used: ReadonlyMap<string, Pick<ModelColumn, "key" | "type">>;
  /** Rows were changed while such a column was gone, whether or not it came back. */
  readonly hasLost: boolean;
}

const first: Model = {
  columns: [
    { key: 0, name: "id", type: "long" },
    { key: 1, name: "n", type: "integer" },
    { key: 2, name: "label", type: "string" },
    { key: 3, name: "day", type: "date" },
    {
      key: 4,
      name: "s",
      type: "struct",
      fields: [
        { key: 5, name: "a", type: "integer" },
        { key: 6, name: "b", type: "string" },
      ],
    },
  ],
  rows: [],
  nextKey: 7,
  used: new Map(),
  hasLost: false,
};

const typeOf = ({ type, fields = [] }: ModelColumn): DataType => {
  if (type === "struct") return schemaOf(fields);
  return type === "decimal" ? { kind: "decimal", precision: 12, scale: 2 } : { kind: type as "long" };
};
const schemaOf = (columns: readonly ModelColumn[]): Schema => ({
  kind: "struct",
  fields: Object.fromEntries(
    columns.map((each): [string, StructField] => [each.name, { type: typeOf(each), nullable: true }]),
  ),
});

/** What a row has in a column, drawn from a number. */
function drawn({ key, type, fields = [] }: ModelColumn, seed: number): readonly [number, string | number | null][] {
  const inner = fields.flatMap((field) => drawn(field, Math.floor(seed / 3) + field.key));
  const n = (seed + key) % 6;
  if (n === 5) return [[key, null], ...inner.map(([field]) => [field, null] as [number, null])];
  switch (type) {
    case "struct":
      return [[key, "there"], ...inner];
    case "string":
      return [[key, ["", "a", "b'c", "d", "e"][n]!]];
    case "date":
    case "timestamp_ntz":
      return [[key, `2026-01-0${n + 1}`]];
    default:
      return [[key, n]];
  }
}

function shown({ key, name, type, fields = [] }: ModelColumn, row: ModelRow): [string, unknown] {
  const value = row.get(key) ?? null;
  if (value === null) return [name, null];
  if (type === "struct") return [name, Object.fromEntries(fields.map((field) => shown(field, row)))];
  if (type === "decimal") return [name, Number(value).toFixed(2)];
  return [name, type === "timestamp_ntz" ? `${value}T00:00:00.000000` : value];
}
const texts = ({ columns, rows }: Model): readonly string[] =>
  rows.map((row) => JSON.stringify(Object.fromEntries(columns.map((each) => shown(each, row))))).sort();

/** What a row is written as. */
function written({ key, name, type, fields = [] }: ModelColumn, row: ModelRow): [string, unknown] {
  const value = row.get(key) ?? null;
  if (type === "struct" && value !== null)
    return [name, Object.fromEntries(fields.map((field) => written(field, row)))];
  if (type === "timestamp_ntz" && value !== null) return [name, `${value}T00:00:00`];
  return [name, type === "decimal" && value !== null ? String(value) : value];
}
const sourceOf = ({ columns }: Model, rows: readonly ModelRow[]) =>
  sourceOfRows(
    rowSetOf(
      schemaOf(columns),
      rows.map((row) => Object.fromEntries(columns.map((each) => written(each, row)))),
    ),
  );

interface Step {
  readonly name: string;
  readonly rows?: true;
  readonly take: (session: ChangingTable, model: Model, known: Known) => Promise<Model>;
}
/** What the table was at its versions. */
type Known = ReadonlyMap<number, Model>;

async function settled(outcome: Promise<{ readonly kind: string }>): Promise<void> {
  expect(["committed", "unchanged", "nothing-to-do"]).toContain((await outcome).kind);
}
async function refused(alteration: Promise<unknown>): Promise<void> {
  await expect(alteration).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
}
const pick = <T>(all: readonly T[], n: number): T | undefined => all[n % Math.max(1, all.length)];
const rowOf = ({ columns }: Model, seed: number): ModelRow => new Map(columns.flatMap((each) => drawn(each, seed)));
const flat = (columns: readonly ModelColumn[]): readonly ModelColumn[] =>
  columns.flatMap((each) => [each, ...flat(each.fields ?? [])]);
const touched = (model: Model): Model => {
  const now = flat(model.columns).map(({ key, type }) => [`${key} ${type}`, { key, type }] as const);
  const hasLost = [...model.used.values()].some(({ key }) => !now.some(([, each]) => each.key === key));
  return { ...model, used: new Map([...model.used, ...now]), hasLost: model.hasLost || hasLost };
};
/** Whether all changes can be told in the columns of the end, in wider ones where a restore made a column narrow again, or not at all. */
function tellingOf({ used, columns, hasLost }: Model): "in these" | "in wider" | "not" {
  if (hasLost) return "not";
  const typesOfKey = Map.groupBy(used.values(), ({ key }) => key);
  const fits = (narrow: ModelColumn["type"], wide: ModelColumn["type"]): boolean =>
    narrow === wide || wider[narrow]?.includes(wide) === true;
  const each = [...typesOfKey].map(([key, rows]) => {
    const end = flat(columns).find((one) => one.key === key);
    if (end === undefined) return "not";
    if (rows.every(({ type }) => fits(type, end.type))) return "in these";
    return rows.some((widest) => [end, ...rows].every(({ type }) => fits(type, widest.type))) ? "in wider" : "not";
  });
  return each.includes("not") ? "not" : each.includes("in wider") ? "in wider" : "in these";
}

/** A condition on some column, or on some field of a struct. */
function conditionOf({ columns }: Model, seed: number): { expression: Expression; holds: (row: ModelRow) => boolean } {
  const places = columns.flatMap((each): { value: Expression; place: ModelColumn }[] => [
    { value: column(each.name), place: each },
    ...(each.fields ?? []).map((place) => ({
      value: { kind: "field", input: column(each.name), name: place.name } as const,
      place,
    })),
  ]);
  const { value, place } = pick(places, seed)!;
  const n = seed % 4;
  if (place.type === "string") {
    const wanted = ["", "a", "b'c", "d"][n]!;
    return { expression: call("eq", value, text(wanted)), holds: (row) => row.get(place.key) === wanted };
  }
  if (["integer", "long", "double", "decimal"].includes(place.type))
    return {
      expression: call("lt", value, whole(n)),
      holds: (row) => (row.get(place.key) ?? null) !== null && Number(row.get(place.key)) < n,
    };
  return { expression: call("is_null", value), holds: (row) => (row.get(place.key) ?? null) === null };
}

const seeds = fc.nat(10_000);
const append = fc.array(seeds, { minLength: 1, maxLength: 4 }).map((all): Step => ({
  name: `append ${all.join()}`,
  rows: true,
  take: async (session, model) => {
    const rows = all.map((seed) => rowOf(model, seed));
    await settled(appendRows(session, sourceOf(model, rows)));
    return { ...model, rows: [...model.rows, ...rows] };
  },
}));
const remove = seeds.map((seed): Step => ({
  name: `delete ${seed}`,
  rows: true,
  take: async (session, model) => {
    const { expression, holds } = conditionOf(model, seed);
    await settled(deleteRows(session, { where: expression }));
    return { ...model, rows: model.rows.filter((row) => !holds(row)) };
  },
}));
const update = seeds.map((seed): Step => ({
  name: `update ${seed}`,
  rows: true,
  take: async (session, model) => {
    const { expression, holds } = conditionOf(model, seed);
    const target = pick(
      model.columns.filter(({ type }) => type === "string" || type === "integer"),
      seed >> 2,
    );
    if (target === undefined) return model;
    const value = target.type === "string" ? `u${seed % 3}` : 10 + (seed % 3);
    const literal = typeof value === "string" ? text(value) : whole(value);
    await settled(updateRows(session, { where: expression, set: { [target.name]: literal } }));
    return {
      ...model,
      rows: model.rows.map((row) => (holds(row) ? new Map([...row, [target.key, value]]) : row)),
    };
  },
}));
const merge = fc.array(seeds, { minLength: 1, maxLength: 3 }).map((all): Step => ({
  name: `merge ${all.join()}`,
  rows: true,
  take: async (session, model) => {
    const id = model.columns.find(({ key }) => key === 0);
    if (id === undefined) return model;
    const given = new Map(all.map((seed) => rowOf(model, seed)).map((row) => [row.get(0), row]));
    await settled(
      mergeRows(session, sourceOf(model, [...given.values()]), {
        on: call("eq", column(targetColumn(id.name)), column(sourceColumn(id.name))),
        clauses: [
          { kind: "matched-update", set: { kind: "all" } },
          { kind: "not-matched-insert", values: { kind: "all" } },
        ],
        scratch: session.scratch,
      }),
    );
    const matchOf = (row: ModelRow) =>
      row.get(0) === null || row.get(0) === undefined ? undefined : given.get(row.get(0));
    const inserted = [...given.values()].filter((row) => !model.rows.some((other) => matchOf(other) === row));
    return { ...model, rows: [...model.rows.map((row) => matchOf(row) ?? row), ...inserted] };
  },
}));
const compact = fc.constant<Step>({
  name: "optimize",
  take: async (session, model) => {
    await optimize(session);
    return model;
  },
});

const restore = seeds.map((seed): Step => ({
  name: `restore ${seed}`,
  rows: true,
  take: async (session, model, known) => {
    const [version, { columns, rows }] = pick([...known], seed)!;
    await settled(restoreTable(session.table, { version }));
    return { ...model, columns, rows };
  },
}));

/** Few names, so that those of dropped and renamed columns are used again. */
const names = ["id", "n", "label", "s", "x", "y", "Z"];
const freeName = (columns: readonly ModelColumn[], seed: number): string =>
  pick(
    names.filter((name) => !columns.some((each) => each.name.toLowerCase() === name.toLowerCase())),
    seed,
  ) ?? `more${columns.length}`;

/** The columns of the table, or the fields of one of its structs, with the path to them. */
function scopeOf({ columns }: Model, seed: number) {
  const struct = pick(
    columns.filter(({ type }) => type === "struct"),
    seed >> 1,
  );
  if (struct === undefined || seed % 2 === 0)
    return { columns, prefix: "", replace: (now: readonly ModelColumn[]) => now };
  return {
    columns: struct.fields!,
    prefix: `${struct.name}.`,
    replace: (fields: readonly ModelColumn[]) => columns.map((each) => (each === struct ? { ...each, fields } : each)),
  };
}
const isPartition = async ({ table }: ChangingTable, name: string) => (await table.latest()).partitionBy.includes(name);
const isMapped = async ({ table }: ChangingTable) => (await table.latest()).columnMapping !== "none";

const add = seeds.map((seed): Step => ({
  name: `add ${seed}`,
  take: async (session, model) => {
    const scope = scopeOf(model, seed);
    const type = (["integer", "string", "long", "date"] as const)[seed % 4]!;
    const added: ModelColumn = { key: model.nextKey, name: freeName(scope.columns, seed), type };
    await settled(addColumns(session, { [`${scope.prefix}${added.name}`]: typeOf(added) }));
    return { ...model, nextKey: model.nextKey + 1, columns: scope.replace([...scope.columns, added]) };
  },
}));
const rename = seeds.map((seed): Step => ({
  name: `rename ${seed}`,
  take: async (session, model) => {
    const scope = scopeOf(model, seed);
    const [from, name] = [pick(scope.columns, seed >> 1)!, freeName(scope.columns, seed)];
    const renaming = renameColumn(session, `${scope.prefix}${from.name}`, name);
    if (!(await isMapped(session))) {
      await refused(renaming);
      return model;
    }
    await settled(renaming);
    return {
      ...model,
      columns: scope.replace(scope.columns.map((each) => (each === from ? { ...each, name } : each))),
    };
  },
}));
const drop = seeds.map((seed): Step => ({
  name: `drop ${seed}`,
  take: async (session, model) => {
    const scope = scopeOf(model, seed);
    const gone = pick(scope.columns, seed >> 1)!;
    const dropping = dropColumns(session, [`${scope.prefix}${gone.name}`]);
    const isKept = scope.prefix === "" && (await isPartition(session, gone.name));
    const others = scope.columns.length - (scope.prefix === "" ? (await session.table.latest()).partitionBy.length : 0);
    if (!(await isMapped(session)) || isKept || others === 1) {
      await refused(dropping);
      return model;
    }
    await settled(dropping);
    return { ...model, columns: scope.replace(scope.columns.filter((each) => each !== gone)) };
  },
}));
const wider: Partial<Record<DataType["kind"], readonly DataType["kind"][]>> = {
  integer: ["long", "double", "decimal"],
  date: ["timestamp_ntz"],
};
const widen = seeds.map((seed): Step => ({
  name: `widen ${seed}`,
  take: async (session, model) => {
    const scope = scopeOf(model, seed);
    const from = pick(
      scope.columns.filter(({ type }) => type in wider),
      seed >> 1,
    );
    if (from === undefined) return model;
    const now = { ...from, type: pick(wider[from.type]!, seed)! };
    await settled(widenColumn(session, `${scope.prefix}${from.name}`, typeOf(now)));
    return { ...model, columns: scope.replace(scope.columns.map((each) => (each === from ? now : each))) };
  },
}));

const history = fc.array(
  fc.oneof({ weight: 4, arbitrary: append }, remove, update, merge, compact, restore, add, rename, drop, widen),
  { minLength: 3, maxLength: 8 },
);

/** Whether the commits after a version say that rows came, and that rows went. */
async function movedRows({ table }: ChangingTable, after: number) {
  const commits = await table.changes(after, (await table.latest()).version);
  return {
    came: commits.some(({ adds }) => adds.some(({ dataChange }) => dataChange)),
    went: commits.some(({ removes }) => removes.some(({ dataChange }) => dataChange)),
  };
}

/** Rows that a range of versions adds to some, and takes away. */
async function changed(session: ChangingTable, rows: readonly string[], from: number): Promise<readonly string[]> {
  const weights = new Map(rows.map((row): [string, number] => [row, 0]));
  const weigh = (row: string, by: number) => weights.set(row, (weights.get(row) ?? 0) + by);
  for (const row of rows) weigh(row, 1);
  for await (const change of readChanges(session, { from })) {
    const { _change_type, _commit_version, _commit_timestamp, ...row } = JSON.parse(change) as Record<string, unknown>;
    weigh(JSON.stringify(row), _change_type === "insert" || _change_type === "update_postimage" ? 1 : -1);
  }
  return [...weights].flatMap(([row, weight]) => Array<string>(weight).fill(row)).sort();
}

const parsed = (rows: readonly string[]) => rows.map((row) => JSON.stringify(JSON.parse(row))).sort();
const widening = { "delta.enableTypeWidening": "true" };
const everything = {
  ...widening,
  "delta.columnMapping.mode": "name",
  "delta.enableDeletionVectors": "true",
  "delta.enableChangeDataFeed": "true",
};
const shapes = [
  { name: "a plain table", partitionBy: [], configuration: widening, upgrade: false },
  {
    name: "a partitioned table that maps its columns later",
    partitionBy: ["label"],
    configuration: widening,
    upgrade: true,
  },
  {
    name: "a table by days with vectors and a change feed",
    partitionBy: ["day"],
    configuration: everything,
    upgrade: false,
  },
  {
    name: "a table that maps its columns by id",
    partitionBy: ["n"],
    configuration: { ...widening, "delta.columnMapping.mode": "id" },
    upgrade: false,
  },
];

describe.for(shapes)("$name", ({ partitionBy, configuration, upgrade }) => {
  test(
    "has the model's rows and columns after any history",
    { timeout: Number(process.env["HISTORIES"] ?? 0) * 2_000 + 120_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(history, append, seeds, async (steps, earlier, seed) => {
          const session = await changingTable(under.compute, {
            partitionBy,
            configuration,
            schema: schemaOf(first.columns),
          });
          let model = first;
          if (upgrade) {
            model = touched(await earlier.take(session, model, new Map()));
            await setProperties(session, { "delta.columnMapping.mode": "name" });
          }
          const known = new Map([[(await session.table.latest()).version, model]]);
          for (const step of steps) {
            const [before, { version }] = [model, await session.table.latest()];
            model = await step.take(session, model, known);
            expect(parsed(await rowTexts(session)), step.name).toEqual(texts(model));
            const after = (await session.table.latest()).version;
            if (step.rows && after > version && isDeepStrictEqual(before.columns, model.columns))
              expect(await changed(session, texts(before), version + 1), `changes of: ${step.name}`).toEqual(
                texts(model),
              );
            const moved = await movedRows(session, version);
            // Rows that a restore takes away have the columns from before it.
            if (moved.went) {
              const { used, hasLost } = touched({ ...model, columns: before.columns });
              model = { ...model, used, hasLost };
            }
            if (moved.came) model = touched(model);
            known.set(after, model);
          }
          const reopened = new DeltaTable({
            ...session.table.log,
            random: seededRandom(seed),
            logger: silentLogger,
          });
          expect(parsed(await rowTexts({ ...session, table: reopened }))).toEqual(texts(model));
          const [version, then] = pick([...known], seed)!;
          expect(parsed(await rowTexts(session, version)), `version ${version}`).toEqual(texts(then));
          if ((await session.table.latest()).version === 0) return;
          const all = changed(session, [], 1);
          const telling = tellingOf(model);
          if (telling === "not") await expect(all).rejects.toMatchObject({ code: "SCHEMA_MISMATCH" });
          else expect(await all).toHaveLength(model.rows.length);
          if (telling === "in these") expect(await all).toEqual(texts(model));
        }),
        { numRuns: Number(process.env["HISTORIES"] ?? 4) },
      );
    },
  );
});

import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from "vitest";
import {
  array,
  binary,
  boolean,
  date,
  decimal,
  DeltaLake,
  double,
  float,
  integer,
  type LakeTable,
  localFolder,
  long,
  map,
  string,
  struct,
  timestamp,
  timestampNtz,
} from "../../../../shared/table/lake/index.ts";

let folder: string;
let lake: DeltaLake;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dyne-lake-"));
  lake = await DeltaLake.open({ store: localFolder(folder), memoryLimitMb: 512, directory: folder });
});
afterAll(async () => {
  await lake[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

test("whoever closes it leaves nothing of its own behind", async () => {
  const worked = async () => (await readdir(folder)).filter((name) => name.startsWith("dyne-delta-")).length;
  const before = await worked();
  const other = await DeltaLake.open({ store: localFolder(folder), directory: folder });
  expect(await worked()).toBe(before + 1);
  await other[Symbol.asyncDispose]();
  expect(await worked()).toBe(before);
});

let tables = 0;
const fresh = () => `tables/t${++tables}`;
const person = struct({ id: long(), name: string(), age: integer() });

test("a table is created, written and read with the types of its columns", async () => {
  const people = await lake.create(fresh(), { schema: person });
  expect(
    await people.append([
      { id: 1, name: "Ada", age: 36 },
      { id: 2n, name: null },
    ]),
  ).toMatchObject({ version: 1 });
  const rows = await people.rows({ where: ({ id }) => id.gt(0) });
  expect(rows).toEqual([
    { id: 1n, name: "Ada", age: 36 },
    { id: 2n, name: null, age: null },
  ]);
  expectTypeOf(rows[0]!).toEqualTypeOf<{
    readonly id: bigint | null;
    readonly name: string | null;
    readonly age: number | null;
  }>();
  // @ts-expect-error: there is no such column.
  await expect(people.append([{ idd: 1 }])).rejects.toMatchObject({ code: "SCHEMA_MISMATCH" });
});

test("values of every type come back as they were", async () => {
  const schema = struct({
    truth: boolean(),
    whole: long(),
    real: double(),
    price: decimal(20, 3),
    day: date(),
    at: timestamp(),
    wall: timestampNtz(),
    bytes: binary(),
    tags: array(string()),
    counts: map(string(), long()),
    nested: struct({
      a: struct({ bytes: binary(), at: timestamp(), whole: long() }),
      list: array(struct({ x: double() })),
    }),
  });
  const table = await lake.create(fresh(), { schema });
  const row = {
    truth: true,
    whole: 9_007_199_254_740_993n,
    real: Number.NaN,
    price: "12345678901234567.890",
    day: "0001-01-01",
    at: "2026-01-02T03:04:05.678901Z",
    wall: "2026-01-02T03:04:05.000001",
    bytes: Uint8Array.of(0, 92, 255),
    tags: ["a", null, 'quote " and \\ and é\u{1F600}'],
    counts: new Map([
      ["k", 2n ** 62n],
      ["", null],
    ]),
    nested: {
      a: { bytes: Uint8Array.of(0, 92, 120, 255), at: "1969-12-31T23:59:59.999999Z", whole: -(2n ** 63n) },
      list: [{ x: Number.POSITIVE_INFINITY }, null, { x: 0.1 }],
    },
  };
  const none = Object.fromEntries(Object.keys(row).map((name) => [name, null]));
  await table.append([row, {}]);
  expect(await table.rows({ where: ({ truth }) => truth })).toEqual([row]);
  expect(await table.rows({ where: ({ truth }) => truth.isNull() })).toEqual([none]);
});

test("dates and moments may be Dates, and maps objects", async () => {
  const schema = struct({ day: date(), at: timestamp(), counts: map(long(), string()) });
  const table = await lake.create(fresh(), { schema });
  const moment = new Date("2026-05-06T07:08:09.123Z");
  await table.append([{ day: moment, at: moment, counts: { 7: "seven" } }]);
  expect(await table.rows()).toEqual([
    { day: "2026-05-06", at: "2026-05-06T07:08:09.123000Z", counts: new Map([[7n, "seven"]]) },
  ]);
});

describe("a value that is none of its column", () => {
  test.for([
    ["a text for a number", { id: "1" }, 'rows[1].id: "1"'],
    ["a number too large", { age: 2 ** 40 }, "rows[1].age"],
    ["an object for a text", { name: {} }, "rows[1].name is object"],
    ["a fraction", { id: 1.5 }, "rows[1].id: 1.5"],
    ["a text with half a character", { name: "\ud800" }, "rows[1].name"],
  ] as const)("%s is refused with its place", async ([, row, says]) => {
    const table = lake.table((await lake.create(fresh(), { schema: person })).path);
    await expect(table.append([{ id: 1 }, row])).rejects.toMatchObject({
      code: "TYPE_MISMATCH",
      message: expect.stringContaining(says),
    });
  });
});

test("rows are updated, deleted and merged by typed expressions", async () => {
  const people = await lake.create(fresh(), { schema: person });
  await people.append([1, 2, 3].map((id) => ({ id, name: `p${id}`, age: 10 * id })));
  await people.update(
    ({ age }) => ({ age: age.plus(1) }),
    ({ id }) => id.ge(2),
  );
  await people.delete(({ name }) => name.eq("p3"));
  const merge = await people.merge(
    [
      { id: 2, age: 99 },
      { id: 7, name: "new" },
    ],
    ({ target, source }) => target.id.eq(source.id),
  );
  const outcome = await merge
    .whenMatchedUpdate(({ source }) => ({ age: source.age }))
    .whenNotMatchedInsert()
    .execute();
  expect(outcome).toMatchObject({ kind: "committed", metrics: { numTargetRowsUpdated: 1, numTargetRowsInserted: 1 } });
  expect(new Set(await people.rows())).toEqual(
    new Set([
      { id: 1n, name: "p1", age: 10 },
      { id: 2n, name: "p2", age: 99 },
      { id: 7n, name: "new", age: null },
    ]),
  );
  expect(await people.rows({ version: 1, select: ["id"], where: ({ age }) => age.eq(30) })).toEqual([{ id: 3n }]);
  const changes = await Array.fromAsync(people.changes({ from: 3 }));
  expect(changes.filter(({ _commit_version }) => _commit_version === 3n)).toEqual(
    expect.arrayContaining([expect.objectContaining({ id: 3n, _change_type: "delete" })]),
  );
});

test("rows of one table are merged into another, and gain it their columns", async () => {
  const [into, from] = [
    await lake.create(fresh(), { schema: person }),
    await lake.create(fresh(), { schema: struct({ id: long(), note: string() }) }),
  ];
  await into.append([{ id: 1, name: "Ada" }]);
  await from.append([{ id: 1, note: "first" }]);
  const merge = await into.merge(await from.source(), ({ target, source }) => target.id.eq(source.id));
  await merge.whenMatchedUpdate().execute({ mergeSchema: true });
  expect(await lake.table(into.path).rows()).toEqual([{ id: 1n, name: "Ada", age: null, note: "first" }]);
});

test("a table is opened with declared columns, which it must have", async () => {
  const { path } = await lake.create(fresh(), { schema: person });
  expect((await lake.open(path, struct({ id: long() }))).path).toBe(path);
  await expect(lake.open(path, struct({ id: string() }))).rejects.toMatchObject({ code: "SCHEMA_MISMATCH" });
  await expect(lake.open("tables/none", person)).rejects.toMatchObject({ code: "TABLE_NOT_FOUND" });
});

test("a shallow clone is read where its source is named, however that is spelled, or says how it is", async () => {
  const source = await lake.create(fresh(), { schema: person });
  await source.append([{ id: 1, name: "Ada" }]);
  const path = `clones/${source.path}`;
  await cp(join(folder, source.path), join(folder, path), { recursive: true });
  const log = join(folder, path, "_delta_log", "00000000000000000001.json");
  const address = `"path":"${pathToFileURL(join(folder, source.path)).href}/`;
  await writeFile(log, (await readFile(log, "utf8")).replace('"path":"', address));
  await rm(join(folder, path, "_delta_log", "_last_checkpoint"), { force: true });
  for (const spelled of [source.path, `./${source.path}/`, join(folder, source.path)])
    expect(await lake.table(path, { clonedFrom: [spelled] }).rows()).toHaveLength(1);
  await expect(lake.table(path, { clonedFrom: ["tables/other"] }).rows()).rejects.toThrow(
    `nor inside tables/other; its path in the store is "${source.path}/`,
  );
  expect(() => lake.table(path, { clonedFrom: [`/${source.path}`] })).toThrow("no folder within its store");
});

test("a write is planned again while others are first", async () => {
  const { path } = await lake.create(fresh(), { schema: person });
  await lake.table(path).append([1, 2, 3, 4].map((id) => ({ id, age: 0 })));
  await using other = await DeltaLake.open({ store: localFolder(folder), directory: folder });
  const writers = [lake, other].map(
    (each) =>
      each.table(path) as unknown as Awaited<ReturnType<typeof lake.create<{ age: ReturnType<typeof integer> }>>>,
  );
  const outcomes = await Promise.all(
    writers.flatMap((table) =>
      [1, 2, 3].map(() => table.update(({ age }) => ({ age: age.plus(1) }), undefined, { attemptsMax: 50 })),
    ),
  );
  expect(outcomes.map(({ kind }) => kind)).toEqual(outcomes.map(() => "committed"));
  expect(new Set((await lake.table(path).rows()).map(({ age }) => age))).toEqual(new Set([6]));
});

test("a table gets checkpoints as its log grows, and is read by them", async () => {
  const properties = { "delta.checkpointInterval": "5" };
  const table = await lake.create(fresh(), { schema: person, properties });
  for (let id = 1; id <= 12; id++) await table.append([{ id }]);
  const log = (await readdir(join(folder, table.path, "_delta_log"))).filter((name) => name.endsWith(".parquet"));
  expect(log.sort()).toEqual([5, 10].map((version) => `${String(version).padStart(20, "0")}.checkpoint.parquet`));
  for (let version = 0; version < 10; version++)
    await rm(join(folder, table.path, "_delta_log", `${String(version).padStart(20, "0")}.json`));
  expect(await lake.table(table.path).rows()).toHaveLength(12);
});

test("rows are held to constraints, until these are dropped", async () => {
  const people = await lake.create(fresh(), { schema: person });
  await people.append([{ id: 1, age: 30 }]);
  await people.addConstraint("adult", "age >= 18");
  await expect(people.append([{ id: 2, age: 3 }])).rejects.toMatchObject({ code: "CONSTRAINT_VIOLATED" });
  await people.dropConstraint("adult");
  expect(await people.append([{ id: 2, age: 3 }])).toMatchObject({ kind: "committed" });
});

test("generated columns are computed for rows that do not name them, appended and merged", async () => {
  const fields = {
    id: { type: long(), nullable: true },
    g: { type: string(), nullable: true, metadata: { "delta.generationExpression": "upper(name)" } },
    name: { type: string(), nullable: true },
  };
  const table = await lake.create(fresh(), { schema: { kind: "struct", fields } });
  await table.append([{ id: 1, name: "ada" }]);
  const merge = await table.merge([{ id: 2, name: "bob" }, { id: 3 }], ({ target, source }) => target.id.eq(source.id));
  await merge.whenNotMatchedInsert().execute();
  expect((await table.rows()).map(({ id, g }) => [id, g]).toSorted(([a], [b]) => Number(a) - Number(b))).toEqual([
    [1n, "ADA"],
    [2n, "BOB"],
    [3n, null],
  ]);
});

describe("what cannot be asked for is refused before anything is read", () => {
  const invalid = new Date(Number.NaN);
  test.each<[string, (people: LakeTable) => Promise<unknown>, string, RegExp]>([
    ["half a row", (people) => people.rows({ limit: 1.5 }), "INVALID_ARGUMENT", /1\.5 is no limit/],
    ["less than no row", (people) => people.rows({ limit: -1 }), "INVALID_ARGUMENT", /-1 is no limit/],
    ["NaN rows", (people) => people.rows({ limit: Number.NaN }), "INVALID_ARGUMENT", /NaN is no limit/],
    ["no column", (people) => people.rows({ select: [] }), "INVALID_ARGUMENT", /select names no column/],
    ["a column twice", (people) => people.rows({ select: ["id", "id"] }), "INVALID_ARGUMENT", /id twice/],
    ["a column that is not there", (people) => people.rows({ select: ["idd"] }), "UNKNOWN_COLUMN", /mean "id"/],
    ["half a version", (people) => people.rows({ version: 0.5 }), "INVALID_ARGUMENT", /0\.5 is no version/],
    [
      "a version before the first",
      (people) => people.snapshot({ version: -1 }),
      "INVALID_ARGUMENT",
      /-1 is no version/,
    ],
    ["no time", (people) => people.rows({ timestamp: invalid }), "INVALID_ARGUMENT", /invalid Date/],
    ["to go back to no time", (people) => people.restore({ timestamp: invalid }), "INVALID_ARGUMENT", /invalid Date/],
    [
      "changes of no time",
      (people) => Array.fromAsync(people.changes({ from: invalid })),
      "INVALID_ARGUMENT",
      /Invalid Date|version|time/,
    ],
    [
      "half a change",
      (people) => Array.fromAsync(people.changes({ from: 0, limit: 0.5 })),
      "INVALID_ARGUMENT",
      /0\.5 is no limit/,
    ],
    [
      "half a version of history",
      async (people) => Array.fromAsync(people.history({ limit: 0.5 })),
      "INVALID_ARGUMENT",
      /0\.5 is no limit/,
    ],
  ])("%s", async (_, ask, code, message) => {
    const path = fresh();
    await lake.create(path, { schema: person });
    const asked = ask(lake.table(path));
    await expect(asked).rejects.toMatchObject({ code });
    await expect(asked).rejects.toThrow(message);
  });
});

test("a number that 32 bits do not have is refused with its place, and an infinity is written", async () => {
  const floats = await lake.create(fresh(), { schema: struct({ f: float(), s: struct({ f: float() }) }) });
  await expect(floats.append([{ f: 1 }, { f: 1e39 }])).rejects.toMatchObject({
    code: "TYPE_MISMATCH",
    message: expect.stringMatching(/^rows\[1\]\.f: 1e\+39 is no value of the type float/i),
  });
  await expect(floats.append([{ s: { f: -1e39 } }])).rejects.toMatchObject({ code: "TYPE_MISMATCH" });
  await floats.append([{ f: Infinity, s: { f: 3.4028234663852886e38 } }]);
  expect(await floats.rows()).toEqual([{ f: Infinity, s: { f: 3.4028234663852886e38 } }]);
});

test("minus zero stays one, within structs, arrays and maps too", async () => {
  const zeros = await lake.create(fresh(), {
    schema: struct({ d: double(), s: struct({ d: double() }), list: array(float()), m: map(string(), double()) }),
  });
  await zeros.append([{ d: -0, s: { d: -0 }, list: [-0, 0], m: new Map([["k", -0]]) }]);
  expect(await zeros.rows()).toStrictEqual([{ d: -0, s: { d: -0 }, list: [-0, 0], m: new Map([["k", -0]]) }]);
});

test("a partition whose folder would have too long a name is refused, and nothing is written", async () => {
  const table = await lake.create(fresh(), { schema: struct({ id: long(), p: string() }), partitionBy: ["p"] });
  await expect(table.append([{ id: 1, p: "é".repeat(100) }])).rejects.toMatchObject({
    code: "LIMIT_EXCEEDED",
    message: expect.stringContaining("more than 255 bytes"),
  });
  expect((await table.snapshot()).version).toBe(0);
});

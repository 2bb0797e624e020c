/** Variants in Parquet files as other writers make them: marked or not, in one column or in several, whole or broken. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { FileSet } from "../../../shared/compute/index.ts";
import type { DataType, Expression, LogicalPlan, Schema } from "../../../shared/plan/index.ts";
import { done, openCompute, rowsOf, scan, schemaOf, type ComputeUnderTest } from "../../support/compute-under-test.ts";

const variant: DataType = { kind: "variant" };
const integer: DataType = { kind: "integer" };

let under: ComputeUnderTest;
let instance: DuckDBInstance;
let connection: DuckDBConnection;
let folder: string;
let files = 0;
beforeAll(async () => {
  under = await openCompute();
  folder = await mkdtemp(join(tmpdir(), "dyne-variants-"));
  instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  connection = await instance.connect();
});
afterAll(async () => {
  connection.closeSync();
  instance.closeSync();
  await under[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** The bytes of a Parquet file with the rows of a query. */
async function parquet(query: string, options = ""): Promise<Buffer> {
  const local = join(folder, `${++files}.parquet`);
  await connection.run(`COPY (${query}) TO '${local}' (FORMAT parquet${options})`);
  return readFile(local);
}

async function setOf(bytes: Buffer, schema: Schema = schemaOf({ id: integer, v: variant })): Promise<FileSet> {
  const path = `lake/t/${++files}.parquet`;
  await under.store.put(path, bytes);
  return {
    kind: "files",
    store: under.store,
    schema,
    partitionBy: [],
    files: [{ path, sizeBytes: bytes.length, partitionValues: {} }],
  };
}

const column = (name: string): Expression => ({ kind: "column", name });
const literal = (value: string): Expression => ({ kind: "literal", value, type: { kind: "string" } });
const call = (name: string, ...args: readonly Expression[]): Expression => ({ kind: "call", name, args });

/** Rows as texts, in the order of `id`. */
async function texts(set: FileSet): Promise<readonly unknown[]> {
  const names = Object.keys(set.schema.fields);
  const row = call("to_json", call("named_struct", ...names.flatMap((name) => [literal(name), column(name)])));
  const sorted: LogicalPlan = {
    kind: "sort",
    input: scan("set", set.schema),
    orders: [{ by: column("id"), direction: "ascending", nulls: "last" }],
  };
  const plan: LogicalPlan = { kind: "project", input: sorted, columns: [{ name: "row", expression: row }] };
  return (await rowsOf(under.compute, { set }, plan)).map(({ row: text }) => text);
}

const rows = `SELECT * FROM (VALUES
  (1, {a: 12345678901234567.25::DECIMAL(38,2), b: 'x'}::VARIANT),
  (2, [1::TINYINT::VARIANT, '\\xFF'::BLOB::VARIANT, NULL]::VARIANT),
  (3, NULL),
  (4, 0.1::FLOAT::VARIANT),
  (5, {a: 1.50::DECIMAL(38,2), b: 'y', c: [TRUE]}::VARIANT)) t(id, v)`;
const wanted = [
  '{"id":1,"v":{"a":12345678901234567.25,"b":"x"}}',
  '{"id":2,"v":[1,"/w==",null]}',
  '{"id":3,"v":null}',
  '{"id":4,"v":0.1}',
  '{"id":5,"v":{"a":1.5,"b":"y","c":[true]}}',
];

test.each([
  ["a column of variants that is marked as such", ""],
  ["one with a column for its texts", ", SHREDDING {v: 'VARCHAR'}"],
  ["one with columns for some fields", ", SHREDDING {v: 'STRUCT(a DECIMAL(38,2), b VARCHAR)'}"],
  ["one with a column for a field that has another type in most rows", ", SHREDDING {v: 'STRUCT(a VARCHAR, z DATE)'}"],
  ["one with a column for elements", ", SHREDDING {v: 'TINYINT[]'}"],
])("%s is read with all digits", async (_, options) => {
  expect(await texts(await setOf(await parquet(rows, options)))).toEqual(wanted);
});

test.each([
  ["BOOLEAN", "TRUE", "true"],
  ["TINYINT", "-1", "-1"],
  ["BIGINT", "9223372036854775807", "9223372036854775807"],
  ["FLOAT", "0.1", "0.1"],
  ["DOUBLE", "100", "100.0"],
  ["DECIMAL(38,2)", "12345678901234567.20", "12345678901234567.2"],
  ["DATE", "'2024-02-29'", '"2024-02-29"'],
  ["TIME", "'12:34:56.5'", '"12:34:56.5"'],
  ["TIMESTAMP", "'2024-02-29 12:00:00.25'", '"2024-02-29 12:00:00.25"'],
  ["TIMESTAMPTZ", "'2024-02-29 12:00:00+00'", '"2024-02-29 12:00:00+00:00"'],
  ["TIMESTAMP_NS", "'2024-02-29 12:00:00.000000001'", '"2024-02-29 12:00:00.000000001"'],
  ["BLOB", "'\\x00\\xFF'", '"AP8="'],
  ["VARCHAR", "'a\"b'", '"a\\"b"'],
  ["UUID", "'00010203-0405-0607-0809-0a0b0c0d0e0f'", '"00010203-0405-0607-0809-0a0b0c0d0e0f"'],
])("a column of %s for values of the type is read", async (type, value, text) => {
  const query = `SELECT 1 AS id, CAST(${value} AS ${type})::VARIANT AS v`;
  for (const options of ["", `, SHREDDING {v: '${type}'}`])
    expect(await texts(await setOf(await parquet(query, options)))).toEqual([`{"id":1,"v":${text}}`]);
});

const group = (value: string, metadata = "010000"): string =>
  `struct_pack(metadata := from_hex('${metadata}'), value := from_hex('${value}'))`;

test("columns that no mark says are a variant's are read as one where the table has one", async () => {
  const query = `SELECT 1 AS id, ${group("0d616263")} AS v UNION ALL SELECT 2, NULL UNION ALL SELECT 3, ${group("48ffffffffffffffff")}`;
  expect(await texts(await setOf(await parquet(query)))).toEqual([
    '{"id":1,"v":"abc"}',
    '{"id":2,"v":null}',
    '{"id":3,"v":"1969-12-31 23:59:59.999999999+00:00"}',
  ]);
});

test("variants are read within structs, lists and maps, with NULL at each place", async () => {
  const schema = schemaOf({
    id: integer,
    s: { kind: "struct", fields: { "it's": { type: variant, nullable: true }, n: { type: integer, nullable: true } } },
    l: { kind: "array", element: variant, containsNull: true },
    m: { kind: "map", key: { kind: "string" }, value: variant, valueContainsNull: true },
  });
  const query = `SELECT 1 AS id, {'it''s': ${group("0c01")}, n: 5} AS s, [${group("0561")}, NULL] AS l, MAP {'k"': ${group("00")}} AS m
    UNION ALL SELECT 2, {'it''s': NULL, n: NULL}, [], MAP {} UNION ALL SELECT 3, NULL, NULL, NULL`;
  expect(await texts(await setOf(await parquet(query), schema))).toEqual([
    '{"id":1,"s":{"it\'s":1,"n":5},"l":["a",null],"m":[{"key":"k\\"","value":null}]}',
    '{"id":2,"s":{"it\'s":null,"n":null},"l":[],"m":[]}',
    '{"id":3,"s":null,"l":null,"m":null}',
  ]);
});

test("a file that was read without its variants is read with them", async () => {
  const set = await setOf(await parquet(rows));
  const without: FileSet = { ...set, schema: schemaOf({ id: integer }) };
  expect(await rowsOf(under.compute, { set: without }, scan("set", without.schema))).toHaveLength(wanted.length);
  expect(await texts(set)).toEqual(wanted);
  expect(await texts(set)).toEqual(wanted);
});

describe("a file with a broken variant fails the job that reads it, and no other", () => {
  test.each([
    ["bytes that are none", `SELECT 1 AS id, ${group("ff")} AS v`, "a variant is broken"],
    ["no metadata", `SELECT 1 AS id, ${group("00", "")} AS v`, "metadata is empty"],
    [
      "values in two columns",
      `SELECT 1 AS id, {metadata: from_hex('010000'), value: from_hex('00'), typed_value: 1} AS v`,
      "stands in two columns",
    ],
    [
      "an object beside what is none",
      `SELECT 1 AS id, {metadata: from_hex('010000'), value: from_hex('00'), typed_value: {a: {value: from_hex('00')}}} AS v`,
      "what is left of an object",
    ],
    [
      "a field in two columns",
      "SELECT 1 AS id, {metadata: from_hex('0101000161'), value: from_hex('020100000100'), typed_value: {a: {value: from_hex('00')}}} AS v",
      'the field "a" twice',
    ],
    ["a column of another kind", "SELECT 1 AS id, 'text' AS v", "where the column v is variant"],
    ["a group of other columns", "SELECT 1 AS id, {a: 1} AS v", "where the column v is variant"],
  ])("%s", async (_, query, message) => {
    const set = await setOf(await parquet(query));
    await expect(texts(set)).rejects.toMatchObject({
      code: "DATA_ERROR",
      message: expect.stringContaining(message) as string,
    });
    await expect(texts(set)).rejects.toMatchObject({ message: expect.stringContaining(set.files[0]!.path) as string });
    const without: FileSet = { ...set, schema: schemaOf({ id: integer }) };
    expect(await rowsOf(under.compute, { set: without }, scan("set", without.schema))).toEqual([{ id: 1 }]);
  });

  test("values that lie in one another a hundred thousand times do not end the process", async () => {
    const depth = 100_000;
    const length = 10 * depth + 1;
    const filler = "x".repeat(length - 5);
    const options = ", COMPRESSION uncompressed, SHREDDING {v: 'BOOLEAN'}";
    const bytes = await parquet(`SELECT 1 AS id, repeat('x', ${filler.length})::VARIANT AS v`, options);
    const start = bytes.indexOf("x".repeat(1_000)) - 5;
    for (let level = 0; level < depth; level++) {
      const at = start + 10 * level;
      bytes.set([3 | (3 << 2), 1, 0, 0, 0, 0], at);
      bytes.writeUInt32LE(10 * (depth - level - 1) + 1, at + 6);
    }
    bytes[start + 10 * depth] = 0;
    await expect(texts(await setOf(bytes))).rejects.toMatchObject({
      code: "DATA_ERROR",
      message: expect.stringContaining("1000 deep") as string,
    });
  });

  test("names that differ by case alone are refused where they have columns of their own", async () => {
    const one = "{value: from_hex('00')}";
    const query = `SELECT 1 AS id, {metadata: from_hex('010000'), typed_value: {samename: ${one}, somename: ${one}}} AS v`;
    const bytes = await parquet(query, ", COMPRESSION uncompressed");
    expect(await texts(await setOf(Buffer.from(bytes)))).toEqual(['{"id":1,"v":{"samename":null,"somename":null}}']);
    for (let at = bytes.indexOf("somename"); at >= 0; at = bytes.indexOf("somename")) bytes.write("sameName", at);
    await expect(texts(await setOf(bytes))).rejects.toMatchObject({
      code: "UNSUPPORTED_FEATURE",
      message: expect.stringContaining("differ by case alone") as string,
    });
  });

  test.each([1, 4, 8, 20, 60, 200])("a footer of which the last %s bytes before its end are lost", async (lost) => {
    const bytes = await parquet(rows);
    const broken = Buffer.concat([bytes.subarray(0, bytes.length - 8 - lost), bytes.subarray(bytes.length - 8)]);
    await expect(texts(await setOf(broken))).rejects.toMatchObject({ code: /DATA_ERROR|COMPUTE_FAILED/ });
  });
});

describe("variants are not compared", () => {
  const input = scan("set", schemaOf({ id: integer, v: variant }));
  const key = { name: "v", expression: column("v") };
  test.each<[string, LogicalPlan]>([
    ["filter", { kind: "filter", input, condition: call("eq", column("v"), column("v")) }],
    ["distinct", { kind: "distinct", input }],
    ["sort", { kind: "sort", input, orders: [{ by: column("v"), direction: "ascending", nulls: "last" }] }],
    ["groups", { kind: "aggregate", input, groupBy: [key], aggregates: [] }],
    [
      "extremes",
      {
        kind: "aggregate",
        input,
        groupBy: [],
        aggregates: [
          {
            name: "m",
            expression: { kind: "aggregate", name: "min", args: [column("v")], distinct: false, filter: undefined },
          },
        ],
      },
    ],
  ])("%s", async (_, plan) => {
    const set = await setOf(await parquet(rows));
    await expect(rowsOf(under.compute, { set }, plan)).rejects.toMatchObject({
      code: "TYPE_MISMATCH",
      message: expect.stringContaining("variant") as string,
    });
  });

  test("but are asked for whether they are there", async () => {
    const set = await setOf(await parquet(`SELECT 1 AS id, ${group("00")} AS v UNION ALL SELECT 3, NULL`));
    const plan: LogicalPlan = { kind: "filter", input, condition: call("is_null", column("v")) };
    expect(await rowsOf(under.compute, { set }, plan)).toEqual([{ id: 3, v: null }]);
  });
});

test("variants are not written", async () => {
  const set = await setOf(await parquet(rows));
  const target = { store: under.store, path: "lake/w", schema: set.schema, partitionBy: [], sortBy: [] };
  const writes = [{ name: "w", plan: scan("set", set.schema), target }];
  await expect(done(under.compute, { inputs: { set }, writes })).rejects.toMatchObject({
    code: "UNSUPPORTED_FEATURE",
    message: expect.stringContaining("The column v has variants") as string,
  });
});

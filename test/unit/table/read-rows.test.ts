import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ManualClock, seededRandom, silentLogger } from "../../../shared/core/index.ts";
import type { DataType } from "../../../shared/plan/index.ts";
import { DeltaTable, readRowTexts } from "../../../shared/table/index.ts";
import { openCompute, schemaOf, type ComputeUnderTest } from "../../support/compute-under-test.ts";

let under: ComputeUnderTest;
let instance: DuckDBInstance;
let connection: DuckDBConnection;
let folder: string;
let tables = 0;
beforeAll(async () => {
  under = await openCompute();
  folder = await mkdtemp(join(tmpdir(), "dyne-rows-"));
  instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
});
afterAll(async () => {
  connection.closeSync();
  instance.closeSync();
  await under[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** A table whose files hold the rows of these queries. */
async function tableOf(
  types: Readonly<Record<string, DataType>>,
  queries: readonly string[],
  partition?: { readonly column: string; readonly values: readonly (string | null)[] },
): Promise<DeltaTable> {
  const path = `lake/t${++tables}`;
  const table = new DeltaTable({
    store: under.store,
    path,
    clock: new ManualClock(0),
    random: seededRandom(tables),
    logger: silentLogger,
  });
  await table.createIfAbsent({
    schema: schemaOf(types),
    partitionBy: partition === undefined ? [] : [partition.column],
  });
  for (const [n, query] of queries.entries()) {
    const local = join(folder, `${tables}-${n}.parquet`);
    await connection.run(`COPY (${query}) TO '${local}' (FORMAT parquet)`);
    const bytes = await readFile(local);
    await under.store.put(`${path}/${n}.parquet`, bytes);
    const partitionValues = partition === undefined ? {} : { [partition.column]: partition.values[n] ?? null };
    await table.commit({
      actions: [
        { add: { path: `${n}.parquet`, partitionValues, size: bytes.length, modificationTime: 0, dataChange: true } },
      ],
      isBlindAppend: true,
      operation: "WRITE",
    });
  }
  return table;
}

async function read(table: DeltaTable, limit = Number.POSITIVE_INFINITY, hidden?: boolean): Promise<string[]> {
  const rows: string[] = [];
  for await (const row of readRowTexts(under.compute, table, await table.latest(), { limit, hidden })) rows.push(row);
  return rows;
}

test.each<[string, DataType, string, string]>([
  ["a truth", { kind: "boolean" }, "true", "true"],
  ["a byte", { kind: "byte" }, "(-128)::TINYINT", "-128"],
  ["a short", { kind: "short" }, "32767::SMALLINT", "32767"],
  ["an integer", { kind: "integer" }, "(-2147483648)::INTEGER", "-2147483648"],
  ["a long, with all its digits", { kind: "long" }, "9223372036854775807", "9223372036854775807"],
  ["a float, as the double it is", { kind: "float" }, "0.1::FLOAT", "0.10000000149011612"],
  ["a double", { kind: "double" }, "0.1::DOUBLE + 0.2::DOUBLE", "0.30000000000000004"],
  ["NaN", { kind: "double" }, "'nan'::DOUBLE", '"NaN"'],
  ["an infinity", { kind: "double" }, "'inf'::DOUBLE", '"Infinity"'],
  ["the other infinity", { kind: "float" }, "'-inf'::FLOAT", '"-Infinity"'],
  [
    "a decimal, as text",
    { kind: "decimal", precision: 38, scale: 4 },
    "'1234567890123456789012345678901234.5600'::DECIMAL(38,4)",
    '"1234567890123456789012345678901234.5600"',
  ],
  ["a text", { kind: "string" }, `'say "hi"\\é' || chr(10) || chr(0)`, '"say \\"hi\\"\\\\é\\n\\u0000"'],
  ["bytes, as base64", { kind: "binary" }, "'\\x00\\xFFab'::BLOB", '"AP9hYg=="'],
  ["a day", { kind: "date" }, "DATE '2026-01-02'", '"2026-01-02"'],
  ["a day long ago", { kind: "date" }, "DATE '0001-01-01'", '"0001-01-01"'],
  [
    "a moment, in UTC with microseconds",
    { kind: "timestamp" },
    "TIMESTAMPTZ '2026-01-02 03:04:05.678901+00'",
    '"2026-01-02T03:04:05.678901Z"',
  ],
  ["a whole second", { kind: "timestamp" }, "TIMESTAMPTZ '1969-12-31 23:59:59+00'", '"1969-12-31T23:59:59.000000Z"'],
  [
    "a moment of another zone",
    { kind: "timestamp" },
    "TIMESTAMPTZ '2026-01-02 03:04:05+02'",
    '"2026-01-02T01:04:05.000000Z"',
  ],
  [
    "a wall clock's time",
    { kind: "timestamp_ntz" },
    "TIMESTAMP '2026-01-02 03:04:05.678901'",
    '"2026-01-02T03:04:05.678901"',
  ],
  [
    "a struct, as an object in the order of its fields",
    {
      kind: "struct",
      fields: { b: { type: { kind: "long" }, nullable: true }, a: { type: { kind: "timestamp" }, nullable: true } },
    },
    "{b: 9007199254740993, a: TIMESTAMPTZ '1970-01-01 00:00:00+00'}",
    '{"b":9007199254740993,"a":"1970-01-01T00:00:00.000000Z"}',
  ],
  [
    "a list, with its NULLs",
    { kind: "array", element: { kind: "decimal", precision: 5, scale: 1 }, containsNull: true },
    "[1.5::DECIMAL(5,1), NULL]",
    '["1.5",null]',
  ],
  ["an empty list", { kind: "array", element: { kind: "integer" }, containsNull: true }, "[]::INTEGER[]", "[]"],
  [
    "a map, as a list of keys and values",
    { kind: "map", key: { kind: "string" }, value: { kind: "double" }, valueContainsNull: true },
    "MAP {'x': 'nan'::DOUBLE, 'y': NULL}",
    '[{"key":"x","value":"NaN"},{"key":"y","value":null}]',
  ],
])("%s", async (_, type, sql, text) => {
  const table = await tableOf({ v: type }, [`SELECT ${sql} AS v`, "SELECT NULL AS v"]);
  expect(await read(table)).toEqual([`{"v":${text}}`, '{"v":null}']);
});

test("columns come in the order of the schema, partition columns among them", async () => {
  const table = await tableOf(
    { a: { kind: "integer" }, p: { kind: "date" }, "b.q": { kind: "string" } },
    [`SELECT 'x' AS "b.q", 1::INTEGER AS a`, `SELECT NULL AS "b.q", 2::INTEGER AS a`],
    { column: "p", values: ["2026-01-02", null] },
  );
  expect(await read(table)).toEqual(['{"a":1,"p":"2026-01-02","b.q":"x"}', '{"a":2,"p":null,"b.q":null}']);
});

test("at most as many rows as asked for are read, from as few files as need be", async () => {
  const table = await tableOf({ a: { kind: "integer" } }, [
    "SELECT unnest([1,2,3])::INTEGER AS a",
    "SELECT 4::INTEGER AS a",
  ]);
  expect(await read(table, 2)).toEqual(['{"a":1}', '{"a":2}']);
  expect(await read(table, 4)).toHaveLength(4);
  expect(await read(table, 0)).toEqual([]);
});

test("the hidden column of a row's place is read only where it is asked for", async () => {
  const table = await tableOf({ a: { kind: "integer" }, _dyne: { kind: "string" } }, ["SELECT 1 AS a, '0/7' AS _dyne"]);
  expect(await read(table)).toEqual(['{"a":1}']);
  expect(await read(table, 1, true)).toEqual(['{"a":1,"_dyne":"0/7"}']);
});

test("an empty table has no rows", async () => {
  expect(await read(await tableOf({ a: { kind: "integer" } }, []))).toEqual([]);
});

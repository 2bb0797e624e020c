/** Places of rows: all of them, or an error. */
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rowPositions } from "../../../shared/compute/duckdb/row-positions.ts";

let instance: DuckDBInstance;
let connection: DuckDBConnection;
beforeAll(async () => {
  instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  connection = await instance.connect();
});
afterAll(() => {
  connection.closeSync();
  instance.closeSync();
});

const places = (row: string): string => `SELECT i // 400000, ${row} FROM range(1000000) t(i)`;

test("every row is in the list of its file", async () => {
  const positions = await rowPositions(connection, places("i"));
  expect([...positions].map(([file, rows]) => [file, rows.length, rows[0]])).toEqual([
    [0, 400_000, 0],
    [1, 400_000, 400_000],
    [2, 200_000, 800_000],
  ]);
});

test("a query that fails after many rows fails, and gives no part of them", async () => {
  const query = places("CASE WHEN i = 900000 THEN error('far on') ELSE i END");
  await expect(rowPositions(connection, query)).rejects.toThrow("far on");
});

test("another query of the connection meanwhile takes no rows away", async () => {
  const reading = rowPositions(connection, places("i"));
  for (let at = 0; at < 5; at++) await connection.run("SELECT 1");
  expect([...(await reading).values()].map((rows) => rows.length)).toEqual([400_000, 400_000, 200_000]);
});

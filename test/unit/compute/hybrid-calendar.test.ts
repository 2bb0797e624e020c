/** Dates and times of files that Spark wrote before version 3, or as it did then: Julian before 1582-10-15. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Row } from "../../../shared/compute/index.ts";
import type { DataType } from "../../../shared/plan/index.ts";
import { openCompute, rowsOf, scan, schemaOf, type ComputeUnderTest } from "../../support/compute-under-test.ts";

let under: ComputeUnderTest;
let instance: DuckDBInstance;
let connection: DuckDBConnection;
let folder: string;
let files = 0;
beforeAll(async () => {
  under = await openCompute();
  folder = await mkdtemp(join(tmpdir(), "dyne-calendars-"));
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

type Said = Readonly<Record<string, string>>;

/** The rows of a query in a file whose footer says these key values of Spark. */
async function read(query: string, types: Readonly<Record<string, DataType>>, said: Said): Promise<readonly Row[]> {
  const local = join(folder, `${++files}.parquet`);
  const values = Object.entries(said).map(([key, value]) => `'org.apache.spark.${key}': '${value}'`);
  await connection.run(`COPY (${query}) TO '${local}' (FORMAT parquet, KV_METADATA {${values.join(", ")}})`);
  const bytes = await readFile(local);
  const path = `lake/t/${files}.parquet`;
  await under.store.put(path, bytes);
  const input = [{ path, sizeBytes: bytes.length, partitionValues: {} }];
  const schema = schemaOf(types);
  const set = { kind: "files", store: under.store, schema, partitionBy: [], files: input } as const;
  return rowsOf(under.compute, { set }, scan("set", schema));
}

const date: DataType = { kind: "date" };
const timestamp: DataType = { kind: "timestamp" };
const dayMs = 86_400_000;
const dayMicros = 86_400_000_000n;
const firstDay = Date.UTC(1582, 9, 15) / dayMs;

/** Dates that people wrote down one after another, from 0001-01-01 to 1582-10-04, as days of our calendar: `undefined` for those it lacks. */
function julianDays(): readonly (number | undefined)[] {
  const days: (number | undefined)[] = [];
  for (let year = 1; year <= 1582; year++) {
    const lengths = [31, year % 4 === 0 ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    for (const [month, length] of lengths.entries()) {
      for (let day = 1; day <= length; day++) {
        if (year === 1582 && (month > 9 || (month === 9 && day > 4))) return days;
        const same = new Date(0);
        same.setUTCFullYear(year, month, day);
        days.push(same.getUTCDate() === day ? same.getTime() / dayMs : undefined);
      }
    }
  }
  return days;
}

describe("a file of Spark 2", () => {
  const days = julianDays();
  const firstOfAll = firstDay - days.length;
  // One of so many, and all those around a leap day that we lack, and around the end.
  const around = (index: number): boolean => index % 23 === 0 || index > days.length - 400;
  const lacked = days.flatMap((day, index) => (day === undefined ? [index] : []));
  const indexes = Array.from({ length: days.length + 3 }, (_, index) => index).filter(
    (index) => around(index) || lacked.some((each) => Math.abs(each - index) < 3),
  );
  const all = `SELECT DATE '1970-01-01' + i::INTEGER AS d, make_timestamptz(i * ${dayMicros} + ${dayMicros} - 1) AS t FROM (SELECT unnest([${indexes.map((index) => firstOfAll + index).join(",")}]::BIGINT[]) AS i)`;

  test("has the dates that were written down, and their last microseconds in UTC", async () => {
    const rows = await read(all, { d: date, t: timestamp }, { version: "2.4.8", timeZone: "UTC" });
    expect(rows).toHaveLength(indexes.length);
    expect(lacked).toHaveLength(12);
    const wrong = rows.flatMap(({ d, t }, row) => {
      const index = indexes[row]!;
      // A leap day that we lack is the day after it.
      const wanted = index < days.length ? (days[index] ?? days[index - 1]! + 1) : firstOfAll + index;
      return d === wanted && t === (BigInt(wanted) + 1n) * dayMicros - 1n ? [] : [{ index, d, t, wanted }];
    });
    expect(wrong.slice(0, 10)).toEqual([]);
  });

  test("that does not name its zone, or names another, has no times before 1900, by name", async () => {
    const query = (time: string) => `SELECT DATE '1500-01-01' AS d, TIMESTAMPTZ '${time}' AS t`;
    for (const said of [
      { version: "2.4.8" },
      { version: "4.2.0", legacyDateTime: "", timeZone: "America/Los_Angeles" },
    ]) {
      await expect(read(query("1899-12-31 23:59:59.999999+00"), { d: date, t: timestamp }, said)).rejects.toMatchObject(
        {
          code: "UNSUPPORTED_FEATURE",
          message: expect.stringMatching(/lake\/t\/\d+\.parquet has times before 1900.*zone/) as string,
        },
      );
      expect(await read(query("1899-12-31 23:59:59+00"), { d: date }, said)).toEqual([{ d: -171_664 - 9 }]);
      expect(await read(query("1900-01-01 00:00:00+00"), { t: timestamp }, said)).toEqual([
        { t: BigInt(Date.UTC(1900, 0, 1)) * 1_000n },
      ]);
      expect(await read("SELECT NULL::TIMESTAMPTZ AS t", { t: timestamp }, said)).toEqual([{ t: null }]);
    }
  });
});

test.each<[string, Said, boolean]>([
  ["Spark 2", { version: "2.4.8" }, true],
  ["Spark 1", { version: "1.6.0" }, true],
  ["Spark 3 that was told to", { version: "3.5.0", legacyDateTime: "" }, true],
  ["Spark 3", { version: "3.0.0" }, false],
  ["Spark 3 that was told to write INT96 so", { version: "3.5.0", legacyINT96: "" }, false],
  ["Spark 20", { version: "20.0.0" }, false],
  ["somebody else", {}, false],
])("dates of %s", async (_, said, isHybrid) => {
  const values = Object.keys(said).length === 0 ? { other: "x" } : said;
  const [row] = await read("SELECT DATE '1582-10-14' AS d", { d: date }, values);
  expect(row?.["d"]).toBe(isHybrid ? firstDay - 1 - 10 : firstDay - 1);
});

test("dates become times without a zone where the column was widened", async () => {
  const [row] = await read("SELECT DATE '1582-10-14' AS d", { d: { kind: "timestamp_ntz" } }, { version: "2.4.8" });
  expect(row).toEqual({ d: BigInt(firstDay - 11) * dayMicros });
});

test("files of both calendars are read side by side, whose columns are alike", async () => {
  const query = "SELECT DATE '1582-10-14' AS d";
  expect(await read(query, { d: date }, { version: "4.2.0" })).toEqual([{ d: firstDay - 1 }]);
  expect(await read(query, { d: date }, { version: "2.4.8" })).toEqual([{ d: firstDay - 11 }]);
  expect(await read(query, { d: date }, { version: "4.2.0" })).toEqual([{ d: firstDay - 1 }]);
});

/** The rows of the golden tables beside the checkout, as multisets: the newest version of each holds what Spark wrote as `expected`. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DuckDbCompute, transientCheckpoints } from "../../shared/compute/index.ts";
import { silentLogger, systemClock, systemRandom } from "../../shared/core/index.ts";
import type { Snapshot } from "../../shared/delta/index.ts";
import { duckdbType, quoteName, quoteText, renderScalar, type StructField } from "../../shared/plan/index.ts";
import { FileStore } from "../../shared/storage/index.ts";
import { DeltaTable, readRowTexts, rowText } from "../../shared/table/index.ts";
import { goldenFolder, goldenTables, type GoldenTable } from "./golden-tables.ts";

const services = { clock: systemClock, random: systemRandom, logger: silentLogger };

let compute: DuckDbCompute;
let instance: DuckDBInstance;
let connection: DuckDBConnection;
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "dyne-golden-rows-"));
  compute = await DuckDbCompute.open(
    { directory, memoryLimitMb: 512, threads: 2, cacheBytes: 64 * 1024 * 1024 },
    systemRandom,
  );
  instance = await DuckDBInstance.create(":memory:", { threads: "2" });
  connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
});
afterAll(async () => {
  connection.closeSync();
  instance.closeSync();
  await compute.close();
  await rm(directory, { recursive: true });
});

function tableIn(folder: string, name: string): DeltaTable {
  const store = new FileStore(folder, services);
  return new DeltaTable({ store, path: `${name}/delta`, ...services, checkpointReader: transientCheckpoints() });
}

async function rowsOf(table: DeltaTable, snapshot: Snapshot): Promise<string[]> {
  const rows: string[] = [];
  for await (const row of readRowTexts(compute, table, snapshot, { limit: Number.POSITIVE_INFINITY })) rows.push(row);
  return rows;
}

/** What Spark wrote as Parquet, read by DuckDB alone, in the form in which rows are printed. */
async function expectedRows(name: string, { schema }: Snapshot): Promise<string[]> {
  const fields = Object.entries<StructField>(schema.fields);
  const text = renderScalar(rowText(fields.map(([column]) => column)), schema, { dialect: "duckdb", parameters: {} });
  const columns = fields.map(
    ([column, { type }]) =>
      `CAST(${quoteName(column, "duckdb")} AS ${duckdbType(type)}) AS ${quoteName(column, "duckdb")}`,
  );
  const files = quoteText(`${goldenFolder}/${name}/expected/*.parquet`, "duckdb");
  const reader = await connection.runAndReadAll(
    `SELECT ${text} FROM (SELECT ${columns.join(", ")} FROM read_parquet(${files}, hive_partitioning = false))`,
  );
  return reader.getRows().map(([row]) => String(row));
}

/** Rows in an order that is the same however they were read; numbers by their value, which writers spell in several ways. */
function comparable(rows: readonly string[], { schema }: Snapshot): string[] {
  const isFloat = (name: string): boolean => (schema.fields as Fields)[name]?.type.kind === "float";
  const byValue = (name: string, value: unknown, { source = "" }: { readonly source?: string }): unknown => {
    if (typeof value !== "number") return value;
    if (/^-?\d+$/.test(source) && !Number.isSafeInteger(value)) return `number ${source}`;
    return isFloat(name) ? Math.fround(value) : value;
  };
  const parsed = (row: string): unknown => JSON.parse(row, byValue as (key: string, value: unknown) => unknown);
  return rows.map((row) => JSON.stringify(parsed(row))).sort();
}
type Fields = Readonly<Record<string, StructField>>;

type Opened = Extract<GoldenTable, { readonly kind: "opens" }>;
const withRows = goldenTables.filter(
  (table): table is Opened => table.kind === "opens" && existsSync(join(goldenFolder, table.name, "expected")),
);

describe.skipIf(!existsSync(goldenFolder))("rows of the golden tables", () => {
  test("are there to compare with", () => {
    expect(withRows.length).toBeGreaterThan(15);
  });

  test.each(withRows)("$name", async ({ name }) => {
    const table = tableIn(goldenFolder, name);
    const snapshot = await table.latest();
    const found = await rowsOf(table, snapshot);
    expect(comparable(found, snapshot)).toEqual(comparable(await expectedRows(name, snapshot), snapshot));
  });
});

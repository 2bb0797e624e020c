/** What cases check beyond rows, all in the same way. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { canonicalRows } from "../same-rows.ts";
import type { World } from "../world.ts";
import type { Check } from "./case.ts";

/** Has Spark run statements, in which `{t}` is the table. */
export async function statements({ peers }: World, path: string, ...texts: readonly string[]): Promise<void> {
  await peers.Spark.ask("sql", { path, statements: texts });
}

/** The newest version, by the names in the log. */
export async function newestVersion(path: string): Promise<number> {
  const names = await readdir(join(path, "_delta_log"));
  return Math.max(...names.flatMap((name) => (/^\d{20}\.json$/.test(name) ? [Number(name.slice(0, 20))] : [])));
}

/** That dyne reads the rows that Spark reads. */
export async function sameRows(world: World, path: string): Promise<readonly string[]> {
  const rows = canonicalRows((await world.peers.Spark.ask("read", { path })) as string[]);
  expect(canonicalRows(await world.read(path))).toEqual(rows);
  return rows;
}

interface SparkHistory {
  readonly version: number;
  readonly timestamp: string;
  readonly operation: string;
  readonly operationParameters: readonly { readonly key: string; readonly value: string }[];
  readonly operationMetrics: readonly { readonly key: string; readonly value: string }[] | null;
  readonly readVersion: number | null;
  readonly isolationLevel: string | null;
  readonly isBlindAppend: boolean | null;
  readonly engineInfo: string | null;
}

/** That Spark's DESCRIBE HISTORY tells of every version what dyne's history does. Times are not compared: without in-commit timestamps they are of files. */
export const historyIsTold: Check = async (world, path) => {
  const told = (await world.peers.Spark.ask("query", { path, statement: "DESCRIBE HISTORY {t}" })) as string[];
  const theirs = told.map((row) => JSON.parse(row) as SparkHistory);
  const ours = await Array.fromAsync(world.lake(path).history());
  const text = (value: unknown): string | null =>
    typeof value === "string" || value === null ? value : JSON.stringify(value);
  const texts = (values: Readonly<Record<string, unknown>> | null): unknown =>
    values === null ? null : Object.fromEntries(Object.entries(values).map(([name, value]) => [name, text(value)]));
  const byKey = (entries: SparkHistory["operationMetrics"]): unknown =>
    entries === null ? null : Object.fromEntries(entries.map(({ key, value }) => [key, value]));
  expect(
    theirs.map(({ version, operation, operationParameters, operationMetrics, readVersion, ...more }) => ({
      version,
      operation,
      operationParameters: byKey(operationParameters),
      operationMetrics: byKey(operationMetrics),
      readVersion,
      isolationLevel: more.isolationLevel,
      isBlindAppend: more.isBlindAppend,
      engineInfo: more.engineInfo,
    })),
  ).toEqual(
    ours.map(({ version, operation, operationParameters, operationMetrics, readVersion, ...more }) => ({
      version,
      operation,
      operationParameters: texts(operationParameters),
      operationMetrics: texts(operationMetrics),
      readVersion,
      isolationLevel: more.isolationLevel,
      isBlindAppend: more.isBlindAppend,
      engineInfo: more.engineInfo,
    })),
  );
};

/** That Spark's DESCRIBE DETAIL tells of the table what dyne's detail does. */
export const detailIsTold: Check = async (world, path) => {
  const [told] = (await world.peers.Spark.ask("query", { path, statement: "DESCRIBE DETAIL {t}" })) as string[];
  const theirs = JSON.parse(told!) as Record<string, unknown>;
  const { tableFeatures, properties, ...ours } = await world.lake(path).detail();
  expect({ ...theirs, tableFeatures: (theirs["tableFeatures"] as string[]).toSorted() }).toMatchObject({
    id: ours.id,
    partitionColumns: ours.partitionColumns,
    numFiles: ours.numFiles,
    sizeInBytes: ours.sizeInBytes,
    minReaderVersion: ours.minReaderVersion,
    minWriterVersion: ours.minWriterVersion,
    properties: expect.arrayContaining(Object.entries(properties).map(([key, value]) => ({ key, value }))) as unknown,
    tableFeatures: tableFeatures.toSorted(),
  });
};

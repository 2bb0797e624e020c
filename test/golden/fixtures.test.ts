/**
 * The tables of fixtures/, which Spark wrote: `expected/rows.ndjson` has the rows of the newest version, `expected/versions.json` how many each
 * version has.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { transientCheckpoints } from "../../shared/compute/index.ts";
import { silentLogger, systemClock, systemRandom } from "../../shared/core/index.ts";
import { FileStore } from "../../shared/storage/index.ts";
import { DeltaTable, readRowTexts } from "../../shared/table/index.ts";
import { canonicalRows } from "../interop/same-rows.ts";
import { openCompute, type ComputeUnderTest } from "../support/compute-under-test.ts";

const folder = join(import.meta.dirname, "fixtures");
const names = readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);

let opened: ComputeUnderTest;
beforeAll(async () => {
  opened = await openCompute();
});
afterAll(() => opened[Symbol.asyncDispose]());

const services = { clock: systemClock, random: systemRandom };
const checkpointReader = transientCheckpoints();

async function read(name: string, version?: number): Promise<readonly string[]> {
  const store = new FileStore(folder, services);
  const table = new DeltaTable({ store, path: `${name}/delta`, ...services, logger: silentLogger, checkpointReader });
  const snapshot = version === undefined ? await table.latest() : await table.at(version);
  return Array.fromAsync(readRowTexts(opened.compute, table, snapshot, { limit: Number.POSITIVE_INFINITY }));
}

const expected = (name: string, file: string): string => readFileSync(join(folder, name, "expected", file), "utf8");

test("the page on the tables has a line for each of them", () => {
  const page = readFileSync(join(folder, "README.md"), "utf8");
  const lines = [...page.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map(([, name]) => name);
  expect(lines).toHaveLength(names.length);
  expect(new Set(lines)).toEqual(new Set(names));
});

describe.each(names)("%s", (name) => {
  test("the newest version has the rows that Spark reads", async () => {
    const rows = expected(name, "rows.ndjson").split("\n");
    expect(canonicalRows(await read(name))).toEqual(canonicalRows(rows.filter((row) => row !== "")));
  });

  test("every version has as many rows as Spark counts", async () => {
    const counts = JSON.parse(expected(name, "versions.json")) as Record<string, number>;
    const seen: Record<string, number> = {};
    for (const version of Object.keys(counts)) seen[version] = (await read(name, Number(version))).length;
    expect(seen).toEqual(counts);
  });
});

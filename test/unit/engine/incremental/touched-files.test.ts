/**
 * No file that holds a touched row is left out (SPEC.md 10): against looking at every row, over files as they are written, with the statistics
 * that were written for them or with those of other writers, and with touched values as a compute tells them.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RowSet, RowValue } from "../../../../shared/compute/index.ts";
import type { AddFile } from "../../../../shared/delta/index.ts";
import { column, scan, schemaOf } from "../../../../shared/engine/incremental/expressions.ts";
import { valuesIn, type Restriction } from "../../../../shared/engine/incremental/operators/changed.ts";
import { filesOfUses, knownFromLogs, ValueLookUp } from "../../../../shared/engine/incremental/touched-files.ts";
import type { DataType, Schema } from "../../../../shared/plan/index.ts";
import { seededRandom } from "../../../../shared/core/index.ts";
import { MemoryStore } from "../../../../shared/storage/index.ts";
import { EngineBench, newEstate } from "../../../support/engine-harness.ts";

const seed = Number(process.env["SEED"] ?? 7);
const numRuns = Number(process.env["RUNS"] ?? 25);

let bench: EngineBench;
beforeAll(async () => {
  bench = await EngineBench.open(seededRandom(3));
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

const long = "a text that is longer than what statistics keep of it, ";
/** Few values of each type, so that files share some, at the edges of what statistics can say. */
const pools: Readonly<Record<string, { readonly type: DataType; readonly values: readonly RowValue[] }>> = {
  n: { type: { kind: "long" }, values: [-(2n ** 63n), -1n, 0n, 1n, 2n ** 53n + 1n, 2n ** 63n - 1n] },
  small: { type: { kind: "integer" }, values: [-5, -4, -3, 0, 1, 2, 3, 40] },
  x: {
    type: { kind: "double" },
    values: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 0.1, 1e-300, -1e300, 5e-324],
  },
  f: { type: { kind: "float" }, values: [Number.NaN, 0, -0, Math.fround(0.1), Math.fround(3e38), Math.fround(-1.1)] },
  text: {
    type: { kind: "string" },
    values: [
      "",
      "a",
      "B",
      long,
      `${long}x`,
      `${long}\u{10FFFF}`,
      "\u{10FFFF}".repeat(40),
      "\uFFFD".repeat(40),
      "é",
      "z",
    ],
  },
  money: {
    type: { kind: "decimal", precision: 38, scale: 4 },
    values: [
      "0.0000",
      "-0.0001",
      "9999999999999999999999999999999999.9999",
      "-9999999999999999999999999999999999.9999",
      "1.5000",
    ],
  },
  day: { type: { kind: "date" }, values: [-719_162, -1, 0, 1, 20_000, 2_932_896] },
  at: {
    type: { kind: "timestamp" },
    values: [-1n, 0n, 1n, 999n, 1_000n, 1_700_000_000_000_001n, 1_700_000_000_000_999n, -62_135_596_800_000_000n],
  },
  flag: { type: { kind: "boolean" }, values: [true, false] },
};
const names = Object.keys(pools);
const schema: Schema = schemaOf(
  Object.fromEntries(names.map((name) => [name, (pools[name] as { type: DataType }).type])),
);

type Row = Readonly<Record<string, RowValue>>;
const arbitraryRow: fc.Arbitrary<Row> = fc.record(
  Object.fromEntries(names.map((name) => [name, fc.constantFrom(null, ...(pools[name]?.values ?? []))])),
);
const restrictedBy = fc.subarray(names, { minLength: 1, maxLength: 2 });

const drawnPartitions = fc.constantFrom([], ["text"], ["day"], ["small", "flag"], ["at"], ["n"], ["money"]);

const drawn = fc.record({
  files: fc.array(fc.array(arbitraryRow, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 6 }),
  partitionBy: drawnPartitions,
  /** Those of the table in which something changed. */
  changedBy: drawnPartitions,
  touched: fc.array(arbitraryRow, { minLength: 1, maxLength: 3 }),
  /** Rows of which so many more are touched that they are told apart as ranges, or by their least and greatest alone. */
  more: fc.constantFrom(0, 0, 100, 1_200),
  uses: fc.array(restrictedBy, { minLength: 1, maxLength: 2 }),
  statistics: fc.constantFrom("as written", "none", "no bounds", "wider", "without NULL counts"),
});

/** As rows meet in a join that takes NULL for a value: zeros of both signs are one, and NaN is one. */
const isEqual = (a: RowValue | undefined, b: RowValue | undefined): boolean =>
  a === b || (typeof a === "number" && Number.isNaN(a) && typeof b === "number" && Number.isNaN(b));

const rowSet = (rows: readonly Row[]): RowSet => ({
  kind: "rows",
  schema,
  rowCount: rows.length,
  columns: Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name] ?? null)])),
});

/** Files of some rows, by partition, and the rows of each. */
async function written(
  rows: readonly Row[],
  partitionBy: readonly string[],
): Promise<readonly (readonly [AddFile, readonly Row[]])[]> {
  const { clock, random } = newEstate();
  const store = new MemoryStore({ clock, random });
  const numbered = rows.map((row, index) => ({
    row,
    key: partitionBy.map((name) => String(row[name])).join("\u0000"),
    index,
  }));
  const groups = Map.groupBy(numbered, ({ key }) => key);
  const files: (readonly [AddFile, readonly Row[]])[] = [];
  for (const group of groups.values()) {
    const own = group.map(({ row }) => row);
    const result = await bench.compute.run({
      name: "write",
      inputs: { rows: rowSet(own) },
      steps: [],
      writes: [
        { name: "rows", plan: scan("rows", schema), target: { store, path: "t", schema, partitionBy, sortBy: [] } },
      ],
      collects: [],
      parameters: {},
    });
    if (result.kind === "pending") throw new Error("pending");
    for (const { path, partitionValues, sizeBytes, stats } of result.written["rows"] ?? [])
      files.push([{ path, partitionValues, size: sizeBytes, modificationTime: 0, dataChange: true, stats }, own]);
  }
  return files;
}

/** What another writer may say of a file instead: less, or the same with bounds that are further away. */
function retold(file: AddFile, how: string): AddFile {
  if (how === "as written" || file.stats === undefined) return file;
  if (how === "none") {
    const { stats: _stats, ...bare } = file;
    return bare;
  }
  const stats = JSON.parse(file.stats) as Record<string, Record<string, unknown>>;
  const { minValues = {}, maxValues = {}, nullCount: _nulls, ...rest } = stats;
  // This parser keeps no more digits than a double has.
  for (const bounds of [minValues, maxValues]) for (const name of ["n", "money"]) delete bounds[name];
  if (how === "without NULL counts") return { ...file, stats: JSON.stringify({ ...rest, minValues, maxValues }) };
  if (how === "no bounds") return { ...file, stats: JSON.stringify({ ...rest, nullCount: stats["nullCount"] }) };
  const lower = { ...minValues, ...("text" in minValues ? { text: String(minValues["text"]).slice(0, 1) } : {}) };
  const upper = { ...maxValues, ...("text" in maxValues ? { text: `${String(maxValues["text"])}\u{10FFFF}` } : {}) };
  return { ...file, stats: JSON.stringify({ ...stats, minValues: lower, maxValues: upper }) };
}

describe("no file that holds a touched row is left out", () => {
  test(`by partition values, by statistics, and by touched values of every type (SEED=${seed} RUNS=${numRuns})`, async () => {
    let [passedOver, kept] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        drawn,
        async ({ files: drawnFiles, touched: drawnTouched, partitionBy, changedBy, more, uses, statistics }) => {
          // A partition's folder has its text for a name, which may not be long.
          const fitting = (row: Row): Row =>
            [...partitionBy, ...changedBy].includes("text") && typeof row["text"] === "string"
              ? { ...row, text: [...row["text"]].slice(0, 8).join("") }
              : row;
          const touched = drawnTouched.map(fitting);
          const files: (readonly [AddFile, readonly Row[]])[] = [];
          for (const rows of drawnFiles)
            for (const [file, own] of await written(rows.map(fitting), partitionBy))
              files.push([retold(file, statistics), own]);
          // Many values lie apart from those of the files, so that they widen ranges and match nothing.
          const many = Array.from({ length: more }, (_, index): Row => ({
            ...touched[0],
            n: BigInt(1_000 + index * 3),
            small: 1_000 + index,
            x: 10 + index / 7,
            f: Math.fround(10 + index / 8),
            text: `m${index}`,
          }));
          const all = [...touched, ...many];
          const change = scan("change", schema);
          const restrictions = uses.map((use) =>
            use.map((name): Restriction => ({
              column: name,
              values: valuesIn(change, column(name), [{ scan: 0, column: name }]),
            })),
          );
          const lookUp = new ValueLookUp(restrictions.flat().map(({ values }) => values));
          const result = await bench.compute.run({
            name: "touched",
            inputs: { change: rowSet(all) },
            steps: [],
            writes: [],
            collects: [...lookUp.collects],
            parameters: {},
          });
          if (result.kind === "pending") throw new Error("pending");
          const table = { schema, partitionBy, columnMapping: "none" as const, files: files.map(([file]) => file) };
          const isTouched = (row: Row): boolean =>
            uses.some((use) => use.every((name) => all.some((other) => isEqual(row[name], other[name]))));
          const changed = (await written(all.slice(0, touched.length), changedBy)).map(([file]) => file);
          const ways = {
            "by a look-up": filesOfUses(table, restrictions, lookUp.known(result.collected)),
            // The log knows the files of a change, which here hold but its first rows.
            ...(more === 0
              ? {
                  "by logs alone": filesOfUses(
                    table,
                    restrictions,
                    knownFromLogs([{ input: { ...table, partitionBy: changedBy }, changed }]),
                  ),
                }
              : {}),
          };
          for (const [way, picked] of Object.entries(ways)) {
            const pickedFiles = new Set(picked);
            for (const [file, rows] of files) {
              if (pickedFiles.has(file)) kept++;
              else passedOver++;
              const row = rows.find(isTouched);
              if (row === undefined || pickedFiles.has(file)) continue;
              const shown = (value: unknown) => (typeof value === "bigint" ? `${value}n` : value);
              throw new Error(
                `${way} a file is left out that holds ${JSON.stringify(row, (_, value: unknown) => shown(value))}, asked by ${JSON.stringify(uses)}: ${JSON.stringify(file)}`,
              );
            }
          }
        },
      ),
      { seed, numRuns },
    );
    expect(passedOver, "files are left out at all").toBeGreaterThan(numRuns);
    expect(kept).toBeGreaterThan(numRuns);
  }, 120_000);
});

test("logs tell of the partition by an empty text that it may be NULL, and of one by texts that it may be empty, too", () => {
  const partitionBy = ["text", "small", "flag"];
  const changed: AddFile = {
    path: "a",
    partitionValues: { text: "", small: "", flag: "true" },
    size: 1,
    modificationTime: 1,
    dataChange: true,
  };
  const known = knownFromLogs([{ input: { schema, partitionBy, columnMapping: "none" }, changed: [changed] }]);
  const valuesOf = (name: string) => known(valuesIn(scan("change", schema), column(name), [{ scan: 0, column: name }]));
  expect(valuesOf("text")).toEqual({ ranges: [{ min: "", max: "" }], hasNull: true });
  expect(valuesOf("small")).toEqual({ ranges: [], hasNull: true });
  expect(valuesOf("flag"), "which a refresh does not ask for").toBeUndefined();
});

/** Tables of a column of each comparable type, with values at the edges, written by the real compute. */
import fc from "fast-check";
import { ManualClock, seededRandom, silentLogger } from "../../shared/core/index.ts";
import type { Compute, RowValue } from "../../shared/compute/index.ts";
import type { DataType } from "../../shared/plan/index.ts";
import type { ObjectStore } from "../../shared/storage/index.ts";
import { DeltaTable } from "../../shared/table/index.ts";
import { done, rowSet, scan, schemaOf } from "./compute-under-test.ts";

/** A type, values of it as the compute takes them, and the same values as text. */
interface Sample {
  readonly type: DataType;
  readonly values: readonly (readonly [RowValue, string])[];
}

const second = 1_000_000n;

export const samples = {
  truth: {
    type: { kind: "boolean" },
    values: [
      [true, "true"],
      [false, "false"],
    ],
  },
  small: {
    type: { kind: "short" },
    values: [
      [-3, "-3"],
      [0, "0"],
      [7, "7"],
    ],
  },
  whole: {
    type: { kind: "long" },
    values: [
      [9007199254740993n, "9007199254740993"],
      [9007199254740992n, "9007199254740992"],
      [-(2n ** 63n), "-9223372036854775808"],
      [5n, "5"],
    ],
  },
  single: {
    type: { kind: "float" },
    values: [
      [0.1, "0.1"],
      [Math.fround(0.1), "0.10000000149011612"],
      [-1.5, "-1.5"],
      [Number.NaN, "NaN"],
    ],
  },
  real: {
    type: { kind: "double" },
    values: [
      [0, "0"],
      [-0, "-0.0"],
      [0.1, "0.1"],
      [Number.NaN, "NaN"],
      [Number.POSITIVE_INFINITY, "Infinity"],
      [Number.NEGATIVE_INFINITY, "-Infinity"],
      [5e-324, "5e-324"],
    ],
  },
  price: {
    type: { kind: "decimal", precision: 20, scale: 2 },
    values: [
      ["123456789012345678.90", "123456789012345678.90"],
      ["-0.01", "-0.01"],
      ["0.00", "0"],
    ],
  },
  name: {
    type: { kind: "string" },
    values: [
      ["", ""],
      ["a", "a"],
      ["it's", "it's"],
      ["é\u{1F600}", "é\u{1F600}"],
      ["x".repeat(40), "x".repeat(40)],
      [`${"x".repeat(40)}y`, `${"x".repeat(40)}y`],
      [`${"x".repeat(31)}\u{10FFFF}\u{10FFFF}`, `${"x".repeat(31)}\u{10FFFF}\u{10FFFF}`],
    ],
  },
  bytes: {
    type: { kind: "binary" },
    values: [
      [Uint8Array.of(0, 255), "AP8="],
      [Uint8Array.of(), ""],
    ],
  },
  day: {
    type: { kind: "date" },
    values: [
      [20_455, "2026-01-02"],
      [-719_162, "0001-01-01"],
      [20_456, "2026-01-03"],
    ],
  },
  moment: {
    type: { kind: "timestamp" },
    values: [
      [1_767_323_045n * second + 678_901n, "2026-01-02T03:04:05.678901Z"],
      [1_767_323_045n * second + 678_000n, "2026-01-02T03:04:05.678Z"],
      [1_767_323_045n * second + 678_999n, "2026-01-02T03:04:05.678999Z"],
      [-1n, "1969-12-31T23:59:59.999999Z"],
    ],
  },
  wall: {
    type: { kind: "timestamp_ntz" },
    values: [
      [1_767_323_045n * second + 1n, "2026-01-02T03:04:05.000001"],
      [0n, "1970-01-01T00:00:00"],
    ],
  },
} as const satisfies Readonly<Record<string, Sample>>;

export type SampleColumn = keyof typeof samples;
export const sampleColumns = Object.keys(samples) as readonly SampleColumn[];
export const sampleTypes: Readonly<Record<string, DataType>> = {
  id: { kind: "long" },
  ...Object.fromEntries(sampleColumns.map((name) => [name, samples[name].type])),
};

/** Which sample each column has; null for NULL. */
export type SampleRow = Readonly<Record<SampleColumn, number | null>>;

const columnArbitrary = (name: SampleColumn): fc.Arbitrary<number | null> =>
  fc.option(fc.nat(samples[name].values.length - 1), { freq: 4 });
const rowArbitrary: fc.Arbitrary<SampleRow> = fc.record(
  Object.fromEntries(sampleColumns.map((name) => [name, columnArbitrary(name)])) as Record<
    SampleColumn,
    fc.Arbitrary<number | null>
  >,
);
/** Rows by file: few values, so that there are many ties. */
export const filesArbitrary = fc.array(fc.array(rowArbitrary, { minLength: 1, maxLength: 5 }), { maxLength: 6 });

let tables = 0;

/** An empty table of the samples, `id` first. */
export async function sampleTable(store: ObjectStore, partitionBy: readonly string[] = []): Promise<DeltaTable> {
  const table = new DeltaTable({
    store,
    path: `lake/samples/t${++tables}`,
    clock: new ManualClock(1_000),
    random: seededRandom(tables),
    logger: silentLogger,
  });
  await table.createIfAbsent({ schema: schemaOf(sampleTypes), partitionBy });
  return table;
}

/** Appends the rows in one commit, numbered on from `firstId`. */
export async function append(
  compute: Compute,
  table: DeltaTable,
  rows: readonly SampleRow[],
  firstId: number,
): Promise<void> {
  const snapshot = await table.latest();
  const columns = Object.fromEntries(
    sampleColumns.map((name) => [name, rows.map((row) => (row[name] === null ? null : valueAt(name, row[name])))]),
  );
  const input = rowSet(sampleTypes, { id: rows.map((_, index) => BigInt(firstId + index)), ...columns });
  const { schema, partitionBy } = snapshot;
  const { written } = await done(compute, {
    inputs: { rows: input },
    writes: [
      {
        name: "out",
        plan: scan("rows", input.schema),
        target: { store: table.log.store, path: table.path, schema, partitionBy, sortBy: [] },
      },
    ],
  });
  await table.commit({
    actions: (written["out"] ?? []).map(({ path, partitionValues, sizeBytes, stats }) => ({
      add: {
        path: encodeURI(path),
        partitionValues,
        size: sizeBytes,
        modificationTime: 0,
        dataChange: true,
        stats,
      },
    })),
    isBlindAppend: true,
    operation: "WRITE",
  });
}

function valueAt(name: SampleColumn, index: number): RowValue {
  return (samples[name].values as Sample["values"])[index]![0];
}

/** A sample as text. */
export function textAt(name: SampleColumn, index: number): string {
  return (samples[name].values as Sample["values"])[index]![1];
}

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { boundJson } from "../../../shared/core/index.ts";
import {
  mayContain,
  mayHaveNull,
  type AddFile,
  type StatsValue,
  type ValueRange,
} from "../../../shared/delta/index.ts";
import type { DataType, Schema } from "../../../shared/plan/index.ts";
import { compareUtf8 } from "../../../shared/storage/index.ts";

const schemaOf = (type: DataType): Schema => ({ kind: "struct", fields: { c: { type, nullable: true } } });

/** The statistics of a file whose column has these values as bounds. */
function statsText({ kind }: DataType, rows: number, nulls: number, min?: StatsValue, max?: StatsValue): string {
  const member = (value: StatsValue | undefined, side: "min" | "max"): string => {
    const bound = value === undefined ? undefined : boundJson(kind, textOf(kind, value), side);
    return bound === undefined ? "" : `"c":${bound}`;
  };
  return `{"numRecords":${rows},"minValues":{${member(min, "min")}},"maxValues":{${member(max, "max")}},"nullCount":{"c":${nulls}}}`;
}

/** A value as its writer tells it. */
function textOf(kind: DataType["kind"], value: StatsValue): string {
  if (kind === "date") return dayText(Number(value));
  if (kind !== "timestamp" && kind !== "timestamp_ntz") return String(value);
  const micros = BigInt(value);
  const ms = micros / 1_000n - (micros % 1_000n < 0n ? 1n : 0n);
  const rest = String(micros - ms * 1_000n).padStart(3, "0");
  const iso = new Date(Number(ms)).toISOString().replace("Z", rest).replace("T", " ");
  return kind === "timestamp" ? `${iso}+00` : iso;
}
const dayText = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, -14);

describe("skipping files", () => {
  const file = (stats?: string, partitionValues: AddFile["partitionValues"] = {}): AddFile => ({
    path: "f",
    partitionValues,
    size: 1,
    modificationTime: 0,
    dataChange: true,
    ...(stats !== undefined && { stats }),
  });
  const may = (type: DataType, stats: string | undefined, range: ValueRange): boolean =>
    mayContain({ schema: schemaOf(type), partitionBy: [] }, file(stats), "c", range);
  const mayPartition = (type: DataType, value: string | null, range: ValueRange): boolean =>
    mayContain({ schema: schemaOf(type), partitionBy: ["c"] }, file(undefined, { c: value }), "c", range);

  /** Any column with values of its type in their order, as the engine has them. */
  const columns: fc.Arbitrary<{ type: DataType; values: readonly (StatsValue | null)[]; range: ValueRange }> = fc.oneof(
    column({ kind: "long" }, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    column({ kind: "integer" }, fc.integer()),
    column({ kind: "double" }, fc.double()),
    column(
      { kind: "string" },
      fc.oneof(
        fc.string({ unit: "binary", maxLength: 3 }),
        fc.string({ unit: fc.constantFrom("a", "b"), minLength: 31, maxLength: 35 }),
      ),
    ),
    column({ kind: "date" }, fc.integer({ min: -800_000, max: 3_000_000 })),
    column({ kind: "timestamp" }, fc.bigInt({ min: -(10n ** 16n), max: 10n ** 17n })),
    column({ kind: "timestamp_ntz" }, fc.bigInt({ min: -3_000n, max: 3_000n })),
    column(
      { kind: "decimal", precision: 20, scale: 2 },
      fc
        .bigInt({ min: -(10n ** 6n), max: 10n ** 6n })
        .map(
          (cents) =>
            `${cents < 0n ? "-" : ""}${(cents < 0n ? -cents : cents) / 100n}.${String((cents < 0n ? -cents : cents) % 100n).padStart(2, "0")}`,
        ),
    ),
    column({ kind: "boolean" }, fc.boolean()),
  );

  function column(
    type: DataType,
    value: fc.Arbitrary<StatsValue>,
  ): fc.Arbitrary<{ type: DataType; values: readonly (StatsValue | null)[]; range: ValueRange }> {
    const bound = fc.option(value, { nil: undefined });
    return fc.record({
      type: fc.constant(type),
      values: fc.array(fc.option(value, { freq: 5 }), { minLength: 1, maxLength: 4 }),
      range: fc.record({ min: bound, max: bound, orNull: fc.boolean() }),
    });
  }

  /** Spark's order: NaN above all numbers. */
  function compare(type: DataType, a: StatsValue, b: StatsValue): number {
    if (type.kind === "decimal") return Math.round(Number(a) * 100) - Math.round(Number(b) * 100);
    if (typeof a === "string") return compareUtf8(a, String(b));
    if (typeof a === "number" && typeof b === "number" && (Number.isNaN(a) || Number.isNaN(b)))
      return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
    return a < b ? -1 : a > b ? 1 : 0;
  }

  test("never leaves out a file that has a row in the range", () => {
    const law = fc.property(columns, ({ type, values, range }) => {
      const { min, max, orNull } = range;
      const matches = values.some((value) =>
        value === null
          ? orNull
          : (min === undefined || compare(type, value, min) >= 0) &&
            (max === undefined || compare(type, value, max) <= 0),
      );
      // A writer's bounds leave NaN out.
      const numbers = values
        .filter((value): value is StatsValue => value !== null && !Number.isNaN(value))
        .sort((a, b) => compare(type, a, b));
      const nulls = values.filter((value) => value === null).length;
      const stats = statsText(type, values.length, nulls, numbers[0], numbers.at(-1));
      return !matches || may(type, stats, range);
    });
    expect(fc.check(law, { numRuns: 2_000 })).toMatchObject({ failed: false, counterexample: null });
  });

  const long: DataType = { kind: "long" };
  const stats = '{"numRecords":3,"minValues":{"c":10},"maxValues":{"c":20},"nullCount":{"c":0}}';
  test.each<[string, boolean, string | undefined, ValueRange]>([
    ["below", false, stats, { max: 9n }],
    ["touching the lower bound", true, stats, { max: 10n }],
    ["touching the upper bound", true, stats, { min: 20 }],
    ["above", false, stats, { min: 21n, max: 30n }],
    ["above, or NULL where there is none", false, stats, { min: 21n, orNull: true }],
    ["open on both sides", true, stats, {}],
    ["without statistics", true, undefined, { min: 21n }],
    ["with statistics that are not JSON", true, "{", { min: 21n }],
    [
      "with statistics of other columns",
      true,
      '{"numRecords":3,"minValues":{"d":1},"maxValues":{"d":1}}',
      { min: 21n },
    ],
    ["with a bound of a wrong type", true, '{"numRecords":3,"minValues":{"c":"x"},"maxValues":{"c":{}}}', { min: 21n }],
    ["of NULLs alone", false, '{"numRecords":3,"minValues":{},"maxValues":{},"nullCount":{"c":3}}', { min: 1n }],
    ["of NULLs alone, which are asked for", true, '{"numRecords":3,"nullCount":{"c":3}}', { min: 1n, orNull: true }],
    [
      "where the number of NULLs is not known",
      true,
      '{"numRecords":3,"minValues":{"c":1},"maxValues":{"c":1}}',
      { min: 5n, orNull: true },
    ],
    [
      "with 64-bit digits",
      false,
      '{"numRecords":1,"minValues":{"c":9007199254740993},"maxValues":{"c":9007199254740993},"nullCount":{"c":0}}',
      { min: 9007199254740994n },
    ],
  ])("a file %s: %s", (_where, expected, text, range) => {
    expect(may(long, text, range)).toBe(expected);
  });

  test("a foreign writer's timestamp bound, cut to milliseconds, still covers its value", () => {
    const text =
      '{"numRecords":1,"minValues":{"c":"1970-01-01T00:00:00.001Z"},"maxValues":{"c":"1970-01-01T01:00:00.001+01:00"},"nullCount":{"c":0}}';
    expect(may({ kind: "timestamp" }, text, { min: 1_999n })).toBe(true);
    expect(may({ kind: "timestamp" }, text, { min: 2_001n })).toBe(false);
  });

  test.each<[DataType, string | null, ValueRange, boolean]>([
    [{ kind: "date" }, "2001-01-01", { min: 11323, max: 11323 }, true],
    [{ kind: "date" }, "2001-01-02", { min: 11323, max: 11323 }, false],
    [{ kind: "string" }, "b", { min: "a", max: "aa" }, false],
    [{ kind: "integer" }, "10", { min: 9 }, true],
    [{ kind: "integer" }, "not a number", { min: 9 }, true],
    [{ kind: "decimal", precision: 10, scale: 5 }, "234.00000", { min: "234", max: "234.0" }, true],
    [{ kind: "timestamp" }, "1970-01-01 00:00:00.000001", { min: 1n, max: 1n }, true],
    [{ kind: "boolean" }, "true", { max: false }, false],
    [{ kind: "string" }, null, { min: "a" }, false],
    [{ kind: "string" }, "", { orNull: true, min: "z" }, true],
    [{ kind: "string" }, "", { min: "", max: "" }, true],
    [{ kind: "string" }, "", { min: "a" }, false],
    [{ kind: "integer" }, "", { min: 0 }, false],
  ])("of a partition column %o, the value %s is in %o: %s", (type, value, range, expected) => {
    expect(mayPartition(type, value, range)).toBe(expected);
  });

  test.each<[DataType, string | null, boolean]>([
    [{ kind: "string" }, null, true],
    [{ kind: "string" }, "", true],
    [{ kind: "string" }, "a", false],
    [{ kind: "integer" }, "", true],
    [{ kind: "integer" }, "0", false],
  ])("a partition column %o with the value %j may be NULL: %s", (type, value, expected) => {
    const table = { schema: schemaOf(type), partitionBy: ["c"] };
    expect(mayHaveNull(table, file(undefined, { c: value }), "c")).toBe(expected);
  });

  test("a column may be NULL unless its statistics count none", () => {
    const table = { schema: schemaOf(long), partitionBy: [] };
    const mayWith = (nullCount: string) => mayHaveNull(table, file(`{"numRecords":2,"nullCount":${nullCount}}`), "c");
    expect([mayWith('{"c":0}'), mayWith('{"c":1}'), mayWith('{"d":0}'), mayWith("{}")]).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect([mayHaveNull(table, file(), "c"), mayHaveNull(table, file(stats), "other")]).toEqual([true, true]);
  });

  test("an unknown column excludes nothing", () => {
    expect(mayContain({ schema: schemaOf(long), partitionBy: [] }, file(stats), "other", { min: 99n })).toBe(true);
  });
});

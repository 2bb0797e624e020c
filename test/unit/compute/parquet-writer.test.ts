import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isDyneError } from "../../../shared/core/index.ts";
import type { RowValue, WrittenFile } from "../../../shared/compute/index.ts";
import type { FileLayout, StatisticsColumns } from "../../../shared/delta/index.ts";
import type { DataType, Schema } from "../../../shared/plan/index.ts";
import {
  done,
  openCompute,
  rowSet,
  rowsOf,
  scan,
  schemaOf,
  type ComputeUnderTest,
} from "../../support/compute-under-test.ts";

let under: ComputeUnderTest;
beforeAll(async () => void (under = await openCompute()));
afterAll(() => under[Symbol.asyncDispose]());

/** The files of one column `v`, and a column `p` that parts them where there are values for it. */
async function write(
  type: DataType,
  values: readonly RowValue[],
  parts?: { readonly type: DataType; readonly values: readonly RowValue[] },
): Promise<readonly WrittenFile[]> {
  const rows = rowSet(
    parts === undefined ? { v: type } : { v: type, p: parts.type },
    parts === undefined ? { v: values } : { v: values, p: parts.values },
  );
  const target = {
    store: under.store,
    path: "lake/t",
    schema: rows.schema,
    partitionBy: parts === undefined ? [] : ["p"],
    sortBy: [],
  };
  const { written } = await done(under.compute, {
    inputs: { rows },
    writes: [{ name: "out", plan: scan("rows", rows.schema), target }],
  });
  return written["out"] ?? [];
}

/** The statistics of the one file that values of a type give. Bounds as JSON has them, digits and all. */
async function statisticsOf(type: DataType, values: readonly RowValue[]) {
  const [file] = await write(type, values);
  const stats = file?.stats ?? "";
  const digits = (name: string) => new RegExp(`"${name}":\\{"v":([^}]*)\\}`).exec(stats)?.[1];
  const { numRecords, nullCount } = JSON.parse(stats) as { numRecords: number; nullCount: { v?: number } };
  return { rows: numRecords, nulls: nullCount.v, min: digits("minValues"), max: digits("maxValues") };
}

const kind = (
  name:
    | "byte"
    | "short"
    | "integer"
    | "long"
    | "float"
    | "double"
    | "string"
    | "date"
    | "timestamp"
    | "timestamp_ntz"
    | "boolean"
    | "binary",
): DataType => ({ kind: name });
const micros = (text: string): bigint =>
  BigInt(Date.parse(`${text.slice(0, 19)}Z`)) * 1000n + BigInt(text.slice(20).padEnd(6, "0"));

describe("bounds are those of the values", () => {
  test.each<[string, DataType, readonly RowValue[], string | undefined, string | undefined]>([
    ["whole numbers", kind("integer"), [3, null, -7, 5], "-7", "5"],
    [
      "whole numbers beyond 2^53, to the last digit",
      kind("long"),
      [2n ** 63n - 1n, -(2n ** 63n)],
      "-9223372036854775808",
      "9223372036854775807",
    ],
    [
      "decimals, to the last digit",
      { kind: "decimal", precision: 38, scale: 4 },
      ["-12345678901234567890.1234", "0.5"],
      "-12345678901234567890.1234",
      "0.5000",
    ],
    ["doubles", kind("double"), [0.1 + 0.2, -1e300, 5e-324], "-1e+300", "0.30000000000000004"],
    ["floats, as the doubles they are", kind("float"), [0.1, 2.5], "0.10000000149011612", "2.5"],
    ["negative zero, which equals zero", kind("double"), [-0, 0], "0", "0"],
    ["texts", kind("string"), ["b", "", 'a\u0000"é'], '""', '"b"'],
    ["days", kind("date"), [0, 20_000], '"1970-01-01"', '"2024-10-04"'],
    ["nothing but NULL", kind("integer"), [null, null], undefined, undefined],
    ["NaN, which is in no bound", kind("double"), [1, Number.NaN], undefined, undefined],
    ["an infinity, on its side alone", kind("double"), [1, Number.POSITIVE_INFINITY], "1", undefined],
    ["types that Delta has no bounds for", kind("boolean"), [true, false], undefined, undefined],
    ["bytes", kind("binary"), [Uint8Array.of(1)], undefined, undefined],
  ])("%s", async (_, type, values, min, max) => {
    const nulls = values.filter((value) => value === null).length;
    expect(await statisticsOf(type, values)).toEqual({ rows: values.length, nulls, min, max });
  });

  test.each<[string, string, string | undefined, string | undefined]>([
    [
      "a whole millisecond stays",
      "2026-01-02 03:04:05.678",
      '"2026-01-02T03:04:05.678Z"',
      '"2026-01-02T03:04:05.678Z"',
    ],
    [
      "microseconds are rounded down below and up above",
      "2026-01-02 03:04:05.678901",
      '"2026-01-02T03:04:05.678Z"',
      '"2026-01-02T03:04:05.679Z"',
    ],
    [
      "rounding up carries over the year",
      "1999-12-31 23:59:59.999001",
      '"1999-12-31T23:59:59.999Z"',
      '"2000-01-01T00:00:00.000Z"',
    ],
    ["before 1970 too", "1969-12-31 23:59:59.999999", '"1969-12-31T23:59:59.999Z"', '"1970-01-01T00:00:00.000Z"'],
    [
      "the last millisecond of year 9999 has no upper bound",
      "9999-12-31 23:59:59.999999",
      '"9999-12-31T23:59:59.999Z"',
      undefined,
    ],
  ])("of moments: %s", async (_, text, min, max) => {
    const found = await statisticsOf(kind("timestamp"), [micros(text)]);
    expect([found.min, found.max]).toEqual([min, max]);
    const wall = await statisticsOf(kind("timestamp_ntz"), [micros(text)]);
    expect([wall.min, wall.max]).toEqual([min?.replace("Z", ""), max?.replace("Z", "")]);
  });

  test("years that ISO-8601 does not have are in no bound", async () => {
    const found = await statisticsOf(kind("timestamp"), [253_402_300_800_000_000n, -62_200_000_000_000_000n]);
    expect([found.min, found.max]).toEqual([undefined, undefined]);
  });

  test.each<[string, string, string, string | undefined]>([
    ["of 32 characters is a bound itself", "x".repeat(32), "x".repeat(32), "x".repeat(32)],
    [
      "of 33 is cut, and its upper bound is above all that begin like it",
      "x".repeat(33),
      "x".repeat(32),
      `${"x".repeat(32)}\u{10FFFF}`,
    ],
    ["is cut between characters, not within", "𝄞".repeat(50), "𝄞".repeat(32), `${"𝄞".repeat(32)}\u{10FFFF}`],
    [
      "whose cut is before the greatest character has no upper bound",
      `${"x".repeat(32)}\u{10FFFF}y`,
      "x".repeat(32),
      undefined,
    ],
  ])("a text %s", async (_, text, min, max) => {
    const found = await statisticsOf(kind("string"), [text]);
    expect([found.min, found.max]).toEqual([JSON.stringify(min), max === undefined ? undefined : JSON.stringify(max)]);
  });
});

describe("whatever the values are, bounds hold for every row and NULLs are counted", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "b", "é", "𝄞", "\u{10FFFF}", "\uffff", "\u0000", '"'),
    maxLength: 45,
  });
  const compareText = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
  const laws: readonly [
    string,
    DataType,
    fc.Arbitrary<RowValue>,
    (value: RowValue, bound: string, side: "min" | "max") => boolean,
  ][] = [
    [
      "long",
      kind("long"),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      (value, bound, side) =>
        side === "min" ? BigInt(bound) <= (value as bigint) : BigInt(bound) >= (value as bigint),
    ],
    [
      "double",
      kind("double"),
      fc.double({ noNaN: true }),
      (value, bound, side) =>
        side === "min" ? Number(bound) <= (value as number) : Number(bound) >= (value as number),
    ],
    [
      "float",
      kind("float"),
      fc.float({ noNaN: true }),
      (value, bound, side) =>
        side === "min" ? Number(bound) <= (value as number) : Number(bound) >= (value as number),
    ],
    [
      "string",
      kind("string"),
      text,
      (value, bound, side) =>
        side === "min"
          ? compareText(JSON.parse(bound) as string, value as string) <= 0
          : compareText(JSON.parse(bound) as string, value as string) >= 0,
    ],
    [
      "timestamp",
      kind("timestamp"),
      fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n }),
      (value, bound, side) => {
        const at = BigInt(Date.parse(JSON.parse(bound) as string)) * 1000n;
        return side === "min" ? at <= (value as bigint) : at >= (value as bigint);
      },
    ],
  ];
  test.each(laws)("%s", async (_, type, value, holds) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(value, { nil: null }), { minLength: 1, maxLength: 12 }), async (values) => {
        const { rows, nulls, min, max } = await statisticsOf(type, values);
        expect([rows, nulls]).toEqual([values.length, values.filter((each) => each === null).length]);
        for (const each of values) {
          if (each === null) continue;
          if (min !== undefined) expect(holds(each, min, "min"), `${min} ≤ ${String(each)}`).toBe(true);
          if (max !== undefined) expect(holds(each, max, "max"), `${max} ≥ ${String(each)}`).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });
});

test("only the first 32 columns have statistics, partition columns not counted", async () => {
  const names = Array.from({ length: 40 }, (_, n) => `c${n}`);
  const rows = rowSet(
    Object.fromEntries(names.map((name) => [name, kind("integer")])),
    Object.fromEntries(names.map((name) => [name, [1]])),
  );
  const target = { store: under.store, path: "lake/wide", schema: rows.schema, partitionBy: ["c0"], sortBy: [] };
  const { written } = await done(under.compute, {
    inputs: { rows },
    writes: [{ name: "out", plan: scan("rows", rows.schema), target }],
  });
  const stats = JSON.parse(written["out"]?.[0]?.stats ?? "") as { minValues: object };
  expect(Object.keys(stats.minValues)).toEqual(names.slice(1, 33));
});

describe("a layout", () => {
  const schema = {
    kind: "struct",
    fields: {
      p: { type: kind("integer"), nullable: true },
      a: { type: kind("integer"), nullable: true },
      s: {
        type: schemaOf({ x: kind("integer"), y: kind("string"), inner: schemaOf({ z: kind("integer") }) }),
        nullable: true,
      },
      list: { type: { kind: "array", element: kind("integer"), containsNull: true }, nullable: true },
      b: { type: kind("integer"), nullable: true },
    },
  } as const satisfies Schema;

  async function laidOut(layout: FileLayout | undefined): Promise<WrittenFile> {
    const columns = { p: [7], a: [1], s: ['{"x":2,"y":"t","inner":{"z":3}}'], list: ["[4]"], b: [5] };
    const target = { store: under.store, path: "lake/laid", schema, partitionBy: ["p"], layout, sortBy: [] };
    const { written } = await done(under.compute, {
      inputs: { rows: { kind: "rows", schema, columns, rowCount: 1 } },
      writes: [{ name: "out", plan: scan("rows", schema), target }],
    });
    return written["out"]![0]!;
  }

  const all = { a: 1, s: { x: 2, y: "t", inner: { z: 3 } }, b: 5 };
  test.each<[string, StatisticsColumns | undefined, object]>([
    ["nothing that is said", undefined, all],
    ["-1, all columns", { kind: "first", count: Number.POSITIVE_INFINITY }, all],
    ["none", { kind: "first", count: 0 }, {}],
    ["the first, where partition columns do not count", { kind: "first", count: 1 }, { a: 1 }],
    ["the first three, where fields count", { kind: "first", count: 3 }, { a: 1, s: { x: 2, y: "t" } }],
    [
      "the first five, where an array counts",
      { kind: "first", count: 5 },
      { a: 1, s: { x: 2, y: "t", inner: { z: 3 } } },
    ],
    ["listed ones, whatever their case", { kind: "listed", paths: [["B"], ["s", "Y"]] }, { s: { y: "t" }, b: 5 }],
    [
      "a listed struct, with all that is in it",
      { kind: "listed", paths: [["s", "inner"]] },
      { s: { inner: { z: 3 } } },
    ],
    ["an empty list", { kind: "listed", paths: [] }, {}],
    ["what is not there", { kind: "listed", paths: [["x"], ["s", "a"]] }, {}],
  ])("gives statistics of %s", async (_, statistics, bounds) => {
    const file = await laidOut(statistics && { statistics, randomPrefixLength: undefined });
    const stats = JSON.parse(file.stats) as { minValues: object; maxValues: object; numRecords: number };
    expect([stats.minValues, stats.maxValues, stats.numRecords]).toEqual([bounds, bounds, 1]);
    expect(file.path).toMatch(/^p=7\/part-/);
  });

  test("puts files into folders with random names, whatever their partition", async () => {
    const statistics = { kind: "first", count: 32 } as const;
    const files = await Promise.all([4, 4].map((randomPrefixLength) => laidOut({ statistics, randomPrefixLength })));
    for (const { path, partitionValues } of files) {
      expect(path).toMatch(/^[a-z\d]{4}\/part-/);
      expect(partitionValues).toEqual({ p: "7" });
    }
    expect(files[0]!.path.slice(0, 4)).not.toBe(files[1]!.path.slice(0, 4));
  });
});

test("columns with odd names have theirs", async () => {
  const names = ["a.b", 'say "hi"', "ü x", "it's", "select"];
  const rows = rowSet(
    Object.fromEntries(names.map((name) => [name, kind("integer")])),
    Object.fromEntries(names.map((name, n) => [name, [n]])),
  );
  const target = { store: under.store, path: "lake/odd", schema: rows.schema, partitionBy: [], sortBy: [] };
  const { written } = await done(under.compute, {
    inputs: { rows },
    writes: [{ name: "out", plan: scan("rows", rows.schema), target }],
  });
  expect(JSON.parse(written["out"]?.[0]?.stats ?? "")).toMatchObject({
    maxValues: Object.fromEntries(names.map((name, n) => [name, n])),
  });
});

describe("partitions", () => {
  test.each<[string, DataType, RowValue, string | null, string]>([
    ["a day", kind("date"), 20_455, "2026-01-02", "p=2026-01-02"],
    ["a number", kind("long"), 9007199254740993n, "9007199254740993", "p=9007199254740993"],
    ["a decimal", { kind: "decimal", precision: 5, scale: 2 }, "1.50", "1.50", "p=1.50"],
    ["a truth", kind("boolean"), true, "true", "p=true"],
    [
      "a moment, in UTC",
      kind("timestamp"),
      1_234_567n,
      "1970-01-01T00:00:01.234567Z",
      "p=1970-01-01T00%3A00%3A01.234567Z",
    ],
    ["a whole second", kind("timestamp"), 0n, "1970-01-01T00:00:00.000000Z", "p=1970-01-01T00%3A00%3A00.000000Z"],
    ["a text with characters that paths lack", kind("string"), "a/b=c %é", "a/b=c %é", "p=a%2Fb%3Dc %25é"],
    ["a text with a NUL character", kind("string"), "a\u0000b", "a\u0000b", "p=a%00b"],
    [
      "bytes that spell a text",
      kind("binary"),
      new TextEncoder().encode("\\x41'é\u0001"),
      "\\x41'é\u0001",
      "p=%5Cx41%27é%01",
    ],
    ["NULL", kind("string"), null, null, "p=__HIVE_DEFAULT_PARTITION__"],
    [
      "the text that stands for NULL in folders",
      kind("string"),
      "__HIVE_DEFAULT_PARTITION__",
      "__HIVE_DEFAULT_PARTITION__",
      "p=__HIVE_DEFAULT_PARTITION__",
    ],
    ["the empty text", kind("string"), "", "", "p=__HIVE_DEFAULT_PARTITION__"],
  ])("are named so that people can read them: %s", async (_, type, value, text, folder) => {
    const [file] = await write(kind("integer"), [1], { type, values: [value] });
    expect(file?.partitionValues).toEqual({ p: text });
    expect(file?.path.slice(0, file.path.lastIndexOf("/"))).toBe(folder);
  });

  test("cannot be named by bytes that are no UTF-8", async () => {
    const written = write(kind("integer"), [1], { type: kind("binary"), values: [Uint8Array.of(255)] });
    await expect(written).rejects.toSatisfy(isDyneError);
  });

  test("NULL, the empty text and the text that stands for NULL keep their rows apart", async () => {
    const values = [null, "", "__HIVE_DEFAULT_PARTITION__"];
    const files = await write(kind("integer"), [1, 2, 3], { type: kind("string"), values });
    expect(files.map((file) => file.rowCount)).toEqual([1, 1, 1]);
    const schema = schemaOf({ v: kind("integer"), p: kind("string") });
    const set = {
      kind: "files" as const,
      store: under.store,
      schema,
      partitionBy: ["p"],
      files: files.map((file) => ({ ...file, path: `lake/t/${file.path}` })),
    };
    const rows = await rowsOf(under.compute, { set }, scan("set", schema));
    expect(rows.toSorted((a, b) => Number(a["v"]) - Number(b["v"]))).toEqual(values.map((p, n) => ({ v: n + 1, p })));
  });

  test("may be more than DuckDB keeps open: every row is written once", async () => {
    const count = 1_000;
    const numbers = Array.from({ length: count }, (_, n) => n);
    const files = await write(kind("integer"), numbers, { type: kind("integer"), values: numbers.map((n) => n % 150) });
    expect(files.reduce((sum, file) => sum + file.rowCount, 0)).toBe(count);
    expect(new Set(files.map((file) => file.path)).size).toBe(files.length);
  });
});

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { FileSet, HiddenColumn, InputFile } from "../../../shared/compute/index.ts";
import type { DataType, Expression, LogicalPlan } from "../../../shared/plan/index.ts";
import { jobOf, openCompute, rowsOf, scan, schemaOf, type ComputeUnderTest } from "../../support/compute-under-test.ts";

const integer: DataType = { kind: "integer" };
const long: DataType = { kind: "long" };
const string: DataType = { kind: "string" };
const column = (name: string): Expression => ({ kind: "column", name });

let under: ComputeUnderTest;
let instance: DuckDBInstance;
let connection: DuckDBConnection;
let folder: string;
let files = 0;
beforeAll(async () => {
  under = await openCompute();
  folder = await mkdtemp(join(tmpdir(), "dyne-files-"));
  instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  connection = await instance.connect();
});
afterAll(async () => {
  connection.closeSync();
  instance.closeSync();
  await under[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Puts the rows of a query into the store as a Parquet file, as another writer may have written it. */
async function file(query: string, facts: Partial<InputFile> = {}): Promise<InputFile> {
  const local = join(folder, `${++files}.parquet`);
  await connection.run(`COPY (${query}) TO '${local}' (FORMAT parquet)`);
  const path = `lake/t/${files}.parquet`;
  const bytes = await readFile(local);
  await under.store.put(path, bytes);
  return { path, sizeBytes: bytes.length, partitionValues: {}, ...facts };
}

const setOf = (
  types: Readonly<Record<string, DataType>>,
  input: readonly InputFile[],
  partitionBy: readonly string[] = [],
): FileSet => ({
  kind: "files",
  store: under.store,
  schema: schemaOf(types),
  partitionBy,
  files: input,
});
const read = async (set: FileSet, hidden: Readonly<Record<string, DataType>> = {}) =>
  rowsOf(under.compute, { set }, scan("set", schemaOf({ ...typesOf(set), ...hidden })));
const typesOf = (set: FileSet): Record<string, DataType> =>
  Object.fromEntries(
    Object.entries(set.schema.fields as Record<string, { type: DataType }>).map(([name, field]) => [name, field.type]),
  );

describe("partition values become values of the column's type", () => {
  test.each<[DataType, string | null, unknown]>([
    [{ kind: "boolean" }, "true", true],
    [{ kind: "byte" }, "-128", -128],
    [{ kind: "short" }, "32767", 32_767],
    [integer, "7", 7],
    [long, "9007199254740993", 9007199254740993n],
    [{ kind: "float" }, "0.5", 0.5],
    [{ kind: "double" }, "1.0E10", 1e10],
    [{ kind: "decimal", precision: 20, scale: 2 }, "123456789012345678.90", "123456789012345678.90"],
    [string, 'it\'s a "test"/é', 'it\'s a "test"/é'],
    [{ kind: "date" }, "2026-01-02", 20_455],
    [{ kind: "date" }, "+10000-01-01", 2_932_897],
    [{ kind: "timestamp" }, "1970-01-01 00:00:01.234567", 1_234_567n],
    [{ kind: "timestamp" }, "1970-01-01T00:00:01.234567Z", 1_234_567n],
    [{ kind: "timestamp_ntz" }, "1970-01-01 00:00:01", 1_000_000n],
    [{ kind: "timestamp" }, "+10000-01-01 00:00:00", 253_402_300_800_000_000n],
    [string, "a\u0000b'; DROP", "a\u0000b'; DROP"],
    [string, "\u0000".repeat(2_000), "\u0000".repeat(2_000)],
    [{ kind: "binary" }, "\u0001ü\\x41", new TextEncoder().encode("\u0001ü\\x41")],
    [string, null, null],
    [integer, null, null],
    [integer, "", null],
  ])("%o of %o", async (type, text, expected) => {
    const input = await file("SELECT 1::INTEGER AS v", { partitionValues: { p: text } });
    expect(await read(setOf({ v: integer, p: type }, [input], ["p"]))).toEqual([{ v: 1, p: expected }]);

    const ofMany = Array.from({ length: 9 }, (_, n) => ({
      ...input,
      partitionValues: { p: n % 2 === 0 ? text : null, q: String(n) },
    }));
    expect(await read(setOf({ v: integer, p: type, q: integer }, ofMany, ["p", "q"]))).toEqual(
      ofMany.map((_, q) => ({ v: 1, p: q % 2 === 0 ? expected : null, q })),
    );
  });
});

describe("partition values that are none of the column's type", () => {
  test.each<[DataType, string, string]>([
    [{ kind: "decimal", precision: 5, scale: 2 }, "0.-1", "decimal(5,2)"],
    [{ kind: "byte" }, "128", "tinyint"],
    [integer, "seven", "int"],
    [{ kind: "date" }, "2026-02-30", "date"],
    [{ kind: "timestamp" }, "yesterday", "timestamp"],
    [{ kind: "boolean" }, "ja", "boolean"],
    [integer, "7\ud800", "int"],
  ])("of %o, %s: the log is at fault, and the error says of which file", async (type, text, name) => {
    const right = await file("SELECT 1::INTEGER AS v", { partitionValues: { p: null } });
    const wrong = await file("SELECT 2::INTEGER AS v", { partitionValues: { p: text } });
    await expect(read(setOf({ v: integer, p: type }, [right, wrong], ["p"]))).rejects.toMatchObject({
      code: "LOG_CORRUPT",
      message: expect.stringContaining(
        `"p" is ${JSON.stringify(text)} in ${wrong.path}, which is no ${name}. Restore the log`,
      ),
    });
  });

  test("are found among thousands, behind a column whose values are right", async () => {
    const one = await file("SELECT 1::INTEGER AS v");
    const many = Array.from({ length: 2_500 }, (_, n) => ({
      ...one,
      path: n === 2_222 ? "lake/t/wrong.parquet" : one.path,
      partitionValues: { p: String(n), q: n === 2_222 ? "x" : String(n) },
    }));
    await under.store.put("lake/t/wrong.parquet", (await under.store.get(one.path))!.bytes);
    await expect(read(setOf({ v: integer, p: integer, q: integer }, many, ["p", "q"]))).rejects.toMatchObject({
      code: "LOG_CORRUPT",
      details: { column: "q", value: "x", path: "lake/t/wrong.parquet" },
    });
  });

  test.each([
    ["the job's own error is told", false, { code: "COMPUTE_FAILED", message: expect.stringContaining("'seven'") }],
    ["and the job was abandoned meanwhile, it runs again", true, { code: "BATCH_ABANDONED" }],
  ])("where nobody can say whose they are, %s", async (_what, isAbandoned, expected) => {
    const wrong = await file("SELECT 1::INTEGER AS v", { partitionValues: { p: "seven" } });
    const set = setOf({ v: integer, p: integer }, [wrong], ["p"]);
    const stop = new AbortController();
    const { value: ask } = Object.getOwnPropertyDescriptor(DuckDBConnection.prototype, "runAndReadAll") as {
      readonly value: DuckDBConnection["runAndReadAll"];
    };
    const asked = vi.spyOn(DuckDBConnection.prototype, "runAndReadAll").mockImplementation(function (
      this: DuckDBConnection,
      ...question
    ) {
      if (!question[0].includes("TRY_CAST")) return ask.apply(this, question);
      if (isAbandoned) stop.abort();
      throw new Error("INTERRUPT Error: Interrupted!");
    });
    try {
      const job = { inputs: { set }, collects: [{ name: "rows", plan: scan("set", set.schema), rowsMax: 9 }] };
      await expect(under.compute.run(jobOf({ ...job, signal: stop.signal }))).rejects.toMatchObject(expected);
      expect(asked.mock.calls.some(([question]) => question.includes("TRY_CAST"))).toBe(true);
    } finally {
      asked.mockRestore();
    }
  });
});

test("files that hold their partition columns are read by the log's values all the same", async () => {
  const input = await file("SELECT 1::INTEGER AS v, 'of the file' AS p", { partitionValues: { p: "of the log" } });
  expect(await read(setOf({ v: integer, p: string }, [input], ["p"]))).toEqual([{ v: 1, p: "of the log" }]);
});

test("columns that older files lack are NULL there, whatever their place in newer ones", async () => {
  const older = await file("SELECT 1::INTEGER AS a");
  const newer = await file("SELECT 'x' AS b, 2::INTEGER AS a");
  expect(await read(setOf({ a: integer, b: string }, [older, newer]))).toEqual([
    { a: 1, b: null },
    { a: 2, b: "x" },
  ]);
});

test("columns that the schema no longer has are left out", async () => {
  expect(await read(setOf({ a: integer }, [await file("SELECT 1::INTEGER AS a, 2 AS gone")]))).toEqual([{ a: 1 }]);
});

test("a column that no file has yet is NULL in its type", async () => {
  const set = setOf({ a: integer, b: { kind: "decimal", precision: 9, scale: 1 } }, [
    await file("SELECT 1::INTEGER AS a"),
  ]);
  expect(await read(set)).toEqual([{ a: 1, b: null }]);
});

test("columns whose names SQL would take for something else are read, in a partitioned table too", async () => {
  const types = {
    "a.b": integer,
    'say "hi"': integer,
    "it's": integer,
    select: integer,
    file_row_number: integer,
    "p q": string,
  };
  const query = Object.keys(types)
    .slice(0, 5)
    .map((name, n) => `${n}::INTEGER AS "${name.replaceAll('"', '""')}"`)
    .join(", ");
  const input = await file(`SELECT ${query}`, { partitionValues: { "p q": "x" } });
  expect(await read(setOf(types, [input], ["p q"]))).toEqual([
    { "a.b": 0, 'say "hi"': 1, "it's": 2, select: 3, file_row_number: 4, "p q": "x" },
  ]);
});

describe("hidden columns", () => {
  const hidden: readonly HiddenColumn[] = [
    { name: "version", type: long, expression: column("_commit_version") },
    { name: "lane", type: string, expression: column("_lane") },
    { name: "row", type: long, expression: column("_row_index") },
    { name: "a again", type: string, expression: { kind: "cast", mode: "try", input: column("a"), to: string } },
  ];
  const types = { version: long, lane: string, row: long, "a again": string };

  test("say which commit, which lane and which row of its file a row is of", async () => {
    const first = await file("SELECT unnest([1,2])::INTEGER AS a", { commitVersion: 3, lane: "7" });
    const second = await file("SELECT 3::INTEGER AS a", { commitVersion: 4, lane: "8" });
    expect(await read({ ...setOf({ a: integer }, [first, second]), hidden }, types)).toEqual([
      { a: 1, version: 3n, lane: "7", row: 0n, "a again": "1" },
      { a: 2, version: 3n, lane: "7", row: 1n, "a again": "2" },
      { a: 3, version: 4n, lane: "8", row: 0n, "a again": "3" },
    ]);
  });

  test("of a file that nobody said them of are version -1 and lane 0", async () => {
    const set = { ...setOf({ a: integer }, [await file("SELECT 1::INTEGER AS a")]), hidden: hidden.slice(0, 2) };
    expect(await read(set, { version: long, lane: string })).toEqual([{ a: 1, version: -1n, lane: "0" }]);
  });

  test("tell the files of each partition apart, one of them named twice", async () => {
    const input = await file("SELECT 1::INTEGER AS a");
    const files = [0, 1, 2, 3].map((n) => ({
      ...input,
      commitVersion: n,
      lane: String(9 - n),
      partitionValues: { p: String(n % 2) },
    }));
    const index: HiddenColumn = { name: "index", type: long, expression: column("_file_index") };
    const set = { ...setOf({ a: integer, p: integer }, files, ["p"]), hidden: [...hidden, index] };
    const rows = await read(set, { ...types, index: long });
    const found = rows.map(({ p, version, lane, index: at }) => [p, version, lane, at].map(String).join(" "));
    expect(found.sort()).toEqual(["0 0 9 0", "0 2 7 2", "1 1 8 1", "1 3 6 3"]);
  });

  test.each(["file_row_number", "File_Index"])("cannot be had beside a column called %s", async (name) => {
    const set = {
      ...setOf({ [name]: integer }, [await file(`SELECT 1::INTEGER AS ${name}`)]),
      hidden: hidden.slice(0, 2),
    };
    expect(await read({ ...set, hidden: [] })).toEqual([{ [name]: 1 }]);
    await expect(read(set, { version: long, lane: string })).rejects.toMatchObject({
      code: "UNSUPPORTED_FEATURE",
      message: expect.stringContaining(name) as string,
    });
  });

  test("are there for no files too", async () => {
    expect(await read({ ...setOf({ a: integer }, []), hidden }, types)).toEqual([]);
  });
});

test("a file named twice gives its rows twice", async () => {
  const input = await file("SELECT 1::INTEGER AS a");
  expect(await read(setOf({ a: integer }, [input, { ...input }]))).toEqual([{ a: 1 }, { a: 1 }]);
});

describe("of many partitions", () => {
  const filesOf = async (count: number, query: (n: number) => string): Promise<readonly InputFile[]> => {
    const made: InputFile[] = [];
    for (let n = 0; n < count; n++) made.push(await file(query(n), { partitionValues: { p: String(n) } }));
    return made;
  };
  const types = { v: integer, p: integer };
  const whole = (value: number): Expression => ({ kind: "literal", value, type: integer });
  const call = (name: string, ...args: readonly Expression[]): Expression => ({ kind: "call", name, args });

  test.each([
    ["a column", call("gt", column("v"), whole(4)), [5, 6]],
    ["a partition", call("eq", column("p"), whole(3)), [3]],
    ["both", call("and", call("ge", column("p"), whole(2)), call("lt", column("v"), whole(5))), [2, 3, 4]],
    ["nothing that is there", call("eq", column("p"), whole(99)), []],
  ])("rows keep the values of their files where files are left out by %s", async (_what, predicate, expected) => {
    const index: HiddenColumn = { name: "index", type: long, expression: column("_file_index") };
    const set = { ...setOf(types, await filesOf(7, (n) => `SELECT ${n}::INTEGER AS v`), ["p"]), hidden: [index] };
    const schema = schemaOf({ ...types, index: long });
    const rows = await rowsOf(
      under.compute,
      { set },
      { kind: "filter", input: scan("set", schema), condition: predicate },
    );
    expect(rows).toEqual(expected.map((n) => ({ v: n, p: n, index: BigInt(n) })));
  });

  test("files that have a column called file_index are read all the same", async () => {
    const many = await filesOf(6, (n) => `SELECT ${n * 10}::INTEGER AS file_index`);
    expect(await read(setOf({ file_index: integer, p: integer }, many, ["p"]))).toEqual(
      many.map((_, n) => ({ file_index: n * 10, p: n })),
    );
  });

  test("on either side of joins, all of it fits into little memory", async () => {
    const small = await openCompute({ memoryLimitMb: 300 });
    try {
      const many = await filesOf(100, () => `SELECT i % 20 AS k, i AS v, repeat('x', 20) AS t FROM range(2000) r(i)`);
      for (const each of many) await small.store.put(each.path, (await under.store.get(each.path))!.bytes);
      const set = { ...setOf({ k: long, v: long, t: string, p: integer }, many, ["p"]), store: small.store };
      const side = (least: number, name: string): LogicalPlan => ({
        kind: "project",
        input: {
          kind: "filter",
          input: scan("set", set.schema),
          condition: call("ge", column("v"), { kind: "literal", value: BigInt(least), type: long }),
        },
        columns: [
          { name: "p", expression: column("p") },
          { name: "k", expression: column("k") },
          { name, expression: column("v") },
        ],
      });
      const on = ["p", "k"].map((name) => ({ left: name, right: name }));
      const plan = ["a", "b", "c", "d"].reduce<LogicalPlan>(
        (left, name) => ({ kind: "join", type: "inner", left, right: side(1_980, name), on, dropRight: ["p", "k"] }),
        side(1_900, "v"),
      );
      expect(await rowsOf(small.compute, { set }, plan)).toHaveLength(100 * 100);
    } finally {
      await small[Symbol.asyncDispose]();
    }
  });
});

test("hundreds of partitions are one relation", async () => {
  const input = await file("SELECT 1::INTEGER AS a");
  const many = Array.from({ length: 300 }, (_, n) => ({ ...input, partitionValues: { p: String(n) } }));
  const rows = await read(setOf({ a: integer, p: integer }, many, ["p"]));
  expect(rows.map((row) => row["p"])).toEqual([...many.keys()]);
});

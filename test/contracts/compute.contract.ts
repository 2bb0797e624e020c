/** What every adapter of the Compute port promises (shared/compute/compute.ts). */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type {
  Compute,
  ComputeJob,
  ComputeWrite,
  FileSet,
  InputFile,
  Row,
  RowSet,
  RowValue,
  WrittenFile,
} from "../../shared/compute/index.ts";
import type { DataType, Expression, LogicalPlan, Schema } from "../../shared/plan/index.ts";
import { DyneError } from "../../shared/core/index.ts";
import { deletedRowsOf } from "../../shared/delta/index.ts";
import type { ObjectStore } from "../../shared/storage/index.ts";
import { FaultyStore } from "../support/faulty-store.ts";
import { seededRandom } from "../../shared/core/index.ts";
import { done, jobOf, rowSet, rowsOf, scan, schemaOf } from "../support/compute-under-test.ts";

export interface ContractUnderTest extends AsyncDisposable {
  readonly compute: Compute;
  /** The container `lake` exists. */
  readonly store: ObjectStore;
}

const types = {
  boolean: { kind: "boolean" },
  byte: { kind: "byte" },
  short: { kind: "short" },
  integer: { kind: "integer" },
  long: { kind: "long" },
  float: { kind: "float" },
  double: { kind: "double" },
  decimal: { kind: "decimal", precision: 38, scale: 4 },
  string: { kind: "string" },
  binary: { kind: "binary" },
  date: { kind: "date" },
  timestamp: { kind: "timestamp" },
  timestamp_ntz: { kind: "timestamp_ntz" },
} satisfies Record<string, DataType>;

/** Least, greatest and odd values of every type that a row can have. */
const values: Record<keyof typeof types, readonly RowValue[]> = {
  boolean: [true, false, null],
  byte: [-128, 127, null],
  short: [-32_768, 32_767, null],
  integer: [-2_147_483_648, 2_147_483_647, null],
  long: [-(2n ** 63n), 2n ** 63n - 1n, null],
  float: [Math.fround(0.1), -3.4028234663852886e38, null],
  double: [0.1 + 0.2, Number.NaN, Number.POSITIVE_INFINITY],
  decimal: ["-9999999999999999999999999999999999.9999", "0.0001", null],
  string: ["", "a\u0000b \"quoted\" 's' é𝄞\n", null],
  binary: [Uint8Array.of(), Uint8Array.of(0, 255, 39, 92), null],
  date: [-719_162, 2_932_896, null],
  timestamp: [-1n, 253_402_300_799_999_999n, null],
  timestamp_ntz: [1_234_567n, 0n, null],
};
const everyType = rowSet(types, values);
const expected = [0, 1, 2].map((row) =>
  Object.fromEntries(Object.entries(values).map(([name, column]) => [name, column[row]])),
);

const idTypes = { id: types.long, day: types.string };
const idSchema = schemaOf(idTypes);
const ids = (count: number): RowSet =>
  rowSet(
    { id: types.long, day: types.string },
    {
      id: Array.from({ length: count }, (_, n) => BigInt(n)),
      day: Array.from({ length: count }, (_, n) => (n % 3 === 0 ? null : `d${n % 3}`)),
    },
  );
const column = (name: string): Expression => ({ kind: "column", name });
const number = (value: number): Expression => ({ kind: "literal", value, type: types.long });
const call = (name: string, ...args: readonly Expression[]): Expression => ({ kind: "call", name, args });
const project = (input: LogicalPlan, columns: Readonly<Record<string, Expression>>): LogicalPlan => ({
  kind: "project",
  input,
  columns: Object.entries(columns).map(([name, expression]) => ({ name, expression })),
});
const sorted = (input: LogicalPlan, by: string): LogicalPlan => ({
  kind: "sort",
  input,
  orders: [{ by: column(by), direction: "ascending", nulls: "first" }],
});

export function computeContract(name: string, open: () => Promise<ContractUnderTest>): void {
  describe(`${name} as compute`, () => {
    let under: ContractUnderTest;
    let compute: Compute;
    let store: ObjectStore;
    let tables = 0;
    const fresh = (): string => `lake/table-${++tables}`;

    beforeAll(async () => {
      under = await open();
      ({ compute, store } = under);
    }, 30_000);
    afterAll(async () => under?.[Symbol.asyncDispose]());

    const write = (
      path: string,
      plan: LogicalPlan,
      schema: Schema,
      partitionBy: readonly string[] = [],
    ): ComputeWrite => ({
      name: "out",
      plan,
      target: { store, path, schema, partitionBy, sortBy: [] },
    });
    const writeIds = async (
      path: string,
      count: number,
      partitionBy: readonly string[] = [],
    ): Promise<readonly WrittenFile[]> =>
      (
        await done(compute, {
          inputs: { ids: ids(count) },
          writes: [write(path, scan("ids", idSchema), idSchema, partitionBy)],
        })
      ).written["out"] ?? [];
    const fileSet = (
      path: string,
      schema: Schema,
      files: readonly WrittenFile[],
      partitionBy: readonly string[] = [],
    ): FileSet => ({
      kind: "files",
      store,
      schema,
      partitionBy,
      files: files.map((file) => ({ ...file, path: `${path}/${file.path}` })),
    });
    const pathsIn = async (path: string): Promise<string[]> => {
      const paths: string[] = [];
      for await (const meta of store.list(`${path}/`)) paths.push(meta.path);
      return paths;
    };

    describe("rows in memory", () => {
      test("come back as they were given, in every type, with NULL", async () => {
        expect(await rowsOf(compute, { rows: everyType }, scan("rows", everyType.schema))).toEqual(expected);
      });

      test("may be more than any chunk holds", async () => {
        const rows = await rowsOf(compute, { ids: ids(5_000) }, sorted(scan("ids", idSchema), "id"));
        expect(rows.map((row) => row["id"])).toEqual(Array.from({ length: 5_000 }, (_, n) => BigInt(n)));
      });

      test("may be none", async () => {
        expect(await rowsOf(compute, { ids: ids(0) }, scan("ids", idSchema))).toEqual([]);
      });
    });

    describe("files", () => {
      test("hold the rows that were written, in every type", async () => {
        const path = fresh();
        const { written } = await done(compute, {
          inputs: { rows: everyType },
          writes: [write(path, scan("rows", everyType.schema), everyType.schema)],
        });
        const files = written["out"] ?? [];
        expect(files.reduce((sum, file) => sum + file.rowCount, 0)).toBe(3);
        const rows = await rowsOf(
          compute,
          { files: fileSet(path, everyType.schema, files) },
          scan("files", everyType.schema),
        );
        expect(rows).toHaveLength(3);
        for (const row of expected) expect(rows).toContainEqual(row);
      });

      test("are in the store under the target with the size that is reported, and no others are", async () => {
        const path = fresh();
        const files = await writeIds(path, 100, ["day"]);
        expect((await pathsIn(path)).sort()).toEqual(files.map((file) => `${path}/${file.path}`).sort());
        for (const file of files) expect((await store.head(`${path}/${file.path}`))?.sizeBytes).toBe(file.sizeBytes);
      });

      test("of a partition are named by its values, with NULL as null", async () => {
        const files = await writeIds(fresh(), 9, ["day"]);
        const rows = Object.fromEntries(files.map((file) => [String(file.partitionValues["day"]), file.rowCount]));
        expect(rows).toEqual({ null: 3, d1: 3, d2: 3 });
        expect(files.find((file) => file.partitionValues["day"] === "d1")?.path).toMatch(/^day=d1\/[^/]+\.parquet$/);
      });

      test("give partitioned rows back", async () => {
        const path = fresh();
        const files = await writeIds(path, 9, ["day"]);
        const rows = await rowsOf(
          compute,
          { files: fileSet(path, idSchema, files, ["day"]) },
          sorted(scan("files", idSchema), "id"),
        );
        expect(rows).toEqual(
          [...Array(9).keys()].map((n) => ({ id: BigInt(n), day: n % 3 === 0 ? null : `d${n % 3}` })),
        );
      });

      test("are not written for no rows", async () => {
        const path = fresh();
        expect(await writeIds(path, 0)).toEqual([]);
        expect(await writeIds(path, 0, ["day"])).toEqual([]);
        expect(await pathsIn(path)).toEqual([]);
      });

      test("are others at every run, with equal rows: repeating is safe", async () => {
        const path = fresh();
        const [first] = await writeIds(path, 10);
        const [second] = await writeIds(path, 10);
        expect(first?.path).not.toBe(second?.path);
        expect(await pathsIn(path)).toHaveLength(2);
      });

      test("are sorted within as the target asks", async () => {
        const path = fresh();
        const target = {
          ...write(path, scan("ids", idSchema), idSchema).target,
          sortBy: [call("negate", column("id"))],
        };
        const { written } = await done(compute, {
          inputs: { ids: ids(3_000) },
          writes: [{ name: "out", plan: scan("ids", idSchema), target }],
        });
        const hidden = [{ name: "at", type: types.long, expression: column("_row_index") }];
        const files = { ...fileSet(path, idSchema, written["out"] ?? []), hidden };
        const schema = schemaOf({ id: types.long, day: types.string, at: types.long });
        const rows = await rowsOf(compute, { files }, sorted(scan("files", schema), "at"));
        expect(rows.map((row) => row["id"])).toEqual(Array.from({ length: 3_000 }, (_, n) => BigInt(2_999 - n)));
      });

      test("are sorted by doubles whose zeros keep their signs", async () => {
        const path = fresh();
        const doubles = { x: types.double };
        const schema = schemaOf(doubles);
        const target = { ...write(path, scan("rows", schema), schema).target, sortBy: [column("x")] };
        const { written } = await done(compute, {
          inputs: { rows: rowSet(doubles, { x: [5, -0, -1] }) },
          writes: [{ name: "out", plan: scan("rows", schema), target }],
        });
        const files = fileSet(path, schema, written["out"] ?? []);
        expect((await rowsOf(compute, { files }, scan("files", schema))).map((row) => row["x"])).toEqual([-1, -0, 5]);
      });

      test("that are gone are named by the error", async () => {
        const set = {
          ...fileSet("lake/none", idSchema, []),
          files: [{ path: "lake/none/gone.parquet", sizeBytes: 1, partitionValues: {} }],
        };
        await expect(rowsOf(compute, { files: set }, scan("files", idSchema))).rejects.toMatchObject({
          code: "FILE_MISSING",
          message: expect.stringContaining("lake/none/gone.parquet"),
        });
      });

      test("say where rows lie, by file, however many and in whatever order they are found", async () => {
        const path = fresh();
        const files = [...(await writeIds(path, 5_000)), ...(await writeIds(path, 3))];
        const hidden = (["_file_index", "_row_index"] as const).map((name) => ({
          name: `at${name}`,
          type: { kind: "long" } as const,
          expression: { kind: "column", name } as const,
        }));
        const fields = {
          ...idSchema.fields,
          ...Object.fromEntries(hidden.map(({ name, type }) => [name, { type, nullable: false }])),
        };
        const rows = scan("files", { kind: "struct", fields });
        const { positions } = await done(compute, {
          inputs: { files: { ...fileSet(path, idSchema, files), hidden } },
          positions: [
            { name: "all", plan: { kind: "union", inputs: [rows, rows] }, file: "at_file_index", row: "at_row_index" },
          ],
        });
        expect(positions["all"]).toEqual(
          new Map([
            [0, Array.from({ length: 5_000 }, (_, row) => row)],
            [1, [0, 1, 2]],
          ]),
        );
      });

      test("are without their deleted rows, which count where places are counted", async () => {
        const path = fresh();
        const written = [
          ...(await writeIds(path, 5_000, ["day"])),
          ...(await writeIds(path, 4)),
          ...(await writeIds(path, 4)),
        ];
        const asked: string[] = [];
        const all = fileSet(path, idSchema, written, ["day"]);
        const files = all.files.map((file, index) => ({
          ...file,
          ...(index === written.length - 1
            ? {}
            : {
                deletedRows: async () => {
                  asked.push(file.path);
                  return deletedRowsOf(index === written.length - 2 ? [3, 0] : [0, 1, 1_000]);
                },
              }),
        }));
        const hidden = (["_file_index", "_row_index"] as const).map((name) => ({
          name: `at${name}`,
          type: types.long,
          expression: column(name),
        }));
        const schema = schemaOf({ ...idTypes, at_file_index: types.long, at_row_index: types.long });
        const read = await rowsOf(compute, { files: { ...all, files, hidden } }, scan("files", schema));
        const everything = await rowsOf(compute, { files: { ...all, hidden } }, scan("files", schema));
        const isDeleted = (file: number, row: number): boolean =>
          file === written.length - 1 ? false : (file === written.length - 2 ? [0, 3] : [0, 1, 1_000]).includes(row);
        const byPlace = (row: Row): number => Number(row["at_file_index"]) * 1e6 + Number(row["at_row_index"]);
        expect(read.toSorted((a, b) => byPlace(a) - byPlace(b))).toEqual(
          everything
            .filter((row) => !isDeleted(Number(row["at_file_index"]), Number(row["at_row_index"])))
            .toSorted((a, b) => byPlace(a) - byPlace(b)),
        );
        expect(everything.length - read.length).toBe(3 * (written.length - 2) + 2);
        expect(asked.toSorted()).toEqual(
          files
            .slice(0, -1)
            .map((file) => file.path)
            .toSorted(),
        );
        const plain = await rowsOf(compute, { files: { ...all, files } }, scan("files", idSchema));
        expect(plain.length).toBe(read.length);
      });

      test("fail with the error of their deletion vector", async () => {
        const path = fresh();
        const [file] = fileSet(path, idSchema, await writeIds(path, 3)).files;
        const broken = { ...file!, deletedRows: () => Promise.reject(new DyneError("LOG_CORRUPT", "broken")) };
        await expect(
          rowsOf(compute, { files: { ...fileSet(path, idSchema, []), files: [broken] } }, scan("files", idSchema)),
        ).rejects.toMatchObject({ code: "LOG_CORRUPT", message: "broken" });
      });

      test("have only the rows that are asked for, or all but those that are deleted, of each by itself", async () => {
        const path = fresh();
        const files = [...(await writeIds(path, 5_000)), ...(await writeIds(path, 3)), ...(await writeIds(path, 2))];
        const set = fileSet(path, idSchema, files);
        const [large, small, whole] = set.files as [InputFile, InputFile, InputFile];
        const hidden = [
          { name: "file", type: { kind: "long" }, expression: { kind: "column", name: "_file_index" } },
          { name: "row", type: { kind: "long" }, expression: { kind: "column", name: "_row_index" } },
        ] as const;
        const fields = {
          file: { type: hidden[0].type, nullable: false },
          row: { type: hidden[1].type, nullable: false },
        };
        const rows = await rowsOf(
          compute,
          {
            files: {
              ...set,
              hidden,
              files: [
                { ...large, onlyRows: async () => deletedRowsOf([7, 4_999]) },
                { ...small, deletedRows: async () => deletedRowsOf([1]) },
                whole,
                { ...large, onlyRows: async () => deletedRowsOf([]) },
                { ...small, onlyRows: async () => deletedRowsOf([1]) },
              ],
            },
          },
          scan("files", { kind: "struct", fields: { ...idSchema.fields, ...fields } }),
        );
        expect(rows.map(({ file, row }) => `${String(file)}/${String(row)}`).sort()).toEqual([
          "0/4999",
          "0/7",
          "1/0",
          "1/2",
          "2/0",
          "2/1",
          "4/1",
        ]);
      });

      test("may be none: the set then has no rows and all columns", async () => {
        expect(
          await rowsOf(compute, { files: fileSet(fresh(), everyType.schema, []) }, scan("files", everyType.schema)),
        ).toEqual([]);
      });
    });

    describe("a job", () => {
      test("sees the results of earlier steps by name", async () => {
        const doubled = schemaOf({ id: types.long });
        const steps: ComputeJob["steps"] = [
          {
            kind: "plan",
            name: "one",
            plan: project(scan("ids", idSchema), { id: call("plus", column("id"), number(1)) }),
            rowErrors: "fail",
            carry: [],
          },
          {
            kind: "plan",
            name: "two",
            plan: project(scan("one", doubled), { id: call("times", column("id"), number(2)) }),
            rowErrors: "fail",
            carry: [],
          },
        ];
        const { collected } = await done(compute, {
          inputs: { ids: ids(3) },
          steps,
          collects: [{ name: "rows", plan: sorted(scan("two", doubled), "id"), rowsMax: 10 }],
        });
        expect(collected["rows"]).toEqual([{ id: 2n }, { id: 4n }, { id: 6n }]);
      });

      test("takes the values of its parameters", async () => {
        const plan = project(scan("ids", idSchema), {
          at: { kind: "parameter", name: "current_timestamp", type: types.timestamp },
        });
        const { collected } = await done(compute, {
          inputs: { ids: ids(1) },
          parameters: { current_timestamp: "1970-01-01T00:00:01.234567Z" },
          collects: [{ name: "rows", plan, rowsMax: 1 }],
        });
        expect(collected["rows"]).toEqual([{ at: 1_234_567n }]);
      });

      test("keeps rows that fail, with their error, where that is asked for", async () => {
        const texts = rowSet({ text: types.string }, { text: ["1", "x", null] });
        const plan = project(scan("texts", texts.schema), {
          id: { kind: "cast", mode: "ansi", input: column("text"), to: types.long },
        });
        const { collected } = await done(compute, {
          inputs: { texts },
          steps: [{ kind: "plan", name: "parsed", plan, rowErrors: "capture", carry: [] }],
          collects: [
            { name: "rows", plan: scan("parsed", schemaOf({ id: types.long, _row_error: types.string })), rowsMax: 10 },
          ],
        });
        expect(collected["rows"]).toEqual([
          { id: 1n, _row_error: null },
          { id: null, _row_error: expect.stringContaining("x") },
          { id: null, _row_error: null },
        ]);
      });

      test("is stopped by a row that fails elsewhere, as an error of the data that says what is wrong", async () => {
        const texts = rowSet({ text: types.string }, { text: ["1", "x"] });
        const plan = project(scan("texts", texts.schema), {
          id: { kind: "cast", mode: "ansi", input: column("text"), to: types.long },
        });
        await expect(rowsOf(compute, { texts }, plan)).rejects.toMatchObject({
          code: "DATA_ERROR",
          kind: "data",
          message: expect.stringContaining("x"),
        });
      });

      test("is stopped by a sum beyond 38 digits, as an error of the data", async () => {
        const texts = rowSet({ text: types.string }, { text: Array.from({ length: 3 }, () => "9".repeat(38)) });
        const most: DataType = { kind: "decimal", precision: 38, scale: 0 };
        const arg: Expression = { kind: "cast", mode: "ansi", input: column("text"), to: most };
        const total: Expression = { kind: "aggregate", name: "sum", args: [arg], distinct: false, filter: undefined };
        const plan: LogicalPlan = {
          kind: "aggregate",
          input: scan("texts", texts.schema),
          groupBy: [],
          aggregates: [{ name: "total", expression: total }],
        };
        await expect(rowsOf(compute, { texts }, plan)).rejects.toMatchObject({
          code: "DATA_ERROR",
          message: expect.stringContaining("does not fit into"),
        });
      });

      test("drops rows that an earlier one with the same key precedes within the delay", async () => {
        const schema = { key: types.string, at: types.timestamp, position: types.long };
        const input = rowSet(schema, {
          key: ["a", "a", "a", null, null, "b"],
          at: [0n, 5_000_000n, 20_000_000n, 0n, 1n, 0n],
          position: [1n, 2n, 3n, 4n, 5n, 6n],
        });
        const state = rowSet({ key: types.string, at: types.timestamp }, { key: ["b"], at: [9_000_000n] });
        const { collected } = await done(compute, {
          inputs: { input, state },
          steps: [
            {
              kind: "deduplicate",
              name: "kept",
              input: "input",
              state: "state",
              schema: schemaOf(schema),
              keys: ["key"],
              eventTime: "at",
              delayMs: 10_000,
              order: ["position"],
            },
          ],
          collects: [{ name: "rows", plan: sorted(scan("kept", input.schema), "position"), rowsMax: 10 }],
        });
        expect(collected["rows"]?.map((row) => row["position"])).toEqual([1n, 3n, 4n]);
      });

      test("that gives more rows than asked for is refused", async () => {
        const collects = [{ name: "rows", plan: scan("ids", idSchema), rowsMax: 5 }];
        await expect(compute.run(jobOf({ inputs: { ids: ids(6) }, collects }))).rejects.toMatchObject({
          code: "LIMIT_EXCEEDED",
        });
      });

      test("reads nothing but what it names", async () => {
        await expect(rowsOf(compute, {}, scan("ids", idSchema))).rejects.toMatchObject({
          code: "COMPUTE_FAILED",
          message: expect.stringContaining("ids"),
        });
      });

      test("does not see another's names, not even one that runs beside it", async () => {
        const one = rowsOf(compute, { same: ids(3) }, scan("same", idSchema));
        const two = rowsOf(compute, { same: ids(7) }, scan("same", idSchema));
        expect([(await one).length, (await two).length]).toEqual([3, 7]);
      });
    });

    describe("a job that fails leaves no file behind", () => {
      const failing = project(scan("ids", idSchema), {
        id: { kind: "cast", mode: "ansi", input: column("day"), to: types.long },
      });

      test("where a later write fails", async () => {
        const path = fresh();
        const writes = [
          write(path, scan("ids", idSchema), idSchema, ["day"]),
          { ...write(path, failing, schemaOf({ id: types.long })), name: "second" },
        ];
        await expect(compute.run(jobOf({ inputs: { ids: ids(9) }, writes }))).rejects.toMatchObject({
          code: "DATA_ERROR",
        });
        expect(await pathsIn(path)).toEqual([]);
      });

      test("where the answer to an upload is lost", async () => {
        const path = fresh();
        const lost = new FaultyStore(store, {
          random: seededRandom(1),
          rates: { lostAnswer: 1 },
          only: ({ name: operation }) => operation === "uploadFile",
        });
        const target = { ...write(path, scan("ids", idSchema), idSchema).target, store: lost };
        await expect(
          compute.run(
            jobOf({ inputs: { ids: ids(9) }, writes: [{ name: "out", plan: scan("ids", idSchema), target }] }),
          ),
        ).rejects.toMatchObject({
          code: "STORAGE_UNAVAILABLE",
        });
        expect(await pathsIn(path)).toEqual([]);
      });

      test("where it is abandoned between its files, and the next job runs", async () => {
        const path = fresh();
        const stop = new AbortController();
        const stopping = new FaultyStore(store, {
          random: seededRandom(1),
          before: ({ name: operation }) => void (operation === "uploadFile" && stop.abort()),
        });
        const target = { ...write(path, scan("ids", idSchema), idSchema, ["day"]).target, store: stopping };
        await expect(
          compute.run(
            jobOf({
              inputs: { ids: ids(9) },
              writes: [{ name: "out", plan: scan("ids", idSchema), target }],
              signal: stop.signal,
            }),
          ),
        ).rejects.toMatchObject({ code: "BATCH_ABANDONED", kind: "unavailable" });
        expect(await pathsIn(path)).toEqual([]);
        expect(await rowsOf(compute, { ids: ids(1) }, scan("ids", idSchema))).toHaveLength(1);
      });
    });

    describe("a job that is abandoned", () => {
      test("before it begins does nothing", async () => {
        const running = compute.run(jobOf({ inputs: { ids: ids(1) }, signal: AbortSignal.abort() }));
        await expect(running).rejects.toMatchObject({ code: "BATCH_ABANDONED" });
      });

      test("ends while it computes, and says so whatever the reason of the signal was", async () => {
        const stop = new AbortController();
        const store404 = Object.assign(Object.create(store) as ObjectStore, {
          downloadFile: async () => {
            stop.abort(new DyneError("INVALID_ARGUMENT", "a reason of the caller"));
            return true;
          },
        });
        const set = {
          ...fileSet("lake/x", idSchema, []),
          store: store404,
          files: [{ path: "lake/x/1.parquet", sizeBytes: 1, partitionValues: {} }],
        };
        await expect(compute.run(jobOf({ inputs: { set }, signal: stop.signal, collects: [] }))).rejects.toMatchObject({
          code: "BATCH_ABANDONED",
        });
      });
    });
  });
}

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Compute } from "../../../../shared/compute/index.ts";
import { isDyneError, limits, seededRandom } from "../../../../shared/core/index.ts";
import { mayContain, type Snapshot, type StatsValue } from "../../../../shared/delta/index.ts";
import {
  optimize,
  type OptimizeOptions,
  type RewriteResult,
  type TableSession,
} from "../../../../shared/table/index.ts";
import { openCompute, schemaOf, type ComputeUnderTest } from "../../../support/compute-under-test.ts";
import { filesOf, KeptTable } from "../../../support/kept-table.ts";

const types = { id: { kind: "long" }, day: { kind: "date" }, text: { kind: "string" } } as const;

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(() => under[Symbol.asyncDispose]());

/** A table by day with so many files of one row each on both days. */
async function smallFiles(count: number, options: { configuration?: Record<string, string> } = {}): Promise<KeptTable> {
  const kept = await KeptTable.create(under.compute, { types, partitionBy: ["day"], ...options });
  for (let i = 0; i < count; i++) {
    kept.clock.advance(1_000);
    await kept.append({ id: [BigInt(i), BigInt(-i)], day: [1, 2], text: [`a${i}`, null] });
  }
  return kept;
}

function committed(result: RewriteResult) {
  if (result.kind !== "committed") throw new Error(`the result is ${result.kind}`);
  return result;
}

describe("small files", () => {
  test("become one file per partition with the same rows, which no reader of changes sees", async () => {
    const kept = await smallFiles(4);
    const before = await kept.rows();
    const result = committed(await optimize(kept));
    expect(result.metrics).toMatchObject({ filesAdded: 2, filesRemoved: 8, partitions: 2, bins: 2, rows: 8 });
    expect(await kept.rows()).toEqual(before);
    const snapshot = await kept.table.latest();
    expect(filesOf(snapshot).map(({ partitionValues }) => partitionValues)).toEqual([
      { day: "1970-01-02" },
      { day: "1970-01-03" },
    ]);
    expect(filesOf(snapshot).every(({ path }) => /^day=1970-01-0[23]\/part-/.test(path))).toBe(true);
    const [commit] = await kept.table.changes(result.version - 1, result.version);
    expect([...commit!.adds, ...commit!.removes].every(({ dataChange }) => !dataChange)).toBe(true);
    expect(commit!.commitInfo).toMatchObject({
      operation: "OPTIMIZE",
      operationParameters: { predicate: "[]", zOrderBy: "[]" },
      operationMetrics: { numAddedFiles: "2", numRemovedFiles: "8" },
    });
  });

  test("that are one already stay, and nothing is committed", async () => {
    const kept = await smallFiles(4);
    const { version } = committed(await optimize(kept));
    expect(await optimize(kept)).toEqual({ kind: "unchanged", version });
    expect((await kept.table.latest()).version).toBe(version);
  });

  test("are left alone where they are fewer than asked for", async () => {
    const kept = await smallFiles(3);
    expect(await optimize(kept, { smallFilesMin: 4 })).toMatchObject({ kind: "unchanged" });
    expect(committed(await optimize(kept, { smallFilesMin: 3 })).metrics.filesRemoved).toBe(6);
  });

  test("are not begun with when the time is up, and what is written by then is committed, one bin at least", async () => {
    const kept = await smallFiles(3);
    const before = await kept.rows();
    const untilMs = kept.clock.nowMs() + 1_000;
    const onProgress = () => kept.clock.advance(1_000);
    expect(committed(await optimize(kept, { untilMs, onProgress })).metrics).toMatchObject({
      bins: 1,
      filesRemoved: 3,
    });
    expect(committed(await optimize(kept, { untilMs })).metrics).toMatchObject({ bins: 1, filesRemoved: 3 });
    expect(await optimize(kept, { untilMs })).toMatchObject({ kind: "unchanged" });
    expect(await kept.rows()).toEqual(before);
  });

  test("keep the order in which they were written", async () => {
    const kept = await smallFiles(5);
    await optimize(kept);
    const snapshot = await kept.table.latest();
    const plan = { kind: "scan", source: "f", schema: snapshot.schema, streaming: false } as const;
    const [first] = filesOf(snapshot);
    const result = await under.compute.run({
      name: "order",
      inputs: { f: kept.table.fileSet(snapshot, [first!]) },
      steps: [],
      writes: [],
      collects: [{ name: "rows", plan, rowsMax: 10 }],
      parameters: {},
    });
    expect(result.kind === "done" && result.collected["rows"]!.map(({ id }) => id)).toEqual([0n, 1n, 2n, 3n, 4n]);
  });

  test("are filled up to the target, of the call or of the table, and large ones stay as they are", async () => {
    const kept = await smallFiles(6);
    const [file] = filesOf(await kept.table.latest());
    const target = 2.5 * file!.size;
    committed(await optimize(kept, { targetBytes: Math.ceil(target) }));
    expect((await kept.table.latest()).files.size).toBe(6);
    const other = await smallFiles(6, { configuration: { "delta.targetFileSize": `${Math.ceil(target)}b` } });
    committed(await optimize(other));
    expect((await other.table.latest()).files.size).toBe(6);
    expect(await optimize(other, { targetBytes: 100 })).toMatchObject({ kind: "unchanged" });
  });

  test("of different lanes or jobs are never mixed, and the new ones say whose they are", async () => {
    const kept = await KeptTable.create(under.compute, { types });
    const row = { id: [1n], day: [1], text: ["a"] };
    const owners = [{ lane: "0" }, { lane: "1" }, { lane: "0", job: "j" }, undefined];
    for (const tags of [...owners, ...owners]) await kept.append(row, tags && { ...tags, noted: "by somebody" });
    expect(committed(await optimize(kept)).metrics).toMatchObject({ bins: 4, filesAdded: 4, partitions: 1 });
    const tags = [...(await kept.table.latest()).files].map((file) => JSON.stringify(file.tags ?? null));
    expect(tags.sort()).toEqual(owners.map((each) => JSON.stringify(each ?? null)).sort());
  });

  test("of partitions that are not asked for stay", async () => {
    const kept = await smallFiles(3);
    const where = [{ kind: "lt", column: "day", value: "1970-01-03" }] as const;
    expect(committed(await optimize(kept, { where })).metrics).toMatchObject({ partitions: 1, filesRemoved: 3 });
    expect((await kept.table.latest()).files.size).toBe(4);
  });
});

describe("what does not fit a table is refused:", () => {
  const refused: readonly (readonly [string, OptimizeOptions, string])[] = [
    ["a condition on an unknown column", { where: [{ kind: "isnull", column: "no" }] }, "UNKNOWN_COLUMN"],
    ["a condition on a column of the files", { where: [{ kind: "isnull", column: "id" }] }, "INVALID_ARGUMENT"],
    ["a target of no size", { targetBytes: 0 }, "INVALID_ARGUMENT"],
    ["no small file as enough", { smallFilesMin: 0 }, "INVALID_ARGUMENT"],
    ["an order by an unknown column", { zOrderBy: ["no"] }, "UNKNOWN_COLUMN"],
    ["an order by a partition column", { zOrderBy: ["day"] }, "INVALID_ARGUMENT"],
    ["an order by a column twice", { zOrderBy: ["id", "id"] }, "INVALID_ARGUMENT"],
  ];
  test.each(refused)("%s", async (_, options, code) => {
    const kept = await smallFiles(2);
    const failed = await optimize(kept, options).catch((error: unknown) => error);
    expect(isDyneError(failed) && failed.code).toBe(code);
    expect((await kept.table.latest()).version).toBe(2);
  });
});

/** The table's session, in which something happens after each job was run and before its files are committed. */
function during(kept: KeptTable, act: (job: number) => Promise<unknown>): TableSession {
  let job = 0;
  const run: Compute["run"] = async (work) => {
    const result = await under.compute.run(work);
    await act(++job);
    return result;
  };
  return { table: kept.table, compute: { run, close: async () => undefined } };
}

describe("while others write,", () => {
  test("appends go through, and their rows stay", async () => {
    const kept = await smallFiles(3);
    const other = kept.another();
    const appends = during(kept, () => kept.append({ id: [77n], day: [1], text: ["new"] }, undefined, other));
    const result = committed(await optimize(appends));
    expect(result.metrics).toMatchObject({ filesAdded: 2, filesRemoved: 6 });
    expect((await kept.rows()).filter((row) => row.includes("77"))).toHaveLength(2);
    expect((await kept.table.latest()).files.size).toBe(4);
  });

  test("a file that another removes makes only its own bin fall out, which is chosen anew", async () => {
    const kept = await smallFiles(3);
    const other = kept.another();
    const removes = during(kept, async (job) => {
      if (job === 2) await kept.drop(filesOf(await other.latest()).slice(0, 1), other);
    });
    const result = committed(await optimize(removes));
    expect(result.metrics).toMatchObject({ filesAdded: 2, filesRemoved: 5, bins: 2 });
    expect(await kept.rows()).toHaveLength(5);
    expect(await kept.objects()).toHaveLength(6 + 2);
    const operations = (await kept.table.changes(3, result.version)).map(({ commitInfo }) => commitInfo?.operation);
    expect(operations).toEqual(["WRITE", "OPTIMIZE", "OPTIMIZE"]);
  });

  test("a change of columns makes all fall out, and the files are written with the new ones", async () => {
    const kept = await smallFiles(3);
    const other = kept.another();
    const changes = during(kept, async (job) => {
      if (job === 1) await other.addColumns(schemaOf({ ...types, more: { kind: "long" } }));
    });
    expect(committed(await optimize(changes)).metrics).toMatchObject({ filesAdded: 2, filesRemoved: 6 });
    expect((await kept.rows()).every((row) => row.endsWith('"more":null}'))).toBe(true);
    expect(await kept.objects()).toHaveLength(6 + 2);
  });

  test("files that keep being changed end in a conflict after some rounds, and nothing new is left of them", async () => {
    const kept = await KeptTable.create(under.compute, { types });
    for (let i = 0; i < 12; i++) await kept.append({ id: [BigInt(i)], day: [1], text: ["a"] });
    const other = kept.another();
    const removes = during(kept, async () => kept.drop(filesOf(await other.latest()).slice(0, 1), other));
    expect(await optimize(removes)).toMatchObject({ kind: "conflict", reason: "file-removed", metrics: { bins: 0 } });
    expect(await kept.rows()).toHaveLength(12 - limits.optimizeRoundsMax);
    expect(await kept.objects()).toHaveLength(12);
  });

  test("two who optimize at once leave every row once", async () => {
    const kept = await smallFiles(6);
    const before = await kept.rows();
    const other = { table: kept.another(), compute: under.compute };
    const results = await Promise.all([optimize(kept), optimize(other)]);
    expect(results.map(({ kind }) => kind)).toContain("committed");
    expect(await kept.rows()).toEqual(before);
    expect((await kept.table.latest()).files.size).toBe(2);
  });
});

describe("Z-order", () => {
  const points = { x: { kind: "integer" }, y: { kind: "double" }, name: { kind: "string" } } as const;

  /** So many points at random, in files by the time of writing. */
  async function scattered(files: number, rowsPerFile: number): Promise<KeptTable> {
    const kept = await KeptTable.create(under.compute, { types: points });
    const random = seededRandom(7);
    for (let i = 0; i < files; i++) {
      const rows = Array.from({ length: rowsPerFile }, () => [random.next(), random.next()] as const);
      await kept.append({
        x: rows.map(([x], at) => (at === 0 ? null : Math.floor(x * 10_000))),
        y: rows.map(([, y], at) => (at === 1 ? NaN : y)),
        name: rows.map(([x]) => `name ${Math.floor(x * 100)}`),
      });
    }
    return kept;
  }

  const skipped = (snapshot: Snapshot, column: string, value: StatsValue): number =>
    filesOf(snapshot).filter((file) => !mayContain(snapshot, file, column, { min: value, max: value })).length;

  test("lets files be skipped by each of its columns, and keeps the rows", async () => {
    const kept = await scattered(16, 2_000);
    const rows = await kept.rows();
    const before = await kept.table.latest();
    expect([skipped(before, "x", 5_000n), skipped(before, "y", 0.5)]).toEqual([0, 0]);
    const bytes = filesOf(before).reduce((sum, { size }) => sum + size, 0);
    const result = committed(await optimize(kept, { zOrderBy: ["x", "y"], targetBytes: Math.ceil(bytes / 16) }));
    const after = await kept.table.latest();
    expect(result.metrics).toMatchObject({ filesRemoved: 16, rows: 32_000 });
    expect(after.files.size).toBe(16);
    // A square cut into sixteen has four of them beside each line; those with a NaN or at an edge may be read too.
    expect(skipped(after, "x", 5_003n)).toBeGreaterThanOrEqual(10);
    expect(skipped(after, "y", 0.4)).toBeGreaterThanOrEqual(6);
    expect(await kept.rows()).toEqual(rows);
  });

  test("orders by one column, by texts with NULLs, and cuts no two rows apart that are alike", async () => {
    const kept = await KeptTable.create(under.compute, { types: points });
    const names = Array.from({ length: 3_000 }, (_, i) => (i % 7 === 0 ? null : `n${i % 3}`));
    await kept.append({ x: names.map((_, i) => i), y: names.map(() => 0), name: names });
    const rows = await kept.rows();
    const size = filesOf(await kept.table.latest())[0]!.size;
    committed(await optimize(kept, { zOrderBy: ["name"], targetBytes: Math.ceil(size / 8) }));
    const after = await kept.table.latest();
    expect(after.files.size).toBe(4);
    expect(["n0", "n1", "n2"].map((name) => skipped(after, "name", name))).toEqual([3, 3, 3]);
    expect(await kept.rows()).toEqual(rows);
  });

  test("orders what is too much for once in parts, each in commits of its own bins", async () => {
    const kept = await scattered(6, 500);
    const rows = await kept.rows();
    const size = Math.max(...filesOf(await kept.table.latest()).map((file) => file.size));
    const result = committed(await optimize(kept, { zOrderBy: ["x", "y", "name"], sortBytes: 2 * size }));
    expect(result.metrics).toMatchObject({ bins: 3, filesAdded: 3, filesRemoved: 6 });
    expect(await kept.rows()).toEqual(rows);
  });

  test.each(["timestamp", "timestamp_ntz", "date", "long", "float", "decimal"] as const)(
    "orders by a %s",
    async (kind) => {
      const type = kind === "decimal" ? ({ kind, precision: 10, scale: 2 } as const) : ({ kind } as const);
      const kept = await KeptTable.create(under.compute, { types: { v: type } });
      const values = Array.from({ length: 100 }, (_, i) => {
        const at = (i * 37) % 100;
        if (kind === "decimal") return `${at}.25`;
        return kind === "date" || kind === "float" ? at : BigInt(at);
      });
      await kept.append({ v: values });
      const rows = await kept.rows();
      const size = filesOf(await kept.table.latest())[0]!.size;
      committed(await optimize(kept, { zOrderBy: ["v"], targetBytes: Math.ceil(size / 4) }));
      expect((await kept.table.latest()).files.size).toBe(4);
      expect(await kept.rows()).toEqual(rows);
    },
  );
});

import { mkdir } from "node:fs/promises";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterEach, describe, expect, test, vi } from "vitest";
import { instanceOptions, type DuckDbCompute } from "../../../shared/compute/duckdb/duckdb-compute.ts";
import type { ComputeJob, RowSet } from "../../../shared/compute/index.ts";
import type { Expression, LogicalPlan, Schema } from "../../../shared/plan/index.ts";
import type { ObjectStore } from "../../../shared/storage/index.ts";
import {
  done,
  jobOf,
  openCompute,
  rowSet,
  rowsOf,
  scan,
  schemaOf,
  type ComputeUnderTest,
} from "../../support/compute-under-test.ts";

const schema: Schema = schemaOf({ id: { kind: "long" }, text: { kind: "string" } });
const column = (name: string): Expression => ({ kind: "column", name });
const rows = (count: number, text = "x"): RowSet =>
  rowSet(
    { id: { kind: "long" }, text: { kind: "string" } },
    {
      id: Array.from({ length: count }, (_, n) => BigInt(n)),
      text: Array.from({ length: count }, (_, n) => `${text}${n}`),
    },
  );

let under: ComputeUnderTest | undefined;
afterEach(async () => {
  await under?.[Symbol.asyncDispose]();
  under = undefined;
});

describe("the instance", () => {
  test("has the memory, threads and folder of its settings, and never fetches an extension", async () => {
    const settings = { directory: "out/of/the/way", memoryLimitMb: 123, threads: 3, cacheBytes: 1 };
    const instance = await DuckDBInstance.create(":memory:", instanceOptions(settings));
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll("SELECT name, value FROM duckdb_settings()");
    const values = new Map(reader.getRowObjectsJson().map((row) => [row["name"], row["value"]]));
    const asked = [
      "memory_limit",
      "threads",
      "temp_directory",
      "autoinstall_known_extensions",
      "autoload_known_extensions",
      "allow_community_extensions",
      "preserve_insertion_order",
    ];
    expect(Object.fromEntries(asked.map((name) => [name, values.get(name)]))).toEqual({
      memory_limit: "117.3 MiB",
      threads: "3",
      temp_directory: "out/of/the/way/spill",
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
      allow_community_extensions: "false",
      preserve_insertion_order: "true",
    });
    await expect(connection.run("SELECT * FROM read_csv('https://127.0.0.1:1/x.csv')")).rejects.toThrow(/httpfs/);
    connection.closeSync();
    instance.closeSync();
  });

  test("tells times in UTC whatever the machine's zone is", async () => {
    under = await openCompute();
    const times = rowSet({ at: { kind: "timestamp" } }, { at: [0n] });
    const plan: LogicalPlan = {
      kind: "project",
      input: scan("times", times.schema),
      columns: [
        { name: "text", expression: { kind: "cast", mode: "ansi", input: column("at"), to: { kind: "string" } } },
      ],
    };
    expect(await rowsOf(under.compute, { times }, plan)).toEqual([{ text: "1970-01-01 00:00:00" }]);
  });
});

test("a plan beyond the memory is an error of its own, after which the next job runs", async () => {
  under = await openCompute({ memoryLimitMb: 24, threads: 1 });
  const big = rows(20_000, "a long text that fills the memory ".repeat(60));
  const all: LogicalPlan = {
    kind: "aggregate",
    input: scan("big", schema),
    groupBy: [],
    aggregates: [
      {
        name: "all",
        expression: {
          kind: "aggregate",
          name: "collect_list",
          args: [column("text")],
          distinct: false,
          filter: undefined,
        },
      },
    ],
  };
  const running = rowsOf(under.compute, { big }, all).then(() => "it fitted");
  await expect(running).rejects.toMatchObject({
    code: "OUT_OF_MEMORY",
    kind: "unavailable",
  });
  expect(await rowsOf(under.compute, { few: rows(2) }, scan("few", schema))).toHaveLength(2);
});

describe("jobs", () => {
  const write = (store: ObjectStore, plan: LogicalPlan, partitionBy: readonly string[] = []): ComputeJob["writes"] => [
    { name: "out", plan, target: { store, path: "lake/t", schema, partitionBy, sortBy: [] } },
  ];

  test("run one at a time, in the order in which they were given", async () => {
    under = await openCompute();
    const { store } = under;
    const events: string[] = [];
    const watched = (name: string) =>
      Object.assign(Object.create(store) as ObjectStore, {
        uploadFile: async (path: string, local: string) => {
          events.push(`${name} begins`);
          await new Promise((resolve) => setImmediate(resolve));
          events.push(`${name} ends`);
          return store.uploadFile(path, local);
        },
      });
    const { compute } = under;
    await Promise.all(
      ["a", "b", "c"].map((name) =>
        compute.run(jobOf({ inputs: { rows: rows(3) }, writes: write(watched(name), scan("rows", schema)) })),
      ),
    );
    expect(events).toEqual(["a", "b", "c"].flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  test("that wait for others end at once when it is their turn and they were abandoned meanwhile", async () => {
    under = await openCompute();
    const stop = new AbortController();
    const first = under.compute.run(jobOf({ inputs: { rows: rows(10) } }));
    const second = under.compute.run(jobOf({ inputs: { rows: rows(10) }, signal: stop.signal }));
    stop.abort();
    await expect(second).rejects.toMatchObject({ code: "BATCH_ABANDONED" });
    expect((await first).kind).toBe("done");
  });

  test("before a checkpoint that nobody waits for any more are not waited for", async () => {
    under = await openCompute();
    const { compute, store } = under;
    const [begun, written] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = Object.assign(Object.create(store) as ObjectStore, {
      uploadFile: async (path: string, local: string) => {
        begun.resolve();
        await written.promise;
        return store.uploadFile(path, local);
      },
    });
    const job = compute.run(jobOf({ inputs: { rows: rows(3) }, writes: write(slow, scan("rows", schema)) }));
    await begun.promise;
    const stop = new AbortController();
    const download = vi.spyOn(store, "downloadFile");
    const { checkpoints } = compute as DuckDbCompute;
    const reading = Array.fromAsync(checkpoints.read(store, "lake/c.parquet", ["add"], stop.signal));
    stop.abort();
    await expect(reading).rejects.toMatchObject({ name: "AbortError" });
    written.resolve();
    expect((await job).kind).toBe("done");
    await compute.run(jobOf({ inputs: { rows: rows(1) } }));
    expect(download).not.toHaveBeenCalled();
  });

  test("that are abandoned while a query runs are interrupted", async () => {
    under = await openCompute();
    const stop = new AbortController();
    const ids = rowSet({ id: { kind: "long" } }, { id: Array.from({ length: 4_000 }, () => 1n) });
    const side = (name: string): LogicalPlan => ({
      kind: "project",
      input: scan("ids", ids.schema),
      columns: [
        { name, expression: column("id") },
        { name: `${name}_key`, expression: column("id") },
      ],
    });
    // 4,000 × 4,000 × 4,000 pairs of equal keys: it would run for minutes.
    const join = (left: LogicalPlan, right: LogicalPlan, on: { left: string; right: string }): LogicalPlan => ({
      kind: "join",
      type: "inner",
      left,
      right,
      on: [on],
      dropRight: [],
    });
    const endless = join(join(side("a"), side("b"), { left: "a", right: "b" }), side("c"), { left: "a", right: "c" });
    const counted: LogicalPlan = {
      kind: "aggregate",
      input: endless,
      groupBy: [],
      aggregates: [
        {
          name: "n",
          expression: { kind: "aggregate", name: "sum", args: [column("c_key")], distinct: false, filter: undefined },
        },
      ],
    };
    const running = under.compute.run(
      jobOf({ inputs: { ids }, collects: [{ name: "n", plan: counted, rowsMax: 1 }], signal: stop.signal }),
    );
    const abort = setTimeout(() => stop.abort(), 300);
    await expect(running).rejects.toMatchObject({ code: "BATCH_ABANDONED" });
    clearTimeout(abort);
  });

  test("leave nothing on the disk but cached files, after success and after failure", async () => {
    under = await openCompute();
    const { compute, store } = under;
    await done(compute, { inputs: { rows: rows(10) }, writes: write(store, scan("rows", schema), ["text"]) });
    expect((await under.localFiles()).filter((path) => !path.startsWith("cache/"))).toEqual([]);
    const failing: LogicalPlan = {
      kind: "project",
      input: scan("rows", schema),
      columns: [
        { name: "id", expression: { kind: "cast", mode: "ansi", input: column("text"), to: { kind: "long" } } },
        { name: "text", expression: column("text") },
      ],
    };
    await expect(
      compute.run(jobOf({ inputs: { rows: rows(10) }, writes: write(store, failing) })),
    ).rejects.toMatchObject({ code: "DATA_ERROR" });
    expect((await under.localFiles()).filter((path) => !path.startsWith("cache/"))).toEqual([]);
  });

  test("read what the instance wrote from its own disk", async () => {
    under = await openCompute();
    const { store } = under;
    const { written } = await done(under.compute, {
      inputs: { rows: rows(10) },
      writes: write(store, scan("rows", schema)),
    });
    const unreachable = Object.assign(store, {
      downloadFile: () => Promise.reject(new Error("no download is needed")),
    });
    const files = (written["out"] ?? []).map((file) => ({ ...file, path: `lake/t/${file.path}` }));
    const set = { kind: "files" as const, store: unreachable, schema, partitionBy: [], files };
    expect(await rowsOf(under.compute, { set }, scan("set", schema))).toHaveLength(10);
  });

  test("hold their files while they run, and let the cache drop them after, also where they fail", async () => {
    under = await openCompute({ cacheBytes: 1 });
    const { store } = under;
    const { written } = await done(under.compute, {
      inputs: { rows: rows(10) },
      writes: write(store, scan("rows", schema)),
    });
    const path = `lake/t/${written["out"]?.[0]?.path}`;
    const bytes = await store.get(path);
    const files = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        await store.put(`lake/t/copy-${n}`, bytes?.bytes ?? new Uint8Array());
        return { path: `lake/t/copy-${n}`, sizeBytes: 1, partitionValues: {} };
      }),
    );
    const set = { kind: "files" as const, store, schema, partitionBy: [], files };
    expect(await rowsOf(under.compute, { set }, scan("set", schema))).toHaveLength(200);
    expect(await under.localFiles()).toEqual([]);
    const missing = {
      ...set,
      files: [...files.slice(0, 3), { path: "lake/t/gone", sizeBytes: 1, partitionValues: {} }, ...files.slice(3)],
    };
    await expect(rowsOf(under.compute, { set: missing }, scan("set", schema))).rejects.toMatchObject({
      code: "FILE_MISSING",
    });
    expect(await under.localFiles()).toEqual([]);
  });

  test("end before the instance closes, which leaves an empty disk", async () => {
    const own = await openCompute();
    const running = own.compute.run(
      jobOf({ inputs: { rows: rows(1_000) }, writes: write(own.store, scan("rows", schema)) }),
    );
    await own.compute.close();
    expect((await running).kind).toBe("done");
    expect(await own.localFiles()).toEqual([]);
    await mkdir(own.folder, { recursive: true });
  });
});

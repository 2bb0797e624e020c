/** The shape of a checkpoint's Parquet, which others read, and what is read of theirs. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DuckDbCompute } from "../../../shared/compute/index.ts";
import type { Action } from "../../../shared/delta/index.ts";
import { done, openCompute, rowSet, type ComputeUnderTest } from "../../support/compute-under-test.ts";

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(async () => {
  await under[Symbol.asyncDispose]();
});

const checkpoints = () => (under.compute as DuckDbCompute).checkpoints;

async function query(sql: string): Promise<readonly (readonly unknown[])[]> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const actions: readonly Action[] = [
  { protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ["timestampNtz"], writerFeatures: [] } },
  {
    metaData: {
      id: "i",
      format: { provider: "parquet", options: {} },
      schemaString: '{"type":"struct","fields":[]}',
      partitionColumns: [],
      configuration: { 'a "quoted" key': "" },
    },
  },
  { txn: { appId: "a/b", version: 2 ** 52 } },
  {
    add: {
      path: "täg=%2525/part \u0000 \n.parquet",
      partitionValues: { day: null, täg: "" },
      size: 2 ** 40,
      modificationTime: 1,
      dataChange: false,
      stats: '{"minValues":{"n":12345678901234567890.5,"t":"\\u0000\\ud800"}}',
      tags: { lane: null },
    },
  },
  { remove: { path: "gone", dataChange: false, deletionTimestamp: 5 } },
  { domainMetadata: { domain: "d", configuration: "{}", removed: false } },
];

describe("a checkpoint's Parquet", () => {
  test("has lists of three levels, maps of key_value, and longs of 64 bits", async () => {
    await checkpoints().write(under.store, "lake/c.parquet", actions);
    const file = join(under.folder, "c.parquet");
    await under.store.downloadFile("lake/c.parquet", file);
    const fields = await query(
      `SELECT name, type, converted_type, repetition_type FROM parquet_schema('${file}') ORDER BY column_id, name`,
    );
    const ofName = (name: string) =>
      new Set(fields.filter(([field]) => field === name).map((field) => field.join(" ")));
    expect(ofName("partitionValues").size).toBe(1);
    expect([...ofName("partitionValues")][0]).toContain("MAP OPTIONAL");
    expect([...ofName("key_value")]).toEqual([expect.stringMatching(/^key_value .*REPEATED$/)]);
    expect([...ofName("key")]).toEqual(["key BYTE_ARRAY UTF8 REQUIRED"]);
    expect([...ofName("value")]).toEqual(["value BYTE_ARRAY UTF8 OPTIONAL"]);
    expect([...ofName("partitionColumns")][0]).toContain("LIST OPTIONAL");
    expect([...ofName("list")]).toEqual([expect.stringMatching(/^list .*REPEATED$/)]);
    expect([...ofName("element")]).toEqual(["element BYTE_ARRAY UTF8 OPTIONAL"]);
    for (const name of ["size", "modificationTime", "deletionTimestamp", "createdTime", "lastUpdated", "version"])
      expect([...ofName(name)], name).toEqual([`${name} INT64 INT_64 OPTIONAL`]);
    expect([...ofName("minReaderVersion")]).toEqual(["minReaderVersion INT32 INT_32 OPTIONAL"]);
    expect([...ofName("dataChange")]).toEqual([expect.stringMatching(/^dataChange BOOLEAN/)]);
  });

  test("gives every action back as it was, absent fields as null", async () => {
    await checkpoints().write(under.store, "lake/c.parquet", actions);
    const rows = await Array.fromAsync(checkpoints().read(under.store, "lake/c.parquet"));
    expect(rows).toHaveLength(actions.length);
    for (const [index, row] of rows.entries()) expect(row).toMatchObject(actions[index]!);
    expect(rows[4]).toEqual({
      remove: {
        ...(actions[4] as { remove: object }).remove,
        extendedFileMetadata: null,
        partitionValues: null,
        size: null,
        deletionVector: null,
        baseRowId: null,
        defaultRowCommitVersion: null,
      },
    });
  });

  test("is read without what other writers put beside the known fields", async () => {
    const file = join(under.folder, "foreign.parquet");
    await query(
      `COPY (SELECT {'path': 'a', 'size': 1, 'stats_parsed': {'minValues': {'x': 'nan'::DOUBLE}}} AS add, NULL::STRUCT(path VARCHAR) AS remove,
                    {'version': 1} AS checkpointMetadata, 7 AS number
             UNION ALL SELECT NULL, NULL, {'version': 1}, 7) TO '${file}' (FORMAT parquet)`,
    );
    await under.store.uploadFile("lake/foreign.parquet", file);
    expect(await Array.fromAsync(checkpoints().read(under.store, "lake/foreign.parquet"))).toEqual([
      { add: { path: "a", size: 1 } },
    ]);
  });

  test.each([
    ["text", "not Parquet"],
    ["nothing at all", ""],
  ])("that is %s is corrupt", async (_what, text) => {
    const file = join(under.folder, "broken.parquet");
    await writeFile(file, text);
    await under.store.uploadFile("lake/broken.parquet", file);
    await expect(Array.fromAsync(checkpoints().read(under.store, "lake/broken.parquet"))).rejects.toMatchObject({
      code: "LOG_CORRUPT",
    });
  });
});

test("checkpoints wait for the jobs before them, and leave nothing on the disk", async () => {
  const ended: string[] = [];
  const rows = rowSet({ n: { kind: "long" } }, { n: [1n] });
  const scan = { kind: "scan", source: "rows", schema: rows.schema, streaming: false } as const;
  await Promise.all([
    done(under.compute, { inputs: { rows }, collects: [{ name: "n", plan: scan, rowsMax: 1 }] }).then(() =>
      ended.push("job"),
    ),
    checkpoints()
      .write(under.store, "lake/c.parquet", actions)
      .then(() => ended.push("checkpoint")),
  ]);
  expect(ended).toEqual(["job", "checkpoint"]);
  expect((await under.localFiles()).filter((path) => path.startsWith("out"))).toEqual([]);
});

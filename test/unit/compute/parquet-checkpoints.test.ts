/** The shape of a checkpoint's Parquet, which others read, and what is read of theirs. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DuckDbCompute } from "../../../shared/compute/index.ts";
import type { Action, CheckpointColumn } from "../../../shared/delta/index.ts";
import { done, openCompute, rowSet, type ComputeUnderTest } from "../../support/compute-under-test.ts";

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(async () => {
  await under[Symbol.asyncDispose]();
});

const checkpoints = () => (under.compute as DuckDbCompute).checkpoints;

const everyColumn = [
  "protocol",
  "metaData",
  "txn",
  "add",
  "remove",
  "domainMetadata",
  "sidecar",
  "checkpointMetadata",
] as const;

async function rowsOf(path: string, wanted: readonly CheckpointColumn[] = everyColumn) {
  return (await Array.fromAsync(checkpoints().read(under.store, path, wanted))).flat();
}

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

  test("gives every action back as it was, absent fields as null or not at all", async () => {
    await checkpoints().write(under.store, "lake/c.parquet", actions);
    const rows = await rowsOf("lake/c.parquet");
    expect(rows).toHaveLength(actions.length);
    for (const action of actions) {
      const [kind] = Object.keys(action);
      expect(rows.find((row) => kind! in row)).toMatchObject(action);
    }
    expect(rows.find((row) => "remove" in row)).toEqual(actions[4]);
  });

  test("gives only the kinds of actions that are wanted", async () => {
    await checkpoints().write(under.store, "lake/c.parquet", actions);
    const kinds = async (...wanted: readonly CheckpointColumn[]) =>
      (await rowsOf("lake/c.parquet", wanted)).flatMap((row) => Object.keys(row)).sort();
    expect(await kinds("add")).toEqual(["add"]);
    expect(await kinds("remove", "txn")).toEqual(["remove", "txn"]);
    expect(await kinds()).toEqual([]);
  });

  test("of many thousand files keeps each field with its file, also where values have the characters that part them", async () => {
    const files = Array.from({ length: 25_000 }, (_, i) => ({
      path: i % 9_999 === 5 ? `a\u001eb${i}` : `p${i}`,
      partitionValues: { day: `2001-01-0${i % 9}` },
      size: i,
      modificationTime: i + 0.0,
      dataChange: i % 2 === 0,
      ...(i % 3 === 0 && { stats: `{"numRecords":${i},"s":"\u0002"}` }),
      ...(i % 5 === 0 && {
        deletionVector: {
          storageType: "u" as const,
          pathOrInlineDv: `ab${i}`,
          offset: 1,
          sizeInBytes: 2,
          cardinality: i,
        },
      }),
    }));
    await checkpoints().write(
      under.store,
      "lake/many.parquet",
      files.map((add) => ({ add })),
    );
    const rows = await rowsOf("lake/many.parquet");
    const byPath = new Map(rows.map(({ add }) => [(add as { path: string }).path, add]));
    expect(byPath.size).toBe(files.length);
    for (const file of files) expect(byPath.get(file.path)).toEqual(file);
  });

  test("of other writers is read without what they put beside the known fields", async () => {
    await foreign(`SELECT {'path': 'a', 'size': 1, 'colour': 'blue'} AS add, NULL::STRUCT(path VARCHAR) AS remove, 7 AS number
                   UNION ALL SELECT NULL, NULL, 7`);
    expect(await rowsOf("lake/foreign.parquet")).toEqual([{ add: { path: "a", size: 1 } }]);
  });

  test("of other writers that has a column of an action in another form is corrupt", async () => {
    await foreign("SELECT 'a' AS add, {'minReaderVersion': 1} AS protocol");
    await expect(rowsOf("lake/foreign.parquet")).rejects.toMatchObject({ code: "LOG_CORRUPT" });
  });

  test.each([
    ["path", "1", "a text"],
    ["size", "' '", "a number"],
    ["size", "'5'", "a number"],
    ["modificationTime", "'\t'", "a number"],
    ["modificationTime", "DATE '2001-01-01'", "a number"],
    ["dataChange", "chr(2)", "true or false"],
    ["dataChange", "1", "true or false"],
    ["stats", "{'numRecords': 1}", "a text"],
  ])("of other writers whose %s is %s is corrupt, as it is not %s", async (field, value, what) => {
    const fields = Object.entries({
      path: "'a'",
      size: "1",
      modificationTime: "1",
      dataChange: "true",
      [field]: value,
    });
    const struct = fields.map(([name, text]) => `'${name}': ${text}`).join(", ");
    await foreign(`SELECT {${struct}, 'stats_parsed': ${parsed}} AS add`);
    const read = rowsOf("lake/foreign.parquet");
    await expect(read).rejects.toMatchObject({ code: "LOG_CORRUPT" });
    await expect(read).rejects.toThrow(`cannot be used: its add.${field} is not ${what}. `);
  });

  test("of other writers whose deletionTimestamp is a blank text is corrupt", async () => {
    await foreign("SELECT {'path': 'a', 'deletionTimestamp': ' '} AS remove");
    await expect(rowsOf("lake/foreign.parquet")).rejects.toThrow(/its remove\.deletionTimestamp is not a number/);
  });

  test("of other writers may have texts that are not said to be texts", async () => {
    const text = (value: string): string => `encode('${value}')`;
    await foreign(
      `SELECT {'path': ${text('tä g"x')}, 'partitionValues': MAP {${text("tä")}: ${text("ö")}}, 'stats': ${text('{"numRecords":1}')}} AS add,
              NULL::STRUCT(appId BLOB, "version" BIGINT) AS txn
       UNION ALL SELECT NULL, {'appId': ${text("ä")}, 'version': 1}`,
    );
    expect(await rowsOf("lake/foreign.parquet")).toEqual([
      { add: { path: 'tä g"x', partitionValues: { tä: "ö" }, stats: '{"numRecords":1}' } },
      { txn: { appId: "ä", version: 1 } },
    ]);
  });

  test("of other writers may have bounds of bytes, which are passed over", async () => {
    await foreign(
      `SELECT {'path': 'a', 'stats': NULL::VARCHAR,
               'stats_parsed': {'numRecords': 3, 'minValues': {'n': 1, 'b': '\\xFF\\xFE'::BLOB, 't': 'x'::BLOB}}} AS add`,
    );
    expect(await rowsOf("lake/foreign.parquet")).toEqual([
      { add: { path: "a", stats: '{"numRecords":3,"minValues":{"n":1}}' } },
    ]);
  });

  test("of other writers may have texts that are not said to be texts, beside bytes that are none", async () => {
    const text = (value: string): string => `encode('${value}')`;
    await foreign(
      `SELECT {'path': ${text("ä")}, 'tags': MAP {${text("k")}: NULL::BLOB}, 'deletionVector': {'storageType': ${text("u")}, 'BLOB': 1, 'cardinality': 2},
               'other': '\\xFF'::BLOB, 'stats_parsed': {'numRecords': 3, 'minValues': {'n': 1, 'b': '\\xFF\\xFE'::BLOB}}} AS add,
              NULL::STRUCT(minReaderVersion INTEGER, readerFeatures BLOB[]) AS protocol
       UNION ALL SELECT NULL, {'minReaderVersion': 3, 'readerFeatures': [${text("é")}]}`,
    );
    expect(await rowsOf("lake/foreign.parquet")).toEqual([
      {
        add: {
          path: "ä",
          tags: { k: null },
          deletionVector: { storageType: "u", BLOB: 1, cardinality: 2 },
          stats: '{"numRecords":3,"minValues":{"n":1}}',
        },
      },
      { protocol: { minReaderVersion: 3, readerFeatures: ["é"] } },
    ]);
  });

  test("of other writers whose path is no text at all is corrupt", async () => {
    await foreign("SELECT {'path': '\\xFF'::BLOB} AS add");
    await expect(rowsOf("lake/foreign.parquet")).rejects.toMatchObject({ code: "LOG_CORRUPT" });
  });

  test("of other writers may have a column of any type that has no values", async () => {
    await foreign(
      `SELECT {'path': 'a', 'size': 1::UTINYINT, 'dataChange': NULL::INTEGER, 'stats': NULL::INTEGER, 'stats_parsed': ${parsed}} AS add`,
    );
    expect(await rowsOf("lake/foreign.parquet")).toEqual([{ add: { path: "a", size: 1, stats: text } }]);
  });

  const parsed = `{'numRecords': 3, 'tightBounds': true,
    'minValues': {'a "quoted" name': 1, 'big': 12345678901234567::BIGINT, 'exact': 1.10::DECIMAL(38, 2), 'nan': 'nan'::DOUBLE, 'real': 0.1::FLOAT,
                  'text': 'x"\\', 'day': '2001-01-01'::DATE, 'at': '2001-01-01 05:00:00.123456+02'::TIMESTAMPTZ,
                  'ntz': '2001-01-01 05:00:00.123456'::TIMESTAMP, 'inner': {'deep': 1}, 'none': NULL::INTEGER},
    'nullCount': {'a "quoted" name': 0::BIGINT}}`;
  const text =
    '{"numRecords":3,"tightBounds":true,"minValues":{"a \\"quoted\\" name":1,"big":12345678901234567,"exact":1.10,"real":0.1,"text":"x\\"\\\\","day":"2001-01-01","at":"2001-01-01T03:00:00.123456Z","ntz":"2001-01-01T05:00:00.123456","inner":{"deep":1}},"nullCount":{"a \\"quoted\\" name":0}}';

  test.each([
    ["alone", `SELECT {'path': 'a', 'stats_parsed': ${parsed}} AS add`, [text]],
    ["where stats are NULL", `SELECT {'path': 'a', 'stats': NULL::VARCHAR, 'stats_parsed': ${parsed}} AS add`, [text]],
    [
      "in some rows",
      `SELECT {'path': 'a', 'stats': '{}', 'stats_parsed': ${parsed}} AS add UNION ALL SELECT {'path': 'b', 'stats': NULL, 'stats_parsed': ${parsed}}
       UNION ALL SELECT {'path': 'c', 'stats': NULL, 'stats_parsed': NULL}`,
      ["{}", text, undefined],
    ],
  ])("has statistics made from parsed ones, %s", async (_where, sql, expected) => {
    await foreign(sql);
    const stats = (await rowsOf("lake/foreign.parquet")).map(({ add }) => (add as { stats?: string }).stats);
    expect(stats).toEqual(expected);
  });

  test("has all of its other actions, though its files are asked for again and again while these are read", async () => {
    const txns = 50_000;
    await foreign(
      `SELECT {'path': 'a' || chr(30), 'stats_parsed': ${parsed}} AS add, NULL::STRUCT(appId VARCHAR, "version" BIGINT) AS txn
       UNION ALL SELECT NULL, {'appId': i::VARCHAR, 'version': i} FROM range(${txns}) t(i)`,
    );
    // Which query comes first is left to DuckDB's threads, so that one time may go well.
    for (let time = 0; time < 5; time++) {
      const rows = await rowsOf("lake/foreign.parquet");
      expect(rows.filter((row) => "txn" in row)).toHaveLength(txns);
      expect(rows.filter((row) => "add" in row)).toHaveLength(1);
    }
  });

  async function foreign(sql: string): Promise<void> {
    const file = join(under.folder, "foreign.parquet");
    await query(`COPY (${sql}) TO '${file}' (FORMAT parquet)`);
    await under.store.uploadFile("lake/foreign.parquet", file);
  }

  test.each([
    ["text", "not Parquet"],
    ["nothing at all", ""],
  ])("that is %s is corrupt", async (_what, text) => {
    const file = join(under.folder, "broken.parquet");
    await writeFile(file, text);
    await under.store.uploadFile("lake/broken.parquet", file);
    await expect(rowsOf("lake/broken.parquet")).rejects.toMatchObject({
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

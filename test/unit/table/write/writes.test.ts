/** Single writes: what they say of themselves, what they refuse, and what they do not read. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Expression, StructField } from "../../../../shared/plan/index.ts";
import type { Compute } from "../../../../shared/compute/index.ts";
import {
  appendRows,
  deleteRows,
  DeltaTable,
  mergeRows,
  overwriteRows,
  sourceColumn,
  sourceOfRows,
  targetColumn,
  updateRows,
  type MergeClause,
  type TableSession,
  type WriteOutcome,
} from "../../../../shared/table/index.ts";
import {
  call,
  changingTable,
  column,
  modelTexts,
  rowTexts,
  sourceOf,
  text,
  whole,
  type ModelRow,
} from "../../../support/changing-table.ts";
import { openCompute, rowSet, type ComputeUnderTest } from "../../../support/compute-under-test.ts";

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(async () => under[Symbol.asyncDispose]());

const row = (id: number, n = 0, part = "x"): ModelRow => ({ id, n, text: `t${id}`, part });
const onId: Expression = call("eq", column(targetColumn("id")), column(sourceColumn("id")));
const upsert: readonly MergeClause[] = [
  { kind: "matched-update", set: { kind: "all" } },
  { kind: "not-matched-insert", values: { kind: "all" } },
];

describe.each(["name", "id"])("a table with columns mapped by %s", (mode) => {
  const configuration = { "delta.columnMapping.mode": mode };

  test("has its files, statistics and partitions under other names than its columns", async () => {
    const session = await changingTable(under.compute, { partitionBy: ["part"], configuration });
    await appendRows(session, sourceOf([row(1), row(2, 5, "y")]));
    const { schema, files } = await session.table.latest();
    const physical = (name: string) =>
      (schema.fields as Readonly<Record<string, StructField>>)[name]?.metadata?.["delta.columnMapping.physicalName"];
    for (const { path, partitionValues, stats } of files) {
      expect(Object.keys(partitionValues)).toEqual([physical("part")]);
      expect(path.startsWith(`${String(physical("part"))}=`)).toBe(true);
      expect(Object.keys((JSON.parse(stats ?? "{}") as { nullCount: object }).nullCount)).toContain(physical("id"));
    }
    expect(await rowTexts(session)).toEqual(modelTexts([row(1), row(2, 5, "y")]));
  });

  test("gives columns that are merged into it ids and names that no other column has", async () => {
    const session = await changingTable(under.compute, { configuration });
    const types = { id: { kind: "long" }, extra: { kind: "string" } } as const;
    const rows = rowSet(types, { id: [1n], extra: ["new"] });
    expect(await appendRows(session, sourceOfRows(rows), { mergeSchema: true })).toMatchObject({ kind: "committed" });
    await session.table.addColumns({
      kind: "struct",
      fields: { late: { type: { kind: "date" }, nullable: true } },
    });
    const { schema, metadata } = await session.table.latest();
    const fields = Object.values(schema.fields as Readonly<Record<string, StructField>>);
    const ids = fields.map((field) => field.metadata?.["delta.columnMapping.id"]);
    expect(ids).toEqual([...new Set(ids)]);
    expect(metadata.configuration["delta.columnMapping.maxColumnId"]).toBe(String(Math.max(...ids.map(Number))));
    const [read] = await rowTexts(session);
    expect(JSON.parse(read ?? "{}")).toMatchObject({ id: 1, extra: "new", late: null });
  });
});

describe("an append", () => {
  test("adds files and counts rows, as a blind append", async () => {
    const session = await changingTable(under.compute, { partitionBy: ["part"] });
    const outcome = await appendRows(session, sourceOf([row(1), row(2), row(3, 0, "y")]));
    expect(outcome).toMatchObject({ kind: "committed", version: 1, metrics: { numFiles: 2, numOutputRows: 3 } });
    expect(session.table.remembered(1)?.commitInfo).toMatchObject({ operation: "WRITE", isBlindAppend: true });
  });

  test("of no rows does nothing", async () => {
    const session = await changingTable(under.compute);
    expect(await appendRows(session, sourceOf([]))).toEqual({ kind: "unchanged", version: 0 });
  });

  test("that is repeated with its fence is done once", async () => {
    const session = await changingTable(under.compute);
    const fences = [{ appId: "mine", version: 7, expected: undefined }];
    expect(await appendRows(session, sourceOf([row(1)]), { fences })).toMatchObject({ kind: "committed", version: 1 });
    expect(await appendRows(session, sourceOf([row(1)]), { fences })).toEqual({
      kind: "already-committed",
      version: 1,
    });
    expect(await rowTexts(session)).toEqual(modelTexts([row(1)]));
    const files: string[] = [];
    for await (const { path } of session.store.list("lake/")) if (path.endsWith(".parquet")) files.push(path);
    expect(files).toHaveLength(1);
  });

  test("may lack columns, which are NULL, and brings numbers to the column's type", async () => {
    const session = await changingTable(under.compute);
    const rows = rowSet({ ID: { kind: "integer" }, n: { kind: "long" } }, { ID: [4], n: [9n] });
    await appendRows(session, sourceOfRows(rows));
    expect(await rowTexts(session)).toEqual(['{"id":4,"n":9,"text":null,"part":null}']);
  });

  test.for([
    ["an unknown column", rowSet({ other: { kind: "long" } }, { other: [1n] }), "SCHEMA_MISMATCH", "mergeSchema"],
    ["a text for a number", rowSet({ n: { kind: "string" } }, { n: ["1"] }), "SCHEMA_MISMATCH", "Cast it"],
    ["a number that does not fit", rowSet({ n: { kind: "long" } }, { n: [2n ** 40n] }), "DATA_ERROR", "1099511627776"],
  ] as const)("with %s is refused, and leaves no file", async ([, rows, code, says]) => {
    const session = await changingTable(under.compute);
    await expect(appendRows(session, sourceOfRows(rows))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(says),
    });
    for await (const { path } of session.store.list("lake/")) expect(path).toMatch(/\.json$/);
  });

  test("with mergeSchema adds the columns that the table lacks, and older rows have NULL in them", async () => {
    const session = await changingTable(under.compute);
    await appendRows(session, sourceOf([row(1)]));
    const rows = rowSet({ id: { kind: "long" }, note: { kind: "string" } }, { id: [2n], note: ["new"] });
    expect(await appendRows(session, sourceOfRows(rows), { mergeSchema: true })).toMatchObject({ kind: "committed" });
    expect(await rowTexts(session)).toEqual([
      '{"id":1,"n":0,"text":"t1","part":"x","note":null}',
      '{"id":2,"n":null,"text":null,"part":null,"note":"new"}',
    ]);
  });

  test("of a NULL to a column that has none is refused with the rule and the row", async () => {
    const schema = rowSet({ id: { kind: "long" } }, {}).schema;
    const required = { ...schema, fields: { id: { type: { kind: "long" }, nullable: false } } } as const;
    const session = await changingTable(under.compute, { schema: required });
    await expect(
      appendRows(session, sourceOfRows(rowSet({ id: { kind: "long" } }, { id: [null] }))),
    ).rejects.toMatchObject({
      code: "CONSTRAINT_VIOLATED",
    });
  });
});

describe("a delete", () => {
  test("on partition columns alone reads no file", async () => {
    const session = await changingTable(under.compute, { partitionBy: ["part"] });
    await appendRows(session, sourceOf([row(1), row(2, 0, "y"), row(3, 0, "y z")]));
    for await (const { path } of session.store.list("lake/"))
      if (path.endsWith(".parquet")) await session.store.delete(path);
    const where = call("starts_with", column("part"), text("y"));
    expect(await deleteRows(session, { where })).toMatchObject({
      kind: "committed",
      metrics: { numDeletedRows: 2, numRemovedFiles: 2 },
    });
    expect((await session.table.latest()).files.size).toBe(1);
  });

  test("leaves files alone that have no such row", async () => {
    const session = await changingTable(under.compute);
    for (const id of [1, 2, 3]) await appendRows(session, sourceOf([row(id), row(id + 10)]));
    const before = await session.table.latest();
    const outcome = await deleteRows(session, { where: call("eq", column("id"), whole(12)) });
    expect(outcome).toMatchObject({
      kind: "committed",
      metrics: { numDeletedRows: 1, numRemovedFiles: 1, numAddedFiles: 1 },
    });
    const after = await session.table.latest();
    expect([...before.files].filter(({ path }) => after.files.has(path))).toHaveLength(2);
  });

  test("of nothing commits nothing", async () => {
    const session = await changingTable(under.compute);
    await appendRows(session, sourceOf([row(1)]));
    expect(await deleteRows(session, { where: call("eq", column("n"), whole(5)) })).toEqual({
      kind: "unchanged",
      version: 1,
    });
  });

  test("of an unknown column says which there are", async () => {
    const session = await changingTable(under.compute);
    await appendRows(session, sourceOf([row(1)]));
    await expect(deleteRows(session, { where: call("is_null", column("nn")) })).rejects.toMatchObject({
      code: "UNKNOWN_COLUMN",
    });
  });
});

describe("an update", () => {
  test("computes all values from the row as it was", async () => {
    const session = await changingTable(under.compute);
    await appendRows(session, sourceOf([row(1, 5)]));
    await updateRows(session, { set: { n: call("plus", column("n"), whole(1)), id: column("n") } });
    expect(await rowTexts(session)).toEqual(['{"id":5,"n":6,"text":"t1","part":"x"}']);
  });

  test.for([
    ["an unknown column", { nn: whole(1) }, "UNKNOWN_COLUMN"],
    ["one column twice", { n: whole(1), N: whole(2) }, "DUPLICATE_NAME"],
    ["a value of another type", { n: text("1") }, "SCHEMA_MISMATCH"],
  ] as const)("of %s is refused", async ([, set, code]) => {
    const session = await changingTable(under.compute);
    await appendRows(session, sourceOf([row(1)]));
    await expect(updateRows(session, { set })).rejects.toMatchObject({ code });
  });
});

describe("a merge", () => {
  test("that would change a row by two of the source is refused", async () => {
    const session = await changingTable(under.compute);
    await appendRows(session, sourceOf([row(1)]));
    const twice = mergeRows(session, sourceOf([row(1, 1), row(1, 2)]), {
      on: onId,
      clauses: upsert,
      scratch: session.scratch,
    });
    await expect(twice).rejects.toMatchObject({ code: "MERGE_AMBIGUOUS", details: { rows: 1 } });
    expect(await rowTexts(session)).toEqual(modelTexts([row(1)]));
  });

  test("that only deletes may meet a row twice, and deletes it once", async () => {
    const session = await changingTable(under.compute);
    await appendRows(session, sourceOf([row(1), row(2)]));
    const outcome = await mergeRows(session, sourceOf([row(1, 1), row(1, 2)]), {
      on: onId,
      clauses: [{ kind: "matched-delete" }],
      scratch: session.scratch,
    });
    expect(outcome).toMatchObject({ kind: "committed", metrics: { numTargetRowsDeleted: 1 } });
    expect(await rowTexts(session)).toEqual(modelTexts([row(2)]));
  });

  test("reads only files that can hold a match", async () => {
    const session = await changingTable(under.compute);
    await appendRows(session, sourceOf([row(1), row(2)]));
    await appendRows(session, sourceOf([row(101), row(102)]));
    const [first] = [...(await session.table.latest()).files];
    await session.store.delete(`${session.table.path}/${first!.path}`);
    const outcome = await mergeRows(session, sourceOf([row(102, 7), row(103)]), {
      on: onId,
      clauses: upsert,
      scratch: session.scratch,
    });
    expect(outcome).toMatchObject({
      kind: "committed",
      metrics: { numTargetRowsUpdated: 1, numTargetRowsInserted: 1, numTargetFilesRemoved: 1 },
    });
  });

  test("without a pair of equal values compares every row with every other", async () => {
    const session = await changingTable(under.compute);
    await appendRows(session, sourceOf([row(1), row(5)]));
    await mergeRows(session, sourceOf([row(3)]), {
      on: call("lt", column(targetColumn("id")), column(sourceColumn("id"))),
      clauses: [{ kind: "matched-update", set: { kind: "columns", values: { n: column(sourceColumn("id")) } } }],
      scratch: session.scratch,
    });
    expect(await rowTexts(session)).toEqual(modelTexts([row(1, 3), row(5)]));
  });

  test("with mergeSchema gives the table the columns of the source", async () => {
    const session = await changingTable(under.compute);
    await appendRows(session, sourceOf([row(1), row(2)]));
    const rows = rowSet({ id: { kind: "long" }, note: { kind: "string" } }, { id: [2n, 3n], note: ["b", "c"] });
    await mergeRows(session, sourceOfRows(rows), {
      on: onId,
      clauses: upsert,
      mergeSchema: true,
      scratch: session.scratch,
    });
    expect(await rowTexts(session)).toEqual([
      '{"id":1,"n":0,"text":"t1","part":"x","note":null}',
      '{"id":2,"n":0,"text":"t2","part":"x","note":"b"}',
      '{"id":3,"n":null,"text":null,"part":null,"note":"c"}',
    ]);
  });

  test("without a clause, or of what is not there, is refused before anything is read", async () => {
    const session = await changingTable(under.compute);
    const scratch = session.scratch;
    await expect(mergeRows(session, sourceOf([]), { on: onId, clauses: [], scratch })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    const on = call("eq", column(targetColumn("idd")), column(sourceColumn("id")));
    await expect(mergeRows(session, sourceOf([]), { on, clauses: upsert, scratch })).rejects.toMatchObject({
      code: "UNKNOWN_COLUMN",
    });
  });
});

describe("an overwrite", () => {
  test("where a condition holds refuses a new row outside of it", async () => {
    const session = await changingTable(under.compute);
    await appendRows(session, sourceOf([row(1), row(2, 0, "y")]));
    const condition = call("eq", column("part"), text("y"));
    await expect(
      overwriteRows(session, sourceOf([row(3, 0, "z")]), { replace: { kind: "where", condition } }),
    ).rejects.toMatchObject({ code: "CONSTRAINT_VIOLATED" });
    expect(await rowTexts(session)).toEqual(modelTexts([row(1), row(2, 0, "y")]));
  });

  test("of partitions replaces those that the new rows are in", async () => {
    const session = await changingTable(under.compute, { partitionBy: ["part"] });
    await appendRows(session, sourceOf([row(1), row(2, 0, "y")]));
    await overwriteRows(session, sourceOf([row(3, 0, "y")]), { replace: { kind: "partitions" } });
    expect(await rowTexts(session)).toEqual(modelTexts([row(1), row(3, 0, "y")]));
  });

  test("of partitions is refused where there are none", async () => {
    const session = await changingTable(under.compute);
    await expect(overwriteRows(session, sourceOf([row(3)]), { replace: { kind: "partitions" } })).rejects.toMatchObject(
      { code: "INVALID_ARGUMENT" },
    );
  });
});

describe("a table with deletion vectors", () => {
  const configuration = { "delta.enableDeletionVectors": "true" };

  test("keeps the file of a deleted row and marks the row, again and again", async () => {
    const session = await changingTable(under.compute, { configuration });
    await appendRows(session, sourceOf([row(1), row(2), row(3), row(4)]));
    const [file] = [...(await session.table.latest()).files];
    for (const [id, cardinality] of [
      [2, 1],
      [4, 2],
    ] as const) {
      const outcome = await deleteRows(session, { where: call("eq", column("id"), whole(id)) });
      expect(outcome).toMatchObject({ kind: "committed", metrics: { numDeletionVectorsAdded: 1, numAddedFiles: 0 } });
      const [marked] = [...(await session.table.latest()).files];
      expect(marked).toMatchObject({ path: file!.path, deletionVector: { cardinality } });
      expect(JSON.parse(marked!.stats!)).toMatchObject({ numRecords: 4, tightBounds: false });
    }
    expect(await rowTexts(session)).toEqual(modelTexts([row(1), row(3)]));
  });

  test("lets a file go of which every row is marked", async () => {
    const session = await changingTable(under.compute, { configuration });
    await appendRows(session, sourceOf([row(1), row(2)]));
    await deleteRows(session, { where: call("eq", column("id"), whole(2)) });
    await deleteRows(session, { where: call("eq", column("id"), whole(1)) });
    expect((await session.table.latest()).files.size).toBe(0);
  });
});

describe("two writers", () => {
  /** Lets another writer commit between a write's plan and its commit. */
  async function interleaved(
    session: Awaited<ReturnType<typeof changingTable>>,
    write: (session: TableSession) => Promise<WriteOutcome>,
    other: (session: TableSession) => Promise<WriteOutcome>,
  ): Promise<WriteOutcome> {
    const { log } = session.table;
    const [mine, theirs] = [new DeltaTable(log), new DeltaTable(log)];
    let isFirst = true;
    const compute: Compute = {
      run: async (job) => {
        const result = await session.compute.run(job);
        if (isFirst) {
          isFirst = false;
          expect(await other({ compute: session.compute, table: theirs })).toMatchObject({ kind: "committed" });
        }
        return result;
      },
      close: async () => undefined,
    };
    return write({ compute, table: mine });
  }

  const where = (id: number) => call("eq", column("id"), whole(id));
  const deleting = (id: number) => (session: TableSession) => deleteRows(session, { where: where(id) });
  const appending =
    (...ids: readonly number[]) =>
    (session: TableSession) =>
      appendRows(session, sourceOf(ids.map((id) => row(id))));

  test.for([
    ["of different files", deleting(1), deleting(2), "committed"],
    ["of one file", deleting(1), deleting(1), "conflict"],
    ["and a blind append of such a row", deleting(1), appending(1), "committed"],
    [
      "and an update that makes such a row",
      deleting(1),
      (session: TableSession) => updateRows(session, { where: where(2), set: { id: whole(1) } }),
      "conflict",
    ],
    [
      "and an overwrite",
      deleting(1),
      (session: TableSession) => overwriteRows(session, sourceOf([row(9)])),
      "conflict",
    ],
  ] as const)("a delete %s", async ([, write, other, kind]) => {
    const session = await changingTable(under.compute);
    for (const id of [1, 2]) await appending(id)(session);
    const outcome = await interleaved(session, write, other);
    expect(outcome.kind).toBe(kind);
    if (outcome.kind === "conflict") expect((await write(session)).kind).not.toBe("conflict");
  });

  test("a write that lost leaves none of its files behind", async () => {
    const session = await changingTable(under.compute);
    await appending(1, 2)(session);
    expect((await interleaved(session, deleting(1), deleting(2))).kind).toBe("conflict");
    const named = new Set<string>();
    for (const commit of await session.table.changes(-1, (await session.table.latest()).version))
      for (const { path } of commit.adds) named.add(`${session.table.path}/${path}`);
    for await (const { path } of session.store.list("lake/"))
      if (path.endsWith(".parquet")) expect(named).toContain(path);
  });
});

describe("names and values that others chose", () => {
  const long = { kind: "long" } as const;
  const rowsOf = (columns: Readonly<Record<string, readonly (bigint | null)[]>>) =>
    sourceOfRows(rowSet(Object.fromEntries(Object.keys(columns).map((name) => [name, long])), columns));

  test.for([{}, { "delta.enableDeletionVectors": "true" }])(
    "columns called as the places of rows are columns and nothing else, with %o",
    async (configuration: Readonly<Record<string, string>>) => {
      const schema = rowSet({ id: long, _row_index: long, _file_index: long }, {}).schema;
      const session = await changingTable(under.compute, { schema, configuration });
      await appendRows(session, rowsOf({ id: [1n, 2n, 3n], _row_index: [2n, 0n, null], _file_index: [7n, 7n, -5n] }));
      expect(await rowTexts(session)).toHaveLength(3);
      await deleteRows(session, { where: call("eq", column("id"), whole(1)) });
      expect(await rowTexts(session)).toEqual([
        '{"id":2,"_row_index":0,"_file_index":7}',
        '{"id":3,"_row_index":null,"_file_index":-5}',
      ]);
    },
  );

  test("columns called as a change's own are refused before anything is read", async () => {
    const session = await changingTable(under.compute);
    await appendRows(session, sourceOf([row(1)]));
    const merge = mergeRows(session, rowsOf({ id: [1n, 2n], _dyne_source: [7n, 7n] }), {
      on: onId,
      clauses: [
        { kind: "not-matched-insert", values: { kind: "columns", values: { id: column(sourceColumn("id")) } } },
      ],
      scratch: session.scratch,
    });
    await expect(merge).rejects.toMatchObject({
      code: "UNSUPPORTED_FEATURE",
      message: expect.stringContaining("_dyne_source"),
    });
  });

  test("a column called constructor keeps its values when another is updated", async () => {
    const session = await changingTable(under.compute, { schema: rowSet({ id: long, constructor: long }, {}).schema });
    await appendRows(session, rowsOf({ id: [1n], constructor: [5n] }));
    await updateRows(session, { set: { id: whole(2) } });
    expect(await rowTexts(session)).toEqual(['{"id":2,"constructor":5}']);
  });

  test.for([
    ["timestamp", 1_577_836_800_000_000n, "2020-01-01 00:00:00.000000"],
    ["double", 1, "1"],
    ["long", null, ""],
  ] as const)("a partition of a %s is replaced however its value is spelled", async ([kind, value, text]) => {
    const types = { id: long, p: { kind } } as const;
    const session = await changingTable(under.compute, { schema: rowSet(types, {}).schema, partitionBy: ["p"] });
    await appendRows(session, sourceOfRows(rowSet(types, { id: [1n], p: [value] })));
    const [file] = [...(await session.table.latest()).files];
    const remove = { path: file!.path, dataChange: false, deletionTimestamp: 0 };
    const add = { ...file!, path: file!.path, dataChange: false, partitionValues: { p: text } };
    await session.table.commit({ actions: [{ remove }, { add }], isBlindAppend: false, operation: "OTHER" });
    expect([...(await session.table.latest()).files][0]!.partitionValues).toEqual({ p: text });
    await overwriteRows(session, sourceOfRows(rowSet(types, { id: [2n], p: [value] })), {
      replace: { kind: "partitions" },
    });
    expect((await rowTexts(session)).map((each) => (JSON.parse(each) as { id: number }).id)).toEqual([2]);
  });

  test("a whole number is found by the double that it equals, whichever file it is in", async () => {
    const session = await changingTable(under.compute, { schema: rowSet({ id: long }, {}).schema });
    for (const id of [9_007_199_254_740_993n, 9_007_199_254_740_992n]) await appendRows(session, rowsOf({ id: [id] }));
    const double = { kind: "literal", value: 9_007_199_254_740_992, type: { kind: "double" } } as const;
    await deleteRows(session, { where: call("eq", column("id"), double) });
    expect(await rowTexts(session)).toEqual([]);
  });

  test.for([
    ["a b", {}],
    ["_change_type", { "delta.enableChangeDataFeed": "true" }],
  ] as const)("the column %s is not added where a table cannot have it", async ([name, configuration]) => {
    const session = await changingTable(under.compute, { configuration });
    const source = rowsOf({ id: [1n], [name]: [1n] });
    await expect(appendRows(session, source, { mergeSchema: true })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});

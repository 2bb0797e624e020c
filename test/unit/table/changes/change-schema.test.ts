import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Metadata } from "../../../../shared/delta/index.ts";
import type { DataType, Schema } from "../../../../shared/plan/index.ts";
import {
  appendRows,
  deleteRows,
  dropColumns,
  planChanges,
  readChanges,
  restoreTable,
  sourceOfRows,
  widenColumn,
  type ChangeOptions,
} from "../../../../shared/table/index.ts";
import { incompatibility, laterNames, widestSchema } from "../../../../shared/table/changes/change-schema.ts";
import { changingTable } from "../../../support/changing-table.ts";
import { openCompute, rowSet, schemaOf, type ComputeUnderTest } from "../../../support/compute-under-test.ts";
import { metaData, plainProtocol, removeOfAdd, TableHistory } from "../../../support/table-history.ts";

const long: DataType = { kind: "long" };
const integer: DataType = { kind: "integer" };
const string: DataType = { kind: "string" };
const decimal = (precision: number, scale: number): DataType => ({ kind: "decimal", precision, scale });
const struct = (types: Readonly<Record<string, DataType>>): DataType => schemaOf(types);
const array = (element: DataType): DataType => ({ kind: "array", element, containsNull: true });
const map = (key: DataType, value: DataType): DataType => ({ kind: "map", key, value, valueContainsNull: true });

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(() => under[Symbol.asyncDispose]());

const columns = (schema: Schema, mode = "none") => ({
  schema,
  metadata: { configuration: { "delta.columnMapping.mode": mode } } as unknown as Metadata,
});

test.each<[string, DataType, DataType, string | undefined]>([
  ["the same type", long, long, undefined],
  ["a wider integer", integer, long, undefined],
  ["a narrower integer", long, integer, "changes the column c from bigint to int"],
  ["a double of a float", { kind: "float" }, { kind: "double" }, undefined],
  ["a double of an integer", integer, { kind: "double" }, undefined],
  ["a double of a long, which loses digits", long, { kind: "double" }, "changes the column c from bigint to double"],
  ["a timestamp of a date", { kind: "date" }, { kind: "timestamp_ntz" }, undefined],
  ["a moment of a date, which has no zone", { kind: "date" }, { kind: "timestamp" }, "changes the column c"],
  ["more digits", decimal(10, 2), decimal(12, 3), undefined],
  ["more digits after the point at the cost of those before", decimal(10, 2), decimal(10, 3), "changes the column c"],
  ["less digits after the point", decimal(10, 2), decimal(10, 1), "changes the column c"],
  ["a decimal that holds an integer", integer, decimal(10, 0), undefined],
  ["a decimal that does not hold a long", long, decimal(18, 0), "changes the column c from bigint to decimal(18,0)"],
  ["a text of a number", long, string, "changes the column c from bigint to string"],
  ["a struct with a field more", struct({ a: long }), struct({ a: long, b: long }), undefined],
  ["a struct with a field less", struct({ a: long, b: long }), struct({ a: long }), "drops the column c.b"],
  ["a wider element", array(integer), array(long), undefined],
  ["another element", array(long), array(string), "changes the column c.element from bigint to string"],
  ["a wider value", map(string, integer), map(string, long), undefined],
  ["another key", map(string, long), map(long, long), "changes the column c.key from string to bigint"],
  [
    "a struct in a list with a field less",
    array(struct({ a: long })),
    array(struct({})),
    "drops the column c.element.a",
  ],
  ["a list of a value", long, array(long), "changes the column c from bigint to array<bigint>"],
])("rows of a column that became %s", (_, before, after, reason) => {
  const found = incompatibility(columns(schemaOf({ c: before })), columns(schemaOf({ c: after })));
  if (reason === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(reason);
});

test.each<[string, DataType, DataType, DataType]>([
  ["an integer that was a long", long, integer, long],
  ["a long that was an integer", integer, long, long],
  ["a text that was a number", long, string, string],
  ["a decimal that was a wider one", decimal(12, 3), decimal(10, 2), decimal(12, 3)],
  ["decimals of which neither holds the other", decimal(10, 3), decimal(10, 2), decimal(10, 2)],
  ["the elements of a list", array(long), array(integer), array(long)],
  ["keys and values of a map", map(long, integer), map(integer, long), map(long, long)],
  ["a field of a struct", struct({ a: long }), struct({ a: integer, b: integer }), struct({ a: long, b: integer })],
  ["a value that was a list", array(long), integer, integer],
])("the widest type of %s", (_, before, after, expected) => {
  const found = widestSchema(columns(schemaOf({ c: before })), columns(schemaOf({ c: after, d: string })));
  expect(found).toEqual(schemaOf({ c: expected, d: string }));
});

test("changes across a restore that brings a column back are refused where rows changed while it was gone", async () => {
  const session = await changingTable(under.compute, {
    schema: schemaOf({ id: long, name: string }),
    configuration: { "delta.columnMapping.mode": "name" },
  });
  const types = { id: long, name: string };
  await appendRows(session, sourceOfRows(rowSet(types, { id: [1n], name: ["x"] })));
  await dropColumns(session, ["name"]);
  await restoreTable(session.table, { version: 1 });
  expect(await Array.fromAsync(readChanges(session, { from: 0 })), "no row changed meanwhile").toHaveLength(1);

  await dropColumns(session, ["name"]);
  await appendRows(session, sourceOfRows(rowSet({ id: long }, { id: [2n] })));
  const { version } = await session.table.latest();
  await restoreTable(session.table, { version: 1 });
  await expect(planChanges(session.table, { from: 0 })).rejects.toMatchObject({
    code: "SCHEMA_MISMATCH",
    message: expect.stringContaining("drops the column name") as string,
  });
  expect((await planChanges(session.table, { from: version })).commits.length).toBe(2);
});

describe("changes across a restore that undoes a wider type", () => {
  const before = schemaOf({ id: integer, tags: array(integer) });

  /** (1), then (2⁴⁰) under wider types, then back to version 1. */
  async function restored(configuration: Readonly<Record<string, string>>) {
    const session = await changingTable(under.compute, {
      schema: before,
      configuration: { "delta.enableTypeWidening": "true", ...configuration },
    });
    const rowsOf = (types: Readonly<Record<string, DataType>>, id: number | bigint) =>
      sourceOfRows(rowSet(types, { id: [id], tags: [`[${id}]`] }));
    await appendRows(session, rowsOf({ id: integer, tags: array(integer) }, 1));
    await widenColumn(session, "id", long);
    await widenColumn(session, "tags.element", long);
    await appendRows(session, rowsOf({ id: long, tags: array(long) }, 2n ** 40n));
    await restoreTable(session.table, { version: 1 });
    await deleteRows(session);
    return session;
  }

  test.each([{}, { "delta.enableChangeDataFeed": "true" }, { "delta.columnMapping.mode": "name" }])(
    "have the wider type, in which every row is the same one, with %j",
    async (configuration) => {
      const session = await restored(configuration);
      const changes = await planChanges(session.table, { from: 0 });
      expect(changes.end.schema).toMatchObject({ fields: { id: { type: long }, tags: { type: { element: long } } } });
      expect((await session.table.latest()).schema).toMatchObject({ fields: { id: { type: integer } } });
      const texts = (await Array.fromAsync(readChanges(session, { from: 0 }))).map((text) => {
        const { id, tags, _change_type: kind, _commit_version: version } = JSON.parse(text) as Record<string, unknown>;
        return [version, kind, id, tags];
      });
      expect(texts).toEqual([
        [1, "insert", 1, [1]],
        [4, "insert", 2 ** 40, [2 ** 40]],
        [5, "delete", 2 ** 40, [2 ** 40]],
        [6, "delete", 1, [1]],
      ]);
      expect((await planChanges(session.table, { from: 6 })).end.schema).toMatchObject({
        fields: { id: { type: integer } },
      });
    },
  );

  test("are refused with strict, naming the version that made the type narrower", async () => {
    const session = await restored({ "delta.enableChangeDataFeed": "true" });
    await expect(planChanges(session.table, { from: 1, strict: true })).rejects.toMatchObject({
      code: "SCHEMA_MISMATCH",
      details: { version: 5 },
    });
  });
});

describe("under column mapping", () => {
  const mapped = (fields: Readonly<Record<string, string>>): Schema => ({
    kind: "struct",
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, physical], index) => [
        name,
        {
          type: long,
          nullable: true,
          metadata: { "delta.columnMapping.id": index + 1, "delta.columnMapping.physicalName": physical },
        },
      ]),
    ),
  });
  const named = (fields: Readonly<Record<string, string>>, mode = "name") => columns(mapped(fields), mode);

  test("a renamed column is the same column, but not to who wants the same names", () => {
    const [before, after] = [named({ a: "col-1" }), named({ b: "col-1" })];
    expect(incompatibility(before, after)).toBeUndefined();
    expect(incompatibility(before, after, { sameNames: true })).toBe("renames the column a to b");
  });

  test("a column that was dropped and made again under its name is another one", () => {
    expect(incompatibility(named({ a: "col-1" }), named({ a: "col-2" }, "id"))).toBe("drops the column a");
  });

  test("columns are known by their last names, unless they are gone", () => {
    const [before, after] = [named({ a: "col-1", b: "b", c: "col-3" }), named({ x: "col-1", b: "b", c: "col-4" })];
    expect(laterNames(["c", "b", "a"], before, after)).toEqual(["b", "x"]);
    expect(laterNames(["a"], columns(schemaOf({ a: long })), named({ x: "a" }))).toEqual(["x"]);
    expect(laterNames(["a"], columns(schemaOf({ a: long })), columns(schemaOf({ a: long })))).toEqual(["a"]);
  });

  test("columns stay what they were when mapping is turned on", () => {
    expect(incompatibility(columns(schemaOf({ a: long })), named({ b: "a" }))).toBeUndefined();
  });
});

describe("changes across changes of the schema", () => {
  const v1 = { id: integer };
  const read = async (history: TableHistory, options: ChangeOptions) =>
    (await Array.fromAsync(readChanges(history.session, options))).map((text) => text.replace(/,"_commit_v.*/, "}"));

  test("have the columns of the end: NULL where a column came later, and of the wider type", async () => {
    const history = new TableHistory(under);
    await history.commit([plainProtocol, metaData(schemaOf(v1)), { add: await history.file(v1, { id: [1] }) }]);
    await history.commit([metaData(schemaOf({ id: long, name: string }))]);
    const wide = { id: long, name: string };
    await history.commit([{ add: await history.file(wide, { id: [9007199254740993n], name: ["x"] }) }]);
    expect(await read(history, { from: 0 })).toEqual([
      '{"id":1,"name":null,"_change_type":"insert"}',
      '{"id":9007199254740993,"name":"x","_change_type":"insert"}',
    ]);
    expect(await read(history, { from: 0, to: 0 })).toEqual(['{"id":1,"_change_type":"insert"}']);
  });

  test("are refused, naming the version, where rows had a column that the end has not", async () => {
    const history = new TableHistory(under);
    const types = { id: long, name: string };
    const first = await history.file(types, { id: [1n], name: ["x"] });
    const second = await history.file({ id: long }, { id: [2n] });
    await history.commit([plainProtocol, metaData(schemaOf(types)), { add: first }]);
    await history.commit([{ add: await history.file(types, { id: [1n], name: ["y"] }) }]);
    await history.commit([metaData(schemaOf({ id: long })), removeOfAdd(first), { add: second }]);
    await history.commit([{ add: await history.file({ id: long }, { id: [3n] }) }]);
    for (const from of [0, 1, 2])
      await expect(planChanges(history.table, { from })).rejects.toMatchObject({
        code: "SCHEMA_MISMATCH",
        message: expect.stringMatching(
          /^Version 2 .*drops the column name.*up to version 1, and those from version 3 on/,
        ),
        details: { version: 2 },
      });
    expect(await read(history, { from: 0, to: 1 })).toHaveLength(2);
    expect(await read(history, { from: 3 })).toEqual(['{"id":3,"_change_type":"insert"}']);
  });

  test("are read where a column was dropped while no row changed before", async () => {
    const history = new TableHistory(under);
    await history.commit([plainProtocol, metaData(schemaOf({ id: long, name: string }))]);
    await history.commit([metaData(schemaOf({ id: long }))]);
    await history.commit([{ add: await history.file({ id: long }, { id: [3n] }) }]);
    expect(await read(history, { from: 0 })).toHaveLength(1);
  });

  test("are refused with strict where the table did not record them from the first version on", async () => {
    const history = new TableHistory(under);
    const on = { configuration: { "delta.enableChangeDataFeed": "true" } };
    await history.commit([plainProtocol, metaData(schemaOf(v1))]);
    await history.commit([metaData(schemaOf(v1), on)]);
    await history.commit([{ add: await history.file(v1, { id: [1] }) }]);
    await history.commit([metaData(schemaOf(v1))]);
    const versionOf = async (from: number, to: number) =>
      planChanges(history.table, { from, to, strict: true }).then(
        ({ commits }) => commits.length,
        (error: { code: string; details: { version: number } }) => `${error.code} ${error.details.version}`,
      );
    // What a commit removes was written before it; that it was not recorded then is not in the way.
    const gone = removeOfAdd(await history.file(v1, { id: [1] }));
    await history.commit([metaData(schemaOf(v1), on), gone]);
    expect(await versionOf(4, 4)).toBe(1);
    expect(await versionOf(0, 3)).toBe("UNSUPPORTED_FEATURE 0");
    expect(await versionOf(0, 0)).toBe("UNSUPPORTED_FEATURE 0");
    expect(await versionOf(1, 2)).toBe(1);
    expect(await versionOf(2, 2)).toBe(1);
    expect(await versionOf(2, 3)).toBe("UNSUPPORTED_FEATURE 3");
    expect(await versionOf(3, 3)).toBe("UNSUPPORTED_FEATURE 3");
  });
});

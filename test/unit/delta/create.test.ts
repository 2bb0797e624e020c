import { describe, expect, test } from "vitest";
import { commitPath, createTable, openSnapshot, type TableDefinition } from "../../../shared/delta/index.ts";
import { FaultyStore } from "../../support/faulty-store.ts";
import { idSchema, tableUnderTest } from "./table-under-test.ts";

describe("creating a table", () => {
  test("writes version 0 with commit info, protocol and metadata", async () => {
    const { log, memory } = tableUnderTest();
    const configuration = { "delta.appendOnly": "true" };
    const { kind, snapshot } = await createTable(log, {
      schema: idSchema,
      partitionBy: ["day"],
      configuration,
      name: "events",
      description: "all of them",
    });
    expect(kind).toBe("created");
    expect(snapshot).toMatchObject({
      version: 0,
      partitionBy: ["day"],
      schema: idSchema,
      protocol: { minReaderVersion: 1, minWriterVersion: 2 },
    });
    expect(snapshot.metadata).toMatchObject({
      name: "events",
      description: "all of them",
      configuration,
      partitionColumns: ["day"],
      createdTime: 1_700_000_000_000,
    });
    const lines = new TextDecoder()
      .decode((await memory.get(commitPath(log, 0)))?.bytes)
      .trim()
      .split("\n");
    expect(lines.map((line) => Object.keys(JSON.parse(line) as object)[0])).toEqual([
      "commitInfo",
      "protocol",
      "metaData",
    ]);
    expect(await openSnapshot(log)).toEqual(snapshot);
  });

  test("with variants is refused, at every depth, before anything is written", async () => {
    const { log, memory } = tableUnderTest();
    const variant = { kind: "variant" } as const;
    for (const type of [variant, { kind: "array", element: variant, containsNull: true } as const]) {
      const schema = { kind: "struct", fields: { v: { type, nullable: true } } } as const;
      await expect(createTable(log, { schema })).rejects.toMatchObject({
        code: "UNSUPPORTED_FEATURE",
        details: { features: ["variantType"] },
      });
    }
    expect(await memory.get(commitPath(log, 0))).toBeUndefined();
  });

  test("of two creators at once one creates and the other adopts its table", async () => {
    const { log } = tableUnderTest();
    const [a, b] = await Promise.all([createTable(log, { schema: idSchema }), createTable(log, { schema: idSchema })]);
    expect([a?.kind, b?.kind].sort()).toEqual(["created", "exists"]);
    expect(a?.snapshot.metadata.id).toBe(b?.snapshot.metadata.id);
  });

  test("again gives the table as it is", async () => {
    const { log } = tableUnderTest();
    const first = await createTable(log, { schema: idSchema });
    expect(
      await createTable(log, {
        schema: { kind: "struct", fields: { other: { type: { kind: "string" }, nullable: true } } },
      }),
    ).toEqual({ kind: "exists", snapshot: first.snapshot });
  });

  test("by a lost answer is still our creation", async () => {
    const { memory, over, random } = tableUnderTest();
    const faulty = new FaultyStore(memory, { random, rates: { lostAnswer: 1 } });
    expect((await createTable(over(faulty), { schema: idSchema })).kind).toBe("created");
  });

  const struct = (...names: readonly string[]): TableDefinition["schema"] => ({
    kind: "struct",
    fields: Object.fromEntries(names.map((name) => [name, { type: { kind: "long" as const }, nullable: true }])),
  });
  test.each<[string, TableDefinition, string]>([
    ["two columns that differ in case", { schema: struct("id", "ID") }, "DUPLICATE_NAME"],
    ["a column with a space", { schema: struct("my id") }, "INVALID_ARGUMENT"],
    ["a partition column that is not there", { schema: struct("id"), partitionBy: ["day"] }, "UNKNOWN_COLUMN"],
    ["a partition column twice", { schema: struct("id", "a"), partitionBy: ["a", "a"] }, "DUPLICATE_NAME"],
    [
      "a partition column that is in no list",
      { schema: struct("id", "a"), partitionBy: "a" as unknown as readonly string[] },
      "INVALID_ARGUMENT",
    ],
    [
      "a description that is no text",
      { schema: struct("id"), description: 5 as unknown as string },
      "INVALID_ARGUMENT",
    ],
    ["a name that is no text", { schema: struct("id"), name: null as unknown as string }, "INVALID_ARGUMENT"],
    ["nothing but partition columns", { schema: struct("id"), partitionBy: ["id"] }, "INVALID_ARGUMENT"],
    [
      "a partition column that is an array",
      {
        schema: {
          kind: "struct",
          fields: {
            a: { type: { kind: "array", element: { kind: "long" }, containsNull: true }, nullable: true },
            ...struct("b").fields,
          },
        },
        partitionBy: ["a"],
      },
      "INVALID_ARGUMENT",
    ],
    [
      "records of transactions that expire",
      { schema: struct("id"), configuration: { "delta.setTransactionRetentionDuration": "interval 1 day" } },
      "INVALID_ARGUMENT",
    ],
    [
      "records of transactions that expire, in another spelling",
      { schema: struct("id"), configuration: { "DELTA.settransactionretentionduration": "interval 1 day" } },
      "INVALID_ARGUMENT",
    ],
    [
      "row tracking",
      { schema: struct("id"), configuration: { "delta.enableRowTracking": "true" } },
      "UNSUPPORTED_FEATURE",
    ],
    [
      "more digits than a decimal has",
      {
        schema: {
          kind: "struct",
          fields: { a: { type: { kind: "decimal", precision: 50, scale: 2 }, nullable: true } },
        },
      },
      "UNSUPPORTED_FEATURE",
    ],
  ])("with %s is refused", async (_what, definition, code) => {
    const { log, memory } = tableUnderTest();
    await expect(createTable(log, definition)).rejects.toMatchObject({ code });
    expect(await memory.head(commitPath(log, 0))).toBeUndefined();
  });
});

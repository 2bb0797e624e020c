/** Constraints, invariants and generated columns of a table, held against by every write. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Schema } from "../../../../shared/plan/index.ts";
import {
  addConstraint,
  appendRows,
  dropConstraint,
  mergeRows,
  overwriteRows,
  sourceColumn,
  sourceOfRows,
  targetColumn,
  updateRows,
} from "../../../../shared/table/index.ts";
import {
  call,
  changingTable,
  column,
  modelTexts,
  rowTexts,
  sourceOf,
  whole,
  type ModelRow,
} from "../../../support/changing-table.ts";
import { openCompute, rowSet, type ComputeUnderTest } from "../../../support/compute-under-test.ts";

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(async () => under[Symbol.asyncDispose]());

const row = (id: number, n: number): ModelRow => ({ id, n, text: `t${id}`, part: "x" });
const broken = { code: "CONSTRAINT_VIOLATED", details: { rule: "small" } };

describe("a CHECK constraint", () => {
  async function constrained() {
    const session = await changingTable(under.compute);
    await appendRows(session, sourceOf([row(1, 1), row(2, 2)]));
    expect(await addConstraint(session, "Small", "n < 10 OR n IS NULL")).toMatchObject({ kind: "committed" });
    return session;
  }

  test("lets rows through that keep it, and raises the protocol by what it needs", async () => {
    const session = await constrained();
    await appendRows(session, sourceOf([row(3, 9), { ...row(4, 0), n: null }]));
    const { protocol, metadata } = await session.table.latest();
    expect(protocol.minWriterVersion).toBe(3);
    expect(metadata.configuration["delta.constraints.small"]).toBe("n < 10 OR n IS NULL");
  });

  test.for([
    ["an append", (session) => appendRows(session, sourceOf([row(3, 10)]))],
    ["an overwrite", (session) => overwriteRows(session, sourceOf([row(3, 10)]))],
    ["an update", (session) => updateRows(session, { set: { n: call("plus", column("n"), whole(8)) } })],
    [
      "a merge that inserts",
      (session) =>
        mergeRows(session, sourceOf([row(3, 10)]), {
          on: call("eq", column(targetColumn("id")), column(sourceColumn("id"))),
          clauses: [{ kind: "not-matched-insert", values: { kind: "all" } }],
          scratch: session.scratch,
        }),
    ],
    [
      "a merge that updates",
      (session) =>
        mergeRows(session, sourceOf([row(2, 10)]), {
          on: call("eq", column(targetColumn("id")), column(sourceColumn("id"))),
          clauses: [{ kind: "matched-update", set: { kind: "all" } }],
          scratch: session.scratch,
        }),
    ],
  ] as readonly (readonly [string, (session: Awaited<ReturnType<typeof constrained>>) => Promise<unknown>])[])(
    "stops %s of a row that breaks it, and nothing is written",
    async ([, write]) => {
      const session = await constrained();
      await expect(write(session)).rejects.toMatchObject(broken);
      expect(await rowTexts(session)).toEqual(modelTexts([row(1, 1), row(2, 2)]));
    },
  );

  test("is not added where a row breaks it", async () => {
    const session = await changingTable(under.compute);
    await appendRows(session, sourceOf([row(1, 11)]));
    await expect(addConstraint(session, "small", "n < 10")).rejects.toMatchObject(broken);
    expect((await session.table.latest()).version).toBe(1);
  });

  test("holds no longer once it is dropped", async () => {
    const session = await constrained();
    expect(await dropConstraint(session, "SMALL")).toMatchObject({ kind: "committed" });
    expect(await appendRows(session, sourceOf([row(3, 10)]))).toMatchObject({ kind: "committed" });
  });

  test("that cannot be read stops every write, and says which it is", async () => {
    const session = await changingTable(under.compute);
    await expect(addConstraint(session, "odd", "n ~~ 3")).rejects.toMatchObject({
      message: expect.stringContaining("odd"),
    });
  });

  test("is not passed by a commit that did not look at its rows", async () => {
    const session = await constrained();
    const add = { path: "x.parquet", partitionValues: {}, size: 1, modificationTime: 1, dataChange: true };
    await expect(
      session.table.commit({ actions: [{ add }], isBlindAppend: true, operation: "WRITE" }),
    ).rejects.toMatchObject({ code: "UNSUPPORTED_FEATURE", details: { features: ["checkConstraints"] } });
  });
});

describe("a generated column", () => {
  const schema: Schema = {
    kind: "struct",
    fields: {
      id: { type: { kind: "long" }, nullable: true },
      at: { type: { kind: "timestamp" }, nullable: true },
      day: { type: { kind: "date" }, nullable: true, metadata: { "delta.generationExpression": "CAST(at AS DATE)" } },
    },
  };
  const source = (day: number | undefined) =>
    sourceOfRows(
      rowSet(
        {
          id: { kind: "long" },
          at: { kind: "timestamp" },
          ...(day === undefined ? {} : { day: { kind: "date" } as const }),
        },
        { id: [1n], at: [86_400_000_000n], ...(day === undefined ? {} : { day: [day] }) },
      ),
    );

  test("is computed where the rows lack it", async () => {
    const session = await changingTable(under.compute, { schema, partitionBy: ["day"] });
    await appendRows(session, source(undefined));
    expect(await rowTexts(session)).toEqual(['{"id":1,"at":"1970-01-02T00:00:00.000000Z","day":"1970-01-02"}']);
  });

  test("is held to its expression where the rows bring it", async () => {
    const session = await changingTable(under.compute, { schema });
    await appendRows(session, source(1));
    await expect(appendRows(session, source(2))).rejects.toMatchObject({
      code: "CONSTRAINT_VIOLATED",
      details: { rule: "GENERATED day" },
    });
  });

  test("follows an update of what it is made of", async () => {
    const session = await changingTable(under.compute, { schema });
    await appendRows(session, source(undefined));
    const at = { kind: "literal", value: "1970-01-05T00:00:00Z", type: { kind: "timestamp" } } as const;
    await updateRows(session, { set: { at } });
    expect(await rowTexts(session)).toEqual(['{"id":1,"at":"1970-01-05T00:00:00.000000Z","day":"1970-01-05"}']);
  });
});

test("an invariant of a column stops a row that breaks it", async () => {
  const invariant = JSON.stringify({ expression: { expression: "id > 3" } });
  const schema: Schema = {
    kind: "struct",
    fields: { id: { type: { kind: "long" }, nullable: true, metadata: { "delta.invariants": invariant } } },
  };
  const session = await changingTable(under.compute, { schema });
  const rows = (id: bigint) => sourceOfRows(rowSet({ id: { kind: "long" } }, { id: [id] }));
  expect(await appendRows(session, rows(4n))).toMatchObject({ kind: "committed" });
  await expect(appendRows(session, rows(3n))).rejects.toMatchObject({
    code: "CONSTRAINT_VIOLATED",
    details: { rule: "INVARIANT id" },
  });
});

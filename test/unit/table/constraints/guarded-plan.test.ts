import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isDyneError } from "../../../../shared/core/index.ts";
import type { Snapshot } from "../../../../shared/delta/index.ts";
import { guardedPlan } from "../../../../shared/table/index.ts";
import type { DataType, Schema, StructField } from "../../../../shared/plan/index.ts";
import {
  openCompute,
  rowSet,
  rowsOf,
  scan,
  schemaOf,
  type ComputeUnderTest,
} from "../../../support/compute-under-test.ts";

let under: ComputeUnderTest;
beforeAll(async () => {
  under = await openCompute();
});
afterAll(async () => {
  await under[Symbol.asyncDispose]();
});

const long: DataType = { kind: "long" };
const text: DataType = { kind: "string" };
const table = (
  fields: Readonly<Record<string, StructField>>,
  configuration: Readonly<Record<string, string>> = {},
): Pick<Snapshot, "schema" | "metadata"> => {
  const schema: Schema = { kind: "struct", fields };
  const format = { provider: "parquet", options: {} };
  return { schema, metadata: { id: "t", format, schemaString: "", partitionColumns: [], configuration } };
};
const required = (type: DataType): StructField => ({ type, nullable: false });
const optional = (type: DataType): StructField => ({ type, nullable: true });

describe("the rows of a plan, guarded for a table", () => {
  test("come in the table's columns and order, with NULL where the plan has none, and further columns last", async () => {
    const rows = rowSet({ note: text, id: long }, { note: ["x"], id: [1n] });
    const plan = guardedPlan(table({ id: required(long), day: optional(text) }), scan("rows", rows.schema));
    const [row] = await rowsOf(under.compute, { rows }, plan);
    expect(Object.entries(row ?? {})).toEqual([
      ["id", 1n],
      ["day", null],
      ["note", "x"],
    ]);
  });

  test("stop at a NULL in a column that is NOT NULL, naming the rule and the row", async () => {
    const rows = rowSet({ id: long, at: text }, { id: [1n, null, 3n], at: ["a", "b\n", "c"] });
    const plan = guardedPlan(table({ id: required(long), at: optional(text) }), scan("rows", rows.schema));
    const error = await rowsOf(under.compute, { rows }, plan).catch((caught: unknown) => caught);
    if (!isDyneError(error)) throw error;
    expect(error).toMatchObject({ code: "CONSTRAINT_VIOLATED", kind: "data" });
    expect(error.details).toEqual({
      rule: "NOT NULL id",
      condition: "id IS NOT NULL",
      row: '{"id":null,"at":"b\\n"}',
    });
    expect(error.message).toContain("NOT NULL id");
  });

  test("stop where a column that is NOT NULL is not among those of the plan", async () => {
    const rows = rowSet({ at: text }, { at: ["a"] });
    const plan = guardedPlan(table({ id: required(long), at: optional(text) }), scan("rows", rows.schema));
    await expect(rowsOf(under.compute, { rows }, plan)).rejects.toMatchObject({ code: "CONSTRAINT_VIOLATED" });
  });

  test.each([
    ["whose struct is NULL are kept", "case when id = 1 then null", false],
    ["whose struct is there stop", "always", true],
  ])("with a required field %s", async (_name, how, stops) => {
    const struct: DataType = { kind: "struct", fields: { inner: required(long) } };
    const rows = rowSet({ id: long }, { id: [1n] });
    const made = {
      kind: "call" as const,
      name: "named_struct",
      args: [
        { kind: "literal" as const, value: "inner", type: text },
        { kind: "literal" as const, value: null, type: long },
      ],
    };
    const expression =
      how === "always"
        ? made
        : {
            kind: "case" as const,
            branches: [
              {
                when: {
                  kind: "call" as const,
                  name: "ne",
                  args: [
                    { kind: "column" as const, name: "id" },
                    { kind: "literal" as const, value: 1, type: long },
                  ],
                },
                then: made,
              },
            ],
            otherwise: undefined,
          };
    const input = {
      kind: "project" as const,
      input: scan("rows", rows.schema),
      columns: [
        { name: "id", expression: { kind: "column" as const, name: "id" } },
        { name: "s", expression },
      ],
    };
    const plan = guardedPlan(table({ id: optional(long), s: optional(struct) }), input);
    const outcome = rowsOf(under.compute, { rows }, plan);
    if (stops) await expect(outcome).rejects.toMatchObject({ details: { rule: "NOT NULL s.inner" } });
    else expect(await outcome).toEqual([{ id: 1n, s: null }]);
  });

  test("of none of the table's columns are refused", () => {
    const plan = scan("rows", schemaOf({ other: long }));
    expect(() => guardedPlan(table({ id: required(long) }), plan)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });
});

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  DataFrame,
  lit,
  quoteName,
  quoteText,
  read,
  renderLiteral,
  renderPlan,
  string,
  struct,
  timestamp,
  decimal,
  binary,
  long,
  date,
} from "../../../shared/plan/index.ts";
import type { LogicalPlan } from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

let session: DuckDbSession;
beforeAll(async () => {
  session = await DuckDbSession.open();
});
afterAll(async () => session[Symbol.asyncDispose]());

const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    "'",
    '"',
    "''",
    '"" OR 1=1 --',
    "'; DROP TABLE t; --",
    "\\",
    "\\'",
    "`",
    "$$",
    "--",
    "/*",
    "\n",
    "\u2019",
    "%s",
    "E'\\x41'",
    "\0",
    "a\0'b",
  ),
);
const name = hostile.filter(
  (text) =>
    text !== "" &&
    !text.includes("\0") &&
    text.isWellFormed() &&
    text !== "__proto__" &&
    !text.toLowerCase().startsWith("__dyne"),
);

describe("names and literals in SQL", () => {
  it("come back as they were, whatever they contain", async () => {
    await fc.assert(
      fc.asyncProperty(hostile, name, async (text, column) => {
        const frame = read({ name: "t", schema: struct({ [column]: string() }) });
        const input = frame.columns[column] as (typeof frame.columns)[string];
        const plan: LogicalPlan = {
          kind: "project",
          input: frame.plan,
          columns: [
            { name: column, expression: lit(text, string()).expression },
            { name: "same", expression: input.eq(text).expression },
          ],
        };
        const rows = await session.query(new DataFrame(plan).plan, {
          t: `SELECT ${quoteText(text, "duckdb")} AS ${quoteName(column, "duckdb")}`,
        });
        expect(rows).toEqual([{ [column]: text, same: true }]);
      }),
      { numRuns: 150 },
    );
  });

  it("come back from JSON with hostile field names", async () => {
    await fc.assert(
      fc.asyncProperty(
        name,
        hostile.filter((text) => text.isWellFormed()),
        async (field, text) => {
          const { fromJson } = await import("../../../shared/plan/index.ts");
          const schema = struct({ [field]: string() });
          const { value, error } = await session.evaluate(
            { body: [JSON.stringify({ [field]: text }), string()] },
            ({ body }) => fromJson(body, schema, { unknownFields: "reject" }),
          );
          expect(error).toBeNull();
          expect(value).toEqual({ [field]: text });
        },
      ),
      { numRuns: 100 },
    );
  });

  it("cannot leave their quotes in Spark", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const quoted = quoteText(text, "spark");
        // Between the outer quotes, every quote and every backslash is escaped.
        expect(quoted.slice(1, -1)).toMatch(/^(?:[^'\\\0]|\\['\\]|\\u0000)*$/);
      }),
    );
    expect(quoteName("a`b", "spark")).toBe("`a``b`");
  });

  it("are refused where no dialect can spell them", () => {
    expect(() => quoteName("a\0b", "duckdb")).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    expect(() => lit("\ud800", string())).toThrow(expect.objectContaining({ code: "TYPE_MISMATCH" }));
    expect(() => struct({ a: string(), A: string() })).toThrow(expect.objectContaining({ code: "DUPLICATE_NAME" }));
    expect(() => struct({ __dyne_1: string() })).toThrow(expect.objectContaining({ code: "INVALID_PIPELINE" }));
  });

  it("have the form of their type", () => {
    expect(renderLiteral({ kind: "literal", value: "2001-01-10T05:55:00.000Z", type: timestamp() }, "duckdb")).toBe(
      "CAST('2001-01-10T05:55:00.000Z' AS TIMESTAMP WITH TIME ZONE)",
    );
    const wrong = [
      ["2001-01-10", timestamp()],
      ["2001-02-30", date()],
      ["1.234", decimal(5, 2)],
      ["%", binary()],
      [1.5, long()],
      [2n ** 63n, long()],
    ] as const;
    for (const [value, type] of wrong) {
      expect(() => renderLiteral({ kind: "literal", value, type }, "duckdb")).toThrow(
        expect.objectContaining({ code: "TYPE_MISMATCH" }),
      );
    }
  });

  it("reach a row error's message without leaving it", async () => {
    const { error } = await session.evaluate({ v: ["'; DROP TABLE x; --", string()] }, ({ v }) => v.cast(long()));
    expect(error).toBe(`cannot cast "'; DROP TABLE x; --" to bigint`);
    expect(
      renderPlan(read({ name: "t", schema: struct({ "a'b": string() }) }).plan, {
        dialect: "duckdb",
        relations: () => "t",
        rowErrors: "fail",
      }),
    ).toBe(`SELECT "a'b" FROM t`);
  });
});

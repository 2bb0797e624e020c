/**
 * The functions of the table as texts of SQL: what is rendered for Spark can be read, and means the same. So expressions that people and
 * tables write know every function that queries know.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isDyneError } from "../../../../shared/core/index.ts";
import {
  functionTable,
  parseExpression,
  renderScalar,
  someExpression,
  typeName,
  typeOf,
} from "../../../../shared/plan/index.ts";
import type { Expression } from "../../../../shared/plan/index.ts";
import {
  higherOrderNames,
  namedFunctions,
  unnamedFunctions,
} from "../../../../shared/plan/sql/expression-functions.ts";
import { DuckDbAnswers } from "../../../interop/functions/answers.ts";
import { functionsOf, probes, type Probe } from "../../../interop/functions/index.ts";

/** What SQL says by means that dyne does not read: intervals, and casts to maps. */
const unread = new Set(["window", "windows", "plus_seconds", "plus_minutes", "plus_hours", "to_json"]);
const rowsMax = 6;

const textIn =
  ({ schema }: Probe) =>
  (expression: Expression): string =>
    renderScalar(expression, schema, { dialect: "spark" });

function readableOf(probe: Probe): readonly (readonly [string, Expression])[] {
  return Object.entries(probe.expressions).filter(
    ([, each]) => !calls(each, (name) => unread.has(name)) && !textIn(probe)(each).includes("_interval("),
  );
}

const calls = (expression: Expression, test: (name: string) => boolean): boolean =>
  someExpression(expression, (inner) => (inner.kind === "call" || inner.kind === "higherOrder") && test(inner.name));

describe("the functions of the table in texts", () => {
  it("are all there, but for those that have no name in SQL or another meaning", () => {
    const scalars = functionTable.filter(({ kind, doc }) => kind === "scalar" && doc !== undefined);
    const missing = scalars.map(({ name }) => name).filter((name) => !Object.hasOwn(namedFunctions, name));
    expect(missing.filter((name) => !unnamedFunctions.has(name))).toEqual([]);
    const names = new Set(scalars.map(({ name }) => name));
    expect([...unnamedFunctions].filter((name) => !names.has(name))).toEqual([]);
    expect([...higherOrderNames]).toEqual(
      functionTable.filter(({ kind }) => kind === "higherOrder").map(({ name }) => name),
    );
  });

  it.each(Object.keys(namedFunctions))("%s refuses arguments that it does not take, with their place", (name) => {
    const schema = probes[0]!.schema;
    for (const args of ["", "array(array(1))", "1, 2, 3, 4, 5, 6, 7, 8, 9"]) {
      try {
        parseExpression(`${name}(${args})`, schema);
      } catch (error) {
        if (!isDyneError(error)) throw error;
        expect(error.message).toContain("at character");
      }
    }
  });

  let duckdb: DuckDbAnswers;
  beforeAll(async () => {
    duckdb = await DuckDbAnswers.open();
  });
  afterAll(async () => duckdb[Symbol.asyncDispose]());

  const scalars = probes.filter(({ kind }) => kind === "scalars");
  it.each(scalars.map((probe) => [probe.title, probe] as const))(
    "%s: read from Spark's text",
    async (_title, probe) => {
      const text = (expression: Expression): string => renderScalar(expression, probe.schema, { dialect: "spark" });
      const readable = Object.entries(probe.expressions).filter(
        ([, each]) => !calls(each, (name) => unread.has(name)) && !text(each).includes("_interval("),
      );
      const read = readable.map(([name, expression]) => {
        const parsed = parseExpression(text(expression), probe.schema);
        expect(typeName(typeOf(parsed, probe.schema)), text(expression)).toBe(
          typeName(typeOf(expression, probe.schema)),
        );
        return [name, parsed] as const;
      });
      const texts = { ...probe, expressions: Object.fromEntries(read) };
      const same = { ...probe, expressions: Object.fromEntries(readable) };
      const rows = probe.rows(4).slice(0, rowsMax);
      expect(await duckdb.of(texts, rows)).toEqual(await duckdb.of(same, rows));
    },
  );

  it("were all read in some text", () => {
    const called = functionTable.filter(
      ({ kind, doc, name }) => doc !== undefined && !unread.has(name) && kind !== "window",
    );
    const scalar = called.filter(({ kind }) => kind !== "aggregate").map(({ kind, name }) => `${kind} ${name}`);
    const asked = new Set(
      scalars.flatMap((probe) => {
        const read = readableOf(probe).map(([name, each]) => [
          name,
          parseExpression(textIn(probe)(each), probe.schema),
        ]);
        return [...functionsOf({ ...probe, expressions: Object.fromEntries(read) as Probe["expressions"] })];
      }),
    );
    // What Spark's text says in other words.
    expect(scalar.filter((name) => !asked.has(name))).toEqual(["scalar nvl2"]);
  });
});

/** The inputs with which test:interop holds the functions against Spark, here in DuckDB alone. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { functionTable, mapExpression } from "../../../../shared/plan/index.ts";
import type { Expression, LambdaVariable } from "../../../../shared/plan/index.ts";
import { DuckDbAnswers } from "../../../interop/functions/answers.ts";
import { functionsOf, probes, type Probe } from "../../../interop/functions/index.ts";

/** Enough to meet every edge; test:interop takes all. */
const rowsMax = 60;
/** So many rows are computed a second time, within a lambda. */
const lambdaRowsMax = 12;

describe("the inputs for functions", () => {
  it("ask for every function that queries call", () => {
    const asked = new Set(probes.flatMap((probe) => [...functionsOf(probe)]));
    const called = functionTable.filter(({ doc, kind }) => doc !== undefined && kind !== "window");
    expect(called.map(({ kind, name }) => `${kind} ${name}`).filter((name) => !asked.has(name))).toEqual([]);
  });

  let duckdb: DuckDbAnswers;
  beforeAll(async () => {
    duckdb = await DuckDbAnswers.open();
  });
  afterAll(async () => duckdb[Symbol.asyncDispose]());

  it.each(probes.map((probe) => [probe.title, probe] as const))(
    "%s: DuckDB gives values of the type that the table says, and never throws",
    async (_title, probe) => {
      const rows = probe.rows(2).slice(0, rowsMax);
      const answers = await duckdb.of(probe, rows);
      expect(Object.keys(answers)).toEqual(Object.keys(probe.expressions));
    },
    30_000,
  );

  const scalars = probes.filter(({ kind }) => kind === "scalars");
  it.each(scalars.map((probe) => [probe.title, probe] as const))(
    "%s: in a lambda the answers are the same, and the errors",
    async (_title, probe) => {
      const rows = probe.rows(3).slice(0, lambdaRowsMax);
      const within = await duckdb.of(withinLambda(probe), rows);
      const wrapped = Object.entries(await duckdb.of(probe, rows)).map(([name, answers]) => [
        name,
        answers.map((answer) => ("error" in answer ? answer : { value: [answer.value] })),
      ]);
      expect(within).toEqual(Object.fromEntries(wrapped));
    },
    30_000,
  );
});

/** The expressions of a probe over the one element of an array, which is a struct of the columns. */
function withinLambda(probe: Probe): Probe {
  const column = (name: string): Expression => ({ kind: "column", name });
  const names = Object.keys(probe.schema.fields);
  const text = (value: string): Expression => ({ kind: "literal", value, type: { kind: "string" } });
  const row: Expression = {
    kind: "call",
    name: "named_struct",
    args: names.flatMap((name) => [text(name), column(name)]),
  };
  const variable: LambdaVariable = { kind: "variable", name: "row", type: probe.schema };
  const inside = (expression: Expression): Expression => ({
    kind: "higherOrder",
    name: "transform",
    args: [{ kind: "call", name: "array", args: [row] }],
    lambdas: [
      {
        parameters: [variable],
        body: mapExpression(expression, (inner) =>
          inner.kind === "column" ? { kind: "field", input: variable, name: inner.name } : undefined,
        ),
      },
    ],
  });
  const expressions = Object.entries(probe.expressions).map(([name, each]) => [name, inside(each)] as const);
  return { ...probe, expressions: Object.fromEntries(expressions) };
}

/** The inputs with which test:interop holds the functions against Spark, here in DuckDB alone. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { functionTable } from "../../../../shared/plan/index.ts";
import { DuckDbAnswers } from "../../../interop/functions/answers.ts";
import { functionsOf, probes } from "../../../interop/functions/index.ts";

/** Enough to meet every edge; test:interop takes all. */
const rowsMax = 60;

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
});

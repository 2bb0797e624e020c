/** Lists and sets of values: the same for the same rows, whatever order they come in. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collectList, collectSet, double, namedStruct, read, struct, toJson } from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

const frame = read({ name: "t", schema: struct({ x: double() }) })
  .groupBy()
  .agg(({ x }) => ({ list: collectList(x), structs: collectList(namedStruct({ x })), set: collectSet(x) }))
  .select(({ list, structs, set }) => ({ shown: toJson(namedStruct({ list, structs, set })) }));

const valuesOf = (...values: readonly string[]): string =>
  `SELECT CAST(x AS DOUBLE) AS x FROM (VALUES ${values.map((value) => `(${value})`).join(", ")}) AS v(x)`;
const minus = "-0.0::DOUBLE";

describe("collected values", () => {
  let duckdb: DuckDbSession;
  beforeAll(async () => {
    duckdb = await DuckDbSession.open();
  });
  afterAll(async () => duckdb[Symbol.asyncDispose]());

  const four = ["-0.0", "-0.0", "0.0", "0.0"];
  const structs = (values: readonly string[]): string => values.map((value) => `{"x":${value}}`).join(",");

  it.each([
    { of: "zeros of both signs", t: valuesOf("0", minus, "0", minus), list: four, set: ["0.0"] },
    { of: "the same in another order", t: valuesOf(minus, "0", minus, "0"), list: four, set: ["0.0"] },
    { of: "a negative zero alone", t: valuesOf(minus), list: ["-0.0"], set: ["0.0"] },
    {
      of: "NaN and infinities",
      t: valuesOf("'NaN'", "'Infinity'", "'1'", "'-Infinity'", "'NaN'"),
      list: ['"-Infinity"', "1.0", '"Infinity"', '"NaN"', '"NaN"'],
      set: ['"-Infinity"', "1.0", '"Infinity"', '"NaN"'],
    },
  ])("of $of", async ({ t, list, set }) => {
    const [row] = await duckdb.query(frame.plan, { t });
    expect(row?.["shown"]).toBe(`{"list":[${list.join(",")}],"structs":[${structs(list)}],"set":[${set.join(",")}]}`);
  });

  it("of NULLs alone are empty", async () => {
    const [row] = await duckdb.query(frame.plan, { t: valuesOf("NULL", "NULL") });
    expect(row?.["shown"]).toBe('{"list":[],"structs":[{"x":null},{"x":null}],"set":[]}');
  });
});

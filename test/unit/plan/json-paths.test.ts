/** Values at paths of JSON text; the rows are Spark's answers, which test:interop asks for again. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { getJsonObject, parseExpression, read, renderPlan, string, struct } from "../../../shared/plan/index.ts";
import type { Expression } from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";

const schema = struct({ json: string(), path: string() });
const frame = read({ name: "t", schema });
const { json } = frame.columns;
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

describe("a value at a path of JSON", () => {
  let duckdb: DuckDbSession;
  beforeAll(async () => {
    duckdb = await DuckDbSession.open();
  });
  afterAll(async () => duckdb[Symbol.asyncDispose]());

  async function valueOf(expression: Expression, text: string): Promise<unknown> {
    const sql = renderPlan(
      { kind: "project", input: frame.plan, columns: [{ name: "value", expression }] },
      { dialect: "duckdb", relations: () => `(SELECT ${quoted(text)} AS json, '' AS path)`, rowErrors: "fail" },
    );
    const [row] = await duckdb.rows(sql);
    return row?.["value"];
  }

  it.each([
    ['{"a":"x\\n\\u0041"}', "$.a", "x\nA"],
    ['{"a":{"b" : [1, null,"é"] }}', "$.a", '{"b":[1,null,"é"]}'],
    ['{"a":[{"b c":1},{"b c":true}]}', "$.a[1]['b c']", "true"],
    ['{"a":1}', "$.b", null],
    ['{"a":1}', "$.a.b", null],
    ['{"a":[{"b":1}]}', "$.a.b", null],
    ['{"a":null}', "$.a", null],
    ['{"a":[null]}', "$.a[0]", "null"],
    ["null", "$", "null"],
    ['{"a":1e10}', "$.a", "1.0E10"],
    ['{"a":-0.00025}', "$.a", "-2.5E-4"],
    ['{"a":12345678.9}', "$.a", "1.23456789E7"],
    ['{"a":9999999.50}', "$.a", "9999999.5"],
    ['{"a":-0.0}', "$.a", "-0.0"],
    ['{"a":-1e400}', "$.a", '"-Infinity"'],
    ['{"a":123456789012345678901234567890}', "$.a", "123456789012345678901234567890"],
    ['{"a":1', "$.a", null],
    ['{"a":1,}', "$.a", null],
    ['{"a":1,"b":NaN}', "$.a", null],
    ['{"a":"NaN,]"}', "$.a", "NaN,]"],
    ['{"a\\"b":3}', '$.a"b', "3"],
    ["", "$", null],
  ])("of %s at %s is %j", async (text, path, value) => {
    expect(await valueOf(getJsonObject(json, path).expression, text)).toBe(value);
    const read = parseExpression(`get_json_object(json, "${path.replaceAll('"', '\\"')}")`, schema);
    expect(await valueOf(read, text)).toBe(value);
  });

  it.each([
    ['{"a":1,"a":2}', "1"],
    ['{"a":null,"a":2}', null],
    ['{"a":1} x', null],
    ["{'a':1}", null],
    ['{"a":"\t"}', null],
    ['{"a":[1e10,"🤦"]}', '[10000000000.0,"🤦"]'],
    [`{"a":1,"b":${"[".repeat(1_001)}${"]".repeat(1_001)}}`, "1"],
    [`{"a":1,"b":${"7".repeat(1_001)}}`, "1"],
    [`{"a":1,"${"b".repeat(50_001)}":2}`, "1"],
  ])("of %.80s is what the documentation says, not what Spark gives", async (text, value) => {
    expect(await valueOf(getJsonObject(json, "$.a").expression, text)).toBe(value);
  });

  it.each(["", "a", "$a", "$.", "$..a", "$.*", "$[*]", "$['*']", "$.a*", "$. a", "$[' a']", "$[-1]", "$['a", "$.a[x]"])(
    "refuses the path %j when the query is built, and in a text",
    (path) => {
      const refused = expect.objectContaining({
        code: "TYPE_MISMATCH",
        message: expect.stringContaining("get_json_object needs its path as a literal from $") as string,
      });
      expect(() => frame.select(() => ({ value: getJsonObject(json, path) }))).toThrow(refused);
      expect(() => parseExpression(`get_json_object(json, "${path}")`, schema)).toThrow(
        "needs its path as a literal from $",
      );
    },
  );

  it("refuses a path that is a column", () => {
    expect(() => parseExpression("get_json_object(json, path)", schema)).toThrow("needs its path as a literal");
  });
});

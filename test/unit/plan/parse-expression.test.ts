import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isDyneError, limits } from "../../../shared/core/index.ts";
import {
  parseExpression,
  parsePredicate,
  renderPlan,
  typeName,
  typeOf,
  type DataType,
  type Expression,
  type LogicalPlan,
  type Schema,
} from "../../../shared/plan/index.ts";
import { DuckDbSession, type Json } from "./duckdb-session.ts";

const types: Readonly<Record<string, DataType>> = {
  id: { kind: "long" },
  small: { kind: "integer" },
  amount: { kind: "double" },
  price: { kind: "decimal", precision: 10, scale: 2 },
  state: { kind: "string" },
  Birth: { kind: "date" },
  at: { kind: "timestamp" },
  active: { kind: "boolean" },
  nothing: { kind: "string" },
  "my column": { kind: "long" },
  "a.b": { kind: "long" },
  s: {
    kind: "struct",
    fields: {
      x: { type: { kind: "long" }, nullable: true },
      Inner: { type: { kind: "struct", fields: { y: { type: { kind: "string" }, nullable: true } } }, nullable: true },
    },
  },
};
const schema: Schema = {
  kind: "struct",
  fields: Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type, nullable: true }])),
};
const row = `SELECT 7::BIGINT AS id, 3::INTEGER AS small, 2.5::DOUBLE AS amount, 12.34::DECIMAL(10,2) AS price, 'NV' AS state,
  DATE '1990-05-06' AS "Birth", TIMESTAMPTZ '2001-02-03 04:05:06+00' AS at, TRUE AS active, NULL::VARCHAR AS nothing,
  5::BIGINT AS "my column", 6::BIGINT AS "a.b", {'x': 8::BIGINT, 'Inner': {'y': 'deep'}} AS s`;

let session: DuckDbSession;
beforeAll(async () => {
  session = await DuckDbSession.open();
});
afterAll(async () => {
  await session[Symbol.asyncDispose]();
});

async function valueOf(expression: Expression): Promise<Json> {
  const scan: LogicalPlan = { kind: "scan", source: "t", schema, streaming: false };
  const plan: LogicalPlan = { kind: "project", input: scan, columns: [{ name: "value", expression }] };
  const sql = renderPlan(plan, { dialect: "duckdb", relations: () => `(${row})`, rowErrors: "fail" });
  const [only] = await session.rows(sql);
  return only!["value"]!;
}

/** Text, Spark's answer with ANSI on over the row, and the type. 64-bit numbers, decimals, dates and times are text. */
const answers: readonly (readonly [string, Json, string])[] = [
  ["id", "7", "bigint"],
  ["ID", "7", "bigint"],
  ["birth", "1990-05-06", "date"],
  ["`my column` + `a.b`", "11", "bigint"],
  ["s.X + 1", "9", "bigint"],
  ["s.inner.y", "deep", "string"],
  ["1", 1, "int"],
  ["3000000000", "3000000000", "bigint"],
  ["-2147483648", -2147483648, "int"],
  ["-9223372036854775808", "-9223372036854775808", "bigint"],
  ["1L", "1", "bigint"],
  ["id & 3 = 3", true, "boolean"],
  ["1 | 6 ^ 2 & 3 + 4", 5, "int"],
  ["~ 5 * 2", -12, "int"],
  ["17 div 5 * 2", "6", "bigint"],
  ["lpad('a', 3)", "  a", "string"],
  ["regexp_extract('ab', '(a)')", "a", "string"],
  ["sha2('a', 256)", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb", "string"],
  ["to_date('05/06/1990', 'MM/dd/yyyy')", "1990-05-06", "date"],
  ["element_at(sort_array(array(3, 1, null)), -1)", 3, "int"],
  ["1S", 1, "smallint"],
  ["1Y", 1, "tinyint"],
  ["1.50", "1.50", "decimal(3,2)"],
  [".5", "0.5", "decimal(1,1)"],
  ["1e2", 100, "double"],
  ["1.5D", 1.5, "double"],
  ["1.5BD", "1.5", "decimal(2,1)"],
  ["'it''s'", "it's", "string"],
  [String.raw`'a\tb\'c\\d'`, "a\tb'c\\d", "string"],
  [String.raw`'\u0041\101'`, "AA", "string"],
  [`"double"`, "double", "string"],
  ["'one' 'two'", "onetwo", "string"],
  ["DATE '2001-02-03'", "2001-02-03", "date"],
  ["TIMESTAMP '2001-02-03 04:05:06' = at", true, "boolean"],
  ["TIMESTAMP '2001-02-03T05:05:06+01:00' = at", true, "boolean"],
  ["true", true, "boolean"],
  ["1 + 2 * 3", 7, "int"],
  ["(1 + 2) * 3", 9, "int"],
  ["10 - 4 - 3", 3, "int"],
  ["- small + 1", -2, "int"],
  ["- - small", 3, "int"],
  ["-(-2)", 2, "int"],
  ["7 % 4", 3, "int"],
  ["7 / 2", 3.5, "double"],
  ["id + small", "10", "bigint"],
  ["price * 2", "24.68", "decimal(21,2)"],
  ["'1.5' + 1", 2.5, "double"],
  ["state || '-' || small", "NV-3", "string"],
  ["amount > 3 and state = 'NV'", false, "boolean"],
  ["active or amount > 3 and state = 'CA'", true, "boolean"],
  ["(active or amount > 3) and state = 'CA'", false, "boolean"],
  ["not active or active", true, "boolean"],
  ["not (active or active)", false, "boolean"],
  ["not active = false", true, "boolean"],
  ["NOT NOT active", true, "boolean"],
  ["! active", false, "boolean"],
  ["active and not amount between 1 and 2", true, "boolean"],
  ["amount between 1 and 3 and active", true, "boolean"],
  ["amount not between 1 and 3", false, "boolean"],
  ["birth > '1900-01-01'", true, "boolean"],
  ["'1900-01-01' < birth", true, "boolean"],
  ["birth between '1990-01-01' and '1990-12-31'", true, "boolean"],
  ["birth < at", true, "boolean"],
  ["at >= '2001-02-03'", true, "boolean"],
  ["id = '7'", true, "boolean"],
  ["state <> 'NV'", false, "boolean"],
  ["state != 'CA'", true, "boolean"],
  ["id == 7", true, "boolean"],
  ["nothing = 'x'", null, "boolean"],
  ["nothing <=> null", true, "boolean"],
  ["nothing <=> 'x'", false, "boolean"],
  ["nothing is null", true, "boolean"],
  ["nothing IS NOT NULL", false, "boolean"],
  ["nothing is distinct from 'x'", true, "boolean"],
  ["nothing is not distinct from null", true, "boolean"],
  ["active is true", true, "boolean"],
  ["(nothing = 'x') is not true", true, "boolean"],
  ["null is true", false, "boolean"],
  ["state in ('NV', 'CA')", true, "boolean"],
  ["state not in ('NV', 'CA')", false, "boolean"],
  ["id in (1, 2, null)", null, "boolean"],
  ["id in (7, null)", true, "boolean"],
  ["birth in ('1990-05-06')", true, "boolean"],
  ["state like 'N%'", true, "boolean"],
  ["state not like '_V'", false, "boolean"],
  [String.raw`'100%' like '100\%'`, true, "boolean"],
  [String.raw`state rlike '^N.$'`, true, "boolean"],
  ["case when amount > 2 then 'big' when active then 'on' else null end", "big", "string"],
  ["case state when 'CA' then 1 when 'NV' then 2 end", 2, "int"],
  ["case when active then 1 else 2.5 end", "1.0", "decimal(11,1)"],
  ["cast('12' as int)", 12, "int"],
  ["'12'::bigint", "12", "bigint"],
  ["CAST(at AS DATE)", "2001-02-03", "date"],
  ["cast(amount as decimal(5,1))", "2.5", "decimal(5,1)"],
  ["try_cast('x' as int)", null, "int"],
  ["cast(null as date)", null, "date"],
  ["year(at) * 100 + month(at)", 200102, "int"],
  ["year(birth)", 1990, "int"],
  ["day('2001-02-03')", 3, "int"],
  ["hour(at)", 4, "int"],
  ["date_trunc('MONTH', at) = TIMESTAMP '2001-02-01 00:00:00'", true, "boolean"],
  ["datediff(DATE '2001-02-03', DATE '2001-02-01')", 2, "int"],
  ["date_sub(birth, 6)", "1990-04-30", "date"],
  ["to_date('2001-02-03')", "2001-02-03", "date"],
  ["upper(lower(state))", "NV", "string"],
  ["substring(state, 2)", "V", "string"],
  ["substr(state, 1, 1)", "N", "string"],
  ["length(state)", 2, "int"],
  ["concat(state, 1, true)", "NV1true", "string"],
  ["coalesce(nothing, state)", "NV", "string"],
  ["nvl(null, 5)", 5, "int"],
  ["if(active, 1, 0)", 1, "int"],
  ["greatest(1, 2.5, small)", "3.0", "decimal(11,1)"],
  ["isnull(nothing) and isnotnull(state)", true, "boolean"],
  ["1 < 2 = true", true, "boolean"],
  ["X'41'", "A", "binary"],
];

describe("expressions of Spark's SQL", () => {
  for (const [text, value, type] of answers) {
    it(`${text} is ${JSON.stringify(value)}: ${type}`, async () => {
      const expression = parseExpression(text, schema);
      expect(typeName(typeOf(expression, schema))).toBe(type);
      expect(await valueOf(expression)).toEqual(value);
    });
  }

  it.each<[string, string, number, string]>([
    ["", "INVALID_ARGUMENT", 0, "a value is needed"],
    ["amount >", "INVALID_ARGUMENT", 8, "a value is needed"],
    ["amount > 3 4", "INVALID_ARGUMENT", 11, "cannot follow"],
    ["(amount > 3", "INVALID_ARGUMENT", 11, '")" is needed'],
    ["amount # 3", "INVALID_ARGUMENT", 7, "no part of an expression"],
    ["state = 'NV", "INVALID_ARGUMENT", 8, "not closed"],
    ["amount between 1", "INVALID_ARGUMENT", 16, "BETWEEN needs AND"],
    ["case when active then 1", "INVALID_ARGUMENT", 23, "CASE needs WHEN or END"],
    ["id = and", "INVALID_ARGUMENT", 5, "a value is needed"],
    ["99999999999999999999999999999999999999999", "INVALID_ARGUMENT", 0, "does not fit its type"],
    ["300Y", "INVALID_ARGUMENT", 0, "does not fit its type"],
    ["DATE '2001-13-01'", "INVALID_ARGUMENT", 0, "no literal"],
    ["upper()", "INVALID_ARGUMENT", 0, "0 arguments"],
    ["true and stat = 'NV'", "UNKNOWN_COLUMN", 9, 'Did you mean "state"'],
    ["s.z = 1", "UNKNOWN_COLUMN", 2, "in the struct"],
    ["id.x", "TYPE_MISMATCH", 3, "no fields"],
    ["active = 1.5", "TYPE_MISMATCH", 7, "boolean and decimal(2,1)"],
    ["birth > 'soon'", "TYPE_MISMATCH", 6, "do not go together"],
    ["id and active", "TYPE_MISMATCH", 3, "boolean"],
    ["upper(s)", "TYPE_MISMATCH", 0, "does not take"],
    ["true and uper(state) = 'X'", "UNSUPPORTED_FEATURE", 9, "the function uper (it has upper)"],
    ["current_date() > birth", "UNSUPPORTED_FEATURE", 0, "the function current_date"],
    ["rand() > 0", "UNSUPPORTED_FEATURE", 0, "the function rand"],
    ["sum(id) > 0", "UNSUPPORTED_FEATURE", 0, "over several rows"],
    ["id in (select 1)", "UNSUPPORTED_FEATURE", 7, "subqueries"],
    ["birth + interval '1' day", "UNSUPPORTED_FEATURE", 8, "intervals"],
    ["state ilike 'n%'", "UNSUPPORTED_FEATURE", 6, "ILIKE"],
    ["state like 'n!%' escape '!'", "UNSUPPORTED_FEATURE", 17, "ESCAPE"],
    ["s['x']", "UNSUPPORTED_FEATURE", 1, "elements by [ ]"],
    ["cast(state as array<int>)", "UNSUPPORTED_FEATURE", 14, "casts to array"],
  ])("%s is refused: %s at %i", (text, code, position, part) => {
    const error = refusalOf(() => parseExpression(text, schema));
    expect(error).toMatchObject({ code, details: { position, text } });
    expect(error.message).toContain(part);
    expect(error.message).toContain(`at character ${position + 1} of`);
  });

  it("is true or false where a predicate is wanted", () => {
    expect(typeOf(parsePredicate("NULL", schema), schema)).toEqual({ kind: "boolean" });
    expect(refusalOf(() => parsePredicate("amount + 1", schema)).code).toBe("TYPE_MISMATCH");
  });

  it("has a bound on its length and its depth", () => {
    expect(refusalOf(() => parseExpression("1".repeat(limits.expressionCharacters + 1), schema)).code).toBe(
      "LIMIT_EXCEEDED",
    );
    for (const [open, close] of [
      ["(", ")"],
      ["- ", ""],
      ["abs(", ")"],
      ["case when true then ", " end"],
    ] as const) {
      const deep = `${open.repeat(5_000)}1${close.repeat(5_000)}`;
      expect(isDyneError(refusalOf(() => parseExpression(deep, schema)))).toBe(true);
    }
  });

  it("is understood or refused, whatever it is", () => {
    const words = fc.constantFrom(
      ..."id small amount state birth at active nothing s . ( ) , + - * / % = <> <=> < > and or not in between like is null true case when then else end cast as int 'x' 1 2.5 date ` \" coalesce upper".split(
        " ",
      ),
    );
    const texts = fc.oneof(
      fc.string(),
      fc.array(words, { maxLength: 12 }).map((parts) => parts.join(" ")),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          typeOf(parseExpression(text, schema), schema);
        } catch (error) {
          if (!isDyneError(error)) throw error;
          expect(["INVALID_ARGUMENT", "UNKNOWN_COLUMN", "TYPE_MISMATCH", "UNSUPPORTED_FEATURE"]).toContain(error.code);
        }
      }),
      { numRuns: 5_000 },
    );
  });
});

function refusalOf(work: () => unknown) {
  try {
    work();
  } catch (error) {
    if (isDyneError(error)) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

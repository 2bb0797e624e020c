import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  array,
  boolean,
  date,
  decimal,
  double,
  fromJson,
  integer,
  long,
  string,
  struct,
  timestamp,
} from "../../../shared/plan/index.ts";
import type { FromJson, StructType } from "../../../shared/plan/index.ts";
import { DuckDbSession } from "./duckdb-session.ts";
import type { Json } from "./duckdb-session.ts";

const flight = struct({
  flight_id: string(),
  date: timestamp(),
  delay: long(),
  distance: long(),
  origin: string(),
  destination: string(),
});
const nested = struct({
  a: struct({ b: long(), t: timestamp() }),
  l: array(long()),
  s: array(struct({ q: date(), 'n"x/~': integer() })),
  m: decimal(10, 2),
  z: double(),
  ok: boolean(),
  ll: array(array(string())),
});
const strict = { unknownFields: "reject", nullInput: "reject" } as const;

let session: DuckDbSession;
beforeAll(async () => {
  session = await DuckDbSession.open();
});
afterAll(async () => session[Symbol.asyncDispose]());

async function parse(
  text: string | null,
  schema: StructType,
  options: Partial<Pick<FromJson, "unknownFields" | "nullInput">> = strict,
): Promise<{ value: Json; error: Json }> {
  return session.evaluate({ body: [text, string()] }, ({ body }) => fromJson(body, schema, options));
}

describe("fromJson of a flight", () => {
  it("reads every field in its type", async () => {
    const text =
      '{"flight_id":"F1","date":"2001-01-10T05:55:00.123456Z","delay":-7,"distance":570,"origin":"SEA","destination":"S\\u0046O\\n"}';
    expect(await parse(text, flight)).toEqual({
      value: {
        flight_id: "F1",
        date: "2001-01-10 05:55:00.123456+00",
        delay: "-7",
        distance: "570",
        origin: "SEA",
        destination: "SFO\n",
      },
      error: null,
    });
  });

  const rejected: readonly (readonly [string, string | null, string])[] = [
    ["NULL text", null, "no text: the body is empty or not UTF-8"],
    ["empty text", "", "empty body"],
    ["no JSON", "{", "not valid JSON"],
    ["a comma too many", '{"delay":1,}', "not valid JSON"],
    ["a comma too many in an array", '{"origin":[1 , ]}', "not valid JSON"],
    ["NaN", '{"delay":NaN}', "field `delay`: expected bigint, found number NaN"],
    ["an infinity", '{"delay":-Infinity}', "field `delay`: expected bigint, found number -Infinity"],
    ["more after the object", '{"delay":1} {"delay":2}', "not valid JSON"],
    ["an array", "[1]", "expected an object, found array"],
    ["a number", "5", "expected an object, found number"],
    ["null", "null", "expected an object, found null"],
    ["text for a number", '{"delay":"abc"}', 'field `delay`: expected bigint, found string "abc"'],
    ["a number in quotes", '{"delay":"5"}', 'field `delay`: expected bigint, found string "5"'],
    ["a fraction for a long", '{"delay":1.7}', "field `delay`: expected bigint, found number 1.7"],
    ["a whole number written as a fraction", '{"delay":1.0}', "field `delay`: expected bigint, found number 1.0"],
    [
      "a number beyond 64 bits",
      '{"delay":9223372036854775808}',
      "field `delay`: expected bigint, found number 9223372036854775808",
    ],
    ["a boolean for a number", '{"delay":true}', "field `delay`: expected bigint, found boolean true"],
    ["a number for text", '{"origin":5}', "field `origin`: expected string, found number 5"],
    ["an object for text", '{"origin":{"a":1}}', 'field `origin`: expected string, found object {"a":1}'],
    [
      "a day that does not exist",
      '{"date":"2001-02-30T00:00:00Z"}',
      'field `date`: expected timestamp, found string "2001-02-30T00:00:00Z"',
    ],
    [
      "a time of another form",
      '{"date":"10/01/2001 05:55"}',
      'field `date`: expected timestamp, found string "10/01/2001 05:55"',
    ],
    ["seconds for a timestamp", '{"date":979106100}', "field `date`: expected timestamp, found number 979106100"],
    ["an unknown field", '{"delay":1,"gate":"B7"}', "unknown field `gate`"],
    ["an unknown field of another case", '{"Delay":1}', "unknown field `Delay`"],
    ["a repeated field", '{"delay":1,"delay":2}', "duplicate field `delay`"],
  ];
  for (const [name, text, error] of rejected) {
    it(`gives the row an error for ${name}`, async () => {
      expect((await parse(text, flight)).error).toBe(error);
    });
  }

  it("bounds the sample of a wrong value to 80 characters", async () => {
    const { error } = await parse(JSON.stringify({ delay: "x".repeat(1_000_000) }), flight);
    expect(error).toBe(`field \`delay\`: expected bigint, found string "${"x".repeat(79)}`);
  });

  it("takes JSON's null and absent fields as NULL", async () => {
    const { value, error } = await parse('{"delay":null,"date":null,"origin":null}', flight);
    expect(error).toBeNull();
    expect(value).toEqual({
      flight_id: null,
      date: null,
      delay: null,
      distance: null,
      origin: null,
      destination: null,
    });
  });

  it("takes timestamps with another zone, with a blank, or without a zone as UTC", async () => {
    for (const text of [
      "2001-01-10T05:55:00Z",
      "2001-01-10T07:55:00+02:00",
      "2001-01-10 05:55:00",
      "2001-01-10T05:55:00.000000000Z",
    ]) {
      expect(await parse(JSON.stringify({ date: text }), flight)).toMatchObject({
        value: { date: "2001-01-10 05:55:00+00" },
        error: null,
      });
    }
  });

  it("takes the smallest and greatest long, and -0", async () => {
    expect(await parse('{"delay":-9223372036854775808,"distance":9223372036854775807}', flight)).toMatchObject({
      value: { delay: "-9223372036854775808", distance: "9223372036854775807" },
      error: null,
    });
    expect(await parse('{"delay":-0}', flight)).toMatchObject({ value: { delay: "0" }, error: null });
  });

  it("is not taken in by text that looks like lax JSON", async () => {
    expect(await parse('{"origin":"a ,] \\" ,} NaN \\\\","destination":"Inf"}', flight)).toMatchObject({ error: null });
  });

  it("ignores unknown fields and NULL text where it is asked to", async () => {
    expect(await parse('{"gate":1,"gate":2,"delay":3}', flight, {})).toMatchObject({
      value: { delay: "3" },
      error: null,
    });
    expect(await parse(null, flight, {})).toEqual({ value: null, error: null });
    expect((await parse('{"gate":1,"delay":3,"delay":4}', flight, {})).error).toBe("duplicate field `delay`");
  });
});

describe("fromJson of nested JSON", () => {
  it("reads structs, arrays, decimals and dates", async () => {
    const text =
      '{"a":{"b":1,"t":"2001-01-01T00:00:00Z"},"l":[1,null,3],"s":[{"q":"2001-01-01","n\\"x/~":4},null,{}],"m":1.25,"z":1,"ok":true,"ll":[["a"],null,["b",null]]}';
    expect(await parse(text, nested)).toEqual({
      value: {
        a: { b: "1", t: "2001-01-01 00:00:00+00" },
        l: ["1", null, "3"],
        s: [{ q: "2001-01-01", 'n"x/~': 4 }, null, { q: null, 'n"x/~': null }],
        m: "1.25",
        z: 1,
        ok: true,
        ll: [["a"], null, ["b", null]],
      },
      error: null,
    });
  });

  it("keeps NULL structs and arrays NULL", async () => {
    expect(await parse('{"a":null,"l":null}', nested)).toMatchObject({
      value: { a: null, l: null, s: null, ll: null },
      error: null,
    });
  });

  const rejected: readonly (readonly [string, string])[] = [
    ['{"a":{"b":"1"}}', 'field `a.b`: expected bigint, found string "1"'],
    ['{"a":{"c":1}}', "unknown field `a.c`"],
    ['{"a":{"b":1,"b":2}}', "duplicate field `a.b`"],
    ['{"a":5}', "field `a`: expected struct<b:bigint,t:timestamp>, found number 5"],
    ['{"l":5}', "field `l`: expected array<bigint>, found number 5"],
    ['{"l":[1,"2"]}', 'field `l[]`: expected bigint, found string "2"'],
    ['{"l":[1,18446744073709551615]}', "field `l[]`: expected bigint, found 18446744073709551615"],
    ['{"s":[{"q":"x"}]}', "field `s[].q`: expected date, found x"],
    ['{"s":[{"zz":1}]}', "unknown field `s[].zz`"],
    ['{"s":[{"q":null,"q":null}]}', "duplicate field in `s[]`"],
    ['{"s":[{"n\\"x/~":99999999999}]}', 'field `s[].n"x/~`: expected int, found 99999999999'],
    ['{"m":123456789.5}', "field `m`: expected decimal(10,2), found number 123456789.5"],
    ['{"m":1234567890123456.5}', "field `m`: expected decimal(10,2), found number 1234567890123456.5"],
    ['{"z":"1"}', 'field `z`: expected double, found string "1"'],
    ['{"z":NaN}', "field `z`: expected double, found number NaN"],
    ['{"z":1e999}', "field `z`: expected double, found number 1e999"],
    ['{"ok":"true"}', 'field `ok`: expected boolean, found string "true"'],
    ['{"ll":[["a",1]]}', "field `ll[][]`: expected string, found number 1"],
  ];
  for (const [text, error] of rejected) {
    it(`rejects ${text}`, async () => {
      expect((await parse(text, nested)).error).toBe(error);
    });
  }

  it("refuses a struct without fields when the query is built", async () => {
    await expect(parse("{}", struct({}))).rejects.toMatchObject({ code: "TYPE_MISMATCH" });
  });
});

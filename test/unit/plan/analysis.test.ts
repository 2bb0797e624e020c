import { describe, expect, it } from "vitest";
import {
  analyze,
  array,
  avg,
  binary,
  checkStreaming,
  columnsOf,
  count,
  currentTimestamp,
  date,
  decimal,
  double,
  eventTimeOf,
  fromJson,
  integer,
  isStreaming,
  lit,
  long,
  map,
  max,
  min,
  mode,
  nodesOf,
  read,
  readStream,
  rowLocal,
  rowNumber,
  sameType,
  scansOf,
  schemaOf,
  string,
  struct,
  sum,
  timestamp,
  typeName,
} from "../../../shared/plan/index.ts";
import type { Aggregate, Expression, LogicalPlan } from "../../../shared/plan/index.ts";

const flights = {
  name: "flights",
  schema: struct({
    flight_id: string(),
    at: timestamp(),
    delay: long(),
    distance: long(),
    origin: string(),
    speed: double(),
    tags: array(string()),
  }),
};
const airports = { name: "airports", schema: struct({ iata: string(), city: string() }) };
const frame = read(flights);
const stream = readStream(flights);
const code = (expected: string) => expect.objectContaining({ code: expected });
const column = (name: string): Expression => ({ kind: "column", name });
const literal = (value: number): Expression => ({ kind: "literal", value, type: long() });

describe("the names of types", () => {
  it("are Spark's", () => {
    const type = struct({
      a: long(),
      "b c": array(struct({ d: decimal(10, 2), e: map(string(), binary()) })),
      f: integer(),
      g: timestamp(),
    });
    expect(typeName(type)).toBe(
      "struct<a:bigint,`b c`:array<struct<d:decimal(10,2),e:map<string,binary>>>,f:int,g:timestamp>",
    );
  });

  it("decide whether types are the same", () => {
    expect(sameType(struct({ a: long() }), struct({ a: long() }))).toBe(true);
    expect(sameType(struct({ a: long() }), struct({ a: integer() }))).toBe(false);
    expect(sameType(decimal(10, 2), decimal(10, 3))).toBe(false);
  });

  it("refuse decimals that do not exist", () => {
    expect(() => decimal(39, 2)).toThrow(code("INVALID_ARGUMENT"));
    expect(() => decimal(5, 6)).toThrow(code("INVALID_ARGUMENT"));
  });
});

describe("the schema of a plan", () => {
  it("follows the columns through every node", () => {
    const query = frame
      .withColumns(({ at }) => ({ day: at.cast(date()) }))
      .join(read(airports), { left: "origin", right: "iata" }, "left")
      .explode("tag", ({ tags }) => tags)
      .groupBy("city", "day", "tag")
      .agg(({ delay, speed }) => ({ flights: count(), total: sum(delay), mean: avg(delay), top: max(speed) }));
    expect(typeName(query.schema)).toBe(
      "struct<city:string,day:date,tag:string,flights:bigint,total:bigint,mean:double,top:double>",
    );
  });

  it("marks the right side of a left join as nullable", () => {
    const right = {
      ...airports,
      schema: { ...airports.schema, fields: { ...airports.schema.fields, city: { type: string(), nullable: false } } },
    };
    expect(frame.join(read(right), { left: "origin", right: "iata" }, "left").schema.fields.city.nullable).toBe(true);
  });

  it("has Spark's type for sums and decimals", () => {
    const money = read({ name: "m", schema: struct({ price: decimal(10, 2), count: integer() }) });
    const query = money
      .groupBy()
      .agg(({ price, count: n }) => ({ a: sum(price), b: sum(n), c: min(price), d: avg(n) }));
    expect(typeName(query.schema)).toBe("struct<a:decimal(20,2),b:bigint,c:decimal(10,2),d:double>");
    expect(typeName(money.select(({ price }) => ({ p: price.times(price), s: price.plus(price) })).schema)).toBe(
      "struct<p:decimal(21,4),s:decimal(11,2)>",
    );
  });
});

describe("what cannot be", () => {
  const cases: readonly (readonly [string, string, RegExp, () => unknown])[] = [
    [
      "an unknown column names the nearest one",
      "UNKNOWN_COLUMN",
      /There is no column "dealy" in filter\. Did you mean "delay"\?/,
      () =>
        schemaOf({
          kind: "filter",
          input: frame.plan,
          condition: { kind: "call", name: "gt", args: [column("dealy"), literal(1)] },
        }),
    ],
    [
      "an unknown column of select",
      "UNKNOWN_COLUMN",
      /in select, column "x"/,
      () => schemaOf({ kind: "project", input: frame.plan, columns: [{ name: "x", expression: column("y") }] }),
    ],
    ["an unknown column by name", "UNKNOWN_COLUMN", /"orign".*"origin"/, () => frame.select("orign" as "origin")],
    ["an unknown column that is dropped", "UNKNOWN_COLUMN", /"orign" in drop/, () => frame.drop("orign" as "origin")],
    [
      "an unknown field",
      "UNKNOWN_COLUMN",
      /"dely".*"delay"/,
      () =>
        schemaOf({
          kind: "project",
          input: frame.plan,
          columns: [
            {
              name: "x",
              expression: {
                kind: "field",
                name: "dely",
                input: {
                  kind: "fromJson",
                  input: column("origin"),
                  schema: struct({ delay: long() }),
                  unknownFields: "ignore",
                  nullInput: "null",
                },
              },
            },
          ],
        }),
    ],
    [
      "a comparison of text with a number",
      "TYPE_MISMATCH",
      /needs values of one type, not string and bigint/,
      () => frame.filter(({ origin }) => origin.eq(lit(1, long()) as never)),
    ],
    [
      "a condition that is no boolean",
      "TYPE_MISMATCH",
      /not boolean/,
      () => frame.filter(({ delay }) => delay as never),
    ],
    [
      "a sum of text",
      "TYPE_MISMATCH",
      /sum needs .* not string/,
      () => frame.groupBy().agg(({ origin }) => ({ x: sum(origin as never) })),
    ],
    [
      "products beyond 38 digits",
      "TYPE_MISMATCH",
      /38 digits/,
      () => read({ name: "m", schema: struct({ p: decimal(30, 2) }) }).select(({ p }) => ({ x: p.times(p) })),
    ],
    [
      "a fraction for a long",
      "TYPE_MISMATCH",
      /1\.5 is no value of the type bigint/,
      () => frame.filter(({ delay }) => delay.gt(1.5)),
    ],
    [
      "a date that does not exist",
      "TYPE_MISMATCH",
      /2001-02-30/,
      () => frame.filter(({ at }) => at.gt("2001-02-30T00:00:00Z")),
    ],
    [
      "look-ahead in a pattern",
      "TYPE_MISMATCH",
      /look ahead/,
      () => schemaOf(frame.filter(({ origin }) => origin.rlike("^(?=A)")).plan),
    ],
    [
      "a broken pattern",
      "TYPE_MISMATCH",
      /valid pattern/,
      () => schemaOf(frame.filter(({ origin }) => origin.rlike("(")).plan),
    ],
    [
      "a column on both sides of a join",
      "AMBIGUOUS_COLUMN",
      /"origin"/,
      () =>
        frame.join(read({ name: "o", schema: struct({ iata: string(), origin: string() }) }), {
          left: "origin",
          right: "iata",
        }),
    ],
    [
      "a join of text with numbers",
      "TYPE_MISMATCH",
      /"delay" \(bigint\) with "iata" \(string\)/,
      () => frame.join(read(airports), { left: "delay", right: "iata" }),
    ],
    [
      "two columns of one name",
      "DUPLICATE_NAME",
      /"a" and "A"/,
      () => frame.select(({ origin, delay }) => ({ a: origin, A: delay })),
    ],
    [
      "an aggregate outside of agg",
      "INVALID_PIPELINE",
      /Use it in agg\(\)/,
      () => frame.select(({ delay }) => ({ x: max(delay) })),
    ],
    [
      "a window in a filter",
      "INVALID_PIPELINE",
      /withColumns\(\) first/,
      () =>
        frame.filter(({ origin, at }) =>
          rowNumber()
            .over({ partitionBy: [origin], orderBy: [at] })
            .eq(1),
        ),
    ],
    [
      "a row number without order",
      "INVALID_PIPELINE",
      /orderBy/,
      () => frame.select(({ origin }) => ({ n: rowNumber().over({ partitionBy: [origin] } as never) })),
    ],
    [
      "a column that is not grouped by",
      "INVALID_PIPELINE",
      /neither grouped by nor aggregated/,
      () => frame.groupBy("origin").agg(({ delay, speed }) => ({ x: max(delay).plus(speed) })),
    ],
    [
      "the mode of binary",
      "TYPE_MISMATCH",
      /mode cannot count values of binary; count their hex or base64 text/,
      () => {
        const bytes = read({ name: "b", schema: struct({ a: binary() }) });
        return bytes.groupBy().agg(({ a }) => ({ x: mode(a) }));
      },
    ],
    ["explode of text", "TYPE_MISMATCH", /needs an array/, () => frame.explode("x", ({ origin }) => origin as never)],
    ["a watermark on text", "TYPE_MISMATCH", /needs a timestamp/, () => frame.withWatermark("origin", "1 hour")],
    [
      "a union of other types",
      "TYPE_MISMATCH",
      /"a" is bigint on one side/,
      () =>
        read({ name: "x", schema: struct({ a: long() }) }).union(
          read({ name: "y", schema: struct({ a: string() }) }) as never,
        ),
    ],
    [
      "fromJson of a map",
      "UNSUPPORTED_FEATURE",
      /map/,
      () => frame.select(({ origin }) => ({ x: fromJson(origin, struct({ m: map(string(), long()) })) })),
    ],
    [
      "a length of time that is none",
      "INVALID_ARGUMENT",
      /10 minutes/,
      () => frame.withWatermark("at", "soon" as "1 hour"),
    ],
    [
      "dropDuplicates on a stream",
      "UNBOUNDED_STATE",
      /dropDuplicatesWithinWatermark/,
      () => stream.dropDuplicates(["flight_id"]),
    ],
    [
      "a function that does not exist",
      "UNSUPPORTED_FEATURE",
      /metaphone/,
      () => schemaOf({ kind: "filter", input: frame.plan, condition: { kind: "call", name: "metaphone", args: [] } }),
    ],
    [
      "names of Object's own",
      "UNKNOWN_COLUMN",
      /"constructor"/,
      () =>
        schemaOf({ kind: "project", input: frame.plan, columns: [{ name: "x", expression: column("constructor") }] }),
    ],
  ];
  for (const [name, expected, message, work] of cases) {
    it(`is found when the query is built: ${name}`, () => {
      expect(work).toThrow(expect.objectContaining({ code: expected, message: expect.stringMatching(message) }));
    });
  }
});

describe("what is known of a plan", () => {
  it("are the columns that an expression reads", () => {
    expect(columnsOf(frame.columns.delay.plus(frame.columns.distance).gt(frame.columns.delay).expression)).toEqual([
      "delay",
      "distance",
    ]);
  });

  it("is whether it depends on the batch's clock", () => {
    expect(analyze(frame.plan)).toMatchObject({ deterministic: true, streaming: false });
    expect(analyze(stream.filter(({ at }) => at.lt(currentTimestamp())).plan)).toMatchObject({
      deterministic: false,
      streaming: true,
    });
  });

  it("are the columns that depend on the order of addition", () => {
    const query = frame
      .groupBy("origin")
      .agg(({ speed, delay }) => ({ a: sum(speed), b: avg(speed), c: avg(delay), d: sum(delay), e: max(speed) }));
    expect(analyze(query.select(({ a, c, origin }) => ({ origin, twice: a.times(2), c })).plan).inexact).toEqual([
      "twice",
    ]);
    expect(analyze(query.plan).inexact).toEqual(["a", "b"]);
  });

  it("are its scans", () => {
    const query = stream.join(read(airports), { left: "origin", right: "iata" });
    const scans = scansOf(query.plan);
    expect([scans.streaming.map(({ source }) => source), scans.static.map(({ source }) => source)]).toEqual([
      ["flights"],
      ["airports"],
    ]);
    expect([isStreaming(query.plan), isStreaming(frame.plan)]).toEqual([true, false]);
  });

  it("is the event time, through renames and joins", () => {
    const query = stream
      .withWatermark("at", "10 minutes")
      .join(read(airports), { left: "origin", right: "iata" })
      .select(({ at, city }) => ({ happened: at, city }));
    expect(eventTimeOf(query.plan)).toMatchObject({
      column: "happened",
      watermark: { delayMs: 600_000, maxAheadMs: 600_000, late: "quarantine" },
    });
    expect(eventTimeOf(query.select("city").plan)).toMatchObject({ column: undefined });
    expect(eventTimeOf(stream.plan)).toBeUndefined();
  });

  it("is which nodes work row by row", () => {
    const kinds = (plan: LogicalPlan): string[] =>
      [...nodesOf(plan)].filter((node) => !rowLocal(node)).map(({ kind }) => kind);
    const local = stream
      .filter(({ delay }) => delay.gt(1))
      .explode("tag", ({ tags }) => tags)
      .join(read(airports).distinct(), { left: "origin", right: "iata" }, "left");
    expect(rowLocal(local.plan)).toBe(true);
    expect(kinds(local.plan)).toEqual(["distinct"]);
    expect(rowLocal(stream.distinct().plan)).toBe(false);
    expect(
      rowLocal(
        stream.select(({ origin, at }) => ({ n: rowNumber().over({ partitionBy: [origin], orderBy: [at] }) })).plan,
      ),
    ).toBe(false);
    expect(rowLocal(read(airports).join(stream, { left: "iata", right: "origin" }, "left").plan)).toBe(false);
  });
});

describe("a streaming table's query", () => {
  it("is one stream, row by row, with de-duplication as its last step", () => {
    const query = stream
      .withWatermark("at", "1 day")
      .join(read(airports), { left: "origin", right: "iata" }, "left")
      .dropDuplicatesWithinWatermark(["flight_id"]);
    expect(checkStreaming(query.plan)).toMatchObject({
      stream: { source: "flights" },
      statics: [{ source: "airports" }],
      watermark: { column: "at" },
      deduplicate: { keys: ["flight_id"] },
    });
  });

  const marked = stream.withWatermark("at", "1 day");
  const cases: readonly (readonly [string, string, { readonly plan: LogicalPlan }])[] = [
    ["no stream", "INVALID_PIPELINE", frame],
    ["two streams", "INVALID_PIPELINE", stream.join(readStream(airports), { left: "origin", right: "iata" })],
    ["groups without end", "UNBOUNDED_STATE", stream.groupBy("origin").agg(() => ({ n: count() }))],
    ["distinct rows", "UNBOUNDED_STATE", stream.distinct()],
    ["a sort", "UNBOUNDED_STATE", stream.orderBy("at")],
    ["a limit", "UNBOUNDED_STATE", stream.limit(5)],
    [
      "a window",
      "UNBOUNDED_STATE",
      stream.select(({ origin, at }) => ({ n: rowNumber().over({ partitionBy: [origin], orderBy: [at] }) })),
    ],
    [
      "the stream on the right",
      "UNSUPPORTED_FEATURE",
      read(airports).join(stream, { left: "iata", right: "origin" }, "left"),
    ],
    [
      "something after de-duplication",
      "UNSUPPORTED_FEATURE",
      marked.dropDuplicatesWithinWatermark(["flight_id"]).filter(({ delay }) => delay.gt(1)),
    ],
    ["two watermarks", "INVALID_PIPELINE", marked.withWatermark("at", "2 days")],
    ["an event time that is renamed", "INVALID_PIPELINE", marked.select(({ at }) => ({ when: at }))],
    ["a union with another input", "UNSUPPORTED_FEATURE", stream.union(frame)],
  ];
  for (const [name, expected, query] of cases) {
    it(`cannot have ${name}`, () => {
      expect(() => checkStreaming(query.plan)).toThrow(code(expected));
    });
  }
});

describe("plans by hand", () => {
  it("are checked like those of the DataFrame", () => {
    const aggregate: Aggregate = {
      kind: "aggregate",
      input: frame.plan,
      groupBy: [{ name: "o", expression: column("origin") }],
      aggregates: [],
    };
    expect(() => schemaOf({ ...aggregate, aggregates: [{ name: "n", expression: column("origin") }] })).toThrow(
      code("INVALID_PIPELINE"),
    );
    expect(typeName(schemaOf(aggregate))).toBe("struct<o:string>");
  });
});

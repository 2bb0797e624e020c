import fc from "fast-check";
import { expect, test } from "vitest";
import { parseSchema, schemaString } from "../../../shared/delta/index.ts";
import type { DataType, Schema } from "../../../shared/plan/index.ts";

const { type } = fc.letrec<{ type: DataType; struct: Schema }>((tie) => ({
  type: fc.oneof(
    { depthSize: "small" },
    fc
      .constantFrom(
        "boolean",
        "byte",
        "short",
        "integer",
        "long",
        "float",
        "double",
        "string",
        "binary",
        "date",
        "timestamp",
        "timestamp_ntz",
      )
      .map((kind) => ({ kind })),
    fc
      .tuple(fc.integer({ min: 1, max: 38 }), fc.nat(38))
      .map(([precision, digits]) => ({ kind: "decimal" as const, precision, scale: Math.min(digits, precision) })),
    fc.record({ kind: fc.constant("array" as const), element: tie("type"), containsNull: fc.boolean() }),
    fc.record({
      kind: fc.constant("map" as const),
      key: tie("type"),
      value: tie("type"),
      valueContainsNull: fc.boolean(),
    }),
    tie("struct"),
  ),
  struct: fc
    .uniqueArray(fc.tuple(fc.string({ minLength: 1, maxLength: 5 }), tie("type"), fc.boolean()), {
      selector: ([name]) => name,
      maxLength: 4,
    })
    .map((fields) => ({
      kind: "struct" as const,
      fields: Object.fromEntries(fields.map(([name, of, nullable]) => [name, { type: of, nullable }])),
    })),
}));

test("a schema that is written and read is the same", () => {
  fc.assert(
    fc.property(type, (of) => {
      const schema: Schema = {
        kind: "struct",
        fields: { a: { type: of, nullable: true, metadata: { "delta.columnMapping.id": 1, comment: "x" } } },
      };
      expect(parseSchema(schemaString(schema))).toEqual(schema);
    }),
  );
});

test("a schema is written as Spark writes it", () => {
  const schema: Schema = {
    kind: "struct",
    fields: {
      id: { type: { kind: "long" }, nullable: false },
      price: { type: { kind: "decimal", precision: 10, scale: 2 }, nullable: true },
    },
  };
  expect(schemaString(schema)).toBe(
    '{"type":"struct","fields":[{"name":"id","type":"long","nullable":false,"metadata":{}},{"name":"price","type":"decimal(10,2)","nullable":true,"metadata":{}}]}',
  );
});

test("a decimal without precision is decimal(10,0)", () => {
  expect(
    parseSchema('{"type":"struct","fields":[{"name":"a","type":"decimal","nullable":true,"metadata":{}}]}').fields,
  ).toEqual({
    a: { type: { kind: "decimal", precision: 10, scale: 0 }, nullable: true },
  });
});

test.each(["interval day", "geometry", "decimal(39,2)", "decimal(5,6)", "decimal(0,0)", '{"type":"udt"}'])(
  "the type %s is refused by name",
  (name) => {
    const json = name.startsWith("{") ? name : JSON.stringify(name);
    expect(() =>
      parseSchema(`{"type":"struct","fields":[{"name":"a","type":${json},"nullable":true,"metadata":{}}]}`),
    ).toThrow(
      expect.objectContaining({
        code: "UNSUPPORTED_FEATURE",
        message: expect.stringContaining(name.replace(/[{}]/g, "")),
      }),
    );
  },
);

test.each(["", "[]", '{"type":"array"}', '{"type":"struct","fields":[{"type":"long"}]}'])("%j is no schema", (text) => {
  expect(() => parseSchema(text)).toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }));
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseType, structOfFields, typeName, type DataType } from "../../../shared/plan/index.ts";

const flat = (kind: string): DataType => ({ kind }) as DataType;
const array = (element: DataType): DataType => ({ kind: "array", element, containsNull: true });
const map = (key: DataType, value: DataType): DataType => ({ kind: "map", key, value, valueContainsNull: true });
const struct = (types: Readonly<Record<string, DataType>>): DataType =>
  structOfFields(
    Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type, nullable: true }] as const)),
  );

describe("the text of a type", () => {
  test.each<[string, DataType]>([
    ["bigint", flat("long")],
    [" LONG ", flat("long")],
    ["timestamp_ntz", flat("timestamp_ntz")],
    ["decimal", { kind: "decimal", precision: 10, scale: 0 }],
    ["Decimal( 12 , 3 )", { kind: "decimal", precision: 12, scale: 3 }],
    ["array<array<int>>", array(array(flat("integer")))],
    ["map<string, decimal(38,18)>", map(flat("string"), { kind: "decimal", precision: 38, scale: 18 })],
    ["struct<city: string, zip:int>", struct({ city: flat("string"), zip: flat("integer") })],
    ["struct<`a,b``:>`: date>", struct({ "a,b`:>": flat("date") })],
    ["struct<__proto__: date>", struct(Object.fromEntries([["__proto__", flat("date")]]))],
  ])("%s is read", (text, expected) => {
    const type = parseType(text);
    expect(type).toEqual(expected);
    expect(typeName(type)).toBe(typeName(expected));
  });

  test.each([
    ["", "at character 1"],
    ["number", '"number" is no type'],
    ["int(3)", '"int" is no type, or not with these numbers'],
    ["decimal(39,2)", "decimal(39, 2) is no type"],
    ["decimal(10", '")" is wanted at character 11'],
    ["array", '"<" is wanted'],
    ["array<int", '">" is wanted'],
    ["map<int>", '"," is wanted'],
    ["struct<>", "the name of a field is wanted"],
    ["struct<a int>", '":" is wanted'],
    ["struct<a: int, A: int>", 'the field "A" is there twice'],
    ["int int", "the type ends before it at character 5"],
    ["array<".repeat(301), "up to 300 deep"],
    ["array<".repeat(100_000), "up to 300 deep"],
  ])("%j is refused", (text, message) => {
    let thrown: unknown;
    try {
      parseType(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining(message) });
  });

  test("that spells a type is that type", () => {
    const { type } = fc.letrec<{ type: DataType }>((tie) => ({
      type: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(...["boolean", "byte", "short", "integer", "long", "float", "double"].map(flat)),
        fc.constantFrom(...["string", "binary", "date", "timestamp", "timestamp_ntz"].map(flat)),
        fc
          .tuple(fc.integer({ min: 1, max: 38 }), fc.nat(38))
          .map(([precision, scale]): DataType => ({ kind: "decimal", precision, scale: Math.min(scale, precision) })),
        tie("type").map(array),
        fc.tuple(tie("type"), tie("type")).map(([key, value]) => map(key, value)),
        fc
          .uniqueArray(fc.tuple(fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 6 }), tie("type")), {
            minLength: 1,
            maxLength: 4,
            selector: ([name]) => name.toLowerCase(),
          })
          .map((fields) => struct(Object.fromEntries(fields))),
      ),
    }));
    fc.assert(
      fc.property(type, (each) => {
        expect(parseType(typeName(each))).toEqual(each);
      }),
    );
  });
});

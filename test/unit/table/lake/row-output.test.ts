import { expect, test } from "vitest";
import type { DataType, Schema } from "../../../../shared/plan/index.ts";
import { rowOfText } from "../../../../shared/table/lake/row-output.ts";

const schema = (types: Readonly<Record<string, DataType>>): Schema => ({
  kind: "struct",
  fields: Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type, nullable: true }])),
});

test.each([
  "12345678901234567.25",
  "100.0",
  '"text \\" \u2028"',
  "true",
  "[1,[],{}]",
  '{"digits":"5","a":{"digits":1.10},"":[null]}',
  '{"__proto__":{"constructor":1},"toString":2}',
])("a variant is its text: %s", (text) => {
  const row = rowOfText(`{"v": ${text}}`, schema({ v: { kind: "variant" } }));
  expect(row).toEqual({ v: text });
});

test("variants within others are texts too, and NULL is null", () => {
  const variant: DataType = { kind: "variant" };
  const types = schema({
    v: variant,
    list: { kind: "array", element: variant, containsNull: true },
    map: { kind: "map", key: { kind: "string" }, value: variant, valueContainsNull: true },
  });
  expect(rowOfText('{"v":null,"list":[1.50,null],"map":[{"key":"k","value":[0]}]}', types)).toEqual({
    v: null,
    list: ["1.50", null],
    map: new Map([["k", "[0]"]]),
  });
});

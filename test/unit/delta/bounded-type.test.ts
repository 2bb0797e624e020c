import { expect, it } from "vitest";
import { hasBounds } from "../../../shared/delta/index.ts";
import { isExact, type DataType } from "../../../shared/plan/index.ts";

const types: readonly DataType[] = [
  ...(
    ["boolean", "byte", "short", "integer", "long", "float", "double", "string", "binary", "date", "timestamp"] as const
  ).map((kind) => ({ kind })),
  ...(["timestamp_ntz", "variant", "void"] as const).map((kind) => ({ kind })),
  { kind: "decimal", precision: 10, scale: 2 },
  { kind: "array", element: { kind: "long" }, containsNull: true },
  { kind: "struct", fields: {} },
];
const kindsWith = (holds: (type: DataType) => boolean) => types.filter(holds).map(({ kind }) => kind);

it("bounds are of all exact types but booleans, and of floats", () => {
  expect(kindsWith((type) => hasBounds(type) && !isExact(type))).toEqual(["float", "double"]);
  expect(kindsWith((type) => isExact(type) && !hasBounds(type))).toEqual(["boolean"]);
  expect(kindsWith((type) => !isExact(type) && !hasBounds(type))).toEqual([
    "binary",
    "variant",
    "void",
    "array",
    "struct",
  ]);
});

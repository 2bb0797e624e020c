/** Texts as values of a type: what callers write, and what files are asked for. */
import { expect, test } from "vitest";
import { literalOfText, type DataType } from "../../../shared/plan/index.ts";

const decimal: DataType = { kind: "decimal", precision: 5, scale: 2 };

test.each<[DataType, string, unknown]>([
  [{ kind: "boolean" }, "true", true],
  [{ kind: "byte" }, "-128", -128n],
  [{ kind: "long" }, "9223372036854775807", 2n ** 63n - 1n],
  [{ kind: "long" }, "-0", 0n],
  [{ kind: "double" }, "-1.5e-3", -0.0015],
  [{ kind: "double" }, ".5", 0.5],
  [{ kind: "double" }, "NaN", Number.NaN],
  [{ kind: "double" }, "-Infinity", Number.NEGATIVE_INFINITY],
  [{ kind: "double" }, "1e-999", 0],
  [{ kind: "float" }, "0.1", Math.fround(0.1)],
  [decimal, "-123.45", "-123.45"],
  [{ kind: "string" }, "", ""],
  [{ kind: "string" }, "null", "null"],
  [{ kind: "binary" }, "AP8=", "AP8="],
  [{ kind: "date" }, "2024-02-29", "2024-02-29"],
  [{ kind: "timestamp" }, "2026-01-02T03:04:05.678901+05:30", "2026-01-02T03:04:05.678901+05:30"],
  [{ kind: "timestamp" }, "2026-01-02 03:04:05", "2026-01-02 03:04:05"],
  [{ kind: "timestamp_ntz" }, "2026-01-02T03:04:05.1", "2026-01-02T03:04:05.1"],
])("of the type %o, %j is a value", (type, text, value) => {
  expect(literalOfText(text, type)).toEqual(value);
});

test.each<[DataType, string]>([
  [{ kind: "boolean" }, "TRUE"],
  [{ kind: "boolean" }, "1"],
  [{ kind: "byte" }, "128"],
  [{ kind: "short" }, "40000"],
  [{ kind: "integer" }, "2147483648"],
  [{ kind: "long" }, "9223372036854775808"],
  [{ kind: "long" }, "1.0"],
  [{ kind: "long" }, "+1"],
  [{ kind: "long" }, ""],
  [{ kind: "long" }, "1n"],
  [{ kind: "double" }, "1e999"],
  [{ kind: "double" }, "0x10"],
  [{ kind: "double" }, "inf"],
  [{ kind: "double" }, ""],
  [{ kind: "float" }, "1e39"],
  [decimal, "1234.5"],
  [decimal, "1.234"],
  [decimal, "1e2"],
  [decimal, "NaN"],
  [{ kind: "string" }, "\uD800"],
  [{ kind: "binary" }, "AP8"],
  [{ kind: "date" }, "2023-02-29"],
  [{ kind: "date" }, "2026-1-2"],
  [{ kind: "date" }, "infinity"],
  [{ kind: "timestamp" }, "2026-01-02"],
  [{ kind: "timestamp" }, "2026-01-02T24:00:00Z"],
  [{ kind: "timestamp" }, "2026-01-02T03:04:05.1234567Z"],
  [{ kind: "timestamp_ntz" }, "2026-01-02T03:04:05Z"],
  [{ kind: "timestamp_ntz" }, "2026-01-02T03:04:05-01:00"],
  [{ kind: "array", element: { kind: "long" }, containsNull: true }, "[]"],
  [{ kind: "struct", fields: {} }, "{}"],
])("of the type %o, %j is no value", (type, text) => {
  expect(literalOfText(text, type)).toBeUndefined();
});

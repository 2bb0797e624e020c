import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { boundJson, lowerTextBound, textAbovePrefix, upperTextBound } from "../../../shared/core/index.ts";
import { compareUtf8 } from "../../../shared/storage/index.ts";

describe("a bound", () => {
  const long32 = "é".repeat(32);
  test.each<[string, string, string, string | undefined, string | undefined]>([
    ["long", "a whole number keeps its digits", "9007199254740993", "9007199254740993", "9007199254740993"],
    [
      "decimal",
      "a decimal keeps its digits",
      "-1234567890123456789.50",
      "-1234567890123456789.50",
      "-1234567890123456789.50",
    ],
    ["float", "a float is the double of the same value", "0.1", "0.10000000149011612", "0.10000000149011612"],
    ["float", "a float that is too large for one is none", "1e39", undefined, undefined],
    ["double", "a double has its shortest digits", "1e300", "1e+300", "1e+300"],
    ["double", "minus zero is zero", "-0.0", "0", "0"],
    ["double", "NaN is none", "nan", undefined, undefined],
    ["double", "an infinity is none", "-inf", undefined, undefined],
    ["date", "a day is itself", "2026-01-02", '"2026-01-02"', '"2026-01-02"'],
    ["date", "a day of another age is none", "12026-01-02", undefined, undefined],
    ["date", "a day before our era is none", "0044-03-15 (BC)", undefined, undefined],
    [
      "timestamp",
      "a moment is cut to milliseconds, and rounded up above",
      "2026-01-02 03:04:05.678901+00",
      '"2026-01-02T03:04:05.678Z"',
      '"2026-01-02T03:04:05.679Z"',
    ],
    [
      "timestamp",
      "a whole second is itself",
      "2026-01-02 03:04:05+00",
      '"2026-01-02T03:04:05.000Z"',
      '"2026-01-02T03:04:05.000Z"',
    ],
    [
      "timestamp",
      "the last microsecond of years of four digits is none above",
      "9999-12-31 23:59:59.999999+00",
      '"9999-12-31T23:59:59.999Z"',
      undefined,
    ],
    ["timestamp", "a moment without a zone is none", "2026-01-02 03:04:05", undefined, undefined],
    [
      "timestamp_ntz",
      "a time without a zone has none",
      "1969-12-31 23:59:59.9999",
      '"1969-12-31T23:59:59.999"',
      '"1970-01-01T00:00:00.000"',
    ],
    ["string", "a text of 32 characters is itself", long32, JSON.stringify(long32), JSON.stringify(long32)],
    [
      "string",
      "a longer text is cut, and has the greatest character after it above",
      `${long32}x`,
      JSON.stringify(long32),
      JSON.stringify(`${long32}\u{10FFFF}`),
    ],
    [
      "string",
      "a text that has the greatest character there is none above",
      `${long32}\u{10FFFF}`,
      JSON.stringify(long32),
      undefined,
    ],
    ["boolean", "a truth is none", "true", undefined, undefined],
    ["binary", "bytes are none", "abc", undefined, undefined],
    ["array", "what has parts is none", "[1]", undefined, undefined],
  ])("of a %s: %s", (kind, _, text, min, max) => {
    expect([boundJson(kind, text, "min"), boundJson(kind, text, "max")]).toEqual([min, max]);
  });
});

const characters = fc.constantFrom("a", "z", "\uD7FF", "\uE000", "\u{10000}", "\u{10FFFF}");

test("a text's bounds are short, whole characters, and bounds", () => {
  fc.assert(
    fc.property(fc.string({ unit: characters, maxLength: 40 }), (value) => {
      expect(compareUtf8(lowerTextBound(value), value)).toBeLessThanOrEqual(0);
      const upper = upperTextBound(value);
      expect(upper === undefined ? [...value][32] === "\u{10FFFF}" : compareUtf8(upper, value) >= 0).toBe(true);
      for (const bound of [lowerTextBound(value), upper ?? ""]) {
        expect([...bound].length).toBeLessThanOrEqual(33);
        expect(bound.isWellFormed()).toBe(true);
      }
    }),
  );
});

test("a text above a prefix is above all that begin with it", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "\uD7FF", "\u{10FFFF}"), maxLength: 4 });
  fc.assert(
    fc.property(text, text, (prefix, rest) => {
      const above = textAbovePrefix(prefix);
      const isLast = [...prefix].every((character) => character === "\u{10FFFF}");
      expect(above === undefined ? isLast : compareUtf8(above, prefix + rest) > 0).toBe(true);
    }),
  );
});

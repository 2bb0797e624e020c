/** Bytes of variants as JSON text: the texts are those that Spark's `to_json` gives for the same values. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isDyneError, limits } from "../../../shared/core/index.ts";
import { dateText } from "../../../shared/compute/variant/leaf-text.ts";
import { variantNames } from "../../../shared/compute/variant/variant-names.ts";
import { variantText } from "../../../shared/compute/variant/variant-text.ts";
import {
  encodeVariant,
  littleEndian,
  primitive,
  type Encodable,
  type EncodedVariant,
} from "../../support/variant-encoder.ts";

const noNames = Uint8Array.of(1, 0, 0);

function textOf({ metadata, value }: EncodedVariant, charactersLeft = 1_000_000): string {
  return variantText(variantNames(metadata), value, { charactersLeft });
}

function failure(variant: EncodedVariant, charactersLeft?: number): string {
  try {
    return `no failure, but ${textOf(variant, charactersLeft)}`;
  } catch (error) {
    if (!isDyneError(error, "DATA_ERROR")) throw error;
    return error.message;
  }
}

const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(" ", ""), "hex");
const double = (value: number): string => `1c${Buffer.from(new Float64Array([value]).buffer).toString("hex")}`;
const float = (value: number): string => `38${Buffer.from(new Float32Array([value]).buffer).toString("hex")}`;
const fixed = (header: number, value: bigint, size: number, scale?: number): string =>
  Buffer.from([header, ...(scale === undefined ? [] : [scale]), ...littleEndian(value, size)]).toString("hex");
const day = 86_400_000_000n;

describe("a value has the text that Spark gives it", () => {
  test.each([
    ["null", "00", "null"],
    ["true", "04", "true"],
    ["false", "08", "false"],
    ["a byte", "0c80", "-128"],
    ["a short", "100080", "-32768"],
    ["an integer", "14 ffffff7f", "2147483647"],
    ["a long", "18 ffffffffffffff7f", "9223372036854775807"],
    ["a double", double(0.1), "0.1"],
    ["a whole double", double(100), "100.0"],
    ["a negative zero", double(-0), "-0.0"],
    ["a double that is no number", double(Number.NaN), '"NaN"'],
    ["a double without bound", double(Number.NEGATIVE_INFINITY), '"-Infinity"'],
    ["a float", float(0.1), "0.1"],
    ["the least float", float(1.401298464324817e-45), "1e-45"],
    ["a whole float", float(16_777_216), "16777216.0"],
    ["a small decimal", fixed(0x20, 110n, 4, 2), "1.1"],
    ["a whole decimal", fixed(0x20, 100n, 4, 0), "100"],
    ["a decimal zero", fixed(0x20, 0n, 4, 5), "0"],
    ["a decimal with zeros behind its point", fixed(0x20, -10_000n, 4, 3), "-10"],
    ["a medium decimal", fixed(0x24, -123_456_785n, 8, 1), "-12345678.5"],
    ["a decimal that no double is", fixed(0x28, 1_234_567_890_123_456_725n, 16, 2), "12345678901234567.25"],
    ["the least decimal", fixed(0x28, -5n, 16, 38), "-0.00000000000000000000000000000000000005"],
    ["the greatest decimal", fixed(0x28, 10n ** 38n - 1n, 16, 0), "9".repeat(38)],
    ["the first day", fixed(0x2c, -719_162n, 4), '"0001-01-01"'],
    ["a leap day", fixed(0x2c, 19_782n, 4), '"2024-02-29"'],
    ["a day of a far year", fixed(0x2c, 3_789_391n, 4), '"+12345-01-01"'],
    ["a day before the era", fixed(0x2c, -735_525n, 4), '"-0044-03-15"'],
    ["the last day of all", fixed(0x2c, 2n ** 31n - 1n, 4), '"+5881580-07-11"'],
    ["the first day of all", fixed(0x2c, -(2n ** 31n), 4), '"-5877641-06-23"'],
    ["a timestamp", fixed(0x30, 19_723n * day, 8), '"2024-01-01 00:00:00+00:00"'],
    ["a timestamp with a fraction", fixed(0x30, 19_723n * day + 1_500_000n, 8), '"2024-01-01 00:00:01.5+00:00"'],
    ["a timestamp before the epoch", fixed(0x30, -1n, 8), '"1969-12-31 23:59:59.999999+00:00"'],
    ["the last timestamp", fixed(0x30, 2n ** 63n - 1n, 8), '"+294247-01-10 04:00:54.775807+00:00"'],
    ["the first timestamp", fixed(0x30, -(2n ** 63n) + 1n, 8), '"-290308-12-21 19:59:05.224193+00:00"'],
    ["a timestamp without zone", fixed(0x34, 45_296_000_001n, 8), '"1970-01-01 12:34:56.000001"'],
    ["a timestamp in nanoseconds", fixed(0x48, -1n, 8), '"1969-12-31 23:59:59.999999999+00:00"'],
    ["one without zone in nanoseconds", fixed(0x4c, 1n, 8), '"1970-01-01 00:00:00.000000001"'],
    ["a time", fixed(0x44, 45_296_500_000n, 8), '"12:34:56.5"'],
    ["a uuid", "50 000102030405060708090a0b0c0d0e0f", '"00010203-0405-0607-0809-0a0b0c0d0e0f"'],
    ["bytes", "3c 04000000 000102ff", '"AAEC/w=="'],
    ["no bytes", "3c 00000000", '""'],
    ["a short text", "05 61", '"a"'],
    ["an empty text", "01", '""'],
    ["a long text", "40 04000000 f09f9880", '"😀"'],
    ["a text with a byte-order mark", "0d efbbbf", '"\uFEFF"'],
    ["a text with all that JSON escapes", "15 22 5c 0a 00 7f", '"\\"\\\\\\n\\u0000\x7f"'],
    ["an empty array", "03 00 00", "[]"],
    ["an empty object", "02 00 00", "{}"],
    ["an array in an array", "03 01 00 03 03 00 00", "[[]]"],
  ])("%s", (_, value, text) => {
    expect(textOf({ metadata: noNames, value: hex(value) })).toBe(text);
    expect(() => JSON.parse(text) as unknown).not.toThrow();
  });
});

describe("bytes that are no variant are refused", () => {
  /** An object with the fields `a` and `b`, by their numbers. */
  const two = (ids: string, value: string): EncodedVariant => ({
    metadata: hex("01 02 00 01 02 61 62"),
    value: hex(`02 02 ${ids} ${value}`),
  });
  test.each<[string, EncodedVariant, string]>([
    ["no value", { metadata: noNames, value: hex("") }, "not within the one that holds it"],
    ["no metadata", { metadata: hex(""), value: hex("00") }, "metadata is empty"],
    ["metadata of another version", { metadata: hex("02 00 00"), value: hex("00") }, "of version 2"],
    ["metadata that ends early", { metadata: hex("01 05 00"), value: hex("00") }, "too short for 5 names"],
    ["metadata of four billion names", { metadata: hex("c1 ffffffff"), value: hex("00") }, "too short for 4294967295"],
    ["a name behind the metadata", { metadata: hex("01 01 00 09 61"), value: hex("02 01 00 00 01 00") }, "name 0"],
    [
      "a name that ends before it begins",
      { metadata: hex("01 01 01 00 61"), value: hex("02 01 00 00 01 00") },
      "name 0",
    ],
    ["a name that is not UTF-8", { metadata: hex("01 01 00 01 ff"), value: hex("02 01 00 00 01 00") }, "not UTF-8"],
    ["a number of no name", two("00 02", "00 01 02 00 00"), "name 2 of 2"],
    ["a name that comes twice", two("00 00", "00 01 02 00 00"), 'field "a" twice'],
    ["values that share bytes", two("00 01", "00 00 04 0d 616263"), "share bytes"],
    ["a value behind the object", two("00 01", "00 07 02 00 00"), "not within"],
    ["an end behind the bytes", two("00 01", "00 01 09 00 00"), "not within"],
    ["a text that is cut", { metadata: noNames, value: hex("0d 61") }, "ends within a text"],
    ["a long text that is cut", { metadata: noNames, value: hex("40 ffffffff 61") }, "ends within a text"],
    ["bytes that are cut", { metadata: noNames, value: hex("3c ffffff7f 61") }, "ends within a binary"],
    ["a length that is cut", { metadata: noNames, value: hex("3c ff") }, "ends within a number"],
    ["a number that is cut", { metadata: noNames, value: hex("18 00") }, "ends within a value"],
    ["a text that is not UTF-8", { metadata: noNames, value: hex("05 ff") }, "not UTF-8"],
    ["half of a pair of surrogates", { metadata: noNames, value: hex("0d eda080") }, "not UTF-8"],
    [
      "an array of four billion values",
      { metadata: noNames, value: hex("1f ffffffff 00") },
      "too short for 4294967295",
    ],
    ["a type that is not known", { metadata: noNames, value: hex("54") }, "type 21"],
    ["a decimal of 39 digits", { metadata: noNames, value: hex(fixed(0x28, 10n ** 38n, 16, 0)) }, "38 digits"],
    ["a decimal of the scale 39", { metadata: noNames, value: hex(fixed(0x20, 1n, 4, 39)) }, "38 digits"],
    ["a time after midnight", { metadata: noNames, value: hex(fixed(0x44, day, 8)) }, "no day has"],
    ["bytes behind the value", { metadata: noNames, value: hex("00 00") }, "1 bytes behind its end"],
  ])("%s", (_, variant, message) => {
    expect(failure(variant)).toContain(message);
  });

  const nested = (depth: number): EncodedVariant => {
    const value = Buffer.alloc(10 * depth + 1);
    for (let level = 0; level < depth; level++) {
      value[10 * level] = 3 | (3 << 2);
      value[10 * level + 1] = 1;
      value.writeUInt32LE(10 * (depth - level - 1) + 1, 10 * level + 6);
    }
    return { metadata: noNames, value };
  };

  test("as deep as Spark writes them values are read, and not deeper", () => {
    const max = limits.variantNestingMax;
    expect(textOf(nested(max))).toBe(`${"[".repeat(max)}null${"]".repeat(max)}`);
    expect(failure(nested(max + 1))).toContain(`more than ${max} deep`);
    expect(failure(nested(100_000))).toContain(`more than ${max} deep`);
  });

  test("a long name in many places does not make a text of any length", () => {
    const name = "n".repeat(1_000);
    const element: Encodable = { kind: "object", fields: [[name, primitive(0)]] };
    const elements = Array.from({ length: 1_000 }, () => element);
    const variant = encodeVariant({ kind: "array", elements }, { wide: false, reversed: false });
    expect(variant.value.length).toBeLessThan(20_000);
    expect(failure(variant, 900_000)).toContain("too long");
    expect(textOf(variant, 9_000_000)).toHaveLength(1_000 * (name.length + 10) + 1);
  });
});

test("days have the dates that the language gives them, as far as it does", () => {
  fc.assert(
    fc.property(fc.integer({ min: -100_000_000, max: 100_000_000 }), (days) => {
      const year = new Date(days * 86_400_000).getUTCFullYear();
      const [, sign = "", digits = "", rest = ""] =
        /^([+-]?)(\d+)(-.{5})T/.exec(new Date(days * 86_400_000).toISOString()) ?? [];
      const text = `${year === 0 ? "" : sign}${digits.replace(/^0+(?=\d{4})/, "")}${rest}`;
      expect(dateText(days)).toBe(`"${text}"`);
    }),
    { numRuns: 1_000 },
  );
});

/** A value as it is encoded, and its text. */
interface Sample {
  readonly encodable: Encodable;
  readonly text: string;
}

const integer = (type: number, size: number): fc.Arbitrary<Sample> =>
  fc.bigInt({ min: -(2n ** BigInt(8 * size - 1)), max: 2n ** BigInt(8 * size - 1) - 1n }).map((value) => ({
    encodable: primitive(type, littleEndian(value, size)),
    text: String(value),
  }));

const leaf: fc.Arbitrary<Sample> = fc.oneof(
  fc.constantFrom(...["null", "true", "false"].map((text, type) => ({ encodable: primitive(type), text }))),
  integer(3, 1),
  integer(4, 2),
  integer(5, 4),
  integer(6, 8),
  fc.tuple(fc.string({ unit: "grapheme", maxLength: 80 }), fc.boolean()).map(([text, long]) => ({
    encodable: { kind: "text" as const, text, long },
    text: JSON.stringify(text),
  })),
  fc.double().map((value) => ({
    encodable: primitive(7, new Uint8Array(new Float64Array([value]).buffer)),
    text: Number.isFinite(value) ? asDouble(value) : `"${value}"`,
  })),
);

function asDouble(value: number): string {
  const text = Object.is(value, -0) ? "-0" : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

const sample: fc.Arbitrary<Sample> = fc.letrec<{ readonly value: Sample }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.array(tie("value"), { maxLength: 6 }).map((elements) => ({
      encodable: { kind: "array" as const, elements: elements.map(({ encodable }) => encodable) },
      text: `[${elements.map(({ text }) => text).join(",")}]`,
    })),
    fc
      .uniqueArray(fc.tuple(fc.string({ unit: "grapheme" }), tie("value")), {
        selector: ([name]) => name,
        maxLength: 6,
      })
      .map((fields) => {
        const sorted = fields.toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        return {
          encodable: {
            kind: "object" as const,
            fields: fields.map(([name, { encodable }]) => [name, encodable] as const),
          },
          text: `{${sorted.map(([name, { text }]) => `${JSON.stringify(name)}:${text}`).join(",")}}`,
        };
      }),
  ),
})).value;

test("what is encoded comes back, in whatever way it is encoded", () => {
  fc.assert(
    fc.property(sample, fc.boolean(), fc.boolean(), ({ encodable, text }, wide, reversed) => {
      expect(textOf(encodeVariant(encodable, { wide, reversed }))).toBe(text);
    }),
    { numRuns: 300 },
  );
});

test("any bytes are JSON, or refused as data", () => {
  const bytes = fc.uint8Array({ maxLength: 60 });
  fc.assert(
    fc.property(fc.oneof(fc.constant(noNames), bytes), bytes, (metadata, value) => {
      const text = failure({ metadata, value });
      if (text.startsWith("no failure, but ")) JSON.parse(text.slice("no failure, but ".length));
      else expect(text).toMatch(/^a variant is broken: /);
    }),
    { numRuns: 2_000 },
  );
});

test("a variant of which a byte was changed is JSON, or refused as data", () => {
  fc.assert(
    fc.property(sample, fc.nat(), fc.nat({ max: 255 }), fc.boolean(), ({ encodable }, place, byte, inNames) => {
      const { metadata, value } = encodeVariant(encodable, { wide: false, reversed: false });
      const changed = Uint8Array.from(inNames ? metadata : value);
      changed[place % changed.length] = byte;
      const text = failure(inNames ? { metadata: changed, value } : { metadata, value: changed });
      if (text.startsWith("no failure, but ")) JSON.parse(text.slice("no failure, but ".length));
      else expect(text).toMatch(/^a variant is broken: /);
    }),
    { numRuns: 2_000 },
  );
});

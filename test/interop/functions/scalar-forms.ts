/** Distances and sounds of texts, and numbers in other forms. */
import {
  binary,
  byte,
  conv,
  crc32,
  decimal,
  double,
  float,
  formatNumber,
  integer,
  levenshtein,
  long,
  soundex,
  string,
} from "../../../shared/plan/index.ts";
import type { AnyColumn, Column, NumericType } from "../../../shared/plan/index.ts";
import { also, given, probe } from "./probe.ts";

/** Characters of their own, from a place in Unicode on. */
const characters = (from: number, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => String.fromCodePoint(from + index));
const many = characters(0x4e00, 160);

const words = [
  "Robert",
  "Rupert",
  "Ashcraft",
  "Tymczak",
  "Pfister",
  "Honeyman",
  "BhB",
  "b-b",
  "hHb",
  "Whb9b",
  "é",
  "aéb",
  "ß",
];
const places = [0, 1, 2, 3, 7, 40];
const grouped = (a: Column<NumericType>): Readonly<Record<string, AnyColumn>> =>
  Object.fromEntries(places.map((each) => [`${each} places`, formatNumber(a, each)]));

const decimals: readonly (readonly [precision: number, scale: number, values: readonly string[]])[] = [
  [10, 2, ["0.5", "1.5", "-0.4", "999.95", "-1234567.89", "0.05", "0.25"]],
  [3, 3, ["0.125", "-0.004", "0.995"]],
  [38, 0, ["-99999999999999999999999999999999999999", "1000", "-1000000"]],
  [38, 30, ["99999999.999999999999999999999999999999", "-0.000000000000000000000000000001"]],
];

/** Texts and numbers in other forms. */
export const formProbes = [
  probe(
    "distances of texts",
    { a: also(string(), "kitten", "e", "\u0301e", "日本", "🤦x"), b: also(string(), "sitting", "é", "本日", "x🤦") },
    ({ a, b }) => ({
      distance: levenshtein(a, b),
      back: levenshtein(b, a),
      same: levenshtein(a, a),
      fixed: levenshtein(a, "Straße"),
    }),
  ),
  probe(
    "distances of texts up to a threshold",
    {
      a: given(string(), "", "kitten", "日本", "aé"),
      b: given(string(), "", "sitting", "本日", "a"),
    },
    ({ a, b }) =>
      Object.fromEntries(
        [-2147483648, -1, 0, 1, 2, 3, 2147483647].flatMap((threshold) => [
          [`within ${threshold}`, levenshtein(a, b, threshold)],
          [`same within ${threshold}`, levenshtein(a, a, threshold)],
        ]),
      ),
  ),
  probe(
    "distances of texts of many characters",
    {
      a: given(string(), many.join(""), many.toReversed().join(""), many.slice(20).join(""), `${many.join("")}🤦abc`),
      b: given(
        string(),
        many.join("-"),
        many.filter((_, index) => index % 9 !== 4).join(""),
        many.slice(0, 60).join(""),
      ),
    },
    ({ a, b }) => ({ distance: levenshtein(a, b), back: levenshtein(b, a) }),
  ),
  probe(
    "sounds of words",
    { a: also(string(), ...words, "B1B", "B B", "BWB", "bcdfglmr", "aeiouyhw", "Z") },
    ({ a }) => ({
      soundex: soundex(a),
    }),
  ),
  probe("sums of bytes", { a: string(), b: binary() }, ({ a, b }) => ({ text: crc32(a), bytes: crc32(b) })),
  probe("sums of long texts", { a: given(string(), "x".repeat(5_000), "é\n".repeat(999)) }, ({ a }) => ({
    crc: crc32(a),
  })),
  probe("whole numbers with commas", { a: byte(), b: integer(), c: long() }, ({ a, b, c }) => ({
    byte: formatNumber(a, 0),
    int: formatNumber(b, 2),
    long: formatNumber(c, 0),
    longer: formatNumber(c, 100),
  })),
  ...decimals.map(([precision, scale, values]) =>
    probe(`decimal(${precision},${scale}) with commas`, { a: also(decimal(precision, scale), ...values) }, ({ a }) =>
      grouped(a),
    ),
  ),
  probe(
    "doubles with commas",
    {
      a: also(
        double(),
        ...[0.125, 0.375, 1.005, 1.115, 9.995, 999.9951, 0.15, 0.35, 0.45, 0.25, 1.5, 4503599627370495.5, 123456.789],
        ...[
          1e-4,
          1e-5,
          5e-4,
          5e-8,
          0.05,
          0.005,
          -5e-4,
          6e-4,
          5.1e-4,
          15e-4,
          1.5e-7,
          1.25e-7,
          1.0000005e-35,
          2 ** -3,
          2 ** -30,
          2 ** -43,
          9007199254740991,
          9007199254740994,
        ],
        ...[1.016093891711453e17, 1.0945218981169582e18, 3.471358244268426e18, 2 ** 58, 2 ** 61, 2 ** 62 + 512 * 5],
        ...[1e18, 1.5e18, 9.223372036854775e18, 2 ** 63, 1e20, 1e22, 1.5e300],
      ),
    },
    ({ a }) => grouped(a),
  ),
  probe("floats with commas", { a: also(float(), Math.fround(16777216.5), Math.fround(1.005)) }, ({ a }) => grouped(a)),
  probe(
    "digits of other bases",
    {
      a: also(
        string(),
        ...[
          "0",
          "-0",
          "-",
          "--1",
          "- 5",
          "+5",
          " 12 ",
          "\t12",
          "12 3",
          "10.5",
          "ff",
          "FfG",
          "zZ",
          "é",
          "0xff",
          "000000",
        ],
        ...["-10", "-1", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809"],
        ...["18446744073709551615", "18446744073709551616", "-18446744073709551615", "-18446744073709551616"],
        ...[
          "FFFFFFFFFFFFFFFF",
          "8000000000000000",
          "10000000000000000",
          "0".repeat(99) + "7",
          "1".repeat(64),
          "1".repeat(65),
        ],
        ...["3W5E11264SGSF", "3W5E11264SGSG", "9".repeat(200)],
      ),
    },
    ({ a }) =>
      Object.fromEntries(
        [2, 8, 10, 16, 36].flatMap((from) =>
          [2, -2, 3, 10, -10, 16, -16, 36, -36].map((to) => [`${from} to ${to}`, conv(a, from, to)]),
        ),
      ),
  ),
];

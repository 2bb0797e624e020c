/** Rounding of whole numbers and decimals to digits on both sides of the point. */
import { bround, byte, decimal, double, float, integer, long, round, short } from "../../../shared/plan/index.ts";
import type { AnyColumn, Column, NumericType } from "../../../shared/plan/index.ts";
import { also, given, probe } from "./probe.ts";

const roundedTo = (a: Column<NumericType>, digits: readonly number[]): Readonly<Record<string, AnyColumn>> =>
  Object.fromEntries(
    digits.flatMap((each) => [
      [`round ${each}`, round(a, each)],
      [`bround ${each}`, bround(a, each)],
    ]),
  );

const wholeNumbers = [5, -5, 15, 25, -25, 35, 45, 50, -50, 51, 95, 99, 100, 105, 115, 124, 125, -125, 126];
const larger = [149, 150, 250, 2500, -3500, 9999, 12_345, -32_768];

/** Ties and their neighbours at every digit, and what rounds up to one digit more. */
function decimalsOf(precision: number, scale: number): readonly string[] {
  const digits = [
    ..."5 -5 15 25 -25 35 45 50 -50 51 95 99 105 115 125 150 250 2500 4500 -4499 -5501 12345 -12355".split(" "),
    ..."5".padEnd(precision, "0").split(" "),
    ..."25".padEnd(precision, "0").split(" "),
    ..."4".padEnd(precision, "9").split(" "),
    ..."15".padEnd(precision - 1, "0").split(" "),
  ];
  return digits
    .filter((each) => each.replace("-", "").length <= precision)
    .map((each) => {
      const sign = each.startsWith("-") ? "-" : "";
      const all = each.replace("-", "").padStart(scale + 1, "0");
      return scale === 0 ? sign + all : `${sign}${all.slice(0, -scale)}.${all.slice(-scale)}`;
    });
}

const decimals: readonly (readonly [precision: number, scale: number, digits: readonly number[]])[] = [
  [10, 2, [-9, -8, -1, 0, 1, 2, 5]],
  [5, 0, [-7, -5, -4, -1, 0, 3]],
  [5, 5, [-1, 0, 1, 4, 5]],
  [1, 0, [-1, 0]],
  [2, 1, [-1, 0]],
  [18, 6, [-12, 0, 3]],
  [19, 9, [-2, 0, 8]],
  [38, 0, [-38, -37, -36, -20, -1, 0, 40]],
  [38, 10, [-60, -29, -28, -27, -1, 0, 1, 9, 10, 30]],
  [38, 38, [-3, 0, 1, 10, 37, 38]],
  [38, 37, [-2, -1, 0, 36]],
];

/** Rounding. */
export const roundingProbes = [
  probe("rounding of tinyint", { a: also(byte(), ...wholeNumbers) }, ({ a }) => roundedTo(a, [-4, -3, -2, -1, 0, 3])),
  probe("rounding of smallint", { a: also(short(), ...wholeNumbers, ...larger) }, ({ a }) =>
    roundedTo(a, [-6, -5, -4, -2, -1, 0, 2]),
  ),
  probe("rounding of int", { a: also(integer(), ...wholeNumbers, ...larger, 1_500_000_000, 500_000_000) }, ({ a }) =>
    roundedTo(a, [-11, -10, -9, -3, -1, 0]),
  ),
  probe(
    "rounding of bigint",
    { a: also(long(), ...wholeNumbers, ...larger, 4_500_000_000_000_000_000n, 5_000_000_000_000_000_000n) },
    ({ a }) => roundedTo(a, [-400, -39, -38, -20, -19, -18, -1, 0, 7]),
  ),
  ...decimals.map(([precision, scale, digits]) =>
    probe(
      `rounding of decimal(${precision},${scale})`,
      { a: also(decimal(precision, scale), ...decimalsOf(precision, scale)) },
      ({ a }) => roundedTo(a, digits),
    ),
  ),
  probe(
    "rounding of doubles",
    { a: given(double(), 0, "-0", -0.04, 0.5, 1.5, -1.5, 2.5, 2.4999, 1234.567, -1234.567, 1e15, "NaN", "Infinity") },
    ({ a }) => roundedTo(a, [-1, 0, 1]),
    { loosely: true },
  ),
  probe("rounding of floats", { a: given(float(), 0.5, -1.5, 2.5, 17, "NaN", "-Infinity") }, ({ a }) =>
    roundedTo(a, [-1, 0]),
  ),
];

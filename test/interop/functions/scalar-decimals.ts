/** Division and remainders of decimals: every way in which Spark's types keep, cut and round digits. */
import { byte, decimal, double, float, integer, lit, long, pmod, short } from "../../../shared/plan/index.ts";
import type { AnyColumn, Column, DataType, DecimalType, NumericType } from "../../../shared/plan/index.ts";
import { also, given, probe, type Given } from "./probe.ts";

/** Ones, thirds, sevenths, halves of what is left, the greatest, and what is nearly nothing. */
function decimalsOf(precision: number, scale: number): Given<DecimalType> {
  const digits = [
    "1",
    "-1",
    "2",
    "3",
    "-3",
    "6",
    "7",
    "-7",
    "8",
    "9",
    "16",
    "64",
    "-99",
    "100",
    "125",
    "1001",
    "-5000",
    "99999",
  ];
  const long = [
    "1".padEnd(precision, "0"),
    "3".repeat(precision),
    `-${"5".padEnd(precision, "0")}`,
    "1".padEnd(precision, "1"),
  ];
  const values = [...digits, ...long].filter((each) => each.replace("-", "").length <= precision);
  return also(decimal(precision, scale), ...values.map((each) => withPoint(each, scale)));
}

function withPoint(text: string, scale: number): string {
  const sign = text.startsWith("-") ? "-" : "";
  const digits = text.replace("-", "").padStart(scale + 1, "0");
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

type Side = Given<DecimalType> | DataType;

const divided = (title: string, a: Side, b: Side) =>
  probe(`division of ${title}`, { a, b }, (columns) => {
    const [x, y] = sides(columns);
    return { divide: x.divide(y), modulo: x.modulo(y), pmod: pmod(x, y) };
  });

const quotients = (title: string, a: Side, b: Side) =>
  probe(`quotients of ${title}`, { a, b }, (columns) => {
    const [x, y] = sides(columns);
    return { divide: x.divide(y) };
  });

const remainders = (title: string, a: Side, b: Side) =>
  probe(`remainders of ${title}`, { a, b }, (columns) => {
    const [x, y] = sides(columns);
    return { modulo: x.modulo(y), pmod: pmod(x, y) };
  });

const sides = (columns: Readonly<Record<string, AnyColumn>>): readonly [Column<NumericType>, Column<NumericType>] => [
  columns["a"] as Column<NumericType>,
  columns["b"] as Column<NumericType>,
];

const decimals = (a: readonly [number, number], b: readonly [number, number]) =>
  [`decimal(${a.join(",")}) by decimal(${b.join(",")})`, decimalsOf(...a), decimalsOf(...b)] as const;

/** Quotients whose digits behind the last one are hardly less or more than a half. */
const nearHalves = {
  a: given(decimal(20, 0), "49999999999999999999", "1", "-1", "99999999999999999999", "50000000000000000000"),
  b: given(
    decimal(20, 0),
    "99999999999999999999",
    "-99999999999999999999",
    "3",
    "66666666666666666667",
    "20000000000000000001",
  ),
};

/** Division of decimals. */
export const decimalProbes = [
  divided(...decimals([10, 2], [10, 2])),
  divided(...decimals([10, 2], [12, 4])),
  divided(...decimals([12, 4], [3, 0])),
  divided(...decimals([3, 0], [12, 4])),
  divided(...decimals([5, 5], [5, 5])),
  divided(...decimals([5, 5], [3, 0])),
  divided(...decimals([1, 0], [1, 0])),
  divided(...decimals([1, 1], [2, 0])),
  divided(...decimals([18, 6], [18, 6])),
  divided(...decimals([19, 9], [19, 9])),
  divided(...decimals([20, 0], [20, 0])),
  divided(...decimals([26, 6], [12, 6])),
  divided(...decimals([32, 0], [6, 0])),
  divided(...decimals([38, 10], [10, 4])),
  quotients(...decimals([38, 38], [38, 0])),
  quotients(...decimals([38, 18], [38, 0])),
  quotients(...decimals([6, 6], [38, 32])),
  quotients(...decimals([10, 4], [38, 20])),
  remainders(...decimals([38, 0], [38, 0])),
  remainders(...decimals([38, 18], [38, 18])),
  remainders(...decimals([38, 38], [5, 5])),
  ...[byte(), short(), integer(), long()].flatMap((type) => [
    divided(`decimal by ${type.kind}`, decimalsOf(10, 2), type),
    divided(`${type.kind} by decimal`, type, decimalsOf(10, 2)),
  ]),
  ...[double(), float()].map((type) => quotients(`decimal by ${type.kind}`, decimalsOf(10, 2), type)),
  quotients("decimals near a half", nearHalves.a, nearHalves.b),
  probe("decimals by what is written", { a: decimalsOf(10, 2), n: integer() }, ({ a, n }) => ({
    three: a.divide(3),
    text: a.divide("-12.50"),
    rest: a.modulo(7),
    restOfTenths: a.modulo(0.1),
    positive: pmod(a, "-0.030"),
    int: a.divide(lit(-300, integer())),
    bigint: lit(7n, long()).divide(a),
    nothing: a.divide(lit(null, integer())),
    zero: a.divide(0),
    nested: a.divide(3).modulo(n).divide("7.5"),
  })),
];

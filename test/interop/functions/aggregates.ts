import {
  avg,
  bitAnd,
  bitOr,
  bitXor,
  boolAnd,
  boolOr,
  boolean,
  byte,
  collectList,
  collectSet,
  corr,
  count,
  countDistinct,
  countIf,
  covarPop,
  covarSamp,
  date,
  decimal,
  double,
  integer,
  long,
  max,
  maxBy,
  median,
  min,
  minBy,
  mode,
  percentile,
  stddevPop,
  stddevSamp,
  string,
  sum,
  timestamp,
  varPop,
  varSamp,
} from "../../../shared/plan/index.ts";
import type { Column, DataType } from "../../../shared/plan/index.ts";
import { aggregateProbe, also, given } from "./probe.ts";

const kinds = [boolean(), byte(), integer(), long(), double(), decimal(20, 3), string(), date(), timestamp()];
const reals = given(double(), 0, 1, -1, 0.5, 2.25, 1e6, -300.125, 17.75);

/** Of few digits Spark's doubles are exact, and from 12 digits on it computes with decimals. */
const ofMeans = [
  [1, 0],
  [5, 2],
  [6, 6],
  [12, 2],
  [18, 9],
  [28, 10],
  [30, 4],
  [34, 30],
  [35, 0],
  [38, 10],
  [38, 36],
  [38, 38],
] as const;

const meanProbes = ofMeans.map(([precision, scale]) => {
  const digits = ["1", "2", "3", "7", "11", "123"].filter((each) => each.length <= (scale === 0 ? precision : scale));
  const some = digits.map((each) => (scale === 0 ? each : `0.${each.padStart(scale, "0")}`));
  // Where a part of the sum may not fit, Spark stops although the sum does: without signs there is no such part.
  const all = also(decimal(precision, scale), ...some);
  const a = precision <= 28 ? all : given(all.type, ...all.values.filter((each) => !String(each).startsWith("-")));
  return aggregateProbe(`means of decimal(${precision},${scale})`, { a, n: integer() }, ({ a: value, n }) => ({
    avg: avg(value),
    some: avg(value).filter(n.gt(0)),
  }));
});

/** Aggregates over groups. */
export const aggregateProbes = [
  ...kinds.map((type: DataType) =>
    aggregateProbe(
      `groups of ${type.kind}`,
      { a: type, n: integer() },
      (columns) => {
        const [a, n] = [columns["a"], columns["n"]] as unknown as [
          Column<typeof type>,
          Column<ReturnType<typeof integer>>,
        ];
        return {
          rows: count(),
          count: count(a),
          different: countDistinct(a),
          some: count(a).filter(n.gt(0)),
          min: min(a),
          max: max(a),
          list: collectList(a),
          set: collectSet(a),
          positive: collectSet(a).filter(n.gt(0)),
          last: maxBy(a, n),
          first: minBy(a, n),
          by: maxBy(n, a),
          byLeast: minBy(n, a),
        };
        // Zeros of both signs are equal: which one stands for both is open.
      },
      { loosely: true },
    ),
  ),
  ...[boolean(), byte(), integer(), long(), decimal(20, 3), string(), date(), timestamp()].map((type: DataType) =>
    aggregateProbe(`modes of ${type.kind}`, { a: type, n: integer() }, (columns) => {
      const a = columns["a"] as unknown as Column<typeof type>;
      return {
        mode: mode(a),
        some: mode(a).filter(columns["n"].gt(0)),
      };
    }),
  ),
  aggregateProbe("values by another", { x: integer(), y: string(), n: given(integer(), 1, 2, 3) }, ({ x, y, n }) => ({
    last: maxBy(y, n),
    n: maxBy(x, y),
  })),
  aggregateProbe(
    "sums of whole numbers",
    { a: integer(), b: given(long(), 0, -1, 5, 4_000_000_000_000_000_000n, 9_000_000_000_000_000_000n), c: byte() },
    ({ a, b, c }) => ({
      int: sum(a),
      long: sum(b),
      byte: sum(c),
      avg: avg(a),
      avgByte: avg(c),
      and: bitAnd(b),
      or: bitOr(a),
      xor: bitXor(c),
    }),
    { loosely: true },
  ),
  aggregateProbe(
    "sums of decimals and doubles",
    { a: decimal(10, 2), c: reals },
    ({ a, c }) => ({
      decimal: sum(a),
      double: sum(c),
      avg: avg(c),
    }),
    { loosely: true },
  ),
  ...meanProbes,
  aggregateProbe("conditions of groups", { a: boolean(), n: integer() }, ({ a, n }) => ({
    all: boolAnd(a),
    some: boolOr(a),
    count: countIf(a),
    filtered: boolAnd(a).filter(n.gt(0)),
  })),
  aggregateProbe(
    "statistics",
    { a: reals, n: given(integer(), 1, 2, 3, 5, 100) },
    ({ a, n }) => ({
      stddevSamp: stddevSamp(a),
      stddevPop: stddevPop(a),
      varSamp: varSamp(a),
      varPop: varPop(a),
      ofWhole: stddevSamp(n),
      median: median(a),
      quarter: percentile(a, 0.25),
      most: percentile(n, 0.95),
      least: percentile(n, 0),
    }),
    { loosely: true },
  ),
  aggregateProbe(
    "statistics of pairs",
    { a: reals, b: given(double(), 0, 3, -2.5, 1e5, 0.1), n: given(integer(), 7), d: decimal(6, 2), c: integer() },
    ({ a, b, n, d, c }) => ({
      corr: corr(a, b),
      whole: corr(c, d),
      some: corr(b, a).filter(c.gt(0)),
      covarPop: covarPop(a, b),
      covarSamp: covarSamp(a, b),
      covarOfWhole: covarSamp(c, d),
      covarOfSame: covarPop(n, b),
    }),
    { loosely: true },
  ),
  aggregateProbe(
    "statistics of infinite pairs",
    { a: given(double(), 1, 1, 2, "Infinity", "NaN"), b: given(double(), 0, 2, "-Infinity") },
    ({ a, b }) => ({ corr: corr(a, b), covarPop: covarPop(a, b), covarSamp: covarSamp(a, b) }),
    { loosely: true },
  ),
  aggregateProbe(
    "statistics of infinities",
    { a: given(double(), 1, "Infinity", "NaN", "-Infinity", 1e308) },
    ({ a }) => ({
      stddevSamp: stddevSamp(a),
      varPop: varPop(a),
    }),
    { loosely: true },
  ),
];

import {
  array,
  binary,
  boolean,
  byte,
  coalesce,
  date,
  decimal,
  double,
  greatest,
  integer,
  least,
  lit,
  long,
  nullif,
  nvl2,
  string,
  struct,
  timestamp,
  timestampNtz,
} from "../../../shared/plan/index.ts";
import type { Column, DataType } from "../../../shared/plan/index.ts";
import { also, probe } from "./probe.ts";

const types = [
  boolean(),
  byte(),
  integer(),
  long(),
  double(),
  decimal(20, 3),
  string(),
  date(),
  timestamp(),
  timestampNtz(),
];

const pair = struct({ x: double(), y: string() });
/** Types that are made of others, and values beside those of their pools. */
const nestedTypes: readonly (readonly [what: string, type: DataType, ...values: readonly unknown[]])[] = [
  ["lists of numbers", array(integer()), [null, null], [1, null], [1]],
  ["lists of doubles", array(double()), ["NaN"], ["-0"], [0], [0, null], ["Infinity"]],
  ["lists of texts", array(string()), ["a"], ["a", ""], [""]],
  ["lists of lists", array(array(boolean())), [[]], [[null]], [null], [[false], []]],
  ["lists of structs", array(pair), [{ x: "NaN", y: null }], [{ x: null, y: "b" }], [null]],
  ["structs", pair, { x: "-0", y: "a" }, { x: 0, y: "a" }, { x: "NaN", y: "" }, { x: null, y: "a" }],
  ["structs of structs", struct({ p: pair, n: integer() }), { p: null, n: 1 }, { p: { x: null, y: null }, n: 1 }],
  ["structs of lists", struct({ b: array(binary()), d: date() }), { b: [], d: null }, { b: ["gA=="], d: null }],
];

/** Comparisons, conditions and choices. */
export const conditionProbes = [
  ...types.map((type: DataType) =>
    probe(`comparisons of ${type.kind}`, { a: type, b: type }, (columns) => {
      const [a, b] = [columns["a"], columns["b"]] as unknown as [Column<typeof type>, Column<typeof type>];
      return {
        eq: a.eq(b),
        ne: a.ne(b),
        lt: a.lt(b),
        le: a.le(b),
        gt: a.gt(b),
        ge: a.ge(b),
        eqNullSafe: a.eqNullSafe(b),
        isin: a.isin(b, a),
        isNull: a.isNull(),
        isNotNull: a.isNotNull(),
        coalesce: coalesce(a, b),
        nullif: nullif(a, b),
        nvl2: nvl2(a, a, b),
        greatest: greatest(a, b),
        least: least(a, b),
      };
    }),
  ),
  ...nestedTypes.map(([what, type, ...values]) =>
    probe(`comparisons of ${what}`, { a: also(type, ...values), b: also(type, ...values) }, (columns) => {
      const [a, b] = [columns["a"], columns["b"]] as unknown as [Column<typeof type>, Column<typeof type>];
      return {
        eq: a.eq(b),
        ne: a.ne(b),
        lt: a.lt(b),
        le: a.le(b),
        gt: a.gt(b),
        ge: a.ge(b),
        between: a.between(b, a),
        eqNullSafe: a.eqNullSafe(b),
        isin: a.isin(b, a),
        isinAnother: a.isin(b),
        nullif: nullif(a, b),
        greatest: greatest(a, b),
        least: least(b, a, b),
      };
    }),
  ),
  probe(
    "comparisons of numbers of several types",
    { a: integer(), b: double(), c: decimal(20, 3), d: long() },
    ({ a, b, c, d }) => ({
      ab: a.lt(b),
      ac: a.lt(c),
      bc: b.lt(c),
      cd: c.eqNullSafe(d),
      ad: a.ge(d),
    }),
  ),
  probe("comparisons of times of several types", { a: date(), b: timestamp(), c: timestampNtz() }, ({ a, b, c }) => ({
    ab: a.lt(b),
    ac: a.ge(c),
  })),
  probe("conditions", { a: boolean(), b: boolean(), n: integer() }, ({ a, b, n }) => ({
    and: a.and(b),
    or: a.or(b),
    not: a.not(),
    andError: a.and(n.divide(0).gt(1)),
    orError: a.or(n.divide(0).gt(1)),
    nvl2Error: nvl2(a, n.divide(n), lit(2, double())),
    coalesceError: coalesce(n.divide(2), n.divide(n)),
  })),
];

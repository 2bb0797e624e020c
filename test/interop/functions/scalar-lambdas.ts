/** Functions with lambdas: over NULLs, empty arrays, lambdas that are NULL or wrong for an element, and lambdas within lambdas. */
import {
  aggregate,
  array,
  arrayOf,
  coalesce,
  concat,
  double,
  elementAt,
  exists,
  filter,
  forall,
  integer,
  length,
  lit,
  long,
  map,
  mapFilter,
  mapZipWith,
  namedStruct,
  reduce,
  size,
  string,
  struct,
  transform,
  transformKeys,
  transformValues,
  upper,
  when,
  zipWith,
} from "../../../shared/plan/index.ts";
import { given, probe } from "./probe.ts";

const lists = given(
  array(integer()),
  [],
  [null],
  [1, 2, 3],
  [3, null, 0, -7],
  [2147483647, 1],
  [null, 2147483647],
  [0],
);
const texts = given(array(string()), [], [null], ["a", "B", "é"], ["1", "x", null, "2"], ["7", "12"], ["", "0"]);
const maps = [
  [],
  [["a", 1]],
  [
    ["a", 1],
    ["bc", null],
  ],
  [
    ["a", 0],
    ["b", 0],
  ],
  [
    ["a", 0],
    ["é", 7],
    ["", -1],
  ],
].map((entries) => entries.map(([key, value]) => ({ key, value })));
const one = lit(1, integer());

/** Functions with lambdas. */
export const lambdaProbes = [
  probe("lambdas of numbers", { xs: lists, k: given(integer(), 0, 2, -1, 2147483647) }, ({ xs, k }) => ({
    plus: transform(xs, (x) => x.plus(k)),
    indexed: transform(xs, (x, i) => x.times(2).minus(i)),
    constant: transform(xs, () => k),
    index: transform(xs, (_x, i) => i),
    doubles: transform(xs, (x) => x.divide(k)),
    pairs: transform(xs, (x, i) => namedStruct({ x, i, k })),
    kept: filter(xs, (x) => x.gt(k)),
    even: filter(xs, (x) => x.modulo(k).eq(0)),
    odd: filter(xs, (x, i) => i.modulo(lit(2, integer())).eq(1).or(x.isNull())),
    some: exists(xs, (x) => x.eq(k)),
    someNull: exists(xs, (x) => x.isNull()),
    every: forall(xs, (x) => x.ge(k)),
    // The elements after the one that decides are not looked at, and are not wrong.
    someWrong: exists(xs, (x) => one.divide(x.minus(3)).gt(0)),
    everyWrong: forall(xs, (x) => one.divide(x.minus(2)).lt(0)),
    sum: aggregate(xs, lit(0, long()), (sum, x) => sum.plus(x)),
    sumOf: aggregate(xs, lit(0, long()), (sum, x) => sum.plus(coalesce(x, 0))),
    narrow: aggregate(xs, lit(0, integer()), (sum, x) => sum.plus(x)),
    begins: aggregate(xs, k.plus(1), (sum, x) => sum.minus(x)),
    mean: aggregate(
      xs,
      namedStruct({ n: lit(0, long()), total: lit(0, double()) }),
      (sum, x) => namedStruct({ n: sum.fields.n.plus(1), total: sum.fields.total.plus(x.cast(double())) }),
      (sum) => sum.fields.total.divide(sum.fields.n.cast(double())),
    ),
    ends: reduce(
      xs,
      lit(0, long()),
      (sum, x) => sum.plus(coalesce(x, 1)),
      (sum) => sum.minus(k).cast(string()),
    ),
    count: reduce(xs, lit(0, long()), (sum) => sum.plus(1)),
  })),
  probe("lambdas of texts", { xs: texts, t: given(string(), "", "1", "é") }, ({ xs, t }) => ({
    upper: transform(xs, (x) => upper(concat(x, t))),
    number: transform(xs, (x) => x.cast(integer())),
    tried: transform(xs, (x) => x.tryCast(integer()).plus(1)),
    read: filter(xs, (x) => x.cast(integer()).gt(1)),
    cases: transform(xs, (x, i) =>
      when(x.eq(t), lit("same", string())).when(i.gt(0), concat(x, "!")).otherwise("first"),
    ),
    long: exists(xs, (x) => length(x).gt(1)),
    joined: aggregate(xs, lit("", string()), (all, x) => concat(all, coalesce(x, "?"), t)),
    wrong: exists(xs, (x) => x.cast(integer()).eq(7)),
    all: forall(xs, (x) => x.cast(integer()).gt(0)),
  })),
  probe(
    "two arrays at once",
    { a: lists, b: given(array(string()), [], ["x"], ["y", null, "12"], ["1", "2", "3", "4"]) },
    ({ a, b }) => ({
      zip: zipWith(a, b, (x, y) => concat(coalesce(y, "none"), x.cast(string()))),
      structs: zipWith(a, b, (x, y) => namedStruct({ x, y })),
      numbers: zipWith(a, b, (x, y) => coalesce(x, 0).plus(y.cast(integer()))),
      own: zipWith(a, a, (x, y) => x.eqNullSafe(y)),
    }),
  ),
  probe(
    "lambdas within lambdas",
    {
      xss: given(array(array(integer())), [], [null], [[1, 2], [], [null, 5]], [[2147483647], [0, -1]], [[3], null]),
      ks: given(array(integer()), [], [1, 2], [null, 2147483647]),
      k: given(integer(), 1, -1),
    },
    ({ xss, ks, k }) => ({
      inner: transform(xss, (xs) => transform(xs, (x) => x.plus(k))),
      outer: transform(xss, (xs, i) => transform(xs, (x, j) => x.plus(size(xs)).minus(i).plus(j))),
      kept: filter(xss, (xs) => exists(xs, (x) => x.gt(k))),
      table: transform(ks, (a) => transform(ks, (b) => a.times(b))),
      nested: transform(ks, (a) => aggregate(ks, lit(0, long()), (sum, b) => sum.plus(a).plus(b.times(k)))),
      sums: transform(xss, (xs) => aggregate(xs, lit(0, integer()), (sum, x) => sum.plus(x))),
      depths: transform(xss, (xs) => transform(xs, (x) => filter(ks, (y) => y.gt(x).or(exists(xs, (z) => z.eq(y)))))),
      firsts: transform(xss, (xs) => elementAt(xs, 1)),
    }),
  ),
  probe(
    "lambdas of structs",
    {
      xs: given(
        array(struct({ a: integer(), b: string() })),
        [],
        [{ a: 1, b: "1" }, null, { a: null, b: "x" }],
        [{ a: 0, b: "2" }],
      ),
    },
    ({ xs }) => ({
      fields: transform(xs, (x) => x.fields.a),
      both: transform(xs, (x) => concat(x.fields.a.cast(string()), x.fields.b)),
      numbers: transform(xs, (x) => x.fields.b.cast(integer())),
      swapped: transform(xs, (x) => namedStruct({ b: x.fields.b, a: arrayOf(x.fields.a) })),
      some: filter(xs, (x) => x.fields.a.isNotNull()),
    }),
  ),
  probe(
    "lambdas of maps",
    { m: map(string(), integer()), n: map(string(), integer()), k: given(integer(), 0, 3) },
    ({ m, n, k }) => ({
      kept: mapFilter(m, (key, value) => value.gt(k).or(key.eq("a"))),
      read: mapFilter(m, (key) => key.cast(integer()).gt(k)),
      values: transformValues(m, (_key, value) => value.plus(k)),
      texts: transformValues(m, (key, value) => concat(key, value.cast(string()))),
      zip: mapZipWith(m, n, (key, a, b) => concat(key, coalesce(a.minus(b), k).cast(string()))),
      sums: mapZipWith(m, n, (_key, a, b) => a.plus(b)),
      nested: transformValues(m, (key) => mapFilter(n, (other) => other.ge(key))),
    }),
  ),
  probe(
    "lambdas of keys",
    { m: given(map(string(), integer()), ...maps) },
    ({ m }) => ({
      keys: transformKeys(m, (key, value) => concat(key, coalesce(value, 0).cast(string()))),
      lengths: transformKeys(m, (key) => length(key)),
      nulls: transformKeys(m, (_key, value) => value),
    }),
    { alone: true },
  ),
];

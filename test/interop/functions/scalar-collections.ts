import {
  array,
  arrayAppend,
  arrayCompact,
  arrayContains,
  arrayDistinct,
  arrayExcept,
  arrayIntersect,
  arrayJoin,
  arrayMax,
  arrayMin,
  arrayOf,
  arrayPosition,
  arrayPrepend,
  arrayRemove,
  arrayRepeat,
  arraySort,
  arraysOverlap,
  arrayUnion,
  arraysZip,
  date,
  double,
  elementAt,
  flatten,
  get,
  integer,
  long,
  map,
  mapConcat,
  mapContainsKey,
  mapEntries,
  mapFromArrays,
  mapFromEntries,
  mapKeys,
  mapValues,
  namedStruct,
  sequence,
  size,
  slice,
  sortArray,
  string,
  struct,
  timestamp,
  transform,
  typeName,
  when,
  zipWith,
} from "../../../shared/plan/index.ts";
import type { ArrayType, Column, DataType } from "../../../shared/plan/index.ts";
import { given, probe } from "./probe.ts";

const pair = struct({ x: double(), y: integer() });
const elements = [
  ...[integer(), long(), string(), date(), timestamp(), double()],
  ...[pair, array(integer()), struct({ p: pair, s: array(string()) })],
];
// Spark itself does not survive the least int as a place.
const places = given(integer(), 0, 1, 2, -1, -3, 9, 2147483647, -2147483647);

/** Arrays and maps. */
export const collectionProbes = [
  probe(
    "arrays zipped",
    { a: array(integer()), b: array(string()), s: struct({ c: array(date()) }) },
    ({ a, b, s }) => ({
      two: arraysZip({ a, b }),
      three: arraysZip({ b, c: s.fields.c, a }),
      one: arraysZip({ b }),
    }),
  ),
  ...elements.map((type: DataType) =>
    probe(
      `arrays of ${typeName(type)}`,
      { a: array(type), b: array(type), v: type, n: places },
      (columns) => {
        const { n } = columns;
        const [a, b] = [columns.a, columns.b] as unknown as [
          Column<ArrayType<typeof type>>,
          Column<ArrayType<typeof type>>,
        ];
        const v = columns.v as unknown as Column<typeof type>;
        return {
          size: size(a),
          contains: arrayContains(a, v),
          position: arrayPosition(a, v),
          remove: arrayRemove(a, v),
          distinct: arrayDistinct(a),
          sort: arraySort(a),
          ascending: sortArray(a),
          descending: sortArray(a, false),
          min: arrayMin(a),
          max: arrayMax(a),
          union: arrayUnion(a, b),
          intersect: arrayIntersect(a, b),
          except: arrayExcept(a, b),
          first: elementAt(a, 1),
          last: elementAt(a, -1),
          far: elementAt(a, 4),
          zero: elementAt(a, 0),
          at: elementAt(a, n),
          of: arrayOf(v, v),
          eq: a.eq(b),
          head: slice(a, 1, 2),
          middle: slice(a, 2, 3),
          tail: slice(a, -2, 2),
          none: slice(a, 1, 0),
          flat: flatten(arrayOf(a, b)),
        };
        // Zeros of both signs are equal: which one stands for both is open.
      },
      { loosely: true },
    ),
  ),
  probe("arrays of texts", { a: array(string()) }, ({ a }) => ({ join: arrayJoin(a, "-"), empty: arrayJoin(a, "") })),
  probe("arrays of arrays", { a: array(array(integer())) }, ({ a }) => ({ flatten: flatten(a), size: size(a) })),
  probe("sequences", { a: given(integer(), 0, 1, -3, 5), b: given(long(), 0, 4, -7, 5) }, ({ a, b }) => ({
    sequence: sequence(a.cast(long()), b),
  })),
  probe("maps", { m: map(string(), integer()), k: given(string(), "", "a", "abc", "zz") }, ({ m, k }) => ({
    keys: mapKeys(m),
    values: mapValues(m),
    size: size(m),
    has: mapContainsKey(m, k),
    at: elementAt(m, k),
    field: elementAt(m, "a"),
  })),
  probe(
    "arrays made of others",
    { a: array(integer()), b: array(integer()), v: given(integer(), 0, 2), n: places },
    ({ a, b, v, n }) => ({
      append: arrayAppend(a, v),
      prepend: arrayPrepend(a, v),
      compact: arrayCompact(a),
      repeat: arrayRepeat(v, 3),
      none: arrayRepeat(v, 0),
      overlap: arraysOverlap(a, b),
      get: get(a, n),
    }),
  ),
  probe(
    "arrays of texts and days made of others",
    { a: array(string()), b: array(string()), d: array(date()) },
    ({ a, b, d }) => ({
      overlap: arraysOverlap(a, b),
      days: arraysOverlap(d, arrayCompact(d)),
      append: arrayAppend(a, "x"),
      nested: arrayRepeat(a, 2),
    }),
  ),
  probe(
    "maps made of others",
    {
      k: given(array(string()), [], ["a"], ["a", "b"], ["a", "a"], ["a", null], ["", "é"]),
      v: given(array(integer()), [], [1], [null, 2], [3, 4, 5]),
      m: given(map(string(), integer()), [], [{ key: "a", value: 7 }], [{ key: "z", value: null }]),
    },
    ({ k, v, m }) => ({
      arrays: mapFromArrays(k, v),
      concat: mapConcat(
        m,
        mapFromArrays(
          k,
          transform(k, (_key, i) => i),
        ),
      ),
      one: mapConcat(m),
      entries: mapEntries(m),
      again: mapFromEntries(mapEntries(m)),
      zipped: mapFromEntries(zipWith(k, v, (key, value) => namedStruct({ key, value }))),
      holes: mapFromEntries(zipWith(k, v, (key, value) => when(value.isNotNull(), namedStruct({ value, key })))),
    }),
    { alone: true },
  ),
  probe("maps of numbers", { m: map(integer(), string()), k: integer() }, ({ m, k }) => ({
    has: mapContainsKey(m, k),
    at: elementAt(m, k),
    keys: mapKeys(m),
  })),
];

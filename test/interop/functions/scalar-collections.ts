import {
  array,
  arrayContains,
  arrayDistinct,
  arrayExcept,
  arrayIntersect,
  arrayJoin,
  arrayMax,
  arrayMin,
  arrayOf,
  arrayPosition,
  arrayRemove,
  arraySort,
  arrayUnion,
  date,
  double,
  elementAt,
  flatten,
  integer,
  long,
  map,
  mapContainsKey,
  mapKeys,
  mapValues,
  sequence,
  size,
  slice,
  sortArray,
  string,
  timestamp,
} from "../../../shared/plan/index.ts";
import type { ArrayType, Column, DataType } from "../../../shared/plan/index.ts";
import { given, probe } from "./probe.ts";

const elements = [integer(), long(), string(), date(), timestamp(), double()];
// Spark itself does not survive the least int as a place.
const places = given(integer(), 0, 1, 2, -1, -3, 9, 2147483647, -2147483647);

/** Arrays and maps. */
export const collectionProbes = [
  ...elements.map((type: DataType) =>
    probe(
      `arrays of ${type.kind}`,
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
  probe("maps of numbers", { m: map(integer(), string()), k: integer() }, ({ m, k }) => ({
    has: mapContainsKey(m, k),
    at: elementAt(m, k),
    keys: mapKeys(m),
  })),
];

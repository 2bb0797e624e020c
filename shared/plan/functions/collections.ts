/** Arrays and maps. Elements are compared and sorted as columns are, what is in them too. */
import { booleanType, calling, integerType, longType, orError, scalarEntry, stringType } from "./define.ts";
import type { ScalarEntry } from "./define.ts";
import type { Mismatch, ScalarFunction, Typed, TypeRule } from "./function-definition.ts";
import { sameType, typeName } from "../type-name.ts";
import type { ArrayType, DataType } from "../types.ts";
import { sortedArray, firstOf } from "./sorted-array.ts";
import { common, exactly, isComparable, isOrdered } from "./type-rules.ts";

const sequenceMax = 100_000;

const arrayOf = (element: DataType): ArrayType => ({ kind: "array", element, containsNull: true });

/** An array of elements that compare, and what else. */
function compared(rest: (element: DataType) => readonly DataType[], result: (array: ArrayType) => DataType): TypeRule {
  return (args): Typed | Mismatch => {
    const [array] = args;
    if (array?.kind !== "array") return { mismatch: "needs an array" };
    if (!isComparable(array.element))
      return { mismatch: `cannot compare elements of the type ${typeName(array.element)}` };
    const others = rest(array.element);
    const fits =
      args.length === others.length + 1 && others.every((type, index) => sameType(type, args[index + 1] as DataType));
    return fits
      ? { result: result(array), args: [array, ...others] }
      : { mismatch: `needs ${[array, ...others].map(typeName).join(", ")}` };
  };
}

const none = (): readonly DataType[] => [];
const element = (type: DataType): readonly DataType[] => [type];
const another = (type: DataType): readonly DataType[] => [arrayOf(type)];
const same = (array: ArrayType): DataType => array;
const elementOf = ([array]: readonly DataType[]): DataType => (array as ArrayType).element;

const hasNull = (array: string): string => `len(list_filter(${array}, lambda __dyne_e: __dyne_e IS NULL)) > 0`;
/** Each element once, where it is first. */
const distinct = (array: string): string =>
  `list_filter(${array}, lambda __dyne_e, __dyne_i: list_position(${array}, __dyne_e) = __dyne_i)`;
const within = (array: string, is: boolean): string => `list_position(${array}, __dyne_e) IS ${is ? "NOT " : ""}NULL`;

function setOperation(
  name: string,
  face: string,
  does: string,
  duckdb: (a: string, b: string) => string,
): ScalarFunction {
  return scalarEntry({
    name,
    usage: `${face}(a: array, b: array): array`,
    does: `${does}, each once.`,
    type: compared(another, same),
    duckdb: ([a, b], { bind }) =>
      `CASE WHEN ${a} IS NOT NULL AND ${b} IS NOT NULL THEN ${distinct(bind(duckdb(a as string, b as string)))} END`,
    spark: calling(name),
  });
}

const elementAtType: TypeRule = (args) => {
  const [from, at] = args;
  if (from?.kind === "array" && at?.kind === "integer" && args.length === 2) return { result: from.element, args };
  if (from?.kind === "map" && at !== undefined && sameType(from.key, at) && isOrdered(at))
    return { result: from.value, args };
  return { mismatch: "needs an array and an int, or a map and a key" };
};

function ofMap(
  name: string,
  face: string,
  does: string,
  result: (map: DataType & { kind: "map" }) => DataType,
): ScalarFunction {
  const entry: ScalarEntry = {
    name,
    usage: `${face}(map: map): array`,
    does,
    type: ([map]) => (map?.kind === "map" ? { result: result(map), args: [map] } : { mismatch: "needs a map" }),
    binds: false,
    duckdb: calling(name),
    spark: calling(name),
  };
  return scalarEntry(entry);
}

/** Functions of arrays and maps. */
export const collectionFunctions = [
  scalarEntry({
    name: "array",
    usage: "arrayOf(...values): array",
    does: "An array of values.",
    type: common(1, 1_000, arrayOf),
    binds: false,
    duckdb: (args) => `[${args.join(", ")}]`,
    spark: calling("array"),
  }),
  scalarEntry({
    name: "size",
    usage: "size(collection: array | map): int",
    does: "The number of elements or entries.",
    type: exactly([["array", "map"]], integerType),
    binds: false,
    duckdb: ([a], { args }) => `CAST(${args[0]?.kind === "map" ? "cardinality" : "len"}(${a}) AS INTEGER)`,
    spark: calling("size"),
  }),
  scalarEntry({
    name: "array_contains",
    usage: "arrayContains(array, value): boolean",
    does: "Whether a value is in an array; NULL where it is not and a NULL is.",
    type: compared(element, () => booleanType),
    duckdb: ([a, value]) =>
      `CASE WHEN ${a} IS NULL OR ${value} IS NULL THEN NULL WHEN list_contains(${a}, ${value}) THEN TRUE WHEN ${hasNull(a as string)} THEN NULL ELSE FALSE END`,
    spark: calling("array_contains"),
  }),
  scalarEntry({
    name: "array_position",
    usage: "arrayPosition(array, value): bigint",
    does: "The first place of a value, from 1; 0 where it is not there.",
    type: compared(element, () => longType),
    duckdb: ([a, value]) =>
      `CASE WHEN ${a} IS NOT NULL AND ${value} IS NOT NULL THEN CAST(coalesce(list_position(${a}, ${value}), 0) AS BIGINT) END`,
    spark: calling("array_position"),
  }),
  scalarEntry({
    name: "array_remove",
    usage: "arrayRemove(array, value): array",
    does: "The array without the elements that equal a value.",
    type: compared(element, same),
    duckdb: ([a, value]) =>
      `CASE WHEN ${value} IS NOT NULL THEN list_filter(${a}, lambda __dyne_e: __dyne_e IS DISTINCT FROM ${value}) END`,
    spark: calling("array_remove"),
  }),
  scalarEntry({
    name: "array_distinct",
    usage: "arrayDistinct(array): array",
    does: "Each element once, where it is first.",
    type: compared(none, same),
    duckdb: ([a]) => distinct(a as string),
    spark: calling("array_distinct"),
  }),
  scalarEntry({
    name: "array_sort",
    usage: "arraySort(array): array",
    does: "The elements in ascending order, NULLs last.",
    type: compared(none, same),
    binds: false,
    duckdb: ([a], { args }) => sortedArray(a!, elementOf(args), "ASC", "LAST"),
    spark: calling("array_sort"),
  }),
  scalarEntry({
    name: "sort_array",
    usage: "sortArray(array, ascending: boolean literal): array",
    does: "The elements in ascending order with NULLs first, or in descending order with NULLs last.",
    type: compared(() => [booleanType], same),
    checkLiterals: ([, ascending]) => (typeof ascending === "boolean" ? undefined : "needs its direction as a literal"),
    binds: false,
    duckdb: ([a, ascending], { args }) =>
      ascending === "TRUE"
        ? sortedArray(a!, elementOf(args), "ASC", "FIRST")
        : sortedArray(a!, elementOf(args), "DESC", "LAST"),
    spark: calling("sort_array"),
  }),
  ...(["min", "max"] as const).map((name) =>
    scalarEntry({
      name: `array_${name}`,
      usage: `array${name === "min" ? "Min" : "Max"}(array)`,
      does: `The ${name === "min" ? "least" : "greatest"} element; NULLs are passed over.`,
      type: compared(none, ({ element: of }) => of),
      binds: false,
      duckdb: ([a], { args }) => firstOf(a!, elementOf(args), name === "min" ? "ASC" : "DESC"),
      spark: calling(`array_${name}`),
    }),
  ),
  scalarEntry({
    name: "array_join",
    usage: "arrayJoin(array: array<string>, separator: string literal): string",
    checkLiterals: ([, separator]) => (typeof separator === "string" ? undefined : "needs its separator as a literal"),
    does: "The texts that are not NULL, joined with the separator.",
    type: (args) => {
      const [array, separator] = args;
      const fits = array?.kind === "array" && array.element.kind === "string" && separator?.kind === "string";
      return fits && args.length === 2
        ? { result: stringType, args }
        : { mismatch: "needs an array of texts and a text" };
    },
    duckdb: ([a, separator]) =>
      `CASE WHEN ${a} IS NOT NULL THEN coalesce(CAST(array_to_string(list_filter(${a}, lambda __dyne_e: __dyne_e IS NOT NULL), ${separator}) AS VARCHAR), '') END`,
    spark: calling("array_join"),
  }),
  setOperation("array_union", "arrayUnion", "The elements of both arrays", (a, b) => `list_concat(${a}, ${b})`),
  setOperation(
    "array_intersect",
    "arrayIntersect",
    "The elements that are in both arrays",
    (a, b) => `list_filter(${a}, lambda __dyne_e: ${within(b, true)})`,
  ),
  setOperation(
    "array_except",
    "arrayExcept",
    "The elements that are in the first array alone",
    (a, b) => `list_filter(${a}, lambda __dyne_e: ${within(b, false)})`,
  ),
  scalarEntry({
    name: "slice",
    usage: "slice(array, start: int literal, length: int literal): array",
    does: "The elements from a place on, from 1 or from -1 at the end; none where the place is outside.",
    type: (args) =>
      args[0]?.kind === "array" && args[1]?.kind === "integer" && args[2]?.kind === "integer"
        ? { result: args[0], args }
        : { mismatch: "needs an array and two ints" },
    checkLiterals: ([, start, length]) =>
      typeof start === "number" && start !== 0 && typeof length === "number" && length >= 0
        ? undefined
        : "needs as literals a start that is not 0 and a length that is not negative",
    duckdb: ([a, start, length]) => {
      const from = `(CASE WHEN ${start} > 0 THEN CAST(${start} AS BIGINT) ELSE len(${a}) + ${start} + 1 END)`;
      return `CASE WHEN ${from} < 1 THEN ${a}[1:0] ELSE ${a}[${from}:${from} + ${length} - 1] END`;
    },
    spark: calling("slice"),
  }),
  scalarEntry({
    name: "element_at",
    usage: "elementAt(collection: array | map, at)",
    does: "The element at a place, from 1 or from -1 at the end, a place outside being an error of the row; or the value of a key, NULL where there is none.",
    type: elementAtType,
    duckdb: ([a, at], { args }) => {
      if (args[0]?.kind === "map") return `element_at(${a}, ${at})[1]`;
      const outside = `(${at} = 0 OR abs(CAST(${at} AS BIGINT)) > len(${a}))`;
      return {
        sql: `list_extract(${a}, ${at})`,
        errors: [
          { when: `coalesce(${a} IS NOT NULL AND ${outside}, FALSE)`, message: `'there is no element ' || ${at}` },
        ],
      };
    },
    spark: calling("element_at"),
  }),
  scalarEntry({
    name: "flatten",
    usage: "flatten(array: array<array>): array",
    does: "The elements of all arrays in an array; NULL where one of them is.",
    type: ([array]) =>
      array?.kind === "array" && array.element.kind === "array"
        ? { result: array.element, args: [array] }
        : { mismatch: "needs an array of arrays" },
    duckdb: ([a]) => `CASE WHEN NOT (${hasNull(a as string)}) THEN flatten(${a}) END`,
    spark: calling("flatten"),
  }),
  scalarEntry({
    name: "sequence",
    usage: "sequence(start: bigint, stop: bigint): array<bigint>",
    does: `The whole numbers from start to stop, up or down; more than ${sequenceMax} are an error of the row.`,
    type: (args) => {
      const typed = exactly(
        [
          ["integer", "long"],
          ["integer", "long"],
        ],
        arrayOf(longType),
      )(args);
      return "mismatch" in typed ? typed : { result: arrayOf(longType), args: [longType, longType] };
    },
    duckdb: ([start, stop], { bind }) => {
      const fits = `abs(CAST(${stop} AS HUGEINT) - ${start}) < ${sequenceMax}`;
      const series = `CASE WHEN ${start} <= ${stop} THEN generate_series(${start}, ${stop}) ELSE generate_series(${start}, ${stop}, -1) END`;
      return orError(
        `CASE WHEN ${fits} THEN ${series} END`,
        [start as string, stop as string],
        "the sequence is too long",
        bind,
      );
    },
    spark: calling("sequence"),
  }),
  ofMap("map_keys", "mapKeys", "The keys of a map.", ({ key }) => arrayOf(key)),
  ofMap("map_values", "mapValues", "The values of a map.", ({ value }) => arrayOf(value)),
  scalarEntry({
    name: "map_contains_key",
    usage: "mapContainsKey(map, key): boolean",
    does: "Whether a map has a key.",
    type: ([map, key]) =>
      map?.kind === "map" && key !== undefined && sameType(map.key, key) && isOrdered(key)
        ? { result: booleanType, args: [map, key] }
        : { mismatch: "needs a map and a key of its type" },
    duckdb: ([map, key]) =>
      `CASE WHEN ${map} IS NOT NULL AND ${key} IS NOT NULL THEN list_contains(map_keys(${map}), ${key}) END`,
    spark: calling("map_contains_key"),
  }),
] as const satisfies readonly ScalarFunction[];

/** Functions of arrays and maps, named as in Spark's DataFrame API. Each is NULL where an argument is, unless it says otherwise. */
import type { ArrayType, DataType, MapType, StructType } from "../types.ts";
import type { BooleanType, IntegerType, LongType, StringType, StructOf } from "../data-type.ts";
import { literal, operandOf, scalar } from "./column.ts";
import type { AnyColumn, Column, ValueOf } from "./column.ts";
import { textOf, wholeOf } from "./arguments.ts";
import type { Whole } from "./arguments.ts";

/** An element of an array, given as a column or as a value. */
const elementOf = (array: Column<ArrayType>, value: unknown): AnyColumn =>
  operandOf(literal(null, array.type.element), value);

/** An array of values; NULLs are elements like others. Spark's array. */
export function arrayOf<Type extends DataType>(
  first: Column<Type>,
  ...others: readonly (Column<Type> | ValueOf<Type>)[]
): Column<ArrayType<Type>> {
  return scalar("array", [first, ...others.map((other) => operandOf(first, other))]);
}
/** The number of elements or entries. */
export function size(collection: Column<ArrayType> | Column<MapType>): Column<IntegerType> {
  return scalar("size", [collection]);
}
/** The elements that equal nothing before them. */
export function arrayDistinct<Type extends DataType>(array: Column<ArrayType<Type>>): Column<ArrayType<Type>> {
  return scalar("array_distinct", [array]);
}
/** The elements in ascending order, NULLs last. */
export function arraySort<Type extends DataType>(array: Column<ArrayType<Type>>): Column<ArrayType<Type>> {
  return scalar("array_sort", [array]);
}
/** The elements in ascending order with NULLs first, or in descending order with NULLs last. */
export function sortArray<Type extends DataType>(
  array: Column<ArrayType<Type>>,
  ascending = true,
): Column<ArrayType<Type>> {
  return scalar("sort_array", [array, literal(ascending, { kind: "boolean" })]);
}
/** The least element; NULLs are passed over. */
export function arrayMin<Type extends DataType>(array: Column<ArrayType<Type>>): Column<Type> {
  return scalar("array_min", [array]);
}
/** The greatest element; NULLs are passed over. */
export function arrayMax<Type extends DataType>(array: Column<ArrayType<Type>>): Column<Type> {
  return scalar("array_max", [array]);
}
/** The texts that are not NULL, joined with the separator. */
export function arrayJoin(array: Column<ArrayType<StringType>>, separator: string): Column<StringType> {
  return scalar("array_join", [array, textOf(separator)]);
}
/** The elements of all arrays in an array; NULL where one of them is. */
export function flatten<Type extends DataType>(array: Column<ArrayType<ArrayType<Type>>>): Column<ArrayType<Type>> {
  return scalar("flatten", [array]);
}
/** The elements from a place on, from 1 or from -1 at the end; none where the place is outside. */
export function slice<Type extends DataType>(
  array: Column<ArrayType<Type>>,
  start: number,
  length: number,
): Column<ArrayType<Type>> {
  return scalar("slice", [array, wholeOf(start), wholeOf(length)]);
}
/** The whole numbers from start to stop, up or down; more than 100,000 are an error of the row. */
export function sequence(
  start: Column<IntegerType | LongType>,
  stop: Column<IntegerType | LongType>,
): Column<ArrayType<LongType>> {
  return scalar("sequence", [start, stop]);
}
/** Whether a value is in an array; NULL where it is not and a NULL is. */
export function arrayContains<Type extends DataType>(
  array: Column<ArrayType<Type>>,
  value: Column<Type> | ValueOf<Type>,
): Column<BooleanType> {
  return scalar("array_contains", [array, elementOf(array, value)]);
}
/** The first place of a value, from 1; 0 where it is not there. */
export function arrayPosition<Type extends DataType>(
  array: Column<ArrayType<Type>>,
  value: Column<Type> | ValueOf<Type>,
): Column<LongType> {
  return scalar("array_position", [array, elementOf(array, value)]);
}
/** The array without the elements that equal a value. */
export function arrayRemove<Type extends DataType>(
  array: Column<ArrayType<Type>>,
  value: Column<Type> | ValueOf<Type>,
): Column<ArrayType<Type>> {
  return scalar("array_remove", [array, elementOf(array, value)]);
}
/** The elements of both arrays, each once. */
export function arrayUnion<Type extends DataType>(
  a: Column<ArrayType<Type>>,
  b: Column<ArrayType<Type>>,
): Column<ArrayType<Type>> {
  return scalar("array_union", [a, b]);
}
/** The elements that are in both arrays, each once. */
export function arrayIntersect<Type extends DataType>(
  a: Column<ArrayType<Type>>,
  b: Column<ArrayType<Type>>,
): Column<ArrayType<Type>> {
  return scalar("array_intersect", [a, b]);
}
/** The elements that are in the first array alone, each once. */
export function arrayExcept<Type extends DataType>(
  a: Column<ArrayType<Type>>,
  b: Column<ArrayType<Type>>,
): Column<ArrayType<Type>> {
  return scalar("array_except", [a, b]);
}
/** The element at a place, from 1 or from -1 at the end, a place outside being an error of the row; or the value of a key, NULL where it is not there. */
export function elementAt<Type extends DataType>(array: Column<ArrayType<Type>>, place: Whole): Column<Type>;
export function elementAt<Key extends DataType, Value extends DataType>(
  map: Column<MapType<Key, Value>>,
  key: Column<Key> | ValueOf<Key>,
): Column<Value>;
export function elementAt(collection: Column<ArrayType | MapType>, at: unknown): Column<DataType> {
  const type = collection.type.kind === "map" ? collection.type.key : ({ kind: "integer" } as const);
  return scalar("element_at", [collection, operandOf(literal(null, type), at)]);
}
/** The keys of a map. */
export function mapKeys<Key extends DataType>(map: Column<MapType<Key>>): Column<ArrayType<Key>> {
  return scalar("map_keys", [map]);
}
/** The values of a map. */
export function mapValues<Value extends DataType>(map: Column<MapType<DataType, Value>>): Column<ArrayType<Value>> {
  return scalar("map_values", [map]);
}
/** Whether a map has a key. */
export function mapContainsKey<Key extends DataType>(
  map: Column<MapType<Key>>,
  key: Column<Key> | ValueOf<Key>,
): Column<BooleanType> {
  return scalar("map_contains_key", [map, operandOf(literal(null, map.type.key), key)]);
}
/** The array with one more element at its end. */
export function arrayAppend<Type extends DataType>(
  array: Column<ArrayType<Type>>,
  value: Column<Type> | ValueOf<Type>,
): Column<ArrayType<Type>> {
  return scalar("array_append", [array, elementOf(array, value)]);
}
/** The array with one more element before its first. */
export function arrayPrepend<Type extends DataType>(
  array: Column<ArrayType<Type>>,
  value: Column<Type> | ValueOf<Type>,
): Column<ArrayType<Type>> {
  return scalar("array_prepend", [array, elementOf(array, value)]);
}
/** The elements that are not NULL. */
export function arrayCompact<Type extends DataType>(array: Column<ArrayType<Type>>): Column<ArrayType<Type>> {
  return scalar("array_compact", [array]);
}
/** The value so many times, 0 to 100,000. */
export function arrayRepeat<Type extends DataType>(value: Column<Type>, count: number): Column<ArrayType<Type>> {
  return scalar("array_repeat", [value, wholeOf(count)]);
}
/** Whether an element is in both arrays; NULL where none is, one of them has a NULL and none is empty. */
export function arraysOverlap<Type extends DataType>(
  a: Column<ArrayType<Type>>,
  b: Column<ArrayType<Type>>,
): Column<BooleanType> {
  return scalar("arrays_overlap", [a, b]);
}
/** The element at a place, from 0; NULL where the place is outside. */
export function get<Type extends DataType>(array: Column<ArrayType<Type>>, index: Whole): Column<Type> {
  return scalar("get", [array, wholeOf(index)]);
}
/** The entries of a map. */
export function mapEntries<Key extends DataType, Value extends DataType>(
  map: Column<MapType<Key, Value>>,
): Column<ArrayType<StructOf<{ readonly key: Key; readonly value: Value }>>> {
  return scalar("map_entries", [map]);
}
/** A map of keys and their values; a key that is NULL or there twice and arrays of different lengths are errors of the row. */
export function mapFromArrays<Key extends DataType, Value extends DataType>(
  keys: Column<ArrayType<Key>>,
  values: Column<ArrayType<Value>>,
): Column<MapType<Key, Value>> {
  return scalar("map_from_arrays", [keys, values]);
}
/** A map of structs with two fields, key and value; NULL where one of them is. A key that is NULL or there twice is an error of the row. */
export function mapFromEntries(entries: Column<ArrayType<StructType>>): Column<MapType> {
  return scalar("map_from_entries", [entries]);
}
/** The entries of all maps; a key that is there twice is an error of the row. */
export function mapConcat<Key extends DataType, Value extends DataType>(
  first: Column<MapType<Key, Value>>,
  ...others: readonly Column<MapType<Key, Value>>[]
): Column<MapType<Key, Value>> {
  return scalar("map_concat", [first, ...others]);
}
/**
 * Structs of the elements at the same places, by name; shorter arrays go on with NULLs. NULL where an array is.
 * Errors: TYPE_MISMATCH for two names that differ in case alone.
 */
export function arraysZip<const Arrays extends Readonly<Record<string, Column<ArrayType>>>>(
  arrays: Arrays,
): Column<ArrayType<StructOf<{ [Name in keyof Arrays]: Arrays[Name]["type"]["element"] }>>> {
  const args = Object.entries(arrays).flatMap(([name, array]) => [literal(name, { kind: "string" }), array]);
  return scalar("arrays_zip", args);
}

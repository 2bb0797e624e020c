/**
 * Arrays in the order of their elements. DuckDB sorts what is nested by another order than Spark, in which NULL within is less than every value:
 * so that such elements are sorted by a value beside them, equal ones staying as they stood.
 */
import { orderedValue } from "../sql/ordered-value.ts";
import type { DataType } from "../types.ts";
import { isOrdered } from "./type-rules.ts";

type Direction = "ASC" | "DESC";

const [element, place] = [`"__dyne_e"`, `"__dyne_i"`];
const given = (value: string): string => `CASE WHEN ${element} IS NOT NULL THEN ${value} END`;
const valueIn = (entry: string): string => `struct_extract(${entry}, 'v')`;

/** Each element with what it is ordered by. */
function entries(array: string, type: DataType, direction: Direction): string {
  const turn = direction === "ASC" ? "" : "-";
  const entry = `struct_pack(o := ${orderedValue(element, type, "duckdb")}, i := ${turn}${place}, v := ${element})`;
  return `list_transform(${array}, lambda ${element}, ${place}: ${given(entry)})`;
}

/** All elements, the NULLs among them first or last. */
export function sortedArray(array: string, type: DataType, direction: Direction, nulls: "FIRST" | "LAST"): string {
  const order = `'${direction}', 'NULLS ${nulls}'`;
  if (isOrdered(type)) return `list_sort(${array}, ${order})`;
  return `list_transform(list_sort(${entries(array, type, direction)}, ${order}), lambda ${element}: ${given(valueIn(element))})`;
}

/** The first element that is not NULL in that order; NULL where there is none. */
export function firstOf(array: string, type: DataType, direction: Direction): string {
  if (isOrdered(type)) return `${direction === "ASC" ? "list_min" : "list_max"}(${array})`;
  return valueIn(`list_sort(${entries(array, type, direction)}, '${direction}', 'NULLS LAST')[1]`);
}

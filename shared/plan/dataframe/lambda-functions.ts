/**
 * Functions that compute something of every element, named as in Spark's DataFrame API. What is computed is said by a function of columns,
 * which is called once, when the query is built: `transform(xs, (x) => x.plus(1))`. It may use columns of the row, and the elements of
 * functions around it. Each is NULL where an array or map is.
 */
import { DyneError } from "../../core/errors.ts";
import type { Expression, HigherOrderCall, Lambda } from "../expression.ts";
import type { BooleanType, IntegerType } from "../data-type.ts";
import { higherOrderFunction, isMismatch } from "../functions/index.ts";
import type { LambdaRule } from "../functions/index.ts";
import { lambdaOf, unboundVariable } from "../lambda.ts";
import type { ArrayType, DataType, MapType } from "../types.ts";
import { Column, expressionOf } from "./column.ts";
import type { AnyColumn } from "./column.ts";
import { functionGiven } from "./given.ts";

/** What each element gives: a function from columns to a column. */
type Body = (...parameters: readonly never[]) => AnyColumn;

/** What the function gives for each element and its place, from 0. */
export function transform<Element extends DataType, Result extends DataType>(
  array: Column<ArrayType<Element>>,
  by: (element: Column<Element>, index: Column<IntegerType>) => Column<Result>,
): Column<ArrayType<Result>> {
  return higherOrder("transform", [array], [by]);
}
/** The elements for which the condition is true. */
export function filter<Element extends DataType>(
  array: Column<ArrayType<Element>>,
  condition: (element: Column<Element>, index: Column<IntegerType>) => Column<BooleanType>,
): Column<ArrayType<Element>> {
  return higherOrder("filter", [array], [condition]);
}
/** Whether the condition is true of an element; NULL where it is of none and NULL of one. */
export function exists<Element extends DataType>(
  array: Column<ArrayType<Element>>,
  condition: (element: Column<Element>) => Column<BooleanType>,
): Column<BooleanType> {
  return higherOrder("exists", [array], [condition]);
}
/** Whether the condition is true of all elements; NULL where it is false of none and NULL of one. */
export function forall<Element extends DataType>(
  array: Column<ArrayType<Element>>,
  condition: (element: Column<Element>) => Column<BooleanType>,
): Column<BooleanType> {
  return higherOrder("forall", [array], [condition]);
}
/**
 * The elements merged one after the other into a value that begins as `start`, whose type it keeps, and at the end what `finish` makes of it.
 * A sum of whole numbers begins with a long: `aggregate(xs, lit(0, long()), (sum, x) => sum.plus(x))`.
 */
export function aggregate<Element extends DataType, Sum extends DataType>(
  array: Column<ArrayType<Element>>,
  start: Column<Sum>,
  merge: (sum: Column<Sum>, element: Column<Element>) => Column<Sum>,
): Column<Sum>;
export function aggregate<Element extends DataType, Sum extends DataType, Result extends DataType>(
  array: Column<ArrayType<Element>>,
  start: Column<Sum>,
  merge: (sum: Column<Sum>, element: Column<Element>) => Column<Sum>,
  finish: (sum: Column<Sum>) => Column<Result>,
): Column<Result>;
export function aggregate(array: Column<ArrayType>, start: AnyColumn, merge: Body, finish?: Body): AnyColumn {
  return higherOrder("aggregate", [array, start], finish === undefined ? [merge] : [merge, finish]);
}
/** `aggregate` by its other name. */
export const reduce: typeof aggregate = (
  array: Column<ArrayType>,
  start: AnyColumn,
  merge: Body,
  finish?: Body,
): never => (aggregate as (...args: readonly unknown[]) => unknown)(array, start, merge, finish) as never;
/** What the function gives for the elements at the same places; the shorter array goes on with NULLs. */
export function zipWith<A extends DataType, B extends DataType, Result extends DataType>(
  a: Column<ArrayType<A>>,
  b: Column<ArrayType<B>>,
  by: (a: Column<A>, b: Column<B>) => Column<Result>,
): Column<ArrayType<Result>> {
  return higherOrder("zip_with", [a, b], [by]);
}
/** The entries for which the condition is true. */
export function mapFilter<Key extends DataType, Value extends DataType>(
  map: Column<MapType<Key, Value>>,
  condition: (key: Column<Key>, value: Column<Value>) => Column<BooleanType>,
): Column<MapType<Key, Value>> {
  return higherOrder("map_filter", [map], [condition]);
}
/** The map with other keys; one that is NULL or there twice is an error of the row. */
export function transformKeys<Key extends DataType, Value extends DataType, Result extends DataType>(
  map: Column<MapType<Key, Value>>,
  by: (key: Column<Key>, value: Column<Value>) => Column<Result>,
): Column<MapType<Result, Value>> {
  return higherOrder("transform_keys", [map], [by]);
}
/** The map with other values. */
export function transformValues<Key extends DataType, Value extends DataType, Result extends DataType>(
  map: Column<MapType<Key, Value>>,
  by: (key: Column<Key>, value: Column<Value>) => Column<Result>,
): Column<MapType<Key, Result>> {
  return higherOrder("transform_values", [map], [by]);
}
/** What the function gives for each key of one of the maps, and its values in both: NULL where it has none. */
export function mapZipWith<Key extends DataType, A extends DataType, B extends DataType, Result extends DataType>(
  a: Column<MapType<Key, A>>,
  b: Column<MapType<Key, B>>,
  by: (key: Column<Key>, a: Column<A>, b: Column<B>) => Column<Result>,
): Column<MapType<Key, Result>> {
  return higherOrder("map_zip_with", [a, b], [by]);
}

/** A call of a function with lambdas. The result's static type is the caller's promise; the run-time type is the function table's. */
function higherOrder<Type extends DataType>(
  name: string,
  values: readonly AnyColumn[],
  bodies: readonly Body[],
): Column<Type> {
  const definition = higherOrderFunction(name);
  const refused = (mismatch: string): DyneError =>
    new DyneError("TYPE_MISMATCH", `${name} ${mismatch}. Change or cast the arguments.`);
  for (const value of values) expressionOf(value, name);
  const types = values.map(({ type }) => type);
  const rules = definition.lambdas(types);
  if (isMismatch(rules)) throw refused(rules.mismatch);
  const built = bodies.map((body, index) => lambdaBuilt(name, rules[index]!, body));
  const typed = definition.type(
    types,
    built.map(({ type }) => type),
  );
  if (isMismatch(typed)) throw refused(typed.mismatch);
  const lambdas = built.map(({ lambda }) => lambda);
  const call: HigherOrderCall = {
    kind: "higherOrder",
    name,
    args: values.map(({ expression }) => expression),
    lambdas,
  };
  return new Column(call satisfies Expression, typed.result as Type);
}

function lambdaBuilt(name: string, { parameters, least }: LambdaRule, body: Body): { lambda: Lambda; type: DataType } {
  const variables = parameters.map(unboundVariable);
  const given = variables.map((variable) => new Column(variable, variable.type));
  functionGiven(body, name, "(x) => x.isNotNull(), behind the array or map");
  const result = (body as (...columns: readonly AnyColumn[]) => unknown)(...given);
  if (!(result instanceof Column))
    throw new DyneError(
      "TYPE_MISMATCH",
      `The function of ${name} gives ${typeof result}, not a column. Return a column: lit() makes one of a constant.`,
    );
  return { lambda: lambdaOf(variables, result.expression, least), type: result.type };
}

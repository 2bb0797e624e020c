/**
 * Functions with lambdas. A lambda that can be wrong gives pairs `{v, e}` of value and error in DuckDB, and the row has the error that Spark
 * meets first: not that of an element which is not looked at any more.
 */
import type { DataType, MapType } from "../types.ts";
import { sameType, typeName } from "../type-name.ts";
import { duckdbType } from "../sql/quoting.ts";
import { booleanType, integerType } from "./define.ts";
import type {
  HigherOrderFunction,
  LambdaRule,
  Mismatch,
  RowError,
  Spelled,
  SpelledLambda,
  SpellingContext,
  Typed,
} from "./function-definition.ts";
import { isKey } from "./type-rules.ts";

interface Entry extends Pick<HigherOrderFunction, "name" | "lambdas" | "type" | "duckdb" | "evaluates"> {
  readonly usage: string;
  readonly does: string;
}

function entry({ usage, does, evaluates, ...rest }: Entry): HigherOrderFunction {
  return {
    kind: "higherOrder",
    deterministic: true,
    exactness: "exact",
    doc: { usage, does },
    ...rest,
    ...(evaluates === undefined ? {} : { evaluates }),
  };
}

const arrayOf = (element: DataType): DataType => ({ kind: "array", element, containsNull: true });

/** One lambda of an element and its place. */
const ofElement = (args: readonly DataType[]): readonly LambdaRule[] | Mismatch => {
  const [array] = args;
  return args.length === 1 && array?.kind === "array"
    ? [{ parameters: [array.element, integerType], least: 1 }]
    : { mismatch: "needs an array" };
};
/** One lambda of an element alone. */
const ofElementAlone = (args: readonly DataType[]): readonly LambdaRule[] | Mismatch => {
  const [array] = args;
  return args.length === 1 && array?.kind === "array"
    ? [{ parameters: [array.element], least: 1 }]
    : { mismatch: "needs an array" };
};
const ofEntry = (args: readonly DataType[]): readonly LambdaRule[] | Mismatch => {
  const [map] = args;
  return args.length === 1 && map?.kind === "map"
    ? [{ parameters: [map.key, map.value], least: 2 }]
    : { mismatch: "needs a map" };
};

/** The lambda gives a condition. */
const ofConditions =
  (result: (from: DataType) => DataType) =>
  (args: readonly DataType[], [body]: readonly DataType[]): Typed | Mismatch =>
    body?.kind === "boolean"
      ? { result: result(args[0]!), args }
      : { mismatch: `needs a lambda that gives a boolean, not ${typeName(body!)}` };

const field = (row: string, name: string): string => `struct_extract(${row}, '${name}')`;
/** A name of DuckDB's lambdas within which nothing of the query stands. */
const row = `"__dyne_r"`;
const pair = (value: string, error: string | undefined): string =>
  error === undefined ? value : `struct_pack(v := ${value}, e := ${error})`;

/** What the lambda gives for each element of a list, with a name of DuckDB's that takes such a lambda. */
interface Each {
  readonly by: (name: "list_transform" | "list_filter") => string;
  readonly fails: boolean;
}
type Made = (value: string, error: string | undefined) => string;

function eachOf(list: string, lambda: SpelledLambda, of: Made): Each {
  const [element, place] = lambda.names as [string, string];
  const { sql, fails } = lambda.body([element, `CAST(${place} - 1 AS INTEGER)`], of);
  const parameters = lambda.count > 1 ? `${element}, ${place}` : element;
  return { by: (name) => `${name}(${list}, lambda ${parameters}: ${sql})`, fails };
}

/** The error of the first element for which `counts` is true; those before it have none. */
function firstError(pairs: string, counts = `${field(row, "e")} IS NOT NULL`): RowError {
  const first = field(`list_filter(${pairs}, lambda ${row}: ${counts})[1]`, "e");
  return { when: `(${first} IS NOT NULL)`, message: first };
}

const valuesOf = (pairs: string): string => `list_transform(${pairs}, lambda ${row}: ${field(row, "v")})`;

/** The values of all elements, and the first error. */
function allOf(each: Each, { bind }: SpellingContext): Spelled {
  const list = bind(each.by("list_transform"));
  return each.fails ? { sql: bind(valuesOf(list)), errors: [firstError(list)] } : { sql: list, errors: [] };
}

/** Whether the lambda is true of some element, or of all: looked for until it is known. */
function quantifier(name: "exists" | "forall", does: string): HigherOrderFunction {
  const decides = name === "exists" ? "TRUE" : "FALSE";
  const otherwise = name === "exists" ? "FALSE" : "TRUE";
  return entry({
    name,
    usage: `${name}(array, element => condition): boolean`,
    does,
    lambdas: ofElementAlone,
    type: ofConditions(() => booleanType),
    duckdb: ([array], [lambda], context) => {
      const each = eachOf(array!, lambda!, pair);
      const list = context.bind(each.by("list_transform"));
      const values = each.fails ? context.bind(valuesOf(list)) : list;
      const sql = `CASE WHEN ${values} IS NULL THEN NULL WHEN list_contains(${values}, ${decides}) THEN ${decides} WHEN len(list_filter(${values}, lambda ${row}: ${row} IS NULL)) > 0 THEN NULL ELSE ${otherwise} END`;
      const decided = `${field(row, "e")} IS NOT NULL OR ${field(row, "v")} IS ${decides}`;
      return each.fails ? { sql, errors: [firstError(list, decided)] } : sql;
    },
  });
}

/** Folding: the lists of DuckDB's own are folded into values of their elements' type, so that elements are pairs with what was reached. */
function fold(
  [array, zero]: readonly string[],
  [merge, finish]: readonly SpelledLambda[],
  context: SpellingContext,
): Spelled {
  const [list, start] = context.args as readonly [DataType & { kind: "array" }, DataType];
  const [reached, item] = merge!.names as [string, string, string];
  const nothing = `x := CAST(NULL AS ${duckdbType(list.element)})`;
  const before = field(reached, "e");
  const body = merge!.body([field(reached, "a"), field(item, "x")], (value, error) =>
    error === undefined
      ? `struct_pack(a := ${value}, ${nothing})`
      : `struct_pack(a := ${value}, ${nothing}, e := coalesce(${before}, ${error}))`,
  );
  const noError = body.fails ? ", e := CAST(NULL AS VARCHAR)" : "";
  const items = `list_transform(${array}, lambda ${item}: struct_pack(a := CAST(NULL AS ${duckdbType(start)}), x := ${item}${noError}))`;
  const first = `struct_pack(a := ${zero}, ${nothing}${noError})`;
  const end = context.bind(`list_reduce(${items}, lambda ${reached}, ${item}: ${body.sql}, ${first})`);
  const errors: RowError[] = body.fails ? [{ when: `(${field(end, "e")} IS NOT NULL)`, message: field(end, "e") }] : [];
  if (finish === undefined) return { sql: field(end, "a"), errors };
  const last = finish.body([field(end, "a")], pair);
  const result = context.bind(`CASE WHEN ${array} IS NOT NULL THEN ${last.sql} END`);
  if (!last.fails) return { sql: result, errors };
  const failed: RowError = { when: `(${field(result, "e")} IS NOT NULL)`, message: field(result, "e") };
  return { sql: field(result, "v"), errors: [...errors, failed] };
}

function folding(): HigherOrderFunction {
  return entry({
    name: "aggregate",
    usage: "aggregate(array, start, (sum, element) => sum, sum => result)",
    does: "The elements merged one after the other into a value that begins as `start` and keeps its type, and at the end what is made of it, where that is given. Also called reduce.",
    lambdas: ([array, start, ...rest]) =>
      array?.kind === "array" && start !== undefined && rest.length === 0
        ? [
            { parameters: [start, array.element], least: 2 },
            { parameters: [start], least: 1, optional: true },
          ]
        : { mismatch: "needs an array and a value to begin with" },
    type: (args, [merged, result = merged]) =>
      sameType(args[1]!, merged!)
        ? { result: result!, args }
        : { mismatch: `begins with ${typeName(args[1]!)} and merges to ${typeName(merged!)}, which must be the same` },
    evaluates: ([array], index) => (index === 1 ? `${array} IS NOT NULL` : undefined),
    duckdb: fold,
  });
}

/** As `eachOf`, where a lambda takes parts of the element. */
function partsOf(list: string, lambda: SpelledLambda, parts: (element: string) => readonly string[], of: Made): Each {
  const element = lambda.names[0]!;
  const { sql, fails } = lambda.body(parts(element), of);
  return { by: (name) => `${name}(${list}, lambda ${element}: ${sql})`, fails };
}
/** Entries as DuckDB has them: `{key, value}`. */
const eachEntry = (map: string, lambda: SpelledLambda, of: Made): Each =>
  partsOf(`map_entries(${map})`, lambda, (item) => [field(item, "key"), field(item, "value")], of);
/** The elements for which the lambda is true. */
function keptOf(each: (of: Made) => Each, element: string, { bind }: SpellingContext): Spelled {
  const marked = each((value, error) =>
    error === undefined ? value : `struct_pack(x := ${element}, v := ${value}, e := ${error})`,
  );
  if (!marked.fails) return { sql: marked.by("list_filter"), errors: [] };
  const list = bind(marked.by("list_transform"));
  const kept = `list_filter(${list}, lambda ${row}: ${field(row, "v")})`;
  return { sql: `list_transform(${kept}, lambda ${row}: ${field(row, "x")})`, errors: [firstError(list)] };
}

/** Functions that compute a lambda of each element. */
export const higherOrderFunctions = [
  entry({
    name: "transform",
    usage: "transform(array, (element, index) => value): array",
    does: "What the lambda gives for each element and its place, from 0.",
    lambdas: ofElement,
    type: (args, [body]) => ({ result: arrayOf(body!), args }),
    duckdb: ([array], [lambda], context) => allOf(eachOf(array!, lambda!, pair), context),
  }),
  entry({
    name: "filter",
    usage: "filter(array, (element, index) => condition): array",
    does: "The elements for which the lambda is true.",
    lambdas: ofElement,
    type: ofConditions((array) => array),
    duckdb: ([array], [lambda], context) => keptOf((of) => eachOf(array!, lambda!, of), lambda!.names[0]!, context),
  }),
  quantifier("exists", "Whether the lambda is true of an element; NULL where it is of none and NULL of one."),
  quantifier("forall", "Whether the lambda is true of all elements; NULL where it is false of none and NULL of one."),
  folding(),
  entry({
    name: "zip_with",
    usage: "zipWith(a: array, b: array, (a, b) => value): array",
    does: "What the lambda gives for the elements at the same places; the shorter array goes on with NULLs.",
    lambdas: (args) => {
      const [a, b] = args;
      return args.length === 2 && a?.kind === "array" && b?.kind === "array"
        ? [{ parameters: [a.element, b.element], least: 2 }]
        : { mismatch: "needs two arrays" };
    },
    type: (args, [body]) => ({ result: arrayOf(body!), args }),
    evaluates: ([a], index) => (index === 1 ? `${a} IS NOT NULL` : undefined),
    duckdb: ([a, b], [lambda], context) => {
      const zipped = `CASE WHEN ${a} IS NOT NULL AND ${b} IS NOT NULL THEN list_zip(${a}, ${b}) END`;
      const both = (item: string): readonly string[] => [1, 2].map((at) => `struct_extract_at(${item}, ${at})`);
      return allOf(partsOf(zipped, lambda!, both, pair), context);
    },
  }),
  entry({
    name: "map_filter",
    usage: "mapFilter(map, (key, value) => condition): map",
    does: "The entries for which the lambda is true.",
    lambdas: ofEntry,
    type: ofConditions((map) => map),
    duckdb: ([map], [lambda], context) => {
      const { sql, errors } = keptOf((of) => eachEntry(map!, lambda!, of), lambda!.names[0]!, context);
      return { sql: `map_from_entries(${sql})`, errors };
    },
  }),
  entry({
    name: "transform_values",
    usage: "transformValues(map, (key, value) => value): map",
    does: "The map with what the lambda gives for each entry as its value.",
    lambdas: ofEntry,
    type: (args, [body]) => ({ result: { ...(args[0] as MapType), value: body!, valueContainsNull: true }, args }),
    duckdb: ([map], [lambda], context) => {
      const { sql, errors } = allOf(eachEntry(map!, lambda!, pair), context);
      return { sql: `CASE WHEN ${map} IS NOT NULL THEN map(map_keys(${map}), ${sql}) END`, errors };
    },
  }),
  entry({
    name: "transform_keys",
    usage: "transformKeys(map, (key, value) => key): map",
    does: "The map with what the lambda gives for each entry as its key; a key that is NULL or there twice is an error of the row.",
    lambdas: ofEntry,
    type: (args, [key]) =>
      isKey(key!)
        ? { result: { ...(args[0] as MapType), key: key! }, args }
        : { mismatch: `cannot have keys of ${typeName(key!)}` },
    duckdb: ([map], [lambda], context) => {
      const { sql, errors } = allOf(eachEntry(map!, lambda!, pair), context);
      const { keys, wrong } = mapKeys(sql, context);
      const value = `CASE WHEN ${map} IS NOT NULL AND NOT ${wrong.when} THEN map(${keys}, map_values(${map})) END`;
      return { sql: value, errors: [...errors, wrong] };
    },
  }),
  entry({
    name: "map_zip_with",
    usage: "mapZipWith(a: map, b: map, (key, a, b) => value): map",
    does: "What the lambda gives for each key of one of the maps, and its values in both: NULL where it has none.",
    lambdas: (args) => {
      const [a, b] = args;
      if (args.length !== 2 || a?.kind !== "map" || b?.kind !== "map" || !sameType(a.key, b.key))
        return { mismatch: "needs two maps with keys of one type" };
      if (!isKey(a.key)) return { mismatch: `cannot compare keys of ${typeName(a.key)}` };
      return [{ parameters: [a.key, a.value, b.value], least: 3 }];
    },
    type: ([a, b], [body]) => ({
      result: { ...(a as MapType), value: body!, valueContainsNull: true },
      args: [a!, b!],
    }),
    evaluates: ([a], index) => (index === 1 ? `${a} IS NOT NULL` : undefined),
    duckdb: ([a, b], [lambda], context) => {
      const others = `list_filter(map_keys(${b}), lambda ${row}: NOT list_contains(map_keys(${a}), ${row}))`;
      const keys = context.bind(
        `CASE WHEN ${a} IS NOT NULL AND ${b} IS NOT NULL THEN list_concat(map_keys(${a}), ${others}) END`,
      );
      const parts = (key: string): readonly string[] => [key, ...[a, b].map((map) => `element_at(${map}, ${key})[1]`)];
      const values = allOf(partsOf(keys, lambda!, parts, pair), context);
      return { sql: `CASE WHEN ${keys} IS NOT NULL THEN map(${keys}, ${values.sql}) END`, errors: values.errors };
    },
  }),
] as const satisfies readonly HigherOrderFunction[];

/** Keys of a map to be: one that is NULL or there twice is an error of the row. */
export function mapKeys(
  list: string,
  { bind }: Pick<SpellingContext, "bind">,
): { readonly keys: string; readonly wrong: RowError } {
  const keys = bind(list);
  const place = `"__dyne_i"`;
  const wrong = bind(
    `coalesce(len(list_filter(${keys}, lambda ${row}, ${place}: ${row} IS NULL OR list_position(${keys}, ${row}) < ${place})) > 0, FALSE)`,
  );
  return { keys, wrong: { when: wrong, message: `'a key of the map is NULL or there twice'` } };
}

/** Arrays and maps made of others. Keys that are NULL or there twice are errors of the row, as in Spark. */
import type { ArrayType, DataType, MapType, StructField, StructType } from "../types.ts";
import { checkFieldNames } from "../data-type.ts";
import { sameType, typeName } from "../type-name.ts";
import { quoteName, quoteText } from "../sql/quoting.ts";
import { booleanType, calling, scalarEntry } from "./define.ts";
import type {
  Mismatch,
  RowError,
  ScalarFunction,
  Spelled,
  SpellingContext,
  Typed,
  TypeRule,
} from "./function-definition.ts";
import { mapKeys } from "./higher-order.ts";
import { isKey } from "./type-rules.ts";

const repeatMax = 100_000;
const entry = `"__dyne_e"`;
const isNullAt = (list: string): string => `len(list_filter(${list}, lambda ${entry}: ${entry} IS NULL)) > 0`;
const allGiven = (args: readonly string[]): string => args.map((arg) => `${arg} IS NOT NULL`).join(" AND ");

const mapOf = (key: DataType, value: DataType): MapType => ({ kind: "map", key, value, valueContainsNull: true });
const withoutOrder = (type: DataType): Mismatch => ({ mismatch: `cannot have keys of ${typeName(type)}` });

/** A map of keys and values; `given` is true where there is one. */
function checkedMap(
  keys: string,
  values: string,
  given: string,
  context: SpellingContext,
  others: readonly RowError[] = [],
): Spelled {
  const made = mapKeys(keys, context);
  const errors = [...others, { ...made.wrong, when: `(${given} AND ${made.wrong.when})` }];
  const sound = [given, ...errors.map(({ when }) => `NOT coalesce(${when}, FALSE)`)].join(" AND ");
  return { sql: `CASE WHEN ${sound} THEN map(${made.keys}, ${values}) END`, errors };
}

/** An array, and a value of its elements. */
function elementType(args: readonly DataType[]): Typed | Mismatch {
  const [array, value] = args;
  return args.length === 2 && array?.kind === "array" && sameType(array.element, value!)
    ? { result: { ...array, containsNull: true }, args }
    : { mismatch: "needs an array and a value of its elements' type" };
}

/** The two fields of the entries in an array. */
function entryTypes([array]: readonly DataType[]): readonly [DataType, DataType] | undefined {
  if (array?.kind !== "array" || array.element.kind !== "struct") return undefined;
  const fields = Object.values<StructField>(array.element.fields);
  return fields.length === 2 ? [fields[0]!.type, fields[1]!.type] : undefined;
}

/** Names and arrays by turns, the names being literals: the fields of the structs that come out. */
const zippedType: TypeRule = (args, literals = []) => {
  const names = literals.filter((_, index) => index % 2 === 0);
  const arrays = args.filter((_, index) => index % 2 === 1);
  if (args.length === 0 || args.length % 2 === 1 || !arrays.every(({ kind }) => kind === "array"))
    return { mismatch: "needs arrays, each with a name" };
  if (!names.every((name) => typeof name === "string")) return { mismatch: "needs its names as literals" };
  // Spark names what is no column by its place, and the fields of a struct here are in no order where their names are numbers.
  if (names.some((name) => /^[0-9]+$/.test(name))) return { mismatch: "needs names that are no numbers" };
  checkFieldNames(names, "arrays_zip");
  const fields = Object.fromEntries(
    arrays.map((array, index) => [names[index]!, { type: (array as ArrayType).element, nullable: true }]),
  );
  return { result: { kind: "array", element: { kind: "struct", fields }, containsNull: false }, args };
};

const arraysOf = (args: readonly string[]): readonly string[] => args.filter((_, index) => index % 2 === 1);

/** What Spark calls the elements of a column or of a field; undefined for what is neither. */
function sparkName(array: string): string | undefined {
  const last = /^(?:`(?:[^`]|``)*`[.])*`((?:[^`]|``)*)`$/.exec(array)?.[1];
  return last?.replaceAll("``", "`");
}

/** Functions that make arrays and maps. */
export const makingFunctions = [
  scalarEntry({
    name: "arrays_zip",
    usage: "arraysZip({ name: array, ... }): array<struct>",
    does: "Structs of the elements at the same places, by name; shorter arrays go on with NULLs. In a text of SQL, which takes columns and fields alone, the names are theirs.",
    type: zippedType,
    duckdb: (args, { result }) => {
      const arrays = arraysOf(args);
      const { element } = result as ArrayType;
      const fields = Object.keys((element as StructType).fields).map(
        (name, index) => `${quoteName(name, "duckdb")} := struct_extract_at(${entry}, ${index + 1})`,
      );
      return `CASE WHEN ${allGiven(arrays)} THEN list_transform(list_zip(${arrays.join(", ")}), lambda ${entry}: struct_pack(${fields.join(", ")})) END`;
    },
    spark: (args, { result }) => {
      const arrays = arraysOf(args);
      const zipped = `arrays_zip(${arrays.join(", ")})`;
      const names = Object.keys(((result as ArrayType).element as StructType).fields);
      return names.every((name, index) => name === sparkName(arrays[index]!))
        ? zipped
        : `CAST(${zipped} AS ${typeName(result)})`;
    },
  }),
  scalarEntry({
    name: "array_append",
    usage: "arrayAppend(array, value): array",
    does: "The array with one more element at its end; NULL can be one.",
    type: elementType,
    duckdb: ([array, value]) => `CASE WHEN ${array} IS NOT NULL THEN list_append(${array}, ${value}) END`,
    spark: calling("array_append"),
  }),
  scalarEntry({
    name: "array_prepend",
    usage: "arrayPrepend(array, value): array",
    does: "The array with one more element before its first; NULL can be one.",
    type: elementType,
    duckdb: ([array, value]) => `CASE WHEN ${array} IS NOT NULL THEN list_prepend(${value}, ${array}) END`,
    spark: calling("array_prepend"),
  }),
  scalarEntry({
    name: "array_compact",
    usage: "arrayCompact(array): array",
    does: "The elements that are not NULL.",
    type: (args) =>
      args.length === 1 && args[0]?.kind === "array" ? { result: args[0], args } : { mismatch: "needs an array" },
    binds: false,
    duckdb: ([array]) => `list_filter(${array}, lambda ${entry}: ${entry} IS NOT NULL)`,
    spark: calling("array_compact"),
  }),
  scalarEntry({
    name: "array_repeat",
    usage: "arrayRepeat(value, count: int literal): array",
    does: "The value so many times.",
    type: (args) =>
      args.length === 2 && args[1]?.kind === "integer"
        ? { result: { kind: "array", element: args[0]!, containsNull: true } satisfies ArrayType, args }
        : { mismatch: "needs a value and an int" },
    checkLiterals: ([, count]) =>
      typeof count === "number" && count >= 0 && count <= repeatMax
        ? undefined
        : `needs its count as a literal of 0 to ${repeatMax}`,
    duckdb: ([value, count]) => `list_transform(range(${count}), lambda ${entry}: ${value})`,
    spark: calling("array_repeat"),
  }),
  scalarEntry({
    name: "arrays_overlap",
    usage: "arraysOverlap(a: array, b: array): boolean",
    does: "Whether an element is in both arrays; NULL where none is, one of them has a NULL and none is empty.",
    type: (args) => {
      const [a, b] = args;
      if (args.length !== 2 || a?.kind !== "array" || !sameType(a, b!))
        return { mismatch: "needs two arrays of one type" };
      return isKey(a.element)
        ? { result: booleanType, args }
        : { mismatch: `cannot compare elements of ${typeName(a.element)}` };
    },
    duckdb: ([a, b]) =>
      `CASE WHEN NOT (${allGiven([a!, b!])}) THEN NULL WHEN list_has_any(${a}, ${b}) THEN TRUE WHEN len(${a}) > 0 AND len(${b}) > 0 AND (${isNullAt(a!)} OR ${isNullAt(b!)}) THEN NULL ELSE FALSE END`,
    spark: calling("arrays_overlap"),
  }),
  scalarEntry({
    name: "get",
    usage: "get(array, index: int)",
    does: "The element at a place, from 0; NULL where the place is outside.",
    type: (args) =>
      args.length === 2 && args[0]?.kind === "array" && args[1]?.kind === "integer"
        ? { result: args[0].element, args }
        : { mismatch: "needs an array and an int" },
    duckdb: ([array, index]) => `CASE WHEN ${index} >= 0 THEN list_extract(${array}, CAST(${index} AS BIGINT) + 1) END`,
    spark: calling("get"),
  }),
  scalarEntry({
    name: "map_entries",
    usage: "mapEntries(map): array<struct<key, value>>",
    does: "The entries of a map.",
    type: (args) => {
      const [map] = args;
      if (args.length !== 1 || map?.kind !== "map") return { mismatch: "needs a map" };
      const fields = { key: { type: map.key, nullable: false }, value: { type: map.value, nullable: true } };
      const element: StructType = { kind: "struct", fields };
      return { result: { kind: "array", element, containsNull: false }, args };
    },
    binds: false,
    duckdb: calling("map_entries"),
    spark: calling("map_entries"),
  }),
  scalarEntry({
    name: "map_from_arrays",
    usage: "mapFromArrays(keys: array, values: array): map",
    does: "A map of keys and their values; a key that is NULL or there twice and arrays of different lengths are errors of the row.",
    type: (args) => {
      const [keys, values] = args;
      if (args.length !== 2 || keys?.kind !== "array" || values?.kind !== "array")
        return { mismatch: "needs two arrays" };
      return isKey(keys.element) ? { result: mapOf(keys.element, values.element), args } : withoutOrder(keys.element);
    },
    duckdb: ([keys, values], context) => {
      const given = allGiven([keys!, values!]);
      const unequal = {
        when: `(${given} AND len(${keys}) <> len(${values}))`,
        message: "'keys and values of the map are not as many'",
      };
      return checkedMap(keys!, values!, given, context, [unequal]);
    },
    spark: calling("map_from_arrays"),
  }),
  scalarEntry({
    name: "map_from_entries",
    usage: "mapFromEntries(entries: array<struct>): map",
    does: "A map of structs with two fields, key and value; NULL where one of them is. A key that is NULL or there twice is an error of the row.",
    type: (args) => {
      const entries = entryTypes(args);
      if (args.length !== 1 || entries === undefined) return { mismatch: "needs an array of structs with two fields" };
      return isKey(entries[0]) ? { result: mapOf(...entries), args } : withoutOrder(entries[0]);
    },
    duckdb: ([entries], context) => {
      const names = Object.keys(((context.args[0] as ArrayType).element as StructType).fields);
      const part = (at: 1 | 2): string =>
        `list_transform(${entries}, lambda ${entry}: struct_extract(${entry}, ${quoteText(names[at - 1]!, "duckdb")}))`;
      const given = `(${entries} IS NOT NULL AND NOT (${isNullAt(entries!)}))`;
      return checkedMap(part(1), part(2), given, context);
    },
    spark: calling("map_from_entries"),
  }),
  scalarEntry({
    name: "map_concat",
    usage: "mapConcat(map, ...others): map",
    does: "The entries of all maps; a key that is there twice is an error of the row.",
    type: (args) => {
      const [map] = args;
      if (map?.kind !== "map" || args.some((other) => !sameType(map, other)))
        return { mismatch: "needs maps of one type" };
      return isKey(map.key) ? { result: { ...map, valueContainsNull: true }, args } : withoutOrder(map.key);
    },
    duckdb: (maps, context) => {
      const all = (of: string): string => `flatten([${maps.map((map) => `${of}(${map})`).join(", ")}])`;
      return checkedMap(all("map_keys"), all("map_values"), `(${allGiven(maps)})`, context);
    },
    spark: calling("map_concat"),
  }),
] as const satisfies readonly ScalarFunction[];

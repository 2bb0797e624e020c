/**
 * Spark's from_json in DuckDB, without anything that throws. A row's text is parsed for the types of its fields, for its values and for
 * its keys, each once. What Spark would read as NULL (a wrong type, a number out of range) or leave out is an error of the row:
 *
 * - `no text: the body is empty or not UTF-8`, `empty body`, `not valid JSON`, `expected an object, found array`
 * - ``field `delay`: expected bigint, found string "abc"``
 * - ``unknown field `gate` `` (with unknownFields "reject"), ``duplicate field `delay` ``: a repeated key is always an error, because
 *   readers disagree on which of its values counts.
 *
 * JSON's null and an absent field are NULL.
 */
import { DyneError } from "../../core/errors.ts";
import type { FromJson } from "../expression.ts";
import { castRule } from "../functions/casts.ts";
import type { RowError, Spelled } from "../functions/function-definition.ts";
import { typeName } from "../type-name.ts";
import type { DataType, StructField, StructType } from "../types.ts";
import { duckdbType, quoteName, quoteText } from "./quoting.ts";
import { isStrictJson, strayComma } from "./strict-json.ts";

const sampleCharacters = 80;
const text = (value: string): string => quoteText(value, "duckdb");

/** A place in the JSON: how to point at it, and what to call it in messages. */
interface Place {
  readonly pointer: string;
  readonly path: string;
  readonly name: string;
  readonly inArray: boolean;
}

interface Context {
  /** The name of the text column. */
  readonly input: string;
  readonly bind: (sql: string) => string;
  /** JSON pointers whose types are asked for, in order. */
  readonly pointers: string[];
  /** The list of their types, as SQL. */
  readonly types: string;
  readonly unknownFields: FromJson["unknownFields"];
  readonly errors: RowError[];
  /** Fields outside of arrays, in order, with what says that a row's value is not of the field's type. */
  readonly fields: { readonly place: Place; readonly type: DataType; readonly isWrong: string }[];
}

/** Renders the parse of `input`, which is a column name. The value is a struct, NULL where the text is NULL. */
export function renderFromJson(expression: FromJson, input: string, bind: (sql: string) => string): Spelled {
  const { schema, nullInput, unknownFields } = expression;
  // NaN and infinities need no look: their JSON type is that of a fraction, and fractions must be finite.
  const valid = bind(isStrictJson(input, strayComma));
  const pointers = pointersOf(schema);
  const types = bind(`CASE WHEN ${valid} THEN json_type(${input}, [${pointers.map(text).join(", ")}]) END`);
  const value = bind(
    `CASE WHEN ${valid} THEN json_transform(${input}, ${text(JSON.stringify(transformOf(schema)))}) END`,
  );
  const errors: RowError[] = [];
  if (nullInput === "reject")
    errors.push({ when: `(${input} IS NULL)`, message: `'no text: the body is empty or not UTF-8'` });
  errors.push(
    { when: `(${input} = '')`, message: `'empty body'` },
    { when: `(NOT ${valid} AND ${input} IS NOT NULL)`, message: `'not valid JSON'` },
    { when: `(${types}[1] <> 'OBJECT')`, message: `'expected an object, found ' || ${foundKind(`${types}[1]`)}` },
  );
  const context: Context = { input, bind, pointers, types, unknownFields, errors: [], fields: [] };
  const root: Place = { pointer: "", path: "$", name: "", inArray: false };
  const sql = bind(structValue(schema, value, root, context));
  return { sql, errors: [...errors, ...wrongFields(context), ...context.errors] };
}

/** The first field of a wrong type: one message for all of them, because what is planned of each is paid for by every batch. */
function wrongFields({ fields, bind, types, input, pointers }: Context): RowError[] {
  if (fields.length === 0) return [];
  const wrong = bind(`CASE ${fields.map(({ isWrong }, index) => `WHEN ${isWrong} THEN ${index + 1}`).join(" ")} END`);
  const ofWrong = (values: readonly string[]): string => `[${values.join(", ")}][${wrong}]`;
  const expected = ofWrong(
    fields.map(({ place, type }) => text(`field \`${place.name}\`: expected ${typeName(type)}, found `)),
  );
  const jsonType = `${types}[${ofWrong(fields.map(({ place }) => String(pointers.indexOf(place.pointer) + 1)))}]`;
  const json = `json_extract(${input}, ${ofWrong(fields.map(({ place }) => text(place.pointer)))})`;
  return [{ when: `(${wrong} IS NOT NULL)`, message: `${expected} || ${foundSample(jsonType, json)}` }];
}

function pointersOf(type: DataType, pointer = ""): string[] {
  if (type.kind !== "struct") return [pointer];
  return [
    pointer,
    ...Object.entries<StructField>(type.fields).flatMap(([name, field]) =>
      pointersOf(field.type, `${pointer}/${pointerKey(name)}`),
    ),
  ];
}

const pointerKey = (name: string): string => name.replaceAll("~", "~0").replaceAll("/", "~1");

function fieldPlace(place: Place, name: string): Place {
  const escaped = name.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return {
    pointer: `${place.pointer}/${pointerKey(name)}`,
    path: `${place.path}."${escaped}"`,
    name: place.name === "" ? name : `${place.name}.${name}`,
    inArray: place.inArray,
  };
}

function elementPlace(place: Place): Place {
  return { pointer: "", path: `${place.path}[*]`, name: `${place.name}[]`, inArray: true };
}

/** The structure that json_transform takes. What needs a check of its text comes as VARCHAR. */
function transformOf(type: DataType): unknown {
  switch (type.kind) {
    case "struct":
      return Object.fromEntries(
        Object.entries<StructField>(type.fields).map(([name, field]) => [name, transformOf(field.type)]),
      );
    case "array":
      return [transformOf(type.element)];
    default:
      return isConverted(type) ? "VARCHAR" : duckdbType(type);
  }
}

const isFraction = (type: DataType): boolean => type.kind === "double" || type.kind === "float";

const isConverted = (type: DataType): boolean => ["date", "timestamp", "decimal"].includes(type.kind);

function holdsConverted(type: DataType): boolean {
  if (type.kind === "struct")
    return Object.values<StructField>(type.fields).some((field) => holdsConverted(field.type));
  return type.kind === "array" ? holdsConverted(type.element) : isConverted(type);
}

/** The JSON types (DuckDB's names) that values of a type are read from. */
function jsonTypes(type: DataType): readonly string[] {
  switch (type.kind) {
    case "byte":
    case "short":
    case "integer":
    case "long":
      return ["BIGINT", "UBIGINT"];
    case "float":
    case "double":
      return ["BIGINT", "UBIGINT", "DOUBLE"];
    case "decimal":
      return ["BIGINT", "UBIGINT", "DOUBLE", "VARCHAR"];
    case "boolean":
      return ["BOOLEAN"];
    case "struct":
      return ["OBJECT"];
    case "array":
      return ["ARRAY"];
    case "string":
    case "date":
    case "timestamp":
      return ["VARCHAR"];
    default:
      throw new DyneError(
        "UNSUPPORTED_FEATURE",
        `fromJson cannot read ${typeName(type)}. Read the field as string and convert it.`,
      );
  }
}

function foundKind(type: string): string {
  return `CASE ${type} WHEN 'VARCHAR' THEN 'string' WHEN 'BOOLEAN' THEN 'boolean' WHEN 'OBJECT' THEN 'object' WHEN 'ARRAY' THEN 'array' WHEN 'NULL' THEN 'null' ELSE 'number' END`;
}

function foundSample(jsonType: string, json: string): string {
  return `${foundKind(jsonType)} || ' ' || left(CAST(${json} AS VARCHAR), ${sampleCharacters})`;
}

const oneOf = (values: readonly string[]): string => values.map((value) => text(value)).join(", ");

/** Converts a text of json_transform; NULL where it does not fit. */
function converted(type: DataType, value: string): string {
  return castRule({ kind: "string" }, type)?.duckdb(value) ?? value;
}

function fieldValue(type: DataType, value: string, place: Place, context: Context): string {
  if (place.inArray) return arrayPartValue(type, value, place, context);
  const jsonType = `${context.types}[${context.pointers.indexOf(place.pointer) + 1}]`;
  const result = isConverted(type) ? context.bind(converted(type, value)) : context.bind(value);
  // A decimal written as a JSON number went through a double, which keeps 15 digits.
  const inexact =
    type.kind === "decimal"
      ? ` OR (${jsonType} = 'DOUBLE' AND length(regexp_replace(${value}, '[^0-9]', '', 'g')) > 15)`
      : "";
  const infinite = isFraction(type) ? ` OR NOT isfinite(${result})` : "";
  context.fields.push({
    place,
    type,
    isWrong: `(${jsonType} <> 'NULL' AND (${jsonType} NOT IN (${oneOf(jsonTypes(type))}) OR ${result} IS NULL${infinite}${inexact}))`,
  });
  if (type.kind === "struct") return structValue(type, result, place, context);
  if (type.kind !== "array") return result;
  return arrayPartValue(type, result, { ...place, inArray: true }, context, true);
}

/** Inside of arrays, the types and texts of all values of a path are looked at together. */
function arrayPartValue(type: DataType, value: string, place: Place, context: Context, checked = false): string {
  if (!checked) {
    const types = context.bind(
      `CASE WHEN ${context.types}[1] = 'OBJECT' THEN json_type(${context.input}, ${text(place.path)}) END`,
    );
    const json = `json_extract(${context.input}, ${text(place.path)})`;
    const expected = text(`field \`${place.name}\`: expected ${typeName(type)}, found `);
    const wrong = `lambda j: json_type(j) <> 'NULL' AND json_type(j) NOT IN (${oneOf(jsonTypes(type))})`;
    context.errors.push({
      when: `(len(list_filter(${types}, lambda t: t <> 'NULL' AND t NOT IN (${oneOf(jsonTypes(type))}))) > 0)`,
      message: `${expected} || ${foundSample(`json_type(list_filter(${json}, ${wrong})[1])`, `list_filter(${json}, ${wrong})[1]`)}`,
    });
    if (type.kind !== "struct" && type.kind !== "array" && type.kind !== "string" && type.kind !== "boolean") {
      const texts = `CASE WHEN ${context.types}[1] = 'OBJECT' THEN json_extract_string(${context.input}, ${text(place.path)}) END`;
      const value = isConverted(type) ? converted(type, "s") : `TRY_CAST(s AS ${duckdbType(type)})`;
      const fits = isFraction(type) ? `coalesce(isfinite(${value}), FALSE)` : `(${value}) IS NOT NULL`;
      const misfits = context.bind(`list_filter(${texts}, lambda s: s IS NOT NULL AND NOT (${fits}))`);
      context.errors.push({
        when: `(len(${misfits}) > 0)`,
        message: `${expected} || left(${misfits}[1], ${sampleCharacters})`,
      });
    }
  }
  if (type.kind === "struct") return structValue(type, value, place, context);
  if (type.kind !== "array") return isConverted(type) ? converted(type, value) : value;
  const element = quoteName(`e${place.path.split("[*]").length}`, "duckdb");
  const inner = arrayPartValue(type.element, element, elementPlace(place), context);
  return holdsConverted(type) ? `list_transform(${value}, lambda ${element}: ${inner})` : value;
}

function structValue(type: StructType, value: string, place: Place, context: Context): string {
  const fields = Object.entries<StructField>(type.fields);
  const values = fields.map(([name, field]) => {
    const inner = `struct_extract(${value}, ${text(name)})`;
    return `${quoteName(name, "duckdb")} := ${fieldValue(field.type, inner, fieldPlace(place, name), context)}`;
  });
  if (place.inArray)
    checkArrayKeys(
      fields.map(([name]) => name),
      place,
      context,
    );
  else
    checkKeys(
      fields.map(([name]) => name),
      place,
      context,
    );
  return holdsConverted(type) ? `CASE WHEN ${value} IS NOT NULL THEN struct_pack(${values.join(", ")}) END` : value;
}

/** More keys than known fields present: one is unknown, or one stands twice. */
function checkKeys(names: readonly string[], place: Place, context: Context): void {
  const keys = `json_keys(${context.input}, ${text(place.pointer)})`;
  const count = context.bind(`CASE WHEN ${context.types}[1] = 'OBJECT' THEN len(${keys}) END`);
  const present = names.map((name) => {
    const index = context.pointers.indexOf(`${place.pointer}/${pointerKey(name)}`) + 1;
    return `CASE WHEN ${context.types}[${index}] IS NULL THEN 0 ELSE 1 END`;
  });
  const known = context.bind(`(${present.join(" + ")})`);
  const unknown = `list_filter(${keys}, lambda k: k NOT IN (${oneOf(names)}))`;
  const prefix = place.name === "" ? "" : `${place.name}.`;
  if (context.unknownFields === "reject") {
    const message = `${text(`unknown field \`${prefix}`)} || left(${unknown}[1], ${sampleCharacters}) || '\`'`;
    context.errors.push({ when: `CASE WHEN ${count} > ${known} THEN len(${unknown}) > 0 ELSE FALSE END`, message });
  }
  const repeated = `list_filter(${keys}, lambda __dyne_k, __dyne_i: __dyne_k IN (${oneOf(names)}) AND list_position(${keys}, __dyne_k) < __dyne_i)`;
  const message = `${text(`duplicate field \`${prefix}`)} || left(${repeated}[1], ${sampleCharacters}) || '\`'`;
  context.errors.push({ when: `CASE WHEN ${count} > ${known} THEN len(${repeated}) > 0 ELSE FALSE END`, message });
}

function checkArrayKeys(names: readonly string[], place: Place, context: Context): void {
  const keys = context.bind(
    `CASE WHEN ${context.types}[1] = 'OBJECT' THEN json_keys(${context.input}, ${text(place.path)}) END`,
  );
  const unknown = `list_filter(flatten(${keys}), lambda k: k NOT IN (${oneOf(names)}))`;
  if (context.unknownFields === "reject") {
    const message = `${text(`unknown field \`${place.name}.`)} || left(${unknown}[1], ${sampleCharacters}) || '\`'`;
    context.errors.push({ when: `(len(${unknown}) > 0)`, message });
  }
  const repeated = `list_filter(${keys}, lambda ks: len(list_filter(ks, lambda k: k IN (${oneOf(names)}))) > len(list_distinct(list_filter(ks, lambda k: k IN (${oneOf(names)})))))`;
  context.errors.push({ when: `(len(${repeated}) > 0)`, message: text(`duplicate field in \`${place.name}\``) });
}

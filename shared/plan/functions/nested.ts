import type { DataType, StructField } from "../types.ts";
import { hasVariant, typeName } from "../type-name.ts";
import { quoteName, quoteText } from "../sql/quoting.ts";
import type { ScalarFunction, TypeRule } from "./function-definition.ts";
import { decimalText } from "./casts.ts";
import { jsonPathFunctions } from "./json-path.ts";
import { anything } from "./type-rules.ts";

/** Names and values by turns; the names are literals, which `named_struct` of the analysis turns into the type. */
const structType: TypeRule = (args) =>
  args.length === 0 || args.length % 2 === 1
    ? { mismatch: "needs names and values by turns" }
    : { result: { kind: "struct", fields: {} }, args };

const jsonType: TypeRule = (args) => {
  const typed = anything(1, 1, () => ({ kind: "string" }))(args);
  if ("mismatch" in typed) return typed;
  const [type] = args as [DataType];
  return type.kind === "struct" || type.kind === "array"
    ? typed
    : { mismatch: `needs a struct or an array, not ${typeName(type)}` };
};

/**
 * A value as DuckDB JSON: timestamps with microseconds and Z, dates as YYYY-MM-DD, decimals and binary as text, numbers that JSON lacks
 * as text, maps as arrays of {key, value}.
 */
function jsonValue(sql: string, type: DataType, depth: number): string {
  switch (type.kind) {
    case "timestamp":
      return `to_json(strftime(${sql} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ'))`;
    case "timestamp_ntz":
      return `to_json(strftime(${sql}, '%Y-%m-%dT%H:%M:%S.%f'))`;
    case "date":
      return `to_json(strftime(${sql}, '%Y-%m-%d'))`;
    case "decimal":
      return `to_json(${decimalText(sql, type)})`;
    case "binary":
      return `to_json(base64(${sql}))`;
    case "float":
    case "double":
      return `CASE WHEN isfinite(${sql}) THEN to_json(${sql}) WHEN isnan(${sql}) THEN to_json('NaN') WHEN ${sql} > 0 THEN to_json('Infinity') WHEN ${sql} < 0 THEN to_json('-Infinity') END`;
    case "struct": {
      const fields = Object.entries<StructField>(type.fields).map(
        ([name, field]) =>
          `${quoteText(name, "duckdb")}, ${jsonValue(`struct_extract(${sql}, ${quoteText(name, "duckdb")})`, field.type, depth)}`,
      );
      return `CASE WHEN ${sql} IS NOT NULL THEN json_object(${fields.join(", ")}) END`;
    }
    case "array": {
      const element = quoteName(`e${depth}`, "duckdb");
      return `CASE WHEN ${sql} IS NOT NULL THEN to_json(list_transform(${sql}, lambda ${element}: ${jsonValue(element, type.element, depth + 1)})) END`;
    }
    case "map": {
      const element = quoteName(`e${depth}`, "duckdb");
      const entry = `json_object('key', ${jsonValue(`struct_extract(${element}, 'key')`, type.key, depth + 1)}, 'value', ${jsonValue(`struct_extract(${element}, 'value')`, type.value, depth + 1)})`;
      return `CASE WHEN ${sql} IS NOT NULL THEN to_json(list_transform(map_entries(${sql}), lambda ${element}: ${entry})) END`;
    }
    default:
      return `to_json(${sql})`;
  }
}

/**
 * The same as text. A variant is JSON text already, which goes in as it is: read as JSON its decimals would become doubles. A NULL is NULL.
 */
function jsonText(sql: string, type: DataType, depth: number): string {
  if (type.kind === "variant") return sql;
  if (!hasVariant(type)) return `CAST(${jsonValue(sql, type, depth)} AS VARCHAR)`;
  const within = (value: string, inner: DataType, innerDepth: number): string =>
    `coalesce(${jsonText(value, inner, innerDepth)}, 'null')`;
  const element = quoteName(`e${depth}`, "duckdb");
  const list = (values: string, each: string): string =>
    `('[' || array_to_string(list_transform(${values}, lambda ${element}: ${each}), ',') || ']')`;
  switch (type.kind) {
    case "struct": {
      const fields = Object.entries<StructField>(type.fields).map(([name, field], index) => {
        const key = quoteText(`${index === 0 ? "" : ","}${JSON.stringify(name)}:`, "duckdb");
        return `${key} || ${within(`struct_extract(${sql}, ${quoteText(name, "duckdb")})`, field.type, depth)}`;
      });
      return `CASE WHEN ${sql} IS NOT NULL THEN '{' || ${fields.join(" || ")} || '}' END`;
    }
    case "array":
      return list(sql, within(element, type.element, depth + 1));
    case "map": {
      const key = within(`struct_extract(${element}, 'key')`, type.key, depth + 1);
      const value = within(`struct_extract(${element}, 'value')`, type.value, depth + 1);
      return list(`map_entries(${sql})`, `'{"key":' || ${key} || ',"value":' || ${value} || '}'`);
    }
    default:
      return sql;
  }
}

/** Structs, and values as JSON text. */
export const nestedFunctions = [
  {
    kind: "scalar",
    name: "named_struct",
    deterministic: true,
    exactness: "exact",
    doc: { usage: "namedStruct({ name: value, ... }): struct", does: "A struct of values by name." },
    type: structType,
    sql: {
      duckdb: (args, { result }) => {
        const names = result.kind === "struct" ? Object.keys(result.fields) : [];
        // Fields whose names are numbers come first, wherever they were said.
        const said = args.filter((_, index) => index % 2 === 0);
        const valueOf = (name: string): string => args[2 * said.indexOf(quoteText(name, "duckdb")) + 1]!;
        return `struct_pack(${names.map((name) => `${quoteName(name, "duckdb")} := ${valueOf(name)}`).join(", ")})`;
      },
      spark: (args) => `named_struct(${args.join(", ")})`,
    },
  },
  {
    kind: "scalar",
    name: "to_json",
    deterministic: true,
    exactness: "approximate",
    doc: {
      usage: "toJson(value: struct | array): string",
      does: "JSON text without loss: NULLs are written, decimals and binary as text, timestamps with six digits of a second.",
      difference: "doubles, decimals, maps and special values are spelled in dyne's form of rows as text",
    },
    type: jsonType,
    bindsArguments: true,
    sql: {
      duckdb: ([value], { args }) => jsonText(value as string, args[0] as DataType, 0),
      spark: ([value]) =>
        `to_json(${value}, map('ignoreNullFields', 'false', 'timestampFormat', 'yyyy-MM-dd\\'T\\'HH:mm:ss.SSSSSS\\'Z\\''))`,
    },
  },
  ...jsonPathFunctions,
] as const satisfies readonly ScalarFunction[];

/** Names and literals as SQL text. Nothing that a user or an event supplies reaches SQL by another way. */
import { DyneError } from "../../core/errors.ts";
import { typeName } from "../type-name.ts";
import type { DataType, StructField } from "../types.ts";
import type { Literal } from "../expression.ts";
import type { Dialect } from "../functions/function-definition.ts";
import { literalProblem } from "../literal.ts";

/** A column or relation name as an identifier. Names with a NUL character are refused, because no dialect can spell them. */
export function quoteName(name: string, dialect: Dialect): string {
  if (name.includes("\0") || name === "") {
    throw new DyneError("INVALID_ARGUMENT", `${JSON.stringify(name)} cannot be a name in SQL. Rename the column.`);
  }
  return dialect === "duckdb" ? `"${name.replaceAll('"', '""')}"` : `\`${name.replaceAll("`", "``")}\``;
}

/** Text as a string literal. */
export function quoteText(text: string, dialect: Dialect): string {
  if (dialect === "spark") {
    return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("\0", "\\u0000")}'`;
  }
  const parts = text.split("\0").map((part) => `'${part.replaceAll("'", "''")}'`);
  return parts.length === 1 ? (parts[0] as string) : `concat(${parts.join(", chr(0), ")})`;
}

const duckdbNames = {
  boolean: "BOOLEAN",
  byte: "TINYINT",
  short: "SMALLINT",
  integer: "INTEGER",
  long: "BIGINT",
  float: "FLOAT",
  double: "DOUBLE",
  string: "VARCHAR",
  binary: "BLOB",
  date: "DATE",
  timestamp: "TIMESTAMP WITH TIME ZONE",
  timestamp_ntz: "TIMESTAMP",
  // As JSON text: what DuckDB makes of its own type of this name loses digits.
  variant: "VARCHAR",
  // DuckDB's own type of NULL is not one that a column can have.
  void: "INTEGER",
} as const;

/** The DuckDB type that holds values of a type: `timestamp` is TIMESTAMP WITH TIME ZONE, `timestamp_ntz` TIMESTAMP. */
export function duckdbType(type: DataType): string {
  switch (type.kind) {
    case "decimal":
      return `DECIMAL(${type.precision},${type.scale})`;
    case "array":
      return `${duckdbType(type.element)}[]`;
    case "map":
      return `MAP(${duckdbType(type.key)}, ${duckdbType(type.value)})`;
    case "struct": {
      const fields = Object.entries<StructField>(type.fields);
      return `STRUCT(${fields.map(([name, field]) => `${quoteName(name, "duckdb")} ${duckdbType(field.type)}`).join(", ")})`;
    }
    default:
      return duckdbNames[type.kind];
  }
}

/** A type as the dialect writes it in a cast. */
export function sqlType(type: DataType, dialect: Dialect): string {
  return dialect === "duckdb" ? duckdbType(type) : typeName(type);
}

/** A literal with its type. Errors: TYPE_MISMATCH when the value is none of the type. */
export function renderLiteral({ value, type }: Literal, dialect: Dialect): string {
  const problem = literalProblem(value, type);
  if (problem !== undefined)
    throw new DyneError("TYPE_MISMATCH", `${problem} Write the literal in the form of its type.`);
  const cast = (sql: string): string => `CAST(${sql} AS ${sqlType(type, dialect)})`;
  if (value === null) return cast("NULL");
  switch (type.kind) {
    case "boolean":
      return value ? "TRUE" : "FALSE";
    case "string":
      return quoteText(String(value), dialect);
    case "binary":
      return `${dialect === "duckdb" ? "from_base64" : "unbase64"}(${quoteText(String(value), dialect)})`;
    case "float":
    case "double":
      return cast(quoteText(numberText(value as number), dialect));
    default:
      return cast(quoteText(String(value), dialect));
  }
}

function numberText(value: number): string {
  return Object.is(value, -0) ? "-0.0" : String(value);
}

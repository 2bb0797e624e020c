/** What must be true of every row of a table, as its schema and its properties say. */
import { DyneError } from "../../core/index.ts";
import type { Metadata, Snapshot } from "../../delta/index.ts";
import { parsePredicate, type DataType, type Expression, type Schema, type StructField } from "../../plan/index.ts";
import { generatedColumns } from "./generated-columns.ts";
import { understood } from "./rule-text.ts";

/** A row keeps the rule where the condition is true, and breaks it where that is false or NULL. */
export interface TableRule {
  /** Names the rule to people: `NOT NULL id`, or a constraint's own name. */
  readonly name: string;
  /** The condition as whoever made the rule wrote it. */
  readonly text: string;
  /** Over the table's columns, by logical name. */
  readonly condition: Expression;
}

/** Where CHECK constraints are kept (PROTOCOL.md § CHECK Constraints). */
export const constraintPrefix = "delta.constraints.";

/**
 * The rules of a table: columns that are NOT NULL, invariants of columns, generated columns, and CHECK constraints (PROTOCOL.md § Column
 * Invariants, § Generated Columns, § CHECK Constraints).
 *
 * Throws as `parseExpression` does where a rule is not understood: then rows cannot be held against it, and none may be written.
 */
export function rulesOf(table: Pick<Snapshot, "schema" | "metadata">): readonly TableRule[] {
  const { schema } = table;
  return [...notNullRules(schema.fields, undefined), ...generatedRules(schema), ...writtenRules(table)];
}

/** The rules that somebody wrote as conditions: invariants of columns and CHECK constraints. Throws as `rulesOf` does. */
export function writtenRules({ schema, metadata }: Pick<Snapshot, "schema" | "metadata">): readonly TableRule[] {
  return [...invariantRules(schema, schema.fields, ""), ...checkRules(schema, metadata)];
}

/** The rule that a CHECK constraint is. Throws as `parseExpression` does. */
export function checkRule(schema: Schema, name: string, text: string): TableRule {
  const condition = understood(`The constraint ${name}`, () => parsePredicate(text, schema));
  return { name, text, condition };
}

function checkRules(schema: Schema, { configuration }: Metadata): readonly TableRule[] {
  return Object.entries(configuration)
    .filter(([key]) => key.startsWith(constraintPrefix))
    .map(([key, text]) => checkRule(schema, key.slice(constraintPrefix.length), text));
}

function generatedRules(schema: Schema): readonly TableRule[] {
  return [...generatedColumns(schema)].map(([name, { text, expression }]) => ({
    name: `GENERATED ${name}`,
    text: `${name} <=> ${text}`,
    condition: call("eq_null_safe", { kind: "column", name }, expression),
  }));
}

/** `{"expression":{"expression":"x > 3"}}`, in the metadata of a field, over the columns of the table. */
function invariantRules(
  schema: Schema,
  fields: Readonly<Record<string, StructField>>,
  within: string,
): readonly TableRule[] {
  return Object.entries(fields).flatMap(([field, { type, metadata }]) => {
    const name = `${within}${field}`;
    const stored = metadata?.["delta.invariants"];
    const nested = type.kind === "struct" ? invariantRules(schema, type.fields, `${name}.`) : [];
    if (typeof stored !== "string") return nested;
    const text = invariantText(name, stored);
    const condition = understood(`The invariant of the column ${name}`, () => parsePredicate(text, schema));
    return [{ name: `INVARIANT ${name}`, text, condition }, ...nested];
  });
}

function invariantText(column: string, stored: string): string {
  try {
    const { expression } = JSON.parse(stored) as { expression?: { expression?: unknown } };
    if (typeof expression?.expression === "string") return expression.expression;
  } catch {
    // What is no JSON is as little an invariant as JSON of another form.
  }
  throw new DyneError(
    "LOG_CORRUPT",
    `The invariant of the column ${column} is ${JSON.stringify(stored)}, which has no expression. Set it again with its own writer.`,
  );
}

/**
 * Columns that are NOT NULL, and such fields of structs: these are required where their struct is there. Elements, keys and values are
 * not looked at, as in Spark.
 */
function notNullRules(fields: Readonly<Record<string, StructField>>, parent: Path | undefined): readonly TableRule[] {
  return Object.entries(fields).flatMap(([name, { type, nullable }]) => {
    const path = pathTo(name, parent);
    return [...(nullable ? [] : [notNull(path, parent)]), ...nestedRules(type, path)];
  });
}

function nestedRules(type: DataType, path: Path): readonly TableRule[] {
  return type.kind === "struct" ? notNullRules(type.fields, path) : [];
}

/** A column, or a field within one. */
interface Path {
  readonly text: string;
  readonly value: Expression;
}

function pathTo(name: string, parent: Path | undefined): Path {
  if (parent === undefined) return { text: name, value: { kind: "column", name } };
  return { text: `${parent.text}.${name}`, value: { kind: "field", input: parent.value, name } };
}

function notNull(path: Path, parent: Path | undefined): TableRule {
  const there = call("is_not_null", path.value);
  const condition = parent === undefined ? there : call("or", call("is_null", parent.value), there);
  return { name: `NOT NULL ${path.text}`, text: `${path.text} IS NOT NULL`, condition };
}

function call(name: string, ...args: readonly Expression[]): Expression {
  return { kind: "call", name, args };
}

/** What must be true of every row of a table, as its schema says. */
import type { Snapshot } from "../../delta/index.ts";
import type { DataType, Expression, StructField } from "../../plan/index.ts";

/** A row keeps the rule where the condition is true, and breaks it where that is false or NULL. */
export interface TableRule {
  /** Names the rule to people: `NOT NULL id`. */
  readonly name: string;
  /** The condition as whoever made the rule wrote it. */
  readonly text: string;
  /** Over the table's columns, by logical name. */
  readonly condition: Expression;
}

/** The rules of a table, in the order of its columns. */
export function rulesOf({ schema }: Pick<Snapshot, "schema">): readonly TableRule[] {
  return notNullRules(schema.fields, undefined);
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

/** Columns whose values follow from others (PROTOCOL.md § Generated Columns). */
import { DyneError } from "../../core/index.ts";
import {
  typeOf,
  mapExpression,
  columnsOf,
  parseExpression,
  sameType,
  type Expression,
  type Schema,
  type StructField,
} from "../../plan/index.ts";
import { understood } from "./rule-text.ts";

export interface GeneratedColumn {
  /** As whoever made the column wrote it. */
  readonly text: string;
  /** Over the table's columns, of the column's own type. */
  readonly expression: Expression;
}

const key = "delta.generationExpression";
const known = new WeakMap<Schema, ReadonlyMap<string, GeneratedColumn>>();

/**
 * The generated columns of a table by name, in its order. Throws as `parseExpression` does, naming the column, where an expression is not
 * understood.
 */
export function generatedColumns(schema: Schema): ReadonlyMap<string, GeneratedColumn> {
  let columns = known.get(schema);
  if (columns === undefined) {
    const fields = Object.entries<StructField>(schema.fields);
    columns = new Map(fields.flatMap(([name, field]) => generated(schema, name, field)));
    known.set(schema, columns);
  }
  return columns;
}

function generated(schema: Schema, name: string, { type, metadata }: StructField): [string, GeneratedColumn][] {
  const text = metadata?.[key];
  if (typeof text !== "string") return [];
  return understood(`The expression that generates the column ${name}`, () => {
    const parsed = parseExpression(text, schema);
    const cast: Expression = { kind: "cast", mode: "ansi", input: parsed, to: type };
    const expression = sameType(typeOf(parsed, schema), type) ? parsed : cast;
    typeOf(expression, schema, `the column ${name}`);
    const other = columnsOf(expression).find((column) => isGenerated(schema.fields[column]));
    if (other !== undefined)
      throw new DyneError(
        "INVALID_ARGUMENT",
        `It uses ${other}, which is generated too. Use the columns that ${other} is made of.`,
      );
    return [[name, { text, expression }]];
  });
}

function isGenerated(field: StructField | undefined): boolean {
  return typeof field?.metadata?.[key] === "string";
}

/**
 * The values that a row gets, with those of the generated columns that follow from them and are not given. `otherwise` is what a column is
 * that gets no value: what it was, or NULL in a new row; of a new row all generated columns follow, not those alone whose columns are given. Errors: those of `generatedColumns`.
 */
export function withGenerated(
  schema: Schema,
  values: Readonly<Record<string, Expression>>,
  otherwise: (name: string) => Expression,
  which: "changed" | "all" = "changed",
): Readonly<Record<string, Expression>> {
  const followed = [...generatedColumns(schema)].flatMap(([name, { expression }]): [string, Expression][] => {
    if (Object.hasOwn(values, name)) return [];
    const changes = which === "all" || columnsOf(expression).some((column) => Object.hasOwn(values, column));
    if (!changes) return [];
    const computed = mapExpression(expression, (inner) =>
      inner.kind === "column"
        ? Object.hasOwn(values, inner.name)
          ? values[inner.name]!
          : otherwise(inner.name)
        : undefined,
    );
    return [[name, computed]];
  });
  return followed.length === 0 ? values : { ...values, ...Object.fromEntries(followed) };
}

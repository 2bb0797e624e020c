/** Conditions and values as users write them: functions of typed columns, or texts in Spark's SQL. */
import { DyneError, shown } from "../../core/index.ts";
import {
  Column,
  expressionOf,
  knownColumns,
  mapExpression,
  parsePredicate,
  type BooleanType,
  type ColumnsOf,
  type ColumnTypes,
  type DataType,
  type Expression,
  type Schema,
  type StructField,
} from "../../plan/index.ts";
import { sourceColumn, targetColumn } from "../write/merge-clauses.ts";
import type { Assignments } from "../write/update-rows.ts";

/**
 * True for the rows that are meant: `({ age }) => age.gt(40)`, checked by the compiler, or `"age > 40"` in Spark's SQL, checked when it is
 * used (see `parsePredicate` for its errors). A text that users of a program give is better put into columns' methods: a text is not quoted.
 */
export type Condition<Columns> = string | ((columns: Columns) => Column<BooleanType>);

/** New values by column. */
export type Values<Columns> = (columns: Columns) => Readonly<Record<string, Column<DataType>>>;

/** What a condition may speak of: columns for functions, and their names for texts. */
export interface Scope<Columns> {
  readonly columns: Columns;
  readonly parse: (text: string) => Expression;
}

/** The columns of both sides of a merge; texts name them `target.<name>` and `source.<name>`. */
export interface MergeSides<Target extends ColumnTypes, Source extends ColumnTypes> {
  readonly target: ColumnsOf<Target>;
  readonly source: ColumnsOf<Source>;
}

/** What conditions and values of a merge may speak of, by the sides on which their rows are. */
export interface MergeScopes<Target extends ColumnTypes, Source extends ColumnTypes> {
  readonly both: Scope<MergeSides<Target, Source>>;
  readonly target: Scope<ColumnsOf<Target>>;
  readonly source: Scope<ColumnsOf<Source>>;
}

/** The columns of a table. */
export function tableScope<Types extends ColumnTypes>(schema: Schema): Scope<ColumnsOf<Types>> {
  return { columns: columnsOf<Types>(schema), parse: (text) => parsePredicate(text, schema) };
}

/** The columns of a merge, under the names that its expressions have. */
export function mergeScopes<Target extends ColumnTypes, Source extends ColumnTypes>(
  target: Schema,
  source: Schema,
): MergeScopes<Target, Source> {
  const sides = {
    target: columnsOf<Target>(target, targetColumn),
    source: columnsOf<Source>(source, sourceColumn),
  };
  return {
    both: {
      columns: knownColumns(sides, "a merge, which has sides"),
      parse: (text) => sidedPredicate(text, { target, source }),
    },
    target: { columns: sides.target, parse: (text) => sidedPredicate(text, { target }) },
    source: { columns: sides.source, parse: (text) => sidedPredicate(text, { source }) },
  };
}

/** A condition as an expression; undefined where there is none. */
export function conditionIn<Columns>(scope: Scope<Columns>, condition: Condition<Columns>): Expression;
export function conditionIn<Columns>(
  scope: Scope<Columns>,
  condition: Condition<Columns> | undefined,
): Expression | undefined;
export function conditionIn<Columns>(
  { columns, parse }: Scope<Columns>,
  condition: Condition<Columns> | undefined,
): Expression | undefined {
  if (condition === undefined) return undefined;
  if (typeof condition === "string") return parse(condition);
  if (typeof condition !== "function")
    throw new DyneError(
      "INVALID_ARGUMENT",
      `The condition is ${shown(condition)}. Give a function such as ({ age }) => age.gt(40), or a text; leave it out for all rows.`,
    );
  return expressionOf(condition(columns), "The condition");
}

/** Values by column as expressions. */
export function assignments(values: Readonly<Record<string, Column<DataType>>>): Assignments {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, expressionOf(value, `"${name}"`)]));
}

function columnsOf<Types extends ColumnTypes>(
  { fields }: Schema,
  nameOf: (name: string) => string = (name) => name,
): ColumnsOf<Types> {
  const columns = Object.entries<StructField>(fields).map(([name, { type }]) => [
    name,
    new Column({ kind: "column", name: nameOf(name) }, type),
  ]);
  return knownColumns(Object.fromEntries(columns), "the table") as ColumnsOf<Types>;
}

/** Sides are read as structs, whose fields are the columns that a merge has under their whole names. */
function sidedPredicate(text: string, sides: Partial<Record<"target" | "source", Schema>>): Expression {
  const fields = Object.entries(sides).map(([side, type]) => [side, { type, nullable: true }] as const);
  const read = parsePredicate(text, { kind: "struct", fields: Object.fromEntries(fields) });
  return mapExpression(read, (inner) => {
    if (inner.kind === "field" && inner.input.kind === "column") {
      const nameOf = inner.input.name === "target" ? targetColumn : sourceColumn;
      return { kind: "column", name: nameOf(inner.name) };
    }
    if (inner.kind !== "column") return undefined;
    throw new DyneError(
      "INVALID_ARGUMENT",
      `${JSON.stringify(text)} takes ${inner.name} as a value, which is a whole row. Name a column of it: ${inner.name}.<column>.`,
    );
  });
}

/** Conditions and values as users write them: functions of a table's typed columns. */
import {
  Column,
  type BooleanType,
  type ColumnsOf,
  type ColumnTypes,
  type DataType,
  type Expression,
  type Schema,
  type StructField,
} from "../../plan/index.ts";
import type { Assignments } from "../write/update-rows.ts";

/** True for the rows that are meant. */
export type Condition<Columns> = (columns: Columns) => Column<BooleanType>;

/** New values by column. */
export type Values<Columns> = (columns: Columns) => Readonly<Record<string, Column<DataType>>>;

/** The columns of a schema under other names, for expressions. */
export function columnsOf<Types extends ColumnTypes>(
  { fields }: Schema,
  nameOf: (name: string) => string = (name) => name,
): ColumnsOf<Types> {
  const columns = Object.entries<StructField>(fields).map(([name, { type }]) => [
    name,
    new Column({ kind: "column", name: nameOf(name) }, type),
  ]);
  return Object.fromEntries(columns) as ColumnsOf<Types>;
}

/** A condition over a schema's columns as an expression; undefined where there is none. */
export function conditionOf<Types extends ColumnTypes>(
  schema: Schema,
  condition: Condition<ColumnsOf<Types>> | undefined,
): Expression | undefined {
  return condition?.(columnsOf<Types>(schema)).expression;
}

/** Values by column as expressions. */
export function assignments(values: Readonly<Record<string, Column<DataType>>>): Assignments {
  return Object.fromEntries(Object.entries(values).map(([name, { expression }]) => [name, expression]));
}

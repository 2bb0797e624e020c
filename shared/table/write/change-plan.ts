/** The relations of a change of rows, and plans over them: `target`, the rows with their places, and `changes`, what becomes of them. */
import { DyneError } from "../../core/index.ts";
import type { ComputeStep } from "../../compute/index.ts";
import type { DataType, Expression, LogicalPlan, Schema, StructField } from "../../plan/index.ts";
import { changeTypeColumn } from "./new-files.ts";

/** The place of a row: columns of the relation `target`, beside the table's. */
export const fileColumn = "_dyne_file";
export const rowColumn = "_dyne_row";
/** What becomes of a row: `update` or `delete`. A column of the relation `changes`. */
export const actionColumn = "_dyne_action";
/** The value that a column had before, by the column's position. A column of the relation `changes`, where the old values are asked for. */
export const oldColumn = (index: number): string => `_dyne_old_${index}`;

/** The type of a place. */
export const long: DataType = { kind: "long" };
const string: DataType = { kind: "string" };

/**
 * Refuses columns that are called as those by which rows are followed while they change.
 *
 * Errors: UNSUPPORTED_FEATURE naming the column.
 */
export function assertOwnNames(what: string, { fields }: Schema): void {
  const taken = Object.keys(fields).find((name) => name.toLowerCase().startsWith("_dyne_"));
  if (taken === undefined) return;
  throw new DyneError(
    "UNSUPPORTED_FEATURE",
    `${what} has the column ${taken}; names that begin with "_dyne_" are needed while rows are changed. Rename the column.`,
  );
}

/** The relation `target`: the rows of the table with their places. */
export function targetScan(schema: Schema): LogicalPlan {
  const places = { [fileColumn]: { type: long, nullable: false }, [rowColumn]: { type: long, nullable: false } };
  return {
    kind: "scan",
    source: "target",
    schema: { kind: "struct", fields: { ...schema.fields, ...places } },
    streaming: false,
  };
}

/** The columns of the relation `changes`. */
export function changesSchema(schema: Schema): Schema {
  const fields = Object.entries<StructField>(schema.fields);
  return {
    kind: "struct",
    fields: {
      [fileColumn]: { type: long, nullable: false },
      [rowColumn]: { type: long, nullable: false },
      [actionColumn]: { type: string, nullable: false },
      ...Object.fromEntries(fields.map(([name, { type }]) => [name, { type, nullable: true }])),
      ...Object.fromEntries(fields.map(([, { type }], index) => [oldColumn(index), { type, nullable: true }])),
    },
  };
}

/**
 * The step `changes` for rows of the target that meet a condition, all of which are changed in one way: their places, the values that they get, and
 * those that they had.
 */
export function changesStep(
  schema: Schema,
  where: Expression,
  action: "delete" | "update",
  valueOf: (name: string, type: DataType) => Expression,
): ComputeStep {
  const fields = Object.entries<StructField>(schema.fields);
  const columns = [
    ...[fileColumn, rowColumn].map((name) => ({ name, expression: column(name) })),
    { name: actionColumn, expression: text(action) },
    ...fields.map(([name, { type }]) => ({ name, expression: valueOf(name, type) })),
    ...fields.map(([name], index) => ({ name: oldColumn(index), expression: column(name) })),
  ];
  const input: LogicalPlan = { kind: "filter", input: targetScan(schema), condition: where };
  return { kind: "plan", name: "changes", plan: { kind: "project", input, columns }, rowErrors: "fail", carry: [] };
}

/** Rows of a change file: deleted rows as they were, updated ones as they were and as they are. */
export function changeRowsOf(changes: LogicalPlan, schema: Schema): LogicalPlan {
  const names = Object.keys(schema.fields);
  const image = (type: string, action: "delete" | "update", old: boolean): LogicalPlan => ({
    kind: "project",
    input: { kind: "filter", input: changes, condition: isAction(action) },
    columns: [
      ...names.map((name, index) => ({ name, expression: column(old ? oldColumn(index) : name) })),
      { name: changeTypeColumn, expression: text(type) },
    ],
  });
  return {
    kind: "union",
    inputs: [
      image("delete", "delete", true),
      image("update_preimage", "update", true),
      image("update_postimage", "update", false),
    ],
  };
}

/** Aggregates by file. */
export function countBy(
  input: LogicalPlan,
  aggregates: readonly { name: string; expression: Expression }[],
): LogicalPlan {
  return { kind: "aggregate", input, groupBy: [{ name: fileColumn, expression: column(fileColumn) }], aggregates };
}

/** How many rows there are, or how many of which a condition is true. */
export function count(filter?: Expression): Expression {
  return { kind: "aggregate", name: "count", args: [], distinct: false, filter };
}

/** True for changes of a kind. */
export function isAction(action: "delete" | "update"): Expression {
  return { kind: "call", name: "eq", args: [column(actionColumn), text(action)] };
}

/** These columns of a plan. */
export function selected(input: LogicalPlan, names: readonly string[]): LogicalPlan {
  return { kind: "project", input, columns: names.map((name) => ({ name, expression: column(name) })) };
}

/** A column by its name. */
export function column(name: string): Expression {
  return { kind: "column", name };
}

function text(value: string): Expression {
  return { kind: "literal", value, type: string };
}

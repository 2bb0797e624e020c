/**
 * An operator whose rows belong to keys. It takes rows that were added and removed, keeps its groups in a hidden table, and gives its own
 * rows that were added and removed: so that one operator can stand on another (SPEC.md 9, 10).
 */
import type { DataType, Expression, LogicalPlan, Schema } from "../../../plan/index.ts";
import { column, fieldsOf, long, schemaOf } from "../expressions.ts";
import {
  accumulatorColumn,
  inputColumn,
  keyColumn,
  rowsColumn,
  valueColumn,
  weightColumn,
  type Accumulator,
  type DistinctValues,
} from "./accumulator.ts";

export interface KeyedOperator {
  /** Unique within the view: names its hidden tables. */
  readonly name: string;
  readonly keys: readonly { readonly expression: Expression; readonly type: DataType }[];
  /** What the accumulators read, over the input's columns. */
  readonly inputs: readonly { readonly expression: Expression; readonly type: DataType }[];
  readonly accumulators: readonly Accumulator[];
  readonly distinct: readonly DistinctValues[];
  /** One group, which is there also without rows. */
  readonly isGlobal: boolean;
  /** The operator's rows, made of its groups. */
  readonly rows: (groups: LogicalPlan) => LogicalPlan;
}

/** How an operator takes a change: added to its groups, or by computing the touched groups, or all of them, from the rows below. */
export type OperatorMode = "merge" | "recompute" | "full";

/** The cheapest way that is right for a change. */
export function modeFor(operator: KeyedOperator, isInsertOnly: boolean): "merge" | "recompute" {
  const merges = operator.accumulators.every(
    ({ merge, isReversible }) => typeof merge === "string" && (isReversible || isInsertOnly),
  );
  return merges ? "merge" : "recompute";
}

/** The hidden table of an operator's groups: keys, rows, accumulators. */
export function groupsSchema({ keys, accumulators }: Pick<KeyedOperator, "keys" | "accumulators">): Schema {
  return schemaOf({
    ...keyTypes(keys),
    [rowsColumn]: { kind: "long" },
    ...Object.fromEntries(accumulators.map(({ type }, index) => [accumulatorColumn(index), type])),
  });
}

/** The hidden table of a distinct count: keys, value, and how many rows have it. */
export function valuesSchema(operator: KeyedOperator, { type }: DistinctValues): Schema {
  return schemaOf({ ...keyTypes(operator.keys), [valueColumn]: type, [weightColumn]: { kind: "long" } });
}

/** Touched keys. */
export function keysSchema(keys: readonly { readonly type: DataType }[]): Schema {
  return schemaOf(keyTypes(keys));
}

const keyTypes = (keys: readonly { readonly type: DataType }[]): Record<string, DataType> =>
  Object.fromEntries(keys.map(({ type }, index) => [keyColumn(index), type]));

/** Rows below with a sign: keys, inputs, weight, contributions. */
export function signed(operator: KeyedOperator, below: LogicalPlan, sign: 1 | -1): LogicalPlan {
  const rows: LogicalPlan = {
    kind: "project",
    input: below,
    columns: [
      ...operator.keys.map(({ expression }, index) => ({ name: keyColumn(index), expression })),
      ...operator.inputs.map(({ expression }, index) => ({ name: inputColumn(index), expression })),
      { name: weightColumn, expression: long(sign) },
    ],
  };
  return {
    kind: "project",
    input: rows,
    columns: [
      ...rows.columns.map(({ name }) => ({ name, expression: column(name) })),
      ...operator.accumulators.map(({ contribution }, index) => ({
        name: accumulatorColumn(index),
        expression: contribution(sign),
      })),
    ],
  };
}

/** The columns of a schema, unchanged. */
export const sameColumns = (schema: Schema): { name: string; expression: Expression }[] =>
  fieldsOf(schema).map(([name]) => ({ name, expression: column(name) }));

/**
 * How rows of a query's result are found again when what they were made of changes: by the keys of the operator that makes them, where the
 * result has all of these; else by every column that can be compared exactly (SPEC.md 10).
 */
import { canonicalJson } from "../canonical.ts";
import type { Expression } from "../expression.ts";
import type { Join, LogicalPlan, Project } from "../logical-plan.ts";
import { isExact } from "../type-name.ts";
import type { StructField } from "../types.ts";
import { analyze } from "./analyze.ts";
import { commonPartition } from "./common-partition.ts";
import { hasWindows } from "./field-of.ts";
import { joinColumns } from "./join-columns.ts";
import { schemaOf } from "./schema-of.ts";

export type ReplacedRows =
  /** For each key of the uppermost operator the column of the result that has it. One group has none. */
  | { readonly kind: "operator"; readonly columns: readonly KeyColumn[] }
  | { readonly kind: "columns"; readonly columns: readonly string[] }
  | { readonly kind: "none" };

export interface KeyColumn {
  readonly name: string;
  /** Of a window of time, the field of the key that the column is: where it begins says where it ends. */
  readonly field?: string;
}

export function replacedRows(plan: LogicalPlan): ReplacedRows {
  const columns = operatorColumns(plan);
  if (columns !== undefined) return { kind: "operator", columns };
  const exact = exactColumns(plan);
  return exact.length === 0 ? { kind: "none" } : { kind: "columns", columns: exact };
}

/** The operator that a plan's rows are made of, one by one. */
function topOperator(plan: LogicalPlan): LogicalPlan {
  return isRowByRow(plan) ? topOperator(plan.input) : plan;
}

function isRowByRow(plan: LogicalPlan): plan is Extract<LogicalPlan, { readonly input: LogicalPlan }> {
  switch (plan.kind) {
    case "project":
      return !hasWindows(plan);
    case "filter":
    case "explode":
    case "sort":
    case "watermark":
      return true;
    default:
      return false;
  }
}

function operatorColumns(plan: LogicalPlan): readonly KeyColumn[] | undefined {
  const top = topOperator(plan);
  const names = keyNames(top);
  const output = Object.keys(schemaOf(plan).fields).map((name) => ({ name, made: expressionBelow(plan, name) }));
  const whole = (key: string): KeyColumn | undefined =>
    output.flatMap(({ name, made }) => (made?.kind === "column" && made.name === key ? [{ name }] : []))[0];
  const part = (key: string): KeyColumn | undefined =>
    output.flatMap(({ name, made }) =>
      made?.kind === "field" && made.input.kind === "column" && made.input.name === key
        ? [{ name, field: made.name }]
        : [],
    )[0];
  const columns = names?.map((key) => key && (whole(key) ?? (isTimeWindow(top, key) ? part(key) : undefined)));
  return columns?.every((column) => typeof column === "object") ? columns : undefined;
}

/** Whether a key of a group is a window of time, all of which have one width: computed for the group, or one of several exploded below. */
function isTimeWindow(top: LogicalPlan, key: string): boolean {
  if (top.kind !== "aggregate") return false;
  const expression = top.groupBy.find(({ name }) => name === key)?.expression;
  return expression !== undefined && isWindowOf(expression, top.input);
}

function isWindowOf(expression: Expression, input: LogicalPlan): boolean {
  if (expression.kind === "call") return expression.name === "window";
  if (expression.kind !== "column" || !isRowByRow(input)) return false;
  if (input.kind === "explode" && input.as === expression.name)
    return input.array.kind === "call" && input.array.name === "windows";
  if (input.kind !== "project") return isWindowOf(expression, input.input);
  const made = input.columns.find(({ name }) => name === expression.name)?.expression;
  return made !== undefined && isWindowOf(made, input.input);
}

/** What an operator calls its keys; undefined for those that it gives no column, and for operators without keys. */
function keyNames(top: LogicalPlan): readonly (string | undefined)[] | undefined {
  switch (top.kind) {
    case "aggregate":
      return top.groupBy.map(({ name }) => name);
    case "distinct":
      return Object.keys(schemaOf(top.input).fields);
    case "project":
      return commonPartition(top).map((key) => nameOf(top, key));
    case "join":
      return top.on.length === 0 ? undefined : joinKeyNames(top);
    default:
      return undefined;
  }
}

/** The columns that have the key of every row of a join. */
function joinKeyNames(join: Join): readonly (string | undefined)[] {
  const columns = joinColumns(join, schemaOf(join.left), schemaOf(join.right));
  const side = join.type === "right" ? "right" : "left";
  return join.on.map((pair) => {
    const own = columns.find((each) =>
      each.side === "either"
        ? each.left === pair.left
        : join.type !== "full" && each.side === side && each.column === pair[side],
    );
    return own?.name;
  });
}

function nameOf({ columns }: Project, key: Expression): string | undefined {
  const text = canonicalJson(key);
  return columns.find(({ expression }) => canonicalJson(expression) === text)?.name;
}

/** What a column of the plan is over the columns of its uppermost operator, where it is one of these or a field of one. */
function expressionBelow(plan: LogicalPlan, name: string): Expression | undefined {
  if (!isRowByRow(plan)) return { kind: "column", name };
  if (plan.kind === "explode" && plan.as === name) return undefined;
  if (plan.kind !== "project") return expressionBelow(plan.input, name);
  const made = plan.columns.find((column) => column.name === name)?.expression;
  if (made?.kind === "column") return expressionBelow(plan.input, made.name);
  if (made?.kind !== "field" || made.input.kind !== "column") return undefined;
  const input = expressionBelow(plan.input, made.input.name);
  return input && { ...made, input };
}

function exactColumns(plan: LogicalPlan): readonly string[] {
  const { inexact, schema } = analyze(plan);
  return Object.entries<StructField>(schema.fields).flatMap(([name, { type }]) =>
    isExact(type) && !inexact.includes(name) ? [name] : [],
  );
}

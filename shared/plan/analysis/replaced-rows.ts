/**
 * How rows of a query's result are found again when what they were made of changes: by the keys of the operator that makes them, where the
 * result has all of these; else by every column that can be compared exactly (SPEC.md 10).
 */
import { canonicalJson } from "../canonical.ts";
import type { Expression } from "../expression.ts";
import type { Join, LogicalPlan, Project } from "../logical-plan.ts";
import type { StructField } from "../types.ts";
import { analyze } from "./analyze.ts";
import { commonPartition } from "./common-partition.ts";
import { hasWindow } from "./field-of.ts";
import { joinColumns } from "./join-columns.ts";
import { schemaOf } from "./schema-of.ts";

export type ReplacedRows =
  /** Columns of the result with the keys of its uppermost operator. One group has none. */
  | { readonly kind: "operator"; readonly columns: readonly string[] }
  | { readonly kind: "columns"; readonly columns: readonly string[] }
  | { readonly kind: "none" };

export function replacedRows(plan: LogicalPlan): ReplacedRows {
  const columns = operatorColumns(plan);
  if (columns !== undefined) return { kind: "operator", columns };
  const exact = exactColumns(plan);
  return exact.length === 0 ? { kind: "none" } : { kind: "columns", columns: exact };
}

/** The operator that a plan's rows are made of, one by one. */
export function topOperator(plan: LogicalPlan): LogicalPlan {
  return isRowByRow(plan) ? topOperator(plan.input) : plan;
}

function isRowByRow(plan: LogicalPlan): plan is Extract<LogicalPlan, { readonly input: LogicalPlan }> {
  switch (plan.kind) {
    case "project":
      return !plan.columns.some(({ expression }) => hasWindow(expression));
    case "filter":
    case "explode":
    case "sort":
    case "watermark":
      return true;
    default:
      return false;
  }
}

function operatorColumns(plan: LogicalPlan): readonly string[] | undefined {
  const names = keyNames(topOperator(plan));
  const output = Object.keys(schemaOf(plan).fields);
  const columns = names?.map((name) => name && output.find((each) => nameBelow(plan, each) === name));
  return columns?.every((column) => column !== undefined) ? columns : undefined;
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

/** The column of the uppermost operator that a column of the plan is, unchanged. */
function nameBelow(plan: LogicalPlan, name: string): string | undefined {
  if (!isRowByRow(plan)) return name;
  if (plan.kind === "explode" && plan.as === name) return undefined;
  if (plan.kind !== "project") return nameBelow(plan.input, name);
  const made = plan.columns.find((column) => column.name === name)?.expression;
  return made?.kind === "column" ? nameBelow(plan.input, made.name) : undefined;
}

const comparable = new Set([
  "boolean",
  "byte",
  "short",
  "integer",
  "long",
  "decimal",
  "string",
  "date",
  "timestamp",
  "timestamp_ntz",
]);

function exactColumns(plan: LogicalPlan): readonly string[] {
  const { inexact, schema } = analyze(plan);
  return Object.entries<StructField>(schema.fields).flatMap(([name, { type }]) =>
    comparable.has(type.kind) && !inexact.includes(name) ? [name] : [],
  );
}

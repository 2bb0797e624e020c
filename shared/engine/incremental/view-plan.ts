/**
 * How a view can be refreshed, told from its query alone: by the change of its inputs, operator by operator, or only in full; and by which
 * of its columns rows are replaced, where a change is not only new rows (SPEC.md 9, 10).
 */
import {
  changeProblem,
  commonPartition,
  hasWindows,
  holdsMap,
  nodesOf,
  replacedRows,
  schemaOf,
  type DataType,
  type LogicalPlan,
  type Schema,
} from "../../plan/index.ts";
import { fieldsOf } from "./expressions.ts";
import { aggregateOperator } from "./operators/aggregate-operator.ts";
import { distinctOperator } from "./operators/distinct-operator.ts";
import { keyColumn } from "./operators/accumulator.ts";
import { keysSchema, type KeyedOperator } from "./operators/keyed-operator.ts";
import type { ScanPlace } from "./operators/scan-change.ts";
import { columnsRead, viewNodes, type ViewNode } from "./view-node.ts";
import { matchingPairs } from "./operators/matching.ts";

export type ViewPlan = ChangingView | FullView;

export interface ChangingView {
  readonly kind: "changes";
  readonly root: ViewNode;
  /** Where the query reads tables, in the order of its text. */
  readonly scans: readonly ScanPlace[];
  /** Operators with groups, from below. */
  readonly operators: readonly KeyedOperator[];
  /** False where hidden tables would be of no use, because every change needs the rows themselves. */
  readonly keepsState: boolean;
  readonly replaces: Replacement;
}

/** How rows of the view are found that a change replaces. */
export type Replacement =
  /** All rows with a touched key of this operator are computed again. A view of one group has no keys. */
  | { readonly kind: "operator"; readonly at: KeyedNode; readonly keys: readonly ViewKey[] }
  /** All rows with the same values in these columns are: every column that can be compared. */
  | { readonly kind: "columns"; readonly keys: readonly ViewKey[] }
  /** They are not: rows can only be added. */
  | { readonly kind: "none"; readonly reason: string };

export type KeyedNode = Extract<ViewNode, { kind: "group" | "window" | "join" }>;

export interface ViewKey {
  readonly type: DataType;
  /** The view's column that holds the key. */
  readonly output: string;
  /** The field of the operator's key that the column has, where it is not the key as it is. */
  readonly field?: string;
}

export interface FullView {
  readonly kind: "full";
  readonly reason: string;
}

export function viewPlan(query: LogicalPlan): ViewPlan {
  const problem = changeProblem(query);
  if (problem !== undefined) return { kind: "full", reason: `${problem.reason}; ${problem.remedy}` };
  const { root, scans, operators } = treeOf(query);
  const replaces = replacementOf(query, root);
  const merges = operators.every(({ accumulators }) => accumulators.every(({ merge }) => typeof merge === "string"));
  const isAlone = operators.length === 1 && replaces.kind === "operator" && replaces.at.kind === "group";
  const keepsState = operators.length > 0 && (merges || !isAlone);
  return { kind: "changes", root, scans, operators, keepsState, replaces };
}

interface Tree {
  readonly root: ViewNode;
  readonly scans: readonly ScanPlace[];
  readonly operators: readonly KeyedOperator[];
}

function treeOf(query: LogicalPlan): Tree {
  const scans: ScanPlace[] = [];
  const operators: KeyedOperator[] = [];
  const read = columnsRead(query);
  const isOnlyGroup =
    [...nodesOf(query)].filter(({ kind }) => kind === "aggregate" || kind === "distinct").length === 1;
  let windows = 0;
  let joins = 0;
  const build = (plan: LogicalPlan, isBare: boolean): ViewNode => {
    switch (plan.kind) {
      case "scan": {
        const place: ScanPlace = {
          scan: plan,
          index: scans.length,
          columns: scannedColumns(plan.schema, read.get(plan)),
        };
        scans.push(place);
        return { kind: "scan", place };
      }
      case "join":
        return {
          kind: "join",
          node: plan,
          name: `join-${joins++}`,
          left: build(plan.left, false),
          right: build(plan.right, false),
        };
      case "union":
        return { kind: "union", node: plan, inputs: plan.inputs.map((each) => build(each, false)) };
      case "aggregate":
      case "distinct": {
        const input = build(plan.input, false);
        const name = `${plan.kind}-${operators.length}`;
        // Only where nothing decides by them which rows there are.
        const mergesFloats = isOnlyGroup && isBare;
        const operator =
          plan.kind === "aggregate" ? aggregateOperator(plan, name, { mergesFloats }) : distinctOperator(plan, name);
        operators.push(operator);
        const isBottom = ![...viewNodes(input)].some(({ kind }) => kind === "group");
        return { kind: "group", place: { node: plan, operator, isBottom }, input };
      }
      case "project": {
        if (!hasWindows(plan)) return { kind: "rows", node: plan, input: build(plan.input, isBare) };
        const input = build(plan.input, false);
        return {
          kind: "window",
          place: { node: plan, partitionBy: commonPartition(plan), name: `window-${windows++}` },
          input,
        };
      }
      case "sort":
      case "watermark":
        return { kind: "rows", node: plan, input: build(plan.input, isBare) };
      case "filter":
      case "explode":
        return { kind: "rows", node: plan, input: build(plan.input, false) };
      default:
        throw new TypeError(`${plan.kind} has no rule of changes`);
    }
  };
  return { root: build(query, true), scans, operators };
}

/** At least one column, so that rows can be counted; a map only where there is nothing else. */
function scannedColumns(schema: Schema, read: ReadonlySet<string> | undefined): readonly string[] {
  if (read !== undefined && read.size > 0) return [...read];
  const [first] = fieldsOf(schema).filter(([, { type }]) => !holdsMap(type));
  return first === undefined ? Object.keys(schema.fields) : [first[0]];
}

/** What is below the nodes that make rows one by one: of `topOperator` of the plan what `build` made. */
function belowRows(node: ViewNode): ViewNode {
  return node.kind === "rows" ? belowRows(node.input) : node;
}

/** By the keys of the operator that makes the rows, where all of them are in the view; else by its columns. */
function replacementOf(query: LogicalPlan, root: ViewNode): Replacement {
  const replaced = replacedRows(query);
  if (replaced.kind === "none")
    return { kind: "none", reason: "the view has no column of an exact type by which changed rows could be found" };
  const { fields } = schemaOf(query);
  const typeAt = (name: string): DataType => fields[name]?.type as DataType;
  if (replaced.kind === "columns")
    return { kind: "columns", keys: replaced.columns.map((output) => ({ output, type: typeAt(output) })) };
  const at = belowRows(root);
  if (!isKeyed(at)) throw new TypeError(`${at.kind} has no keys`);
  const keys = replaced.columns.map(({ name, field }) => ({
    output: name,
    type: typeAt(name),
    ...(field === undefined ? {} : { field }),
  }));
  return { kind: "operator", at, keys };
}

const isKeyed = (node: ViewNode): node is KeyedNode =>
  node.kind === "group" || node.kind === "window" || node.kind === "join";

/** The view's rows of a relation whose keys are not among those of another. */
export function rowsOfOtherKeys(
  keys: readonly ViewKey[],
  viewSchema: Schema,
  sinkRelation: string,
  keysRelation: string,
): LogicalPlan {
  return matchingPairs(
    "anti",
    { kind: "scan", source: sinkRelation, schema: viewSchema, streaming: false },
    { kind: "scan", source: keysRelation, schema: keysSchema(keys), streaming: false },
    keys.map((key, index) => ({ left: key.output, right: keyColumn(index) })),
  );
}

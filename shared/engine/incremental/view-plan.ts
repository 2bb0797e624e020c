/**
 * How a view can be refreshed, told from its query alone: by the change of its inputs, operator by operator, or only in full; and by which
 * of its columns rows are replaced, where a change is not only new rows (SPEC.md 9, 10).
 */
import {
  analyze,
  columnsOf,
  hasWindow,
  holdsMap,
  joinColumns,
  nodesOf,
  sameType,
  schemaOf,
  type Aggregate,
  type DataType,
  type Distinct,
  type Join,
  type LogicalPlan,
  type Project,
  type Schema,
} from "../../plan/index.ts";
import { fieldsOf } from "./expressions.ts";
import { aggregateOperator } from "./operators/aggregate-operator.ts";
import { distinctOperator } from "./operators/distinct-operator.ts";
import { keyColumn } from "./operators/accumulator.ts";
import { keysSchema, type KeyedOperator } from "./operators/keyed-operator.ts";
import type { ScanPlace } from "./operators/scan-change.ts";
import { commonPartition } from "./operators/window-change.ts";
import { columnAt, columnsRead, isSame, planAt, viewNodes, type ViewNode } from "./view-node.ts";
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
}

export interface FullView {
  readonly kind: "full";
  readonly reason: string;
}

export function viewPlan(query: LogicalPlan): ViewPlan {
  const problem = problemOf(query);
  if (problem !== undefined) return { kind: "full", reason: problem };
  const { root, scans, operators } = treeOf(query);
  const replaces = replacementOf(root);
  if (replaces.kind === "none" && !onlyAdds(root)) return { kind: "full", reason: replaces.reason };
  const merges = operators.every(({ accumulators }) => accumulators.every(({ merge }) => typeof merge === "string"));
  const isAlone = operators.length === 1 && replaces.kind === "operator" && replaces.at.kind === "group";
  const keepsState = operators.length > 0 && (merges || !isAlone);
  return { kind: "changes", root, scans, operators, keepsState, replaces };
}

/** Why no rule of changes fits a query; undefined where all do. */
function problemOf(query: LogicalPlan): string | undefined {
  for (const node of nodesOf(query)) {
    const problem = nodeProblem(node);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function nodeProblem(node: LogicalPlan): string | undefined {
  switch (node.kind) {
    case "limit":
      return "limit looks at all rows; to keep some rows of each key, number them in a window partitioned by it";
    case "dropDuplicatesWithinWatermark":
      return "dropDuplicatesWithinWatermark goes by the order of a stream; use dropDuplicates() in a view";
    case "join":
      return joinProblem(node);
    case "project":
      return hasWindows(node) ? windowProblem(node) : undefined;
    case "aggregate":
    case "distinct":
      return groupProblem(node);
    default:
      return undefined;
  }
}

function hasWindows(node: LogicalPlan): boolean {
  return node.kind === "project" && node.columns.some(({ expression }) => hasWindow(expression));
}

function joinProblem(node: Join): string | undefined {
  const [left, right] = [schemaOf(node.left), schemaOf(node.right)];
  const [inexactLeft, inexactRight] = [analyze(node.left).inexact, analyze(node.right).inexact];
  for (const pair of node.on) {
    const inexact = inexactLeft.includes(pair.left)
      ? pair.left
      : inexactRight.includes(pair.right)
        ? pair.right
        : undefined;
    if (inexact !== undefined) return inexactBelow(inexact);
    const [a, b] = [left.fields[pair.left]?.type as DataType, right.fields[pair.right]?.type as DataType];
    if (!sameType(a, b))
      return `join compares "${pair.left}" with "${pair.right}", which is of another type; cast one of them to join by keys`;
  }
  return undefined;
}

function windowProblem(node: Project): string | undefined {
  const inexact = analyze(node.input).inexact[0];
  if (inexact !== undefined) return inexactBelow(inexact);
  const partitionBy = commonPartition(node);
  if (partitionBy.length === 0)
    return "a window function without a partition, or windows without a common one, look at all rows; partition them by a common column";
  const schema = schemaOf(node.input);
  const isMap = partitionBy.some((each) =>
    columnsOf(each).some((name) => holdsMap(schema.fields[name]?.type as DataType)),
  );
  return isMap ? mapsBelow : undefined;
}

function groupProblem(node: Aggregate | Distinct): string | undefined {
  const inexact = analyze(node.input).inexact[0];
  if (inexact !== undefined) return inexactBelow(inexact);
  return typesOf(node).some(holdsMap) ? mapsBelow : undefined;
}

const mapsBelow = "maps cannot be compared, so that changes to them cannot be told";

/** Two runs may differ in the last digit of an inexact value: nothing that stands on it can be told to have changed (SPEC.md 9). */
const inexactBelow = (name: string): string =>
  `"${name}" is inexact, and another operator stands on it; make it exact, or put it into a view of its own`;

/** The types of an operator's keys and inputs. */
function typesOf(node: Aggregate | Distinct): readonly DataType[] {
  const operator =
    node.kind === "aggregate" ? aggregateOperator(node, "", { mergesFloats: false }) : distinctOperator(node, "");
  return [...operator.keys, ...operator.inputs].map(({ type }) => type);
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

/** The operator that a view's rows are made of, one by one. */
function topOperator(node: ViewNode): ViewNode {
  return node.kind === "rows" ? topOperator(node.input) : node;
}

/** True where new rows of some input can be new rows of the view and nothing else. */
function onlyAdds(root: ViewNode): boolean {
  return [...viewNodes(root)].every(({ kind }) => kind !== "group" && kind !== "window");
}

/** By the keys of the operator that makes the rows, where all of them are in the view; else by its columns. */
function replacementOf(root: ViewNode): Replacement {
  const top = topOperator(root);
  return operatorKeys(root, top) ?? columnKeys(root);
}

function operatorKeys(root: ViewNode, top: ViewNode): Replacement | undefined {
  switch (top.kind) {
    case "group": {
      const { node } = top.place;
      const names =
        node.kind === "aggregate" ? node.groupBy.map(({ name }) => name) : Object.keys(schemaOf(node.input).fields);
      return keysAt(root, top, names);
    }
    case "window": {
      const { node, partitionBy } = top.place;
      const names = partitionBy.map((key) => node.columns.find(({ expression }) => isSame(expression, key))?.name);
      return keysAt(root, top, names);
    }
    case "join":
      return top.node.on.length === 0 ? undefined : keysAt(root, top, joinKeyNames(top.node));
    default:
      return undefined;
  }
}

/** The view's columns that hold an operator's keys, which have these names at the operator; undefined where one is not in the view. */
function keysAt(root: ViewNode, at: KeyedNode, names: readonly (string | undefined)[]): Replacement | undefined {
  const { fields } = schemaOf(planAt(root));
  const keys = names.map((name) => {
    const output = name && Object.keys(fields).find((each) => columnAt(root, each, at) === name);
    return output === undefined ? undefined : { output, type: fields[output]?.type as DataType };
  });
  return keys.every((key) => key !== undefined) ? { kind: "operator", at, keys } : undefined;
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

/** Rows are told apart by all of the view's columns that can be compared exactly. */
function columnKeys(root: ViewNode): Replacement {
  const plan = planAt(root);
  const { inexact } = analyze(plan);
  const keys = fieldsOf(schemaOf(plan)).flatMap(([output, { type }]) =>
    comparable.has(type.kind) && !inexact.includes(output) ? [{ type, output }] : [],
  );
  return keys.length === 0
    ? { kind: "none", reason: "the view has no column of an exact type by which changed rows could be found" }
    : { kind: "columns", keys };
}

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

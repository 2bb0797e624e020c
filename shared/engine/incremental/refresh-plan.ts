/**
 * One refresh of a view as plans: what is read, what is computed in which order, and what becomes of the view's rows and of its hidden
 * tables. Told from the query and from which inputs had rows added or removed; files are chosen by whoever runs it.
 */
import type { PlanStep } from "../../compute/index.ts";
import { nodesOf, type Expression, type LogicalPlan } from "../../plan/index.ts";
import { column, project } from "./expressions.ts";
import { keyColumn } from "./operators/accumulator.ts";
import { unionOf, type Changed, type Restriction, type TouchedValues } from "./operators/changed.ts";
import { groupChange, type GroupChange } from "./operators/group-change.ts";
import { joinChange, joinKeyValues, joinOfKeys, touchedJoinKeys } from "./operators/join-change.ts";
import { matchingPairs } from "./operators/matching.ts";
import { RefreshScope, type Read, type RefreshMode, type ScanChange } from "./operators/refresh-scope.ts";
import { rowChange } from "./operators/row-change.ts";
import { scanChange } from "./operators/scan-change.ts";
import { unionChange } from "./operators/union-change.ts";
import { windowChange, type WindowChange } from "./operators/window-change.ts";
import type { ChangingView, KeyedNode, ViewKey } from "./view-plan.ts";
import { rowsOver, viewNodes, type ViewNode } from "./view-node.ts";

export interface RefreshPlan {
  /** The first of them, `changeSteps` in number, are made of changed files alone. */
  readonly steps: readonly PlanStep[];
  readonly changeSteps: number;
  readonly reads: readonly Read[];
  /** New rows of hidden tables, in place of the files that are read under the table's name. */
  readonly tables: Readonly<Record<string, LogicalPlan>>;
  readonly output: RefreshOutput;
  /** True where every group took the change as it was. */
  readonly isMerged: boolean;
  /** Why the inputs are better computed in full, where they are. */
  readonly refusal: string | undefined;
  /** Relations of rows that came and went: where all are empty, nothing changed. */
  readonly changes: readonly LogicalPlan[];
}

export type RefreshOutput =
  /** Rows that are added to the view. */
  | { readonly kind: "append"; readonly rows: LogicalPlan }
  /** Rows in place of all that have one of the keys, which are in columns `keyColumn`. */
  | {
      readonly kind: "keys";
      readonly rows: LogicalPlan;
      readonly keys: LogicalPlan;
      /** What the view's files are asked for. */
      readonly touched: readonly Restriction[];
    }
  /** Rows in place of all of the view's. */
  | { readonly kind: "replace"; readonly rows: LogicalPlan }
  /** Changed rows cannot be found in the view. */
  | { readonly kind: "none"; readonly reason: string };

export function refreshPlan(view: ChangingView, mode: RefreshMode, changes: readonly ScanChange[]): RefreshPlan {
  const scope = new RefreshScope(mode, changes);
  const compiled = new Map<ViewNode, Changed>();
  // What came and went of every input is computed first, so that it can be looked at before anything else is.
  for (const place of view.scans) compiled.set(scanNode(view.root, place.index), scanChange(place, scope));
  const changeSteps = scope.steps.length;
  const root = changedAt(view.root, compiled, scope);
  const output =
    mode === "full" ? { kind: "replace" as const, rows: root.now() } : outputOf(view, root, compiled, scope);
  const changed = view.scans.flatMap(({ index }) => compiled.get(scanNode(view.root, index))?.changedRows ?? []);
  const needed = new Set(relationsOf([...changed, ...Object.values(scope.tables), ...plansOf(output)]));
  const steps = neededSteps(scope.steps, changeSteps, needed);
  return {
    steps,
    changeSteps,
    reads: scope.reads.filter(({ relation }) => relation in scope.tables || needed.has(relation)),
    tables: scope.tables,
    output,
    isMerged: scope.isMerged,
    refusal: scope.refusal,
    changes: changed,
  };
}

function plansOf(output: RefreshOutput): readonly LogicalPlan[] {
  switch (output.kind) {
    case "keys":
      return [output.rows, output.keys];
    case "none":
      return [];
    default:
      return [output.rows];
  }
}

const relationsOf = (plans: Iterable<LogicalPlan>): string[] =>
  [...plans].flatMap((plan) => [...nodesOf(plan)].flatMap((node) => (node.kind === "scan" ? [node.source] : [])));

/**
 * The steps that something is made of: what an operator says of rows that came and went is not asked for where its rows are made anew by key.
 * What they read is added to `needed`.
 */
function neededSteps(steps: readonly PlanStep[], changeSteps: number, needed: Set<string>): readonly PlanStep[] {
  const kept = steps.toReversed().filter(({ name, plan }, index) => {
    const isNeeded = needed.has(name) || index >= steps.length - changeSteps;
    if (isNeeded) for (const relation of relationsOf([plan])) needed.add(relation);
    return isNeeded;
  });
  return kept.toReversed();
}

function scanNode(root: ViewNode, index: number): ViewNode {
  for (const node of viewNodes(root)) if (node.kind === "scan" && node.place.index === index) return node;
  throw new TypeError(`the view has no scan ${index}`);
}

function changedAt(node: ViewNode, compiled: Map<ViewNode, Changed>, scope: RefreshScope): Changed {
  const known = compiled.get(node);
  if (known !== undefined) return known;
  const changed = ruleOf(node, (input) => changedAt(input, compiled, scope), scope);
  compiled.set(node, changed);
  return changed;
}

function ruleOf(node: ViewNode, below: (input: ViewNode) => Changed, scope: RefreshScope): Changed {
  switch (node.kind) {
    case "scan":
      return scanChange(node.place, scope);
    case "rows":
      return rowChange(node.node, below(node.input));
    case "union":
      return unionChange(node.node, node.inputs.map(below));
    case "join":
      return joinChange(node.node, { left: below(node.left), right: below(node.right) }, scope, node.name);
    case "group":
      return groupChange(node.place, below(node.input), scope);
    case "window":
      return windowChange(node.place, below(node.input), scope);
  }
}

function outputOf(
  view: ChangingView,
  root: Changed,
  compiled: ReadonlyMap<ViewNode, Changed>,
  scope: RefreshScope,
): RefreshOutput {
  const { replaces } = view;
  const added = scope.mode === "change" && !root.went ? root.added() : undefined;
  if (added !== undefined) return { kind: "append", rows: added };
  if (replaces.kind === "none") return replaces;
  if (replaces.kind === "columns") return byColumns(replaces.keys, root, scope);
  const { keys, rows, values } = byOperator(replaces.at, replaces.keys, compiled, scope);
  const over = rowsOver(view.root, replaces.at, rows);
  if (keys === undefined) return { kind: "replace", rows: over };
  return { kind: "keys", rows: over, keys, touched: restrictionsOf(replaces.keys, values) };
}

interface TouchedRows {
  /** Undefined where there is but one group. */
  readonly keys: LogicalPlan | undefined;
  readonly rows: LogicalPlan;
  readonly values: readonly (TouchedValues | undefined)[];
}

/** An operator's rows of its touched keys. */
function byOperator(
  at: KeyedNode,
  viewKeys: readonly ViewKey[],
  compiled: ReadonlyMap<ViewNode, Changed>,
  scope: RefreshScope,
): TouchedRows {
  const changed = (node: ViewNode): Changed => compiled.get(node) as Changed;
  if (at.kind === "join") {
    scope.isMerged = false;
    const sides = { left: changed(at.left), right: changed(at.right) };
    const keys = scope.step("keys", touchedJoinKeys(at.node, sides));
    const values = at.node.on.map((pair) => joinKeyValues(sides, pair));
    return { keys, rows: joinOfKeys(at.node, sides, keys, "now"), values };
  }
  const input = changed(at.input);
  const made = changed(at) as GroupChange | WindowChange;
  const rows = "touched" in made ? made.touched : made.added();
  const expressions =
    at.kind === "window" ? at.place.partitionBy : at.place.operator.keys.map(({ expression }) => expression);
  if (at.kind === "window") scope.isMerged = false;
  const ofKey = (index: number, key: Expression): Expression => {
    const name = viewKeys[index]?.field;
    return name === undefined ? key : { kind: "field", input: key, name };
  };
  return {
    keys:
      made.keys && viewKeys.some(({ field }) => field !== undefined)
        ? project(
            made.keys,
            expressions.map((_, index) => [keyColumn(index), ofKey(index, column(keyColumn(index)))]),
          )
        : made.keys,
    rows: rows as LogicalPlan,
    values: expressions.map((each, index) => input.valuesOf(ofKey(index, each))),
  };
}

/** The view's rows that have the values of a changed row in all of these columns. */
function byColumns(columns: readonly ViewKey[], root: Changed, scope: RefreshScope): RefreshOutput {
  scope.isMerged = false;
  const keys = scope.step("keys", {
    kind: "distinct",
    input: project(
      unionOf([root.added(), root.removed()]) as LogicalPlan,
      columns.map(({ output }, index) => [keyColumn(index), column(output)]),
    ),
  });
  const on = columns.map(({ output }, index) => ({ left: output, right: keyColumn(index) }));
  const touched = restrictionsOf(
    columns,
    columns.map(({ output }) => root.valuesOf(column(output))),
  );
  return { kind: "keys", rows: matchingPairs("semi", root.now(touched), keys, on), keys, touched };
}

function restrictionsOf(
  columns: readonly ViewKey[],
  values: readonly (TouchedValues | undefined)[],
): readonly Restriction[] {
  return columns.flatMap(({ output }, index) => {
    const known = values[index];
    return known === undefined ? [] : [{ column: output, values: known }];
  });
}

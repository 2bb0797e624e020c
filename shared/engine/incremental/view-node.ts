/** A view's query as a tree of operators, each with its rule for changes (SPEC.md 9, 10). */
import { columnsOf, joinColumns, schemaOf, type Join, type LogicalPlan, type Union } from "../../plan/index.ts";
import type { GroupPlace } from "./operators/group-change.ts";
import { keyIndex } from "./operators/group-change.ts";
import { expressionBelow, type RowNode } from "./operators/row-change.ts";
import type { ScanPlace } from "./operators/scan-change.ts";
import type { WindowPlace } from "./operators/window-change.ts";

export type ViewNode =
  | { readonly kind: "scan"; readonly place: ScanPlace }
  | { readonly kind: "rows"; readonly node: RowNode; readonly input: ViewNode }
  | { readonly kind: "union"; readonly node: Union; readonly inputs: readonly ViewNode[] }
  /** `name` names the steps of this place. */
  | {
      readonly kind: "join";
      readonly node: Join;
      readonly name: string;
      readonly left: ViewNode;
      readonly right: ViewNode;
    }
  | { readonly kind: "group"; readonly place: GroupPlace; readonly input: ViewNode }
  | { readonly kind: "window"; readonly place: WindowPlace; readonly input: ViewNode };

export function nodeInputs(node: ViewNode): readonly ViewNode[] {
  switch (node.kind) {
    case "scan":
      return [];
    case "union":
      return node.inputs;
    case "join":
      return [node.left, node.right];
    default:
      return [node.input];
  }
}

/** Every node, inputs before the node that reads them. */
export function* viewNodes(node: ViewNode): Generator<ViewNode> {
  for (const input of nodeInputs(node)) yield* viewNodes(input);
  yield node;
}

/** The plan of `node` with other rows in the place of those of `bottom`, which only rows made one by one stand on. */
export function rowsOver(node: ViewNode, bottom: ViewNode, rows: LogicalPlan): LogicalPlan {
  if (node === bottom || node.kind !== "rows") return rows;
  const below = rowsOver(node.input, bottom, rows);
  return node.node.kind === "sort" ? below : { ...node.node, input: below };
}

/** The column of `target` that a column of `node` is, unchanged; undefined where it is none. */
export function columnAt(node: ViewNode, name: string, target: ViewNode): string | undefined {
  if (node === target) return name;
  switch (node.kind) {
    case "scan":
    case "union":
      return undefined;
    case "rows":
    case "window": {
      const own = node.kind === "rows" ? node.node : node.place.node;
      const below = expressionBelow(own, { kind: "column", name });
      return below?.kind === "column" ? columnAt(node.input, below.name, target) : undefined;
    }
    case "group": {
      const index = keyIndex(node.place, name);
      const below = index < 0 ? undefined : node.place.operator.keys[index]?.expression;
      return below?.kind === "column" ? columnAt(node.input, below.name, target) : undefined;
    }
    case "join":
      return columnBelowJoin(node, name, target);
  }
}

function columnBelowJoin(
  node: Extract<ViewNode, { kind: "join" }>,
  name: string,
  target: ViewNode,
): string | undefined {
  const from = joinColumns(node.node, schemaOf(node.node.left), schemaOf(node.node.right)).find(
    (each) => each.name === name,
  );
  if (from === undefined || from.side === "either") return undefined;
  const own = columnAt(from.side === "left" ? node.left : node.right, from.column, target);
  if (own !== undefined || node.node.type !== "inner") return own;
  const pair = node.node.on.find((each) => each[from.side] === from.column);
  return (
    pair &&
    columnAt(from.side === "left" ? node.right : node.left, pair[from.side === "left" ? "right" : "left"], target)
  );
}

/** What each scan's columns are needed for: a column that nothing reads cannot change the view. */
export function columnsRead(plan: LogicalPlan): ReadonlyMap<LogicalPlan, ReadonlySet<string>> {
  const read = new Map<LogicalPlan, ReadonlySet<string>>();
  visit(plan, new Set(Object.keys(schemaOf(plan).fields)), read);
  return read;
}

function visit(plan: LogicalPlan, wanted: ReadonlySet<string>, read: Map<LogicalPlan, ReadonlySet<string>>): void {
  const all = (input: LogicalPlan): ReadonlySet<string> => new Set(Object.keys(schemaOf(input).fields));
  const also = (...more: Iterable<string>[]): ReadonlySet<string> =>
    new Set([...wanted, ...more.flatMap((names) => [...names])]);
  switch (plan.kind) {
    case "scan":
      read.set(plan, new Set([...(read.get(plan) ?? []), ...wanted]));
      return;
    case "project":
      return visit(plan.input, new Set(plan.columns.flatMap(({ expression }) => columnsOf(expression))), read);
    case "filter":
      return visit(plan.input, also(columnsOf(plan.condition)), read);
    case "explode":
      return visit(plan.input, also(columnsOf(plan.array)), read);
    case "aggregate":
      return visit(
        plan.input,
        new Set([...plan.groupBy, ...plan.aggregates].flatMap(({ expression }) => columnsOf(expression))),
        read,
      );
    case "join":
      for (const side of ["left", "right"] as const) visit(plan[side], sideColumns(plan, side, wanted), read);
      return;
    case "union":
      for (const input of plan.inputs) visit(input, all(input), read);
      return;
    default:
      return visit(plan.input, all(plan.input), read);
  }
}

function sideColumns(plan: Join, side: "left" | "right", wanted: ReadonlySet<string>): ReadonlySet<string> {
  const columns = joinColumns(plan, schemaOf(plan.left), schemaOf(plan.right));
  const own = columns.flatMap((each) => {
    if (!wanted.has(each.name)) return [];
    if (each.side === "either") return [each[side]];
    return each.side === side ? [each.column] : [];
  });
  return new Set([...own, ...plan.on.map((pair) => pair[side])]);
}

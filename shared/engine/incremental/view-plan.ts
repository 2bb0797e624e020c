/**
 * How a view can be refreshed, told from its query alone: a chain of keyed operators over the rows of one table, each with what stands
 * between it and the next (SPEC.md 9, 10); rows that are made one by one; or only in full.
 */
import {
  analyze,
  hasWindow,
  scansOf,
  schemaOf,
  type Aggregate,
  type DataType,
  type Distinct,
  type Expression,
  type LogicalPlan,
  type Scan,
  type Schema,
} from "../../plan/index.ts";
import { aggregateOperator } from "./operators/aggregate-operator.ts";
import { distinctOperator } from "./operators/distinct-operator.ts";
import { keyColumn } from "./operators/accumulator.ts";
import { keysSchema, type KeyedOperator } from "./operators/keyed-operator.ts";

export type ViewPlan = KeyedView | RowView | FullView;

export interface KeyedView {
  readonly kind: "keyed";
  readonly scan: Scan;
  /** From the table upwards; each takes the rows of the one before it. */
  readonly operators: readonly KeyedOperator[];
  /** Puts the top operator's rows into the view's form. */
  readonly above: (rows: LogicalPlan) => LogicalPlan;
  /** The top operator's keys. A view of one group has none. */
  readonly keys: readonly ViewKey[];
  /** False where hidden tables would be of no use, because every change needs the rows themselves. */
  readonly keepsState: boolean;
}

export interface ViewKey {
  readonly type: DataType;
  /** The view's column that holds the key. */
  readonly output: string;
  /** The scan's column that the key is, where it is one. */
  readonly source: string | undefined;
}

/** Rows made one by one from those of one table: what is added there is added here. */
export interface RowView {
  readonly kind: "rows";
  readonly scan: Scan;
  /** The view's columns that are columns of the scan. */
  readonly sources: Readonly<Record<string, string>>;
}

export interface FullView {
  readonly kind: "full";
  readonly reason: string;
}

type Keyed = Aggregate | Distinct;
const full = (reason: string): FullView => ({ kind: "full", reason });

export function viewPlan(query: LogicalPlan): ViewPlan {
  const scans = scansOf(query).static;
  const scan = scans[0];
  if (scan === undefined || scans.length > 1) return full(`the query reads ${scans.length} tables`);
  const parts = takenApart(query);
  if (parts.kind === "full") return parts;
  const { nodes, layers } = parts;
  const top = nodes.at(-1);
  if (top === undefined) return rowView(query, scan);
  const operators = nodes.map((node, index) => {
    const above = layers[index + 1] as Layer;
    const mergesFloats = nodes.length === 1 && !above.filters;
    const name = `${node.kind}-${index}`;
    const input = (layers[index] as Layer).over;
    return node.kind === "aggregate"
      ? aggregateOperator(node, name, input, { mergesFloats })
      : distinctOperator(node, name, input);
  });
  const problem = operators.map(problemOf).find((each) => each !== undefined) ?? inexactBetween(nodes);
  if (problem !== undefined) return full(problem);
  const keys = viewKeys(query, top, nodes.length === 1);
  if ("kind" in keys) return keys;
  const above = (layers.at(-1) as Layer).over;
  const keepsState =
    operators.length > 1 ||
    operators.every(({ accumulators }) => accumulators.every(({ merge }) => typeof merge === "string"));
  return { kind: "keyed", scan, operators, above, keys, keepsState };
}

/** What stands below, between and above keyed operators: rows made one by one. */
interface Layer {
  readonly over: (below: LogicalPlan) => LogicalPlan;
  readonly filters: boolean;
}

/** Keyed operators from below, and the layers around them: one more than there are operators. */
interface Parts {
  readonly kind: "parts";
  readonly nodes: readonly Keyed[];
  readonly layers: readonly Layer[];
}

const bare: Layer = { over: (below) => below, filters: false };

function takenApart(plan: LogicalPlan): Parts | FullView {
  switch (plan.kind) {
    case "scan":
      return { kind: "parts", nodes: [], layers: [bare] };
    case "project":
      if (plan.columns.some(({ expression }) => hasWindow(expression)))
        return full("a window function looks at more than one row");
      return layered(plan, takenApart(plan.input));
    case "filter":
    case "explode":
    case "watermark":
    case "sort":
      return layered(plan, takenApart(plan.input));
    case "aggregate":
    case "distinct": {
      const below = takenApart(plan.input);
      return below.kind === "full"
        ? below
        : { kind: "parts", nodes: [...below.nodes, plan], layers: [...below.layers, bare] };
    }
    default:
      return full(`there is no rule yet for ${plan.kind} under a view`);
  }
}

function layered(plan: Extract<LogicalPlan, { input: LogicalPlan }>, below: Parts | FullView): Parts | FullView {
  if (below.kind === "full") return below;
  const layer = below.layers.at(-1) as Layer;
  const over = (rows: LogicalPlan): LogicalPlan => ({ ...plan, input: layer.over(rows) });
  return {
    ...below,
    layers: [...below.layers.slice(0, -1), { over, filters: layer.filters || plan.kind === "filter" }],
  };
}

function problemOf(operator: KeyedOperator): string | undefined {
  const types = [...operator.keys, ...operator.inputs].map(({ type }) => type);
  return types.some(holdsMap) ? "maps cannot be compared, so that changes to them cannot be told" : undefined;
}

function holdsMap(type: DataType): boolean {
  if (type.kind === "map") return true;
  if (type.kind === "array") return holdsMap(type.element);
  return type.kind === "struct" && Object.values(type.fields).some((field) => holdsMap(field.type));
}

/** Two runs may differ in the last digit of an inexact value: nothing that stands on it can be told to have changed (SPEC.md 9). */
function inexactBetween(nodes: readonly Keyed[]): string | undefined {
  const below = nodes.slice(0, -1).flatMap((node) => analyze(node).inexact);
  return below.length === 0
    ? undefined
    : `"${below[0]}" is inexact, and another operator stands on it; make it exact, or put it into a view of its own`;
}

/** The view's columns that hold the top operator's keys. Only a key that is in the view can be replaced there. */
function viewKeys(query: LogicalPlan, top: Keyed, isOnScan: boolean): readonly ViewKey[] | FullView {
  const output = schemaOf(query);
  const input = schemaOf(top.input);
  const keys: ViewKey[] = [];
  const given =
    top.kind === "aggregate"
      ? top.groupBy
      : Object.keys(input.fields).map((name) => ({ name, expression: { kind: "column", name } as Expression }));
  for (const key of given) {
    const column = Object.keys(output.fields).find((name) => reaches(query, name, top, key.name));
    if (column === undefined)
      return full(`the grouping column "${key.name}" is not in the view; add it to refresh by groups`);
    const type = schemaOf(top).fields[key.name]?.type as DataType;
    const isColumn = isOnScan && key.expression.kind === "column";
    keys.push({ type, output: column, source: isColumn ? sourceColumn(top.input, key.expression.name) : undefined });
  }
  return keys;
}

function rowView(query: LogicalPlan, scan: Scan): RowView | FullView {
  const sources = Object.keys(schemaOf(query).fields).flatMap((name) => {
    const source = sourceColumn(query, name);
    return source === undefined ? [] : [[name, source]];
  });
  return { kind: "rows", scan, sources: Object.fromEntries(sources) as Record<string, string> };
}

/** True where an output column of `plan` is the key `key` of the operator at its bottom, unchanged. */
function reaches(plan: LogicalPlan, name: string, bottom: Keyed, key: string): boolean {
  if (plan === bottom) return name === key;
  switch (plan.kind) {
    case "project": {
      const expression = plan.columns.find((column) => column.name === name)?.expression;
      return expression?.kind === "column" && reaches(plan.input, expression.name, bottom, key);
    }
    case "explode":
      return name !== plan.as && reaches(plan.input, name, bottom, key);
    case "filter":
    case "sort":
    case "watermark":
      return reaches(plan.input, name, bottom, key);
    default:
      return false;
  }
}

/** The scan's column that a column made row by row is, if it is one unchanged. */
function sourceColumn(plan: LogicalPlan, name: string): string | undefined {
  switch (plan.kind) {
    case "scan":
      return name in plan.schema.fields ? name : undefined;
    case "project": {
      const expression = plan.columns.find((column) => column.name === name)?.expression;
      return expression?.kind === "column" ? sourceColumn(plan.input, expression.name) : undefined;
    }
    case "explode":
      return name === plan.as ? undefined : sourceColumn(plan.input, name);
    case "filter":
    case "sort":
    case "watermark":
      return sourceColumn(plan.input, name);
    default:
      return undefined;
  }
}

/** The view's rows of a relation whose keys are not among those of another. */
export function rowsOfOtherKeys(
  view: KeyedView,
  viewSchema: Schema,
  sinkRelation: string,
  keysRelation: string,
): LogicalPlan {
  return {
    kind: "join",
    type: "anti",
    left: { kind: "scan", source: sinkRelation, schema: viewSchema, streaming: false },
    right: { kind: "scan", source: keysRelation, schema: keysSchema(view.keys), streaming: false },
    on: view.keys.map((key, index) => ({ left: key.output, right: keyColumn(index) })),
    nullSafe: true,
    dropRight: [],
  };
}

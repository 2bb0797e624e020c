/**
 * How a view can be refreshed, told from its query alone. A grouped query over one table is kept up to date by recomputing the groups
 * that a change touches (SPEC.md 10); every other query is computed in full.
 */
import {
  scansOf,
  schemaOf,
  typeOf,
  type Aggregate,
  type DataType,
  type Expression,
  type LogicalPlan,
  type Scan,
  type Schema,
} from "../../plan/index.ts";

export type ViewPlan = KeyedView | FullView;

export interface KeyedView {
  readonly kind: "keyed";
  readonly scan: Scan;
  /** What the groups are made of: row by row from the scan. */
  readonly below: LogicalPlan;
  readonly aggregate: Aggregate;
  /** Puts the groups into the view's form. */
  readonly above: (groups: LogicalPlan) => LogicalPlan;
  readonly keys: readonly ViewKey[];
}

export interface ViewKey {
  readonly expression: Expression;
  readonly type: DataType;
  /** The view's column that holds the key. */
  readonly output: string;
  /** The scan's column that the key is, where it is one. */
  readonly source: string | undefined;
}

export interface FullView {
  readonly kind: "full";
  readonly reason: string;
}

export function viewPlan(query: LogicalPlan): ViewPlan {
  const scans = scansOf(query).static;
  const scan = scans[0];
  if (scan === undefined || scans.length > 1) return { kind: "full", reason: `the query reads ${scans.length} tables` };
  const { above, bottom } = peel(query);
  if (bottom.kind === "project") return { kind: "full", reason: "a window function looks at more than one row" };
  if (bottom.kind !== "aggregate") return { kind: "full", reason: "the query has no groups" };
  if (bottom.groupBy.length === 0)
    return { kind: "full", reason: "the query has one group, which every change touches" };
  if (!isLinear(bottom.input))
    return { kind: "full", reason: "the groups are made of more than rows taken one by one" };
  const output = schemaOf(query);
  const input = schemaOf(bottom.input);
  const keys: ViewKey[] = [];
  for (const key of bottom.groupBy) {
    const column = Object.keys(output.fields).find((name) => reaches(query, name, bottom, key.name));
    if (column === undefined)
      return {
        kind: "full",
        reason: `the grouping column "${key.name}" is not in the view; add it to refresh by groups`,
      };
    keys.push({
      expression: key.expression,
      type: typeOf(key.expression, input, key.name),
      output: column,
      source: key.expression.kind === "column" ? sourceColumn(bottom.input, key.expression.name) : undefined,
    });
  }
  return { kind: "keyed", scan, below: bottom.input, aggregate: bottom, above, keys };
}

/** Takes projections, filters and sorts off the top: what makes each row of the view of one group. */
function peel(plan: LogicalPlan): { above: (groups: LogicalPlan) => LogicalPlan; bottom: LogicalPlan } {
  const isPeeled =
    plan.kind === "filter" || plan.kind === "sort" || (plan.kind === "project" && !hasWindow(plan.columns));
  if (!isPeeled) return { above: (groups) => groups, bottom: plan };
  const inner = peel(plan.input);
  return { above: (groups) => ({ ...plan, input: inner.above(groups) }), bottom: inner.bottom };
}

function isLinear(plan: LogicalPlan): boolean {
  switch (plan.kind) {
    case "scan":
      return true;
    case "project":
      return plan.columns.every(({ expression }) => !hasWindow(expression)) && isLinear(plan.input);
    case "filter":
    case "explode":
    case "watermark":
      return isLinear(plan.input);
    default:
      return false;
  }
}

function hasWindow(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if ((value as { kind?: unknown }).kind === "window") return true;
  return Object.values(value).some(hasWindow);
}

/** True where an output column of `plan` is the grouping column `key`, unchanged. */
function reaches(plan: LogicalPlan, name: string, bottom: Aggregate, key: string): boolean {
  if (plan === bottom) return name === key;
  if (plan.kind === "project") {
    const expression = plan.columns.find((column) => column.name === name)?.expression;
    return expression?.kind === "column" && reaches(plan.input, expression.name, bottom, key);
  }
  return (plan.kind === "filter" || plan.kind === "sort") && reaches(plan.input, name, bottom, key);
}

/** The scan's column that a column of a linear plan is, if it is one unchanged. */
function sourceColumn(plan: LogicalPlan, name: string): string | undefined {
  switch (plan.kind) {
    case "scan":
      return name in plan.schema.fields ? name : undefined;
    case "project": {
      const expression = plan.columns.find((column) => column.name === name)?.expression;
      return expression?.kind === "column" ? sourceColumn(plan.input, expression.name) : undefined;
    }
    case "filter":
    case "watermark":
      return sourceColumn(plan.input, name);
    default:
      return undefined;
  }
}

/** Columns of the touched keys, by position. */
export const keyColumn = (index: number): string => `__key${index}`;

/** The schema of touched keys. */
export function keySchema(keys: readonly ViewKey[]): Schema {
  return {
    kind: "struct",
    fields: Object.fromEntries(keys.map((key, index) => [keyColumn(index), { type: key.type, nullable: true }])),
  };
}

/** The distinct keys of the rows of a relation that has the scan's schema. */
export function touchedKeys(view: KeyedView, relation: string): LogicalPlan {
  return {
    kind: "distinct",
    input: {
      kind: "project",
      input: withScan(view.below, relation),
      columns: view.keys.map((key, index) => ({ name: keyColumn(index), expression: key.expression })),
    },
  };
}

/** The view's rows for the keys of a relation, computed from the scan. */
export function rowsOfKeys(view: KeyedView, keysRelation: string): LogicalPlan {
  const below = schemaOf(view.below);
  const keyed: LogicalPlan = {
    kind: "project",
    input: view.below,
    columns: [
      ...Object.keys(below.fields).map((name) => ({ name, expression: { kind: "column", name } as Expression })),
      ...view.keys.map((key, index) => ({ name: keyColumn(index), expression: key.expression })),
    ],
  };
  const touched: LogicalPlan = {
    kind: "join",
    type: "semi",
    left: keyed,
    right: { kind: "scan", source: keysRelation, schema: keySchema(view.keys), streaming: false },
    on: view.keys.map((_, index) => ({ left: keyColumn(index), right: keyColumn(index) })),
    nullSafe: true,
    dropRight: [],
  };
  return view.above({ ...view.aggregate, input: touched });
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
    right: { kind: "scan", source: keysRelation, schema: keySchema(view.keys), streaming: false },
    on: view.keys.map((key, index) => ({ left: key.output, right: keyColumn(index) })),
    nullSafe: true,
    dropRight: [],
  };
}

function withScan(plan: LogicalPlan, source: string): LogicalPlan {
  switch (plan.kind) {
    case "scan":
      return { ...plan, source };
    case "project":
    case "filter":
    case "explode":
    case "watermark":
      return { ...plan, input: withScan(plan.input, source) };
    default:
      return plan;
  }
}

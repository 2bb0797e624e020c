/** Logical plans as SQL of a dialect. */
import { DyneError, unreachable } from "../../core/errors.ts";
import { joinColumns } from "../analysis/join-columns.ts";
import { typeOf } from "../analysis/field-of.ts";
import { schemaOf } from "../analysis/schema-of.ts";
import { deduplicationTime, isStreaming, rowLocal } from "../analysis/streaming.ts";
import type { AggregateCall, Expression, Literal } from "../expression.ts";
import type { Dialect, RowError } from "../functions/index.ts";
import type {
  Aggregate,
  Distinct,
  DropDuplicatesWithinWatermark,
  Explode,
  Filter,
  Join,
  Limit,
  LogicalPlan,
  Project,
  Scan,
  Sort,
  Union,
} from "../logical-plan.ts";
import { holdsMap } from "../type-name.ts";
import type { Schema, StructField } from "../types.ts";
import { Binder } from "./binder.ts";
import { renderDropDuplicates } from "./drop-duplicates.ts";
import { quoteName, sqlType } from "./quoting.ts";
import { groupedValue } from "./grouped-value.ts";
import { joinCondition, joinedColumn, joinWord } from "./join-words.ts";
import { raising, renderAggregateCall, renderOrder, renderSortKey, spellExpression } from "./render-expression.ts";
import type { Scope } from "./scope.ts";

/** The column that holds the message of a row's first error in `capture` mode, NULL if there is none. VARCHAR, after all others. */
export const rowErrorColumn = "_row_error";

export interface RenderOptions {
  readonly dialect: Dialect;
  /** What can stand after FROM for a scan: a quoted name, or a query in parentheses. It has the scan's columns and those of `carry`. */
  readonly relations: (source: string, scan: Scan) => string;
  /** Values of batch parameters by name. */
  readonly parameters?: Readonly<Record<string, Literal["value"]>>;
  /**
   * `fail`: an error of a row stops the query with a message that starts with `DATA_ERROR: `. `capture`: the row stays, and
   * `_row_error` says what is wrong; for row-local plans only, in DuckDB only.
   */
  readonly rowErrors: "fail" | "capture";
  /** Hidden columns of the scan on the plan's main path that every row-local node passes on, after the plan's own columns. */
  readonly carry?: readonly string[];
}

/** A query, and the columns it has beyond the plan's schema. */
interface Rendered {
  readonly sql: string;
  readonly hidden: readonly string[];
  /** What can stand after FROM instead of the query, with at least its columns: a scan's relation itself spares a layer. */
  readonly relation?: string;
}

interface Renderer extends RenderOptions {
  readonly name: (column: string) => string;
  readonly values: Readonly<Record<string, Literal["value"]>>;
}

/**
 * A plan as one SELECT: the columns of `schemaOf(plan)` in order, then those of `carry` that survived, then `_row_error` in `capture` mode.
 * Errors: those of the analysis; UNSUPPORTED_FEATURE for `capture` above a row-local plan; INVALID_ARGUMENT for a missing parameter.
 */
export function renderPlan(plan: LogicalPlan, options: RenderOptions): string {
  schemaOf(plan);
  if (options.rowErrors === "capture" && options.dialect !== "duckdb") {
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `Row errors cannot be captured in ${options.dialect}. Render with rowErrors "fail".`,
    );
  }
  const name = (column: string): string => quoteName(column, options.dialect);
  return render(plan, { ...options, name, values: options.parameters ?? {} }).sql;
}

export type ScalarOptions = Pick<RenderOptions, "dialect" | "parameters">;

/** A scalar expression over a relation's columns, as SQL that stops the query where a row has an error. */
export function renderScalar(expression: Expression, schema: Schema, options: ScalarOptions): string {
  return raising(spellExpression(expression, inlineScope(schema, options)));
}

/** The same as what rows are sorted by, so that no column that is one loses anything. */
export function renderScalarSortKey(expression: Expression, schema: Schema, options: ScalarOptions): string {
  return renderSortKey(expression, inlineScope(schema, options));
}

function inlineScope(schema: Schema, { dialect, parameters = {} }: ScalarOptions): Scope {
  return { dialect, schema, parameters, binder: new InlineBinder(dialect) };
}

/** Repeats what it should bind: for single expressions, where there is no query to hold a layer. */
class InlineBinder extends Binder {
  override bind(sql: string): string {
    return `(${sql})`;
  }
}

function render(plan: LogicalPlan, renderer: Renderer): Rendered {
  if (renderer.rowErrors === "capture" && !rowLocal(plan)) {
    throw new DyneError(
      "UNSUPPORTED_FEATURE",
      `Row errors cannot be captured across ${plan.kind}. Capture them in the row-local part below it.`,
    );
  }
  switch (plan.kind) {
    case "scan":
      return renderScan(plan, renderer);
    case "project":
      return renderProject(plan, renderer);
    case "filter":
      return renderFilter(plan, renderer);
    case "join":
      return renderJoin(plan, renderer);
    case "aggregate":
      return renderAggregate(plan, renderer);
    case "union":
      return renderUnion(plan, renderer);
    case "distinct":
      return renderDistinct(plan, renderer);
    case "sort":
    case "limit":
      return renderSort(plan, renderer);
    case "explode":
      return renderExplode(plan, renderer);
    case "watermark":
      return render(plan.input, renderer);
    case "dropDuplicatesWithinWatermark":
      return renderDeduplicated(plan, renderer);
    default:
      return unreachable(plan);
  }
}

const columnNames = (schema: Schema): readonly string[] => Object.keys(schema.fields);
const isError = (column: string): boolean => column === rowErrorColumn;

function renderScan(plan: Scan, renderer: Renderer): Rendered {
  const visible = columnNames(plan.schema);
  const carried = (renderer.carry ?? []).filter((column) => !visible.includes(column));
  const columns = [...visible, ...carried].map(renderer.name);
  const captures = renderer.rowErrors === "capture" && !visible.includes(rowErrorColumn);
  if (captures) columns.push(`CAST(NULL AS VARCHAR) AS ${renderer.name(rowErrorColumn)}`);
  const from = renderer.relations(plan.source, plan);
  return {
    sql: `SELECT ${columns.join(", ") || "*"} FROM ${from}`,
    hidden: captures ? [...carried, rowErrorColumn] : carried,
    ...(captures ? {} : { relation: from }),
  };
}

const fromItem = ({ sql, relation }: Rendered): string => relation ?? `(${sql})`;

/** Columns that rows bring along from `input` to a node with these columns. */
function passedOn(input: Rendered, inputSchema: Schema, outputSchema: Schema, renderer: Renderer): readonly string[] {
  const visible = columnNames(outputSchema);
  const wanted = [...(renderer.carry ?? []), ...(renderer.rowErrors === "capture" ? [rowErrorColumn] : [])];
  const given = [...columnNames(inputSchema), ...input.hidden];
  return wanted.filter((column) => !visible.includes(column) && given.includes(column));
}

function scopeOver(schema: Schema, renderer: Renderer): Scope {
  return { dialect: renderer.dialect, schema, binder: new Binder(renderer.dialect), parameters: renderer.values };
}

function orderedColumns(schema: Schema): readonly string[] {
  return Object.entries<StructField>(schema.fields)
    .filter(([, field]) => !holdsMap(field.type))
    .map(([name]) => name);
}

/** `_row_error` after a node: what the row had before, or the first error of the node's own. */
function errorColumn(errors: readonly RowError[], renderer: Renderer): string {
  const column = renderer.name(rowErrorColumn);
  if (errors.length === 0) return column;
  const branches = errors.map(({ when, message }) => `WHEN ${when} THEN ${message}`);
  return `coalesce(${column}, CASE ${branches.join(" ")} END) AS ${column}`;
}

function renderProject(plan: Project, renderer: Renderer): Rendered {
  const input = render(plan.input, renderer);
  const inputSchema = schemaOf(plan.input);
  const scope = scopeOver(inputSchema, renderer);
  const spelled = plan.columns.map(({ name, expression }) => ({ name, value: spellExpression(expression, scope) }));
  const captures = renderer.rowErrors === "capture";
  const columns = spelled.map(
    ({ name, value }) => `${captures ? value.sql : raising(value)} AS ${renderer.name(name)}`,
  );
  const hidden = passedOn(input, inputSchema, schemaOf(plan), renderer);
  const errors = captures ? spelled.flatMap(({ value }) => value.errors) : [];
  columns.push(...hidden.map((column) => (isError(column) ? errorColumn(errors, renderer) : renderer.name(column))));
  return { sql: `SELECT ${columns.join(", ")} FROM ${scope.binder.over(fromItem(input))}`, hidden };
}

function renderFilter(plan: Filter, renderer: Renderer): Rendered {
  const input = render(plan.input, renderer);
  const schema = schemaOf(plan.input);
  const scope = scopeOver(schema, renderer);
  const condition = spellExpression(plan.condition, scope);
  const from = scope.binder.over(fromItem(input));
  const visible = columnNames(schema).map(renderer.name);
  if (renderer.rowErrors === "fail") {
    const columns = [...visible, ...input.hidden.map(renderer.name)];
    return { sql: `SELECT ${columns.join(", ")} FROM ${from} WHERE ${raising(condition)}`, hidden: input.hidden };
  }
  const columns = [
    ...visible,
    ...input.hidden.map((column) =>
      isError(column) ? errorColumn(condition.errors, renderer) : renderer.name(column),
    ),
  ];
  const kept = [
    `${renderer.name(rowErrorColumn)} IS NOT NULL`,
    ...condition.errors.map(({ when }) => when),
    condition.sql,
  ];
  return {
    sql: `SELECT ${columns.join(", ")} FROM ${from} WHERE ${kept.map((each) => `(${each})`).join(" OR ")}`,
    hidden: input.hidden,
  };
}

/** Only one side of a join brings rows along; the other side is looked up, and an error in it stops the query. A full join has two. */
function renderJoin(plan: Join, renderer: Renderer): Rendered {
  const leftLeads = plan.type !== "right" && (isStreaming(plan.left) || !isStreaming(plan.right));
  const lookup: Renderer = { ...renderer, rowErrors: "fail", carry: [] };
  const left = render(plan.left, leftLeads && plan.type !== "full" ? renderer : lookup);
  const right = render(plan.right, leftLeads ? lookup : renderer);
  const [leader, follower, hidden] = leftLeads
    ? (["l", "r", left.hidden] as const)
    : (["r", "l", right.hidden] as const);
  const column = (side: string, name: string): string => `${side}.${renderer.name(name)}`;
  const columns = [
    ...joinColumns(plan, schemaOf(plan.left), schemaOf(plan.right)).map((each) => joinedColumn(each, renderer.dialect)),
    ...hidden.map((name) => column(leader, name)),
  ];
  const on = plan.on.map((pair) => joinCondition(plan, pair, renderer.dialect));
  const select = `SELECT ${columns.join(", ")}`;
  if (renderer.rowErrors === "fail") {
    const condition = on.length === 0 ? "" : ` ON ${on.join(" AND ")}`;
    return {
      sql: `${select} FROM (${left.sql}) AS l ${joinWord(plan.type, renderer.dialect)} (${right.sql}) AS r${condition}`,
      hidden,
    };
  }
  // A row with an error meets nothing and stays, once. That is an equality too, so that the join remains one of hashes.
  const error = column(leader, rowErrorColumn);
  if (plan.type === "semi" || plan.type === "anti") {
    const found = `${plan.type === "anti" ? "NOT " : ""}EXISTS (SELECT 1 FROM (${right.sql}) AS r WHERE ${on.join(" AND ")})`;
    return { sql: `${select} FROM (${left.sql}) AS l WHERE ${error} IS NOT NULL OR ${found}`, hidden };
  }
  const [lead, other] = leftLeads ? [left, right] : [right, left];
  const matched = renderer.name("__dyne_matched");
  const keepsAll = plan.type === "left" || plan.type === "right";
  const where = keepsAll ? "" : ` WHERE ${follower}.${matched} OR ${error} IS NOT NULL`;
  const meeting = [...on, `(${error} IS NULL) = ${follower}.${matched}`].join(" AND ");
  const from = `(${lead.sql}) AS ${leader} LEFT JOIN (SELECT *, TRUE AS ${matched} FROM (${other.sql})) AS ${follower} ON ${meeting}`;
  return { sql: `${select} FROM ${from}${where}`, hidden };
}

/** Three layers: what the aggregates take, the aggregates, and what is made of them. */
function renderAggregate(plan: Aggregate, renderer: Renderer): Rendered {
  const input = render(plan.input, renderer);
  const schema = schemaOf(plan.input);
  const rows = scopeOver(schema, renderer);
  const groups = plan.groupBy.map(({ expression }, index) => ({
    sql: groupedValue(raising(spellExpression(expression, rows)), typeOf(expression, schema), renderer.dialect),
    name: renderer.name(`__dyne_g${index + 1}`),
  }));
  const calls = new Map<string, string>();
  const aggregated = (call: AggregateCall): string => {
    const sql = renderAggregateCall(call, rows);
    const known = calls.get(sql) ?? renderer.name(`__dyne_a${calls.size + 1}`);
    calls.set(sql, known);
    return known;
  };
  const groupColumns = new Map(plan.groupBy.map(({ name }, index) => [name, (groups[index] as { name: string }).name]));
  const results: Scope = { ...rows, binder: new Binder(renderer.dialect), aggregated, columns: groupColumns };
  const columns = plan.aggregates.map(
    ({ name, expression }) => `${raising(spellExpression(expression, results))} AS ${renderer.name(name)}`,
  );
  const computed = [
    ...groups.map(({ sql, name }) => `${sql} AS ${name}`),
    ...[...calls].map(([sql, name]) => `${sql} AS ${name}`),
  ];
  const positions = groups.map((_, index) => index + 1).join(", ");
  // An aggregation without groups has one row, even where no aggregate is asked for.
  const grouped = `SELECT ${computed.join(", ") || "count(*)"} FROM ${rows.binder.over(fromItem(input))}${positions === "" ? "" : ` GROUP BY ${positions}`}`;
  const output = [
    ...plan.groupBy.map(({ name }, index) => `${groups[index]?.name} AS ${renderer.name(name)}`),
    ...columns,
  ];
  return { sql: `SELECT ${output.join(", ")} FROM ${results.binder.over(`(${grouped})`)}`, hidden: [] };
}

function renderUnion(plan: Union, renderer: Renderer): Rendered {
  const inputs = plan.inputs.map((input) => render(input, renderer));
  const common = (inputs[0] as Rendered).hidden.filter((column) =>
    inputs.every(({ hidden }) => hidden.includes(column)),
  );
  const columns = [...columnNames(schemaOf(plan)), ...common].map(renderer.name).join(", ");
  return { sql: inputs.map(({ sql }) => `SELECT ${columns} FROM (${sql})`).join(" UNION ALL "), hidden: common };
}

function renderDistinct(plan: Distinct, renderer: Renderer): Rendered {
  const input = render(plan.input, renderer);
  const columns = Object.entries<StructField>(schemaOf(plan).fields).map(([name, { type }]) => {
    const value = renderer.name(name);
    const grouped = groupedValue(value, type, renderer.dialect);
    return grouped === value ? value : `${grouped} AS ${value}`;
  });
  return { sql: `SELECT DISTINCT ${columns.join(", ")} FROM (${input.sql})`, hidden: [] };
}

function renderSort(plan: Sort | Limit, renderer: Renderer): Rendered {
  const sort = plan.kind === "sort" ? plan : plan.input.kind === "sort" ? plan.input : undefined;
  const below = sort?.input ?? plan.input;
  const input = render(below, renderer);
  const scope = scopeOver(schemaOf(below), renderer);
  const orders = (sort?.orders ?? []).map((order) => renderOrder(order, scope));
  const columns = [...columnNames(schemaOf(plan)), ...input.hidden].map(renderer.name).join(", ");
  const orderBy = orders.length === 0 ? "" : ` ORDER BY ${orders.join(", ")}`;
  const limit = plan.kind === "limit" ? ` LIMIT ${plan.count}` : "";
  return {
    sql: `SELECT ${columns} FROM ${scope.binder.over(fromItem(input))}${orderBy}${limit}`,
    hidden: input.hidden,
  };
}

function renderExplode(plan: Explode, renderer: Renderer): Rendered {
  const input = render(plan.input, renderer);
  const schema = schemaOf(plan.input);
  const scope = scopeOver(schema, renderer);
  const array = spellExpression(plan.array, scope);
  const captures = renderer.rowErrors === "capture";
  const value = captures ? array.sql : raising(array);
  const visible = columnNames(schema).map(renderer.name);
  const hidden = input.hidden.map((column) =>
    isError(column) ? errorColumn(array.errors, renderer) : renderer.name(column),
  );
  const as = renderer.name(plan.as);
  if (renderer.dialect === "spark") {
    const view = `LATERAL VIEW ${plan.outer ? "OUTER " : ""}explode(${value}) d_exploded AS ${as}`;
    return {
      sql: `SELECT ${[...visible, as, ...hidden].join(", ")} FROM ${scope.binder.over(`(${input.sql})`)} ${view}`,
      hidden: input.hidden,
    };
  }
  const bound = scope.binder.bind(value);
  const one = `[CAST(NULL AS ${sqlType((schemaOf(plan).fields[plan.as] as StructField).type, "duckdb")})]`;
  // A row with an error stays, once.
  const errors = captures
    ? [`${renderer.name(rowErrorColumn)} IS NOT NULL`, ...array.errors.map(({ when }) => when)]
    : [];
  const single = [...errors, ...(plan.outer ? [`${bound} IS NULL`, `len(${bound}) = 0`] : [])];
  const list = single.length === 0 ? bound : `CASE WHEN ${single.join(" OR ")} THEN ${one} ELSE ${bound} END`;
  return {
    sql: `SELECT ${[...visible, `unnest(${list}) AS ${as}`, ...hidden].join(", ")} FROM ${scope.binder.over(`(${input.sql})`)}`,
    hidden: input.hidden,
  };
}

function renderDeduplicated(plan: DropDuplicatesWithinWatermark, renderer: Renderer): Rendered {
  const input = render(plan.input, renderer);
  const schema = schemaOf(plan.input);
  const { column, delayMs } = deduplicationTime(plan);
  const columns = [...columnNames(schema), ...input.hidden];
  const positions = (renderer.carry ?? []).filter((name) => columns.includes(name));
  const order = [...new Set(positions.length > 0 ? positions : [column, ...orderedColumns(schema)])];
  return {
    sql: renderDropDuplicates({
      input: `(${input.sql})`,
      columns,
      schema,
      keys: plan.keys,
      eventTime: column,
      delayMs,
      order,
      dialect: renderer.dialect,
    }),
    hidden: input.hidden,
  };
}

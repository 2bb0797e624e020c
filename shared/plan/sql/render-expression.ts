/** Expressions as SQL that never throws, with the conditions under which a row has an error. */
import { DyneError, unreachable } from "../../core/errors.ts";
import { callType, fieldOf, unboundVariableError, windowCallType } from "../analysis/field-of.ts";
import type {
  AggregateCall,
  BatchParameter,
  CaseWhen,
  Cast,
  Expression,
  FunctionCall,
  LambdaVariable,
  SortOrder,
  WindowCall,
} from "../expression.ts";
import { castRule } from "../functions/casts.ts";
import { mean, meanType } from "../functions/decimals.ts";
import { aggregateFunction, scalarFunction, windowFunction } from "../functions/index.ts";
import type { RowError, Spelled, Typed } from "../functions/index.ts";
import { isIntegral, sameType, typeName } from "../type-name.ts";
import type { DataType } from "../types.ts";
import { renderFromJson } from "./from-json.ts";
import { groupedValue } from "./grouped-value.ts";
import { orderedValue } from "./ordered-value.ts";
import { quoteName, quoteText, renderLiteral, sqlType } from "./quoting.ts";
import { renderHigherOrder } from "./render-lambda.ts";
import type { Scope } from "./scope.ts";

const noErrors: readonly RowError[] = [];

/** An expression over a scope. Errors: those of the analysis; INVALID_ARGUMENT for a batch parameter without a value. */
export function spellExpression(expression: Expression, scope: Scope): Spelled {
  switch (expression.kind) {
    case "column":
      fieldOf(expression, scope.schema, "a rendered plan");
      return {
        sql: scope.columns?.get(expression.name) ?? quoteName(expression.name, scope.dialect),
        errors: noErrors,
      };
    case "literal":
      return { sql: renderLiteral(expression, scope.dialect), errors: noErrors };
    case "parameter":
      return renderParameter(expression, scope);
    case "cast":
      return renderCast(expression, scope);
    case "call":
      return renderCall(expression, scope);
    case "higherOrder":
      return renderHigherOrder(expression, scope, spellExpression);
    case "variable":
      return renderVariable(expression, scope);
    case "case":
      return renderCase(expression, scope);
    case "field": {
      const { sql, errors } = spellExpression(expression.input, scope);
      const name =
        scope.dialect === "duckdb"
          ? `struct_extract(${sql}, ${quoteText(expression.name, "duckdb")})`
          : `${sql}.${quoteName(expression.name, "spark")}`;
      return { sql: name, errors };
    }
    case "fromJson": {
      const { sql, errors } = spellExpression(expression.input, scope);
      if (scope.dialect === "spark") {
        const schema = quoteText(typeName(expression.schema), "spark");
        return { sql: `from_json(${sql}, ${schema}, map('mode', 'FAILFAST'))`, errors };
      }
      const parsed = renderFromJson(expression, scope.binder.bind(sql), (inner) => scope.binder.bind(inner));
      return { sql: parsed.sql, errors: [...errors, ...parsed.errors] };
    }
    case "aggregate":
      return renderAggregate(expression, scope);
    case "window":
      return renderWindow(expression, scope);
    default:
      return unreachable(expression);
  }
}

function renderParameter({ name, type }: BatchParameter, scope: Scope): Spelled {
  const value = Object.hasOwn(scope.parameters, name) ? scope.parameters[name] : undefined;
  if (value === undefined)
    throw new DyneError(
      "INVALID_ARGUMENT",
      `The batch parameter "${name}" has no value. Give it one in \`parameters\`.`,
    );
  return { sql: renderLiteral({ kind: "literal", value, type }, scope.dialect), errors: noErrors };
}

function renderVariable({ name }: LambdaVariable, scope: Scope): Spelled {
  const sql = scope.variables?.get(name);
  if (sql === undefined) throw unboundVariableError(name, "a rendered plan");
  return { sql, errors: noErrors };
}

/** The value widened to a type that holds all its values. */
function widen(sql: string, from: DataType, to: DataType, scope: Scope): string {
  return sameType(from, to) ? sql : `CAST(${sql} AS ${sqlType(to, scope.dialect)})`;
}

function renderCast({ input, to, mode }: Cast, scope: Scope): Spelled {
  const { sql, errors } = spellExpression(input, scope);
  const from = fieldOf(input, scope.schema, "a rendered plan").type;
  const rule = castRule(from, to);
  if (rule === undefined)
    throw new DyneError(
      "TYPE_MISMATCH",
      `There is no cast from ${typeName(from)} to ${typeName(to)}. Cast to a type between them.`,
    );
  if (scope.dialect === "spark")
    return { sql: `${mode === "try" ? "try_cast" : "CAST"}(${sql} AS ${typeName(to)})`, errors };
  if (!rule.fallible) return { sql: rule.duckdb(sql), errors };
  const given = scope.binder.bind(sql);
  const value = scope.binder.bind(rule.duckdb(given));
  if (mode === "try") return { sql: value, errors };
  const sample = from.kind === "string" ? `'"' || left(${given}, 80) || '"'` : `left(CAST(${given} AS VARCHAR), 80)`;
  const message = `'cannot cast ' || ${sample} || ${quoteText(` to ${typeName(to)}`, "duckdb")}`;
  return { sql: value, errors: [...errors, { when: `(${value} IS NULL AND ${given} IS NOT NULL)`, message }] };
}

function renderArguments(args: readonly Expression[], typed: Typed, scope: Scope): readonly Spelled[] {
  return args.map((arg, index) => {
    const { sql, errors } = spellExpression(arg, scope);
    return {
      sql: widen(sql, fieldOf(arg, scope.schema, "a rendered plan").type, typed.args[index] as DataType, scope),
      errors,
    };
  });
}

function renderCall(expression: FunctionCall, scope: Scope): Spelled {
  const definition = scalarFunction(expression.name);
  const typed = callType(expression, scope.schema, "a rendered plan");
  const args = renderArguments(expression.args, typed, scope);
  const bindable = scope.dialect === "duckdb" && definition.bindsArguments === true;
  const isLiteral = (index: number): boolean => expression.args[index]?.kind === "literal";
  const texts = args.map(({ sql }, index) => (bindable && !isLiteral(index) ? scope.binder.bind(sql) : sql));
  const spelled = definition.sql[scope.dialect](texts, { ...typed, bind: (sql) => scope.binder.bind(sql) });
  const inner = args.flatMap(({ errors }, index) => guarded(errors, definition.evaluates?.(texts, index)));
  return typeof spelled === "string"
    ? { sql: spelled, errors: inner }
    : { sql: spelled.sql, errors: [...inner, ...spelled.errors] };
}

/** Errors that count only under a condition. */
function guarded(errors: readonly RowError[], condition: string | undefined): readonly RowError[] {
  if (condition === undefined) return errors;
  return errors.map((error) => ({ ...error, when: `(${condition} AND ${error.when})` }));
}

/** Only the conditions up to the branch taken and that branch itself can be wrong. */
function renderCase(expression: CaseWhen, scope: Scope): Spelled {
  const { type } = fieldOf(expression, scope.schema, "a rendered plan");
  const value = (inner: Expression): Spelled => {
    const { sql, errors } = spellExpression(inner, scope);
    return { sql: widen(sql, fieldOf(inner, scope.schema, "a rendered plan").type, type, scope), errors };
  };
  const errors: RowError[] = [];
  const passed: string[] = [];
  const parts: string[] = [];
  const until = (): string | undefined => (passed.length === 0 ? undefined : passed.join(" AND "));
  for (const branch of expression.branches) {
    const when = spellExpression(branch.when, scope);
    const then = value(branch.then);
    const condition =
      then.errors.length + when.errors.length > 0 && scope.dialect === "duckdb"
        ? scope.binder.bind(when.sql)
        : when.sql;
    errors.push(...guarded(when.errors, until()));
    errors.push(...guarded(then.errors, [...passed, `${condition} IS TRUE`].join(" AND ")));
    parts.push(`WHEN ${condition} THEN ${then.sql}`);
    passed.push(`${condition} IS NOT TRUE`);
  }
  const otherwise = expression.otherwise === undefined ? undefined : value(expression.otherwise);
  if (otherwise !== undefined) errors.push(...guarded(otherwise.errors, until()));
  return { sql: `CASE ${parts.join(" ")}${otherwise === undefined ? "" : ` ELSE ${otherwise.sql}`} END`, errors };
}

/** The aggregate call itself over a scope's rows, before its value becomes Spark's type. In the scope of rows, errors raise. */
export function renderAggregateCall(call: AggregateCall, scope: Scope, distinct = call.distinct): string {
  const definition = aggregateFunction(call.name);
  const typed = callType(call, scope.schema, "a rendered plan");
  const args = renderArguments(call.args, typed, scope).map((arg) => raising(arg));
  const filter = call.filter === undefined ? "" : ` FILTER (WHERE ${raising(spellExpression(call.filter, scope))})`;
  return definition.sql[scope.dialect].call(args, distinct) + filter;
}

function renderAggregate(call: AggregateCall, scope: Scope): Spelled {
  if (scope.aggregated === undefined)
    throw new DyneError(
      "INVALID_PIPELINE",
      `${call.name} stands outside of agg(). Use it there, or give it a window with over().`,
    );
  const decimal = meanOfDecimals(call, scope);
  if (decimal !== undefined) return decimal;
  if (isMeanOfIntegers(call, scope)) {
    const [total, values] = ["sum", "count"].map((name) => scope.aggregated?.({ ...call, name }));
    return { sql: `(CAST(${total} AS DOUBLE) / CAST(${values} AS DOUBLE))`, errors: noErrors };
  }
  return finishAggregate(call, scope.aggregated(call), scope);
}

/** The mean of decimals is their exact sum by their number too, which DuckDB would divide as doubles. */
function meanOfDecimals(call: AggregateCall, scope: Scope): Spelled | undefined {
  const [arg] = call.args;
  if (call.name !== "avg" || arg === undefined || scope.dialect !== "duckdb" || scope.aggregated === undefined)
    return undefined;
  const { type } = fieldOf(arg, scope.schema, "a rendered plan");
  if (type.kind !== "decimal") return undefined;
  const [summed, counted] = [
    { ...call, name: "sum" },
    { ...call, name: "count" },
  ];
  const total = finishAggregate(summed, scope.aggregated(summed), scope);
  const value = mean(total.sql, scope.aggregated(counted), type.scale, meanType(type), (sql) => scope.binder.bind(sql));
  return { sql: value.sql, errors: [...total.errors, ...value.errors] };
}

/** The mean of whole numbers is their exact sum by their number, so that it is the same whichever parts it was added up from (SPEC.md 9). */
function isMeanOfIntegers({ name, args }: AggregateCall, scope: Scope): boolean {
  const [arg] = args;
  if (name !== "avg" || arg === undefined || scope.dialect !== "duckdb") return false;
  return isIntegral(fieldOf(arg, scope.schema, "a rendered plan").type);
}

function finishAggregate(call: AggregateCall, value: string, scope: Scope): Spelled {
  const typed = callType(call, scope.schema, "a rendered plan");
  const finished = aggregateFunction(call.name).sql[scope.dialect].finish(value, {
    ...typed,
    bind: (sql) => scope.binder.bind(sql),
  });
  return typeof finished === "string" ? { sql: finished, errors: noErrors } : finished;
}

function renderWindow(expression: WindowCall, scope: Scope): Spelled {
  const { partitionBy, orderBy, frame } = expression;
  const call = scope.dialect === "spark" ? withoutFilter(expression.call) : expression.call;
  const parts = [
    partitionBy.length === 0 ? "" : `PARTITION BY ${partitionBy.map((by) => renderSortKey(by, scope)).join(", ")}`,
    orderBy.length === 0 ? "" : `ORDER BY ${orderBy.map((order) => renderOrder(order, scope)).join(", ")}`,
    frame === undefined
      ? ""
      : `ROWS BETWEEN ${frameBound(frame.startRow, "PRECEDING")} AND ${frameBound(frame.endRow, "FOLLOWING")}`,
  ];
  const over = (spelled: string): string =>
    scope.binder.bind(`${spelled} OVER (${parts.filter((part) => part !== "").join(" ")})`);
  if (call.kind === "aggregate")
    return renderAggregate(call, { ...scope, aggregated: (inner) => over(renderAggregateCall(inner, scope)) });
  const value = over(renderWindowCall(call, scope));
  const isWider = scope.dialect === "duckdb" && windowFunction(call.name).counts === true;
  return { sql: isWider ? `CAST(${value} AS INTEGER)` : value, errors: noErrors };
}

/** Spark has no FILTER over windows. Aggregates pass over NULL, so that what the filter leaves out can be NULL instead. */
function withoutFilter(call: WindowCall["call"]): WindowCall["call"] {
  if (call.kind === "call" || call.filter === undefined) return call;
  const { filter, args } = call;
  const [value = { kind: "literal", value: 1, type: { kind: "integer" } }, ...others] = args;
  const left: Expression = { kind: "case", branches: [{ when: filter, then: value }], otherwise: undefined };
  return { ...call, args: [left, ...others], filter: undefined };
}

function renderWindowCall(call: FunctionCall, scope: Scope): string {
  const typed = windowCallType(call, scope.schema, "a rendered plan");
  const args = renderArguments(call.args, typed, scope).map((arg) => raising(arg));
  return windowFunction(call.name).sql[scope.dialect](args, {
    ...typed,
    bind: (sql) => scope.binder.bind(sql),
  }) as string;
}

function frameBound(row: number | undefined, unbounded: "PRECEDING" | "FOLLOWING"): string {
  if (row === undefined) return `UNBOUNDED ${unbounded}`;
  return row === 0 ? "CURRENT ROW" : `${Math.abs(row)} ${row < 0 ? "PRECEDING" : "FOLLOWING"}`;
}

/**
 * What rows are sorted by, as SQL that stops the query where a row has an error. DuckDB makes a column anew of what it sorted by, and loses the
 * sign of its zeros: so that it sorts by another value, which has positive ones.
 */
export function renderSortKey(by: Expression, scope: Scope): string {
  const { type } = fieldOf(by, scope.schema, "a rendered plan");
  return groupedValue(raising(spellExpression(by, scope)), type, scope.dialect);
}

/** One item of ORDER BY; the place of NULLs is always stated. */
export function renderOrder(order: SortOrder, scope: Scope): string {
  const { type } = fieldOf(order.by, scope.schema, "a rendered plan");
  const key = orderedValue(raising(spellExpression(order.by, scope)), type, scope.dialect);
  return `${key} ${order.direction === "ascending" ? "ASC" : "DESC"} NULLS ${order.nulls.toUpperCase()}`;
}

/** A value that stops the query where the row has an error. Errors' messages start with their code, such as `DATA_ERROR: `. */
export function raising({ sql, errors }: Spelled): string {
  if (errors.length === 0) return sql;
  const branches = errors.map(
    ({ when, message, code = "DATA_ERROR" }) => `WHEN ${when} THEN error('${code}: ' || ${message})`,
  );
  return `CASE ${branches.join(" ")} ELSE ${sql} END`;
}

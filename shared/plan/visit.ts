/** Walking over plans and expressions. */
import type { AggregateCall, Expression, FunctionCall } from "./expression.ts";
import type { LogicalPlan } from "./logical-plan.ts";
import { unreachable } from "../core/errors.ts";

/** The expressions directly inside an expression, in the order of their text. */
export function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "column":
    case "literal":
    case "parameter":
    case "variable":
      return [];
    case "cast":
    case "field":
    case "fromJson":
      return [expression.input];
    case "call":
      return expression.args;
    case "higherOrder":
      return [...expression.args, ...expression.lambdas.map(({ body }) => body)];
    case "aggregate":
      return expression.filter === undefined ? expression.args : [...expression.args, expression.filter];
    case "case":
      return [
        ...expression.branches.flatMap(({ when, then }) => [when, then]),
        ...(expression.otherwise === undefined ? [] : [expression.otherwise]),
      ];
    case "window":
      return [...childrenOf(expression.call), ...expression.partitionBy, ...expression.orderBy.map(({ by }) => by)];
    default:
      return unreachable(expression);
  }
}

/** Whether an expression or one inside of it passes the test. */
export function someExpression(expression: Expression, test: (inner: Expression) => boolean): boolean {
  return test(expression) || childrenOf(expression).some((child) => someExpression(child, test));
}

/** The same expression with every part replaced that `change` gives something for, from the outside inwards. */
export function mapExpression(
  expression: Expression,
  change: (inner: Expression) => Expression | undefined,
): Expression {
  const changed = change(expression);
  if (changed !== undefined) return changed;
  const next = (inner: Expression): Expression => mapExpression(inner, change);
  switch (expression.kind) {
    case "column":
    case "literal":
    case "parameter":
    case "variable":
      return expression;
    case "cast":
    case "field":
    case "fromJson":
      return { ...expression, input: next(expression.input) };
    case "call":
      return { ...expression, args: expression.args.map(next) };
    case "higherOrder":
      return {
        ...expression,
        args: expression.args.map(next),
        lambdas: expression.lambdas.map((lambda) => ({ ...lambda, body: next(lambda.body) })),
      };
    case "aggregate":
      return { ...expression, args: expression.args.map(next), filter: expression.filter && next(expression.filter) };
    case "case":
      return {
        ...expression,
        branches: expression.branches.map(({ when, then }) => ({ when: next(when), then: next(then) })),
        otherwise: expression.otherwise && next(expression.otherwise),
      };
    case "window":
      return {
        ...expression,
        call: mapExpression(expression.call, (inner) => (inner === expression.call ? undefined : change(inner))) as
          | FunctionCall
          | AggregateCall,
        partitionBy: expression.partitionBy.map(next),
        orderBy: expression.orderBy.map((order) => ({ ...order, by: next(order.by) })),
      };
    default:
      return unreachable(expression);
  }
}

/** The columns that an expression reads, each once, in the order of their first use. */
export function columnsOf(expression: Expression): readonly string[] {
  const names = new Set<string>();
  someExpression(expression, (inner) => {
    if (inner.kind === "column") names.add(inner.name);
    return false;
  });
  return [...names];
}

/** The plans directly below a plan, left before right. */
export function inputsOf(plan: LogicalPlan): readonly LogicalPlan[] {
  switch (plan.kind) {
    case "scan":
      return [];
    case "join":
      return [plan.left, plan.right];
    case "union":
      return plan.inputs;
    default:
      return [plan.input];
  }
}

/** The same node over other inputs, as many as it has. */
export function withInputs(plan: LogicalPlan, inputs: readonly LogicalPlan[]): LogicalPlan {
  switch (plan.kind) {
    case "scan":
      return plan;
    case "join":
      return { ...plan, left: inputs[0] as LogicalPlan, right: inputs[1] as LogicalPlan };
    case "union":
      return { ...plan, inputs };
    default:
      return { ...plan, input: inputs[0] as LogicalPlan };
  }
}

/** Every node of a plan, inputs before the node that reads them. */
export function* nodesOf(plan: LogicalPlan): Generator<LogicalPlan> {
  for (const input of inputsOf(plan)) yield* nodesOf(input);
  yield plan;
}

/** The expressions directly in a node. */
export function expressionsOf(plan: LogicalPlan): readonly Expression[] {
  switch (plan.kind) {
    case "project":
      return plan.columns.map(({ expression }) => expression);
    case "filter":
      return [plan.condition];
    case "aggregate":
      return [...plan.groupBy, ...plan.aggregates].map(({ expression }) => expression);
    case "sort":
      return plan.orders.map(({ by }) => by);
    case "explode":
      return [plan.array];
    default:
      return [];
  }
}

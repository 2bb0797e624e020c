import type { Expression } from "../expression.ts";
import { aggregateFunction, higherOrderFunction, scalarFunction, windowFunction } from "../functions/index.ts";
import type { Join, LogicalPlan } from "../logical-plan.ts";
import type { Schema } from "../types.ts";
import { expressionsOf, inputsOf, nodesOf, someExpression } from "../visit.ts";
import { joinColumns } from "./join-columns.ts";
import { schemaOf } from "./schema-of.ts";
import { deduplicationTime, isStreaming } from "./streaming.ts";
import { callType } from "./field-of.ts";

/** What is known of a plan before any data is seen. */
export interface PlanFacts {
  readonly schema: Schema;
  /** False if a value depends on the batch (its clock) and not only on the rows. */
  readonly deterministic: boolean;
  readonly streaming: boolean;
  /** Output columns whose value depends on the order of floating-point addition (equal within 1e-9 relative). */
  readonly inexact: readonly string[];
}

/** Checks a plan and says what is known of it. Errors: those of `schemaOf`, UNBOUNDED_STATE. */
export function analyze(plan: LogicalPlan): PlanFacts {
  const schema = schemaOf(plan);
  let deterministic = true;
  for (const node of nodesOf(plan)) {
    if (node.kind === "dropDuplicatesWithinWatermark") deduplicationTime(node);
    if (expressionsOf(node).some((expression) => someExpression(expression, isNonDeterministic))) deterministic = false;
  }
  return { schema, deterministic, streaming: isStreaming(plan), inexact: [...inexactColumns(plan)] };
}

function isNonDeterministic(expression: Expression): boolean {
  switch (expression.kind) {
    case "parameter":
      return true;
    case "call":
      // Window functions are looked up with their window, where the call stands inside.
      return !scalarFunction(expression.name).deterministic;
    case "higherOrder":
      return !higherOrderFunction(expression.name).deterministic;
    case "aggregate":
      return !aggregateFunction(expression.name).deterministic;
    case "window":
      return expression.call.kind === "call" && !windowFunction(expression.call.name).deterministic;
    default:
      return false;
  }
}

function inexactColumns(plan: LogicalPlan): ReadonlySet<string> {
  if (plan.kind === "join") return inexactOfJoin(plan);
  const inputs = inputsOf(plan);
  const below = new Set(inputs.flatMap((input) => [...inexactColumns(input)]));
  if (plan.kind !== "project" && plan.kind !== "aggregate") return below;
  const schema = schemaOf(plan.input);
  const isInexact = (expression: Expression): boolean =>
    someExpression(expression, (inner) => {
      if (inner.kind === "column") return below.has(inner.name);
      const call = inner.kind === "window" ? inner.call : inner;
      return call.kind === "aggregate" && aggregateFunction(call.name).inexact(callType(call, schema, "agg").args);
    });
  const columns = plan.kind === "project" ? plan.columns : [...plan.groupBy, ...plan.aggregates];
  return new Set(columns.filter(({ expression }) => isInexact(expression)).map(({ name }) => name));
}

function inexactOfJoin(plan: Join): ReadonlySet<string> {
  const [left, right] = [inexactColumns(plan.left), inexactColumns(plan.right)];
  const columns = joinColumns(plan, schemaOf(plan.left), schemaOf(plan.right)).filter((column) => {
    if (column.side === "either") return left.has(column.left) || right.has(column.right);
    return (column.side === "left" ? left : right).has(column.column);
  });
  return new Set(columns.map(({ name }) => name));
}

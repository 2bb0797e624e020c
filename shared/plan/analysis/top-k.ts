import type { Expression, SortOrder } from "../expression.ts";
import type { LogicalPlan } from "../logical-plan.ts";

/** A filter that keeps the first rows of each key. */
export interface TopK {
  /** The rows that are numbered. */
  readonly input: LogicalPlan;
  readonly partitionBy: readonly Expression[];
  readonly orderBy: readonly SortOrder[];
  /** Rows per key; 0 where the filter keeps none. */
  readonly count: number;
  /** The column of the filter's output that has the row's number. */
  readonly number: string;
}

/**
 * What a plan keeps of each key, where it is a filter `number <= k`, `< k` or `= 1`, either way around, directly over a projection in which
 * `number` is a row_number. Undefined for every other plan.
 */
export function topKOf(plan: LogicalPlan): TopK | undefined {
  if (plan.kind !== "filter" || plan.input.kind !== "project") return undefined;
  const limit = limitOf(plan.condition);
  const window = plan.input.columns.find(({ name }) => name === limit?.number)?.expression;
  if (limit === undefined || window?.kind !== "window" || window.call.name !== "row_number") return undefined;
  const { partitionBy, orderBy } = window;
  return { input: plan.input.input, partitionBy, orderBy, ...limit };
}

const turned: Readonly<Record<string, string>> = { le: "ge", lt: "gt", eq: "eq", ge: "le", gt: "lt" };

function limitOf(condition: Expression): { readonly number: string; readonly count: number } | undefined {
  if (condition.kind !== "call" || condition.args.length !== 2) return undefined;
  const [a, b] = condition.args as readonly [Expression, Expression];
  if (a.kind === "literal" && b.kind === "column") {
    const name = turned[condition.name];
    return name === undefined ? undefined : limitOf({ ...condition, name, args: [b, a] });
  }
  if (a.kind !== "column" || b.kind !== "literal" || !["number", "bigint"].includes(typeof b.value)) return undefined;
  const bound = Number(b.value);
  if (!Number.isSafeInteger(bound)) return undefined;
  switch (condition.name) {
    case "le":
      return { number: a.name, count: Math.max(0, bound) };
    case "lt":
      return { number: a.name, count: Math.max(0, bound - 1) };
    case "eq":
      return bound === 1 ? { number: a.name, count: 1 } : undefined;
    default:
      return undefined;
  }
}

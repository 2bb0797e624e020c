/** Rows that have a key of a relation, and rows that have none. Keys are compared NULL-safe, as groups are. */
import type { LogicalPlan } from "../../../plan/index.ts";

/** Both relations have the key in columns of these names. */
export function matching(
  type: "semi" | "anti",
  left: LogicalPlan,
  right: LogicalPlan,
  columns: readonly string[],
): LogicalPlan {
  return matchingPairs(
    type,
    left,
    right,
    columns.map((name) => ({ left: name, right: name })),
  );
}

export function matchingPairs(
  type: "semi" | "anti",
  left: LogicalPlan,
  right: LogicalPlan,
  on: readonly { readonly left: string; readonly right: string }[],
): LogicalPlan {
  return { kind: "join", type, left, right, on, nullSafe: true, dropRight: [] };
}

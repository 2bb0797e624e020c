/**
 * A view's operators one after another: what an operator's groups were and are is what the next one sees removed and added, so that
 * every operator is kept up to date by the change alone. Relations that are read: `added`, `removed`, `base`, and the hidden tables.
 */
import type { PlanStep } from "../../../compute/index.ts";
import type { LogicalPlan } from "../../../plan/index.ts";
import { scan } from "../expressions.ts";
import type { KeyedView } from "../view-plan.ts";
import { modeFor } from "./keyed-operator.ts";
import { groupsTable, keysOf, operatorSteps } from "./operator-steps.ts";

export interface Chain {
  readonly steps: readonly PlanStep[];
  /** The view's rows: of the touched keys, or all. */
  readonly rows: LogicalPlan;
  /** The touched keys; undefined where `rows` is all there is. */
  readonly keys: LogicalPlan | undefined;
  /** The hidden tables by name: what was read of them, with the change. */
  readonly tables: Readonly<Record<string, LogicalPlan>>;
  /** True where rows of the input beside the change are needed. */
  readonly readsBase: boolean;
}

/** `change`: as the operators can take it. `recompute`: from the rows, without hidden tables. `full`: everything from the rows. */
export interface ChainMode {
  readonly mode: "change" | "recompute" | "full";
  readonly isInsertOnly: boolean;
}

export function operatorChain(view: KeyedView, { mode, isInsertOnly }: ChainMode): Chain {
  const { schema } = view.scan;
  let added: LogicalPlan = scan("added", schema);
  let removed: LogicalPlan | undefined = isInsertOnly ? undefined : scan("removed", schema);
  let base: LogicalPlan = scan("base", schema);
  let readsBase = mode !== "change";
  let keys: LogicalPlan | undefined;
  const steps: PlanStep[] = [];
  const tables: Record<string, LogicalPlan> = {};
  for (const [index, operator] of view.operators.entries()) {
    const own = mode === "change" ? modeFor(operator, removed === undefined) : mode;
    if (index === 0 && own !== "merge") readsBase = true;
    const output = operatorSteps(operator, { mode: own, added, removed, base, keepsState: mode !== "recompute" });
    steps.push(...output.steps);
    Object.assign(tables, output.tables);
    keys = output.keys;
    added = operator.rows(output.groups);
    removed = output.before && operator.rows(output.before);
    base = operator.rows(output.tables[groupsTable(operator)] ?? output.groups);
  }
  return { steps, rows: view.above(added), keys, tables, readsBase };
}

/** The keys that a change touches at the bottom of the chain, over `added` and `removed`. Of one group: a row where there is a change. */
export function changedKeys(view: KeyedView, isInsertOnly: boolean): LogicalPlan {
  const bottom = view.operators[0] as KeyedView["operators"][number];
  const { schema } = view.scan;
  return keysOf(bottom, scan("added", schema), isInsertOnly ? undefined : scan("removed", schema));
}

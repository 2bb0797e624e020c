/** When a row of the source matches one of the target: pairs of values that are equal, by which both are brought together, and the rest. */
import { columnsOf, type Expression } from "../../plan/index.ts";

export interface KeyPair {
  /** Over the target's columns. */
  readonly target: Expression;
  /** Over the source's columns. */
  readonly source: Expression;
}

export interface MergeCondition {
  readonly keys: readonly KeyPair[];
  /** NULL equals NULL: true of all pairs, or of none. */
  readonly nullSafe: boolean;
  /** What must be true beside the pairs, over both sides; undefined where that is all. */
  readonly rest: Expression | undefined;
  /** What of it concerns the target alone. */
  readonly ofTarget: readonly Expression[];
}

/** Takes a condition over `target.…` and `source.…` apart. */
export function mergeCondition(on: Expression): MergeCondition {
  const parts = conjuncts(on);
  const pairs = parts.map((part) => ({ part, equal: equality(part, "eq"), nullSafe: equality(part, "eq_null_safe") }));
  const isNullSafe = pairs.every(({ equal }) => equal === undefined);
  const used = pairs.filter(({ equal, nullSafe }) => (isNullSafe ? nullSafe : equal) !== undefined);
  const rest = parts.filter((part) => !used.some((pair) => pair.part === part));
  return {
    keys: used.map(({ equal, nullSafe }) => (equal ?? nullSafe) as KeyPair),
    nullSafe: isNullSafe && used.length > 0,
    rest: rest.reduce<Expression | undefined>(
      (all, part) => (all === undefined ? part : { kind: "call", name: "and", args: [all, part] }),
      undefined,
    ),
    ofTarget: parts.filter((part) => sideOf(part) === "target"),
  };
}

function conjuncts(expression: Expression): readonly Expression[] {
  return expression.kind === "call" && expression.name === "and" ? expression.args.flatMap(conjuncts) : [expression];
}

function equality(expression: Expression, name: "eq" | "eq_null_safe"): KeyPair | undefined {
  if (expression.kind !== "call" || expression.name !== name) return undefined;
  const [left, right] = expression.args as [Expression, Expression];
  const sides = [sideOf(left), sideOf(right)];
  if (sides[0] === "target" && sides[1] === "source") return { target: left, source: right };
  return sides[0] === "source" && sides[1] === "target" ? { target: right, source: left } : undefined;
}

/** The one side whose columns an expression reads; undefined for both, or none. */
function sideOf(expression: Expression): "target" | "source" | undefined {
  const columns = columnsOf(expression);
  if (columns.length === 0) return undefined;
  if (columns.every((name) => name.startsWith("target."))) return "target";
  return columns.every((name) => name.startsWith("source.")) ? "source" : undefined;
}

/** Rows made one by one: selected, filtered, exploded. What came below comes here, what went there goes (Δ of a linear operator is linear). */
import { columnsOf, mapExpression, schemaOf, type Expression, type LogicalPlan } from "../../../plan/index.ts";
import type { Changed, Restriction } from "./changed.ts";
import { onDemand, valuesIn } from "./changed.ts";

export type RowNode = Extract<LogicalPlan, { kind: "project" | "filter" | "explode" | "watermark" | "sort" }>;

export function rowChange(node: RowNode, input: Changed): Changed {
  const over = (rows: LogicalPlan): LogicalPlan =>
    // Rows of a change have no order, and need none.
    node.kind === "sort" ? rows : { ...node, input: rows };
  const overSome = (rows: LogicalPlan | undefined): LogicalPlan | undefined => rows && over(rows);
  const changedRows = overSome(input.changedRows);
  const below = (restricted: readonly Restriction[] = []): readonly Restriction[] =>
    restricted.flatMap(({ column, values }) => {
      const expression = expressionBelow(node, { kind: "column", name: column });
      return expression?.kind === "column" ? [{ column: expression.name, values }] : [];
    });
  return {
    schema: schemaOf(node),
    ...onDemand(input, (kind) => overSome(input[kind]())),
    now: (restricted) => over(input.now(below(restricted))),
    before: (restricted) => over(input.before(below(restricted))),
    changedRows,
    valuesOf(expression) {
      const inside = expressionBelow(node, expression);
      const values = inside && input.valuesOf(inside);
      return changedRows === undefined ? values : valuesIn(changedRows, expression, values?.sources);
    },
  };
}

/** The same value over the rows below; undefined where it is made here. */
export function expressionBelow(node: RowNode, expression: Expression): Expression | undefined {
  if (node.kind === "explode") return columnsOf(expression).includes(node.as) ? undefined : expression;
  if (node.kind !== "project") return expression;
  const made = new Map(node.columns.map((each) => [each.name, each.expression]));
  return mapExpression(expression, (inner) => (inner.kind === "column" ? made.get(inner.name) : undefined));
}

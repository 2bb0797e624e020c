/** Orders that leave no choice: whatever is chosen by them is chosen again by the next run (SPEC.md 3). */
import type { Expression, SortOrder } from "../expression.ts";
import { windowFunction } from "../functions/index.ts";
import { holdsMap } from "../type-name.ts";
import type { Schema, StructField } from "../types.ts";
import { mapExpression } from "../visit.ts";

/** The orders given, then all columns that have one. Maps have none. */
export function totalOrder(orders: readonly SortOrder[], schema: Schema): readonly SortOrder[] {
  const named = new Set(orders.map(({ by }) => (by.kind === "column" ? by.name : "")));
  const rest = Object.entries<StructField>(schema.fields).filter(
    ([name, { type }]) => !named.has(name) && !holdsMap(type),
  );
  return [
    ...orders,
    ...rest.map(([name]): SortOrder => ({ by: { kind: "column", name }, direction: "ascending", nulls: "first" })),
  ];
}

/** Row numbers, neighbours and frames are choices among rows: their order is made total. Ranks are equal among peers. */
export function withTotalOrder(expression: Expression, schema: Schema): Expression {
  return mapExpression(expression, (inner) => {
    if (inner.kind !== "window" || inner.orderBy.length === 0) return undefined;
    const { call, frame } = inner;
    const choosing = call.kind === "call" ? windowFunction(call.name).ranks !== true : frame !== undefined;
    return choosing ? { ...inner, orderBy: totalOrder(inner.orderBy, schema) } : undefined;
  });
}

/** The name, with underlines before it where a column has it. */
export function freeName(name: string, { fields }: Schema): string {
  const taken = new Set(Object.keys(fields).map((each) => each.toLowerCase()));
  return taken.has(name.toLowerCase()) ? freeName(`_${name}`, { kind: "struct", fields }) : name;
}

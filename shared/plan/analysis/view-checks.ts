/** What a view must not do, because two runs of its query over the same rows could then differ. */
import { DyneError } from "../../core/errors.ts";
import type { Expression, SortOrder, WindowCall } from "../expression.ts";
import { windowFunction } from "../functions/index.ts";
import type { LogicalPlan } from "../logical-plan.ts";
import { holdsMap } from "../type-name.ts";
import type { StructField } from "../types.ts";
import { columnsOf, expressionsOf, nodesOf, someExpression } from "../visit.ts";
import { analyze } from "./analyze.ts";
import { schemaOf } from "./schema-of.ts";

/**
 * Refuses keys that are inexact: a sum of floating-point numbers depends on the order of addition, so that rows which belong together may
 * miss each other by the last digit (SPEC.md 9). Errors: INVALID_PIPELINE with the clause and the column.
 */
export function checkExactKeys(plan: LogicalPlan): void {
  for (const node of nodesOf(plan)) {
    for (const [clause, input, columns] of keysOf(node)) {
      const { inexact } = analyze(input);
      const column = columns.find((name) => inexact.includes(name));
      if (column === undefined) continue;
      throw new DyneError(
        "INVALID_PIPELINE",
        `${clause} has the key "${column}", which is inexact: it adds up floating-point numbers, and the next run may differ in the last digit. Add up decimals or whole numbers, or take another key.`,
        { details: { clause, column } },
      );
    }
  }
}

type Keys = readonly [clause: string, input: LogicalPlan, columns: readonly string[]];

function keysOf(node: LogicalPlan): readonly Keys[] {
  switch (node.kind) {
    case "aggregate":
      return [["groupBy", node.input, node.groupBy.flatMap(({ expression }) => columnsOf(expression))]];
    case "distinct":
      return [["distinct", node.input, Object.keys(schemaOf(node.input).fields)]];
    case "join":
      return [
        ["join", node.left, node.on.map(({ left }) => left)],
        ["join", node.right, node.on.map(({ right }) => right)],
      ];
    case "project":
      return windowsOf(node).map(({ partitionBy }) => ["partitionBy", node.input, partitionBy.flatMap(columnsOf)]);
    default:
      return [];
  }
}

/**
 * Requires that rows which are chosen one before another are so in a total order (SPEC.md 3). The DataFrame adds all columns to the order
 * given; what it cannot add are maps, which have none. Errors: INVALID_PIPELINE with the clause and the column.
 */
export function checkTotalOrder(plan: LogicalPlan): void {
  for (const node of nodesOf(plan)) {
    if (node.kind === "limit") requireTotal("limit", node.input.kind === "sort" ? node.input.orders : [], node.input);
    if (node.kind !== "project") continue;
    for (const window of windowsOf(node))
      if (chooses(window))
        requireTotal(window.call.name, [...window.orderBy, ...window.partitionBy.map(asOrder)], node.input);
  }
}

const asOrder = (by: Expression): SortOrder => ({ by, direction: "ascending", nulls: "first" });

function requireTotal(clause: string, orders: readonly SortOrder[], input: LogicalPlan): void {
  const ordered = new Set(orders.map(({ by }) => (by.kind === "column" ? by.name : "")));
  const found = Object.entries<StructField>(schemaOf(input).fields).find(([name]) => !ordered.has(name));
  if (found === undefined) return;
  const [column, { type }] = found;
  const remedy = holdsMap(type)
    ? "Maps have no order. Select the columns without it before, or the values that you need of it."
    : "Add it to the order.";
  throw new DyneError(
    "INVALID_PIPELINE",
    `${clause} chooses among rows without a total order: rows may differ in "${column}" alone, and the next run may choose another. ${remedy}`,
    { details: { clause, column } },
  );
}

/** Frames of all rows choose none, and aggregates up to a row's peers take all of them. */
function chooses({ call, frame }: WindowCall): boolean {
  if (call.kind === "call") return windowFunction(call.name).ranks !== true;
  return frame !== undefined && (frame.startRow !== undefined || frame.endRow !== undefined);
}

function windowsOf(node: LogicalPlan): readonly WindowCall[] {
  const windows: WindowCall[] = [];
  for (const expression of expressionsOf(node))
    someExpression(expression, (inner) => {
      if (inner.kind === "window") windows.push(inner);
      return false;
    });
  return windows;
}

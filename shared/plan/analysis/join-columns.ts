/** What a join gives: which column comes from which side, and whether it can be NULL. */
import { DyneError } from "../../core/errors.ts";
import { checkFieldNames } from "../data-type.ts";
import { commonType } from "../functions/index.ts";
import type { Join } from "../logical-plan.ts";
import { sameType, typeName } from "../type-name.ts";
import type { Schema, StructField } from "../types.ts";
import { assertNoVariant, fieldOf } from "./field-of.ts";

/**
 * An output column of a join. `either` is a column joined on by one name where the left side may have no row: `coalesce(left, right)` for
 * `full`. A `right` join takes it from the right, which always has a row, as Spark's USING does.
 */
export type JoinColumn =
  | { readonly name: string; readonly side: "left" | "right"; readonly column: string }
  | { readonly name: string; readonly side: "either"; readonly left: string; readonly right: string };

/** The output columns of a join in order, over the columns of its two sides. */
export function joinColumns(plan: Join, left: Schema, right: Schema): readonly JoinColumn[] {
  const lefts = Object.keys(left.fields).map((name) => leftColumn(plan, name));
  if (plan.type === "semi" || plan.type === "anti") return lefts;
  const kept = Object.keys(right.fields).filter((name) => !plan.dropRight.includes(name));
  return [...lefts, ...kept.map((name): JoinColumn => ({ name, side: "right", column: name }))];
}

function leftColumn(plan: Join, name: string): JoinColumn {
  const pair = mergedPairs(plan).find((each) => each.left === name);
  if (pair === undefined) return { name, side: "left", column: name };
  if (plan.type === "right") return { name, side: "right", column: pair.right };
  return { name, side: "either", left: pair.left, right: pair.right };
}

/** The pairs that are one column in the output, where that column is not simply the left one. */
function mergedPairs(plan: Join): Join["on"] {
  return plan.type === "right" || plan.type === "full"
    ? plan.on.filter((pair) => plan.dropRight.includes(pair.right))
    : [];
}

/** The schema of a join. Errors: INVALID_PIPELINE, UNKNOWN_COLUMN, TYPE_MISMATCH, AMBIGUOUS_COLUMN, DUPLICATE_NAME. */
export function joinSchema(plan: Join, left: Schema, right: Schema): Schema {
  checkPairs(plan, left, right);
  if (plan.type === "semi" || plan.type === "anti") return left;
  const columns = joinColumns(plan, left, right);
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (seen.has(name)) {
      throw new DyneError(
        "AMBIGUOUS_COLUMN",
        `Both sides of join have the column "${name}". Rename or drop it on one side before joining.`,
        { details: { column: name } },
      );
    }
    seen.add(name);
  }
  checkFieldNames([...seen], "join");
  const fields = columns.map((column) => [column.name, joinField(plan, column, left, right)] as const);
  return Object.freeze({ kind: "struct", fields: Object.freeze(Object.fromEntries(fields)) });
}

function joinField(plan: Join, column: JoinColumn, left: Schema, right: Schema): StructField {
  const field = (schema: Schema, name: string): StructField => schema.fields[name] as StructField;
  switch (column.side) {
    case "left": {
      const from = field(left, column.column);
      return missesSide(plan, "left") ? { type: from.type, nullable: true } : from;
    }
    case "right": {
      const { type, nullable } = field(right, column.column);
      return { type, nullable: nullable || missesSide(plan, "right") };
    }
    case "either": {
      const { type, nullable } = field(left, column.left);
      return { type, nullable: nullable || field(right, column.right).nullable };
    }
  }
}

/** Whether there are output rows without a row of this side. */
function missesSide({ type }: Join, side: "left" | "right"): boolean {
  return type === "full" || (type === "right" && side === "left") || (type === "left" && side === "right");
}

function checkPairs(plan: Join, left: Schema, right: Schema): void {
  if (plan.type === "cross" && plan.on.length > 0)
    throw new DyneError("INVALID_PIPELINE", "A cross join has columns to join on. Join by them as inner instead.");
  if (plan.type !== "cross" && plan.on.length === 0)
    throw new DyneError(
      "INVALID_PIPELINE",
      "A join has no columns to join on. Name at least one pair, or use crossJoin() for all pairs of rows.",
    );
  const merged = mergedPairs(plan);
  for (const pair of plan.on) {
    const a = fieldOf({ kind: "column", name: pair.left }, left, "the left side of join").type;
    const b = fieldOf({ kind: "column", name: pair.right }, right, "the right side of join").type;
    assertNoVariant(a, "join compares");
    if (commonType(a, b) === undefined || (merged.includes(pair) && !sameType(a, b))) {
      const why = commonType(a, b) === undefined ? "join compares" : `${plan.type} join makes one column of`;
      const and = commonType(a, b) === undefined ? "with" : "and";
      throw new DyneError(
        "TYPE_MISMATCH",
        `${why} "${pair.left}" (${typeName(a)}) ${and} "${pair.right}" (${typeName(b)}). Cast one of them.`,
      );
    }
  }
}

/** Conditions that choose whole partitions, from the form that users write them in. */
import { DyneError } from "../../core/index.ts";
import type { Snapshot } from "../../delta/index.ts";
import type { Expression } from "../../plan/index.ts";
import { rowConditionOf } from "../file-condition.ts";
import type { RowCondition } from "../row-condition.ts";

/**
 * The comparisons that a condition is made of, all of which a row meets or none. Errors: INVALID_ARGUMENT for anything else than columns
 * compared with constants, joined by AND.
 */
export function partitionConditions(
  form: Pick<Snapshot, "schema" | "partitionBy">,
  path: string,
  condition: Expression | undefined,
): readonly RowCondition[] {
  if (condition === undefined) return [];
  if (condition.kind === "call" && condition.name === "and")
    return condition.args.flatMap((arg) => partitionConditions(form, path, arg));
  const found = condition.kind === "call" ? comparisonOf(form, condition.name, condition.args) : undefined;
  if (found !== undefined) return [found];
  throw new DyneError(
    "INVALID_ARGUMENT",
    `Partitions of ${path} are chosen by columns compared with constants, and joined by AND. Call it once for each of several choices.`,
  );
}

function comparisonOf(
  form: Pick<Snapshot, "schema" | "partitionBy">,
  name: string,
  args: readonly Expression[],
): RowCondition | undefined {
  const found = rowConditionOf(form, name, args);
  if (found !== "never") return found;
  // Nothing is equal to NULL, nor one of no values.
  const column = args.find((arg) => arg.kind === "column");
  return column && { kind: "in", column: column.name, values: [] };
}

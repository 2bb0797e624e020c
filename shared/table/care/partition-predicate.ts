/** Conditions on partition columns: whether all rows of a file meet them, or none do. */
import { DyneError, textAbovePrefix } from "../../core/index.ts";
import type { AddFile, TableForm } from "../../delta/index.ts";
import { fileMatcher, type RowCondition } from "../row-condition.ts";

/**
 * Tells the files whose partition meets all conditions. Errors: UNKNOWN_COLUMN for a column that the table does not have;
 * INVALID_ARGUMENT for one by which it is not partitioned.
 */
export function partitionPredicate(
  table: TableForm,
  path: string,
  conditions: readonly RowCondition[],
): (file: AddFile) => boolean {
  for (const { column } of conditions) {
    if (!Object.hasOwn(table.schema.fields, column))
      throw new DyneError("UNKNOWN_COLUMN", `${path} has no column "${column}".`);
    if (!table.partitionBy.includes(column))
      throw new DyneError(
        "INVALID_ARGUMENT",
        `${path} is not partitioned by "${column}", and whole partitions are chosen here. Use ${table.partitionBy.length === 0 ? "no condition" : `conditions on ${table.partitionBy.join(", ")}`}.`,
      );
  }
  const tests = conditions.map((condition) => exactly(table, condition));
  return (file) => tests.every((test) => test(file));
}

/** A partition has one value, so that files which may have a value in a range are those that have it; what that leaves open is put together. */
function exactly(table: TableForm, condition: RowCondition): (file: AddFile) => boolean {
  const may = (...conditions: readonly RowCondition[]) => fileMatcher(table, conditions);
  const { column } = condition;
  switch (condition.kind) {
    case "ne":
    case "lt":
    case "gt": {
      const isEqual = may({ kind: "eq", column, value: condition.value });
      const isThere = may({ kind: "notnull", column }, condition);
      return (file) => isThere(file) && !isEqual(file);
    }
    case "startswith": {
      const isFrom = may(condition);
      // The range of a prefix ends with the first text above it, which has another.
      const above = textAbovePrefix(condition.text);
      const isAbove = above === undefined ? () => false : may({ kind: "eq", column, value: above });
      return (file) => isFrom(file) && !isAbove(file);
    }
    default:
      return may(condition);
  }
}

/** A condition as people read it, for the table's history. Pure. */
export function conditionText(condition: RowCondition): string {
  const { column, kind } = condition;
  switch (kind) {
    case "isnull":
    case "notnull":
      return `${column} ${kind}`;
    case "in":
      return `${column} in (${condition.values.map(String).join(", ")})`;
    case "startswith":
      return `${column} startswith ${condition.text}`;
    default:
      return `${column} ${kind} ${String(condition.value)}`;
  }
}

import { isWithin, type ColumnPath, type Snapshot } from "../../delta/index.ts";
import { childrenOf, type Expression } from "../../plan/index.ts";
import { generatedColumns } from "./generated-columns.ts";
import { writtenRules, type TableRule } from "./table-rule.ts";

/**
 * The rules of a table whose texts speak of a column, of something within it, or of what it lies in: CHECK constraints, invariants, and
 * generated columns that are made of it. Throws as `rulesOf` does: a text that is not understood may speak of any column.
 */
export function rulesUsing(
  table: Pick<Snapshot, "schema" | "metadata">,
  path: ColumnPath,
): readonly Pick<TableRule, "name" | "text">[] {
  const generated = [...generatedColumns(table.schema)].map(([name, { text, expression }]) => ({
    name: `the generated column ${name}`,
    text,
    condition: expression,
  }));
  return [...writtenRules(table), ...generated].filter(({ condition }) =>
    pathsIn(condition).some((used) => isWithin(used, path) || isWithin(path, used)),
  );
}

/** The columns that an expression reads, as far into them as it says. */
function pathsIn(expression: Expression): readonly ColumnPath[] {
  const path = pathOf(expression);
  return path === undefined ? childrenOf(expression).flatMap(pathsIn) : [path];
}

function pathOf(expression: Expression): ColumnPath | undefined {
  if (expression.kind === "column") return [expression.name];
  if (expression.kind !== "field") return undefined;
  const outer = pathOf(expression.input);
  return outer && [...outer, expression.name];
}

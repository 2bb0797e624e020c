/** An input of a view: the rows of the files that were added to it, and of those that were removed. */
import { holdsMap, type Expression, type LogicalPlan, type Scan, type Schema } from "../../../plan/index.ts";
import { aggregate, call, column, filter, long, project, same, fieldsOf } from "../expressions.ts";
import { weightColumn } from "./accumulator.ts";
import { atHand, unionOf, valuesIn, type Changed, type Restriction } from "./changed.ts";
import { matching } from "./matching.ts";
import type { RefreshScope } from "./refresh-scope.ts";
import { zeroSigns } from "./zero-sign.ts";

/** A place where a view's query reads a table. A table that is read twice has two. */
export interface ScanPlace {
  readonly scan: Scan;
  readonly index: number;
  /** The columns that the query looks at: a row that differs in others did not change. */
  readonly columns: readonly string[];
}

export function scanChange(place: ScanPlace, scope: RefreshScope): Changed {
  const { index } = place;
  const schema = usedSchema(place);
  const read = (kind: "added" | "removed" | "now" | "before", restricted?: readonly Restriction[]): LogicalPlan =>
    scope.read(`${index}/${kind}`, schema, { kind, scan: index }, restricted);
  const { added, removed } = cancelled(place, scope, read);
  const changedRows = unionOf([added, removed]);
  return {
    schema,
    ...atHand(added, removed),
    now: (restricted) => read("now", restricted),
    before: (restricted) => read(added === undefined && removed === undefined ? "now" : "before", restricted),
    changedRows,
    valuesOf: (expression) => changedRows && valuesIn(changedRows, expression, sourceOf(index, expression)),
  };
}

function sourceOf(index: number, expression: Expression) {
  return expression.kind === "column" ? [{ scan: index, column: expression.name }] : undefined;
}

/** The columns that the query looks at, of all that the table has. */
function usedSchema({ scan, columns }: ScanPlace): Schema {
  const used = new Set(columns);
  return { kind: "struct", fields: Object.fromEntries(fieldsOf(scan.schema).filter(([name]) => used.has(name))) };
}

/**
 * Most rows of a file that was rewritten are in the new one as they were. What is in as many files that were added as in files that were
 * removed did not change. Maps cannot be compared: rows that have some all count as changed.
 */
function cancelled(
  place: ScanPlace,
  scope: RefreshScope,
  read: (kind: "added" | "removed") => LogicalPlan,
): { readonly added: LogicalPlan | undefined; readonly removed: LogicalPlan | undefined } {
  const change = scope.changeOf(place.index);
  if (!change.added || !change.removed)
    return { added: change.added ? read("added") : undefined, removed: change.removed ? read("removed") : undefined };
  const schema = usedSchema(place);
  if (fieldsOf(schema).some(([, { type }]) => holdsMap(type)))
    return { added: read("added"), removed: read("removed") };
  const names = fieldsOf(schema).map(([name]) => name);
  const signs = zeroSigns(fieldsOf(schema).map(([name, { type }]) => [name, type]));
  const weighed = (rows: LogicalPlan, weight: 1 | -1): LogicalPlan =>
    project(rows, [...same(names), ...signs, [weightColumn, long(weight)]]);
  const difference = scope.step(`${place.index}/difference`, {
    kind: "project",
    input: filter(
      {
        kind: "aggregate",
        input: { kind: "union", inputs: [weighed(read("added"), 1), weighed(read("removed"), -1)] },
        groupBy: [...names, ...signs.map(([name]) => name)].map((name) => ({ name, expression: column(name) })),
        aggregates: [{ name: weightColumn, expression: aggregate("sum", column(weightColumn)) }],
      },
      call("ne", column(weightColumn), long(0)),
    ),
    columns: names.map((name) => ({ name, expression: column(name) })),
  });
  const part = (kind: "added" | "removed", name: string): LogicalPlan =>
    scope.step(`${place.index}/${name}`, matching("semi", read(kind), difference, names));
  return { added: part("added", "came"), removed: part("removed", "went") };
}

/**
 * Columns that look at the other rows of a partition: ranks, neighbours, running sums. A change of one row may change every row of its
 * partition, so that the touched partitions are computed again, as they are and as they were.
 */
import {
  canonicalJson,
  columnsOf,
  hasWindow,
  schemaOf,
  type Expression,
  type LogicalPlan,
  type Project,
} from "../../../plan/index.ts";
import { column, fieldsOf, project, same } from "../expressions.ts";
import { keyColumn } from "./accumulator.ts";
import { isChanged, onDemand, unionOf, type Changed, type Restriction } from "./changed.ts";
import { matching } from "./matching.ts";
import { expressionBelow } from "./row-change.ts";
import type { RefreshScope } from "./refresh-scope.ts";
import { followsFromEqual } from "./zero-sign.ts";

export interface WindowPlace {
  readonly node: Project;
  /** What all windows of the node are partitioned by; not empty. */
  readonly partitionBy: readonly Expression[];
  /** Names the steps of this place. */
  readonly name: string;
}

export interface WindowChange extends Changed {
  /** The keys of the touched partitions, in columns `keyColumn`; undefined where nothing changed. */
  readonly keys: LogicalPlan | undefined;
}

export function windowChange(place: WindowPlace, input: Changed, scope: RefreshScope): WindowChange {
  const { node, partitionBy } = place;
  const over = (rows: LogicalPlan): LogicalPlan => ({ ...node, input: rows });
  const keys = isChanged(input) ? scope.step(`${place.name}/keys`, touchedPartitions(place, input)) : undefined;
  // Only a window whose partition has the column whole may be restricted by it.
  const below = (restricted: readonly Restriction[] = []): readonly Restriction[] =>
    restricted.flatMap(({ column: name, values }) => {
      const expression = expressionBelow(node, column(name));
      const isKey = expression?.kind === "column" && isPartition(partitionBy, expression);
      return isKey ? [{ column: expression.name, values }] : [];
    });
  const ofTouched = (time: "now" | "before"): LogicalPlan | undefined =>
    keys && over(partitionsOf(place, input[time](touchedColumns(place, input)), keys));
  return {
    schema: schemaOf(node),
    ...onDemand({ came: keys !== undefined, went: keys !== undefined }, (kind) =>
      ofTouched(kind === "added" ? "now" : "before"),
    ),
    now: (restricted) => over(input.now(below(restricted))),
    before: (restricted) => over(input.before(below(restricted))),
    changedRows: undefined,
    valuesOf(expression) {
      const inside = expressionBelow(node, expression);
      // What a window makes of the changed rows alone is nothing that any row has.
      const isOfKeys =
        inside !== undefined &&
        !hasWindow(inside) &&
        columnsOf(inside).every((name) => isPartition(partitionBy, column(name))) &&
        followsFromEqual(inside, input.schema);
      return isOfKeys ? input.valuesOf(inside) : undefined;
    },
    keys,
  };
}

function isPartition(partitionBy: readonly Expression[], expression: Expression): boolean {
  return partitionBy.some((each) => canonicalJson(each) === canonicalJson(expression));
}

function touchedColumns({ partitionBy }: WindowPlace, input: Changed): readonly Restriction[] {
  return partitionBy.flatMap((expression) => {
    if (expression.kind !== "column") return [];
    const values = input.valuesOf(expression);
    return values === undefined ? [] : [{ column: expression.name, values }];
  });
}

function touchedPartitions({ partitionBy }: WindowPlace, input: Changed): LogicalPlan {
  const rows = unionOf([input.added(), input.removed()]) as LogicalPlan;
  return {
    kind: "distinct",
    input: project(
      rows,
      partitionBy.map((expression, index) => [keyColumn(index), expression]),
    ),
  };
}

/** The input's rows of some partitions, with the columns that they have. */
export function partitionsOf({ partitionBy }: WindowPlace, rows: LogicalPlan, keys: LogicalPlan): LogicalPlan {
  const own = fieldsOf(schemaOf(rows)).map(([name]) => name);
  const keyed = partitionBy.map((expression, index): [string, Expression] => [keyColumn(index), expression]);
  const names = keyed.map(([name]) => name);
  return project(matching("semi", project(rows, [...same(own), ...keyed]), keys, names), same(own));
}

/**
 * Whether a query's result can be kept up to date by the changes of its inputs: whether every operator of it has a rule for changes
 * (SPEC.md 9, 10). Told from the plan alone, so that a view which must be refreshed by changes is refused when it is loaded.
 */
import { DyneError } from "../../core/errors.ts";
import type { Aggregate, Distinct, Join, LogicalPlan, Project } from "../logical-plan.ts";
import { holdsMap, sameType, typeName } from "../type-name.ts";
import type { DataType, Schema, StructField } from "../types.ts";
import { columnsOf, expressionsOf, nodesOf, someExpression } from "../visit.ts";
import { analyze } from "./analyze.ts";
import { commonPartition } from "./common-partition.ts";
import { hasWindow, hasWindows, typeOf } from "./field-of.ts";
import { replacedRows } from "./replaced-rows.ts";
import { schemaOf } from "./schema-of.ts";

/** What has no rule, where in the query, and what to write in its place. */
export interface ChangeProblem {
  /** As the query calls it: `limit`, `join`, `groupBy`, `column "place"`. */
  readonly place: string;
  readonly reason: string;
  readonly remedy: string;
}

/** Undefined where all of the query has rules. */
export function changeProblem(plan: LogicalPlan): ChangeProblem | undefined {
  for (const node of nodesOf(plan)) {
    const problem = nodeProblem(node);
    if (problem !== undefined) return problem;
  }
  if (replacedRows(plan).kind !== "none" || onlyAdds(plan)) return undefined;
  return {
    place: "the result",
    reason: "the view has no column of an exact type by which changed rows could be found",
    remedy: "keep the columns that it is grouped or joined by, or another one of whole numbers, decimals, text or time",
  };
}

/** Refuses a query without rules for changes. Errors: INVALID_PIPELINE with place and remedy, and the place in the details. */
export function checkChangeRules(plan: LogicalPlan): void {
  const problem = changeProblem(plan);
  if (problem === undefined) return;
  const { place, reason, remedy } = problem;
  throw new DyneError(
    "INVALID_PIPELINE",
    `The view cannot be refreshed incrementally, because of ${place}: ${reason}. Either ${remedy}; or declare refresh: "auto".`,
    { details: { clause: place } },
  );
}

/** True where new rows of some input can be new rows of the result and nothing else. */
function onlyAdds(plan: LogicalPlan): boolean {
  return [...nodesOf(plan)].every((node) => node.kind !== "aggregate" && node.kind !== "distinct" && !hasWindows(node));
}

function nodeProblem(node: LogicalPlan): ChangeProblem | undefined {
  switch (node.kind) {
    case "limit":
      return {
        place: "limit",
        reason: "limit looks at all rows",
        remedy: "to keep some rows of each key, number them in a window partitioned by it",
      };
    case "dropDuplicatesWithinWatermark":
      return {
        place: "dropDuplicatesWithinWatermark",
        reason: "dropDuplicatesWithinWatermark goes by the order of a stream",
        remedy: "use dropDuplicates() in a view",
      };
    case "join":
      return joinProblem(node);
    case "project":
      return hasWindows(node) ? windowProblem(node) : undefined;
    case "aggregate":
    case "distinct":
      return groupProblem(node);
    default:
      return undefined;
  }
}

function joinProblem(node: Join): ChangeProblem | undefined {
  const [left, right] = [schemaOf(node.left), schemaOf(node.right)];
  const [inexactLeft, inexactRight] = [analyze(node.left).inexact, analyze(node.right).inexact];
  for (const pair of node.on) {
    const inexact = [
      ...inexactLeft.filter((name) => name === pair.left),
      ...inexactRight.filter((name) => name === pair.right),
    ][0];
    if (inexact !== undefined) return inexactBelow("join", inexact);
    const [a, b] = [fieldType(left, pair.left), fieldType(right, pair.right)];
    if (!sameType(a, b))
      return {
        place: "join",
        reason: `join compares "${pair.left}" (${typeName(a)}) with "${pair.right}", which is of another type (${typeName(b)})`,
        remedy: "cast one of them to join by keys",
      };
  }
  return undefined;
}

const fieldType = (schema: Schema, name: string): DataType => (schema.fields[name] as StructField).type;

function windowProblem(node: Project): ChangeProblem | undefined {
  const named = node.columns.filter(({ expression }) => hasWindow(expression)).map(({ name }) => `"${name}"`);
  const place = `the windows of ${named.join(" and ")}`;
  const inexact = analyze(node.input).inexact[0];
  if (inexact !== undefined) return inexactBelow(place, inexact);
  const partitionBy = commonPartition(node);
  if (partitionBy.length === 0)
    return {
      place,
      reason: "a window function without a partition, or windows without a common one, look at all rows",
      remedy: "partition them by a common column",
    };
  const schema = schemaOf(node.input);
  const isMap = partitionBy.some((each) => columnsOf(each).some((name) => holdsMap(fieldType(schema, name))));
  return isMap ? mapsBelow(place) : undefined;
}

function groupProblem(node: Aggregate | Distinct): ChangeProblem | undefined {
  const place = node.kind === "distinct" ? "distinct" : "groupBy";
  const inexact = analyze(node.input).inexact[0];
  if (inexact !== undefined) return inexactBelow(place, inexact);
  return comparedTypes(node).some(holdsMap) ? mapsBelow(place) : undefined;
}

/** Of what is grouped by and of what is aggregated: rows that came and went are told apart by both. Of what is only counted it is whether it is there. */
function comparedTypes(node: Aggregate | Distinct): readonly DataType[] {
  const schema = schemaOf(node.input);
  if (node.kind === "distinct") return Object.values<StructField>(schema.fields).map(({ type }) => type);
  const types = node.groupBy.map(({ expression, name }) => typeOf(expression, schema, name));
  for (const expression of expressionsOf(node)) {
    someExpression(expression, (inner) => {
      if (inner.kind === "aggregate" && (inner.name !== "count" || inner.distinct))
        types.push(...inner.args.map((arg) => typeOf(arg, schema)));
      return false;
    });
  }
  return types;
}

const mapsBelow = (place: string): ChangeProblem => ({
  place,
  reason: "maps cannot be compared, so that changes to them cannot be told",
  remedy: "select the values that you need of them before",
});

/** Two runs may differ in the last digit of an inexact value: nothing that stands on it can be told to have changed (SPEC.md 9). */
const inexactBelow = (place: string, name: string): ChangeProblem => ({
  place,
  reason: `"${name}" is inexact, and another operator stands on it`,
  remedy: "make it exact, or put it into a view of its own",
});

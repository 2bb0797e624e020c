/**
 * Groups: an aggregate or a distinct. Its groups are kept in a hidden table, a change is added to them or they are computed again from the
 * rows below, and what the groups were and are is what went and came for whatever stands above (SPEC.md 9, 10).
 */
import {
  columnsOf,
  mapExpression,
  schemaOf,
  type Aggregate,
  type Distinct,
  type Expression,
  type LogicalPlan,
} from "../../../plan/index.ts";
import { keyColumn } from "./accumulator.ts";
import {
  atHand,
  isChanged,
  onDemand,
  type Changed,
  type Restriction,
  type RowsOnDemand,
  type TouchedValues,
} from "./changed.ts";
import { groupsSchema, modeFor, valuesSchema, type KeyedOperator } from "./keyed-operator.ts";
import { groupsTable, operatorSteps, valuesTable } from "./operator-steps.ts";
import { matching } from "./matching.ts";
import type { RefreshScope } from "./refresh-scope.ts";
import { followsFromEqual } from "./zero-sign.ts";

export interface GroupPlace {
  readonly node: Aggregate | Distinct;
  readonly operator: KeyedOperator;
  /** No other groups stand below: its rows are those of the inputs. */
  readonly isBottom: boolean;
}

export interface GroupChange extends Changed {
  /** The keys of the touched groups, in columns `keyColumn`; undefined where nothing changed, and of the one group of a global operator. */
  readonly keys: LogicalPlan | undefined;
  /** The rows of the touched groups as they are. */
  readonly touched: LogicalPlan | undefined;
}

export function groupChange(place: GroupPlace, input: Changed, scope: RefreshScope): GroupChange {
  const { operator, node } = place;
  const schema = schemaOf(node);
  const isFull = scope.mode === "full";
  const keepsState = scope.mode !== "recompute";
  const all = (restricted?: readonly Restriction[]): LogicalPlan =>
    scope.read(
      `${groupsTable(operator)}/all`,
      groupsSchema(operator),
      { kind: "hidden", table: groupsTable(operator) },
      belowHidden(place, restricted),
    );
  const stored = (restricted?: readonly Restriction[]): LogicalPlan => operator.rows(all(restricted));
  if (!isFull && !isChanged(input)) {
    const none = { keys: undefined, touched: undefined, changedRows: undefined };
    return { schema, ...atHand(undefined, undefined), ...none, now: stored, before: stored, valuesOf: () => undefined };
  }
  const mode = isFull ? "full" : keepsState ? modeFor(operator, !input.went) : "recompute";
  // What stands on other groups is made of those, without the rows of the inputs.
  if (mode !== "merge" && place.isBottom) scope.isMerged = false;
  if (mode === "recompute" && operator.isGlobal && place.isBottom)
    scope.refusal = "the query has one group, which this change makes anew from all rows";
  const touched = isFull ? [] : touchedKeys(operator, input);
  const output = operatorSteps(operator, {
    mode,
    added: input.added(),
    removed: input.removed(),
    base: mode === "merge" ? undefined : input.now(isFull ? undefined : inputRestrictions(operator, touched)),
    keepsState,
  });
  scope.steps.push(...output.steps);
  Object.assign(scope.tables, output.tables);
  if (!isFull && keepsState) readHidden(operator, touched, scope);
  const touchedRows = operator.rows(output.groups);
  return {
    schema,
    ...(isOnlyKeys(node) && output.before !== undefined
      ? groupsThatCame(operator, input, output.groups, output.before)
      : atHand(touchedRows, output.before && operator.rows(output.before))),
    now: (restricted) => (isFull || operator.isGlobal ? touchedRows : operator.rows(output.replaced(all(restricted)))),
    before: stored,
    changedRows: undefined,
    valuesOf(expression) {
      const inside = ofKeys(place, expression);
      return inside && input.valuesOf(inside);
    },
    keys: output.keys,
    touched: touchedRows,
  };
}

/** Different rows, and groups of which nothing is asked but that they are there. */
function isOnlyKeys(node: GroupPlace["node"]): boolean {
  return node.kind === "distinct" || (node.aggregates.length === 0 && node.groupBy.length > 0);
}

/** A group that was there and is there did not change where it has nothing but its keys; and while rows only come, no group goes. */
function groupsThatCame(operator: KeyedOperator, input: Changed, now: LogicalPlan, before: LogicalPlan): RowsOnDemand {
  const keys = operator.keys.map((_, index) => keyColumn(index));
  return onDemand(input, (kind) =>
    operator.rows(kind === "added" ? matching("anti", now, before, keys) : matching("anti", before, now, keys)),
  );
}

/** The values that a change has in each key; undefined where they are not known before the change is computed. */
function touchedKeys(operator: KeyedOperator, input: Changed): readonly (TouchedValues | undefined)[] {
  return operator.keys.map(({ expression }) => input.valuesOf(expression));
}

/** Hidden tables are read where they may hold a touched key, and those files are written anew. */
function readHidden(
  operator: KeyedOperator,
  touched: readonly (TouchedValues | undefined)[],
  scope: RefreshScope,
): void {
  const restricted = touched.flatMap((values, index) =>
    values === undefined ? [] : [{ column: keyColumn(index), values }],
  );
  const own = groupsTable(operator);
  scope.read(own, groupsSchema(operator), { kind: "hidden", table: own }, restricted);
  for (const [index, distinct] of operator.distinct.entries()) {
    const name = valuesTable(operator, index);
    scope.read(name, valuesSchema(operator, distinct), { kind: "hidden", table: name }, restricted);
  }
}

function inputRestrictions(
  operator: KeyedOperator,
  touched: readonly (TouchedValues | undefined)[],
): readonly Restriction[] {
  return operator.keys.flatMap(({ expression }, index) => {
    const values = touched[index];
    return expression.kind === "column" && values !== undefined ? [{ column: expression.name, values }] : [];
  });
}

/** What is asked of the hidden table where the operator's rows are asked for by some of their keys. */
function belowHidden(place: GroupPlace, restricted: readonly Restriction[] = []): readonly Restriction[] {
  return restricted.flatMap(({ column: name, values }) => {
    const index = keyIndex(place, name);
    return index < 0 ? [] : [{ column: keyColumn(index), values }];
  });
}

/** The same value over the rows below, where it is made of keys alone and all rows of a group have it. */
function ofKeys(place: GroupPlace, expression: Expression): Expression | undefined {
  if (columnsOf(expression).some((name) => keyIndex(place, name) < 0)) return undefined;
  if (!followsFromEqual(expression, schemaOf(place.node))) return undefined;
  return mapExpression(expression, (inner) =>
    inner.kind === "column" ? place.operator.keys[keyIndex(place, inner.name)]?.expression : undefined,
  );
}

/** Which key an output column is; −1 for none. */
export function keyIndex({ node }: GroupPlace, name: string): number {
  const names =
    node.kind === "aggregate" ? node.groupBy.map((key) => key.name) : Object.keys(schemaOf(node.input).fields);
  return names.indexOf(name);
}

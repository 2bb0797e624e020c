/** A merge as steps of a compute job: which rows match, what becomes of those of the target, and which of the source are inserted. */
import type { ComputeStep } from "../../compute/index.ts";
import {
  schemaOf,
  typeOf,
  type DataType,
  type Expression,
  type LogicalPlan,
  type Schema,
  type StructField,
} from "../../plan/index.ts";
import { withGenerated } from "../constraints/generated-columns.ts";
import { assigned } from "./aligned-rows.ts";
import { sourceColumn, targetColumn, type MergeClause, type MergeValues } from "./merge-clauses.ts";
import type { MergeCondition } from "./merge-condition.ts";
import { actionColumn, fileColumn, oldColumn, rowColumn, targetScan } from "./change-plan.ts";
import { assignmentsOf, type Assignments } from "./update-rows.ts";

/** The place of a row of the source among those of the merge. */
export const sourceRowColumn = "_dyne_source";
const clauseColumn = "_dyne_clause";
const keyColumn = (index: number): string => `_dyne_key_${index}`;

const long: DataType = { kind: "long" };
const integer: DataType = { kind: "integer" };

/** The parts of a merge, checked against both schemas. */
export interface MergeQuery {
  readonly path: string;
  /** Of the table as the rows are read. */
  readonly before: Schema;
  /** Of the table as the rows are written: with the columns that it gains. */
  readonly after: Schema;
  readonly source: Schema;
  readonly condition: MergeCondition;
  readonly clauses: readonly MergeClause[];
}

/** The relation `source`: the source's rows and their places. */
export function sourceScan(source: Schema): LogicalPlan {
  const fields = { ...source.fields, [sourceRowColumn]: { type: long, nullable: false } };
  return { kind: "scan", source: "source", schema: { kind: "struct", fields }, streaming: false };
}

/** The steps up to `changes` (see `RowChange.steps`); `pairs` holds the rows that match before that. */
export function changeSteps(query: MergeQuery): readonly ComputeStep[] {
  const bySource = clausesOf(query, "not-matched-by-source-update", "not-matched-by-source-delete");
  const matched = clausesOf(query, "matched-update", "matched-delete");
  // A delete without a condition may meet a row of the target more than once, and is done once.
  const meeting = isDeleteOnly(matched) ? targetOf(query, "semi") : pairsScan(query);
  const inputs = [
    ...(matched.length === 0 ? [] : [changesOf(query, meeting, matched)]),
    ...(bySource.length === 0 ? [] : [changesOf(query, targetOf(query, "anti"), bySource)]),
  ];
  const changes: LogicalPlan = inputs.length === 0 ? noChanges(query) : { kind: "union", inputs };
  return [step("pairs", pairsPlan(query)), step("changes", changes)];
}

function noChanges(query: MergeQuery): LogicalPlan {
  const input = changesOf(query, pairsScan(query), [{ kind: "matched-delete" }]);
  return { kind: "filter", input, condition: literal(false, { kind: "boolean" }) };
}

/** The rows of the source that match nothing and that a clause inserts, in the table's form. `matched` has the places of those that match. */
export function insertPlan(query: MergeQuery): LogicalPlan {
  const clauses = clausesOf(query, "not-matched-insert");
  const named = sided(sourceScan(query.source), query.source, sourceColumn, [sourceRowColumn]);
  const left: LogicalPlan = {
    kind: "join",
    type: "anti",
    left: named,
    right: matchedScan(),
    on: [{ left: sourceRowColumn, right: sourceRowColumn }],
    dropRight: [],
  };
  const chosen = withClause(left, clauses);
  return {
    kind: "project",
    input: chosen,
    columns: fieldsOf(query.after).map(([name, { type }]) => ({
      name,
      expression: byClause(
        clauses.map((clause) =>
          clause.kind === "not-matched-insert" ? valueIn(insertedValues(query, clause.values), name) : undefined,
        ),
        { kind: "literal", value: null, type },
      ),
    })),
  };
}

/** The relation `matched`: places of rows of the source that match some row of the target. */
export function matchedScan(): LogicalPlan {
  return {
    kind: "scan",
    source: "matched",
    schema: { kind: "struct", fields: { [sourceRowColumn]: { type: long, nullable: false } } },
    streaming: false,
  };
}

/** The places of rows of the source in `pairs`. */
export function matchedPlan(query: MergeQuery): LogicalPlan {
  return {
    kind: "distinct",
    input: {
      kind: "project",
      input: pairsScan(query),
      columns: [{ name: sourceRowColumn, expression: column(sourceRowColumn) }],
    },
  };
}

/** Rows of the target that more than one row of the source would change: their number. */
export function ambiguousPlan(query: MergeQuery): LogicalPlan | undefined {
  const matched = clausesOf(query, "matched-update", "matched-delete");
  if (matched.length === 0 || isDeleteOnly(matched)) return undefined;
  const perRow: LogicalPlan = {
    kind: "aggregate",
    input: withClause(pairsScan(query), matched),
    groupBy: [fileColumn, rowColumn].map((name) => ({ name, expression: column(name) })),
    aggregates: [{ name: "n", expression: count() }],
  };
  return {
    kind: "aggregate",
    input: { kind: "filter", input: perRow, condition: call("gt", column("n"), literal(1, long)) },
    groupBy: [],
    aggregates: [{ name: "rows", expression: count() }],
  };
}

function isDeleteOnly(matched: readonly MergeClause[]): boolean {
  return matched.length === 1 && matched[0]!.kind === "matched-delete" && matched[0]!.when === undefined;
}

function clausesOf<Kind extends MergeClause["kind"]>(
  { clauses }: MergeQuery,
  ...kinds: readonly Kind[]
): readonly MergeClause[] {
  return clauses.filter(({ kind }) => (kinds as readonly string[]).includes(kind));
}

/** Every pair of rows for which the condition is true: the columns of both sides under their names, and both places. */
function pairsPlan({ before, source, condition }: MergeQuery): LogicalPlan {
  const { keys, nullSafe, rest } = condition;
  const left = sided(targetScan(before), before, targetColumn, [fileColumn, rowColumn]);
  const right = sided(sourceScan(source), source, sourceColumn, [sourceRowColumn]);
  // Without a pair of equal values every row meets every other.
  const on = keys.length === 0 ? [{ target: literal(1, integer), source: literal(1, integer) }] : keys;
  const withKeys = (input: LogicalPlan, side: "target" | "source"): LogicalPlan => ({
    kind: "project",
    input,
    columns: [
      ...columnsOfPlan(input).map((name) => ({ name, expression: column(name) })),
      ...on.map((pair, index) => ({ name: `${keyColumn(index)}_${side}`, expression: pair[side] })),
    ],
  });
  const joined: LogicalPlan = {
    kind: "join",
    type: "inner",
    nullSafe,
    left: withKeys(left, "target"),
    right: withKeys(right, "source"),
    on: on.map((_, index) => ({ left: `${keyColumn(index)}_target`, right: `${keyColumn(index)}_source` })),
    dropRight: [],
  };
  const matching: LogicalPlan = rest === undefined ? joined : { kind: "filter", input: joined, condition: rest };
  return {
    kind: "project",
    input: matching,
    columns: [...columnsOfPlan(left), ...columnsOfPlan(right)].map((name) => ({ name, expression: column(name) })),
  };
}

function pairsScan(query: MergeQuery): LogicalPlan {
  const { before, source } = query;
  const fields = {
    ...sidedFields(before, targetColumn),
    ...placeFields([fileColumn, rowColumn]),
    ...sidedFields(source, sourceColumn),
    ...placeFields([sourceRowColumn]),
  };
  return { kind: "scan", source: "pairs", schema: { kind: "struct", fields }, streaming: false };
}

/** The rows of the target that match some row of the source (`semi`), or none (`anti`). */
function targetOf(query: MergeQuery, type: "semi" | "anti"): LogicalPlan {
  return {
    kind: "join",
    type,
    left: sided(targetScan(query.before), query.before, targetColumn, [fileColumn, rowColumn]),
    right: pairsScan(query),
    on: [fileColumn, rowColumn].map((name) => ({ left: name, right: name })),
    dropRight: [],
  };
}

/** What the first clause that applies makes of rows of the target, in the form of the relation `changes`. */
function changesOf(query: MergeQuery, input: LogicalPlan, clauses: readonly MergeClause[]): LogicalPlan {
  const old = query.before.fields as Readonly<Record<string, StructField>>;
  const oldValue = (name: string, type: DataType): Expression =>
    Object.hasOwn(old, name)
      ? assigned(query.path, name, column(targetColumn(name)), old[name]!.type, type)
      : { kind: "literal", value: null, type };
  const followed = (set: Assignments): Assignments =>
    withGenerated(query.after, set, (name) => oldValue(name, query.after.fields[name]!.type));
  const updates = clauses.map((clause): Assignments | undefined => {
    if (clause.kind === "matched-update") return followed(valuesOf(query, clause.set, bothSides(query)));
    if (clause.kind === "not-matched-by-source-update")
      return followed(assignmentsOf(query.path, query.after, clause.set, targetSide(query)));
    return undefined;
  });
  return {
    kind: "project",
    input: withClause(input, clauses),
    columns: [
      ...[fileColumn, rowColumn].map((name) => ({ name, expression: column(name) })),
      {
        name: actionColumn,
        expression: byClause(
          updates.map((set) => literal(set === undefined ? "delete" : "update", { kind: "string" })),
          literal("delete", { kind: "string" }),
        ),
      },
      ...fieldsOf(query.after).map(([name, { type }]) => ({
        name,
        expression: byClause(
          updates.map((set) =>
            set === undefined
              ? { kind: "literal", value: null, type }
              : Object.hasOwn(set, name)
                ? set[name]!
                : oldValue(name, type),
          ),
          { kind: "literal", value: null, type },
        ),
      })),
      ...fieldsOf(query.after).map(([name, { type }], index) => ({
        name: oldColumn(index),
        expression: oldValue(name, type),
      })),
    ],
  };
}

/** The rows to which a clause applies, with the index of the first that does. */
function withClause(input: LogicalPlan, clauses: readonly MergeClause[]): LogicalPlan {
  const index: Expression = {
    kind: "case",
    branches: clauses.map(({ when }, position) => ({
      when: when ?? literal(true, { kind: "boolean" }),
      then: literal(position, integer),
    })),
    otherwise: undefined,
  };
  const names = columnsOfPlan(input);
  return {
    kind: "filter",
    input: {
      kind: "project",
      input,
      columns: [
        ...names.map((name) => ({ name, expression: column(name) })),
        { name: clauseColumn, expression: index },
      ],
    },
    condition: call("is_not_null", column(clauseColumn)),
  };
}

function byClause(values: readonly (Expression | undefined)[], absent: Expression): Expression {
  if (values.length === 1) return values[0] ?? absent;
  return {
    kind: "case",
    branches: values.map((value, position) => ({
      when: call("eq", column(clauseColumn), literal(position, integer)),
      then: value ?? absent,
    })),
    otherwise: undefined,
  };
}

function valueIn(values: Assignments, name: string): Expression | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

/** What a new row has: what its clause gives, and what follows from that. */
function insertedValues(query: MergeQuery, values: MergeValues): Assignments {
  const given = valuesOf(query, values, sourceSide(query));
  const nothing = (name: string): Expression => ({
    kind: "literal",
    value: null,
    type: query.after.fields[name]!.type,
  });
  return withGenerated(query.after, given, nothing, "all");
}

/** The values that a clause gives to the table's columns. */
function valuesOf({ path, after, source }: MergeQuery, values: MergeValues, scope: Schema): Assignments {
  if (values.kind === "columns") return assignmentsOf(path, after, values.values, scope);
  const names = new Map(Object.keys(source.fields).map((name) => [name.toLowerCase(), name]));
  const all = Object.keys(after.fields).flatMap((name): [string, Expression][] => {
    const from = names.get(name.toLowerCase());
    return from === undefined ? [] : [[name, column(sourceColumn(from))]];
  });
  return assignmentsOf(path, after, Object.fromEntries(all), scope);
}

const bothSides = ({ before, source }: Pick<MergeQuery, "before" | "source">): Schema => ({
  kind: "struct",
  fields: { ...sidedFields(before, targetColumn), ...sidedFields(source, sourceColumn) },
});
const targetSide = ({ before }: Pick<MergeQuery, "before">): Schema => ({
  kind: "struct",
  fields: sidedFields(before, targetColumn),
});
const sourceSide = ({ source }: Pick<MergeQuery, "source">): Schema => ({
  kind: "struct",
  fields: sidedFields(source, sourceColumn),
});

/** Checks every expression of a merge before anything is read. Errors: UNKNOWN_COLUMN, TYPE_MISMATCH, SCHEMA_MISMATCH. */
export function checkMerge(query: MergeQuery, on: Expression): void {
  const boolean = (expression: Expression | undefined, scope: Schema, place: string): void => {
    if (expression !== undefined) typeOf(call("not", expression), scope, place);
  };
  boolean(on, bothSides(query), "the condition of the merge");
  for (const clause of query.clauses) {
    const scope = scopeOf(query, clause);
    boolean(clause.when, scope, `the condition of ${clause.kind}`);
    if (clause.kind === "matched-update") valuesOf(query, clause.set, scope);
    if (clause.kind === "not-matched-insert") valuesOf(query, clause.values, scope);
    if (clause.kind === "not-matched-by-source-update") assignmentsOf(query.path, query.after, clause.set, scope);
  }
}

function scopeOf(query: MergeQuery, { kind }: MergeClause): Schema {
  if (kind === "not-matched-insert") return sourceSide(query);
  return kind === "matched-update" || kind === "matched-delete" ? bothSides(query) : targetSide(query);
}

/** The columns of a relation under the names of its side, and its places. */
function sided(
  input: LogicalPlan,
  schema: Schema,
  side: (name: string) => string,
  places: readonly string[],
): LogicalPlan {
  return {
    kind: "project",
    input,
    columns: [
      ...Object.keys(schema.fields).map((name) => ({ name: side(name), expression: column(name) })),
      ...places.map((name) => ({ name, expression: column(name) })),
    ],
  };
}

function sidedFields(schema: Schema, side: (name: string) => string): Record<string, StructField> {
  return Object.fromEntries(
    fieldsOf(schema).map(([name, field]) => [side(name), { type: field.type, nullable: true }]),
  );
}

function placeFields(names: readonly string[]): Record<string, StructField> {
  return Object.fromEntries(names.map((name) => [name, { type: long, nullable: false }]));
}

function columnsOfPlan(plan: LogicalPlan): readonly string[] {
  return Object.keys(schemaOf(plan).fields);
}

const fieldsOf = (schema: Schema) => Object.entries<StructField>(schema.fields);
const step = (name: string, plan: LogicalPlan): ComputeStep => ({
  kind: "plan",
  name,
  plan,
  rowErrors: "fail",
  carry: [],
});
const column = (name: string): Expression => ({ kind: "column", name });
const call = (name: string, ...args: readonly Expression[]): Expression => ({ kind: "call", name, args });
const literal = (value: string | number | boolean, type: DataType): Expression => ({ kind: "literal", value, type });
const count = (): Expression => ({ kind: "aggregate", name: "count", args: [], distinct: false, filter: undefined });

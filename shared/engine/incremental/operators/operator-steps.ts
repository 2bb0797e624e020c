/**
 * One operator's part of a refresh as plans, in the order in which they are computed:
 *
 *     change    rows added and removed, cancelled: keys, inputs, weight, contributions
 *     keys      the keys that the change touches
 *     before    their groups as they were
 *     values    (merge) values of a distinct count that the change touches, with what they weighed before and weigh now
 *     groups    their groups as they are now; a group without rows is gone
 *
 * Hidden tables get what was read of them without the touched keys, and the groups as they are now.
 */
import type { PlanStep } from "../../../compute/index.ts";
import { schemaOf, type Expression, type LogicalPlan } from "../../../plan/index.ts";
import { aggregate, call, choose, column, filter, long, scan } from "../expressions.ts";
import { accumulatorColumn, inputColumn, keyColumn, rowsColumn, valueColumn, weightColumn } from "./accumulator.ts";
import {
  groupsSchema,
  keysSchema,
  sameColumns,
  signed,
  valuesSchema,
  type KeyedOperator,
  type OperatorMode,
} from "./keyed-operator.ts";
import { matching } from "./matching.ts";
import { zeroSigns } from "./zero-sign.ts";

/** What an operator's refresh reads, as relations by name. */
export interface OperatorInput {
  readonly mode: OperatorMode;
  /** Rows below that were added and removed; undefined where none were. Not read where everything is computed. */
  readonly added: LogicalPlan | undefined;
  readonly removed: LogicalPlan | undefined;
  /** All rows below that may belong to a touched key; undefined where the change is merged. */
  readonly base: LogicalPlan | undefined;
  /** False where the operator has no hidden tables: the touched groups are all that is known. */
  readonly keepsState: boolean;
}

export interface OperatorOutput {
  readonly steps: readonly PlanStep[];
  /** Keys that the change touches; undefined where that is all there are. */
  readonly keys: LogicalPlan | undefined;
  /** Touched groups now, and as they were. */
  readonly groups: LogicalPlan;
  readonly before: LogicalPlan | undefined;
  /** The hidden tables' new rows by the name of the table: what was read of them, with the change. */
  readonly tables: Readonly<Record<string, LogicalPlan>>;
  /** Groups as they were, as they are now. */
  readonly replaced: (stored: LogicalPlan) => LogicalPlan;
}

/** Names of an operator's hidden tables, and of the relations that hold what they had. */
export const groupsTable = ({ name }: KeyedOperator): string => name;
export const valuesTable = ({ name }: KeyedOperator, index: number): string => `${name}-values-${index}`;

/** The steps of an operator. Hidden tables are read as scans by their names. */
export function operatorSteps(operator: KeyedOperator, given: OperatorInput): OperatorOutput {
  const steps: PlanStep[] = [];
  const step = (name: string, plan: LogicalPlan): LogicalPlan => {
    const own = `${operator.name}/${name}`;
    steps.push({ kind: "plan", name: own, plan, rowErrors: "fail", carry: [] });
    return scan(own, schemaOf(plan));
  };
  if (given.mode === "full") {
    // All rows may be more than memory holds: they are read again for each table rather than kept.
    const base = signed(operator, given.base as LogicalPlan, 1);
    const groups = step("groups", alive(operator, merged(operator, base)));
    const values = operator.distinct.map((_, index) => [valuesTable(operator, index), weighed(operator, base, index)]);
    const tables = { [groupsTable(operator)]: groups, ...Object.fromEntries(values) };
    return { steps, keys: undefined, groups, before: undefined, tables, replaced: () => groups };
  }
  const change = step("change", changeOf(operator, given));
  const keys = operator.isGlobal ? undefined : step("keys", distinctKeys(operator, change));
  const stored = scan(groupsTable(operator), groupsSchema(operator));
  const before = given.keepsState ? step("before", touching(operator, stored, keys)) : undefined;
  const tables: Record<string, LogicalPlan> = {};
  const parts: LogicalPlan[] = [];
  if (given.mode === "recompute") {
    const base = step("base", touching(operator, signed(operator, given.base as LogicalPlan, 1), keys));
    parts.push(base);
    for (const [index, distinct] of operator.distinct.entries()) {
      const known = scan(valuesTable(operator, index), valuesSchema(operator, distinct));
      tables[valuesTable(operator, index)] = union([
        ...untouched(operator, known, keys),
        weighed(operator, base, index),
      ]);
    }
  } else {
    parts.push(change, ...(before === undefined ? [] : [before]));
    for (const index of operator.distinct.keys()) {
      const { transitions, table } = mergedValues(operator, index, change, step);
      parts.push(transitions);
      tables[valuesTable(operator, index)] = table;
    }
  }
  const groups = step("groups", alive(operator, merged(operator, ...parts)));
  const replaced = (all: LogicalPlan): LogicalPlan => union([...untouched(operator, all, keys), groups]);
  if (given.keepsState) tables[groupsTable(operator)] = replaced(stored);
  return { steps, keys, groups, before, tables: given.keepsState ? tables : {}, replaced };
}

/** Rows that were added and removed alike are no change. Where nothing was removed, nothing is looked for. */
function changeOf(operator: KeyedOperator, { added, removed }: Pick<OperatorInput, "added" | "removed">): LogicalPlan {
  if (removed === undefined) return signed(operator, added as LogicalPlan, 1);
  const gone = signed(operator, removed, -1);
  if (added === undefined) return gone;
  const both = union([signed(operator, added, 1), gone]);
  const same = [
    ...operator.keys.map((_, index) => keyColumn(index)),
    ...operator.inputs.map((_, index) => inputColumn(index)),
  ];
  const signs = zeroSigns(operator.inputs.map(({ type }, index) => [inputColumn(index), type]));
  const weighed: LogicalPlan = {
    kind: "aggregate",
    input: both,
    groupBy: [
      ...same.map((name) => ({ name, expression: column(name) })),
      ...signs.map(([name, expression]) => ({ name, expression })),
    ],
    aggregates: [
      { name: weightColumn, expression: aggregate("sum", column(weightColumn)) },
      ...operator.accumulators.map((accumulator, index) => ({
        name: accumulatorColumn(index),
        expression:
          accumulator.merge === "add" ? aggregate("sum", column(accumulatorColumn(index))) : accumulator.neutral,
      })),
    ],
  };
  return filter(weighed, call("ne", column(weightColumn), long(0)));
}

/** Changed rows, groups as they were, and what distinct counts gained and lost, as one row per key. */
function merged(operator: KeyedOperator, ...parts: readonly LogicalPlan[]): LogicalPlan {
  const input = parts.length === 1 ? (parts[0] as LogicalPlan) : union(parts.map((part) => asGroups(operator, part)));
  const counted = parts.length === 1 ? weightColumn : rowsColumn;
  const orZero = (value: Expression, zero: Expression): Expression => call("coalesce", value, zero);
  const values = operator.accumulators.map((accumulator, index) => {
    const name = accumulatorColumn(index);
    const distinct = operator.distinct.find((each) => each.accumulator === name);
    if (typeof accumulator.merge !== "string") return { name, expression: accumulator.merge };
    if (distinct !== undefined && parts.length === 1)
      return { name, expression: { ...aggregate("count", column(distinct.input)), distinct: true } };
    if (accumulator.merge !== "add")
      return { name, expression: aggregate(accumulator.merge === "least" ? "min" : "max", column(name)) };
    return { name, expression: orZero(aggregate("sum", column(name)), accumulator.neutral) };
  });
  return {
    kind: "aggregate",
    input,
    groupBy: operator.keys.map((_, index) => ({ name: keyColumn(index), expression: column(keyColumn(index)) })),
    aggregates: [{ name: rowsColumn, expression: orZero(aggregate("sum", column(counted)), long(0)) }, ...values],
  };
}

/** A part of a merge with the columns of the hidden table of groups. */
function asGroups(operator: KeyedOperator, part: LogicalPlan): LogicalPlan {
  const given = schemaOf(part).fields;
  return {
    kind: "project",
    input: part,
    columns: Object.keys(groupsSchema(operator).fields).map((name) => ({
      name,
      expression: column(name === rowsColumn && !(rowsColumn in given) ? weightColumn : name),
    })),
  };
}

/** Groups that are there: those with rows, and the one that always is. */
function alive(operator: KeyedOperator, groups: LogicalPlan): LogicalPlan {
  return operator.isGlobal ? groups : filter(groups, call("gt", column(rowsColumn), long(0)));
}

/** Values of a distinct count with the number of rows that have each. */
function weighed(operator: KeyedOperator, rows: LogicalPlan, index: number): LogicalPlan {
  const input = operator.distinct[index]?.input as string;
  return {
    kind: "aggregate",
    input: filter(rows, call("is_not_null", column(input))),
    groupBy: [...keyList(operator), { name: valueColumn, expression: column(input) }],
    aggregates: [{ name: weightColumn, expression: aggregate("sum", column(weightColumn)) }],
  };
}

/** The two levels of a distinct count: how often each value is there, and how many values are. */
function mergedValues(
  operator: KeyedOperator,
  index: number,
  change: LogicalPlan,
  step: (name: string, plan: LogicalPlan) => LogicalPlan,
): { readonly transitions: LogicalPlan; readonly table: LogicalPlan } {
  const distinct = operator.distinct[index] as KeyedOperator["distinct"][number];
  const known = scan(valuesTable(operator, index), valuesSchema(operator, distinct));
  const own = [...operator.keys.map((_, key) => keyColumn(key)), valueColumn];
  const changed = step(`changed-${index}`, weighed(operator, change, index));
  const was = "__was";
  const withPast = (input: LogicalPlan, past: Expression): LogicalPlan => ({
    kind: "project",
    input,
    columns: [...sameColumns(valuesSchema(operator, distinct)), { name: was, expression: past }],
  });
  const values = step(`values-${index}`, {
    kind: "aggregate",
    input: union([withPast(changed, long(0)), withPast(matching("semi", known, changed, own), column(weightColumn))]),
    groupBy: own.map((name) => ({ name, expression: column(name) })),
    aggregates: [weightColumn, was].map((name) => ({ name, expression: aggregate("sum", column(name)) })),
  });
  const isNow = call("gt", column(weightColumn), long(0));
  const wasThere = call("gt", column(was), long(0));
  const gained = choose([
    [call("and", isNow, call("not", wasThere)), long(1)],
    [call("and", wasThere, call("not", isNow)), long(-1)],
  ]);
  const transitions: LogicalPlan = {
    kind: "project",
    input: values,
    columns: [
      ...keyList(operator),
      { name: rowsColumn, expression: long(0) },
      ...operator.accumulators.map(({ neutral }, each) => {
        const name = accumulatorColumn(each);
        return { name, expression: name === distinct.accumulator ? call("coalesce", gained, long(0)) : neutral };
      }),
    ],
  };
  const table = union([
    matching("anti", known, changed, own),
    { kind: "project", input: filter(values, isNow), columns: sameColumns(valuesSchema(operator, distinct)) },
  ]);
  return { transitions, table };
}

const keyList = (operator: KeyedOperator): { name: string; expression: Expression }[] =>
  sameColumns(keysSchema(operator.keys));

function distinctKeys(operator: KeyedOperator, change: LogicalPlan): LogicalPlan {
  return { kind: "distinct", input: { kind: "project", input: change, columns: keyList(operator) } };
}

/** Rows whose keys are touched. The one group of a global operator always is. */
function touching(operator: KeyedOperator, rows: LogicalPlan, keys: LogicalPlan | undefined): LogicalPlan {
  const own = operator.keys.map((_, index) => keyColumn(index));
  return keys === undefined ? rows : matching("semi", rows, keys, own);
}

/** Rows whose keys are not. */
function untouched(operator: KeyedOperator, rows: LogicalPlan, keys: LogicalPlan | undefined): readonly LogicalPlan[] {
  const own = operator.keys.map((_, index) => keyColumn(index));
  return keys === undefined ? [] : [matching("anti", rows, keys, own)];
}

const union = (inputs: readonly LogicalPlan[]): LogicalPlan =>
  inputs.length === 1 ? (inputs[0] as LogicalPlan) : { kind: "union", inputs };

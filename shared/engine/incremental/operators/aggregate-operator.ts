/** `groupBy(keys).agg(…)`: a group is its keys, its number of rows, and an accumulator for each part of its aggregates. */
import {
  mapExpression,
  schemaOf,
  typeOf,
  type Aggregate,
  type Expression,
  type LogicalPlan,
} from "../../../plan/index.ts";
import { column } from "../expressions.ts";
import { Accumulators, keyColumn } from "./accumulator.ts";
import type { KeyedOperator } from "./keyed-operator.ts";

/** The operator of an aggregate with this name. `mergesFloats`: see `Accumulators`. */
export function aggregateOperator(
  aggregate: Aggregate,
  name: string,
  { mergesFloats }: { readonly mergesFloats: boolean },
): KeyedOperator {
  const schema = schemaOf(aggregate.input);
  const keys = aggregate.groupBy.map((key) => ({
    expression: key.expression,
    type: typeOf(key.expression, schema, key.name),
  }));
  const parts = new Accumulators(schema, mergesFloats);
  const ofGroup = (inner: Expression): Expression | undefined => {
    if (inner.kind === "aggregate") return parts.valueOf(inner);
    if (inner.kind !== "column") return undefined;
    const key = aggregate.groupBy.findIndex(({ name: own }) => own === inner.name);
    return key < 0 ? undefined : column(keyColumn(key));
  };
  const columns = [
    ...aggregate.groupBy.map((key, index) => ({ name: key.name, expression: column(keyColumn(index)) })),
    ...aggregate.aggregates.map((each) => ({
      name: each.name,
      expression: mapExpression(each.expression, ofGroup),
    })),
  ];
  const rows = (groups: LogicalPlan): LogicalPlan => ({ kind: "project", input: groups, columns });
  return {
    name,
    keys,
    inputs: parts.inputs,
    accumulators: parts.list,
    distinct: parts.distinct,
    isGlobal: keys.length === 0,
    rows,
  };
}

/** `distinct()`: every different row is a group, which is there while it has rows. */
import { schemaOf, type DataType, type Distinct } from "../../../plan/index.ts";
import { column, fieldsOf } from "../expressions.ts";
import { keyColumn } from "./accumulator.ts";
import type { KeyedOperator } from "./keyed-operator.ts";

/** The operator of a distinct with this name. */
export function distinctOperator(distinct: Distinct, name: string): KeyedOperator {
  const fields = fieldsOf(schemaOf(distinct.input));
  return {
    name,
    keys: fields.map(([field, { type }]): { expression: ReturnType<typeof column>; type: DataType } => ({
      expression: column(field),
      type,
    })),
    inputs: [],
    accumulators: [],
    distinct: [],
    isGlobal: false,
    rows: (groups) => ({
      kind: "project",
      input: groups,
      columns: fields.map(([field], index) => ({ name: field, expression: column(keyColumn(index)) })),
    }),
  };
}

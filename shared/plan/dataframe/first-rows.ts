/** The first rows of each key, as row numbers and a filter on them: what `topKOf` recognises. */
import { DyneError } from "../../core/errors.ts";
import { schemaOf } from "../analysis/schema-of.ts";
import type { Expression, SortOrder, WindowCall } from "../expression.ts";
import type { LogicalPlan } from "../logical-plan.ts";
import { freeName, totalOrder } from "./total-order.ts";

export interface FirstRows {
  readonly keys: readonly { readonly expression: Expression }[];
  readonly orders: readonly SortOrder[];
  readonly count: number;
}

/** The columns of `input`, and of its rows the first `count` of each key. Errors: INVALID_ARGUMENT. */
export function firstRows(input: LogicalPlan, { keys, orders, count }: FirstRows): LogicalPlan {
  if (!Number.isInteger(count) || count < 1 || count > countMax)
    throw new DyneError("INVALID_ARGUMENT", `topK cannot keep ${count} rows of a key. Use a count from 1 on.`);
  const schema = schemaOf(input);
  const columns = Object.keys(schema.fields).map((name) => ({ name, expression: column(name) }));
  const number = freeName("_row_number", schema);
  const window: WindowCall = {
    kind: "window",
    call: { kind: "call", name: "row_number", args: [] },
    partitionBy: keys.map(({ expression }) => expression),
    orderBy: totalOrder(orders, schema),
    frame: undefined,
  };
  const limit: Expression = { kind: "literal", value: count, type: { kind: "integer" } };
  return {
    kind: "project",
    columns,
    input: {
      kind: "filter",
      condition: { kind: "call", name: count === 1 ? "eq" : "le", args: [column(number), limit] },
      input: { kind: "project", input, columns: [...columns, { name: number, expression: window }] },
    },
  };
}

const countMax = 2_147_483_647;
const column = (name: string): Expression => ({ kind: "column", name });

/** What can be sorted by: a column, and a column with the direction to sort it in. */
import type { Expression, SortOrder } from "../expression.ts";
import type { DataType } from "../types.ts";

/** A column of whatever type. */
export interface AnyColumn {
  readonly expression: Expression;
  readonly type: DataType;
  asc(nulls?: SortOrder["nulls"]): OrderedColumn;
  desc(nulls?: SortOrder["nulls"]): OrderedColumn;
}

/** A column and the direction to sort it in. */
export class OrderedColumn {
  readonly order: SortOrder;

  constructor(order: SortOrder) {
    this.order = Object.freeze(order);
  }
}

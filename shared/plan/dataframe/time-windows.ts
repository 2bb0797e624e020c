/** Windows of time, as columns and as what rows are grouped by. */
import type { LongType, StructOf, TimestampNtzType, TimestampType } from "../data-type.ts";
import type { Expression, FunctionCall } from "../expression.ts";
import type { ArrayType, DataType } from "../types.ts";
import { someExpression } from "../visit.ts";
import { schemaOf } from "../analysis/schema-of.ts";
import type { LogicalPlan } from "../logical-plan.ts";
import { Column, literal, scalar } from "./column.ts";
import type { AnyColumn } from "./column.ts";
import { freeName } from "./total-order.ts";
import { durationMs } from "./duration.ts";
import type { Duration } from "./duration.ts";

type Moment = TimestampType | TimestampNtzType;

/** A window of time: from `start` up to, but not with, `end`. */
export type TimeWindow<Time extends Moment> = StructOf<{ readonly start: Time; readonly end: Time }>;

/** Windows that lie over one another: a row is in several of them. Only rows can be grouped by it; see `windows` for a column. */
export class SlidingWindow<Type extends DataType> {
  readonly type: Type;
  /** All windows of a row. */
  readonly windows: Column<ArrayType<Type>>;

  constructor(windows: Column<ArrayType<Type>>) {
    this.windows = windows;
    this.type = windows.type.element;
  }
}

/**
 * The window of a length that a time lies in, NULL for NULL: a column, and what rows are grouped by. Windows start at whole multiples of
 * their length since 1970 in UTC. With `slide`, a window starts every `slide` (moved by `startTime`), so that a row is in several of them:
 * for groupBy only. As in Spark, a row without a time is in no group. Errors: INVALID_ARGUMENT, TYPE_MISMATCH.
 */
export function window<Time extends Moment>(time: Column<Time>, width: Duration): Column<TimeWindow<Time>>;
export function window<Time extends Moment>(
  time: Column<Time>,
  width: Duration,
  slide: Duration,
  startTime?: Duration | `-${Duration}`,
): SlidingWindow<TimeWindow<Time>>;
export function window<Time extends Moment>(
  time: Column<Time>,
  width: Duration,
  slide?: Duration,
  startTime?: Duration | `-${Duration}`,
): Column<TimeWindow<Time>> | SlidingWindow<TimeWindow<Time>> {
  if (slide !== undefined) return new SlidingWindow(windows(time, width, slide, startTime));
  return scalar("window", [time, micros(width), micros("0 seconds")]);
}

/** All windows of a length that start every `slide` and hold a time, the latest first; NULL for NULL. For `explode`. */
export function windows<Time extends Moment>(
  time: Column<Time>,
  width: Duration,
  slide: Duration,
  startTime: Duration | `-${Duration}` = "0 seconds",
): Column<ArrayType<TimeWindow<Time>>> {
  return scalar("windows", [time, micros(width), micros(slide), micros(startTime)]);
}

function micros(length: Duration | `-${Duration}`): Column<LongType> {
  const sign = typeof length === "string" && length.startsWith("-") ? -1 : 1;
  const ms = durationMs(sign === -1 ? length.slice(1) : length);
  return literal(BigInt(sign * ms) * 1_000n, { kind: "long" });
}

/** A plan whose rows lie in the windows that they are grouped by: once per window, and not at all without a time. */
export function inWindows(
  input: LogicalPlan,
  given: Readonly<Record<string, AnyColumn | SlidingWindow<DataType>>>,
): { readonly plan: LogicalPlan; readonly groups: Readonly<Record<string, AnyColumn>> } {
  let plan = input;
  const groups = Object.entries(given).map(([name, column]): readonly [string, AnyColumn] => {
    if (!(column instanceof SlidingWindow)) {
      for (const time of column instanceof Column ? windowedTimes(column.expression) : [])
        plan = { kind: "filter", input: plan, condition: { kind: "call", name: "is_not_null", args: [time] } };
      return [name, column];
    }
    const as = freeName(name, schemaOf(plan));
    plan = { kind: "explode", input: plan, array: column.windows.expression, as, outer: false };
    return [name, new Column({ kind: "column", name: as }, column.type)];
  });
  return { plan, groups: Object.fromEntries(groups) };
}

/** The times that windows in an expression are made of. */
function windowedTimes(expression: Expression): readonly Expression[] {
  const times: Expression[] = [];
  someExpression(expression, (inner) => {
    if (isWindow(inner)) times.push(inner.args[0] as Expression);
    return false;
  });
  return times;
}

const isWindow = (expression: Expression): expression is FunctionCall =>
  expression.kind === "call" && expression.name === "window";

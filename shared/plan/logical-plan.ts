/** The logical plan: frozen data that says what is asked, never how. One interface per node kind. */
import type { Expression, SortOrder } from "./expression.ts";
import type { Schema } from "./types.ts";

export type LogicalPlan =
  | Scan
  | Project
  | Filter
  | Join
  | Aggregate
  | Union
  | Distinct
  | Sort
  | Limit
  | Explode
  | WithWatermark
  | DropDuplicatesWithinWatermark;

export type PlanKind = LogicalPlan["kind"];

/** A named relation. `streaming` marks the input that a streaming table reads once, change by change. */
export interface Scan {
  readonly kind: "scan";
  readonly source: string;
  readonly schema: Schema;
  readonly streaming: boolean;
}
/** The output columns, all of them, in order. */
export interface Project {
  readonly kind: "project";
  readonly input: LogicalPlan;
  readonly columns: readonly { readonly name: string; readonly expression: Expression }[];
}
export interface Filter {
  readonly kind: "filter";
  readonly input: LogicalPlan;
  readonly condition: Expression;
}
export type JoinType = "inner" | "left" | "right" | "full" | "semi" | "anti" | "cross";

/**
 * Equality join on pairs of columns, with SQL's equality (NULL matches nothing) unless it is `nullSafe`. Output: all columns of the left,
 * then those of the right that are not in `dropRight`; names must then be unique. `left`, `right` and `full` also keep the rows of that
 * side, or of both, that have no match; a pair whose right column is in `dropRight` is then one column that has the value of either side.
 * `semi` and `anti` keep the left's rows that have a match, or none, as they are. `cross` is every pair of rows, and has no `on`.
 */
export interface Join {
  readonly kind: "join";
  readonly type: JoinType;
  readonly nullSafe?: boolean;
  readonly left: LogicalPlan;
  readonly right: LogicalPlan;
  readonly on: readonly { readonly left: string; readonly right: string }[];
  readonly dropRight: readonly string[];
}
/** Output: the grouping columns, then the aggregates, in order. NULL is a group. */
export interface Aggregate {
  readonly kind: "aggregate";
  readonly input: LogicalPlan;
  readonly groupBy: readonly { readonly name: string; readonly expression: Expression }[];
  readonly aggregates: readonly { readonly name: string; readonly expression: Expression }[];
}
/** UNION ALL by name. */
export interface Union {
  readonly kind: "union";
  readonly inputs: readonly LogicalPlan[];
}
export interface Distinct {
  readonly kind: "distinct";
  readonly input: LogicalPlan;
}
export interface Sort {
  readonly kind: "sort";
  readonly input: LogicalPlan;
  readonly orders: readonly SortOrder[];
}
export interface Limit {
  readonly kind: "limit";
  readonly input: LogicalPlan;
  readonly count: number;
}
/** One row per element of an array; rows whose array is NULL or empty go, unless `outer`. */
export interface Explode {
  readonly kind: "explode";
  readonly input: LogicalPlan;
  readonly array: Expression;
  readonly as: string;
  readonly outer: boolean;
}
/** Declares event time. As a batch query it does nothing. */
export interface WithWatermark {
  readonly kind: "watermark";
  readonly input: LogicalPlan;
  readonly eventTime: string;
  readonly delayMs: number;
  /** Rows further than this after their own arrival do not move the watermark (SPEC.md 4). */
  readonly maxAheadMs: number;
  /** A lane silent for longer is left out of the minimum. */
  readonly idleAfterMs: number;
  readonly late: "quarantine" | "count";
}
/** A row goes iff an earlier emitted row with the same key (NULL-safe) lies within the watermark's delay in event time (SPEC.md 5). */
export interface DropDuplicatesWithinWatermark {
  readonly kind: "dropDuplicatesWithinWatermark";
  readonly input: LogicalPlan;
  readonly keys: readonly string[];
}

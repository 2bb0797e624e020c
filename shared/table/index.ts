/** table: a Delta table as people use it. */
export * from "./delta-table.ts";
export * from "./table-catalog.ts";
export * from "./read-rows.ts";
export * from "./clone.ts";
export * from "./row-condition.ts";
export * from "./row-page.ts";
export * from "./table-session.ts";
export * from "./constraints/guarded-plan.ts";
export * from "./constraints/table-rule.ts";
export type { ChangeRange } from "./changes/change-range.ts";
export * from "./changes/commit-changes.ts";
export * from "./changes/table-changes.ts";
export * from "./changes/change-inputs.ts";
export * from "./changes/read-changes.ts";
export * from "./care/optimize.ts";
export * from "./care/purge.ts";
export type { RewriteMetrics } from "./care/rewrite-metrics.ts";
export type { RewriteProgress, RewriteResult } from "./care/rewrite-table.ts";

/** What is known of a plan before any data is seen, and what cannot be. */
export * from "./analyze.ts";
export { joinColumns } from "./join-columns.ts";
export type { JoinColumn } from "./join-columns.ts";
export { columnType, schemaOf } from "./schema-of.ts";
export { checkStreaming, deduplicationTime, eventTimeOf, isStreaming, rowLocal, scansOf } from "./streaming.ts";
export type { EventTime, StreamingFacts } from "./streaming.ts";
export { hasAggregate, hasWindow, hasWindows, typeOf, unknownColumn } from "./field-of.ts";
export { changeProblem, checkChangeRules } from "./change-rules.ts";
export type { ChangeProblem } from "./change-rules.ts";
export { commonPartition } from "./common-partition.ts";
export { replacedRows } from "./replaced-rows.ts";
export { checkExactKeys, checkTotalOrder } from "./view-checks.ts";
export { topKOf } from "./top-k.ts";
export type { TopK } from "./top-k.ts";

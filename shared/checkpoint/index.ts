/** checkpoint: a flow's logs, their names, schemas and versions, and its leases. All in the account `host`. */
export { claimCare, endCare } from "./care-record.ts";
export { dutyIntervalMs } from "./duty-interval.ts";
export * from "./flow-log.ts";
export * from "./formats.ts";
export * from "./job-log.ts";
export * from "./job-record.ts";
export * from "./lane-log.ts";
export * from "./layout.ts";
export * from "./lease-keeper.ts";
export * from "./query-progress.ts";
export { type RecordContext } from "./records.ts";

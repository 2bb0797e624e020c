/** serving: what is told of flows and tables. It reads logs and tables, computes nothing of its own and changes nothing. */
export { flowStatus, type FlowStatus, type LastBatch, type ServingContext } from "./flow-status.ts";
export type { HubHeads, InputLag } from "./input-lag.ts";
export { quarantinedRows, type QuarantinedRows } from "./quarantine-status.ts";

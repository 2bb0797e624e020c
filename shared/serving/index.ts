/** serving: what is told of flows and tables. It reads logs and tables, computes nothing of its own and changes nothing. */
export { flowStatus, type FlowStatus } from "./flow-status.ts";
export { quarantinedRows, type QuarantinedRows } from "./quarantine-status.ts";

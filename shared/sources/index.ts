/** sources: where rows come from, as ports and their adapters. The adapter of real hubs loads their SDK, and is imported by its own name. */
export * from "./event-hub.ts";
export * from "./landing.ts";
export * from "./memory-event-hub.ts";

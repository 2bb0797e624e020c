/** sources: where rows come from, as ports and their adapters. */
export * from "./amqp-event-hub-reader.ts";
export * from "./event-hub.ts";
export * from "./landing.ts";
export * from "./memory-event-hub.ts";

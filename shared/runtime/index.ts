/** runtime: the composition root, and the only reader of the environment. */
export * from "./app.ts";
export { functionsOf, scheduleOf } from "./triggers.ts";
export { jsonLogger } from "./json-logger.ts";
export { readSettings, type Settings } from "./settings.ts";
export { QueueDoorbells, QueueJobBells } from "./queue-doorbells.ts";

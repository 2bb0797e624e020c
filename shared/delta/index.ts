/** The public face of `delta`: the Delta protocol. Parquet comes through ports. */
export * from "./actions.ts";
export * from "./log.ts";
export * from "./file-path.ts";
export * from "./schema.ts";
export * from "./commit-file.ts";
export * from "./active-files.ts";
export * from "./snapshot.ts";
export * from "./fence.ts";
export * from "./conflict.ts";
export * from "./transaction.ts";
export * from "./create.ts";
export * from "./changes.ts";
export * from "./checkpoint.ts";
export * from "./clean-log.ts";
export * from "./stats.ts";
export * from "./skipping.ts";
export { assertReadable, assertWritable, protocolFor } from "./table-features.ts";
export { durationMs } from "./table-properties.ts";

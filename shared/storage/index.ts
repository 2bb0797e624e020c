/** The public face of `storage`: the port to object storage, its adapters, and the put that knows its own outcome. */
export * from "./object-store.ts";
export * from "./verified-put.ts";
export * from "./byte-order.ts";
export { MemoryStore } from "./memory-store.ts";
export { FileStore } from "./file-store.ts";
export { AzureBlobStore } from "./blob-store.ts";
export { deleteAll } from "./delete-all.ts";
export { hivePartitionPath } from "./hive-path.ts";

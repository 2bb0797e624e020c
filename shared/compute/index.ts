/** compute: who runs a plan over file sets. */
export * from "./compute.ts";
export { DuckDbCompute, type DuckDbSettings } from "./duckdb/duckdb-compute.ts";
export type { CheckpointFiles } from "./duckdb/parquet-checkpoints.ts";
export { transientCheckpoints } from "./duckdb/transient-checkpoints.ts";
export { textFileColumns } from "./duckdb/text-file-set.ts";

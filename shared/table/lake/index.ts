/**
 * dyne/delta: Delta tables for Node, without a cluster.
 *
 *     await using lake = await DeltaLake.open({ store: localFolder("./data") });
 *     const people = await lake.create("people", { schema: struct({ id: long(), name: string() }) });
 *     await people.append([{ id: 1, name: "Ada" }]);
 *     for await (const row of people.read({ where: ({ id }) => id.gt(0) })) console.log(row);
 */
export { DeltaLake, localFolder, type LakeOptions, type OpenOptions, type TableOptions } from "./delta-lake.ts";
export { azureStorage, type AzureStorageOptions } from "../../storage/azure-storage.ts";
export { LakeTable } from "./lake-table.ts";
export type {
  At,
  LakeSource,
  Rows,
  TableChangeOptions,
  TableOptimizeOptions,
  TableOverwriteOptions,
  TablePurgeOptions,
  TableReadOptions,
  TableWriteOptions,
} from "./table-options.ts";
export { MergeBuilder, type MergeRunOptions } from "./merge-builder.ts";
export type { Condition, MergeSides, Values } from "./conditions.ts";
export type { Alteration } from "../alter/alteration.ts";
export type { ChangeRange } from "../changes/change-range.ts";
export type { TableDetail } from "../care/detail.ts";
export type { FileFault, FsckMetrics, FsckOptions, FsckResult } from "../care/fsck.ts";
export type { HistoryEntry, HistoryOptions } from "../care/history.ts";
export type { KeepFiles } from "../care/keep-files.ts";
export type { RestoreMetrics, RestoreOptions, RestoreResult } from "../care/restore-table.ts";
export type { RewriteMetrics } from "../care/rewrite-metrics.ts";
export type { RewriteProgress, RewriteResult } from "../care/rewrite-table.ts";
export type { VacuumMetrics, VacuumOptions, VacuumProgress, VacuumResult } from "../care/vacuum.ts";
export type { RepeatOptions } from "./repeat.ts";
export type { InputRow, InputRowOf, InputValue } from "./row-input.ts";
export type { ChangeOf, OutputRow, OutputValue, RowOf } from "./row-output.ts";
export type { SourceRows } from "../write/source-rows.ts";
export type { WriteMetrics, WriteOptions, WriteOutcome } from "../write/write-outcome.ts";
export { DyneError, errorCodes, isDyneError, type ErrorCode, type ErrorKind } from "../../core/index.ts";
export type { ConflictReason, Fence, Snapshot } from "../../delta/index.ts";
export type { ObjectStore } from "../../storage/index.ts";
export * from "../../plan/data-type.ts";
export { Column, type ColumnsOf, type ColumnTypes } from "../../plan/dataframe/index.ts";
export * from "../../plan/dataframe/calendar-functions.ts";
export * from "../../plan/dataframe/collection-functions.ts";
export * from "../../plan/dataframe/functions.ts";
export * from "../../plan/dataframe/number-functions.ts";
export * from "../../plan/dataframe/text-functions.ts";
export type { DataType, Schema, StructField } from "../../plan/types.ts";

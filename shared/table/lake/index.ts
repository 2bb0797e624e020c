/**
 * dyne/delta: Delta tables for Node, without a cluster.
 *
 *     await using lake = await DeltaLake.open({ store: localFolder("./data") });
 *     const people = await lake.create("people", { schema: struct({ id: long(), name: string() }) });
 *     await people.append([{ id: 1, name: "Ada" }]);
 *     for await (const row of people.read({ where: ({ id }) => id.gt(0) })) console.log(row);
 */
export { DeltaLake, localFolder, type LakeOptions, type TableOptions } from "./delta-lake.ts";
export { azureStorage, type AzureStorageOptions } from "../../storage/azure-storage.ts";
export {
  LakeTable,
  type LakeSource,
  type At,
  type Rows,
  type TableOverwriteOptions,
  type TableReadOptions,
  type TableWriteOptions,
} from "./lake-table.ts";
export { MergeBuilder, type MergeRunOptions, type MergeSides } from "./merge-builder.ts";
export type { Condition, Values } from "./conditions.ts";
export type { RepeatOptions } from "./repeat.ts";
export type { InputRow, InputRowOf, InputValue } from "./row-input.ts";
export type { OutputRow, OutputValue, RowOf } from "./row-output.ts";
export type { SourceRows } from "../write/source-rows.ts";
export type { WriteMetrics, WriteOptions, WriteOutcome } from "../write/write-outcome.ts";
export { DyneError, errorCodes, isDyneError, type ErrorCode, type ErrorKind } from "../../core/index.ts";
export type { ConflictReason, Fence, Snapshot } from "../../delta/index.ts";
export type { ObjectStore } from "../../storage/index.ts";
export * from "../../plan/data-type.ts";
export { Column, type ColumnsOf, type ColumnTypes } from "../../plan/dataframe/index.ts";
export * from "../../plan/dataframe/functions.ts";
export type { DataType, Schema, StructField } from "../../plan/types.ts";

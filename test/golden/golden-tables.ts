/**
 * The golden tables: Delta tables written by Spark, with what dyne must say of each of them. They lie beside the checkout
 * (`../shared/golden`), or where GOLDEN_TABLES points.
 *
 * A table either opens (`files`: how many are active, by version; the newest is the last), or is refused with a code and the words that
 * name the reason. `covers` says what it is there for. `expected/` beside a table holds the rows of its newest version.
 */
import type { ErrorCode } from "../../shared/core/index.ts";

/** The folder of all golden tables. */
export const goldenFolder = process.env["GOLDEN_TABLES"] ?? new URL("../../../shared/golden", import.meta.url).pathname;

export type GoldenTable =
  | {
      readonly name: string;
      readonly covers: string;
      readonly kind: "opens";
      /** Active files by version. */
      readonly files: Readonly<Record<number, number>>;
      readonly partitionBy?: readonly string[];
    }
  | {
      readonly name: string;
      readonly covers: string;
      readonly kind: "refused";
      readonly code: ErrorCode;
      /** What the message names. */
      readonly names: string;
      /** Only a checkpoint says what is wrong; the commits alone are sound. */
      readonly byCheckpoint?: true;
    };

const opens = (
  name: string,
  covers: string,
  files: Readonly<Record<number, number>>,
  partitionBy: readonly string[] = [],
): GoldenTable => ({ name, covers, kind: "opens", files, partitionBy });
const refused = (name: string, covers: string, code: ErrorCode, names: string): GoldenTable => ({
  name,
  covers,
  kind: "refused",
  code,
  names,
});
const refusedByCheckpoint = (name: string, covers: string, code: ErrorCode, names: string): GoldenTable => ({
  name,
  covers,
  kind: "refused",
  code,
  names,
  byCheckpoint: true,
});

export const goldenTables: readonly GoldenTable[] = [
  opens("124-decimal-decode-bug", "a decimal(10,0) stored as 64 bits, which some readers take for one of 32", { 0: 2 }),
  opens("basic-decimal-table", "decimals of several precisions; a decimal as partition value", { 0: 4 }, ["part"]),
  opens(
    "basic-with-inserts-deletes-checkpoint",
    "inserts and deletes before and after a checkpoint; every version by time travel, across it",
    {
      0: 1,
      1: 2,
      2: 3,
      3: 4,
      4: 5,
      5: 5,
      6: 5,
      7: 5,
      8: 5,
      9: 5,
      10: 6,
      11: 7,
      12: 8,
      13: 7,
    },
  ),
  opens(
    "basic-with-inserts-overwrite-restore",
    "an overwrite, taken back by Spark's RESTORE; a checkpoint of the newest version",
    { 0: 2, 1: 4, 2: 2, 3: 4 },
  ),
  opens(
    "basic-with-vacuum-protocol-check-feature",
    "a protocol raised to table features by a property, with vacuumProtocolCheck",
    { 0: 2, 1: 2 },
  ),
  opens("canonicalized-paths-normal-b", "an absolute path in add and remove: /a and file:///a are one file", {
    0: 1,
    1: 0,
  }),
  opens("canonicalized-paths-special-b", "the same with percent-encoded characters: /a and :///a", { 0: 1, 1: 0 }),
  opens("corrupted-last-checkpoint-kernel", "a _last_checkpoint that is no JSON: the checkpoint is found by listing", {
    0: 2,
    1: 4,
    2: 6,
    3: 8,
    4: 10,
    5: 12,
    6: 14,
    7: 16,
    8: 18,
    9: 20,
    10: 22,
    11: 2,
  }),
  opens("data-reader-array-complex-objects", "arrays in arrays, arrays of maps and of structs", { 0: 2 }),
  opens("data-reader-date-types-America", "dates and timestamps written under the session zone America/Los_Angeles", {
    0: 2,
  }),
  opens("data-reader-date-types-Etc", "dates and timestamps written under a session zone Etc/GMT+9", { 0: 2 }),
  opens("data-reader-date-types-Jst", "dates and timestamps written under the session zone JST", { 0: 2 }),
  opens("data-reader-date-types-utc", "dates and timestamps written under the session zone UTC", { 0: 2 }),
  opens("data-reader-map", "maps of primitives, of decimals, and of arrays of structs", { 0: 2 }),
  opens("data-reader-nullable-field-invalid-schema-key", "an array whose elements may be NULL", { 0: 2 }),
  opens("data-reader-primitives", "every primitive type, and NULL in each", { 0: 2 }),
  opens(
    "data-reader-timestamp_ntz-id-mode",
    "timestampNtz as column and as partition value; column mapping by id",
    { 0: 0, 1: 4 },
    ["tsNtzPartition"],
  ),
  opens("data-skipping-basic-stats-all-types", "statistics of every type that has them", { 0: 1 }),
  opens(
    "data-skipping-basic-stats-all-types-columnmapping-id",
    "statistics by physical names; column mapping by id at reader 2, writer 5",
    { 0: 1 },
  ),
  opens(
    "data-skipping-change-stats-collected-across-versions",
    "files with statistics of two columns, of one, and of none, side by side",
    { 0: 1, 1: 1, 2: 2, 3: 2, 4: 3 },
  ),
  opens("decimal-various-scale-precision", "decimals stored as 32 bits, 64 bits and bytes, up to 38 digits", { 0: 1 }),
  opens("deltalog-commit-info", "a commitInfo with every field that there is; a table without columns", {
    0: 1,
  }),
  refused(
    "deltalog-invalid-protocol-version",
    "a reader version that does not exist yet",
    "UNSUPPORTED_FEATURE",
    "reader version 99",
  ),
  refusedByCheckpoint(
    "deltalog-state-reconstruction-from-checkpoint-missing-protocol",
    "a checkpoint without a protocol",
    "LOG_CORRUPT",
    "protocol",
  ),
  refused("deltalog-state-reconstruction-without-protocol", "commits without a protocol", "LOG_CORRUPT", "protocol"),
  opens(
    "dv-with-columnmapping",
    "deletion vectors that grow version by version; column mapping by name; partitions; a checkpoint",
    {
      0: 20,
      1: 20,
      2: 20,
      3: 20,
      4: 20,
      5: 20,
      6: 20,
      7: 20,
      8: 20,
      9: 19,
      10: 18,
      11: 17,
      12: 16,
      13: 15,
      14: 15,
      15: 15,
    },
    ["part"],
  ),
  opens("kernel-timestamp-int96", "timestamps stored as INT96, also as partition values", { 0: 5 }, ["part"]),
  opens("kernel-timestamp-timestamp_micros", "timestamps stored in microseconds, also as partition values", { 0: 5 }, [
    "part",
  ]),
  opens(
    "log-replay-dv-key-cases",
    "one file with one deletion vector after another: a file is its path and its vector",
    { 0: 1, 1: 1, 2: 1, 3: 1 },
  ),
  opens("log-replay-special-characters", "a file with a percent-encoded path, added and removed", { 0: 1, 1: 0 }),
  opens("log-replay-special-characters-b", "a file with a percent-encoded path that stays", { 0: 1 }),
  refused("no-delta-log-folder", "a folder of Parquet files that is no Delta table", "TABLE_NOT_FOUND", "_delta_log"),
  opens("parquet-all-types", "every type of Parquet that Spark writes, nested ones and timestampNtz too", { 0: 1 }),
  opens("snapshot-data0", "a single version of two files", { 0: 2 }),
  opens("snapshot-data2", "the same after an append and an overwrite", { 0: 2, 1: 4, 2: 2 }),
  opens("snapshot-data3", "the same after one more append", { 0: 2, 1: 4, 2: 2, 3: 4 }),
  opens("snapshot-vacuumed", "the same after a delete and a vacuum: older versions have lost their files", {
    0: 2,
    1: 4,
    2: 2,
    3: 4,
    4: 3,
    5: 2,
  }),
  opens("table-with-columnmapping-mode-name", "column mapping by name, of every type and of nested fields", { 0: 2 }),
  opens(
    "time-travel-partition-changes-b",
    "partition columns changed by an overwrite: a version has its own",
    { 0: 10, 1: 4 },
    ["part2"],
  ),
  opens("time-travel-schema-changes-b", "a column added by an append: a version has its own schema", { 0: 2, 1: 4 }),
  opens("time-travel-start-start20", "two versions by their number and time", { 0: 2, 1: 4 }),
  opens("update-deleted-directory", "a checkpoint of the first version, whose files are not there", { 0: 10 }),
  opens("v2-checkpoint-parquet", "a V2 checkpoint in Parquet with sidecars", { 0: 0, 1: 0, 2: 4 }),
];

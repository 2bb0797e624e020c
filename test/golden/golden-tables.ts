/**
 * The golden tables: Delta tables written by Spark, with what dyne must say of each of them. They lie beside the checkout
 * (`../shared/golden`), or where GOLDEN_TABLES points.
 *
 * A table either opens (`files`: how many are active, by version; the newest is the last), or is refused with a code and the words that
 * name the reason. `expected/` beside a table holds the rows of its newest version.
 */
import type { ErrorCode } from "../../shared/core/index.ts";

/** The folder of all golden tables. */
export const goldenFolder = process.env["GOLDEN_TABLES"] ?? new URL("../../../shared/golden", import.meta.url).pathname;

export type GoldenTable =
  | {
      readonly name: string;
      readonly kind: "opens";
      /** Active files by version. */
      readonly files: Readonly<Record<number, number>>;
      readonly partitionBy?: readonly string[];
    }
  | {
      readonly name: string;
      readonly kind: "refused";
      readonly code: ErrorCode;
      /** What the message names. */
      readonly names: string;
      /** Only a checkpoint says what is wrong; the commits alone are sound. */
      readonly byCheckpoint?: true;
    };

const opens = (
  name: string,
  files: Readonly<Record<number, number>>,
  partitionBy: readonly string[] = [],
): GoldenTable => ({ name, kind: "opens", files, partitionBy });
const refused = (name: string, code: ErrorCode, names: string): GoldenTable => ({ name, kind: "refused", code, names });
const refusedByCheckpoint = (name: string, code: ErrorCode, names: string): GoldenTable => ({
  name,
  kind: "refused",
  code,
  names,
  byCheckpoint: true,
});

export const goldenTables: readonly GoldenTable[] = [
  opens("124-decimal-decode-bug", { 0: 2 }),
  opens("basic-decimal-table", { 0: 4 }, ["part"]),
  opens("basic-with-inserts-deletes-checkpoint", {
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
  }),
  opens("basic-with-inserts-overwrite-restore", { 0: 2, 1: 4, 2: 2, 3: 4 }),
  opens("basic-with-vacuum-protocol-check-feature", { 0: 2, 1: 2 }),
  opens("canonicalized-paths-normal-b", { 0: 1, 1: 0 }),
  opens("canonicalized-paths-special-b", { 0: 1, 1: 0 }),
  opens("corrupted-last-checkpoint-kernel", {
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
  opens("data-reader-array-complex-objects", { 0: 2 }),
  opens("data-reader-date-types-America", { 0: 2 }),
  opens("data-reader-date-types-Etc", { 0: 2 }),
  opens("data-reader-date-types-Jst", { 0: 2 }),
  opens("data-reader-date-types-utc", { 0: 2 }),
  opens("data-reader-map", { 0: 2 }),
  opens("data-reader-nullable-field-invalid-schema-key", { 0: 2 }),
  opens("data-reader-primitives", { 0: 2 }),
  opens("data-reader-timestamp_ntz-id-mode", { 0: 0, 1: 4 }, ["tsNtzPartition"]),
  opens("data-skipping-basic-stats-all-types", { 0: 1 }),
  opens("data-skipping-basic-stats-all-types-columnmapping-id", { 0: 1 }),
  opens("data-skipping-change-stats-collected-across-versions", { 0: 1, 1: 1, 2: 2, 3: 2, 4: 3 }),
  opens("decimal-various-scale-precision", { 0: 1 }),
  opens("deltalog-commit-info", { 0: 1 }),
  refused("deltalog-invalid-protocol-version", "UNSUPPORTED_FEATURE", "reader version 99"),
  refusedByCheckpoint("deltalog-state-reconstruction-from-checkpoint-missing-protocol", "LOG_CORRUPT", "protocol"),
  refused("deltalog-state-reconstruction-without-protocol", "LOG_CORRUPT", "protocol"),
  opens(
    "dv-with-columnmapping",
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
  opens("kernel-timestamp-int96", { 0: 5 }, ["part"]),
  opens("kernel-timestamp-timestamp_micros", { 0: 5 }, ["part"]),
  opens("log-replay-dv-key-cases", { 0: 1, 1: 1, 2: 1, 3: 1 }),
  opens("log-replay-special-characters", { 0: 1, 1: 0 }),
  opens("log-replay-special-characters-b", { 0: 1 }),
  refused("no-delta-log-folder", "TABLE_NOT_FOUND", "_delta_log"),
  opens("parquet-all-types", { 0: 1 }),
  opens("snapshot-data0", { 0: 2 }),
  opens("snapshot-data2", { 0: 2, 1: 4, 2: 2 }),
  opens("snapshot-data3", { 0: 2, 1: 4, 2: 2, 3: 4 }),
  opens("snapshot-vacuumed", { 0: 2, 1: 4, 2: 2, 3: 4, 4: 3, 5: 2 }),
  opens("table-with-columnmapping-mode-name", { 0: 2 }),
  opens("time-travel-partition-changes-b", { 0: 10, 1: 4 }, ["part2"]),
  opens("time-travel-schema-changes-b", { 0: 2, 1: 4 }),
  opens("time-travel-start-start20", { 0: 2, 1: 4 }),
  opens("update-deleted-directory", { 0: 10 }),
  opens("v2-checkpoint-parquet", { 0: 0, 1: 0, 2: 4 }),
];

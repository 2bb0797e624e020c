/**
 * The properties of tables that dyne knows: all that Delta has names for (PROTOCOL.md § Table Properties; Delta's table properties
 * reference), and its own (`dyne.…`). Whoever acts on one reads it here.
 *
 *   tableProperty(metadata.configuration, "delta.logRetentionDuration")   → milliseconds
 */
import { limits } from "../core/index.ts";
import {
  anyText,
  bytes,
  columnPaths,
  duration,
  flag,
  refusedFlag,
  switchOf,
  wholeNumber,
  word,
  type TableProperty,
} from "./property-kinds.ts";

type Properties = Readonly<Record<string, TableProperty<unknown>>>;

/** What may be done with the rows, and how writers stay out of each other's way. */
const rules = {
  "delta.appendOnly": flag(false, "Rows are never changed or removed.", {
    feature: (on) => (on ? "appendOnly" : undefined),
  }),
  "delta.isolationLevel": word(
    ["WriteSerializable", "Serializable"],
    "WriteSerializable",
    "Whether rows that others appended matter to a writer that has read the table.",
  ),
  "delta.setTransactionRetentionDuration": duration(
    undefined,
    "How long a `txn` is remembered. Not for tables that dyne's flows write: they are told apart by it.",
  ),
} as const satisfies Properties;

/** What a table's files and log hold beside rows. */
const content = {
  "delta.enableChangeDataFeed": switchOf(
    "changeDataFeed",
    "Commits that change rows say which rows, for the change feed.",
  ),
  "delta.enableDeletionVectors": switchOf(
    "deletionVectors",
    "Rows may be deleted by vector, without a rewrite of their files.",
  ),
  "delta.enableInCommitTimestamps": switchOf("inCommitTimestamp", "Each commit carries its time in its own file."),
  "delta.inCommitTimestampEnablementVersion": wholeNumber(0, undefined, "Since which version.", { isInternal: true }),
  "delta.inCommitTimestampEnablementTimestamp": wholeNumber(0, undefined, "Since when.", { isInternal: true }),
  "delta.enableTypeWidening": switchOf(
    "typeWidening",
    "Columns may get a wider type without a rewrite of their files.",
  ),
  "delta.columnMapping.mode": word(
    ["none", "name", "id"],
    "none",
    "Columns have names in files that stay when they are renamed, or dropped and made anew.",
    { feature: (mode) => (mode === "none" ? undefined : "columnMapping") },
  ),
  "delta.columnMapping.maxColumnId": wholeNumber(0, undefined, "The last id that a column got.", { isInternal: true }),
  "delta.enableRowTracking": refusedFlag("rowTracking", "Rows keep an id."),
  "delta.rowTrackingSuspended": refusedFlag("rowTracking", "Rows get no ids for a while."),
  "delta.enableVariantShredding": refusedFlag("variantShredding", "Variants are stored in parts."),
  "delta.enableIcebergCompatV1": refusedFlag("icebergCompatV1", "Readers of Iceberg can read the table."),
  "delta.enableIcebergCompatV2": refusedFlag("icebergCompatV2", "Readers of Iceberg can read the table."),
  "delta.enableIcebergCompatV3": refusedFlag("icebergCompatV3", "Readers of Iceberg can read the table."),
  "delta.universalFormat.enabledFormats": anyText("Other formats that readers see.", {
    refused: (formats) => (formats ? "universalFormat" : undefined),
  }),
  "delta.compatibility.symlinkFormatManifest.enabled": refusedFlag("symlinkFormatManifest", "Manifests for Presto."),
  "delta.coordinatedCommits.commitCoordinator-preview": anyText("Commits go through a coordinator.", {
    refused: () => "coordinatedCommits",
  }),
} as const satisfies Properties;

/** How data files are written. */
const layout = {
  "delta.dataSkippingNumIndexedCols": wholeNumber(
    -1,
    32,
    "How many columns, from the first on, have statistics in new files; -1 for all. Partition columns do not count, fields of structs do.",
  ),
  "delta.dataSkippingStatsColumns": columnPaths(
    "The columns that have statistics in new files, instead of the first ones.",
  ),
  "delta.targetFileSize": bytes(undefined, "The size that optimize makes files of."),
  "delta.tuneFileSizesForRewrites": flag(false, "Smaller files for tables that are often rewritten: not acted on."),
  "delta.autoOptimize.autoCompact": word(
    ["true", "false", "auto", "legacy"],
    "true",
    "Small files of a table that a flow writes are merged by themselves, unless it is false. Not acted on for other tables.",
  ),
  "delta.autoOptimize.optimizeWrite": flag(false, "Fewer, larger files per write: not acted on."),
  "delta.randomizeFilePrefixes": flag(
    false,
    "New files lie in folders with random names, not in folders by partition.",
  ),
  "delta.randomPrefixLength": wholeNumber(1, 2, "How many characters these names have.", { most: 64 }),
  "delta.parquet.compression.codec": word(
    ["zstd", "snappy", "gzip", "lz4", "lz4_raw", "uncompressed", "none"],
    "zstd",
    "How files are compressed.",
    { refused: (codec) => (codec === "zstd" ? undefined : `compression by ${codec}`) },
  ),
} as const satisfies Properties;

/** What is kept for how long. */
const retention = {
  "delta.logRetentionDuration": duration(limits.logRetentionMs, "How long entries of the log are kept."),
  "delta.enableExpiredLogCleanup": flag(true, "Entries of the log that are older are deleted."),
  "delta.deletedFileRetentionDuration": duration(
    limits.tombstoneRetentionMs,
    "How long files that were removed stay in the store for readers of older versions.",
  ),
  "delta.sampleRetentionDuration": duration(undefined, "Not acted on."),
  "delta.enableFullRetentionRollback": flag(true, "Not acted on."),
  "delta.checkpointInterval": wholeNumber(
    1,
    undefined,
    "Commits after which there is a checkpoint. Where it is not set, the size of the log decides.",
  ),
  "delta.checkpointPolicy": word(["classic", "v2"], "classic", "The form of checkpoints.", {
    refused: (policy) => (policy === "v2" ? "v2Checkpoint" : undefined),
  }),
  "delta.checkpoint.writeStatsAsJson": flag(true, "Checkpoints have statistics as JSON.", {
    refused: (on) => (on ? undefined : "checkpoints without statistics"),
  }),
  "delta.checkpoint.writeStatsAsStruct": flag(false, "Checkpoints have statistics as columns.", {
    refused: (on) => (on ? "checkpoints with statistics as columns" : undefined),
  }),
  "delta.requireCheckpointProtectionBeforeVersion": wholeNumber(0, undefined, "Checkpoints that must stay.", {
    isInternal: true,
  }),
} as const satisfies Properties;

/** What dyne alone acts on. */
const own = {
  // Whoever set it to what it cannot be did not want files to go.
  "dyne.autoVacuum": {
    ...flag(true, "Files of a table that a flow writes go by themselves once nothing needs them any more."),
    unreadable: false,
  },
} as const satisfies Properties;

/** Every property that dyne knows, by its name. */
export const tableProperties = { ...rules, ...content, ...layout, ...retention, ...own } as const;

export type TablePropertyName = keyof typeof tableProperties;
type ValueOf<Name extends TablePropertyName> = (typeof tableProperties)[Name]["absent"] extends infer Absent
  ? Absent | NonNullable<ReturnType<(typeof tableProperties)[Name]["parse"]>>
  : never;

/** The value of a property of a table: what it stands for where it is not set, or cannot be read. Pure. */
export function tableProperty<Name extends TablePropertyName>(
  configuration: Readonly<Record<string, string>>,
  name: Name,
): ValueOf<Name> {
  const property = tableProperties[name] as TableProperty<ValueOf<Name>>;
  const text = configuration[name];
  if (text === undefined) return property.absent;
  return property.parse(text) ?? property.unreadable;
}

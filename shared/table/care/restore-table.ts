/** Takes a table back to an older version, as a version of its own (Delta's RESTORE): nothing of its history is lost. */
import { isDeepStrictEqual } from "node:util";
import { DyneError } from "../../core/index.ts";
import {
  fileKey,
  removeOf,
  type Action,
  type AddFile,
  type ConflictReason,
  type Metadata,
  type Protocol,
  type Snapshot,
} from "../../delta/index.ts";
import type { DeltaTable } from "../delta-table.ts";
import { progressFlow, writingFlow } from "../writing-flow.ts";
import { assertFilesThere, missingFiles } from "./stored-files.ts";
import { unchanged } from "../unchanged.ts";

/** The version to go back to, or the last one committed at or before a time in milliseconds since the epoch. */
export type RestoreTarget = { readonly version: number } | { readonly timestampMs: number };

export interface RestoreOptions {
  /** Goes back without the files that are no longer in the store; their rows are then missing. */
  readonly withoutMissing?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RestoreMetrics {
  readonly filesRestored: number;
  readonly bytesRestored: number;
  readonly filesRemoved: number;
  readonly bytesRemoved: number;
  readonly filesMissing: number;
  readonly filesAfter: number;
  readonly bytesAfter: number;
}

export type RestoreResult =
  | {
      readonly kind: "committed";
      readonly version: number;
      readonly restored: number;
      readonly metrics: RestoreMetrics;
    }
  /** The table is as it was at that version. */
  | { readonly kind: "unchanged"; readonly version: number; readonly restored: number }
  /** Somebody wrote meanwhile: decide again. */
  | { readonly kind: "conflict"; readonly version: number; readonly reason: ConflictReason };

/**
 * Restores a table's files, columns and properties. The protocol is never lowered. Readers of changes see what came and what went.
 *
 * Errors: VERSION_NOT_FOUND; FILE_MISSING where vacuum has deleted files of the version, without `withoutMissing`; INVALID_ARGUMENT for a
 * table that a flow of dyne writes, whose place in its input would stay behind; UNSUPPORTED_FEATURE where the version needs a feature that
 * the table has dropped since. Safe to repeat.
 */
export async function restoreTable(
  table: DeltaTable,
  target: RestoreTarget,
  { withoutMissing = false, signal }: RestoreOptions = {},
): Promise<RestoreResult> {
  const latest = await table.latest();
  assertNoFlow(table, latest);
  const wanted = "version" in target ? await table.at(target.version) : await table.asOf(target.timestampMs);
  assertFeatures(table, latest.protocol, wanted.protocol);
  const added = [...wanted.files].filter((file) => !latest.files.has(fileKey(file)));
  const removed = [...latest.files].filter((file) => !wanted.files.has(fileKey(file)));
  const missing = withoutMissing ? new Set(await missingFiles(table, added)) : new Set<AddFile>();
  if (!withoutMissing) await assertFilesThere(table, added);
  const restored = added.filter((file) => !missing.has(file));
  const nowMs = table.log.clock.nowMs();
  const actions: readonly Action[] = [
    ...metadataChange(latest, wanted),
    ...domainChanges(latest, wanted),
    ...removed.map((file): Action => ({ remove: removeOf(file, { deletionTimestampMs: nowMs }) })),
    ...restored.map((file): Action => ({ add: { ...file, dataChange: true } })),
  ];
  if (actions.length === 0) return { ...unchanged(table, latest), restored: wanted.version };
  const metrics = metricsOf(latest, { restored, removed, missing: missing.size });
  const result = await table.commit({
    base: latest,
    actions,
    isBlindAppend: false,
    readsWholeTable: true,
    // Whole files come and go, which is all that a reader of changes has to know.
    movesNoRows: true,
    operation: "RESTORE",
    operationParameters: {
      version: "version" in target ? target.version : null,
      timestamp: "version" in target ? null : new Date(target.timestampMs).toISOString(),
    },
    operationMetrics: {
      tableSizeAfterRestore: metrics.bytesAfter,
      numOfFilesAfterRestore: metrics.filesAfter,
      numRemovedFiles: metrics.filesRemoved,
      numRestoredFiles: metrics.filesRestored,
      removedFilesSize: metrics.bytesRemoved,
      restoredFilesSize: metrics.bytesRestored,
    },
    signal,
  });
  if (result.kind === "committed")
    return { kind: "committed", version: result.version, restored: wanted.version, metrics };
  const reason = result.kind === "conflict" ? result.reason : "contention";
  return { kind: "conflict", version: result.snapshot.version, reason };
}

function assertNoFlow(table: DeltaTable, snapshot: Snapshot): void {
  const flow = writingFlow(snapshot);
  if (flow === undefined) return;
  const why =
    flow === progressFlow
      ? "which would never add again what it lost. Read it at an older version instead."
      : `whose state and place in its input would stay as they are. Use "dyne flow restore ${flow}", which takes them back too.`;
  throw new DyneError("INVALID_ARGUMENT", `${table.path} is written by the flow ${flow}, ${why}`, {
    details: { flow },
  });
}

/** What the newest protocol allows stays allowed; what the old version needs beyond it is not brought back. */
function assertFeatures(table: DeltaTable, latest: Protocol, wanted: Protocol): void {
  const dropped = [
    ...(wanted.readerFeatures ?? []).filter((name) => !(latest.readerFeatures ?? []).includes(name)),
    ...(wanted.writerFeatures ?? []).filter((name) => !(latest.writerFeatures ?? []).includes(name)),
  ];
  const isLower =
    latest.minReaderVersion < wanted.minReaderVersion || latest.minWriterVersion < wanted.minWriterVersion;
  if (dropped.length === 0 && !isLower) return;
  throw new DyneError(
    "UNSUPPORTED_FEATURE",
    `The version of ${table.path} to go back to needs ${[...new Set(dropped)].join(", ") || "a higher protocol"}, which the table has dropped since. Add it to the table first.`,
    { details: { features: [...new Set(dropped)] } },
  );
}

/** Properties that tell how ids and times of commits were given so far. */
const lasting = [
  "delta.columnMapping.maxColumnId",
  "delta.enableInCommitTimestamps",
  "delta.inCommitTimestampEnablementVersion",
  "delta.inCommitTimestampEnablementTimestamp",
] as const;

function metadataChange({ metadata: latest }: Snapshot, { metadata: wanted }: Snapshot): readonly Action[] {
  const kept = lasting.flatMap((key) => {
    const value = latest.configuration[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  const metadata: Metadata = {
    ...wanted,
    id: latest.id,
    configuration: { ...wanted.configuration, ...Object.fromEntries(kept) },
  };
  return isDeepStrictEqual(metadata, latest) ? [] : [{ metaData: metadata }];
}

function domainChanges({ domains: latest }: Snapshot, { domains: wanted }: Snapshot): readonly Action[] {
  const changed = [...wanted.values()].filter((domain) => !isDeepStrictEqual(latest.get(domain.domain), domain));
  const gone = [...latest.values()].filter(({ domain }) => !wanted.has(domain));
  return [...changed, ...gone.map((domain) => ({ ...domain, removed: true }))].map((domainMetadata) => ({
    domainMetadata,
  }));
}

function metricsOf(
  { files }: Snapshot,
  { restored, removed, missing }: { restored: readonly AddFile[]; removed: readonly AddFile[]; missing: number },
): RestoreMetrics {
  const [bytesRestored, bytesRemoved] = [bytesOf(restored), bytesOf(removed)];
  return {
    filesRestored: restored.length,
    bytesRestored,
    filesRemoved: removed.length,
    bytesRemoved,
    filesMissing: missing,
    filesAfter: files.size - removed.length + restored.length,
    bytesAfter: bytesOf(files) - bytesRemoved + bytesRestored,
  };
}

function bytesOf(files: Iterable<AddFile>): number {
  let bytes = 0;
  for (const { size } of files) bytes += size;
  return bytes;
}

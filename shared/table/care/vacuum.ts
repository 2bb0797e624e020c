/**
 * Deletes files in the store that no version within the retention needs (Delta's VACUUM). What is deleted, and what is not:
 *
 *     named by the newest version, or removed within the retention     stays, with its deletion vector
 *     of a version that a consumer has still to read                   stays, up to `limits.consumerLagMaxMs`
 *     named by the outcome of an open batch                            stays
 *     younger than the retention                                       stays: its commit may be still to come
 *     below `_` or `.`, but change files and partitions                stays: it is not the table's
 *     of a table inside of the table                                   stays
 *     all else                                                         goes
 */
import { DyneError, limits } from "../../core/index.ts";
import { assertWritable, dataFilePath, deletionVectorPath, tableProperty, type Snapshot } from "../../delta/index.ts";
import { deleteAll } from "../../storage/index.ts";
import type { DeltaTable } from "../delta-table.ts";
import { keepNothing, type KeepFiles } from "./keep-files.ts";
import { commitNote } from "./note.ts";
import { neededFiles, type NeededFiles } from "./needed-files.ts";
import { tableObjects } from "./table-objects.ts";

export interface VacuumOptions {
  /** Instead of the table's `delta.deletedFileRetentionDuration`, by default 7 days. */
  readonly retentionMs?: number | undefined;
  /** Allows a shorter retention than the table's: older versions, and readers that are at work on them, lose their files. */
  readonly force?: boolean | undefined;
  /** Says what would be deleted. */
  readonly dryRun?: boolean | undefined;
  /** What else needs the table's files; nothing does where it is not said. */
  readonly keep?: KeepFiles | undefined;
  /** Milliseconds since the epoch, by the table's clock, after which no more is deleted, but for one batch of files. */
  readonly untilMs?: number | undefined;
  readonly onProgress?: ((progress: VacuumProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface VacuumProgress {
  readonly filesDone: number;
  readonly files: number;
}

export interface VacuumMetrics {
  readonly filesDeleted: number;
  readonly bytesDeleted: number;
  /** Files below the table that were looked at. */
  readonly filesSeen: number;
}

export type VacuumResult =
  | {
      readonly kind: "committed";
      readonly version: number;
      readonly metrics: VacuumMetrics;
      /** False where there were more than one vacuum deletes, or than it had time for: do it again. */
      readonly isComplete: boolean;
    }
  /** What a vacuum would delete now: paths below the table's root, in order. */
  | {
      readonly kind: "planned";
      readonly version: number;
      readonly metrics: VacuumMetrics;
      readonly paths: readonly string[];
    }
  | { readonly kind: "unchanged"; readonly version: number };

/**
 * Vacuums a table: a note of the start in its log, the deletes, a bounded number at once, and a note of the end. What became active again
 * meanwhile, by a restore, stays. Nothing is deleted of a table whose protocol dyne does not write (PROTOCOL.md § VACUUM Protocol Check).
 *
 * Errors: TABLE_NOT_FOUND; INVALID_ARGUMENT for a retention that is shorter than the table's, without `force`; UNSUPPORTED_FEATURE; those
 * of the stores; BATCH_ABANDONED after `signal`. It may end anywhere: what is deleted is deleted, and another call does the rest.
 */
export async function vacuum(table: DeltaTable, options: VacuumOptions = {}): Promise<VacuumResult> {
  const snapshot = await table.latest();
  assertWritable(table.path, snapshot.protocol, snapshot.metadata, snapshot.schema);
  const retention = retentionOf(table, snapshot, options);
  const found = await findUnneeded(table, snapshot, retention, options);
  if (options.dryRun === true) {
    const paths = found.files.map(({ path }) => path.slice(table.path.length + 1));
    return { kind: "planned", version: snapshot.version, metrics: metricsOf(found), paths };
  }
  if (found.files.length === 0) return { kind: "unchanged", version: snapshot.version };
  const parameters = {
    retentionCheckEnabled: options.force !== true,
    defaultRetentionMillis: retention.tableMs,
    specifiedRetentionMillis: retention.ms,
  };
  await commitNote(table, "VACUUM START", parameters, {
    numFilesToDelete: found.files.length,
    sizeOfDataToDelete: bytesOf(found.files),
  });
  const done: UnneededFile[] = [];
  const end = (status: string) =>
    commitNote(table, "VACUUM END", { status }, { numDeletedFiles: done.length, numVacuumedDirectories: 0 });
  let isAll: boolean;
  try {
    isAll = await deleteUnneeded(table, snapshot, found.files, done, options);
  } catch (error) {
    await end("FAILED").catch((note: unknown) =>
      table.log.logger.warn("the end of a vacuum was not noted", { table: table.path, error: String(note) }),
    );
    throw error;
  }
  const version = await end("COMPLETED");
  return {
    kind: "committed",
    version,
    metrics: metricsOf({ ...found, files: done }),
    isComplete: found.isComplete && isAll,
  };
}

interface Retention {
  readonly tableMs: number;
  readonly ms: number;
  readonly sinceMs: number;
}

function retentionOf(table: DeltaTable, { metadata }: Snapshot, { retentionMs, force }: VacuumOptions): Retention {
  const key = "delta.deletedFileRetentionDuration";
  const tableMs = tableProperty(metadata.configuration, key);
  const ms = retentionMs ?? tableMs;
  if (Number.isNaN(ms) || ms < 0)
    throw new DyneError("INVALID_ARGUMENT", `A retention of ${ms} ms is none. Use a number from 0 on.`);
  if (ms < tableMs && force !== true)
    throw new DyneError(
      "INVALID_ARGUMENT",
      `${table.path} keeps removed files for ${hours(tableMs)}, and they would be deleted after ${hours(ms)}: who reads an older version, or writes for longer, would lose files. Set ${key}, or force it.`,
    );
  return { tableMs, ms, sinceMs: table.log.clock.nowMs() - ms };
}

function hours(ms: number): string {
  return Number.isFinite(ms) ? `${ms / 3_600_000} hours` : "ever, because its retention cannot be read";
}

interface UnneededFile {
  readonly path: string;
  readonly sizeBytes: number;
}

interface Found {
  readonly files: readonly UnneededFile[];
  readonly filesSeen: number;
  readonly isComplete: boolean;
}

async function findUnneeded(
  table: DeltaTable,
  snapshot: Snapshot,
  { sinceMs, tableMs }: Retention,
  { keep = keepNothing, signal }: VacuumOptions,
): Promise<Found> {
  const nowMs = table.log.clock.nowMs();
  const needed = await neededFiles(table, snapshot.version, {
    keptSinceMs: sinceMs,
    tombstonesSinceMs: nowMs - tableMs,
    keep,
  });
  const isPartition = partitionFolders(snapshot, needed);
  const youngMs = Math.min(sinceMs, nowMs - limits.vacuumYoungMs);
  const files: UnneededFile[] = [];
  const inner = new Set<string>();
  let filesSeen = 0;
  for await (const { path, relativePath, sizeBytes, lastModifiedMs } of tableObjects(table, signal)) {
    const innerRoot = /^(.*\/)_delta_log\//.exec(relativePath)?.[1];
    if (innerRoot !== undefined) inner.add(`${table.path}/${innerRoot}`);
    if (isHidden(relativePath, isPartition)) continue;
    filesSeen++;
    const isOld = lastModifiedMs < (needed.removed.has(path) ? sinceMs : youngMs);
    if (needed.paths.has(path) || !isOld) continue;
    if (files.length >= limits.vacuumFilesMax) return { files: outside(files, inner), filesSeen, isComplete: false };
    files.push({ path, sizeBytes });
  }
  return { files: outside(files, inner), filesSeen, isComplete: true };
}

/** A table in a folder of the table keeps its files, whoever put it there. */
function outside(files: readonly UnneededFile[], roots: ReadonlySet<string>): readonly UnneededFile[] {
  if (roots.size === 0) return files;
  return files.filter(({ path }) => ![...roots].some((root) => path.startsWith(root)));
}

/** Folders and files that are not the table's, as Spark has it: names with `_` or `.` in front, but change files and partitions. */
function isHidden(relativePath: string, isPartition: (segment: string) => boolean): boolean {
  return relativePath
    .split("/")
    .some((segment) => /^[_.]/.test(segment) && segment !== "_change_data" && !isPartition(segment));
}

/** Tells folders of partition columns, by whichever name the files' values have them. */
function partitionFolders({ partitionBy }: Snapshot, { state }: NeededFiles): (segment: string) => boolean {
  const [file] = state.snapshot.files;
  const names = [...partitionBy, ...Object.keys(file?.partitionValues ?? {})];
  return (segment) => names.some((name) => segment.startsWith(`${name}=`));
}

/** Files that became active meanwhile stay. False where the time was up before all were through. */
async function deleteUnneeded(
  table: DeltaTable,
  planned: Snapshot,
  files: readonly UnneededFile[],
  done: UnneededFile[],
  { untilMs = Number.POSITIVE_INFINITY, signal, onProgress }: VacuumOptions,
): Promise<boolean> {
  let known = planned.version;
  const again = new Set<string>();
  for (let start = 0; start < files.length; start += limits.vacuumBatchFiles) {
    if (start > 0 && table.log.clock.nowMs() >= untilMs) return false;
    if (signal?.aborted === true)
      throw new DyneError("BATCH_ABANDONED", `The vacuum of ${table.path} was interrupted. Do it again.`, {
        cause: signal.reason,
      });
    const { version } = await table.latest();
    for (const { adds } of await table.changes(known, version)) {
      for (const file of adds) {
        again.add(dataFilePath(table.log, file));
        const vector = file.deletionVector && deletionVectorPath(table.log, file.deletionVector);
        if (vector !== undefined) again.add(vector);
      }
    }
    known = version;
    const batch = files.slice(start, start + limits.vacuumBatchFiles).filter(({ path }) => !again.has(path));
    await deleteAll(
      table.log.store,
      batch.map(({ path }) => path),
    );
    done.push(...batch);
    onProgress?.({ filesDone: Math.min(files.length, start + limits.vacuumBatchFiles), files: files.length });
  }
  return true;
}

function metricsOf({ files, filesSeen }: Pick<Found, "files" | "filesSeen">): VacuumMetrics {
  return { filesDeleted: files.length, bytesDeleted: bytesOf(files), filesSeen };
}

function bytesOf(files: readonly UnneededFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/**
 * Writes classic checkpoints (PROTOCOL.md § Checkpoints, § Checkpoint Schema) and the hint to the last one:
 *
 *   {"version":1200,"size":4711,"sizeInBytes":180224,"numOfAddFiles":4700}
 *
 * A checkpoint holds what is valid at its version: protocol, metadata, the last txn of each appId, active files, domains, and the
 * tombstones of removed files that may still lie in the store. Two writers of one version write the same state; either may stay.
 */
import { DyneError, limits } from "../core/index.ts";
import type { Action, AddFile, RemoveFile } from "./actions.ts";
import { readCommit, type DeltaCommit } from "./commit-file.ts";
import { fileKey } from "./file-path.ts";
import { checkpointPath, commitPath, type CheckpointWriter, type DeltaLog } from "./log.ts";
import { lastCheckpointHint, lastCheckpointPath, storedHint, type LastCheckpoint } from "./last-checkpoint.ts";
import { logTailAfter, type ListedTail } from "./log-listing.ts";
import { findSnapshot, openSnapshot } from "./open-snapshot.ts";
import { advanceSnapshot, type Snapshot } from "./snapshot.ts";
import { assertWritable } from "./table-features.ts";
import { tableProperty } from "./table-properties.ts";

/** All that is known of a table at one version. */
export interface TableState {
  readonly snapshot: Snapshot;
  /** Files that were removed up to the version, as far back as the log or its checkpoint says. */
  readonly tombstones: readonly RemoveFile[];
}

/** The commits after a log's last checkpoint. */
export interface LogTail extends ListedTail {
  readonly checkpoint: LastCheckpoint | undefined;
}

/** What there is to replay when the table is opened at `version`. Costs one request by name and one listing. */
export async function logTail(log: DeltaLog, version: number): Promise<LogTail> {
  const checkpoint = await lastCheckpointHint(log);
  return { checkpoint, ...(await logTailAfter(log, checkpoint?.version ?? -1, version)) };
}

/** True where a tail is so long that opening the table costs more than a checkpoint now and then. Pure. */
export function isCheckpointDue({ checkpoint, commits, bytes }: Omit<LogTail, "uncompacted">): boolean {
  if (commits < limits.checkpointTailCommitsMin && bytes < limits.checkpointTailBytesMin) return false;
  return (
    commits >= limits.checkpointTailCommitsMax || bytes > limits.checkpointTailShare * (checkpoint?.sizeInBytes ?? 0)
  );
}

/** Replays a table up to a version, tombstones included. Throws as `openSnapshot` does. */
export async function stateAt(log: DeltaLog, version: number): Promise<TableState> {
  const tombstones = new Map<string, RemoveFile>();
  const snapshot = await findSnapshot(log, { version }, (commit) => bury(tombstones, commit));
  return { snapshot: snapshot ?? (await openSnapshot(log, { version })), tombstones: [...tombstones.values()] };
}

/**
 * The state at a later version, from one that is known: reads only the commits in between, and of these only what `remembered` does not
 * know. Replays the table where they are gone.
 */
export async function advanceState(
  log: DeltaLog,
  { snapshot: known, tombstones: before }: TableState,
  version: number,
  remembered: (version: number) => DeltaCommit | undefined,
): Promise<TableState> {
  const tombstones = new Map(before.map((file) => [fileKey(file), file]));
  let snapshot = known;
  while (snapshot.version < version) {
    const count = Math.min(commitsAtOnce, version - snapshot.version);
    const next = Array.from({ length: count }, (_, i) => snapshot.version + 1 + i);
    const commits = await Promise.all(next.map(async (at) => remembered(at) ?? (await readCommit(log, at))));
    for (const commit of commits) {
      if (commit === undefined) return stateAt(log, version);
      snapshot = advanceSnapshot(log, snapshot, commit);
      bury(tombstones, commit);
    }
  }
  return { snapshot, tombstones: [...tombstones.values()] };
}

const commitsAtOnce = 16;

/** A file that is added again is no longer removed (PROTOCOL.md § Action Reconciliation). */
function bury(tombstones: Map<string, RemoveFile>, { adds, removes }: DeltaCommit): void {
  for (const file of removes) tombstones.set(fileKey(file), file);
  for (const file of adds) tombstones.delete(fileKey(file));
}

/** The tombstones that have not expired (`delta.deletedFileRetentionDuration`; PROTOCOL.md § Add File and Remove File). Pure. */
export function unexpired({ snapshot, tombstones }: TableState, nowMs: number): readonly RemoveFile[] {
  const keptMs = tableProperty(snapshot.metadata.configuration, "delta.deletedFileRetentionDuration");
  return tombstones.filter(({ deletionTimestamp = 0 }) => deletionTimestamp > nowMs - keptMs);
}

/**
 * Writes the checkpoint of a state and points `_last_checkpoint` to it, unless that names a newer one. The version must be committed.
 * Safe to repeat, at any time and by several at once. Throws UNSUPPORTED_FEATURE for a table that dyne does not write, or without a
 * writer in the log; LIMIT_EXCEEDED where another application's txn is beyond what is read exactly.
 */
export async function writeCheckpoint(log: DeltaLog, state: TableState): Promise<LastCheckpoint> {
  const { snapshot } = state;
  assertWritable(log.path, snapshot.protocol, snapshot.metadata, snapshot.schema);
  assertExactTxns(log, "checkpoint", snapshot.txns);
  const actions = [...checkpointActions(state)];
  const path = checkpointPath(log, snapshot.version);
  const { sizeBytes } = await requireWriter(log).write(log.store, path, actions);
  const written = { version: snapshot.version, sizeInBytes: sizeBytes };
  await putHint(log, { ...written, size: actions.length, numOfAddFiles: snapshot.files.size });
  return written;
}

function requireWriter(log: DeltaLog): CheckpointWriter {
  if (log.checkpointWriter !== undefined) return log.checkpointWriter;
  throw new DyneError(
    "UNSUPPORTED_FEATURE",
    `No checkpoint of ${log.path} can be written: its log was opened without a writer.`,
  );
}

/**
 * A checkpoint or a compaction takes the place of commits: a number that was rounded when it was read must not be written there. Throws
 * LIMIT_EXCEEDED, naming the application.
 */
export function assertExactTxns(log: DeltaLog, what: string, txns: ReadonlyMap<string, number>): void {
  for (const [appId, version] of txns) {
    if (Number.isSafeInteger(version)) continue;
    throw new DyneError(
      "LIMIT_EXCEEDED",
      `No ${what} of ${log.path} is written: the txn of "${appId}" is beyond 2^53, which dyne does not read exactly. Checkpoint the table with the writer of that txn.`,
      { details: { appId } },
    );
  }
}

/** As Spark writes them: nothing in a checkpoint changes data, and tombstones carry no statistics. */
function* checkpointActions({ snapshot, tombstones }: TableState): Generator<Action> {
  yield { protocol: snapshot.protocol };
  yield { metaData: snapshot.metadata };
  for (const [appId, version] of snapshot.txns) yield { txn: { appId, version } };
  for (const domainMetadata of snapshot.domains.values()) yield { domainMetadata };
  yield* keptFiles(snapshot.files, tombstones);
}

/** Files as they are in what takes the place of commits. */
export function* keptFiles(files: Iterable<AddFile>, tombstones: Iterable<RemoveFile>): Generator<Action> {
  for (const file of files) yield { add: { ...file, dataChange: false } };
  for (const { stats: _stats, tags: _tags, ...file } of tombstones) yield { remove: { ...file, dataChange: false } };
}

const hintAttemptsMax = 5;

/** Writes the hint over an older one. Whoever loses a race looks again: the newest checkpoint is the one that is named. */
async function putHint(log: DeltaLog, hint: LastCheckpoint & Readonly<Record<string, unknown>>): Promise<void> {
  const path = lastCheckpointPath(log);
  const bytes = new TextEncoder().encode(JSON.stringify(hint));
  for (let attempt = 1; attempt <= hintAttemptsMax; attempt++) {
    const before = await storedHint(log);
    if (before !== undefined && before.version > hint.version && (await isCommitted(log, before.version))) return;
    if (before?.version === hint.version) return;
    const put =
      before === undefined
        ? await log.store.putIfAbsent(path, bytes)
        : await log.store.putIfMatch(path, bytes, before.etag);
    if (put.kind === "created" || put.kind === "replaced") return;
  }
  log.logger.warn("the hint to the last checkpoint was not written: too many writers at once", { table: log.path });
}

/** A hint to what no commit has reached would keep every later one from being written. */
async function isCommitted(log: DeltaLog, version: number): Promise<boolean> {
  return (await log.store.head(commitPath(log, version))) !== undefined;
}

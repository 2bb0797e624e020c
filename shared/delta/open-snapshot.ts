/** Opens a table at a version: lists its log, and replays the checkpoint and the commits that make up the version. */
import { DyneError, isDyneError, limits } from "../core/index.ts";
import { commitOf, parseLines, readCommit, type DeltaCommit } from "./commit-file.ts";
import type { Action } from "./actions.ts";
import { checkpointPath, commitPath, type DeltaLog } from "./log.ts";
import { lastCheckpointHint, type LastCheckpoint } from "./last-checkpoint.ts";
import { listLog, type ListedCheckpoint, type LogListing } from "./log-listing.ts";
import { commitsBetween, segmentFor, type LogSegment, type LogStep } from "./log-segment.ts";
import { parseAction } from "./parse-action.ts";
import { readCheckpoint, type CheckpointReading } from "./read-checkpoint.ts";
import { advanceSnapshot, snapshotOfFirst, snapshotOfMany, type Snapshot } from "./snapshot.ts";
import { versionAt } from "./time-travel.ts";
import { confirmNewest } from "./trusted-snapshot.ts";

/** Which version to open; the newest where neither is given. */
export interface SnapshotAt {
  readonly version?: number | undefined;
  /** The last version committed at or before this time, in milliseconds since the epoch. */
  readonly timestampMs?: number | undefined;
}

/**
 * Told of all that is replayed, in order: the checkpoint first, as one commit and with its tombstones, which concern no reader; and what
 * several commits come to as one, of the last version.
 */
export type OnReplay = (commit: DeltaCommit) => void;

const stepsAtOnce = 16;

/** Steps that are read while the checkpoint before them is. */
const stepsBesideCheckpoint = 4 * stepsAtOnce;

/**
 * Opens a table. A checkpoint that cannot be read is passed over with a warning, for an older one or for the commits, where these reach.
 *
 * Throws TABLE_NOT_FOUND; VERSION_NOT_FOUND with the range that is there; UNSUPPORTED_FEATURE naming what cannot be read; LOG_CORRUPT for a
 * log with gaps, without protocol or metadata, or with content that is none; PATH_OUTSIDE_TABLE; LIMIT_EXCEEDED for files that are too
 * large to be read.
 */
export async function openSnapshot(log: DeltaLog, at: SnapshotAt = {}): Promise<Snapshot> {
  const snapshot = await findSnapshot(log, at);
  if (snapshot !== undefined) return snapshot;
  throw new DyneError(
    "TABLE_NOT_FOUND",
    `There is no Delta table at ${log.path}: its _delta_log is missing or empty. Check the path, or create the table.`,
    { details: { path: log.path } },
  );
}

/** As `openSnapshot`, but undefined where there is no table. */
export async function findSnapshot(
  log: DeltaLog,
  at: SnapshotAt = {},
  onReplay?: OnReplay,
): Promise<Snapshot | undefined> {
  const listedMs = log.clock.nowMs();
  const snapshot = await replayListed(log, at, onReplay);
  const isNewest = at.version === undefined && at.timestampMs === undefined;
  if (isNewest && snapshot !== undefined) confirmNewest(snapshot, listedMs);
  return snapshot;
}

async function replayListed(
  log: DeltaLog,
  at: SnapshotAt,
  onReplay: OnReplay | undefined,
): Promise<Snapshot | undefined> {
  const hint = at.timestampMs === undefined ? await usableHint(log) : undefined;
  const checkpoints = checkpointsOf(log, isBefore(hint, at.version) ? hint : undefined, onReplay !== undefined);
  try {
    const listing = at.timestampMs === undefined ? await listAround(log, at.version, hint) : await listLog(log);
    return await replayFrom(log, listing, at, checkpoints.read, onReplay);
  } finally {
    await checkpoints.settle();
  }
}

/** What a listing comes to. */
async function replayFrom(
  log: DeltaLog,
  listed: LogListing,
  at: SnapshotAt,
  read: ReadCheckpoint,
  onReplay: OnReplay | undefined,
): Promise<Snapshot | undefined> {
  let listing = listed;
  const newest = async (): Promise<Snapshot> => openSnapshot(log, { version: listing.commits.at(-1) });
  const version =
    at.timestampMs === undefined ? at.version : await versionAt(log, listing.commits, at.timestampMs, newest);
  const unreadable = new Map<string, DyneError>();
  for (;;) {
    const segment = segmentWithout(log, listing, version, unreadable);
    if (segment === undefined) return undefined;
    const { checkpoint } = segment;
    if (checkpoint === undefined) return replay(log, segment, undefined, [], onReplay);
    const [start, first] = await Promise.allSettled([
      read(checkpoint),
      // A checkpoint after one that cannot be read is looked at alone: it may be no better.
      readSteps(log, unreadable.size === 0 ? segment.steps.slice(0, stepsBesideCheckpoint) : [], segment.version),
    ]);
    if (start.status === "rejected") throw start.reason;
    if (!(start.value instanceof DyneError)) {
      if (first.status === "rejected") throw first.reason;
      return replay(log, segment, start.value, first.value, onReplay);
    }
    log.logger.warn("a checkpoint cannot be read and is passed over", {
      table: log.path,
      version: checkpoint.version,
      error: start.value.message,
    });
    // What was listed from this checkpoint on may not reach without it.
    if (unreadable.size === 0) listing = await listLog(log, 0, version);
    unreadable.set(checkpoint.paths[0]!, start.value);
  }
}

/** A checkpoint as if one commit had written it, or what is wrong with it. */
type ReadCheckpoint = (checkpoint: ListedCheckpoint) => Promise<DeltaCommit | DyneError>;

/**
 * Reads checkpoints. The one that `_last_checkpoint` names, where it is one file, is read at once, while the log is listed: most often it is
 * the one to begin with. Where it is not, it is given up. `settle` resolves when nothing of that goes on any more.
 */
function checkpointsOf(
  log: DeltaLog,
  hint: LastCheckpoint | undefined,
  withTombstones: boolean,
): { readonly read: ReadCheckpoint; readonly settle: () => Promise<unknown> } {
  const readNow = (checkpoint: ListedCheckpoint, signal?: AbortSignal): Promise<DeltaCommit | DyneError> =>
    checkpointAsCommit(log, checkpoint, { withTombstones, signal });
  if (hint === undefined || hint.isNamedOtherwise === true) return { read: readNow, settle: async () => undefined };
  const named = checkpointPath(log, hint.version);
  const unused = new AbortController();
  const early = readNow({ version: hint.version, form: "classic", paths: [named] }, unused.signal);
  const settled = Promise.allSettled([early]);
  const giveUp = (): Promise<unknown> => {
    unused.abort();
    return settled;
  };
  const read: ReadCheckpoint = async (checkpoint) => {
    if (checkpoint.paths.length === 1 && checkpoint.paths[0] === named && !unused.signal.aborted) return early;
    void giveUp();
    return readNow(checkpoint);
  };
  return { read, settle: giveUp };
}

/** Where only unreadable checkpoints would do, what is wrong with the newest of them is the reason. */
function segmentWithout(
  log: DeltaLog,
  listing: LogListing,
  version: number | undefined,
  unreadable: ReadonlyMap<string, DyneError>,
): LogSegment | undefined {
  const [reason] = unreadable.values();
  if (reason === undefined) return segmentFor(log, listing, version);
  if (unreadable.size >= limits.checkpointTriesMax) throw reason;
  try {
    return segmentFor(log, listing, version, unreadable);
  } catch {
    throw reason;
  }
}

/** Nobody follows a hint who cannot read checkpoints. */
async function usableHint(log: DeltaLog): Promise<LastCheckpoint | undefined> {
  return log.checkpointReader && lastCheckpointHint(log);
}

/** Whether a version, or the newest, can be made of the checkpoint that is hinted at. */
function isBefore(hint: LastCheckpoint | undefined, version: number | undefined): boolean {
  return hint !== undefined && (version === undefined || version >= hint.version);
}

/** Lists what is needed to open a version, or the newest: where there should be a checkpoint, and the commits after it. */
async function listAround(
  log: DeltaLog,
  version: number | undefined,
  hint: LastCheckpoint | undefined,
): Promise<LogListing> {
  if (hint === undefined) return listLog(log);
  const isAfter = isBefore(hint, version);
  const from = isAfter ? hint.version : Math.max(0, version! - limits.checkpointSearchCommits);
  const listing = await listLog(log, from, isAfter ? undefined : version);
  const end = version ?? Number.POSITIVE_INFINITY;
  const reaches = listing.commits[0] === 0 || listing.checkpoints.some((checkpoint) => checkpoint.version <= end);
  return reaches ? listing : listLog(log);
}

/** The snapshot of a segment, on top of its checkpoint as one commit; `known` are its first steps, where they were read already. */
async function replay(
  log: DeltaLog,
  { checkpoint, steps, version }: LogSegment,
  start: DeltaCommit | undefined,
  known: readonly (readonly ReadStep[])[],
  onReplay: OnReplay | undefined,
): Promise<Snapshot> {
  let snapshot = start && snapshotOfMany(log, undefined, { ...start, removes: [] });
  if (start !== undefined) onReplay?.(start);
  for (let first = 0; first < steps.length;) {
    const read = first === 0 && known.length > 0 ? known : await readSteps(log, nextOf(steps, first), version);
    first += read.length;
    for (const { commit, ofMany } of read.flat()) {
      if (ofMany) snapshot = snapshotOfMany(log, snapshot, commit);
      else snapshot = snapshot === undefined ? snapshotOfFirst(log, commit) : advanceSnapshot(log, snapshot, commit);
      onReplay?.(commit);
    }
  }
  if (snapshot !== undefined) return snapshot;
  throw new DyneError("LOG_CORRUPT", `The log of ${log.path} ends before it begins, at ${checkpoint?.version ?? 0}.`);
}

const nextOf = (steps: readonly LogStep[], first: number): readonly LogStep[] =>
  steps.slice(first, first + stepsAtOnce);

/** Steps as they are in the log, in order. */
async function readSteps(
  log: DeltaLog,
  steps: readonly LogStep[],
  segmentVersion: number,
): Promise<readonly (readonly ReadStep[])[]> {
  const read: (readonly ReadStep[])[] = [];
  for (let first = 0; first < steps.length; first += stepsAtOnce)
    read.push(...(await Promise.all(nextOf(steps, first).map((step) => readStep(log, step, segmentVersion)))));
  return read;
}

/** One commit, or what several come to. */
interface ReadStep {
  readonly commit: DeltaCommit;
  readonly ofMany: boolean;
}

async function readStep(log: DeltaLog, step: LogStep, segmentVersion: number): Promise<readonly ReadStep[]> {
  if (step.kind === "commit") return [{ commit: await requireCommit(log, step.version), ofMany: false }];
  const { version, lastVersion, path } = step;
  try {
    const stored = await log.store.get(path, { bytesMax: limits.deltaCommitBytes });
    if (stored === undefined) throw new DyneError("LOG_CORRUPT", `${path} is missing.`);
    const actions: Action[] = [];
    for (const { value, place } of parseLines(stored.bytes, path)) {
      const action = parseAction(value, place);
      if (action !== undefined && !("commitInfo" in action) && !("cdc" in action)) actions.push(action);
    }
    const last = lastVersion === segmentVersion ? await requireCommit(log, lastVersion) : undefined;
    const { timestampMs, etag } = last ?? { timestampMs: stored.lastModifiedMs, etag: undefined };
    return [{ commit: { ...commitOf(lastVersion, actions, 0), timestampMs, etag }, ofMany: true }];
  } catch (error) {
    if (!isDyneError(error, "LOG_CORRUPT") && !isDyneError(error, "LIMIT_EXCEEDED")) throw error;
    log.logger.warn("a log compaction cannot be read and is passed over", { table: log.path, error: error.message });
    const commits: ReadStep[] = [];
    for (const { version: at } of commitsBetween(version, lastVersion))
      commits.push({ commit: await requireCommit(log, at), ofMany: false });
    return commits;
  }
}

/** Every row of a checkpoint, as if one commit had written them; or what is wrong with it. */
async function checkpointAsCommit(
  log: DeltaLog,
  checkpoint: ListedCheckpoint,
  reading: CheckpointReading,
): Promise<DeltaCommit | DyneError> {
  const { version, paths } = checkpoint;
  const [actions, written] = await Promise.allSettled([
    readCheckpoint(log, checkpoint, reading),
    readCommit(log, version, reading.signal),
  ]);
  if (actions.status === "rejected") {
    if (isDyneError(actions.reason, "LOG_CORRUPT")) return actions.reason;
    throw actions.reason;
  }
  if (written.status === "rejected") throw written.reason;
  const { timestampMs, etag } = written.value ?? {
    timestampMs: (await log.store.head(paths[0]!))?.lastModifiedMs ?? 0,
    etag: undefined,
  };
  return { ...commitOf(version, actions.value, 0), etag, timestampMs };
}

async function requireCommit(log: DeltaLog, version: number): Promise<DeltaCommit> {
  const commit = await readCommit(log, version);
  if (commit !== undefined) return commit;
  throw new DyneError(
    "LOG_CORRUPT",
    `The log of ${log.path} has a gap: ${commitPath(log, version)} is missing. Restore it from a copy.`,
    { details: { version } },
  );
}

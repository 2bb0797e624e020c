/** A table at one version (PROTOCOL.md § Action Reconciliation): opened by listing and replay, advanced by the new commits alone. */
import { DyneError, limits } from "../core/index.ts";
import type { Schema } from "../plan/index.ts";
import { ActiveFiles } from "./active-files.ts";
import { parseAction, type Action, type DomainMetadata, type Metadata, type Protocol } from "./actions.ts";
import { commitOf, readCommit, type DeltaCommit } from "./commit-file.ts";
import { commitPath, type DeltaLog } from "./log.ts";
import { lastCheckpointHint, listLog, segmentFor, type LogListing, type LogSegment } from "./log-segment.ts";
import { parseSchema } from "./schema.ts";
import { assertReadable } from "./table-features.ts";

/** Immutable. */
export interface Snapshot {
  readonly version: number;
  /** When the version was committed: see `DeltaCommit.timestampMs`. */
  readonly timestampMs: number;
  /** Of the version's commit file; undefined where only a checkpoint was read. */
  readonly etag: string | undefined;
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  readonly schema: Schema;
  readonly partitionBy: readonly string[];
  readonly files: ActiveFiles;
  /** The last `txn.version` by appId (PROTOCOL.md § Transaction Identifiers). */
  readonly txns: ReadonlyMap<string, number>;
  /** The table's version that recorded it, by appId; absent where a checkpoint is all that is known of it. */
  readonly txnCommits: ReadonlyMap<string, number>;
  readonly domains: ReadonlyMap<string, DomainMetadata>;
}

/** Which version to open; the newest where neither is given. */
export interface SnapshotAt {
  readonly version?: number | undefined;
  /** The last version committed at or before this time, in milliseconds since the epoch. */
  readonly timestampMs?: number | undefined;
}

const commitsAtOnce = 16;

/**
 * Opens a table. Throws TABLE_NOT_FOUND; VERSION_NOT_FOUND with the range that is there; UNSUPPORTED_FEATURE naming what cannot be read;
 * LOG_CORRUPT for a log with gaps, or without protocol or metadata.
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
export async function findSnapshot(log: DeltaLog, at: SnapshotAt = {}): Promise<Snapshot | undefined> {
  const hasHint = log.checkpointReader !== undefined && at.timestampMs === undefined;
  const range = hasHint ? await versionsToList(log, at.version) : everything;
  let listing = await listLog(log, range.from, range.until);
  if (range !== everything && !reaches(listing, at.version)) listing = await listLog(log);
  const version = at.timestampMs === undefined ? at.version : await versionAt(log, listing.commits, at.timestampMs);
  const segment = segmentFor(log, listing, version);
  return segment && (await replay(log, segment));
}

/** Between which versions, inclusive, a log is listed. */
interface ListedVersions {
  readonly from: number;
  readonly until: number;
}

const everything: ListedVersions = { from: 0, until: Number.POSITIVE_INFINITY };

/** Where there should be a checkpoint and the commits after it; everything where nothing is known of a checkpoint. */
async function versionsToList(log: DeltaLog, version: number | undefined): Promise<ListedVersions> {
  const hint = (await lastCheckpointHint(log))?.version;
  if (hint === undefined) return everything;
  if (version === undefined || version >= hint) return { from: hint, until: Number.POSITIVE_INFINITY };
  return { from: Math.max(0, version - limits.checkpointSearchCommits), until: version };
}

/** True where the listing of a part of a log is enough to open the version. */
function reaches({ commits, checkpoints }: LogListing, version = Number.POSITIVE_INFINITY): boolean {
  return commits[0] === 0 || checkpoints.some((checkpoint) => checkpoint.version <= version);
}

/**
 * The newest version, from a snapshot of an older one: asks for the next commits by name until there is none and never lists, so that it
 * costs one request beside the new commits. The same snapshot where nothing is new.
 *
 * A snapshot that slept so long that its next commit may have been cleaned away is opened anew from the checkpoint that covers it;
 * `onCommit` is then not told of the commits in between.
 */
export async function updateSnapshot(
  log: DeltaLog,
  snapshot: Snapshot,
  onCommit?: (commit: DeltaCommit) => void,
): Promise<Snapshot> {
  let current = snapshot;
  for (;;) {
    const commit = await readCommit(log, current.version + 1);
    if (commit === undefined) {
      const overtaken = !isTrusted(log, current) && ((await lastCheckpointHint(log))?.version ?? -1) > current.version;
      if (overtaken) current = await openSnapshot(log);
      confirmedMs.set(current, log.clock.nowMs());
      return current;
    }
    current = advanceSnapshot(log, current, commit);
    onCommit?.(commit);
  }
}

/** When a snapshot was last found to be the newest, by the clock of its log; absent where nobody has asked since it was made. */
const confirmedMs = new WeakMap<Snapshot, number>();

/**
 * True where the version after the snapshot cannot have been written and cleaned away since the snapshot was the newest. Of any other a
 * missing next version says nothing, and to create that version could bury a commit below a checkpoint.
 */
export function isTrusted(log: Pick<DeltaLog, "clock">, snapshot: Snapshot): boolean {
  const sinceMs = Math.max(confirmedMs.get(snapshot) ?? 0, snapshot.timestampMs);
  return log.clock.nowMs() - sinceMs < limits.snapshotTrustedMs;
}

/** The snapshot after the commit that follows it. Pure. */
export function advanceSnapshot(log: Pick<DeltaLog, "path">, snapshot: Snapshot, commit: DeltaCommit): Snapshot {
  if (commit.version !== snapshot.version + 1) {
    throw new DyneError("INVALID_ARGUMENT", `Version ${commit.version} does not follow version ${snapshot.version}.`);
  }
  return apply(log, snapshot, commit);
}

/** The snapshot of version 0. Pure. */
export function snapshotOfFirst(log: Pick<DeltaLog, "path">, commit: DeltaCommit): Snapshot {
  return apply(log, unborn, commit);
}

/** The empty state before the first commit. */
interface Unborn {
  readonly version: number;
  readonly files: ActiveFiles;
  readonly txns: ReadonlyMap<string, number>;
  readonly txnCommits: ReadonlyMap<string, number>;
  readonly domains: ReadonlyMap<string, DomainMetadata>;
}

const unborn: Unborn = {
  version: -1,
  files: ActiveFiles.empty,
  txns: new Map(),
  txnCommits: new Map(),
  domains: new Map(),
};

function apply(
  log: Pick<DeltaLog, "path">,
  before: Snapshot | Unborn,
  commit: DeltaCommit,
  fromCheckpoint = false,
): Snapshot {
  const known = "protocol" in before ? before : undefined;
  const protocol = commit.protocol ?? known?.protocol;
  const metadata = commit.metadata ?? known?.metadata;
  if (protocol === undefined) throw missing(log, commit.version, "protocol");
  if (metadata === undefined) throw missing(log, commit.version, "metaData");
  const schema = known !== undefined && metadata === known.metadata ? known.schema : parseSchema(metadata.schemaString);
  if (protocol !== known?.protocol || metadata !== known.metadata) assertReadable(log.path, protocol, metadata, schema);
  return {
    version: commit.version,
    timestampMs: commit.timestampMs,
    etag: commit.etag,
    protocol,
    metadata,
    schema,
    partitionBy: metadata.partitionColumns,
    files: before.files.after(commit.removes, commit.adds),
    txns: withEntries(
      before.txns,
      commit.txns.map(({ appId, version }) => [appId, version]),
    ),
    txnCommits: fromCheckpoint
      ? before.txnCommits
      : withEntries(
          before.txnCommits,
          commit.txns.map(({ appId }) => [appId, commit.version]),
        ),
    domains: withDomains(before.domains, commit.domains),
  };
}

/**
 * The snapshot of a segment of the log. `onCommit` is told of all that is replayed, in order, the checkpoint first, as one commit and with
 * its tombstones, which concern no reader.
 */
export async function replay(
  log: DeltaLog,
  segment: LogSegment,
  onCommit?: (commit: DeltaCommit) => void,
): Promise<Snapshot> {
  let state: Snapshot | Unborn = unborn;
  if (segment.checkpoint !== undefined) {
    const { version, paths } = segment.checkpoint;
    const commit = await checkpointAsCommit(log, version, paths, onCommit !== undefined);
    state = apply(log, unborn, { ...commit, removes: [] }, true);
    onCommit?.(commit);
  }
  for (let first = segment.firstCommit; first <= segment.version; first += commitsAtOnce) {
    const count = Math.min(commitsAtOnce, segment.version - first + 1);
    const commits = await Promise.all(Array.from({ length: count }, (_, i) => requireCommit(log, first + i)));
    for (const commit of commits) {
      state = apply(log, state, commit);
      onCommit?.(commit);
    }
  }
  if (!("protocol" in state)) throw missing(log, segment.version, "protocol");
  return state;
}

/** Every row of a checkpoint, as if one commit had written them. */
async function checkpointAsCommit(
  log: DeltaLog,
  version: number,
  paths: readonly string[],
  withTombstones: boolean,
): Promise<DeltaCommit> {
  const actions: Action[] = [];
  for (const path of paths) {
    for await (const row of log.checkpointReader!.read(log.store, path)) {
      if (!withTombstones && row["remove"] !== undefined && row["remove"] !== null) continue;
      const action = parseAction(row, path);
      if (action !== undefined) actions.push(action);
    }
  }
  const written = await readCommit(log, version);
  return {
    ...commitOf(version, actions, 0),
    etag: written?.etag,
    timestampMs: written?.timestampMs ?? (await log.store.head(paths[0]!))?.lastModifiedMs ?? 0,
  };
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

/** The last version at or before a time, by halving: timestamps rise with versions, as writers' clocks do. */
async function versionAt(log: DeltaLog, commits: readonly number[], timestampMs: number): Promise<number | undefined> {
  if (commits.length === 0) return undefined;
  let low = 0;
  let high = commits.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const commit = await requireCommit(log, commits[middle]!);
    if (commit.timestampMs <= timestampMs) low = middle + 1;
    else high = middle;
  }
  const version = commits[low - 1];
  if (version !== undefined) return version;
  const first = await requireCommit(log, commits[0]!);
  throw new DyneError(
    "VERSION_NOT_FOUND",
    `The table ${log.path} had no version at ${isoTime(timestampMs)}: its oldest is ${first.version} of ${isoTime(first.timestampMs)}. Choose a later time.`,
    { details: { timestampMs, oldest: first.version, newest: commits.at(-1) } },
  );
}

function isoTime(timestampMs: number): string {
  const time = new Date(timestampMs);
  return Number.isNaN(time.getTime()) ? `${timestampMs} ms` : time.toISOString();
}

function withEntries(
  map: ReadonlyMap<string, number>,
  entries: readonly (readonly [string, number])[],
): ReadonlyMap<string, number> {
  return entries.length === 0 ? map : new Map([...map, ...entries]);
}

function withDomains(
  map: ReadonlyMap<string, DomainMetadata>,
  domains: readonly DomainMetadata[],
): ReadonlyMap<string, DomainMetadata> {
  if (domains.length === 0) return map;
  const changed = new Map(map);
  for (const domain of domains) {
    if (domain.removed) changed.delete(domain.domain);
    else changed.set(domain.domain, domain);
  }
  return changed;
}

function missing(log: Pick<DeltaLog, "path">, version: number, action: "protocol" | "metaData"): DyneError {
  return new DyneError(
    "LOG_CORRUPT",
    `The log of ${log.path} has no ${action} action up to version ${version}. Restore the log from a copy.`,
    { details: { version } },
  );
}

/** A table at one version (PROTOCOL.md § Action Reconciliation): opened by listing and replay, advanced by the new commits alone. */
import { DyneError } from "../core/index.ts";
import type { Schema } from "../plan/index.ts";
import { ActiveFiles } from "./active-files.ts";
import { parseAction, type Action, type DomainMetadata, type Metadata, type Protocol } from "./actions.ts";
import { commitOf, readCommit, type DeltaCommit } from "./commit-file.ts";
import { commitPath, type DeltaLog } from "./log.ts";
import { lastCheckpointHint, listLog, segmentFor, type LogSegment } from "./log-segment.ts";
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
  const hint = log.checkpointReader && at.timestampMs === undefined ? await lastCheckpointHint(log) : undefined;
  const usable = hint !== undefined && (at.version === undefined || at.version >= hint);
  let listing = await listLog(log, usable ? hint : 0);
  if (usable && !listing.checkpoints.some(({ version }) => version >= hint && version <= (at.version ?? Infinity)))
    listing = await listLog(log);
  const version = at.timestampMs === undefined ? at.version : await versionAt(log, listing.commits, at.timestampMs);
  const segment = segmentFor(log, listing, version);
  return segment && (await replay(log, segment));
}

/**
 * The newest version, from a snapshot of an older one: asks for the next commits by name until there is none and never lists, so that it
 * costs one request beside the new commits. The same snapshot where nothing is new.
 */
export async function updateSnapshot(
  log: DeltaLog,
  snapshot: Snapshot,
  onCommit?: (commit: DeltaCommit) => void,
): Promise<Snapshot> {
  let current = snapshot;
  for (;;) {
    const commit = await readCommit(log, current.version + 1);
    if (commit === undefined) return current;
    current = advanceSnapshot(log, current, commit);
    onCommit?.(commit);
  }
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

async function replay(log: DeltaLog, segment: LogSegment): Promise<Snapshot> {
  let state: Snapshot | Unborn = unborn;
  if (segment.checkpoint !== undefined) {
    const { version, paths } = segment.checkpoint;
    state = apply(log, unborn, await checkpointAsCommit(log, version, paths), true);
  }
  for (let first = segment.firstCommit; first <= segment.version; first += commitsAtOnce) {
    const count = Math.min(commitsAtOnce, segment.version - first + 1);
    const commits = await Promise.all(Array.from({ length: count }, (_, i) => requireCommit(log, first + i)));
    for (const commit of commits) state = apply(log, state, commit);
  }
  if (!("protocol" in state)) throw missing(log, segment.version, "protocol");
  return state;
}

/** Every row of a checkpoint, as if one commit had written them. Its removes are tombstones and concern no reader. */
async function checkpointAsCommit(log: DeltaLog, version: number, paths: readonly string[]): Promise<DeltaCommit> {
  const actions: Action[] = [];
  for (const path of paths) {
    for await (const row of log.checkpointReader!.read(log.store, path)) {
      const action = parseAction(row, path);
      if (action !== undefined && !("remove" in action)) actions.push(action);
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

/**
 * Which files of a log make up a version: the newest usable checkpoint at or below it and the commits after that
 * (PROTOCOL.md § Checkpoints, § Last Checkpoint File).
 */
import { z } from "zod";
import { DyneError, paddedNumber } from "../core/index.ts";
import { commitPath, logFolder, type DeltaLog } from "./log.ts";

export interface LogSegment {
  /** The checkpoint's files, all of one version. */
  readonly checkpoint?: { readonly version: number; readonly paths: readonly string[] };
  /** The commits to replay: from `firstCommit` up to and including `version`; none where the checkpoint is that version. */
  readonly firstCommit: number;
  readonly version: number;
}

/** What a listing of a log says. */
export interface LogListing {
  /** Versions of commit files, rising. */
  readonly commits: readonly number[];
  /** Whole checkpoints that are Parquet only, rising. */
  readonly checkpoints: readonly { readonly version: number; readonly paths: readonly string[] }[];
  /** Versions of checkpoints in the form of the feature `v2Checkpoint`. */
  readonly v2Checkpoints: readonly number[];
}

const commitName = /^(\d{20})\.json$/;
const checkpointName = /^(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10}))?\.parquet$/;
const v2CheckpointName = /^(\d{20})\.checkpoint\.[0-9a-fA-F-]{36}\.(?:json|parquet)$/;

/** Lists a log, from `fromVersion` on where the caller knows a checkpoint there, and no further than `untilVersion`. */
export async function listLog(
  log: DeltaLog,
  fromVersion = 0,
  untilVersion = Number.POSITIVE_INFINITY,
): Promise<LogListing> {
  const folder = `${logFolder(log)}/`;
  const commits: number[] = [];
  const v2Checkpoints: number[] = [];
  const parts = new Map<string, { version: number; ofParts: number; paths: string[] }>();
  const after = fromVersion > 0 ? `${folder}${paddedNumber(fromVersion)}` : undefined;
  for await (const { path } of log.store.list(folder, { after })) {
    const name = path.slice(folder.length);
    if (Number(/^\d{20}(?=\.)/.exec(name)?.[0] ?? 0) > untilVersion) break;
    const commit = commitName.exec(name);
    const checkpoint = checkpointName.exec(name);
    const v2 = v2CheckpointName.exec(name);
    if (commit !== null) commits.push(Number(commit[1]));
    if (v2 !== null) v2Checkpoints.push(Number(v2[1]));
    if (checkpoint === null) continue;
    const [, version, , ofParts = "1"] = checkpoint as unknown as [string, string, string?, string?];
    const key = `${version}.${ofParts}`;
    const known = parts.get(key) ?? { version: Number(version), ofParts: Number(ofParts), paths: [] };
    known.paths.push(path);
    parts.set(key, known);
  }
  const checkpoints = [...parts.values()].filter(({ ofParts, paths }) => paths.length === ofParts);
  return {
    commits: commits.sort(byNumber),
    v2Checkpoints: v2Checkpoints.sort(byNumber),
    checkpoints: checkpoints.sort((a, b) => a.version - b.version),
  };
}

/** How many commits there are after a version, up to another, and their bytes: by one listing. */
export async function logTailAfter(
  log: DeltaLog,
  afterVersion: number,
  toVersion: number,
): Promise<{ readonly commits: number; readonly bytes: number }> {
  const folder = `${logFolder(log)}/`;
  const after = afterVersion < 0 ? undefined : commitPath(log, afterVersion);
  let commits = 0;
  let bytes = 0;
  for await (const { path, sizeBytes } of log.store.list(folder, { after })) {
    const commit = commitName.exec(path.slice(folder.length));
    if (commit === null) continue;
    if (Number(commit[1]) > toVersion) break;
    commits++;
    bytes += sizeBytes;
  }
  return { commits, bytes };
}

/**
 * The files for `version`, or for the newest one. Undefined for an empty log. Throws VERSION_NOT_FOUND with the range that can be read,
 * UNSUPPORTED_FEATURE where only a checkpoint that cannot be read would do, LOG_CORRUPT where the log has no beginning.
 */
export function segmentFor(log: DeltaLog, listing: LogListing, version?: number): LogSegment | undefined {
  const newest = Math.max(
    listing.commits.at(-1) ?? -1,
    listing.checkpoints.at(-1)?.version ?? -1,
    listing.v2Checkpoints.at(-1) ?? -1,
  );
  if (newest < 0) return undefined;
  const target = version ?? newest;
  if (target > newest || target < 0) throw versionNotFound(log, listing, target);
  const firstCommit = startOfRun(listing.commits, target);
  const checkpoint = listing.checkpoints.findLast((candidate) => candidate.version <= target);
  if (checkpoint !== undefined && log.checkpointReader !== undefined) {
    return { checkpoint, firstCommit: checkpoint.version + 1, version: target };
  }
  if (firstCommit === 0) return { firstCommit, version: target };
  if (checkpoint !== undefined) throw unreadable(log, "checkpoint", checkpoint.version);
  const v2Checkpoint = listing.v2Checkpoints.findLast((candidate) => candidate <= target);
  if (v2Checkpoint !== undefined) throw unreadable(log, "v2Checkpoint", v2Checkpoint);
  if (version !== undefined) throw versionNotFound(log, listing, version);
  const missing = firstCommit === undefined ? target : firstCommit - 1;
  throw new DyneError(
    "LOG_CORRUPT",
    `The log of ${log.path} has no version ${missing} and no checkpoint that covers it. Restore the log from a copy.`,
    { details: { version: missing } },
  );
}

/** What `_last_checkpoint` says. */
export interface LastCheckpoint {
  readonly version: number;
  /** Absent where its writer did not say. */
  readonly sizeInBytes?: number | undefined;
}

const lastCheckpointShape = z.object({
  version: z.number().int().nonnegative(),
  sizeInBytes: z.number().int().nonnegative().optional().catch(undefined),
});

/** The last checkpoint, from `_last_checkpoint`: only a hint, so anything wrong with it means none (PROTOCOL.md § Last Checkpoint File Schema). */
export async function lastCheckpointHint(log: DeltaLog): Promise<LastCheckpoint | undefined> {
  const stored = await log.store.get(lastCheckpointPath(log));
  return stored && parseLastCheckpoint(log, stored.bytes);
}

/** Takes the bytes of `_last_checkpoint` apart; undefined where they say nothing. */
export function parseLastCheckpoint(log: DeltaLog, bytes: Uint8Array): LastCheckpoint | undefined {
  try {
    return lastCheckpointShape.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data;
  } catch {
    log.logger.warn("the hint to the last checkpoint is not JSON and is not used", { table: log.path });
    return undefined;
  }
}

/** PROTOCOL.md § Last Checkpoint File. */
export function lastCheckpointPath(log: Pick<DeltaLog, "path">): string {
  return `${logFolder(log)}/_last_checkpoint`;
}

/** The first of the commits that reach `target` without a gap; undefined where `target` itself is missing. */
function startOfRun(commits: readonly number[], target: number): number | undefined {
  let index = commits.lastIndexOf(target);
  if (index < 0) return undefined;
  while (index > 0 && commits[index - 1] === commits[index]! - 1) index--;
  return commits[index];
}

function versionNotFound(log: DeltaLog, listing: LogListing, version: number): DyneError {
  const { commits, checkpoints } = listing;
  const newest = Math.max(commits.at(-1) ?? 0, checkpoints.at(-1)?.version ?? 0);
  const oldestCheckpoint = log.checkpointReader && checkpoints[0]?.version;
  const oldest = commits[0] === 0 ? 0 : (oldestCheckpoint ?? newest);
  return new DyneError(
    "VERSION_NOT_FOUND",
    `The table ${log.path} has no version ${version}. Choose one from ${oldest} to ${newest}.`,
    {
      details: { version, oldest, newest },
    },
  );
}

function unreadable(log: DeltaLog, feature: string, version: number): DyneError {
  return new DyneError(
    "UNSUPPORTED_FEATURE",
    `The table ${log.path} can only be opened by its ${feature} of version ${version}, and no reader of it is there: the older commits are gone.`,
    {
      details: { features: [feature], version },
    },
  );
}

function byNumber(a: number, b: number): number {
  return a - b;
}

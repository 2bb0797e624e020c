/**
 * Which files of a log make up a version: the newest usable checkpoint at or below it, and the commits after that, or compactions that
 * stand for several of them (PROTOCOL.md § Checkpoints, § Log Compaction Files).
 */
import { DyneError } from "../core/index.ts";
import type { DeltaLog } from "./log.ts";
import type { ListedCheckpoint, ListedCompaction, LogListing } from "./log-listing.ts";

export interface LogSegment {
  readonly checkpoint?: ListedCheckpoint;
  /** What follows the checkpoint, in order, up to and including `version`; empty where the checkpoint is that version. */
  readonly steps: readonly LogStep[];
  readonly version: number;
}

export type LogStep =
  | { readonly kind: "commit"; readonly version: number }
  /** The commits that it stands for are there too. */
  | ({ readonly kind: "compaction" } & ListedCompaction);

/**
 * The files for `version`, or for the newest one, without the checkpoints that turned out to be unreadable. Undefined for an empty log.
 * Throws VERSION_NOT_FOUND with the range that can be read, UNSUPPORTED_FEATURE where only a checkpoint would do and the log has no reader,
 * LOG_CORRUPT where the log has no beginning, or a gap.
 */
export function segmentFor(
  log: DeltaLog,
  listing: LogListing,
  version?: number,
  unreadable: Pick<ReadonlySet<string>, "has"> = new Set(),
): LogSegment | undefined {
  const newest = Math.max(listing.commits.at(-1) ?? -1, listing.checkpoints.at(-1)?.version ?? -1);
  if (newest < 0) return undefined;
  const target = version ?? newest;
  if (target > newest || target < 0) throw versionNotFound(log, listing, target);
  const checkpoint = listing.checkpoints.findLast(
    (candidate) => candidate.version <= target && !unreadable.has(candidate.paths[0]!),
  );
  if (checkpoint !== undefined && log.checkpointReader !== undefined) {
    const steps = stepsBetween(listing, checkpoint.version + 1, target);
    if (steps === undefined) throw gap(log, missingBelow(listing.commits, checkpoint.version + 1, target));
    return { checkpoint, steps, version: target };
  }
  const steps = stepsBetween(listing, 0, target);
  if (steps !== undefined) return { steps, version: target };
  if (checkpoint !== undefined) throw noReader(log, checkpoint.version);
  if (version !== undefined) throw versionNotFound(log, listing, version);
  const missing = lastMissing(listing.commits, target);
  throw new DyneError(
    "LOG_CORRUPT",
    `The log of ${log.path} has no version ${missing} and no checkpoint that covers it. Restore the log from a copy.`,
    { details: { version: missing } },
  );
}

/**
 * The fewest requests that read the versions from `first` to `last`; undefined where a commit is missing. A compaction costs a request,
 * and one more where it ends the segment, because only the commit itself says when it was made.
 */
function stepsBetween(
  { commits, compactions }: LogListing,
  first: number,
  last: number,
): readonly LogStep[] | undefined {
  if (first > last) return [];
  if (!isWhole(commits, first, last)) return undefined;
  const inRange = compactions.filter(({ version, lastVersion }) => version >= first && lastVersion <= last);
  if (inRange.length === 0) return commitsBetween(first, last);
  const byVersion = Map.groupBy(inRange, ({ version }) => version);
  const best: { readonly cost: number; readonly step: LogStep; readonly next: number }[] = [];
  for (let at = last - first; at >= 0; at--) {
    const version = first + at;
    best[at] = { cost: 1 + (best[at + 1]?.cost ?? 0), step: { kind: "commit", version }, next: at + 1 };
    for (const compaction of byVersion.get(version) ?? []) {
      const next = compaction.lastVersion - first + 1;
      const cost = (compaction.lastVersion === last ? 2 : 1) + (best[next]?.cost ?? 0);
      if (cost < best[at]!.cost) best[at] = { cost, step: { kind: "compaction", ...compaction }, next };
    }
  }
  const steps: LogStep[] = [];
  for (let at = 0; at <= last - first; at = best[at]!.next) steps.push(best[at]!.step);
  return steps;
}

/** The commits from one version to another. */
export function commitsBetween(first: number, last: number): readonly LogStep[] {
  return Array.from({ length: last - first + 1 }, (_, i): LogStep => ({ kind: "commit", version: first + i }));
}

/** True where no commit of the range is missing. */
function isWhole(commits: readonly number[], first: number, last: number): boolean {
  const at = placeOf(commits, first);
  return commits[at] === first && commits[at + (last - first)] === last;
}

/** The place of the first commit that is not below a version, by halving. */
function placeOf(commits: readonly number[], version: number): number {
  let [low, high] = [0, commits.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (commits[middle]! < version) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first version of a range that is missing. */
function missingBelow(commits: readonly number[], first: number, last: number): number {
  let version = first;
  for (let at = placeOf(commits, first); version < last && commits[at] === version; at++) version++;
  return version;
}

/** The last version up to `target` that is missing. */
function lastMissing(commits: readonly number[], target: number): number {
  let version = target;
  for (let at = placeOf(commits, target); version > 0 && commits[at] === version; at--) version--;
  return version;
}

function versionNotFound(log: DeltaLog, listing: LogListing, version: number): DyneError {
  const { commits, checkpoints } = listing;
  const newest = Math.max(commits.at(-1) ?? 0, checkpoints.at(-1)?.version ?? 0);
  const oldestCheckpoint = log.checkpointReader && checkpoints[0]?.version;
  const oldest = commits[0] === 0 ? 0 : (oldestCheckpoint ?? newest);
  return new DyneError(
    "VERSION_NOT_FOUND",
    `The table ${log.path} has no version ${version}. Choose one from ${oldest} to ${newest}.`,
    { details: { version, oldest, newest } },
  );
}

function noReader(log: DeltaLog, version: number): DyneError {
  return new DyneError(
    "UNSUPPORTED_FEATURE",
    `The table ${log.path} can only be opened by its checkpoint of version ${version}, and its log was opened without a reader of checkpoints: the older commits are gone.`,
    { details: { features: ["checkpoint"], version } },
  );
}

function gap(log: DeltaLog, version: number): DyneError {
  return new DyneError(
    "LOG_CORRUPT",
    `The log of ${log.path} has a gap: version ${version} is missing. Restore it from a copy.`,
    { details: { version } },
  );
}

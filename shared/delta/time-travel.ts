/**
 * Which version a table had at a time (PROTOCOL.md § In-Commit Timestamps).
 *
 * Where in-commit timestamps are on, they rise from the version that turned them on, and are found by halving. Before that, and on every
 * other table, a version's time is the one in its commitInfo (see docs/adr/0012), made to rise as Spark makes the times of files rise: a
 * version is no older than any before it. Clocks of writers are taken to be right by `limits.clockSkewMs`, so that not every commit has to
 * be read to know that.
 */
import { DyneError, limits } from "../core/index.ts";
import { readCommit, type DeltaCommit } from "./commit-file.ts";
import type { DeltaLog } from "./log.ts";
import type { Snapshot } from "./snapshot.ts";

const commitsAtOnce = 16;

/**
 * The last version at or before a time; undefined where there are no commits. `commits` are the versions that are there, rising, and
 * `newest` opens the last of them. Throws VERSION_NOT_FOUND for a time before the first.
 */
export async function versionAt(
  log: DeltaLog,
  commits: readonly number[],
  timestampMs: number,
  newest: () => Promise<Snapshot>,
): Promise<number | undefined> {
  const last = commits.at(-1);
  if (last === undefined) return undefined;
  const times = new CommitTimes(log);
  const enabled = (await times.of(last)).hasInCommitTimestamp ? enablement(await newest()) : undefined;
  const split = enabled === undefined ? commits.length : commits.findIndex((version) => version >= enabled.version);
  const isRising = enabled !== undefined && (split === 0 || timestampMs >= enabled.timestampMs);
  const searched = isRising ? commits.slice(split) : commits.slice(0, split);
  const after = await firstAfter(times, searched, timestampMs);
  const first = isRising ? after : await firstOfSkewed(times, searched, timestampMs, after);
  const version = searched[first - 1];
  if (version !== undefined) return version;
  const oldest = await times.of(commits[0]!);
  throw new DyneError(
    "VERSION_NOT_FOUND",
    `The table ${log.path} had no version at ${isoTime(timestampMs)}: its oldest is ${oldest.version} of ${isoTime(oldest.timestampMs)}. Choose a later time.`,
    { details: { timestampMs, oldest: oldest.version, newest: last } },
  );
}

/** From which version on timestamps are in commits, and its own; from the first where the table does not say. */
function enablement({ metadata: { configuration }, version }: Snapshot): {
  readonly version: number;
  readonly timestampMs: number;
} {
  const [from, at] = ["Version", "Timestamp"].map((what) => {
    const text = configuration[`delta.inCommitTimestampEnablement${what}`];
    return text === undefined || !/^\d{1,15}$/.test(text) ? undefined : Number(text);
  });
  if (from === undefined || at === undefined || from > version) return { version: 0, timestampMs: 0 };
  return { version: from, timestampMs: at };
}

/** The place of a commit that is later than a time and whose predecessor is not, by halving. */
async function firstAfter(times: CommitTimes, commits: readonly number[], timestampMs: number): Promise<number> {
  let [low, high] = [0, commits.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((await times.of(commits[middle]!)).timestampMs <= timestampMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The place of the first commit that is later than a time, from one that is: those that a skewed clock may have put later lie not far back. */
async function firstOfSkewed(
  times: CommitTimes,
  commits: readonly number[],
  timestampMs: number,
  place: number,
): Promise<number> {
  let first = place;
  for (let end = place; end > 0; end -= commitsAtOnce) {
    const start = Math.max(0, end - commitsAtOnce);
    const found = await Promise.all(commits.slice(start, end).map((version) => times.of(version)));
    for (let at = found.length - 1; at >= 0; at--) {
      const time = found[at]!.timestampMs;
      if (time > timestampMs) first = start + at;
      else if (time <= timestampMs - 2 * limits.clockSkewMs) return first;
    }
  }
  return first;
}

type CommitTime = Pick<DeltaCommit, "version" | "timestampMs"> & { readonly hasInCommitTimestamp: boolean };

/** The times of commits, each read once. */
class CommitTimes {
  readonly #log: DeltaLog;
  readonly #known = new Map<number, CommitTime>();

  constructor(log: DeltaLog) {
    this.#log = log;
  }

  /** Throws LOG_CORRUPT where the commit is no longer there. */
  async of(version: number): Promise<CommitTime> {
    const known = this.#known.get(version);
    if (known !== undefined) return known;
    const commit = await readCommit(this.#log, version);
    if (commit === undefined) {
      throw new DyneError(
        "LOG_CORRUPT",
        `Version ${version} of ${this.#log.path} was taken from its log while it was read. Try again.`,
        { details: { version } },
      );
    }
    const hasInCommitTimestamp = commit.commitInfo?.inCommitTimestamp !== undefined;
    const time = { version, timestampMs: commit.timestampMs, hasInCommitTimestamp };
    this.#known.set(version, time);
    return time;
  }
}

function isoTime(timestampMs: number): string {
  const time = new Date(timestampMs);
  return Number.isNaN(time.getTime()) ? `${timestampMs} ms` : time.toISOString();
}

import { DyneError } from "../core/index.ts";
import { readCommit, type DeltaCommit } from "./commit-file.ts";
import { commitPath, type DeltaLog } from "./log.ts";
import { listLog } from "./log-listing.ts";
import { openSnapshot } from "./open-snapshot.ts";
import type { Snapshot } from "./snapshot.ts";

/** Versions (after, to]. */
export interface VersionRange {
  /** The last version that the reader has. */
  readonly after: number;
  /** The last version that it wants. */
  readonly to: number;
}

const commitsAtOnce = 8;

/**
 * The commits of a range as data, in order, for streaming readers and for change feeds: what they mean for a reader (skipping
 * `dataChange: false`, preferring `cdcs`) is the reader's business (SPEC.md 12).
 * Throws DATA_LOSS where a commit of the range is gone, or not there yet.
 */
export async function* changes(log: DeltaLog, { after, to }: VersionRange): AsyncGenerator<DeltaCommit> {
  for (let first = after + 1; first <= to; first += commitsAtOnce) {
    const count = Math.min(commitsAtOnce, to - first + 1);
    const commits = await Promise.all(Array.from({ length: count }, (_, i) => readCommit(log, first + i)));
    for (const [i, commit] of commits.entries()) {
      if (commit === undefined) throw gone(log, first + i);
      yield commit;
    }
  }
}

/**
 * What stands for the commits that were cleaned away: the oldest state that can be read, as one commit of that version. Undefined where
 * nothing is gone, or all up to `toVersion` is.
 */
export async function oldestState(log: DeltaLog, toVersion: number): Promise<DeltaCommit | undefined> {
  const { commits, checkpoints } = await listLog(log, 0, toVersion);
  const oldest = checkpoints[0]?.version;
  if (commits[0] === 0 || oldest === undefined) return undefined;
  return stateAsCommit(await openSnapshot(log, { version: oldest }));
}

/** What a table holds at a version, as one commit that adds all of it. */
export function stateAsCommit({ version, files, timestampMs, protocol, metadata }: Snapshot): DeltaCommit {
  const adds = [...files].map((file) => ({ ...file, dataChange: true }));
  return { version, timestampMs, protocol, metadata, adds, txns: [], removes: [], cdcs: [], domains: [] };
}

function gone(log: DeltaLog, version: number): DyneError {
  return new DyneError(
    "DATA_LOSS",
    `${commitPath(log, version)} is not there: the log was cleaned up, or the version was never committed. Refresh whoever reads it from the newest version.`,
    {
      details: { version },
    },
  );
}

/** Which files a table still needs: those of its newest version, of the versions that are kept, and of what consumers have still to read. */
import { limits } from "../../core/index.ts";
import {
  dataFilePath,
  deletionVectorPath,
  readCommit,
  stateAt,
  type AddFile,
  type DeltaCommit,
  type RemoveFile,
  type TableState,
} from "../../delta/index.ts";
import type { DeltaTable } from "../delta-table.ts";
import type { KeepFiles } from "./keep-files.ts";

export interface FileRetention {
  /** Versions that were the newest at this time or later are kept, in milliseconds since the epoch. */
  readonly keptSinceMs: number;
  /** Removed files that are older may be in no checkpoint any more: what is kept beyond it is told by the commits. */
  readonly tombstonesSinceMs: number;
  readonly keep: KeepFiles;
}

export interface NeededFiles {
  /** Paths in the store. */
  readonly paths: ReadonlySet<string>;
  /** Those of files that were removed long enough ago. */
  readonly removed: ReadonlySet<string>;
  readonly state: TableState;
}

/** Asks the log, then whoever else needs files. Errors: those of opening the table and of the stores. */
export async function neededFiles(table: DeltaTable, version: number, retention: FileRetention): Promise<NeededFiles> {
  const { keptSinceMs, tombstonesSinceMs, keep } = retention;
  const state = await stateAt(table.log, version);
  const paths = new Set<string>(await keep.openFiles());
  const removed = new Set<string>();
  for (const file of state.snapshot.files) addPaths(table, file, paths);
  for (const file of state.tombstones) {
    const isKept = (file.deletionTimestamp ?? Number.POSITIVE_INFINITY) >= keptSinceMs;
    addPaths(table, file, isKept ? paths : removed);
  }
  const neededFrom = await keep.neededFrom();
  const lagMs = table.log.clock.nowMs() - limits.consumerLagMaxMs;
  const reads = ({ version: at, timestampMs }: DeltaCommit): boolean => at > neededFrom && timestampMs >= lagMs;
  const isOfKeptVersion = ({ timestampMs }: DeltaCommit): boolean =>
    keptSinceMs < tombstonesSinceMs && timestampMs >= keptSinceMs;
  for await (const commit of backwards(table, version, neededFrom, keptSinceMs < tombstonesSinceMs)) {
    if (!reads(commit) && !isOfKeptVersion(commit)) break;
    for (const file of [...commit.adds, ...commit.removes]) addPaths(table, file, paths);
    for (const { path } of commit.cdcs) paths.add(dataFilePath(table.log, { path }));
  }
  return { paths, removed, state };
}

const commitsAtOnce = 16;

/** Commits from the newest to the oldest that somebody asks for, or that is still there. */
async function* backwards(
  table: DeltaTable,
  version: number,
  neededFrom: number,
  isAskedByTime: boolean,
): AsyncGenerator<DeltaCommit> {
  for (let last = version; last >= 0 && (isAskedByTime || last > neededFrom); last -= commitsAtOnce) {
    const count = Math.min(commitsAtOnce, last + 1);
    const commits = await Promise.all(
      Array.from({ length: count }, async (_, i) => table.remembered(last - i) ?? readCommit(table.log, last - i)),
    );
    for (const commit of commits) {
      if (commit === undefined) return;
      yield commit;
    }
  }
}

function addPaths(table: DeltaTable, file: AddFile | RemoveFile, paths: Set<string>): void {
  paths.add(dataFilePath(table.log, file));
  const vector = file.deletionVector && deletionVectorPath(table.log, file.deletionVector);
  if (vector !== undefined) paths.add(vector);
}

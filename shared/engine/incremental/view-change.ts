/** What commits of an input did to its rows, by file (SPEC.md 12). */
import { decodeLogPath, type AddFile, type DeltaCommit, type RemoveFile } from "../../delta/index.ts";

export interface InputChange {
  readonly added: readonly AddFile[];
  readonly removed: readonly AddFile[];
  /** True where files took the place of others without a change of rows, so that the files before cannot be told from those after. */
  readonly isRearranged: boolean;
}

/** Files and their bytes. */
export interface Volume {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Files that were only moved say nothing, and neither do those that came and went in between. Undefined where a file came twice: its rows were
 * moved to another file, and a restore brought it back, so that one set of files cannot say how often they count.
 */
export function changeOfCommits(commits: readonly DeltaCommit[]): InputChange | undefined {
  const added = new Map<string, AddFile>();
  const removed = new Map<string, AddFile>();
  let isRearranged = false;
  for (const commit of commits) {
    isRearranged ||= commit.adds.some(({ dataChange }) => !dataChange);
    for (const file of commit.removes) {
      isRearranged ||= !file.dataChange;
      if (!file.dataChange) continue;
      const path = decodeLogPath(file.path);
      if (added.delete(path)) continue;
      if (removed.has(path)) return undefined;
      removed.set(path, asAdded(file));
    }
    for (const file of commit.adds) {
      if (!file.dataChange) continue;
      const path = decodeLogPath(file.path);
      if (added.has(path)) return undefined;
      added.set(path, file);
    }
  }
  return { added: [...added.values()], removed: [...removed.values()], isRearranged };
}

/** The files before a change that leads to these. */
export function filesBefore(now: Iterable<AddFile>, { added, removed }: InputChange): readonly AddFile[] {
  const came = new Set(added.map(({ path }) => decodeLogPath(path)));
  return [...[...now].filter(({ path }) => !came.has(decodeLogPath(path))), ...removed];
}

export function isEmptyChange({ added, removed }: InputChange): boolean {
  return added.length === 0 && removed.length === 0;
}

export function volumeOf(files: Iterable<{ readonly size: number }>): Volume {
  let count = 0;
  let bytes = 0;
  for (const { size } of files) {
    count++;
    bytes += size;
  }
  return { files: count, bytes };
}

export const sumOfVolumes = (volumes: readonly Volume[]): Volume =>
  volumes.reduce((sum, { files, bytes }) => ({ files: sum.files + files, bytes: sum.bytes + bytes }), {
    files: 0,
    bytes: 0,
  });

/** A removed file as it can be read: its bytes are there until they are vacuumed. */
function asAdded(file: RemoveFile): AddFile {
  return {
    path: file.path,
    partitionValues: file.partitionValues ?? {},
    size: file.size ?? 0,
    modificationTime: 0,
    dataChange: true,
    ...(file.deletionVector === undefined ? {} : { deletionVector: file.deletionVector }),
  };
}

import type { TableOutcome } from "../checkpoint/index.ts";
import type { WrittenFile } from "../compute/index.ts";
import { decodeLogPath, type AddFile } from "../delta/index.ts";

/** An outcome that only adds files. */
export function appendOutcome(
  role: string,
  tableId: string,
  baseVersion: number,
  files: readonly WrittenFile[],
  tags?: Readonly<Record<string, string>>,
): TableOutcome {
  return {
    role,
    tableId,
    baseVersion,
    add: files.map((file) => dataFile(file, tags)),
    remove: [],
    cdc: [],
    staged: null,
  };
}

/** What a file says of its rows: the lane that they belong to, and the backfill that brought them. */
export function fileTags(lane: string, job: string | null): Readonly<Record<string, string>> {
  return job === null ? { lane } : { lane, job };
}

/** A written file as the outcome names it. */
export function dataFile(file: WrittenFile, tags?: Readonly<Record<string, string>>): TableOutcome["add"][number] {
  return {
    path: file.path,
    sizeBytes: file.sizeBytes,
    rowCount: file.rowCount,
    partitionValues: { ...file.partitionValues },
    stats: file.stats,
    ...(tags === undefined ? {} : { tags: { ...tags } }),
  };
}

/** Bytes written by a batch. */
export function outputBytes(tables: readonly TableOutcome[]): number {
  return tables.reduce((sum, table) => sum + table.add.reduce((bytes, file) => bytes + file.sizeBytes, 0), 0);
}

/** An active file as the outcome removes it. */
export function removedFile(file: AddFile): TableOutcome["remove"][number] {
  return {
    path: decodeLogPath(file.path),
    partitionValues: { ...file.partitionValues },
    sizeBytes: file.size,
    ...(file.deletionVector === undefined ? {} : { deletionVector: file.deletionVector }),
  };
}

/** What one commit did to the rows of a table, by file (PROTOCOL.md § Add CDC File; SPEC.md 12). */
import {
  fileKey,
  type AddFile,
  type CdcFile,
  type CommitInfo,
  type DeletionVector,
  type DeltaCommit,
  type RemoveFile,
} from "../../delta/index.ts";

/** A file with rows that came or went, or with rows that say themselves what became of them. */
export interface ChangedFile {
  /** `recorded`: a file of the change feed, whose rows have their `_change_type`. */
  readonly kind: "insert" | "delete" | "recorded";
  readonly path: string;
  /** As the log has them; undefined for a removed file whose remover did not say. */
  readonly partitionValues: AddFile["partitionValues"] | undefined;
  /** Bytes; 0 where the log does not say. */
  readonly size: number;
  /** Rows that it marks are no rows of the file. */
  readonly deletionVector?: DeletionVector;
  /** Where present, only the rows that it names changed. */
  readonly only?: VectorDifference;
  /** The state of the table's metadata that the file was written under: an index into `TableChanges.eras`. */
  readonly era: number;
}

/** The rows that one deletion vector marks and another does not. */
export interface VectorDifference {
  readonly markedBy: DeletionVector;
  readonly notBy?: DeletionVector;
}

/** Which metadata was in force before the commit, and which is since. */
export interface Eras {
  readonly before: number;
  readonly after: number;
}

/**
 * The changed files of a commit in an order that can be applied: rows that went, then rows that came, each in the order of the log. Files of
 * the change feed tell all where there are any; otherwise files that were added and removed do, unless they were only moved. Of a file
 * whose deletion vector was exchanged only the rows count that one vector marks and the other does not.
 */
export function changedFiles(commit: DeltaCommit, eras: Eras): readonly ChangedFile[] {
  if (commit.cdcs.length > 0) return commit.cdcs.map((file) => recorded(file, eras.after));
  if (changedNothing(commit.commitInfo)) return [];
  const adds = commit.adds.filter((file) => file.dataChange);
  const removes = commit.removes.filter((file) => file.dataChange);
  const added = new Map(adds.map((file) => [pathKey(file), file]));
  const removed = new Map(removes.map((file) => [pathKey(file), file]));
  const went = removes.flatMap((file) => {
    const kept = added.get(pathKey(file));
    const only = kept && difference(kept.deletionVector, file.deletionVector);
    if (kept === undefined) return [changed("delete", file, eras.before)];
    return only === undefined ? [] : [partly("delete", kept, only, eras.after)];
  });
  const came = adds.flatMap((file) => {
    const before = removed.get(pathKey(file));
    const only = before && difference(before.deletionVector, file.deletionVector);
    if (before === undefined) return [changed("insert", file, eras.after)];
    return only === undefined ? [] : [partly("insert", file, only, eras.after)];
  });
  return [...went, ...came];
}

/** One file of the store, whatever rows of it are marked. */
function pathKey({ path }: { readonly path: string }): string {
  return fileKey({ path });
}

/** Rows that `markedBy` marks beyond another vector; undefined where there can be none. */
function difference(
  markedBy: DeletionVector | undefined,
  notBy: DeletionVector | undefined,
): VectorDifference | undefined {
  if (markedBy === undefined) return undefined;
  if (notBy === undefined) return { markedBy };
  const isSame = fileKey({ path: "", deletionVector: markedBy }) === fileKey({ path: "", deletionVector: notBy });
  return isSame ? undefined : { markedBy, notBy };
}

function changed(kind: "insert" | "delete", file: AddFile | RemoveFile, era: number): ChangedFile {
  const { path, partitionValues, size = 0, deletionVector } = file;
  return { kind, path, partitionValues, size, era, ...(deletionVector && { deletionVector }) };
}

function partly(kind: "insert" | "delete", file: AddFile, only: VectorDifference, era: number): ChangedFile {
  return { kind, path: file.path, partitionValues: file.partitionValues, size: file.size, era, only };
}

function recorded({ path, partitionValues, size }: CdcFile, era: number): ChangedFile {
  return { kind: "recorded", path, partitionValues, size, era };
}

const changedRowCounts = ["numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted"];

/**
 * True for a MERGE that says that it changed no row. Spark's writes files anew even then, and no file of the change feed because there is no
 * change; read as rows that went and came it would be all noise.
 */
function changedNothing(commitInfo: CommitInfo | undefined): boolean {
  const metrics: unknown = commitInfo?.operationMetrics;
  if (commitInfo?.operation !== "MERGE" || typeof metrics !== "object" || metrics === null) return false;
  return changedRowCounts.every((name) => String((metrics as Record<string, unknown>)[name]) === "0");
}

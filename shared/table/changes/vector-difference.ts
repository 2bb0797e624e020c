/** Rows whose deletion a commit changed: those that one deletion vector marks and another does not. */
import { readDeletionVector, type DeletedRows, type DeltaLog } from "../../delta/index.ts";
import type { VectorDifference } from "./commit-changes.ts";

/** Reads both vectors, in one request each. Errors: those of `readDeletionVector`. Safe to repeat. */
export async function differingRows(
  log: DeltaLog,
  { markedBy, notBy }: VectorDifference,
  signal?: AbortSignal,
): Promise<DeletedRows> {
  const marked = readDeletionVector(log, markedBy, signal);
  if (notBy === undefined) return marked;
  return without(...(await Promise.all([marked, readDeletionVector(log, notBy, signal)])));
}

/** The rows of the first that the second does not have. */
function without(marked: DeletedRows, { rows: others }: DeletedRows): DeletedRows {
  let at = 0;
  const rows = marked.rows.filter((row) => {
    while (at < others.length && others[at]! < row) at++;
    return others[at] !== row;
  });
  return { count: rows.length, rows };
}

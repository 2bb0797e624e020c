/** Deletion vectors: read, written, and what they stand for. */
export { deletedRowsOf, noDeletedRows, type DeletedRows } from "./deleted-rows.ts";
export { deletionVectorPath, readDeletionVector, writeDeletionVectors } from "./deletion-vector.ts";

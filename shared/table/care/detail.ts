import { featuresOf, rowCountOf, type Snapshot } from "../../delta/index.ts";
import type { DeltaTable } from "../delta-table.ts";

/** What a table is at a version, as Spark's DESCRIBE DETAIL has it, and what more the log says. */
export interface TableDetail {
  readonly format: "delta";
  readonly id: string;
  readonly name: string | null;
  readonly description: string | null;
  /** In the store. */
  readonly location: string;
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number | null;
  readonly lastModifiedMs: number;
  readonly partitionColumns: readonly string[];
  readonly numFiles: number;
  readonly sizeInBytes: number;
  /** Null where a file does not say how many rows it has. */
  readonly numRows: number | null;
  readonly numDeletionVectors: number;
  readonly numDeletedRows: number;
  readonly properties: Readonly<Record<string, string>>;
  readonly minReaderVersion: number;
  readonly minWriterVersion: number;
  /** In order; those too that the versions imply. */
  readonly tableFeatures: readonly string[];
}

/** Tells it from the log alone, without any request. */
export function detailOf(table: Pick<DeltaTable, "path">, snapshot: Snapshot): TableDetail {
  const { metadata, protocol, files } = snapshot;
  let sizeInBytes = 0;
  let rows: number | undefined = 0;
  let numDeletionVectors = 0;
  let numDeletedRows = 0;
  for (const file of files) {
    const count = rowCountOf(file);
    sizeInBytes += file.size;
    rows = rows === undefined || count === undefined ? undefined : rows + count;
    if (file.deletionVector === undefined) continue;
    numDeletionVectors++;
    numDeletedRows += file.deletionVector.cardinality;
  }
  return {
    format: "delta",
    id: metadata.id,
    name: metadata.name ?? null,
    description: metadata.description ?? null,
    location: table.path,
    version: snapshot.version,
    createdAtMs: metadata.createdTime ?? null,
    lastModifiedMs: snapshot.timestampMs,
    partitionColumns: snapshot.partitionBy,
    numFiles: files.size,
    sizeInBytes,
    numRows: rows ?? null,
    numDeletionVectors,
    numDeletedRows,
    properties: metadata.configuration,
    minReaderVersion: protocol.minReaderVersion,
    minWriterVersion: protocol.minWriterVersion,
    tableFeatures: [...featuresOf(protocol)].sort(),
  };
}

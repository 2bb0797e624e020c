/** Holds a table's log against its store: files that are named and not there, or not of the size that the log says (FSCK REPAIR TABLE). */
import {
  dataFilePath,
  deletionVectorPath,
  removeOf,
  type Action,
  type AddFile,
  type ConflictReason,
} from "../../delta/index.ts";
import type { DeltaTable } from "../delta-table.ts";
import { tableObjects } from "./table-objects.ts";

export interface FsckOptions {
  /** `missing` takes files out of the log that cannot be read: whose data or deletion vector is gone. `damaged` those of another size, too. */
  readonly repair?: "missing" | "damaged" | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is wrong with a file of the newest version. */
export interface FileFault {
  /** As the log names it. */
  readonly path: string;
  readonly fault: "missing" | "vector-missing" | "size" | "vector-size";
  /** What the log says, and what the store has; null for nothing. */
  readonly expectedBytes: number;
  readonly foundBytes: number | null;
}

export type FsckResult =
  | { readonly kind: "sound"; readonly version: number; readonly files: number }
  /** Nothing was changed. */
  | { readonly kind: "faulty"; readonly version: number; readonly files: number; readonly faults: readonly FileFault[] }
  | {
      readonly kind: "committed";
      readonly version: number;
      readonly files: number;
      readonly faults: readonly FileFault[];
      readonly metrics: FsckMetrics;
    }
  /** Somebody changed the files meanwhile: look again. */
  | { readonly kind: "conflict"; readonly version: number; readonly reason: ConflictReason };

export interface FsckMetrics {
  readonly filesRemoved: number;
  readonly bytesRemoved: number;
}

/**
 * Looks at every file of the newest version, by one listing of the table, and one request for each file of a shallow clone that is elsewhere.
 * Without `repair` it changes nothing. A file that is taken out of
 * the log takes its rows with it: where the store can bring it back, that is better. A missing deletion vector cannot be told from its file,
 * because the rows that it deleted would come back.
 *
 * Errors: TABLE_NOT_FOUND; PATH_OUTSIDE_TABLE; those of the store. Safe to repeat.
 */
export async function fsck(table: DeltaTable, { repair, signal }: FsckOptions = {}): Promise<FsckResult> {
  const snapshot = await table.latest();
  const sizes = await storedSizes(table, [...snapshot.files], signal);
  const found = [...snapshot.files].flatMap((file) => {
    const fault = faultOf(table, file, sizes);
    return fault === undefined ? [] : [{ file, fault }];
  });
  const faults = found.map(({ fault }) => fault);
  const { version, files } = snapshot;
  if (found.length === 0) return { kind: "sound", version, files: files.size };
  const removed = found
    .filter(({ fault }) => repair === "damaged" || (repair === "missing" && fault.foundBytes === null))
    .map(({ file }) => file);
  if (removed.length === 0) return { kind: "faulty", version, files: files.size, faults };
  const metrics = { filesRemoved: removed.length, bytesRemoved: removed.reduce((sum, { size }) => sum + size, 0) };
  const deletionTimestampMs = table.log.clock.nowMs();
  const result = await table.commit({
    base: snapshot,
    actions: removed.map((file): Action => ({ remove: removeOf(file, { deletionTimestampMs }) })),
    isBlindAppend: false,
    operation: "FSCK",
    operationParameters: { repair },
    operationMetrics: { numRemovedFiles: metrics.filesRemoved, numRemovedBytes: metrics.bytesRemoved },
    signal,
  });
  if (result.kind === "committed")
    return { kind: "committed", version: result.version, files: files.size, faults, metrics };
  const reason = result.kind === "conflict" ? result.reason : "contention";
  return { kind: "conflict", version: result.snapshot.version, reason };
}

const headsAtOnce = 16;

/** The sizes of those objects that the files name; what is not among them is not there. */
async function storedSizes(
  table: DeltaTable,
  files: readonly AddFile[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, number>> {
  const named = new Set(files.flatMap((file) => [dataFilePath(table.log, file), vectorPath(table, file) ?? []].flat()));
  const sizes = new Map<string, number>();
  for await (const { path, sizeBytes } of tableObjects(table, signal)) if (named.has(path)) sizes.set(path, sizeBytes);
  const elsewhere = [...named].filter((path) => !path.startsWith(`${table.path}/`));
  for (let start = 0; start < elsewhere.length; start += headsAtOnce) {
    const some = elsewhere.slice(start, start + headsAtOnce);
    const metas = await Promise.all(some.map((path) => table.log.store.head(path, { signal })));
    for (const meta of metas) if (meta !== undefined) sizes.set(meta.path, meta.sizeBytes);
  }
  return sizes;
}

function vectorPath(table: DeltaTable, { deletionVector }: AddFile): string | undefined {
  return deletionVector && deletionVectorPath(table.log, deletionVector);
}

/** In the file of a vector its size comes before it, and a checksum after it (PROTOCOL.md § Deletion Vector File Storage Format). */
const vectorFrameBytes = 8;

function faultOf(table: DeltaTable, file: AddFile, sizes: ReadonlyMap<string, number>): FileFault | undefined {
  const { path, size, deletionVector } = file;
  const found = sizes.get(dataFilePath(table.log, file));
  if (found === undefined) return { path, fault: "missing", expectedBytes: size, foundBytes: null };
  const vector = vectorPath(table, file);
  if (vector !== undefined && deletionVector !== undefined) {
    const expectedBytes = (deletionVector.offset ?? 0) + deletionVector.sizeInBytes + vectorFrameBytes;
    const foundBytes = sizes.get(vector) ?? null;
    if (foundBytes === null) return { path, fault: "vector-missing", expectedBytes, foundBytes };
    if (foundBytes < expectedBytes) return { path, fault: "vector-size", expectedBytes, foundBytes };
  }
  return found === size ? undefined : { path, fault: "size", expectedBytes: size, foundBytes: found };
}

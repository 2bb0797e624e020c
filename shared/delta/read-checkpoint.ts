/**
 * What a checkpoint holds (PROTOCOL.md § Checkpoint Specs). A V2 checkpoint, whatever its name, may leave its files to sidecars:
 *
 *   {"checkpointMetadata":{"version":10}}
 *   {"sidecar":{"path":"016ae953-37a9-438e-8683-9a9a4a79a395.parquet","sizeInBytes":2304522,"modificationTime":1512909768000}}
 */
import { DyneError, limits } from "../core/index.ts";
import type { Action } from "./actions.ts";
import { parseLines } from "./commit-file.ts";
import { sidecarPath } from "./log-file-name.ts";
import type { ListedCheckpoint } from "./log-listing.ts";
import type { CheckpointColumn, DeltaLog } from "./log.ts";
import { parseCheckpointAction } from "./parse-action.ts";

const topLevel: readonly CheckpointColumn[] = [
  "protocol",
  "metaData",
  "txn",
  "domainMetadata",
  "checkpointMetadata",
  "sidecar",
  "add",
];

/** How a checkpoint is read. */
export interface CheckpointReading {
  readonly withTombstones: boolean;
  /** Ends the reading with an error once nobody waits for it. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Every action of a checkpoint, from its own files and its sidecars; removed files only where they are wanted.
 *
 * Throws LOG_CORRUPT where a file is missing, cannot be read, or is of another version than its name; PATH_OUTSIDE_TABLE for a sidecar
 * elsewhere; LIMIT_EXCEEDED.
 */
export async function readCheckpoint(
  log: DeltaLog,
  { version, paths }: ListedCheckpoint,
  { withTombstones, signal }: CheckpointReading,
): Promise<readonly Action[]> {
  const actions: Action[] = [];
  const sidecars = new Set<string>();
  const take = (row: unknown, place: string): void => {
    const action = parseCheckpointAction(row, place);
    if (action === undefined) return;
    if ("sidecar" in action) sidecars.add(sidecarPath(log, action.sidecar.path));
    else if ("checkpointMetadata" in action) assertVersion(place, version, action.checkpointMetadata.version);
    else if (withTombstones || !("remove" in action)) actions.push(action);
    if (actions.length > limits.checkpointActionsMax || sidecars.size > limits.checkpointSidecarsMax)
      throw tooMuch(place);
  };
  const tombstones: readonly CheckpointColumn[] = withTombstones ? ["remove"] : [];
  for (const path of paths) await readFile(log, path, [...topLevel, ...tombstones], take, signal);
  // A sidecar has files alone (PROTOCOL.md § Sidecar Files): what it calls a sidecar is none.
  const takeFile = (row: unknown, place: string): void => {
    if (isFileRow(row)) take(row, place);
  };
  for (const path of [...sidecars]) await readFile(log, path, ["add", ...tombstones], takeFile, signal);
  return actions;
}

/**
 * Where the sidecars are that a checkpoint names; its other rows are not looked at. Throws as `readCheckpoint` does, and LOG_CORRUPT where it is
 * Parquet and the log has no reader.
 */
export async function sidecarsOf(log: DeltaLog, { version, paths }: ListedCheckpoint): Promise<readonly string[]> {
  const sidecars = new Set<string>();
  for (const path of paths) {
    if (log.checkpointReader === undefined && !path.endsWith(".json"))
      throw corrupt(path, "the log was opened without a reader of checkpoints");
    await readFile(log, path, ["sidecar", "checkpointMetadata"], (row, place) => {
      const action = parseCheckpointAction(row, place);
      if (action === undefined) return;
      if ("checkpointMetadata" in action) assertVersion(place, version, action.checkpointMetadata.version);
      if ("sidecar" in action) sidecars.add(sidecarPath(log, action.sidecar.path));
      if (sidecars.size > limits.checkpointSidecarsMax) throw tooMuch(place);
    });
  }
  return [...sidecars];
}

async function readFile(
  log: DeltaLog,
  path: string,
  columns: readonly CheckpointColumn[],
  take: (row: unknown, place: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  if (path.endsWith(".json")) {
    const stored = await log.store.get(path, { bytesMax: limits.deltaCommitBytes, signal });
    if (stored === undefined) throw corrupt(path, "it is missing");
    for (const { value, place } of parseLines(stored.bytes, path)) take(value, place);
    return;
  }
  for await (const rows of log.checkpointReader!.read(log.store, path, columns, signal)) {
    for (const row of rows) take(row, path);
  }
}

function isFileRow(row: unknown): boolean {
  if (typeof row !== "object" || row === null) return true;
  const { add, remove } = row as { readonly add?: unknown; readonly remove?: unknown };
  return (add ?? remove ?? null) !== null;
}

function assertVersion(place: string, version: number, named: number): void {
  if (named !== version) throw corrupt(place, `it is named for version ${version} and says that it is of ${named}`);
}

function corrupt(path: string, what: string): DyneError {
  return new DyneError(
    "LOG_CORRUPT",
    `The checkpoint ${path} cannot be used: ${what}. Restore it from a copy, or delete it where the commits before it are still there.`,
  );
}

function tooMuch(path: string): DyneError {
  return new DyneError(
    "LIMIT_EXCEEDED",
    `The checkpoint ${path} has more than ${limits.checkpointActionsMax} actions or ${limits.checkpointSidecarsMax} sidecars. Merge the table's files with its own writer first.`,
  );
}

import { paddedNumber, type Clock, type Logger, type Random } from "../core/index.ts";
import type { ObjectStore } from "../storage/index.ts";
import type { Action } from "./actions.ts";

/** A table's log and what working on it needs. Plain data: nothing is opened, nothing to close. */
export interface DeltaLog {
  readonly store: ObjectStore;
  /** The table's root in the store, such as `lake/silver/events`; no slash at the end. */
  readonly path: string;
  /**
   * Folders of the store, beside the table's own, whose files its log may name by absolute paths: the roots of the tables that it is a
   * shallow clone of. None where it is not said: a log must not make its reader touch other people's objects.
   */
  readonly clonedFrom?: readonly string[] | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Without one, a table whose oldest commits are gone cannot be opened. */
  readonly checkpointReader?: CheckpointReader | undefined;
  /** Without one, no checkpoint is written, and so nothing of the log can be cleaned away. */
  readonly checkpointWriter?: CheckpointWriter | undefined;
}

/** The columns of a checkpoint in Parquet: one for each kind of action (PROTOCOL.md § Checkpoint Schema). */
export type CheckpointColumn =
  | "protocol"
  | "metaData"
  | "txn"
  | "add"
  | "remove"
  | "domainMetadata"
  | "sidecar"
  | "checkpointMetadata";

/** The port to whoever reads Parquet checkpoints (PROTOCOL.md § Checkpoints). */
export interface CheckpointReader {
  /**
   * The rows of one file of a checkpoint, many at a time, one action each, in any order, as objects in the shape of log lines. Rows of
   * actions that are not wanted may be left out. Columns of other actions are null or absent, longs are numbers or bigints, and what
   * rows have in common, such as partition values, may be one object. Where `add.stats` is absent, it is made from `stats_parsed`.
   *
   * Throws LOG_CORRUPT where the file is missing or not a checkpoint, LIMIT_EXCEEDED where it is too large; anything, soon, where the signal
   * says that nobody waits for the rows any more.
   */
  read(
    store: ObjectStore,
    path: string,
    wanted: readonly CheckpointColumn[],
    signal?: AbortSignal,
  ): AsyncIterable<readonly Record<string, unknown>[]>;
}

/** The port to whoever writes Parquet checkpoints (PROTOCOL.md § Checkpoints, § Checkpoint Schema). */
export interface CheckpointWriter {
  /**
   * Writes these actions, one row each, as one Parquet file at `path`, over what is there. Readers see the old file or the new one.
   * Resolves to the file's size. Safe to repeat.
   */
  write(store: ObjectStore, path: string, actions: Iterable<Action>): Promise<{ readonly sizeBytes: number }>;
}

/** The folder of a table's log. */
export function logFolder(log: Pick<DeltaLog, "path">): string {
  return `${log.path}/_delta_log`;
}

/** The file of one commit (PROTOCOL.md § Delta Log Entries). */
export function commitPath(log: Pick<DeltaLog, "path">, version: number): string {
  return `${logFolder(log)}/${paddedNumber(version)}.json`;
}

/** The file of a classic checkpoint (PROTOCOL.md § Checkpoints). */
export function checkpointPath(log: Pick<DeltaLog, "path">, version: number): string {
  return `${logFolder(log)}/${paddedNumber(version)}.checkpoint.parquet`;
}

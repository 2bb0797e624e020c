/**
 * What stops a transaction from being committed after another that it has not seen, as in Spark's conflict checker. Two things differ, so
 * that care never defeats work: rows that were only moved (`dataChange` false) are not rows that arrived, and a file that was only read
 * may be moved meanwhile. Any change of the protocol or of the metadata stops every transaction.
 */
import { isDeepStrictEqual } from "node:util";
import type { Action, AddFile, Metadata } from "./actions.ts";
import type { DeltaCommit } from "./commit-file.ts";
import { fileKey } from "./file-path.ts";
import type { Snapshot } from "./snapshot.ts";
import { tableProperty } from "./table-properties.ts";

/** Why a transaction has to be planned again. */
export type ConflictReason =
  /** A file that it removes is no longer active, or has another deletion vector. */
  | "file-removed"
  /** A file that it adds was added by another. */
  | "file-added"
  /** Rows left a file that it has read. */
  | "read-file-removed"
  /** Rows arrived that it should have read. */
  | "rows-changed"
  | "metadata-changed"
  | "protocol-changed"
  /** Another writer recorded the same appId, and the transaction has no fence for it. */
  | "txn-changed"
  | "domain-changed"
  /** The bound on tries was met. */
  | "contention";

/** What Spark throws for each reason; for contention it would try on. */
export const sparkExceptions: Readonly<Record<Exclude<ConflictReason, "contention">, string>> = {
  "file-removed": "ConcurrentDeleteDeleteException",
  "file-added": "ConcurrentAppendException",
  "read-file-removed": "ConcurrentDeleteReadException",
  "rows-changed": "ConcurrentAppendException",
  "metadata-changed": "MetadataChangedException",
  "protocol-changed": "ProtocolChangedException",
  "txn-changed": "ConcurrentTransactionException",
  "domain-changed": "ConcurrentTransactionException",
};

/** Why a transaction cannot follow another, and which file shows it. */
export interface Conflict {
  readonly reason: ConflictReason;
  /** As the log names it. */
  readonly path?: string;
}

/** What a transaction has read, as far as it matters for conflicts. A transaction that says nothing has read nothing. */
export interface ReadScope {
  /** The whole table: rows that arrive or leave meanwhile conflict. */
  readonly readsWholeTable?: boolean | undefined;
  /** All rows that match something: those that arrive meanwhile conflict, where this is true of their file. May say yes too often. */
  readonly readsMatching?: ((file: AddFile) => boolean) | undefined;
  /** The files whose rows were looked at: rows that leave them meanwhile conflict. */
  readonly readFiles?: Iterable<Pick<AddFile, "path" | "deletionVector">> | undefined;
  /** Rows that arrive conflict whatever the isolation: all of them, or those in files for which this is true. */
  readonly conflictsWithAppends?: boolean | ((file: AddFile) => boolean) | undefined;
}

/**
 * How far a transaction is isolated from those that it has not seen. `WriteSerializable`: as if it had come before blind appends that were
 * committed first. `Serializable`: as if all had come in the order of the log. `SnapshotIsolation`: only moves rows.
 */
export type IsolationLevel = "Serializable" | "WriteSerializable" | "SnapshotIsolation";

/** The level of a transaction: that of the table (`delta.isolationLevel`), unless it only moves rows. Pure. */
export function isolationLevelOf(metadata: Metadata, actions: readonly Action[]): IsolationLevel {
  const movesRows = actions.some((action) => "add" in action || "remove" in action);
  const changesMore = actions.some(
    (action) =>
      "metaData" in action ||
      "protocol" in action ||
      ("add" in action && action.add.dataChange) ||
      ("remove" in action && action.remove.dataChange),
  );
  if (movesRows && !changesMore) return "SnapshotIsolation";
  return tableProperty(metadata.configuration, "delta.isolationLevel");
}

/**
 * Prepares the question why a transaction cannot follow a commit that it has not seen; the answer is undefined where it can. Costs as much
 * as the transaction's own actions and the files that it has read, then as much as each commit; nothing depends on the table's size.
 */
export function conflictChecker(
  actions: readonly Action[],
  scope: ReadScope,
  level: IsolationLevel,
): (winner: DeltaCommit) => Conflict | undefined {
  const mine = touched(actions);
  const readPaths = new Set([...(scope.readFiles ?? [])].map(pathOf));
  const readsArrivals = arrivalsThatConflict(scope, level, mine.changesMetadata);
  return (winner) => {
    if (winner.protocol !== undefined) return { reason: "protocol-changed" };
    if (winner.metadata !== undefined) return { reason: "metadata-changed" };
    if (winner.domains.some(({ domain }) => mine.domains.has(domain))) return { reason: "domain-changed" };
    if (winner.txns.some(({ appId }) => mine.appIds.has(appId))) return { reason: "txn-changed" };
    const isBlind = winner.commitInfo?.isBlindAppend === true;
    const arrived = winner.adds.find((file) => file.dataChange && readsArrivals(file, isBlind));
    const takenTwice = winner.removes.find((file) => mine.removed.has(pathOf(file)));
    // Both are true of a rewritten file. That it is gone says more than that its new rows were not read.
    if (takenTwice !== undefined) return { reason: "file-removed", path: takenTwice.path };
    const addedTwice = winner.adds.find((file) => mine.added.has(pathOf(file)));
    if (addedTwice !== undefined) return { reason: "file-added", path: addedTwice.path };
    const left = winner.removes.find(
      (file) => file.dataChange && (scope.readsWholeTable === true || readPaths.has(pathOf(file))),
    );
    if (left !== undefined) return { reason: "read-file-removed", path: left.path };
    return arrived && { reason: "rows-changed", path: arrived.path };
  };
}

/** What a transaction names. Files by path alone: two vectors of one file are two changes of the same rows. */
function touched(actions: readonly Action[]) {
  const removed = new Set<string>();
  const added = new Set<string>();
  const appIds = new Set<string>();
  const domains = new Set<string>();
  let changesMetadata = false;
  for (const action of actions) {
    if ("remove" in action) removed.add(pathOf(action.remove));
    else if ("add" in action) added.add(pathOf(action.add));
    else if ("txn" in action) appIds.add(action.txn.appId);
    else if ("domainMetadata" in action) domains.add(action.domainMetadata.domain);
    else if ("metaData" in action) changesMetadata = true;
  }
  return { removed, added, appIds, domains, changesMetadata };
}

/** Whether a file that arrived with new rows should have been read. Blind appends can be ordered after the transaction, unless it changes what rows mean. */
function arrivalsThatConflict(
  { readsWholeTable, readsMatching, conflictsWithAppends = false }: ReadScope,
  level: IsolationLevel,
  changesMetadata: boolean,
): (file: AddFile, isBlind: boolean) => boolean {
  const always = typeof conflictsWithAppends === "function" ? conflictsWithAppends : () => conflictsWithAppends;
  const reads = readsWholeTable === true ? () => true : (readsMatching ?? (() => false));
  const sparesBlind = level === "WriteSerializable" && !changesMetadata;
  if (level === "SnapshotIsolation") return (file) => always(file);
  return (file, isBlind) => always(file) || (!(isBlind && sparesBlind) && reads(file));
}

/** A file's path, however it is written, without its deletion vector. */
function pathOf({ path }: Pick<AddFile, "path">): string {
  return fileKey({ path });
}

/**
 * Why `actions`, planned on one snapshot, cannot follow a later one, where the commits in between are not known any more: says yes too
 * often, never too seldom.
 */
export function conflictWithChange(
  before: Snapshot,
  after: Snapshot,
  actions: readonly Action[],
  scope: ReadScope,
): Conflict | undefined {
  if (!isDeepStrictEqual(before.protocol, after.protocol)) return { reason: "protocol-changed" };
  if (!isDeepStrictEqual(before.metadata, after.metadata)) return { reason: "metadata-changed" };
  const { readsWholeTable, readsMatching, readFiles = [], conflictsWithAppends = false } = scope;
  const minds = readsWholeTable === true || readsMatching !== undefined || conflictsWithAppends !== false;
  if (minds) return { reason: "rows-changed" };
  for (const file of readFiles)
    if (!after.files.has(fileKey(file))) return { reason: "read-file-removed", path: file.path };
  for (const action of actions) {
    if ("txn" in action && before.txns.get(action.txn.appId) !== after.txns.get(action.txn.appId))
      return { reason: "txn-changed" };
    if ("add" in action && after.files.has(fileKey(action.add))) return { reason: "file-added", path: action.add.path };
    if (!("domainMetadata" in action)) continue;
    const { domain } = action.domainMetadata;
    if (!isDeepStrictEqual(before.domains.get(domain), after.domains.get(domain))) return { reason: "domain-changed" };
  }
  return undefined;
}

/** The first file that the actions remove and that is not active, asked at every try, also of the first base. */
export function inactiveRemoval(snapshot: Snapshot, actions: readonly Action[]): Conflict | undefined {
  for (const action of actions) {
    if ("remove" in action && !snapshot.files.has(fileKey(action.remove)))
      return { reason: "file-removed", path: action.remove.path };
  }
  return undefined;
}

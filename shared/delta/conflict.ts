/**
 * What stops a transaction from being committed after another that it has not seen, as in Spark's conflict checker: blind appends go
 * through; changes of what the transaction removes, read or redefines do not.
 */
import { isDeepStrictEqual } from "node:util";
import type { Action, AddFile } from "./actions.ts";
import type { DeltaCommit } from "./commit-file.ts";
import { fileKey } from "./file-path.ts";
import type { Snapshot } from "./snapshot.ts";

/** Why a transaction has to be planned again. */
export type ConflictReason =
  /** A file that it removes is no longer active. */
  | "file-removed"
  /** Rows arrived, or left, that it should have read. */
  | "rows-changed"
  | "metadata-changed"
  | "protocol-changed"
  /** Another writer recorded the same appId, and the transaction has no fence for it. */
  | "txn-changed"
  | "domain-changed"
  /** The bound on tries was met. */
  | "contention";

/** What a transaction has read, as far as it matters for conflicts. */
export interface ReadScope {
  /** The whole table: any rows added or removed meanwhile conflict. */
  readonly readsWholeTable?: boolean | undefined;
  /** Rows added meanwhile conflict: all of them, or those in files for which this is true. */
  readonly conflictsWithAppends?: boolean | ((file: AddFile) => boolean) | undefined;
}

/** Why `actions` cannot follow `winner`, which was committed after they were planned; undefined where they can. */
export function conflictWith(
  winner: DeltaCommit,
  actions: readonly Action[],
  scope: ReadScope,
): ConflictReason | undefined {
  if (winner.protocol !== undefined) return "protocol-changed";
  if (winner.metadata !== undefined) return "metadata-changed";
  const appends = scope.readsWholeTable === true ? true : (scope.conflictsWithAppends ?? false);
  if (appends !== false && winner.adds.some((file) => file.dataChange && (appends === true || appends(file))))
    return "rows-changed";
  if (scope.readsWholeTable === true && winner.removes.some(({ dataChange }) => dataChange)) return "rows-changed";
  const appIds = new Set(winner.txns.map(({ appId }) => appId));
  if (actions.some((action) => "txn" in action && appIds.has(action.txn.appId))) return "txn-changed";
  const domains = new Set(winner.domains.map(({ domain }) => domain));
  if (actions.some((action) => "domainMetadata" in action && domains.has(action.domainMetadata.domain)))
    return "domain-changed";
  return undefined;
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
): ConflictReason | undefined {
  if (!isDeepStrictEqual(before.protocol, after.protocol)) return "protocol-changed";
  if (!isDeepStrictEqual(before.metadata, after.metadata)) return "metadata-changed";
  if (scope.readsWholeTable === true || (scope.conflictsWithAppends ?? false) !== false) return "rows-changed";
  for (const action of actions) {
    if ("txn" in action && before.txns.get(action.txn.appId) !== after.txns.get(action.txn.appId)) return "txn-changed";
    if (!("domainMetadata" in action)) continue;
    const { domain } = action.domainMetadata;
    if (!isDeepStrictEqual(before.domains.get(domain), after.domains.get(domain))) return "domain-changed";
  }
  return undefined;
}

/** True where every file that the actions remove is active: asked at every try, also of the first base. */
export function removesAreActive(snapshot: Snapshot, actions: readonly Action[]): boolean {
  return actions.every((action) => !("remove" in action) || snapshot.files.has(fileKey(action.remove)));
}

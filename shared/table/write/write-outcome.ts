/** What became of a write to a table. */
import {
  dataFilePath,
  type CommitOutcome,
  type CommitRequest,
  type ConflictReason,
  type Fence,
  type Snapshot,
} from "../../delta/index.ts";
import { deleteAll } from "../../storage/index.ts";
import type { DeltaTable } from "../delta-table.ts";

/** Counts of a write, by the names that Spark gives them in a table's history. */
export type WriteMetrics = Readonly<Record<string, number>>;

export type WriteOutcome =
  | { readonly kind: "committed"; readonly version: number; readonly metrics: WriteMetrics }
  /** Nothing had to be done: no row is concerned. Nothing was written. */
  | { readonly kind: "unchanged"; readonly version: number }
  /** An earlier call with the same fence has done it: by `version`, where the log still says. */
  | { readonly kind: "already-committed"; readonly version: number | undefined }
  /** A later writer of the appId has taken over: stop. */
  | { readonly kind: "fenced"; readonly appId: string; readonly recorded: number }
  /** The appId's record is neither the expected one nor the write's own. */
  | { readonly kind: "txn-changed"; readonly appId: string; readonly recorded: number | undefined }
  /** Another writer was first and changed what this one had read. Nothing was written; plan again on the newest version. */
  | { readonly kind: "conflict"; readonly version: number; readonly reason: ConflictReason };

/** What every write takes beside its own. */
export interface WriteOptions {
  /** Records of the writer's own progress, committed with the rows: a repeated call is recognised by them. */
  readonly fences?: readonly Fence[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Commits what was planned on a snapshot, and takes back the files of a commit that surely did not happen. */
export async function commitWrite(
  table: DeltaTable,
  base: Snapshot,
  request: Omit<CommitRequest, "base">,
): Promise<WriteOutcome> {
  const outcome = await table.commit({ base, rowsAreGuarded: true, ...request });
  if (outcome.kind !== "committed") await takeBack(table, request);
  return writeOutcome(outcome, request.operationMetrics ?? {});
}

function writeOutcome(outcome: CommitOutcome, metrics: WriteMetrics): WriteOutcome {
  const { snapshot: _snapshot, ...rest } = outcome;
  if (rest.kind !== "committed") return rest;
  return { kind: "committed", version: rest.version, metrics };
}

/** Files that no log names cost space until they are vacuumed, and nothing else. */
async function takeBack(table: DeltaTable, { actions }: Pick<CommitRequest, "actions">): Promise<void> {
  await deleteAll(
    table.log.store,
    newPaths(actions).map((path) => dataFilePath(table.log, { path })),
  );
}

/** Paths of data and change files that the actions bring into the log; a file that only gets another deletion vector is not new. */
function newPaths(actions: CommitRequest["actions"]): readonly string[] {
  const removed = new Set(actions.flatMap((action) => ("remove" in action ? [action.remove.path] : [])));
  const added = actions.flatMap((action) =>
    "add" in action ? [action.add.path] : "cdc" in action ? [action.cdc.path] : [],
  );
  return added.filter((path) => !removed.has(path));
}

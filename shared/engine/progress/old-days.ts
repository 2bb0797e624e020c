import { limits } from "../../core/index.ts";
import type { Snapshot } from "../../delta/index.ts";
import {
  conditionExpression,
  deleteRows,
  fileMatcher,
  type RowCondition,
  type TableSession,
} from "../../table/index.ts";

/**
 * Drops the days of `system.progress` that are older than `limits.progressDaysKept`, in one commit and without reading a file. Costs no request
 * where the snapshot, which may be a little old, has none. Gives how many files went. Errors: those of `deleteRows`. Repeating is safe.
 */
export async function dropOldDays(session: TableSession, snapshot: Snapshot, signal: AbortSignal): Promise<number> {
  const nowMs = session.table.log.clock.nowMs();
  const first = new Date(nowMs - limits.progressDaysKept * dayMs).toISOString().slice(0, 10);
  const old: readonly RowCondition[] = [{ kind: "lt", column: "date", value: first }];
  const isOld = fileMatcher(snapshot, old);
  if (![...snapshot.files].some(isOld)) return 0;
  const result = await deleteRows(session, { where: conditionExpression(snapshot.schema, old), signal });
  return result.kind === "committed" ? (result.metrics["numRemovedFiles"] ?? 0) : 0;
}

const dayMs = 24 * 60 * 60 * 1000;

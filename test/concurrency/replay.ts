/** The rows that a table must have after what its writers say they did, one commit after another. */
import type { DeltaCommit } from "../../shared/delta/index.ts";
import { bucketCount, type Done } from "./operation.ts";

export interface ReplayedRow {
  readonly id: number;
  readonly n: number;
  /** The version that brought the row. */
  readonly born: number;
}

/**
 * Replays operations in the order of their commits. An operation sees the rows of the version that it read and, where the table is serializable,
 * those of all before it; otherwise rows that were appended blindly in between escape it.
 */
export function replay(
  done: readonly Done[],
  commits: ReadonlyMap<number, DeltaCommit>,
  isSerializable: boolean,
): readonly ReplayedRow[] {
  const rows = new Map<number, ReplayedRow>();
  for (const each of [...done].sort((a, b) => a.version - b.version)) {
    const read = Number(commits.get(each.version)?.commitInfo?.["readVersion"]);
    const seen = (row: ReplayedRow) => isSerializable || row.born <= read;
    switch (each.kind) {
      case "append":
        for (const id of each.ids) insert(rows, { id, n: 0, born: each.version });
        break;
      case "merge":
        for (const id of each.ids) {
          const row = rows.get(id);
          if (row !== undefined && seen(row)) rows.set(id, { ...row, n: row.n + 1, born: each.version });
          else insert(rows, { id, n: 0, born: each.version });
        }
        break;
      case "delete":
        for (const row of rows.values())
          if (writerOf(row.id) === each.ofWriter && row.id % bucketCount <= each.bucket && seen(row))
            rows.delete(row.id);
        break;
      case "optimize":
        break;
    }
  }
  return [...rows.values()];
}

function writerOf(id: number): number {
  return Math.floor(id / 1_000_000);
}

function insert(rows: Map<number, ReplayedRow>, row: ReplayedRow): void {
  if (rows.has(row.id)) throw new Error(`row ${row.id} would be there twice after version ${row.born}`);
  rows.set(row.id, row);
}

import { readCommit, type DeltaCommit } from "../../delta/index.ts";
import type { DeltaTable } from "../delta-table.ts";

/** One version of a table, as Spark's DESCRIBE HISTORY has it; null where its writer did not say. */
export interface HistoryEntry {
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly timestampMs: number;
  readonly operation: string | null;
  readonly operationParameters: Readonly<Record<string, unknown>> | null;
  readonly operationMetrics: Readonly<Record<string, unknown>> | null;
  readonly readVersion: number | null;
  readonly isolationLevel: string | null;
  readonly isBlindAppend: boolean | null;
  readonly engineInfo: string | null;
  readonly userMetadata: string | null;
  readonly filesAdded: number;
  readonly filesRemoved: number;
  /** `txn` records by appId. */
  readonly txns: Readonly<Record<string, number>>;
}

export interface HistoryOptions {
  /** The newest of them; the table's newest where it is not said. */
  readonly toVersion?: number | undefined;
  readonly limit?: number | undefined;
}

const commitsAtOnce = 16;

/**
 * The versions of a table, newest first, as far back as its log has commits. Only as many commits are read as are taken, and a few more.
 * Errors: TABLE_NOT_FOUND; VERSION_NOT_FOUND; those of the store.
 */
export async function* historyOf(
  table: DeltaTable,
  { toVersion, limit = Number.POSITIVE_INFINITY }: HistoryOptions = {},
): AsyncGenerator<HistoryEntry> {
  const { version } = toVersion === undefined ? await table.latest() : await table.at(toVersion);
  let left = limit;
  for (let last = version; last >= 0 && left > 0; last -= commitsAtOnce) {
    const count = Math.min(commitsAtOnce, last + 1, left);
    const commits = await Promise.all(
      Array.from({ length: count }, async (_, i) => table.remembered(last - i) ?? readCommit(table.log, last - i)),
    );
    for (const commit of commits) {
      if (commit === undefined) return;
      yield entryOf(commit);
    }
    left -= count;
  }
}

function entryOf({ version, timestampMs, commitInfo = {}, adds, removes, txns }: DeltaCommit): HistoryEntry {
  const { operationMetrics, readVersion, isolationLevel, engineInfo, userMetadata } = commitInfo;
  return {
    version,
    timestampMs,
    operation: commitInfo.operation ?? null,
    operationParameters: commitInfo.operationParameters ?? null,
    operationMetrics: operationMetrics ?? null,
    readVersion: typeof readVersion === "number" ? readVersion : null,
    isolationLevel: typeof isolationLevel === "string" ? isolationLevel : null,
    isBlindAppend: commitInfo.isBlindAppend ?? null,
    engineInfo: engineInfo ?? null,
    userMetadata: typeof userMetadata === "string" ? userMetadata : null,
    filesAdded: adds.length,
    filesRemoved: removes.length,
    txns: Object.fromEntries(txns.map(({ appId, version: recorded }) => [appId, recorded])),
  };
}

/** Deletes log entries that nobody needs any more (PROTOCOL.md § Metadata Cleanup). */
import { limits } from "../core/index.ts";
import { deleteAll, type ObjectMeta } from "../storage/index.ts";
import { lastCheckpointHint } from "./last-checkpoint.ts";
import { logFolder, type DeltaLog } from "./log.ts";

export interface LogRetention {
  /** Entries younger than this are kept. */
  readonly keptMs: number;
  /** The version from which on the table is still read; asked only where there is something to delete. */
  readonly neededFrom: () => Promise<number>;
  /** Entries older than this are not kept for the readers of `neededFrom`. */
  readonly lagMaxMs: number;
}

/**
 * Deletes entries before the newest checkpoint that is itself old enough and not newer than what is needed, from the oldest on, so that
 * every version from that checkpoint on stays as it is. Entries are as old as their objects. Deletes a bounded number and returns it;
 * safe to repeat, at any time and by several at once.
 */
export async function cleanLog(log: DeltaLog, retention: LogRetention): Promise<number> {
  const nowMs = log.clock.nowMs();
  const entries = await oldEntries(log, nowMs - retention.keptMs);
  const newestCheckpoint = (await lastCheckpointHint(log))?.version ?? -1;
  const candidates = wholeCheckpoints(entries).filter((version) => version <= newestCheckpoint);
  const first = entries[0]?.version;
  if (first === undefined || !candidates.some((version) => version > first)) return 0;
  const neededFrom = await retention.neededFrom();
  const forgotten = entries.filter(({ lastModifiedMs }) => lastModifiedMs < nowMs - retention.lagMaxMs).at(-1)?.version;
  const kept = candidates.findLast((version) => version <= Math.max(neededFrom, forgotten ?? -1));
  if (kept === undefined) return 0;
  const paths = entries.filter(({ version }) => version < kept).map(({ path }) => path);
  return deleteAll(log.store, paths.slice(0, limits.maintenanceDeletesMax));
}

interface LogEntry extends ObjectMeta {
  readonly version: number;
}

/** Entries from the oldest on, up to the first commit that is too young, and no more versions than one round deletes. */
async function oldEntries(log: DeltaLog, beforeMs: number): Promise<readonly LogEntry[]> {
  const folder = `${logFolder(log)}/`;
  const entries: LogEntry[] = [];
  for await (const meta of log.store.list(folder)) {
    const digits = /^\d{20}(?=\.)/.exec(meta.path.slice(folder.length))?.[0];
    if (digits === undefined) continue;
    const version = Number(digits);
    const isYoung = meta.path === `${folder}${digits}.json` && meta.lastModifiedMs >= beforeMs;
    if (isYoung || version > (entries[0]?.version ?? version) + limits.maintenanceDeletesMax) {
      return entries.filter((entry) => entry.version < version);
    }
    entries.push({ ...meta, version });
  }
  return entries;
}

/** Versions with a whole checkpoint among the entries, rising. */
function wholeCheckpoints(entries: readonly LogEntry[]): readonly number[] {
  const found = new Set<number>();
  const parts = new Map<string, number>();
  for (const { path, version } of entries) {
    const match = /\.checkpoint(?:\.\d{10}\.(\d{10}))?\.parquet$/.exec(path);
    if (match === null) continue;
    const key = `${version}.${match[1] ?? ""}`;
    const count = (parts.get(key) ?? 0) + 1;
    parts.set(key, count);
    if (count === Number(match[1] ?? 1)) found.add(version);
  }
  return [...found];
}

/** Deletes log entries that nobody needs any more (PROTOCOL.md § Metadata Cleanup). */
import { limits } from "../core/index.ts";
import { deleteAll, type ObjectMeta } from "../storage/index.ts";
import { cleanSidecars, hasItsSidecars } from "./clean-sidecars.ts";
import { lastCheckpointHint } from "./last-checkpoint.ts";
import { parseLogFileName } from "./log-file-name.ts";
import type { ListedCheckpoint } from "./log-listing.ts";
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
 * every version from that checkpoint on stays as it is; compactions that begin there or before with them; and then the sidecars that no
 * checkpoint names any more. Entries are as old as their objects. Deletes a bounded number and returns it; safe to repeat, at any time and
 * by several at once.
 */
export async function cleanLog(log: DeltaLog, retention: LogRetention): Promise<number> {
  const nowMs = log.clock.nowMs();
  const entries = await oldEntries(log, nowMs - retention.keptMs);
  const newestCheckpoint = (await lastCheckpointHint(log))?.version ?? -1;
  const candidates = wholeCheckpoints(entries).filter(({ version }) => version <= newestCheckpoint);
  const first = entries[0]?.version;
  if (first === undefined || !candidates.some(({ version }) => version > first)) return 0;
  const neededFrom = await retention.neededFrom();
  const forgotten = entries.filter(({ lastModifiedMs }) => lastModifiedMs < nowMs - retention.lagMaxMs).at(-1)?.version;
  const end = Math.max(neededFrom, forgotten ?? -1);
  const kept = await newestUsable(
    log,
    candidates.filter(({ version }) => version <= end && version > first),
  );
  if (kept === undefined) return 0;
  const paths = entries.filter((entry) => isCovered(entry, kept)).map(({ path }) => path);
  const deleted = await deleteAll(log.store, paths.slice(0, limits.maintenanceDeletesMax));
  return deleted + (await cleanSidecars(log, nowMs - retention.keptMs));
}

type LogEntry = ObjectMeta & { readonly version: number; readonly name: string };

function isCovered({ version, name }: LogEntry, kept: number): boolean {
  return version < kept || (version === kept && parseLogFileName(name)?.kind === "compaction");
}

/** The version of the last of these checkpoints that is all there. A classic one, in one file or in several, is. */
async function newestUsable(log: DeltaLog, candidates: readonly ListedCheckpoint[]): Promise<number | undefined> {
  for (const checkpoint of candidates.toReversed().slice(0, limits.checkpointTriesMax)) {
    if (checkpoint.form === "classic" || (await hasItsSidecars(log, checkpoint))) return checkpoint.version;
  }
  return undefined;
}

/** Entries from the oldest on, up to the first commit that is too young, and no more versions than one round deletes. */
async function oldEntries(log: DeltaLog, beforeMs: number): Promise<readonly LogEntry[]> {
  const folder = `${logFolder(log)}/`;
  const entries: LogEntry[] = [];
  for await (const meta of log.store.list(folder)) {
    const name = meta.path.slice(folder.length);
    if (name > "9" && !/^\d/.test(name)) break;
    const digits = /^\d{20}(?=\.)/.exec(name)?.[0];
    if (digits === undefined) continue;
    const version = Number(digits);
    const isYoung = name === `${digits}.json` && meta.lastModifiedMs >= beforeMs;
    if (isYoung || version > (entries[0]?.version ?? version) + limits.maintenanceDeletesMax) {
      return entries.filter((entry) => entry.version < version);
    }
    entries.push({ ...meta, version, name });
  }
  return entries;
}

/** Whole checkpoints among the entries, by rising version; of one version a classic one last. */
function wholeCheckpoints(entries: readonly LogEntry[]): readonly ListedCheckpoint[] {
  const found: ListedCheckpoint[] = [];
  const parts = new Map<string, string[]>();
  for (const { path, name } of entries) {
    const file = parseLogFileName(name);
    if (file?.kind !== "checkpoint") continue;
    const { version, form, ofParts = 1 } = file;
    const key = `${version}.${file.ofParts ?? path}`;
    const paths = [...(parts.get(key) ?? []), path];
    parts.set(key, paths);
    if (paths.length === ofParts) found.push({ version, form, paths });
  }
  return found.sort((a, b) => a.version - b.version || (a.form === b.form ? 0 : a.form === "v2" ? -1 : 1));
}

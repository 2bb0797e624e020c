/**
 * Bins written anew and committed, a bounded number of bytes at a time, so that whatever comes in between costs little:
 *
 *     an append by somebody else            nothing: it goes through
 *     a file of a bin was removed           that bin falls out, the others are committed
 *     columns or properties changed         all bins that are not committed yet fall out
 */
import { isDyneError, limits } from "../../core/index.ts";
import { fileKey, type ConflictReason, type Snapshot } from "../../delta/index.ts";
import type { TableSession } from "../table-session.ts";
import type { Bin } from "./bin.ts";
import { dropFiles, rewriteActions, rewriteBin, type RewriteOptions, type RewrittenBin } from "./rewrite.ts";

export interface RewriteRound extends RewriteOptions {
  /** For the table's history. */
  readonly operation: string;
  readonly operationParameters: Readonly<Record<string, unknown>>;
  /** No bin is begun after it but the first, by the table's clock. */
  readonly untilMs?: number | undefined;
  readonly metricsOf: (bins: readonly RewrittenBin[]) => Readonly<Record<string, number>>;
  /** Told after each bin that was written. */
  readonly onBin?: ((bin: RewrittenBin) => void) | undefined;
}

export interface RoundResult {
  readonly committed: readonly RewrittenBin[];
  /** The version of the last commit; undefined where there was none. */
  readonly version: number | undefined;
  /** Why bins fell out; undefined where none did. */
  readonly conflict: { readonly version: number; readonly reason: ConflictReason } | undefined;
}

/**
 * Writes and commits bins of a snapshot. Files that no commit names are deleted again, except where a commit's answer was lost: then they
 * may be in the table. Errors: those of `rewriteBin` and of `commit`; what was committed before stays. Safe to repeat.
 */
export async function rewriteRound(
  session: TableSession,
  snapshot: Snapshot,
  bins: readonly Bin[],
  round: RewriteRound,
): Promise<RoundResult> {
  const committed: RewrittenBin[] = [];
  let version: number | undefined;
  let conflict: RoundResult["conflict"];
  let base = snapshot;
  for (const group of commitGroups(bins)) {
    const written = await writeGroup(session, snapshot, group, round);
    const result = await commitGroup(session, base, written, round);
    base = result.base;
    committed.push(...result.committed);
    version = result.version ?? version;
    conflict = result.conflict ?? conflict;
    if ((conflict !== undefined && conflict.reason !== "file-removed") || isTimeUp(session, round)) break;
  }
  return { committed, version, conflict };
}

/** Whether no more is to be begun. */
export function isTimeUp({ table }: TableSession, { untilMs }: Pick<RewriteRound, "untilMs">): boolean {
  return untilMs !== undefined && table.log.clock.nowMs() >= untilMs;
}

/** Bins of one commit: as many as fit its bytes, and one at least. */
function commitGroups(bins: readonly Bin[]): readonly (readonly Bin[])[] {
  const groups: Bin[][] = [];
  let bytes = 0;
  for (const bin of bins) {
    const last = groups.at(-1);
    if (last === undefined || bytes + bin.bytes > limits.optimizeCommitBytes) {
      groups.push([bin]);
      bytes = 0;
    } else last.push(bin);
    bytes += bin.bytes;
  }
  return groups;
}

async function writeGroup(
  session: TableSession,
  snapshot: Snapshot,
  bins: readonly Bin[],
  round: RewriteRound,
): Promise<readonly RewrittenBin[]> {
  const written: RewrittenBin[] = [];
  try {
    for (const bin of bins) {
      if (written.length > 0 && isTimeUp(session, round)) break;
      const rewritten = await rewriteBin(session, snapshot, bin, round);
      written.push(rewritten);
      round.onBin?.(rewritten);
    }
    return written;
  } catch (error) {
    await dropFiles(session, written);
    throw error;
  }
}

/** Commits the bins whose files are all still there, until that is so for those that are left. */
async function commitGroup(
  session: TableSession,
  planned: Snapshot,
  written: readonly RewrittenBin[],
  round: RewriteRound,
): Promise<GroupResult> {
  const { table } = session;
  let base = planned;
  let bins = written;
  let conflict: RoundResult["conflict"];
  for (let attempt = 1; bins.length > 0 && attempt <= limits.mergeAttemptsMax; attempt++) {
    const result = await table.commit({
      base,
      actions: rewriteActions(bins, table.log.clock.nowMs()),
      isBlindAppend: false,
      operation: round.operation,
      operationParameters: round.operationParameters,
      operationMetrics: round.metricsOf(bins),
      signal: round.signal,
    });
    base = result.snapshot;
    if (result.kind === "committed") return { committed: bins, version: result.version, conflict, base };
    conflict = { version: base.version, reason: result.kind === "conflict" ? result.reason : "contention" };
    const kept = conflict.reason === "file-removed" ? bins.filter((bin) => isActive(bin, base)) : [];
    await letGo(
      session,
      bins.filter((bin) => !kept.includes(bin)),
    );
    bins = kept;
  }
  await letGo(session, bins);
  return { committed: [], version: undefined, conflict, base };
}

/** `base` is the newest version that was held against what was planned. */
type GroupResult = RoundResult & { readonly base: Snapshot };

function isActive({ bin }: RewrittenBin, { files }: Snapshot): boolean {
  return bin.files.every((file) => files.has(fileKey(file)));
}

/** A store that does not answer keeps files that no log names: vacuum deletes them. */
async function letGo(session: TableSession, bins: readonly RewrittenBin[]): Promise<void> {
  try {
    await dropFiles(session, bins);
  } catch (error) {
    if (!isDyneError(error)) throw error;
    session.table.log.logger.warn("files that were not committed are left to vacuum", {
      table: session.table.path,
      error: error.message,
    });
  }
}

/** Files of a table written anew, round by round: what fell out of one, because others changed it, is chosen anew in the next. */
import { limits } from "../../core/index.ts";
import { assertWritable, fileKey, type AddFile, type ConflictReason, type Snapshot } from "../../delta/index.ts";
import type { TableSession } from "../table-session.ts";
import type { Bin } from "./bin.ts";
import { rewriteMetrics, type RewriteMetrics } from "./rewrite-metrics.ts";
import { isTimeUp, rewriteRound, type RewriteRound } from "./rewrite-round.ts";
import type { RewrittenBin } from "./rewrite.ts";

export interface RewriteProgress {
  readonly binsDone: number;
  readonly bins: number;
  readonly bytesDone: number;
  readonly bytes: number;
}

/** What became of it. What was committed before a conflict stays, and is in the metrics. */
export type RewriteResult =
  | { readonly kind: "committed"; readonly version: number; readonly metrics: RewriteMetrics }
  | { readonly kind: "unchanged"; readonly version: number }
  /** Files kept being changed by others: plan again, later. */
  | {
      readonly kind: "conflict";
      readonly version: number;
      readonly reason: ConflictReason;
      readonly metrics: RewriteMetrics;
    };

export interface TableRewrite extends Pick<
  RewriteRound,
  "operation" | "operationParameters" | "metricsOf" | "zOrderBy" | "untilMs" | "signal"
> {
  /** What is to be written anew of the files of a version. Throws where what is asked for does not fit the version. */
  readonly plan: (
    snapshot: Snapshot,
    files: readonly AddFile[],
  ) => { readonly bins: readonly Bin[]; readonly targetBytes: number };
  readonly onProgress?: ((progress: RewriteProgress) => void) | undefined;
}

/** Plans and does it. Files that an earlier round has written are not chosen again. Errors: those of `rewriteRound` and of the plan. */
export async function rewriteTable(session: TableSession, rewrite: TableRewrite): Promise<RewriteResult> {
  const done: RewrittenBin[] = [];
  const written = new Set<string>();
  let version: number | undefined;
  for (let round = 1; ; round++) {
    const snapshot = await session.table.latest();
    assertWritable(session.table.path, snapshot.protocol, snapshot.metadata, snapshot.schema);
    const files = [...snapshot.files].filter((file) => !written.has(fileKey(file)));
    const { bins, targetBytes } = rewrite.plan(snapshot, files);
    const result = await rewriteRound(session, snapshot, bins, {
      ...rewrite,
      targetBytes,
      onBin: progressOf(bins, rewrite.onProgress),
    });
    done.push(...result.committed);
    for (const { adds } of result.committed) for (const file of adds) written.add(fileKey(file));
    version = result.version ?? version;
    const isLast = round >= limits.optimizeRoundsMax || isTimeUp(session, rewrite);
    if (result.conflict !== undefined && isLast)
      return { kind: "conflict", ...result.conflict, metrics: rewriteMetrics(done) };
    if (result.conflict !== undefined) continue;
    if (version === undefined) return { kind: "unchanged", version: snapshot.version };
    return { kind: "committed", version, metrics: rewriteMetrics(done) };
  }
}

function progressOf(
  bins: readonly Bin[],
  onProgress: TableRewrite["onProgress"],
): ((bin: RewrittenBin) => void) | undefined {
  if (onProgress === undefined) return undefined;
  const bytes = bins.reduce((sum, bin) => sum + bin.bytes, 0);
  let binsDone = 0;
  let bytesDone = 0;
  return ({ bin }) => {
    binsDone++;
    bytesDone += bin.bytes;
    onProgress({ binsDone, bins: bins.length, bytesDone, bytes });
  };
}

/** What the record of a committed batch says of how it went: all of it is known by then, and nothing is read for it. */
import { instantMicros, instantText } from "../core/index.ts";
import type { BatchProgress, CommitRecord, InputRange, OutcomeRecord, TableCommit } from "../checkpoint/index.ts";
import { rowCountOf, type AddFile, type Snapshot } from "../delta/index.ts";
import type { EngineContext } from "./context.ts";
import type { BatchContext } from "./flow.ts";

type Source = NonNullable<BatchProgress["sources"]>[number];
type States = NonNullable<BatchProgress["states"]>;

/** The progress of a batch, as its commit says it. */
export function progressOf(
  { offsets, generation, lastCommit }: BatchContext,
  outcome: OutcomeRecord,
  { durationMs, states }: { readonly durationMs: BatchProgress["durationMs"]; readonly states: States },
): BatchProgress {
  const watermark = watermarkText(offsets.watermark?.evictedBefore, generation.position?.watermark?.delayMs);
  const ranges = Object.entries(offsets.inputs);
  const rows = ranges.length === 1 ? outcome.counts.inputRows : null;
  return {
    counts: outcome.counts,
    durationMs,
    strategy: outcome.strategy,
    attempt: outcome.attempt,
    batchTime: offsets.batchTime,
    lastBatchTime: lastTime(lastCommit),
    ...(outcome.eventTime === undefined ? {} : { eventTime: outcome.eventTime }),
    ...(watermark === undefined ? {} : { watermark }),
    sources: ranges.map(([name, range]) => ({ name, ...offsetsOf(range), rows })),
    ...(states.length === 0 ? {} : { states }),
    ...(outcome.job === null ? {} : { job: outcome.job }),
  };
}

/**
 * The flow's own tables after a batch. What is in memory of them is asked, never the store; a table that the batch left alone is as the
 * batch before said.
 */
export function stateProgress(
  { tables }: EngineContext,
  { generation, lastCommit }: BatchContext,
  outcome: OutcomeRecord,
  committed: Readonly<Record<string, TableCommit>>,
): States {
  return Object.entries(generation.tables)
    .filter(([role]) => role.startsWith(stateRole))
    .map(([role, { root, path }]) => {
      const operator = role.slice(stateRole.length);
      const changed = outcome.tables.find((table) => table.role === role);
      const rowsWritten = (changed?.add ?? []).reduce((sum, { rowCount }) => sum + rowCount, 0);
      const before = lastCommit?.progress.states?.find((state) => state.operator === operator)?.rows;
      const isSame = before !== undefined && lastCommit?.tables[role]?.version === committed[role]?.version;
      const { known } = tables.open(root, path);
      const isKnown = known !== undefined && known.version === committed[role]?.version;
      return { operator, rows: isSame ? before : isKnown ? rowsIn(known) : null, rowsWritten };
    });
}

const stateRole = "state:";

/** By file: the rows in it, read from its statistics once. */
const rowsOfFiles = new WeakMap<AddFile, number | undefined>();

function rowsIn({ files }: Snapshot): number | null {
  let sum = 0;
  for (const file of files) {
    const rows = rowsOfFiles.has(file) ? rowsOfFiles.get(file) : rowCountOf(file);
    rowsOfFiles.set(file, rows);
    if (rows === undefined) return null;
    sum += rows;
  }
  return sum;
}

/** Nothing came before the first batch of a lane, whatever its start says. */
function lastTime(last: CommitRecord | undefined): string | null {
  return last === undefined || last.batchId === 0 ? null : (last.progress.batchTime ?? last.committedTime);
}

/** State goes one delay after rows begin to be late. */
function watermarkText(evictedBefore: string | null | undefined, delayMs: number | undefined): string | undefined {
  if (evictedBefore === null || evictedBefore === undefined || delayMs === undefined) return undefined;
  return instantText(instantMicros(evictedBefore) + BigInt(delayMs) * 1000n);
}

function offsetsOf(range: InputRange): Pick<Source, "startOffset" | "endOffset"> {
  switch (range.kind) {
    case "hub": {
      const { partition, fromSequence, untilSequence } = range;
      const at = (sequenceNumber: number) => ({ partition, sequenceNumber });
      return { startOffset: at(fromSequence), endOffset: at(untilSequence) };
    }
    case "delta":
      return {
        startOffset: { version: range.startVersion ?? range.afterVersion },
        endOffset: { version: range.toVersion },
      };
    case "files": {
      const bytes = range.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      const names = range.files.map(({ path }) => path).sort();
      const [first, last] = [names[0], names.at(-1)];
      return {
        startOffset: first === undefined ? {} : { firstPath: first },
        endOffset: last === undefined ? {} : { lastPath: last, files: names.length, bytes },
      };
    }
  }
}

/**
 * A committed batch in the terms of Spark's StreamingQueryProgress, with what Spark has no word for beside it. Made from the record of the
 * commit alone: what an early build did not record is null, or left out.
 */
import { flowId, laneId, txnAppId } from "../core/index.ts";
import type { BatchProgress, CommitRecord } from "./formats.ts";

export interface QueryProgress {
  /** Stays the same for as long as the lane: the appId of its commits. */
  readonly id: string;
  /** The run that decided the batch. */
  readonly runId: string | null;
  readonly name: string;
  /** When the batch began, ISO-8601. */
  readonly timestamp: string;
  readonly batchId: number;
  /** Milliseconds, as far as they are known: see `durationMs`. */
  readonly batchDuration: number;
  readonly numInputRows: number;
  /** By the time since the batch before; null for the first. */
  readonly inputRowsPerSecond: number | null;
  readonly processedRowsPerSecond: number | null;
  /** By Spark's phases: latestOffset, walCommit, addBatch, triggerExecution. A phase that another instance went through is not there. */
  readonly durationMs: Readonly<Record<string, number>>;
  /** Null where the batch has no event time at all. */
  readonly eventTime: EventTimeProgress | null;
  readonly stateOperators: readonly StateOperatorProgress[];
  readonly sources: readonly SourceProgress[];
  readonly sink: { readonly description: string; readonly numOutputRows: number };
  /** `expectations`: rows that broke each rule; `quarantined`: rows by reason; `dropped`: duplicates, late rows. What is empty is left out. */
  readonly observedMetrics: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly pipeline: string;
  readonly lane: string;
  readonly generation: number;
  readonly committedTime: string;
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly strategy: BatchProgress["strategy"];
  /** The backfill that the batch belongs to. */
  readonly job: string | null;
}

/** ISO-8601; null where the batch has no such time. */
export interface EventTimeProgress {
  readonly max: string | null;
  readonly min: string | null;
  readonly avg: string | null;
  readonly watermark: string | null;
}

export interface StateOperatorProgress {
  readonly operatorName: string;
  readonly numRowsTotal: number | null;
  /** Rows written, among them those that only moved into another file. */
  readonly numRowsUpdated: number;
}

/** What was taken from behind `startOffset` up to `endOffset`, both JSON. Rows are null where there are several inputs. */
export interface SourceProgress {
  readonly description: string;
  readonly startOffset: string;
  readonly endOffset: string;
  readonly numInputRows: number | null;
  readonly inputRowsPerSecond: number | null;
  readonly processedRowsPerSecond: number | null;
}

/** The progress of a batch of a pipeline. */
export function queryProgress(pipeline: string, record: CommitRecord): QueryProgress {
  const { flow, lane, progress } = record;
  const { counts } = progress;
  const timestamp = progress.batchTime ?? record.committedTime;
  const durationMs = phases(progress.durationMs);
  const batchDuration = durationMs["triggerExecution"] ?? 0;
  const sinceMs = elapsedMs(progress.lastBatchTime, timestamp);
  const rates = (rows: number | null) => ({
    inputRowsPerSecond: perSecond(rows, sinceMs),
    processedRowsPerSecond: perSecond(rows, batchDuration),
  });
  return {
    id: txnAppId(pipeline, flowId(flow), laneId(lane)),
    runId: progress.attempt ?? null,
    name: flow,
    timestamp,
    batchId: record.batchId,
    batchDuration,
    numInputRows: counts.inputRows,
    ...rates(counts.inputRows),
    durationMs,
    eventTime: eventTimeOf(progress),
    stateOperators: (progress.states ?? []).map(({ operator, rows, rowsWritten }) => ({
      operatorName: operator,
      numRowsTotal: rows,
      numRowsUpdated: rowsWritten,
    })),
    sources: (progress.sources ?? []).map(({ name, startOffset, endOffset, rows }) => ({
      description: name,
      startOffset: JSON.stringify(startOffset),
      endOffset: JSON.stringify(endOffset),
      numInputRows: rows,
      ...rates(rows),
    })),
    sink: { description: flow, numOutputRows: counts.outputRows },
    observedMetrics: metricsOf(counts),
    pipeline,
    lane,
    generation: record.generation,
    committedTime: record.committedTime,
    inputBytes: counts.inputBytes,
    outputBytes: counts.outputBytes,
    strategy: progress.strategy,
    job: progress.job ?? null,
  };
}

/** By Spark's names. Computing and committing are one phase to Spark. */
function phases({ plan, log, compute, commit }: BatchProgress["durationMs"]): Readonly<Record<string, number>> {
  const add = compute === undefined && commit === undefined ? undefined : (compute ?? 0) + (commit ?? 0);
  const named = Object.entries({ latestOffset: plan, walCommit: log, addBatch: add }).flatMap(([name, ms]) =>
    ms === undefined ? [] : [[name, Math.max(0, Math.round(ms))] as const],
  );
  return {
    ...Object.fromEntries(named),
    triggerExecution: named.reduce((sum, [, ms]) => sum + ms, 0),
  };
}

function eventTimeOf({ eventTime, watermark }: BatchProgress): EventTimeProgress | null {
  if (eventTime === undefined && watermark === undefined) return null;
  const { max = null, min = null, avg = null } = eventTime ?? {};
  return { max, min, avg, watermark: watermark ?? null };
}

function metricsOf(counts: BatchProgress["counts"]): QueryProgress["observedMetrics"] {
  const { duplicates, late, lateIdle, expectations, quarantined } = counts;
  const all = { expectations, quarantined, dropped: { duplicates, late, lateIdle } };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, values]) => {
      const isRule = name === "expectations";
      const said = Object.entries<number>(values).filter(([, rows]) => isRule || rows > 0);
      return said.length === 0 ? [] : [[name, Object.fromEntries(said)]];
    }),
  );
}

function elapsedMs(before: string | null | undefined, now: string): number | null {
  return before === null || before === undefined ? null : Date.parse(now) - Date.parse(before);
}

function perSecond(rows: number | null, ms: number | null): number | null {
  return rows === null || ms === null || ms <= 0 ? null : (rows * 1000) / ms;
}

/**
 * The table `system.progress`: one row per batch of every flow, in the terms of Spark's StreamingQueryProgress, by the day on which the batch
 * was committed. Columns are only ever added.
 */
import type { QueryProgress } from "../../checkpoint/index.ts";
import type { RowSet, RowValue } from "../../compute/index.ts";
import { instantMicros } from "../../core/index.ts";
import { array, date, double, long, map, string, struct, timestamp } from "../../plan/index.ts";

const rates = { numInputRows: long(), inputRowsPerSecond: double(), processedRowsPerSecond: double() };

export const progressSchema = struct({
  date: date(),
  pipeline: string(),
  name: string(),
  lane: string(),
  generation: long(),
  batchId: long(),
  id: string(),
  runId: string(),
  timestamp: timestamp(),
  committedTime: timestamp(),
  batchDuration: long(),
  ...rates,
  durationMs: map(string(), long()),
  eventTime: struct({ max: timestamp(), min: timestamp(), avg: timestamp(), watermark: timestamp() }),
  stateOperators: array(struct({ operatorName: string(), numRowsTotal: long(), numRowsUpdated: long() })),
  sources: array(struct({ description: string(), startOffset: string(), endOffset: string(), ...rates })),
  sink: struct({ description: string(), numOutputRows: long() }),
  observedMetrics: map(string(), map(string(), long())),
  inputBytes: long(),
  outputBytes: long(),
  strategy: struct({
    name: string(),
    reason: string(),
    changeFiles: long(),
    changeBytes: long(),
    touchedFiles: long(),
    touchedBytes: long(),
  }),
  job: string(),
});

/** Days are dropped whole. */
export const progressPartitions = ["date"] as const;

/** Rows of the table. */
export function progressRows(batches: readonly QueryProgress[]): RowSet {
  const rows = batches.map(rowOf);
  const columns = Object.keys(progressSchema.fields).map((name) => [name, rows.map((row) => row[name] ?? null)]);
  return {
    kind: "rows",
    schema: progressSchema,
    columns: Object.fromEntries(columns) as RowSet["columns"],
    rowCount: rows.length,
  };
}

function rowOf(batch: QueryProgress): Readonly<Record<string, RowValue>> {
  const { strategy, eventTime } = batch;
  const committedUs = instantMicros(batch.committedTime);
  return {
    date: Number(committedUs / dayUs),
    pipeline: batch.pipeline,
    name: batch.name,
    lane: batch.lane,
    generation: BigInt(batch.generation),
    batchId: BigInt(batch.batchId),
    id: batch.id,
    runId: batch.runId,
    timestamp: instantMicros(batch.timestamp),
    committedTime: committedUs,
    batchDuration: BigInt(batch.batchDuration),
    numInputRows: BigInt(batch.numInputRows),
    inputRowsPerSecond: batch.inputRowsPerSecond,
    processedRowsPerSecond: batch.processedRowsPerSecond,
    durationMs: JSON.stringify(batch.durationMs),
    eventTime: eventTime === null ? null : JSON.stringify(eventTime),
    stateOperators: JSON.stringify(batch.stateOperators),
    sources: JSON.stringify(batch.sources),
    sink: JSON.stringify(batch.sink),
    observedMetrics: JSON.stringify(batch.observedMetrics),
    inputBytes: BigInt(batch.inputBytes),
    outputBytes: BigInt(batch.outputBytes),
    strategy: JSON.stringify({
      name: strategy.name,
      reason: strategy.reason,
      changeFiles: strategy.change?.files ?? null,
      changeBytes: strategy.change?.bytes ?? null,
      touchedFiles: strategy.touched?.files ?? null,
      touchedBytes: strategy.touched?.bytes ?? null,
    }),
    job: batch.job,
  };
}

const dayUs = 86_400_000_000n;

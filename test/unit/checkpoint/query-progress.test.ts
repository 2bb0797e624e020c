import { expect, test } from "vitest";
import { commitRecord, queryProgress, type CommitRecord } from "../../../shared/checkpoint/index.ts";
import { commitOf } from "./records-under-test.ts";

const whole: CommitRecord = {
  ...commitOf(7),
  committedTime: "2026-01-02T03:04:07.000000Z",
  progress: {
    counts: {
      inputRows: 600,
      outputRows: 590,
      duplicates: 4,
      late: 3,
      lateIdle: 0,
      quarantined: { MALFORMED: 2, EXPECTATION: 1 },
      expectations: { known_device: 1, positive: 0 },
      inputBytes: 12_000,
      outputBytes: 9_000,
    },
    durationMs: { plan: 10.4, log: 20, compute: 300, commit: 69.6 },
    strategy: { name: "append", reason: "600 events" },
    attempt: "6f0c",
    batchTime: "2026-01-02T03:04:06.000000Z",
    lastBatchTime: "2026-01-02T03:04:03.000000Z",
    eventTime: {
      min: "2026-01-02T03:00:00.000000Z",
      max: "2026-01-02T03:04:00.000000Z",
      avg: "2026-01-02T03:02:00.000000Z",
    },
    watermark: "2026-01-02T02:50:00.000000Z",
    sources: [
      {
        name: "flights",
        startOffset: { partition: "3", sequenceNumber: 1200 },
        endOffset: { partition: "3", sequenceNumber: 1800 },
        rows: 600,
      },
    ],
    states: [{ operator: "drop_duplicates", rows: 5000, rowsWritten: 590 }],
  },
};

test("a batch is told in the terms of Spark's StreamingQueryProgress", () => {
  expect(queryProgress("flights", whole)).toEqual({
    id: "dyne/flights/bronze.flights/3",
    runId: "6f0c",
    name: "bronze.flights",
    timestamp: "2026-01-02T03:04:06.000000Z",
    batchId: 7,
    batchDuration: 400,
    numInputRows: 600,
    inputRowsPerSecond: 200,
    processedRowsPerSecond: 1500,
    durationMs: { latestOffset: 10, walCommit: 20, addBatch: 370, triggerExecution: 400 },
    eventTime: {
      max: "2026-01-02T03:04:00.000000Z",
      min: "2026-01-02T03:00:00.000000Z",
      avg: "2026-01-02T03:02:00.000000Z",
      watermark: "2026-01-02T02:50:00.000000Z",
    },
    stateOperators: [{ operatorName: "drop_duplicates", numRowsTotal: 5000, numRowsUpdated: 590 }],
    sources: [
      {
        description: "flights",
        startOffset: '{"partition":"3","sequenceNumber":1200}',
        endOffset: '{"partition":"3","sequenceNumber":1800}',
        numInputRows: 600,
        inputRowsPerSecond: 200,
        processedRowsPerSecond: 1500,
      },
    ],
    sink: { description: "bronze.flights", numOutputRows: 590 },
    observedMetrics: {
      expectations: { known_device: 1, positive: 0 },
      quarantined: { MALFORMED: 2, EXPECTATION: 1 },
      dropped: { duplicates: 4, late: 3 },
    },
    pipeline: "flights",
    lane: "3",
    generation: 1,
    committedTime: "2026-01-02T03:04:07.000000Z",
    inputBytes: 12_000,
    outputBytes: 9_000,
    strategy: { name: "append", reason: "600 events" },
    job: null,
  });
});

test("a record of an early build, which says less, is told as far as it goes", () => {
  const early = commitRecord.parse(JSON.parse(JSON.stringify(commitOf(2))));
  expect(
    queryProgress("flights", { ...early, progress: { ...early.progress, durationMs: { compute: 5, commit: 7 } } }),
  ).toMatchObject({
    runId: null,
    timestamp: early.committedTime,
    batchDuration: 12,
    durationMs: { addBatch: 12, triggerExecution: 12 },
    inputRowsPerSecond: null,
    processedRowsPerSecond: 0,
    eventTime: null,
    stateOperators: [],
    sources: [],
    observedMetrics: {},
  });
});

test("an early build reads a record of this one: what it does not know is optional and of no other format", () => {
  const { counts, durationMs, strategy } = whole.progress;
  const known = { ...whole, progress: { counts, durationMs, strategy } };
  expect(commitRecord.parse(whole)).toEqual(whole);
  expect(commitRecord.parse(known)).toEqual(known);
  expect(whole.format).toBe(1);
});

test("a clock that was set back between two batches makes no negative rate", () => {
  const back = {
    ...whole,
    progress: { ...whole.progress, lastBatchTime: "2026-01-02T03:04:09.000000Z", durationMs: {} },
  };
  expect(queryProgress("flights", back)).toMatchObject({
    inputRowsPerSecond: null,
    processedRowsPerSecond: null,
    batchDuration: 0,
  });
});

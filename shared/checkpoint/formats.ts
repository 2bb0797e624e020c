/**
 * The records of a flow's checkpoint, as JSON. Every record carries `format`; version N reads N−1.
 *
 * offsets/00000000000000000007 of lane 3 of bronze.flights:
 *
 *     {"format":1,"flow":"bronze.flights","lane":"3","generation":1,"batchId":7,"attempt":"6f0c…",
 *      "batchTime":"2026-01-02T03:04:05.678000Z","seed":"91ab…","timeZone":"UTC","planFingerprint":"sha256:…",
 *      "inputs":{"flights":{"kind":"hub","epoch":"2026-01-01T00:00:00.000000Z","partition":"3","fromSequence":1200,"untilSequence":1850}},
 *      "statics":{},"watermark":null,"job":null}
 */
import { z } from "zod";

/** The format version that is written. */
export const checkpointFormat = 1;

const format = z.literal(checkpointFormat);
const count = z.number().int().nonnegative();
/** ISO-8601 with microseconds and Z. */
export const instant = z.string().regex(/^[-+]?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);

/** Which events of one hub partition: half-open in sequence numbers. */
export const hubRange = z.object({
  kind: z.literal("hub"),
  epoch: instant,
  partition: z.string(),
  fromSequence: count,
  untilSequence: count,
});
/** Which versions of a Delta table: those after `afterVersion` (−1 = from the first) up to and including `toVersion`. */
export const deltaRange = z.object({
  kind: z.literal("delta"),
  tableId: z.string(),
  afterVersion: z.number().int().min(-1),
  toVersion: z.number().int().min(-1),
  /**
   * Where reading begins with what the table holds at this version, because rows were removed up to it; then come the later versions.
   * Absent where the versions are read from the first.
   */
  startVersion: count.optional(),
});
export const landedFile = z.object({
  path: z.string(),
  etag: z.string(),
  sizeBytes: count,
  modifiedTime: instant,
});
/** Exactly which landed files. */
export const fileList = z.object({ kind: z.literal("files"), files: z.array(landedFile) });

export const inputRange = z.discriminatedUnion("kind", [hubRange, deltaRange, fileList]);

/** A table that is joined as it stood at one version. */
export const staticVersion = z.object({ tableId: z.string(), version: count });

/** Event-time progress of one lane. */
export const laneProgress = z.object({
  /** The greatest event time of the lane so far, leaving out rows too far ahead of their arrival; null before the first. */
  maxEventTime: instant.nullable(),
  /** How long the flow has been running without a row of this lane; time in which the flow itself stood still does not count. */
  silentMs: count,
});
export const watermark = z.object({
  lanes: z.record(z.string(), laneProgress),
  /** State with an earlier event time may be gone; only ever moves forward. */
  evictedBefore: instant.nullable(),
});

/** Written ahead of a batch: all that makes a re-run the same run. */
export const offsetsRecord = z.object({
  format,
  flow: z.string(),
  lane: z.string(),
  generation: count,
  /** 0 names the start of a lane: its `inputs` end where the first batch begins. */
  batchId: count,
  attempt: z.string(),
  /** The only clock of the batch. */
  batchTime: instant,
  seed: z.string(),
  timeZone: z.literal("UTC"),
  planFingerprint: z.string(),
  inputs: z.record(z.string(), inputRange),
  statics: z.record(z.string(), staticVersion),
  /** In force for this batch; null where the flow has no event time. */
  watermark: watermark.nullable(),
  /** The backfill job that this batch belongs to. */
  job: z.string().nullable(),
});

export const dataFile = z.object({
  path: z.string(),
  sizeBytes: count,
  rowCount: count,
  partitionValues: z.record(z.string(), z.string().nullable()),
  stats: z.string(),
  tags: z.record(z.string(), z.string()).optional(),
});
export const removedFile = z.object({
  path: z.string(),
  partitionValues: z.record(z.string(), z.string().nullable()),
  sizeBytes: count,
  /** As the log has it, where rows of the file were deleted before: it is a part of the file's identity. */
  deletionVector: z
    .object({
      storageType: z.enum(["u", "i", "p"]),
      pathOrInlineDv: z.string(),
      offset: z.number().optional(),
      sizeInBytes: z.number(),
      cardinality: z.number(),
    })
    .optional(),
});
/** What the batch does to one table, in the order in which the tables are committed. */
export const tableOutcome = z.object({
  /** `sink`, `quarantine`, or `state:<operator>`. */
  role: z.string(),
  tableId: z.string(),
  /** The version that the removes were chosen from. */
  baseVersion: z.number().int().min(-1),
  add: z.array(dataFile),
  remove: z.array(removedFile),
  cdc: z.array(dataFile),
  /** What a merged sink is merged with, so that the merge alone can be done again. */
  staged: z.object({ rows: z.array(dataFile), keys: z.array(dataFile) }).nullable(),
});
export const batchCounts = z.object({
  inputRows: count,
  outputRows: count,
  duplicates: count,
  late: count,
  /** Late only because their lane had been silent and the others went on. */
  lateIdle: count,
  /** By reason. */
  quarantined: z.record(z.string(), count),
  /** By rule: rows that failed it. */
  expectations: z.record(z.string(), count),
  inputBytes: count,
  outputBytes: count,
});
/** Files and their bytes. */
export const volume = z.object({ files: count, bytes: count });
/**
 * How a batch was computed and why; of a view, what changed in its inputs, what was read again or rewritten for it, and whether its hidden
 * tables moved on with it, which a build that does not know of them does not say.
 */
export const strategy = z.object({
  name: z.string(),
  reason: z.string(),
  change: volume.optional(),
  touched: volume.optional(),
  isStateKept: z.boolean().optional(),
});
/** Event times of a batch's rows, leaving out those too far ahead of their arrival. */
export const eventTimes = z.object({ min: instant, max: instant, avg: instant });
/** The decision: from here on the batch is this, whoever finishes it. `redo` counts merges done again. */
export const outcomeRecord = z.object({
  format,
  flow: z.string(),
  lane: z.string(),
  generation: count,
  batchId: count,
  redo: count,
  attempt: z.string(),
  createdTime: instant,
  tables: z.array(tableOutcome),
  watermark: watermark.nullable(),
  counts: batchCounts,
  strategy,
  /** Absent where the batch has no event times, or an early build computed it. */
  eventTime: eventTimes.optional(),
  /** The version promoted by a gate, once gates judge this edge. */
  promoted: count.nullable(),
  job: z.string().nullable(),
  /** A seal: the lane of this generation ends before this batch, and goes on in the generation named. Null for a batch. */
  seal: count.nullable().default(null),
});

/** A batch of a lane, in whichever generation it ran. */
export const batchOfLane = z.object({ generation: count, batchId: count });
/** Where a table stands after a batch. */
export const tableCommit = z.object({
  tableId: z.string(),
  /** The version this batch made, or the latest one this lane knows; −1 before any. */
  version: z.number().int().min(-1),
  /** The last txn version recorded for this lane in this table; null before any. */
  txn: z.number().int().nullable(),
});
/**
 * What a batch took from one input: from behind `startOffset` up to `endOffset`, in the terms of the input. `rows` is null where the batch
 * has several inputs, whose rows are only known together.
 */
export const sourceProgress = z.object({
  name: z.string(),
  startOffset: z.record(z.string(), z.union([z.string(), z.number()])),
  endOffset: z.record(z.string(), z.union([z.string(), z.number()])),
  rows: count.nullable(),
});
/** A table of the flow's own after a batch. `rows` is null where a file does not say how many it has. */
export const stateProgress = z.object({
  operator: z.string(),
  rows: count.nullable(),
  /** Written by the batch, among them rows that were there before and moved into another file. */
  rowsWritten: count,
});
/** How a batch went. All that is optional came later: records of early builds do not say it. */
export const batchProgress = z.object({
  counts: batchCounts,
  /** By phase: `plan`, `log` (its offsets), `compute`, `commit`. A batch that another instance began lacks what that one did. */
  durationMs: z.record(z.string(), z.number()),
  strategy,
  /** The run that decided the batch. */
  attempt: z.string().optional(),
  /** When the batch began: that of its offsets; and that of the batch before it, null for the first. */
  batchTime: instant.optional(),
  lastBatchTime: instant.nullable().optional(),
  eventTime: eventTimes.optional(),
  /** In force in the batch, as far as it is one time for all lanes; absent without event time, or before there is one. */
  watermark: instant.optional(),
  sources: z.array(sourceProgress).optional(),
  states: z.array(stateProgress).optional(),
  /** The backfill that the batch belongs to. */
  job: z.string().optional(),
});
/** Written last. */
export const commitRecord = z.object({
  format,
  flow: z.string(),
  lane: z.string(),
  generation: count,
  batchId: count,
  committedTime: instant,
  /** By role. */
  tables: z.record(z.string(), tableCommit),
  /** In `commits/0` of a generation that follows another: the batch whose place in the input it takes over; null for none. */
  continues: batchOfLane.nullable().default(null),
  progress: batchProgress,
});

/**
 * Where the lanes of a generation go on in their input: at the start; where the generation before ends, which the seal of each lane
 * decides; or after the batches named.
 */
export const continuation = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("start") }),
  z.object({ kind: z.literal("seal") }),
  z.object({ kind: z.literal("batches"), lanes: z.record(z.string(), batchOfLane) }),
]);

/**
 * One generation of a flow: the plan it runs, the tables it owns, and what it continues from. Writing it is the decision; the hand-over
 * of each lane follows from it, whoever carries it out.
 *
 *     {"format":1,"flow":"silver.flights","generation":2,"planFingerprint":"sha256:…","reason":"reset","createdTime":"2026-…Z",
 *      "tables":{"quarantine":{…},"state:drop_duplicates":{…},"sink":{…}},
 *      "continues":{"kind":"start"},"swap":{"quarantine":{"0":null},"sink":{"0":null}}}
 */
export const generationRecord = z.object({
  format,
  flow: z.string(),
  generation: count,
  planFingerprint: z.string(),
  reason: z.enum(["created", "plan", "refresh", "reset", "restore"]),
  createdTime: instant,
  /** By role; created before this record is written. */
  tables: z.record(z.string(), z.object({ root: z.enum(["host", "lake"]), path: z.string(), tableId: z.string() })),
  continues: continuation,
  /**
   * What places in the input are told by: another plan takes them over where it is the same. Null where rows are computed again; records
   * of early builds do not say.
   */
  position: z
    .object({
      inputs: z.array(z.string()),
      watermark: z.object({ eventTime: z.string(), delayMs: count }).nullable(),
    })
    .nullable()
    .optional(),
  /**
   * What tables are set to before the first batch, in one commit each: by role and lane, a version of the table, or null for empty.
   * The lanes named are fenced; rows of other lanes stay. Null: all data stay.
   */
  swap: z.record(z.string(), z.record(z.string(), count.nullable())).nullable(),
});

/** The state of a flow; where there is no record it is RUNNING. */
export const flowStateRecord = z.object({
  format,
  flow: z.string(),
  state: z.enum(["RUNNING", "PAUSED", "FAILED"]),
  updatedTime: instant,
  failure: z
    .object({
      lane: z.string(),
      generation: count,
      batchId: count,
      code: z.string(),
      message: z.string(),
      sample: z.string().nullable(),
    })
    .nullable(),
});

export type InputRange = z.infer<typeof inputRange>;
export type HubRange = z.infer<typeof hubRange>;
export type DeltaRange = z.infer<typeof deltaRange>;
export type FileList = z.infer<typeof fileList>;
export type LandedFile = z.infer<typeof landedFile>;
export type Watermark = z.infer<typeof watermark>;
export type OffsetsRecord = z.infer<typeof offsetsRecord>;
export type OutcomeRecord = z.infer<typeof outcomeRecord>;
export type TableOutcome = z.infer<typeof tableOutcome>;
export type DataFileRecord = z.infer<typeof dataFile>;
export type BatchCounts = z.infer<typeof batchCounts>;
export type BatchProgress = z.infer<typeof batchProgress>;
export type EventTimes = z.infer<typeof eventTimes>;
export type CommitRecord = z.infer<typeof commitRecord>;
export type TableCommit = z.infer<typeof tableCommit>;
export type GenerationRecord = z.infer<typeof generationRecord>;
export type BatchOfLane = z.infer<typeof batchOfLane>;
export type Continuation = z.infer<typeof continuation>;
export type FlowStateRecord = z.infer<typeof flowStateRecord>;

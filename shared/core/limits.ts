/** Every bound of the engine in one place. Units come last in each name. */
export const limits = {
  /** Generations of one flow; keeps `generation · 2^32 + batchId` below 2^53. */
  generationsMax: 2 ** 20,
  /** Batches of one generation. */
  batchIdMax: 2 ** 32 - 1,
  /** How often one commit is tried against newer versions before the caller is told to plan again. */
  commitAttemptsMax: 50,
  /** How often the merge of one batch is done again because its files were rewritten by somebody else. */
  mergeAttemptsMax: 20,
  /** Estimated uncompressed input of one batch. */
  batchInputBytes: 64 * 1024 * 1024,
  /** Events and bytes of one batch from a hub: they are in memory as they are. */
  hubBatchEvents: 40_000,
  hubBatchBytes: 16 * 1024 * 1024,
  /** A batch reads on behind the trigger's payload where at least so many events wait there. */
  hubReadAheadEvents: 2_000,
  /** Files of one batch. */
  batchInputFiles: 1_000,
  /** Small files of a state table that are merged into one by the next batch. */
  stateSmallFilesMax: 16,
  /** A view whose input changed by more than this share of its bytes is computed in full. */
  fullRefreshShare: 0.5,
  /** A JSON record of a checkpoint. */
  checkpointRecordBytes: 32 * 1024 * 1024,
  /** A commit file of a Delta log that dyne is willing to parse. */
  deltaCommitBytes: 256 * 1024 * 1024,
  /** A sample of a bad row in an error, a state file or a log line. */
  sampleCharacters: 200,
  /** How long a lease lasts, and how often its holder renews it. */
  leaseSeconds: 15,
  leaseRenewMs: 5_000,
  /** An outcome older than this has its files checked before it is rolled forward. */
  outcomeTrustedMs: 60 * 60 * 1000,
} as const;

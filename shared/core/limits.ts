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
  /** How often the end of a lane is tried for while its batches go on. */
  sealAttemptsMax: 100,
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
  /** Files of one size in a partition of a view's hidden table that are merged by the next batch, and how much of them. */
  hiddenSmallFilesMax: 4,
  hiddenMergeBytes: 16 * 1024 * 1024,
  hiddenMergeFiles: 64,
  /** A view whose input changed by more than this share of its bytes is computed in full. */
  fullRefreshShare: 0.5,
  /**
   * A view whose inputs and rows are no more than that is computed in full, where a change is not just added: finding the keys that it
   * touches takes two or three jobs more, each of them as long as reading so much.
   */
  fullRefreshBytes: 1024 * 1024,
  fullRefreshFiles: 16,
  /**
   * A table of no more bytes in no more files is read, and written anew, by a refresh sooner than it asks which of them the change touches: each
   * question takes as long as so many bytes, and each file a request.
   */
  refreshUnaskedBytes: 128 * 1024,
  refreshUnaskedFiles: 8,
  /** The share of time that refreshes of a view take unless it says another, and the least that it can say. */
  dutyCycle: 0.2,
  dutyCycleMin: 0.001,
  /** What a refresh counts as at most: a clock that jumps must not hold a view for days. Functions end after so long. */
  refreshCountedMs: 30 * 60 * 1000,
  /** A JSON record of a checkpoint. */
  checkpointRecordBytes: 32 * 1024 * 1024,
  /** A JSON file of a Delta log that dyne is willing to parse, and how deep values in it may lie in one another. */
  deltaCommitBytes: 256 * 1024 * 1024,
  deltaNestingMax: 64,
  /** The same in a table's schema, where a type in another is three levels. */
  schemaNestingMax: 300,
  /** `_last_checkpoint`: some writers put the schema and all sidecars of the checkpoint into it. */
  lastCheckpointBytes: 4 * 1024 * 1024,
  /** A file of a checkpoint in Parquet, which has to lie on the local disk; sidecars of one checkpoint; and the actions of a whole one. */
  checkpointFileBytes: 1024 * 1024 * 1024,
  checkpointSidecarsMax: 10_000,
  /** Checkpoints of one log that are looked through for the sidecars that they name, before others are deleted. */
  sidecarCheckpointsMax: 1_000,
  checkpointActionsMax: 5_000_000,
  /** How many checkpoints that turn out not to be readable a table is opened in spite of. */
  checkpointTriesMax: 10,
  /** Writers' clocks are taken to be right by this much, where no in-commit timestamps say more. */
  clockSkewMs: 60_000,
  /** A deletion vector that is read, the rows that it may delete, and a file of vectors that is written. */
  deletionVectorBytes: 64 * 1024 * 1024,
  deletedRowsMax: 20_000_000,
  deletionVectorFileBytes: 16 * 1024 * 1024,
  /**
   * A Delta log is checkpointed when the JSON after its last checkpoint is more than this share of that checkpoint's bytes, or so many
   * commits; but not while it is small: a hundred commits are seven rounds of 16 requests at once, as long as a checkpoint's four requests
   * and its Parquet take, and a MiB of JSON is parsed in that time. A table without a checkpoint gets its first one there.
   */
  checkpointTailShare: 0.2,
  checkpointTailCommitsMax: 1_000,
  /** Writers of tables that no flow writes look at one version of so many. */
  tableCheckpointLookCommits: 10,
  checkpointTailCommitsMin: 100,
  checkpointTailBytesMin: 1024 * 1024,
  /** A log's tail is looked at after so many commits: a listing among fifty commits is not felt. */
  checkpointLookCommits: 50,
  /**
   * So many commits, of so many bytes at most, are compacted into one file where no checkpoint is due after them: a request instead of a
   * hundred. Logs whose checkpoints come every hundred commits never get there.
   */
  compactionCommits: 100,
  compactionBytesMax: 16 * 1024 * 1024,
  /** How far before an old version its checkpoint is looked for: twice the longest tail. */
  checkpointSearchCommits: 2_000,
  /** Log entries are kept for `delta.logRetentionDuration`, by default 30 days, as everybody does who writes Delta. */
  logRetentionMs: 30 * 24 * 60 * 60 * 1000,
  /** Tombstones are kept for `delta.deletedFileRetentionDuration`, by default a week. */
  tombstoneRetentionMs: 7 * 24 * 60 * 60 * 1000,
  /** Log entries that a flow of ours has still to read are kept for so long: a flow that stands still for a quarter is not waited for. */
  consumerLagMaxMs: 90 * 24 * 60 * 60 * 1000,
  /** State tables have no reader but their lane, which reads what its last commit names; what it was reading a moment ago is spared. */
  privateRetentionMs: 10 * 60 * 1000,
  /** A snapshot that was found the newest longer ago may have been overtaken by cleaning: half of the shortest retention. */
  snapshotTrustedMs: 5 * 60 * 1000,
  /** Entries of a lane's logs that are kept: the last ones, and all that are younger. */
  laneEntriesKept: 100,
  laneEntriesKeptMs: 24 * 60 * 60 * 1000,
  /** Entries that are not in `system.progress` yet are kept beyond that, but never more than so many. */
  progressLagEntriesMax: 10_000,
  /** How often an instance folds progress, how many batches at once, and how often it looks for lanes that it has not run itself. */
  progressFoldMs: 5 * 60 * 1000,
  progressFoldBatches: 2_000,
  progressLookMs: 60 * 60 * 1000,
  /** Days of `system.progress` that are kept, before the one that it is now. */
  progressDaysKept: 90,
  /** A lane's head is looked for by halving where a listing would be longer. */
  laneEntriesListedMax: 1_000,
  /** Objects that one round of maintenance deletes in one place, and how many of them at once. */
  maintenanceDeletesMax: 2_000,
  deletesAtOnce: 16,
  /** What a data file should have where its table does not say: few enough to list, small enough to be written in memory. */
  targetFileBytes: 128 * 1024 * 1024,
  /** What one commit of OPTIMIZE replaces: a conflict costs no more than that. */
  optimizeCommitBytes: 1024 * 1024 * 1024,
  /** Rows that are brought into one order, and files that are written into one. */
  optimizeSortBytes: 1024 * 1024 * 1024,
  optimizeBinFiles: 1_000,
  /** How often files that somebody else changed meanwhile are chosen anew. */
  optimizeRoundsMax: 5,
  /** A file with a greater share of deleted rows is written anew. */
  optimizeDeletedShare: 0.05,
  /** How often tables of flows are looked after, by whichever instance; how often vacuumed; and for how long after one sweep. */
  selfCareEveryMs: 15 * 60 * 1000,
  selfCareVacuumMs: 24 * 60 * 60 * 1000,
  selfCareBudgetMs: 60 * 1000,
  /** Files of the tables whose snapshots are kept from one look to the next, by one instance: about 0.6 KB each. */
  selfCareSnapshotFiles: 400_000,
  /** Further than this from the store's clock nothing is vacuumed without being asked for. */
  selfCareClockSkewMs: 5 * 60 * 1000,
  /** Small files of one partition and lane that are merged without being asked for, and about how many bytes of them at a time. */
  selfCareSmallFiles: 100,
  selfCareBytes: 256 * 1024 * 1024,
  /** Columns by which rows are brought into one order, and rows by which their values are told. */
  zOrderColumnsMax: 8,
  zOrderSampleRows: 20_000,
  /** Files that no log names and that are younger may be of a commit that is still to come: vacuum spares them, whatever it is told. */
  vacuumYoungMs: 60 * 60 * 1000,
  /** Files that one vacuum finds, and of these so many are deleted before the log is looked at again. */
  vacuumFilesMax: 500_000,
  vacuumBatchFiles: 1_000,
  /** Backfill jobs that may be open at once. */
  openJobsMax: 100,
  /** A job that nobody has taken further for so long is rung again. */
  jobStaleMs: 3 * 60 * 1000,
  /** A job that has not come to its end by then never will. */
  jobLifeMs: 7 * 24 * 60 * 60 * 1000,
  /** Ended jobs are kept for so long, and looked through once in so long. */
  jobKeptMs: 30 * 24 * 60 * 60 * 1000,
  jobTidyMs: 60 * 60 * 1000,
  /** Changes of a record by put-if-match that somebody else was first with. */
  stateAttemptsMax: 20,
  /** A line of text that is read from a file or from another process. */
  lineBytes: 16 * 1024 * 1024,
  /** A sample of a bad row in an error, a state file or a log line. */
  sampleCharacters: 200,
  /** How long a lease lasts, and how often its holder renews it. */
  leaseSeconds: 15,
  leaseRenewMs: 5_000,
  /** An outcome older than this has its files checked before it is rolled forward. */
  outcomeTrustedMs: 60 * 60 * 1000,
  /** A request over HTTP: its address, its body, its token, and how many are answered at once by one instance. */
  httpUrlBytes: 8 * 1024,
  httpBodyBytes: 64 * 1024,
  httpTokenBytes: 16 * 1024,
  httpRequestsAtOnce: 16,
  /** An answer that took longer is not waited for; the platform's own limit is 230 s. */
  httpAnswerMs: 30_000,
  /** What asks a service whether it is there, or where a hub ends, waits for so long. */
  httpCheckMs: 10_000,
  hubHeadMs: 5_000,
  /** How far a flow is behind a table is counted by what its versions hold, up to so many of them; beyond, by their numbers. */
  lagVersionsMax: 100,
  /** Rows of an answer: unless told otherwise, at most, and the bytes of text after which it ends with the row that it has begun. */
  pageRowsDefault: 100,
  pageRowsMax: 1_000,
  pageBytes: 8 * 1024 * 1024,
  /** Rows of a page that are fetched without knowing how large they are. */
  pageRowsFirst: 128,
  /** A page that is not full goes on in the next answer where it has been looked for so long. */
  pageSearchMs: 10_000,
  /** Files that a page without an order reads at once, and their bytes: few at first, because the first may fill the page. */
  pageFilesMin: 4,
  pageFilesMax: 256,
  pageFilesBytes: 64 * 1024 * 1024,
  /** What may be read of a table to bring its rows into an order: beside the file cache it has to fit on an instance's disk of 0.8 GB. */
  orderedBytes: 256 * 1024 * 1024,
  orderedFiles: 10_000,
  /** Files of a table that a delete, an update or a merge has on the disk at once: an instance has 0.8 GB of it. */
  rewriteBatchBytes: 256 * 1024 * 1024,
  rewriteBatchFiles: 1_000,
  /** How often a write of a user is planned again when another writer was first, and how long it waits: doubled each time, up to the greatest. */
  writeAttemptsMax: 10,
  writeRepeatMs: 20,
  writeRepeatMsMax: 2_000,
  /** Values of a key by which a merge picks the files of its target; where there are more, it goes by the least and the greatest. */
  mergeKeysMax: 1_000,
  /** Partitions that a condition on partition columns alone is asked of. */
  partitionsMax: 100_000,
  /** An expression that somebody wrote as text. */
  expressionCharacters: 64 * 1024,
  expressionDepth: 200,
  /** Lists of columns, conditions and sort columns of one request. */
  pageSelectsMax: 64,
  pageConditionsMax: 32,
  pageOrdersMax: 8,
  /** Files that one reading of changes goes through: what is to be read of each is in memory before the first is. */
  changeFilesMax: 500_000,
  /** Rows of a changed file that are fetched without knowing how large they are, at most at once, and the bytes of text that are aimed at. */
  changeRowsFirst: 4_096,
  changeRowsMax: 1_000_000,
  changeTextBytes: 16 * 1024 * 1024,
  /** Rows of a file that are in memory at once where their positions cannot be asked for. */
  wholeFileRowsMax: 20_000_000,
  /** How deep values of a variant may lie in one another, as in Spark's; and the text of those that are read at once. */
  variantNestingMax: 1_000,
  variantCharactersMax: 256 * 1024 * 1024,
} as const;

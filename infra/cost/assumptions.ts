/** What the estimate takes for granted, each with its reason. All of it is printed. */

export interface Assumption {
  readonly value: number;
  readonly says: string;
}

const assumptions = {
  hoursPerMonth: { value: 730, says: "hours in a month" },
  cpuMsPerBatch: {
    value: 100,
    says: "ms of a core for a batch, whatever is in it: half of what the first batch of a cold instance takes (bench/README.md)",
  },
  cpuUsPerEventAndFlow: {
    value: 10,
    says: "µs of a core for an event in each table that it goes through: four times what plain SQL takes on the same engine",
  },
  useOfCoresPercent: { value: 70, says: "% of an instance's cores in use before another instance is started" },
  secondsPerExecution: { value: 1, says: "s that an execution is billed for at least" },
  bronzePercent: { value: 40, says: "% of an event's bytes in bronze, as Parquet" },
  silverPercent: { value: 30, says: "% of an event's bytes in each table that keeps events after bronze" },
  viewPercent: { value: 1, says: "% of an event's bytes in each view" },
  capturePercent: { value: 60, says: "% of an event's bytes in captured files, as compressed Avro" },
  rewrittenDays: {
    value: 14,
    says: "days of data that lie there twice: compacted, and not yet vacuumed or still to be brought back",
  },
  logBytesPerExecution: { value: 600, says: "bytes of logs for an execution" },
  checkpointsPerExecution: {
    value: 1,
    says: "writes of the hub trigger's own checkpoint for an execution of a hub's function (host.json)",
  },
  ownershipSeconds: {
    value: 30,
    says: "s between two looks of a hub's function, while it runs, at who reads which partition: a listing, and a write for each partition",
  },
  filesPerMerge: {
    value: 100,
    says: "small files of a table become one, by itself: each is read once more, and those that come of it a hundred at a time",
  },
  mergedSizes: {
    value: 4,
    says: "sizes that merged files grow through: so often the rows of a table are written anew at most",
  },
  queueOperationsPerMessage: { value: 3, says: "operations of a queue for a message: put, get, delete" },
  eventsPerClusterNode: {
    value: 10_000,
    says: "events a second for a worker of a cluster, with one more for the driver",
  },
  eventsPerStreamingUnit: { value: 1_000, says: "events a second for a streaming unit, three for each query at least" },
} as const satisfies Readonly<Record<string, Assumption>>;

export const assumed = assumptions as Readonly<Record<keyof typeof assumptions, Assumption>>;

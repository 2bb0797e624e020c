/** What a process is told to measure, as JSON. */
export interface WorkerOptions {
  /** Events that are there when the views are built. */
  readonly events: number;
  /** Events of each round. */
  readonly batch: number;
  readonly rounds: number;
  readonly eventsPerSecond: number;
  readonly threads: number;
  readonly memoryLimitMb: number;
}

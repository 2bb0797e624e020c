/**
 * The port to whoever knows what a table's files are needed for beside its own versions: batches whose outcome names files that are not
 * committed yet, and consumers that have still to read older versions.
 */
export interface KeepFiles {
  /** Paths in the table's store that nobody may delete although no commit names them yet. */
  openFiles(): Promise<Iterable<string>>;
  /**
   * The version that the slowest consumer has taken in: what the commits after it add and remove is still to be read. −1 where one has read
   * nothing yet, infinity where there are no consumers.
   */
  neededFrom(): Promise<number>;
}

/** For a table that no flow writes or reads. */
export const keepNothing: KeepFiles = {
  openFiles: async () => [],
  neededFrom: async () => Number.POSITIVE_INFINITY,
};

/**
 * What one batch asks of the two accounts, as counted by the meter in front of the stores of the engine's tests
 * (test/unit/cost/requests.test.ts), with the log as it is between two checkpoints. Leases are taken and given back.
 */

export interface Requests {
  readonly hostReads: number;
  readonly hostWrites: number;
  readonly lakeReads: number;
  readonly lakeWrites: number;
}

/** By kind of flow. A batch of a flow of files has one more read than that of a hub: the file. */
export const requestsPerBatch: Readonly<Record<"hub" | "files" | "stream" | "view", Requests>> = {
  hub: { hostReads: 8, hostWrites: 3, lakeReads: 1, lakeWrites: 2 },
  files: { hostReads: 8, hostWrites: 3, lakeReads: 2, lakeWrites: 2 },
  stream: { hostReads: 9, hostWrites: 5, lakeReads: 5, lakeWrites: 2 },
  view: { hostReads: 10, hostWrites: 9, lakeReads: 4, lakeWrites: 2 },
};

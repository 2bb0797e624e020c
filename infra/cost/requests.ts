/**
 * What one batch asks of the two accounts, as counted by the meter in front of the stores of the engine's tests
 * (test/unit/cost/requests.test.ts), with the log as it is between two checkpoints. Leases are taken and given back.
 */

/** What one write or read takes of a file; a larger one counts as several. */
export const writeBytes = 4 * 1_024 * 1_024;

export interface Requests {
  readonly hostReads: number;
  readonly hostWrites: number;
  readonly lakeReads: number;
  readonly lakeWrites: number;
}

/**
 * What self-care asks for of each table: at every sweep, and beside that once in so many of them where nothing is to be merged. The table is
 * confirmed, its next version asked for, and its last checkpoint.
 */
export const requestsOfCare = {
  sweep: { hostReads: 1, hostWrites: 0, lakeReads: 0, lakeWrites: 0 },
  look: { hostReads: 0, hostWrites: 1, lakeReads: 3, lakeWrites: 0 },
  sweepsPerLook: 15,
} as const satisfies Readonly<Record<"sweep" | "look", Requests>> & { readonly sweepsPerLook: number };

/** By kind of flow. A batch of a flow of files has one more read than that of a hub: the file. */
export const requestsPerBatch: Readonly<Record<"hub" | "files" | "stream" | "view", Requests>> = {
  hub: { hostReads: 8, hostWrites: 3, lakeReads: 1, lakeWrites: 2 },
  files: { hostReads: 8, hostWrites: 3, lakeReads: 2, lakeWrites: 2 },
  stream: { hostReads: 9, hostWrites: 5, lakeReads: 5, lakeWrites: 2 },
  view: { hostReads: 10, hostWrites: 9, lakeReads: 4, lakeWrites: 2 },
};

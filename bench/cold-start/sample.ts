import { z } from "zod";

const ms = z.number().nonnegative();
const mb = z.number().positive();

/**
 * What one cold process tells. Milliseconds are of the clock unless the name says CPU. The parts of a batch overlap where several go on at once.
 */
export const sampleSchema = z.strictObject({
  /** Until Node.js can run a line. */
  bootMs: ms,
  /** Loading every file of the app. */
  importMs: ms,
  /** Of it: DuckDB's library. */
  libraryMs: ms,
  /** From the call of the function to the commit that made the events readable in bronze. */
  batchMs: ms,
  /** Of it: opening DuckDB. */
  openMs: ms,
  /** Of it: DuckDB's statements. */
  statementsMs: ms,
  /** Of it: the first one. */
  firstStatementMs: ms,
  /** Of it: requests to storage were under way. */
  storageMs: ms,
  requests: z.number().int().nonnegative(),
  /** Of it: JavaScript ran, or waited for a core. */
  scriptMs: ms,
  /** Of it: neither DuckDB nor storage: JavaScript alone, and the hub. */
  restMs: ms,
  /** Node's start, import and batch. */
  coldMs: ms,
  /** The same up to the first commit of gold. */
  goldMs: ms,
  /** CPU time of all threads. */
  importCpuMs: ms,
  batchCpuMs: ms,
  /** Resident memory when everything is loaded, at the batch's commit, and at its highest. */
  importedMb: mb,
  batchMb: mb,
  peakMb: mb,
});

export type Sample = z.infer<typeof sampleSchema>;
export type Measure = keyof Sample;

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}

/** Source and bundle of one round: they ran right after one another, so that their ratio says more than either. */
export interface Round {
  readonly source: Sample;
  readonly bundle: Sample;
}

/** Medians over the rounds of a measure, and of its ratio within each round. */
export function summarize(rounds: readonly Round[], measure: Measure) {
  const of = (variant: keyof Round) => rounds.map((round) => round[variant][measure]);
  const ratios = rounds.flatMap(({ source, bundle }) =>
    source[measure] > 0 ? [bundle[measure] / source[measure]] : [],
  );
  return { source: median(of("source")), bundle: median(of("bundle")), ratio: median(ratios) };
}

/** What a process measures of one query, as it prints it. */
import { z } from "zod";

const cost = z.object({ ms: z.number(), cpuMs: z.number() });

export const roundSchema = z.object({
  /** By the change of the inputs, as the engine chose. */
  changed: cost,
  /** How the engine did it. */
  strategy: z.string(),
  /** The same rows by the same query, all of it computed anew. */
  full: cost,
});

export const sampleSchema = z.object({
  query: z.string(),
  /** The view's first batch: over all events that there were. */
  built: cost,
  rounds: z.array(roundSchema),
  /** The highest resident memory while views were refreshed. */
  peakMb: z.number(),
  /** Rows of the view at the end. */
  rows: z.number(),
});

export type Cost = z.infer<typeof cost>;
export type Sample = z.infer<typeof sampleSchema>;

/** Events in a second of time: of the wall clock, or of processors, which is what one core alone can do. */
export const perSecond = (events: number, ms: number): number => (events * 1_000) / ms;

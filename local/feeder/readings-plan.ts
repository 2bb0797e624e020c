/**
 * The stream of the sample with sensors, made up from a seed: every 15 seconds each machine tells its temperature.
 *
 *     {"machine_id":"M07","measured_at":"2026-11-02T10:00:04.000Z","temperature":61.25}
 *
 * A stream of more readings begins with the same readings. After a reading at most one wrong one follows, of the same machine.
 */
import { DyneError } from "../../shared/core/errors.ts";
import { planDrafts, type Draft, type DraftedEvent, type DraftedPlanOptions } from "./drafted-plan.ts";
import { drawKind, hash } from "./seeded-hash.ts";

/** How many wrong readings of each kind there are per reading, at random. */
export const readingExtraRates = {
  duplicate: 0.02,
  malformed: 0.005,
  late: 0.005,
  "broken-sensor": 0.005,
  "far-future": 0.002,
} as const;
export type ReadingKind = "reading" | keyof typeof readingExtraRates;

export const machineCount = 20;
const roundMs = 15_000;
const hourMs = 3_600_000;
const rounds = (24 * hourMs) / roundMs;
/** As many as a day has. */
export const readingsMax = machineCount * rounds;

/** Readings of the day before `nowMs`, from its beginning. Throws `INVALID_ARGUMENT` for more than a day has. */
export function planReadings(options: DraftedPlanOptions): AsyncGenerator<DraftedEvent<ReadingKind>, void> {
  if (options.events > readingsMax)
    throw new DyneError("INVALID_ARGUMENT", `A day has ${readingsMax} readings. Ask for no more than that.`);
  return planDrafts(readingDrafts(options), options);
}

interface Reading {
  readonly machine_id: string;
  readonly measured_at: string;
  /** In quarters of a degree, which floating-point numbers add up exactly. */
  readonly temperature: number;
}

function* readingDrafts({ seed, nowMs }: DraftedPlanOptions): Generator<Draft<ReadingKind>, void> {
  for (let index = 0; ; index++) {
    const machine = index % machineCount;
    const round = Math.floor(index / machineCount);
    const timeMs = nowMs - rounds * roundMs + round * roundMs + (hash(seed + 1, index) % (roundMs / 1000)) * 1000;
    const reading: Reading = {
      machine_id: `M${String(machine + 1).padStart(2, "0")}`,
      measured_at: isoTime(timeMs),
      temperature: 50 + machine + (hash(seed + 2, index) % 81) / 4,
    };
    const draft = (kind: ReadingKind, text: string) => ({ kind, partitionKey: reading.machine_id, text });
    yield draft("reading", JSON.stringify(reading));
    const kind = drawKind(readingExtraRates, seed, index);
    if (kind !== undefined) yield draft(kind, wrongReading(kind, reading, timeMs, nowMs + index));
  }
}

function wrongReading(kind: keyof typeof readingExtraRates, reading: Reading, timeMs: number, laterMs: number): string {
  switch (kind) {
    case "duplicate":
      return JSON.stringify(reading);
    case "malformed":
      return JSON.stringify({ ...reading, temperature: "warm" });
    case "late":
      return JSON.stringify({ ...reading, measured_at: isoTime(timeMs - 2 * hourMs) });
    case "broken-sensor":
      return JSON.stringify({ ...reading, measured_at: isoTime(timeMs + 1), temperature: 999.99 });
    case "far-future":
      return JSON.stringify({ ...reading, measured_at: isoTime(laterMs + 48 * hourMs) });
  }
}

const isoTime = (timeMs: number): string => new Date(timeMs).toISOString();

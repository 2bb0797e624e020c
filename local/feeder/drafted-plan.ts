/** Streams that are written down as drafts, one after another, and become the plan of a hub's partitions. */
import { DyneError } from "../../shared/core/errors.ts";
import { partitionOf } from "../event-hubs/partition-hash.ts";
import type { PlannedEvent } from "./planned-event.ts";

/** An event before it has a place. Its kind says what is wrong with it, or that nothing is. */
export interface Draft<Kind extends string> {
  readonly kind: Kind;
  readonly partitionKey: string;
  readonly text: string;
}

/** An event of a drafted stream. */
export interface DraftedEvent<Kind extends string> extends PlannedEvent {
  readonly kind: Kind;
}

export interface DraftedPlanOptions {
  readonly seed: number;
  /** All events, those that are wrong included. */
  readonly events: number;
  readonly partitions: number;
  /** Milliseconds since 1970: events are sent at this time or later, and what they tell of was before. */
  readonly nowMs: number;
  /** Leaves out, per partition, what comes before that sequence number. */
  readonly from?: readonly number[];
}

/** The first events of an endless list of drafts, each in the partition of its key. Throws `INVALID_ARGUMENT` for numbers that are none. */
export async function* planDrafts<Kind extends string>(
  drafts: Iterable<Draft<Kind>>,
  { seed, events, partitions, nowMs, from = [] }: DraftedPlanOptions,
): AsyncGenerator<DraftedEvent<Kind>, void> {
  for (const [name, value] of Object.entries({ seed, events, partitions, nowMs })) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new DyneError("INVALID_ARGUMENT", `${name} is ${value}. Give a whole number from 0 on.`);
  }
  const next = Array.from({ length: partitions }, () => 0);
  let left = events;
  if (left === 0) return;
  for (const { kind, partitionKey, text } of drafts) {
    const partition = partitionOf(partitionKey, partitions);
    const sequenceNumber = next[partition]!++;
    if (sequenceNumber >= (from[partition] ?? 0))
      yield { partition, sequenceNumber, partitionKey, body: Buffer.from(text, "utf8"), kind };
    if (--left === 0) return;
  }
}

/** An event of a plan. Event k of partition p is a pure function of the plan's seed, p and k. */
export interface PlannedEvent {
  readonly partition: number;
  /** Place in the partition, from 0: the sequence number that the hub gives it. */
  readonly sequenceNumber: number;
  readonly partitionKey: string;
  readonly body: Uint8Array;
}

/**
 * Plans events in one order over all partitions, leaving out, per partition, those before `from[partition]`.
 * Every call with the same `from` gives the same events.
 */
export type Plan<E extends PlannedEvent = PlannedEvent> = (from: readonly number[]) => AsyncIterable<E>;

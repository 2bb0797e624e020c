/**
 * The port to Event Hubs as dyne reads it beside the trigger: by exact ranges of sequence numbers (SPEC.md 6).
 */

/** An event as it lies in a partition. */
export interface HubEvent {
  readonly body: Uint8Array;
  readonly sequenceNumber: number;
  readonly offset: string;
  /** Microseconds since the epoch. */
  readonly enqueuedTimeUs: bigint;
  readonly partitionKey: string | null;
  /** Application properties; null where there are none. */
  readonly properties: Readonly<Record<string, unknown>> | null;
}

export interface HubDescription {
  /** The hub's creation time in microseconds: a hub created again is another hub. */
  readonly epochUs: bigint;
  readonly partitions: readonly string[];
}

/** What a partition holds now: half-open. */
export interface PartitionRange {
  readonly beginSequence: number;
  readonly untilSequence: number;
}

export interface EventHubReader {
  /** Throws STORAGE_UNAVAILABLE where the hub does not answer, HUB_DENIED or IDENTITY_DENIED where it does not let this identity in. */
  describe(hub: string): Promise<HubDescription>;
  partition(hub: string, partition: string): Promise<PartitionRange>;
  /**
   * The events of [fromSequence, untilSequence), in order and without gaps; with `maxBytes`, as many of the first as have that many bytes of
   * body together, at least one. Throws DATA_LOSS where some are no longer there, and
   * STORAGE_UNAVAILABLE where they did not come in time; refused as `describe` is. Safe to repeat.
   */
  read(range: HubReadRange, signal?: AbortSignal): Promise<readonly HubEvent[]>;
  /**
   * The sequence number of the first event that was enqueued at a time (microseconds) or after it; where there is none, the one that the
   * next event will get. Throws STORAGE_UNAVAILABLE. Safe to repeat.
   */
  sequenceAt(hub: string, partition: string, timeUs: bigint): Promise<number>;
  close(): Promise<void>;
}

export interface HubReadRange {
  readonly hub: string;
  readonly partition: string;
  readonly fromSequence: number;
  readonly untilSequence: number;
  /** Undefined: all of the range. */
  readonly maxBytes?: number;
}

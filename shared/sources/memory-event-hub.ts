import { DyneError } from "../core/index.ts";
import type { EventHubReader, HubDescription, HubEvent, HubReadRange, PartitionRange } from "./event-hub.ts";

/** A hub in memory, held to the same contract as the real one; for tests and simulations. */
export class MemoryEventHub implements EventHubReader {
  #epochUs: bigint;
  #partitions: { begin: number; events: HubEvent[] }[];
  readonly name: string;

  constructor(name: string, partitions: number, epochUs: bigint) {
    this.name = name;
    this.#epochUs = epochUs;
    this.#partitions = Array.from({ length: partitions }, () => ({ begin: 0, events: [] }));
  }

  /** Appends events to a partition and returns them as stored. */
  send(
    partition: string,
    events: readonly {
      body: Uint8Array;
      enqueuedTimeUs: bigint;
      partitionKey?: string;
      properties?: Record<string, unknown>;
    }[],
  ): HubEvent[] {
    const log = this.#log(partition);
    const stored = events.map((event, index) => ({
      body: event.body,
      sequenceNumber: log.begin + log.events.length + index,
      offset: String((log.begin + log.events.length + index) * 100),
      enqueuedTimeUs: event.enqueuedTimeUs,
      partitionKey: event.partitionKey ?? null,
      properties: event.properties ?? null,
    }));
    log.events.push(...stored);
    return stored;
  }

  /** Drops the events before `sequence`, as retention does. */
  expireBefore(partition: string, sequence: number): void {
    const log = this.#log(partition);
    log.events.splice(0, Math.max(0, sequence - log.begin));
    log.begin = Math.max(log.begin, sequence);
  }

  /** Deletes the hub and creates it again: another epoch, sequence numbers from 0. */
  recreate(epochUs: bigint): void {
    this.#epochUs = epochUs;
    this.#partitions = this.#partitions.map(() => ({ begin: 0, events: [] }));
  }

  async describe(): Promise<HubDescription> {
    return { epochUs: this.#epochUs, partitions: this.#partitions.map((_, index) => String(index)) };
  }

  async partition(_hub: string, partition: string): Promise<PartitionRange> {
    const log = this.#log(partition);
    return { beginSequence: log.begin, untilSequence: log.begin + log.events.length };
  }

  async read(range: HubReadRange, signal?: AbortSignal): Promise<readonly HubEvent[]> {
    const log = this.#log(range.partition);
    if (range.untilSequence <= range.fromSequence) return [];
    if (signal?.aborted) throw new DyneError("STORAGE_UNAVAILABLE", `The read of ${this.name} was abandoned.`);
    if (range.fromSequence < log.begin) {
      throw new DyneError(
        "DATA_LOSS",
        `Sequence numbers ${range.fromSequence} to ${log.begin - 1} expired before they were read.`,
      );
    }
    const events: HubEvent[] = [];
    let bytes = 0;
    for (let sequence = range.fromSequence; sequence < range.untilSequence; sequence++) {
      if (bytes >= (range.maxBytes ?? Number.POSITIVE_INFINITY)) break;
      const event = log.events[sequence - log.begin];
      if (event === undefined) throw new DyneError("STORAGE_UNAVAILABLE", `${this.name} has no event ${sequence} yet.`);
      events.push(event);
      bytes += event.body.length;
    }
    return events;
  }

  async sequenceAt(_hub: string, partition: string, timeUs: bigint): Promise<number> {
    const log = this.#log(partition);
    const index = log.events.findIndex(({ enqueuedTimeUs }) => enqueuedTimeUs >= timeUs);
    return log.begin + (index < 0 ? log.events.length : index);
  }

  async close(): Promise<void> {}

  #log(partition: string): { begin: number; events: HubEvent[] } {
    const log = this.#partitions[Number(partition)];
    if (log === undefined) throw new DyneError("STORAGE_UNAVAILABLE", `${this.name} has no partition ${partition}.`);
    return log;
  }
}

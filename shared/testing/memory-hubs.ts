import { DyneError } from "../core/index.ts";
import type { Pipeline } from "../pipeline/index.ts";
import type { EventHubReader, HubDescription, HubEvent, HubReadRange, PartitionRange } from "../sources/event-hub.ts";
import { MemoryEventHub } from "../sources/memory-event-hub.ts";

/** The hubs that a pipeline reads, in memory and empty, with as many partitions as it declares. */
export class MemoryHubs implements EventHubReader {
  readonly #hubs: ReadonlyMap<string, MemoryEventHub>;

  constructor({ tables }: Pipeline, createdMs: number) {
    this.#hubs = new Map(
      tables.flatMap(({ source }) =>
        source?.kind === "eventHub"
          ? [[source.hub, new MemoryEventHub(source.hub, source.partitions, BigInt(createdMs) * 1000n)] as const]
          : [],
      ),
    );
  }

  /** One of them. Errors: INVALID_ARGUMENT. */
  hub(name: string): MemoryEventHub {
    const hub = this.#hubs.get(name);
    if (hub !== undefined) return hub;
    throw new DyneError("INVALID_ARGUMENT", `The pipeline reads no hub "${name}".`);
  }

  async describe(hub: string): Promise<HubDescription> {
    return this.hub(hub).describe();
  }

  async partition(hub: string, partition: string): Promise<PartitionRange> {
    return this.hub(hub).partition(hub, partition);
  }

  async read(range: HubReadRange, signal?: AbortSignal): Promise<readonly HubEvent[]> {
    return this.hub(range.hub).read(range, signal);
  }

  async sequenceAt(hub: string, partition: string, timeUs: bigint): Promise<number> {
    return this.hub(hub).sequenceAt(hub, partition, timeUs);
  }

  async close(): Promise<void> {}
}

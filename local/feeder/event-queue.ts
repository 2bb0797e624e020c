/** A bounded queue between the planner and the sender of one partition. */
import type { PlannedEvent } from "./planned-event.ts";

/** A queue with room for `eventsMax` events and about `bytesMax` bytes; one side waits for room, the other for events. */
export class EventQueue {
  readonly #eventsMax: number;
  readonly #bytesMax: number;
  #events: PlannedEvent[] = [];
  #start = 0;
  #bytes = 0;
  #ended = false;
  #changed = Promise.withResolvers<void>();

  constructor(eventsMax: number, bytesMax: number) {
    this.#eventsMax = eventsMax;
    this.#bytesMax = bytesMax;
  }

  get length(): number {
    return this.#events.length - this.#start;
  }

  get hasRoom(): boolean {
    return this.length < this.#eventsMax && this.#bytes < this.#bytesMax;
  }

  /** No more events will come. */
  get ended(): boolean {
    return this.#ended;
  }

  push(event: PlannedEvent): void {
    this.#events.push(event);
    this.#bytes += event.body.length;
    if (this.length === 1) this.#notify();
  }

  /** The event at place `k` from the front. */
  at(k: number): PlannedEvent | undefined {
    return this.#events[this.#start + k];
  }

  /** Takes away the first `count` events. */
  drop(count: number): void {
    const hadRoom = this.hasRoom;
    for (let k = 0; k < count; k++) this.#bytes -= this.#events[this.#start + k]!.body.length;
    this.#start += count;
    if (this.#start * 2 > this.#events.length) {
      this.#events = this.#events.slice(this.#start);
      this.#start = 0;
    }
    if (!hadRoom) this.#notify();
  }

  end(): void {
    this.#ended = true;
    this.#notify();
  }

  /** Resolves when events arrive, room appears, or the end is told. */
  change(): Promise<void> {
    return this.#changed.promise;
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** A client's receiver: gets the events of one partition in order, as fast as its credit and its socket allow. */
import type { Clock } from "../../shared/core/clock.ts";
import type { Socket } from "node:net";
import { desires, discardPending, sessionRoom, socketOf } from "./amqp-link.ts";
import type { ServerSender } from "./amqp-link.ts";
import { withLastEnqueued } from "./amqp-sections.ts";
import type { PartitionLog } from "./partition-log.ts";
import { eventsOf } from "./record-block.ts";
import type { Block, StoredEvent } from "./record-block.ts";

/** Written in one go before other connections get their turn. */
const burstBytes = 1024 * 1024;
/** A socket that has not taken this much is left alone until it has. */
const socketBacklogBytes = 2 * 1024 * 1024;
const tracksLastEnqueued = "com.microsoft:enable-receiver-runtime-metric";

/** What a receiver link needs. */
export interface ReceiverContext {
  readonly log: PartitionLog;
  /** The first event to send. */
  readonly startSequenceNumber: number;
  readonly clock: Clock;
}

/** Sends until it is stopped. */
export class EventReader {
  readonly #link: ServerSender;
  readonly #log: PartitionLog;
  readonly #clock: Clock;
  readonly #socket: Socket;
  readonly #unwatch: () => void;
  readonly #tracks: boolean;
  readonly #wake = (): void => this.#schedule();
  #next: number;
  #events: Iterator<StoredEvent, void> | undefined;
  #handedOver = 0;
  #scheduled = false;
  #stopped = false;

  constructor(link: ServerSender, { log, startSequenceNumber, clock }: ReceiverContext) {
    this.#link = link;
    this.#log = log;
    this.#clock = clock;
    this.#next = startSequenceNumber;
    this.#socket = socketOf(link.connection);
    this.#tracks = desires(link, tracksLastEnqueued);
    this.#unwatch = log.watch(this.#wake);
    this.#socket.on("drain", this.#wake);
    link.on("sendable", this.#wake);
  }

  /** Sends no more, not even what waits for the client's window; safe to repeat. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#events = undefined;
    this.#unwatch();
    this.#socket.removeListener("drain", this.#wake);
    this.#link.removeListener("sendable", this.#wake);
    discardPending(this.#link);
  }

  #schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#stopped) this.#pump();
    });
  }

  /** Hands over one burst. rhea writes it after this tick; the cork makes one system call of it. */
  #pump(): void {
    const link = this.#link;
    const waiting = this.#handedOver - link.delivery_count;
    let credit = Math.min(link.credit - waiting, sessionRoom(link));
    if (credit <= 0 || this.#socket.writableLength > socketBacklogBytes) return;
    this.#socket.cork();
    let bytes = 0;
    while (credit > 0 && bytes < burstBytes) {
      const event = this.#nextEvent();
      if (!event) break;
      const payload = this.#tracks
        ? withLastEnqueued(event.payload, this.#log.last, this.#clock.nowMs())
        : event.payload;
      const tag = Buffer.allocUnsafe(4);
      tag.writeUInt32BE(this.#handedOver++ >>> 0);
      link.send(payload, tag, 0);
      bytes += payload.length;
      credit--;
    }
    process.nextTick(() => this.#socket.uncork());
    if (bytes >= burstBytes) this.#schedule();
  }

  #nextEvent(): StoredEvent | undefined {
    for (;;) {
      const step = this.#events?.next();
      if (step && !step.done) {
        this.#next = step.value.sequenceNumber + 1;
        return step.value;
      }
      const blocks = this.#log.read(this.#next);
      if (blocks.length === 0) return undefined;
      this.#events = eventsFrom(blocks, this.#next);
    }
  }
}

function* eventsFrom(blocks: readonly Block[], sequenceNumber: number): Generator<StoredEvent, void> {
  for (const block of blocks)
    for (const event of eventsOf(block)) if (event.sequenceNumber >= sequenceNumber) yield event;
}

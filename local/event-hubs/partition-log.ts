/**
 * One partition: an append-only log of stamped events on disk, in segments, with its newest part in memory. Sequence
 * numbers and offsets go on where they were after a restart; what was appended survives the end of the process.
 */
import { mkdirSync, readdirSync } from "node:fs";
import type { Logger } from "../../shared/core/logger.ts";
import { encodeBlock, eventsOf } from "./record-block.ts";
import type { Block, Entry, Stamp } from "./record-block.ts";
import { parseSegmentName, Segment } from "./segment.ts";
import type { StartPosition } from "./start-position.ts";

/** How long and how large a partition's log may grow; whole segments are dropped from its old end. */
export interface Retention {
  readonly bytes: number;
  readonly ms: number;
}

/** Sizes of one partition. */
export interface PartitionLogOptions {
  readonly directory: string;
  readonly retention: Retention;
  readonly logger: Logger;
  /** Newest bytes kept in memory for readers that keep up. */
  readonly hotBytes?: number;
  /** A segment is sealed when it reaches this size. */
  readonly segmentBytes?: number;
}

/** What a reader takes from the log at once. */
const readBytes = 256 * 1024;
const segmentBytesMin = 64 * 1024;
const segmentBytesMax = 32 * 1024 * 1024;

export class PartitionLog {
  readonly #options: PartitionLogOptions;
  readonly #segmentBytes: number;
  readonly #hotBytesMax: number;
  readonly #segments: Segment[] = [];
  readonly #watchers = new Set<() => void>();
  /** Blocks at the log's end, oldest first, from `#hotStart` on. */
  #hot: Block[] = [];
  #hotStart = 0;
  #hotBytes = 0;
  #sizeBytes = 0;
  /** The newest block; its last event is looked for only when somebody asks. */
  #newest: Block | undefined;
  #lastTimeMs = 0;

  private constructor(options: PartitionLogOptions) {
    this.#options = options;
    this.#hotBytesMax = options.hotBytes ?? 4 * 1024 * 1024;
    this.#segmentBytes =
      options.segmentBytes ??
      Math.min(segmentBytesMax, Math.max(segmentBytesMin, Math.floor(options.retention.bytes / 8)));
  }

  /** Opens the log of a folder, or starts one there. Cuts off a torn end. Throws `LOG_CORRUPT` for other damage. */
  static open(options: PartitionLogOptions): PartitionLog {
    mkdirSync(options.directory, { recursive: true });
    const log = new PartitionLog(options);
    const starts = readdirSync(options.directory)
      .map(parseSegmentName)
      .filter((start) => start !== undefined);
    starts.sort((a, b) => a.sequenceNumber - b.sequenceNumber || a.position - b.position);
    const newest = starts.pop();
    for (const start of starts) log.#segments.push(Segment.openSealed(options.directory, start));
    if (newest) {
      const { segment, tornBytes } = Segment.recover(options.directory, newest);
      if (tornBytes > 0)
        options.logger.warn("cut off the torn end of a partition", { directory: options.directory, tornBytes });
      log.#segments.push(segment);
    } else {
      log.#segments.push(Segment.create(options.directory, { sequenceNumber: 0, position: 0 }));
    }
    for (const segment of log.#segments) log.#sizeBytes += segment.sizeBytes;
    log.#newest = log.#segments.findLast((segment) => !segment.isEmpty)?.lastBlock();
    log.#lastTimeMs = log.#newest?.enqueuedTimeMs ?? 0;
    return log;
  }

  /** Sequence number of the oldest event kept; `nextSequenceNumber` when there is none. */
  get beginSequenceNumber(): number {
    return this.#segments[0]!.start.sequenceNumber;
  }

  /** Sequence number that the next event will get. */
  get nextSequenceNumber(): number {
    return this.#active.nextSequenceNumber;
  }

  /** The newest event ever enqueued; sequence number −1 when there was none. */
  get last(): Stamp {
    if (this.#newest) return lastOf(this.#newest);
    return {
      sequenceNumber: this.nextSequenceNumber - 1,
      offset: this.#active.start.position - 1,
      enqueuedTimeMs: this.#lastTimeMs,
    };
  }

  get isEmpty(): boolean {
    return this.beginSequenceNumber === this.nextSequenceNumber;
  }

  /** Bytes on disk. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Calls `wake` after every append until the returned function is called. */
  watch(wake: () => void): () => void {
    this.#watchers.add(wake);
    return () => this.#watchers.delete(wake);
  }

  /** Appends the events of one publish, all or none. When it returns they are kept, also if the process is killed. */
  append(entries: readonly Entry[], nowMs: number): void {
    if (entries.length === 0) return;
    const enqueuedTimeMs = Math.max(nowMs, this.#lastTimeMs);
    if (this.#active.sizeBytes >= this.#segmentBytes) this.#roll();
    const active = this.#active;
    const position = active.start.position + active.sizeBytes;
    const block = encodeBlock(entries, { sequenceNumber: active.nextSequenceNumber, offset: position, enqueuedTimeMs });
    active.append(block);
    this.#sizeBytes += block.bytes.length;
    this.#keepHot(block);
    this.#newest = block;
    this.#lastTimeMs = enqueuedTimeMs;
    this.dropExpired(nowMs);
    for (const wake of this.#watchers) wake();
  }

  /**
   * Consecutive blocks, about a quarter of a megabyte, the first of which holds the given event, or the oldest event kept when
   * the given one has expired. Empty at the log's end.
   */
  read(sequenceNumber: number): readonly Block[] {
    if (sequenceNumber >= this.nextSequenceNumber) return [];
    const from = Math.max(sequenceNumber, this.beginSequenceNumber);
    const hot = this.#hot[this.#hotStart];
    if (hot && from >= hot.firstSequenceNumber) return this.#readHot(from);
    return this.#segments.findLast((segment) => segment.start.sequenceNumber <= from)!.readFrom(from, readBytes);
  }

  /** The sequence number of the first event at a start position; past the end when it is still to come. */
  resolve(start: StartPosition): number {
    switch (start.kind) {
      case "earliest":
        return this.beginSequenceNumber;
      case "latest":
        return this.nextSequenceNumber;
      case "sequenceNumber":
        return Math.max(this.beginSequenceNumber, start.inclusive ? start.value : start.value + 1);
      case "offset":
        return this.#resolveOffset(start.inclusive ? start.value : start.value + 1);
      case "enqueuedTime":
        return this.#resolveTime(start.inclusive ? start.value : start.value + 1);
    }
  }

  /** Drops the oldest segments that are too old or too much. */
  dropExpired(nowMs: number): void {
    const { bytes, ms } = this.#options.retention;
    const expired = (segment: Segment) => segment.lastTimeMs < nowMs - ms;
    if (!this.#active.isEmpty && expired(this.#active)) this.#roll();
    while (this.#segments.length > 1 && (this.#sizeBytes > bytes || expired(this.#segments[0]!))) {
      const oldest = this.#segments.shift()!;
      this.#sizeBytes -= oldest.sizeBytes;
      oldest.remove();
    }
    while (
      this.#hotStart < this.#hot.length &&
      this.#hot[this.#hotStart]!.firstSequenceNumber < this.beginSequenceNumber
    )
      this.#dropHot();
  }

  /** Lets go of the files. */
  close(): void {
    this.#active.close();
    this.#watchers.clear();
  }

  get #active(): Segment {
    return this.#segments.at(-1)!;
  }

  #roll(): void {
    const sealed = this.#active;
    sealed.seal();
    const start = { sequenceNumber: sealed.nextSequenceNumber, position: sealed.start.position + sealed.sizeBytes };
    this.#segments.push(Segment.create(this.#options.directory, start));
  }

  #keepHot(block: Block): void {
    this.#hot.push(block);
    this.#hotBytes += block.bytes.length;
    while (this.#hotBytes > this.#hotBytesMax && this.#hot.length - this.#hotStart > 1) this.#dropHot();
    if (this.#hotStart > 1_024 && this.#hotStart * 2 > this.#hot.length) {
      this.#hot = this.#hot.slice(this.#hotStart);
      this.#hotStart = 0;
    }
  }

  #dropHot(): void {
    this.#hotBytes -= this.#hot[this.#hotStart]!.bytes.length;
    this.#hot[this.#hotStart++] = gone;
  }

  #readHot(from: number): Block[] {
    let low = this.#hotStart;
    let high = this.#hot.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#hot[middle]!.firstSequenceNumber <= from) low = middle + 1;
      else high = middle;
    }
    const blocks: Block[] = [];
    for (let bytes = 0, k = low - 1; k < this.#hot.length && bytes < readBytes; k++) {
      blocks.push(this.#hot[k]!);
      bytes += this.#hot[k]!.bytes.length;
    }
    return blocks;
  }

  #resolveOffset(offset: number): number {
    const segment = this.#segments.findLast((candidate) => candidate.start.position <= offset) ?? this.#segments[0]!;
    const block = segment.find("position", offset, (candidate) => candidate.position + candidate.bytes.length > offset);
    if (!block) return segment.nextSequenceNumber;
    for (const event of eventsOf(block)) if (event.offset >= offset) return event.sequenceNumber;
    return block.firstSequenceNumber + block.count;
  }

  #resolveTime(timeMs: number): number {
    const segment = this.#segments.find((candidate) => candidate.lastTimeMs >= timeMs);
    const block = segment?.find("enqueuedTimeMs", timeMs, (candidate) => candidate.enqueuedTimeMs >= timeMs);
    return block ? block.firstSequenceNumber : this.nextSequenceNumber;
  }
}

/** Stands in for a block that was dropped from memory. */
const gone: Block = { bytes: Buffer.alloc(0), count: 0, firstSequenceNumber: -1, position: -1, enqueuedTimeMs: 0 };

function lastOf(block: Block): Stamp {
  let offset = block.position;
  for (const event of eventsOf(block)) offset = event.offset;
  return { sequenceNumber: block.firstSequenceNumber + block.count - 1, offset, enqueuedTimeMs: block.enqueuedTimeMs };
}

/**
 * A part of a partition's log: a file of blocks, and a sparse index that finds a block without reading the file from its
 * start. The name tells where the part begins, so that an empty file still knows its place:
 *
 *     00000000000000000042-00000000000000009001.log     first sequence number, first log position
 *     00000000000000000042-00000000000000009001.index   {"format":1,"bytes":…,"next":…,"lastTimeMs":…,"entries":[[seq,pos,ms],…]}
 *
 * The index is written when the segment is sealed; it can be lost, because it is made again from the blocks.
 * Reading and writing are synchronous on purpose: an event is answered only after it is in the file, in the order of
 * arrival, and the page cache makes both a matter of microseconds.
 */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DyneError } from "../../shared/core/errors.ts";
import { paddedNumber } from "../../shared/core/ids.ts";
import { blockBytesMax, blockHeaderBytes, claimedBlockBytes, decodeBlock } from "./record-block.ts";
import type { Block } from "./record-block.ts";

/** Distance of two index entries. */
const indexStepBytes = 64 * 1024;
/** How much of a file is read at once. */
const scanChunkBytes = 256 * 1024;

/** First sequence number, position in the file and enqueued time of a block. */
type IndexEntry = readonly [sequenceNumber: number, position: number, enqueuedTimeMs: number];

/** Where a segment begins. */
export interface SegmentStart {
  readonly sequenceNumber: number;
  readonly position: number;
}

/** What the name of a segment's file says, or undefined for another file. */
export function parseSegmentName(name: string): SegmentStart | undefined {
  const match = /^(\d{20})-(\d{20})\.log$/.exec(name);
  return match ? { sequenceNumber: Number(match[1]), position: Number(match[2]) } : undefined;
}

/** One file of the log. Only the newest segment of a partition is appended to. */
export class Segment {
  readonly start: SegmentStart;
  readonly #path: string;
  readonly #index: IndexEntry[] = [];
  #sizeBytes = 0;
  #next: number;
  #last: Block | undefined;
  #lastTimeMs = 0;
  #file: number | undefined;

  private constructor(directory: string, start: SegmentStart) {
    this.start = start;
    this.#next = start.sequenceNumber;
    this.#path = join(directory, `${paddedNumber(start.sequenceNumber)}-${paddedNumber(start.position)}`);
  }

  /** A new, empty segment that can be appended to. */
  static create(directory: string, start: SegmentStart): Segment {
    const segment = new Segment(directory, start);
    segment.#file = openSync(`${segment.#path}.log`, "w+");
    return segment;
  }

  /**
   * The newest segment after a restart, ready for appending: every block is checked, and a torn end, which no publisher
   * was told about, is cut off. `tornBytes` says how much.
   */
  static recover(directory: string, start: SegmentStart): { segment: Segment; tornBytes: number } {
    const segment = new Segment(directory, start);
    segment.#file = openSync(`${segment.#path}.log`, "r+");
    const size = fstatSync(segment.#file).size;
    segment.#scan(size);
    ftruncateSync(segment.#file, segment.#sizeBytes);
    return { segment, tornBytes: size - segment.#sizeBytes };
  }

  /** An older, complete segment. Throws `LOG_CORRUPT` when its blocks do not fill the file. */
  static openSealed(directory: string, start: SegmentStart): Segment {
    const segment = new Segment(directory, start);
    const size = statSync(`${segment.#path}.log`).size;
    if (segment.#loadIndex(size)) return segment;
    segment.#scan(size);
    if (segment.#sizeBytes !== size) {
      throw new DyneError(
        "LOG_CORRUPT",
        `${segment.#path}.log is damaged at byte ${segment.#sizeBytes}. Start with an empty folder.`,
      );
    }
    segment.#saveIndex();
    return segment;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Sequence number of the first event after this segment. */
  get nextSequenceNumber(): number {
    return this.#next;
  }

  /** Enqueued time of the newest event; 0 while the segment is empty. */
  get lastTimeMs(): number {
    return this.#lastTimeMs;
  }

  get isEmpty(): boolean {
    return this.#sizeBytes === 0;
  }

  /** The newest block, or undefined while the segment is empty. */
  lastBlock(): Block | undefined {
    if (this.#last === undefined && !this.isEmpty) {
      for (const block of this.#blocks(this.#index.at(-1)![1])) this.#last = block;
    }
    return this.#last;
  }

  /** Writes a block at the end. When the disk refuses, the file is as it was before. */
  append(block: Block): void {
    const file = this.#file!;
    try {
      for (let done = 0; done < block.bytes.length;) {
        done += writeSync(file, block.bytes, done, block.bytes.length - done, this.#sizeBytes + done);
      }
    } catch (error) {
      ftruncateSync(file, this.#sizeBytes);
      throw error;
    }
    this.#take(block);
  }

  /** No more appends: saves the index and lets go of the file. */
  seal(): void {
    this.#saveIndex();
    this.close();
  }

  /** Lets go of the file. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#last = undefined;
  }

  /** Deletes the segment's files. */
  remove(): void {
    this.close();
    rmSync(`${this.#path}.log`, { force: true });
    rmSync(`${this.#path}.index`, { force: true });
  }

  /** Consecutive blocks, about `bytes` of them, from the one that holds this sequence number on. */
  readFrom(sequenceNumber: number, bytes: number): Block[] {
    const blocks: Block[] = [];
    let read = 0;
    for (const block of this.#blocks(this.#indexedBefore(0, sequenceNumber))) {
      if (block.firstSequenceNumber + block.count <= sequenceNumber) continue;
      blocks.push(block);
      read += block.bytes.length;
      if (read >= bytes) break;
    }
    return blocks;
  }

  /** The first block for which `isPast` holds, found by a field that grows along the log. */
  find(field: "position" | "enqueuedTimeMs", value: number, isPast: (block: Block) => boolean): Block | undefined {
    const from =
      field === "position" ? this.#indexedBefore(1, value - this.start.position) : this.#indexedBefore(2, value - 1);
    for (const block of this.#blocks(from)) if (isPast(block)) return block;
    return undefined;
  }

  /** File position of the last index entry whose `column` is at most `value`; 0 when there is none. */
  #indexedBefore(column: 0 | 1 | 2, value: number): number {
    let low = 0;
    let high = this.#index.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#index[middle]![column] <= value) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : this.#index[low - 1]![1];
  }

  #scan(size: number): void {
    for (const block of this.#blocks(0, size)) {
      if (block.firstSequenceNumber !== this.#next || block.position !== this.start.position + this.#sizeBytes) return;
      this.#take(block);
    }
  }

  #take(block: Block): void {
    const indexedUpTo = this.#index.at(-1)?.[1] ?? -indexStepBytes;
    if (this.#sizeBytes - indexedUpTo >= indexStepBytes) {
      this.#index.push([block.firstSequenceNumber, this.#sizeBytes, block.enqueuedTimeMs]);
    }
    this.#sizeBytes += block.bytes.length;
    this.#next = block.firstSequenceNumber + block.count;
    this.#last = block;
    this.#lastTimeMs = block.enqueuedTimeMs;
  }

  /** The valid blocks from a file position on, up to the first that is not, read in chunks. */
  *#blocks(position: number, end = this.#sizeBytes): Generator<Block> {
    const file = openSync(`${this.#path}.log`, "r");
    try {
      while (position < end) {
        let chunk = readChunk(file, position, Math.min(scanChunkBytes, end - position));
        const first = claimedBlockBytes(chunk, 0);
        if (first !== undefined && first > chunk.length)
          chunk = readChunk(file, position, Math.min(first, end - position));
        let at = 0;
        for (let block = decodeBlock(chunk, at); block; block = decodeBlock(chunk, at)) {
          at += block.bytes.length;
          yield block;
        }
        if (at === 0) return;
        position += at;
      }
    } finally {
      closeSync(file);
    }
  }

  #saveIndex(): void {
    const text = JSON.stringify({
      format: 1,
      bytes: this.#sizeBytes,
      next: this.#next,
      lastTimeMs: this.#lastTimeMs,
      entries: this.#index,
    });
    writeFileSync(`${this.#path}.index.new`, text);
    renameSync(`${this.#path}.index.new`, `${this.#path}.index`);
  }

  #loadIndex(size: number): boolean {
    try {
      const saved = JSON.parse(readFileSync(`${this.#path}.index`, "utf8")) as Record<string, unknown>;
      if (saved["format"] !== 1 || saved["bytes"] !== size) return false;
      this.#index.push(...(saved["entries"] as IndexEntry[]));
      this.#sizeBytes = size;
      this.#next = Number(saved["next"]);
      this.#lastTimeMs = Number(saved["lastTimeMs"]);
      return true;
    } catch {
      return false;
    }
  }
}

function readChunk(file: number, position: number, length: number): Buffer {
  const chunk = Buffer.allocUnsafe(Math.min(length, blockBytesMax + blockHeaderBytes));
  let done = 0;
  while (done < chunk.length) {
    const count = readSync(file, chunk, done, chunk.length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return chunk.subarray(0, done);
}

/**
 * The unit in which events are written, checked and read: all events of one publish, which become visible together or
 * not at all. Numbers are little-endian; a block starts at the log position that is its first event's offset.
 *
 *     0  u32  magic "DHB1"
 *     4  u32  bytes of the whole block
 *     8  u32  CRC-32 of everything after this field
 *     12 u32  number of events, at least 1
 *     16 f64  sequence number of the first event
 *     24 f64  log position of the block
 *     32 f64  enqueued time, milliseconds since 1970
 *     40 …    per event: u32 length, then the stamped AMQP message
 */
import { crc32 } from "node:zlib";

const magic = 0x31424844;

/** Bytes before the first event of a block. */
export const blockHeaderBytes = 40;
/** No valid block is larger: a publish of 1 MiB holds at most some 40,000 events, each of which grows by its stamp. */
export const blockBytesMax = 64 * 1024 * 1024;

/** What the hub adds to an event. */
export interface Stamp {
  readonly sequenceNumber: number;
  /** Position of the event in the partition's log, in bytes. */
  readonly offset: number;
  readonly enqueuedTimeMs: number;
}

/** An event on its way into a block. */
export interface Entry {
  /** An upper bound of what `writeTo` writes. */
  readonly bytesMax: number;
  /** Writes the stamped event at `at` and returns where it ends. */
  writeTo(target: Buffer, at: number, stamp: Stamp): number;
}

/** A complete, valid block in memory. */
export interface Block {
  readonly bytes: Buffer;
  readonly count: number;
  readonly firstSequenceNumber: number;
  /** Log position of the block. */
  readonly position: number;
  readonly enqueuedTimeMs: number;
}

/** Encodes a publish; `first` is the stamp of its first event. */
export function encodeBlock(entries: readonly Entry[], first: Stamp): Block {
  let capacity = blockHeaderBytes;
  for (const entry of entries) capacity += 4 + entry.bytesMax;
  const target = Buffer.allocUnsafe(capacity);
  let at = blockHeaderBytes;
  const stamp = { sequenceNumber: first.sequenceNumber, offset: 0, enqueuedTimeMs: first.enqueuedTimeMs };
  for (const entry of entries) {
    stamp.offset = first.offset + (at === blockHeaderBytes ? 0 : at);
    const end = entry.writeTo(target, at + 4, stamp);
    target.writeUInt32LE(end - at - 4, at);
    at = end;
    stamp.sequenceNumber++;
  }
  const bytes = target.subarray(0, at);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt32LE(at, 4);
  bytes.writeUInt32LE(entries.length, 12);
  bytes.writeDoubleLE(first.sequenceNumber, 16);
  bytes.writeDoubleLE(first.offset, 24);
  bytes.writeDoubleLE(first.enqueuedTimeMs, 32);
  bytes.writeUInt32LE(crc32(bytes.subarray(12)), 8);
  return blockOf(bytes);
}

/** The size that the block at `at` claims, or undefined where no block header lies. */
export function claimedBlockBytes(bytes: Buffer, at: number): number | undefined {
  if (at + blockHeaderBytes > bytes.length || bytes.readUInt32LE(at) !== magic) return undefined;
  const size = bytes.readUInt32LE(at + 4);
  return size > blockHeaderBytes && size <= blockBytesMax ? size : undefined;
}

/** The block at `at`, or undefined when it is torn, damaged or not there. */
export function decodeBlock(bytes: Buffer, at: number): Block | undefined {
  const size = claimedBlockBytes(bytes, at);
  if (size === undefined || at + size > bytes.length) return undefined;
  const block = bytes.subarray(at, at + size);
  return crc32(block.subarray(12)) === block.readUInt32LE(8) ? blockOf(block) : undefined;
}

function blockOf(bytes: Buffer): Block {
  return {
    bytes,
    count: bytes.readUInt32LE(12),
    firstSequenceNumber: bytes.readDoubleLE(16),
    position: bytes.readDoubleLE(24),
    enqueuedTimeMs: bytes.readDoubleLE(32),
  };
}

/** One event of a block. */
export interface StoredEvent {
  readonly sequenceNumber: number;
  readonly offset: number;
  /** The stamped AMQP message, a view of the block. */
  readonly payload: Buffer;
}

/** The events of a block, in order. */
export function* eventsOf(block: Block): Generator<StoredEvent> {
  let at = blockHeaderBytes;
  for (let k = 0; k < block.count; k++) {
    const end = at + 4 + block.bytes.readUInt32LE(at);
    const offset = block.position + (k === 0 ? 0 : at);
    yield { sequenceNumber: block.firstSequenceNumber + k, offset, payload: block.bytes.subarray(at + 4, end) };
    at = end;
  }
}

/**
 * The partition of a partition key, as Event Hubs itself and the SDK's buffered producer choose it: Bob Jenkins'
 * lookup3 over the UTF-8 bytes, folded to 16 bits. The mapping is stable: it may be relied on across runs and versions.
 */
import { DyneError } from "../../shared/core/errors.ts";

const scratch = Buffer.allocUnsafe(256);

/**
 * The partition, from 0 to `partitionCount - 1`, into which events with this partition key go.
 * Throws `INVALID_ARGUMENT` when there is no partition to choose.
 */
export function partitionOf(key: string, partitionCount: number): number {
  if (!Number.isInteger(partitionCount) || partitionCount < 1) {
    throw new DyneError(
      "INVALID_ARGUMENT",
      `${partitionCount} is not a number of partitions. Give a whole number from 1 on.`,
    );
  }
  const small = key.length * 3 <= scratch.length;
  const bytes = small ? scratch : Buffer.from(key, "utf8");
  const hash = lookup3(bytes, small ? scratch.write(key, "utf8") : bytes.length);
  return Math.abs(((hash << 16) >> 16) % partitionCount);
}

/** The two result words of lookup3, folded by exclusive or. */
function lookup3(bytes: Buffer, length: number): number {
  let a = (0xdeadbeef + length) | 0;
  let b = a;
  let c = a;
  let at = 0;
  for (; length - at > 12; at += 12) {
    a = (a + bytes.readInt32LE(at)) | 0;
    b = (b + bytes.readInt32LE(at + 4)) | 0;
    c = (c + bytes.readInt32LE(at + 8)) | 0;
    a = ((a - c) ^ rotate(c, 4)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rotate(a, 6)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rotate(b, 8)) | 0;
    b = (b + a) | 0;
    a = ((a - c) ^ rotate(c, 16)) | 0;
    c = (c + b) | 0;
    b = ((b - a) ^ rotate(a, 19)) | 0;
    a = (a + c) | 0;
    c = ((c - b) ^ rotate(b, 4)) | 0;
    b = (b + a) | 0;
  }
  if (at === length) return b ^ c;
  a = (a + word(bytes, at, length)) | 0;
  b = (b + word(bytes, at + 4, length)) | 0;
  c = (c + word(bytes, at + 8, length)) | 0;
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  c = ((c ^ b) - rotate(b, 24)) | 0;
  return b ^ c;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/** The little-endian word at `at`, with zeros after the end of the key. */
function word(bytes: Buffer, at: number, length: number): number {
  let value = 0;
  for (let i = Math.min(4, length - at) - 1; i >= 0; i--) value = (value << 8) | bytes[at + i]!;
  return value;
}

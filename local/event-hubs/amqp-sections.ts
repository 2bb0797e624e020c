/**
 * Encoded AMQP messages, taken apart and stamped without decoding their values: what a publisher wrote reaches every
 * reader byte for byte. A message is a run of described values, `00 53 7x <value>`, in this order:
 *
 *     70 header · 71 delivery annotations · 72 message annotations · 73 properties · 74 application properties · 75 data
 *
 * Source: OASIS AMQP 1.0, part 1 (types) and part 3 (messaging).
 */
import { DyneError } from "../../shared/core/errors.ts";
import type { Entry, Stamp } from "./record-block.ts";

/** Section codes of a message. */
export const section = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
} as const;

/** One section of an encoded message: bytes `[start, end)`, its value from `valueStart` on. */
export interface Section {
  readonly code: number;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/** The sections of an encoded message, in order. Throws `INVALID_MESSAGE` for bytes that are no AMQP message. */
export function* sectionsOf(bytes: Buffer): Generator<Section> {
  for (let start = 0; start < bytes.length;) {
    if (bytes[start] !== 0) throw malformed("a described section was expected");
    let code: number;
    let valueStart: number;
    if (bytes[start + 1] === 0x53) {
      code = bytes[start + 2] ?? 0;
      valueStart = start + 3;
    } else if (bytes[start + 1] === 0x80) {
      code = bytes[start + 9] ?? 0;
      valueStart = start + 10;
    } else {
      throw malformed("a section is described by an unsigned long");
    }
    const end = valueEnd(bytes, valueStart);
    yield { code, start, valueStart, end };
    start = end;
  }
}

/** The bytes of a `binary` value, without copying them. */
export function binaryAt(bytes: Buffer, at: number): Buffer {
  if (bytes[at] === 0xa0) return bytes.subarray(at + 2, valueEnd(bytes, at));
  if (bytes[at] === 0xb0) return bytes.subarray(at + 5, valueEnd(bytes, at));
  throw malformed("a data section holds a binary value");
}

/** A string or symbol value as text, or undefined for a value of another type. */
function textAt(bytes: Buffer, at: number): string | undefined {
  const type = bytes[at];
  if (type === 0xa1 || type === 0xa3) return bytes.toString("utf8", at + 2, valueEnd(bytes, at));
  if (type === 0xb1 || type === 0xb3) return bytes.toString("utf8", at + 5, valueEnd(bytes, at));
  return undefined;
}

/** Where the value that starts at `at` ends. Throws `INVALID_MESSAGE` when it does not end within the bytes. */
function valueEnd(bytes: Buffer, at: number): number {
  while (bytes[at] === 0) at = valueEnd(bytes, at + 1);
  const end = at + valueLength(bytes, at);
  if (end > bytes.length) throw malformed("a value does not end within the message");
  return end;
}

function valueLength(bytes: Buffer, at: number): number {
  const type = bytes[at];
  switch (type === undefined ? -1 : type >> 4) {
    case 0x4:
      return 1;
    case 0x5:
      return 2;
    case 0x6:
      return 3;
    case 0x7:
      return 5;
    case 0x8:
      return 9;
    case 0x9:
      return 17;
    case 0xa:
    case 0xc:
    case 0xe:
      if (at + 1 < bytes.length) return 2 + bytes[at + 1]!;
      break;
    case 0xb:
    case 0xd:
    case 0xf:
      if (at + 5 <= bytes.length) return 5 + bytes.readUInt32BE(at + 1);
      break;
  }
  throw malformed(
    type === undefined ? "a value is missing" : `0x${type.toString(16)} at ${at} is not a complete value`,
  );
}

function malformed(reason: string): DyneError {
  return new DyneError(
    "INVALID_MESSAGE",
    `This is not an AMQP 1.0 message: ${reason}. Check the encoder of the sender.`,
  );
}

/** The entries of the annotations map at `at`: its keys as text, its values where they lie. */
function* annotationsAt(
  bytes: Buffer,
  at: number,
): Generator<{ key: string; start: number; valueStart: number; end: number }> {
  if (bytes[at] === 0x40) return;
  if (bytes[at] !== 0xc1 && bytes[at] !== 0xd1) throw malformed("annotations are a map");
  const end = valueEnd(bytes, at);
  for (let start = at + (bytes[at] === 0xc1 ? 3 : 9); start < end;) {
    const valueStart = valueEnd(bytes, start);
    const next = valueEnd(bytes, valueStart);
    yield { key: textAt(bytes, start) ?? "", start, valueStart, end: next };
    start = next;
  }
}

const partitionKeyName = "x-opt-partition-key";
const ownNames = new Set(["x-opt-sequence-number", "x-opt-offset", "x-opt-enqueued-time"]);

/** The partition key in the annotations of an envelope, which decides the partition. */
export function envelopePartitionKey(bytes: Buffer, at: number): string | undefined {
  for (const { key, valueStart } of annotationsAt(bytes, at))
    if (key === partitionKeyName) return textAt(bytes, valueStart);
  return undefined;
}

/**
 * One event as a publisher encoded it, ready to be stamped. The hub's own annotations are replaced, delivery annotations
 * are dropped, and everything else, foreign annotations with their types included, is kept as it came.
 */
export class EncodedEvent implements Entry {
  readonly #bytes: Buffer;
  #header: Buffer = nothing;
  #annotations: Buffer = nothing;
  #annotationCount = 0;
  #restStart: number;

  /** `fallbackKey` is the partition key of the envelope, for an event that carries none itself. */
  constructor(bytes: Buffer, fallbackKey?: string) {
    this.#bytes = bytes;
    this.#restStart = bytes.length;
    let hasKey = false;
    for (const { code, start, valueStart, end } of sectionsOf(bytes)) {
      if (code === section.header) {
        this.#header = bytes.subarray(start, end);
      } else if (code === section.messageAnnotations) {
        hasKey = this.#keepAnnotations(valueStart);
      } else if (code !== section.deliveryAnnotations) {
        this.#restStart = start;
        break;
      }
    }
    if (!hasKey && fallbackKey !== undefined) this.#addAnnotation(encodedEntry(partitionKeyName, fallbackKey));
  }

  get bytesMax(): number {
    return this.#header.length + annotationBytesMax + this.#annotations.length + this.#bytes.length - this.#restStart;
  }

  writeTo(target: Buffer, at: number, stamp: Stamp): number {
    at += this.#header.copy(target, at);
    const mapStart = at;
    at += stampTemplate.copy(target, at);
    writeInt64(target, mapStart + sequenceAt, stamp.sequenceNumber);
    writeInt64(target, mapStart + timeAt, stamp.enqueuedTimeMs);
    const offsetBytes = target.write(String(stamp.offset), at + 2, "latin1");
    target[at] = 0xa1;
    target[at + 1] = offsetBytes;
    at += 2 + offsetBytes;
    at += this.#annotations.copy(target, at);
    target.writeUInt32BE(at - mapStart - 8, mapStart + 4);
    target.writeUInt32BE(6 + 2 * this.#annotationCount, mapStart + 8);
    return at + this.#bytes.copy(target, at, this.#restStart);
  }

  #keepAnnotations(at: number): boolean {
    let hasKey = false;
    for (const { key, start, valueStart, end } of annotationsAt(this.#bytes, at)) {
      const isNull = this.#bytes[valueStart] === 0x40;
      if (ownNames.has(key) || (key === partitionKeyName && isNull)) continue;
      if (key === partitionKeyName) hasKey = true;
      this.#addAnnotation(this.#bytes.subarray(start, end));
    }
    return hasKey;
  }

  #addAnnotation(entry: Buffer): void {
    this.#annotations = this.#annotationCount === 0 ? entry : Buffer.concat([this.#annotations, entry]);
    this.#annotationCount++;
  }
}

/**
 * The payload with delivery annotations about the partition's end, for readers that track it. `last` is the partition's
 * newest event; `nowMs` the time of the answer.
 */
export function withLastEnqueued(payload: Buffer, last: Stamp, nowMs: number): Buffer {
  const entries = Buffer.concat([
    encodedSymbol("last_enqueued_sequence_number"),
    encodedLong(0x81, last.sequenceNumber),
    encodedEntry("last_enqueued_offset", String(last.offset)),
    encodedSymbol("last_enqueued_time_utc"),
    encodedLong(0x83, last.enqueuedTimeMs),
    encodedSymbol("runtime_info_retrieval_time_utc"),
    encodedLong(0x83, nowMs),
  ]);
  const map = Buffer.from([0, 0x53, section.deliveryAnnotations, 0xd1, 0, 0, 0, 0, 0, 0, 0, 8]);
  map.writeUInt32BE(entries.length + 4, 4);
  const first = sectionsOf(payload).next().value;
  const headerEnd = first?.code === section.header ? first.end : 0;
  return Buffer.concat([payload.subarray(0, headerEnd), map, entries, payload.subarray(headerEnd)]);
}

function encodedSymbol(name: string): Buffer {
  return Buffer.concat([Buffer.from([0xa3, name.length]), Buffer.from(name, "latin1")]);
}

function encodedLong(type: number, value: number): Buffer {
  const bytes = Buffer.allocUnsafe(9);
  bytes[0] = type;
  writeInt64(bytes, 1, value);
  return bytes;
}

function encodedEntry(name: string, text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  const head = Buffer.from([0xb1, 0, 0, 0, 0]);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([encodedSymbol(name), head, bytes]);
}

/** A whole number below 2^53 as eight bytes; quicker than a BigInt. */
function writeInt64(target: Buffer, at: number, value: number): void {
  const high = Math.floor(value / 2 ** 32);
  target.writeInt32BE(high, at);
  target.writeUInt32BE(value - high * 2 ** 32, at + 4);
}

const nothing = Buffer.alloc(0);
const sequenceKey = encodedSymbol("x-opt-sequence-number");
const timeKey = encodedSymbol("x-opt-enqueued-time");
const sequenceAt = 12 + sequenceKey.length + 1;
const timeAt = sequenceAt + 8 + timeKey.length + 1;
/** The annotations section up to the offset's text; sizes, sequence number and time are filled in per event. */
const stampTemplate = Buffer.concat([
  Buffer.from([0, 0x53, section.messageAnnotations, 0xd1, 0, 0, 0, 0, 0, 0, 0, 0]),
  sequenceKey,
  encodedLong(0x81, 0),
  timeKey,
  encodedLong(0x83, 0),
  encodedSymbol("x-opt-offset"),
]);
const annotationBytesMax = stampTemplate.length + 2 + 16;

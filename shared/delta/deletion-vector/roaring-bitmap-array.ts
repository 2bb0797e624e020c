/**
 * Row positions as a RoaringBitmapArray in its portable format (PROTOCOL.md § Deletion Vector Format, § Roaring Bitmap Array):
 *
 *     magic 1681511377 (4 bytes) | number of bitmaps (8) | for each: upper 32 bits of its positions (4), 32-bit Roaring bitmap
 *
 * All numbers are little-endian. The protocol's own example of an inline vector is in an older format, which is read too:
 *
 *     magic 1681511376 (4 bytes, big-endian) | number of bitmaps (4, big-endian) | for each: its size (4, big-endian), bitmap
 *
 * The library that knows Roaring bitmaps is loaded when the first vector is met.
 */
import type * as RoaringLibrary from "roaring-wasm/browser";
import { DyneError, limits } from "../../core/index.ts";
import type { DeletedRows } from "./deleted-rows.ts";

type Roaring = typeof RoaringLibrary;

const magic = 1_681_511_377;
const nativeMagic = 1_681_511_376;
const bitmapPositions = 2 ** 32;
/** Positions are below 2^53, so that numbers hold them. */
const bitmapsMax = 2 ** 21;

let loaded: Promise<Roaring> | undefined;

async function roaring(): Promise<Roaring> {
  loaded ??= import("roaring-wasm/browser").then(async (library) => {
    await library.roaringLibraryInitialize();
    return library;
  });
  return loaded;
}

/** The bytes of some positions. */
export async function encodeRoaringBitmapArray({ rows }: DeletedRows): Promise<Uint8Array> {
  const { RoaringBitmap32, SerializationFormat } = await roaring();
  const parts: Uint8Array[] = [];
  for (let start = 0; start < rows.length;) {
    const key = Math.floor((rows[start] as number) / bitmapPositions);
    const firstPosition = key * bitmapPositions;
    let end = start;
    while (end < rows.length && (rows[end] as number) < firstPosition + bitmapPositions) end++;
    const bitmap = new RoaringBitmap32(Uint32Array.from(rows.subarray(start, end), (row) => row - firstPosition));
    try {
      bitmap.optimize();
      parts.push(littleEndian([key]), bitmap.serialize(SerializationFormat.portable));
    } finally {
      bitmap.dispose();
    }
    start = end;
  }
  return Buffer.concat([littleEndian([magic, parts.length / 2, 0]), ...parts]);
}

/**
 * The positions that some bytes stand for. Throws LOG_CORRUPT, naming `place`, where they are no such array, LIMIT_EXCEEDED where they
 * stand for more rows than are read.
 */
export async function decodeRoaringBitmapArray(bytes: Uint8Array, place: string): Promise<DeletedRows> {
  const { RoaringBitmap32, SerializationFormat } = await roaring();
  const layout = layoutOf(bytes, place);
  if (layout.bitmaps > bitmapsMax) throw brokenVector(place, `it says that it has ${layout.bitmaps} bitmaps`);
  const parts: Float64Array[] = [];
  let [at, count, previousKey] = [layout.firstAt, 0, -1];
  for (let i = 0; i < layout.bitmaps; i++) {
    if (at + 4 > bytes.length) throw brokenVector(place, `it ends before bitmap ${i} of ${layout.bitmaps}`);
    const key = layout.keyAt(at, i);
    if (key <= previousKey || key >= bitmapsMax) throw brokenVector(place, `its bitmaps are not in order (${key})`);
    previousKey = key;
    const bitmap = new RoaringBitmap32();
    try {
      readBitmap(() => bitmap.deserialize(bytes.subarray(at + 4), SerializationFormat.portable), place);
      count += bitmap.size;
      assertRowsBound(count, place);
      const positions = bitmap.toUint32Array();
      if (positions.length !== bitmap.size) throw brokenVector(place, `bitmap ${i} miscounts its positions`);
      parts.push(Float64Array.from(positions, (position) => key * bitmapPositions + position));
      at += 4 + bitmap.getSerializationSizeInBytes(SerializationFormat.portable);
    } finally {
      bitmap.dispose();
    }
  }
  return { count, rows: ascending(parts, count, place) };
}

/** How an array is laid out: four bytes stand before each bitmap. */
interface Layout {
  readonly bitmaps: number;
  readonly firstAt: number;
  /** The upper 32 bits of the positions of bitmap `index`, which has its four bytes at `at`. */
  readonly keyAt: (at: number, index: number) => number;
}

function layoutOf(bytes: Uint8Array, place: string): Layout {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 12 && view.getUint32(0, true) === magic)
    return { bitmaps: Number(view.getBigUint64(4, true)), firstAt: 12, keyAt: (at) => view.getUint32(at, true) };
  // The bitmaps' lengths stand where the others have keys, and are not needed.
  if (bytes.length >= 8 && view.getUint32(0) === nativeMagic)
    return { bitmaps: view.getUint32(4), firstAt: 8, keyAt: (_, index) => index };
  throw brokenVector(place, "it does not begin as one");
}

/** Throws LIMIT_EXCEEDED where a vector stands for more rows than are kept in memory. */
export function assertRowsBound(count: number, place: string): void {
  if (count <= limits.deletedRowsMax) return;
  throw new DyneError(
    "LIMIT_EXCEEDED",
    `${place} deletes ${count} rows of one file; more than ${limits.deletedRowsMax} are not read. Purge the table's deletion vectors with Spark.`,
  );
}

/** A deletion vector that is not as the log says. */
export function brokenVector(place: string, what: string, cause?: unknown): DyneError {
  return new DyneError(
    "LOG_CORRUPT",
    `${place} is not a deletion vector: ${what}. Restore it from a copy; without it nobody knows which rows of its data file are deleted.`,
    { cause },
  );
}

function readBitmap(read: () => void, place: string): void {
  try {
    read();
  } catch (cause) {
    throw brokenVector(place, "it has a broken bitmap", cause);
  }
}

/** The library takes a bitmap's containers as they come: that they are in order is looked at here. */
function ascending(parts: readonly Float64Array[], count: number, place: string): Float64Array {
  const rows = new Float64Array(count);
  let filled = 0;
  for (const part of parts) {
    rows.set(part, filled);
    filled += part.length;
  }
  for (let i = 1; i < count; i++) {
    if ((rows[i] as number) <= (rows[i - 1] as number)) throw brokenVector(place, "its positions are not in order");
  }
  return rows;
}

function littleEndian(numbers: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * numbers.length));
  for (const [i, number] of numbers.entries()) view.setUint32(4 * i, number, true);
  return new Uint8Array(view.buffer);
}

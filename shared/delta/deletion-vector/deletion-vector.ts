/**
 * Deletion vectors: which rows of a data file are deleted (PROTOCOL.md § Deletion Vectors, § Deletion Vector File Storage Format).
 *
 *   {"storageType":"u","pathOrInlineDv":"ab^-aqEH.-t@S}K{vb[*k^","offset":1,"sizeInBytes":40,"cardinality":6}
 *
 * names the bytes after offset 1 of `ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin`. Such a file holds many vectors:
 *
 *     format version 1 (1 byte) | for each: size (4), RoaringBitmapArray, CRC-32 of it (4)
 *
 * with its own numbers big-endian and those of the arrays little-endian.
 */
import { crc32 } from "node:zlib";
import { DyneError, limits } from "../../core/index.ts";
import type { DeletionVector } from "../actions.ts";
import { dataFilePath, encodeLogPath, type FilePlace } from "../file-path.ts";
import type { DeltaLog } from "../log.ts";
import type { DeletedRows } from "./deleted-rows.ts";
import {
  assertRowsBound,
  brokenVector,
  decodeRoaringBitmapArray,
  encodeRoaringBitmapArray,
} from "./roaring-bitmap-array.ts";
import { decodeZ85, encodeZ85 } from "./z85.ts";

const formatVersion = 1;
const sizeBytes = 4;
const checksumBytes = 4;
const uuidCharacters = 20;

type Place = Pick<DeltaLog, "store" | "path" | "clonedFrom">;

/**
 * The rows that a vector deletes. One request, none for a vector that is inline.
 *
 * Errors: LOG_CORRUPT for a vector that is broken or not as the log says; FILE_MISSING where its file is gone; PATH_OUTSIDE_TABLE;
 * LIMIT_EXCEEDED for one that is too large to be read; those of the store. Safe to repeat.
 */
export async function readDeletionVector(
  log: Place,
  vector: DeletionVector,
  signal?: AbortSignal,
): Promise<DeletedRows> {
  const path = deletionVectorPath(log, vector);
  const place = path === undefined ? `A deletion vector in the log of ${log.path}` : `${path} at ${vector.offset ?? 0}`;
  assertRowsBound(vector.cardinality, place);
  if (!Number.isSafeInteger(vector.sizeInBytes) || vector.sizeInBytes < 0)
    throw brokenVector(place, `the log says that it has ${vector.sizeInBytes} bytes`);
  if (vector.sizeInBytes > limits.deletionVectorBytes) {
    throw new DyneError(
      "LIMIT_EXCEEDED",
      `${place} has ${vector.sizeInBytes} bytes; vectors of more than ${limits.deletionVectorBytes} are not read. Purge the table's deletion vectors with Spark.`,
    );
  }
  const bytes = path === undefined ? inlineBytes(vector, place) : await storedBytes(log, path, vector, place, signal);
  const deleted = await decodeRoaringBitmapArray(bytes, place);
  if (deleted.count !== vector.cardinality)
    throw brokenVector(place, `it deletes ${deleted.count} rows, and the log says ${vector.cardinality}`);
  return deleted;
}

/**
 * Writes vectors into new files below the table's root, many into one, and gives their descriptors in the same order. Nothing is in the
 * table before a commit names them; files of a commit that fails are left to vacuum. Errors: those of the store. Safe to repeat.
 */
export async function writeDeletionVectors(
  log: Place & Pick<DeltaLog, "random">,
  vectors: readonly DeletedRows[],
  signal?: AbortSignal,
): Promise<readonly DeletionVector[]> {
  const descriptors: DeletionVector[] = [];
  let file = newFile(log);
  for (const deleted of vectors) {
    signal?.throwIfAborted();
    const bytes = await encodeRoaringBitmapArray(deleted);
    if (file.sizeBytes > 1 && file.sizeBytes + bytes.length > limits.deletionVectorFileBytes) {
      await log.store.put(file.path, Buffer.concat(file.parts), { signal });
      file = newFile(log);
    }
    descriptors.push({
      storageType: "u",
      pathOrInlineDv: file.name,
      offset: file.sizeBytes,
      sizeInBytes: bytes.length,
      cardinality: deleted.count,
    });
    file.parts.push(bigEndian(bytes.length), bytes, bigEndian(crc32(bytes)));
    file.sizeBytes += sizeBytes + bytes.length + checksumBytes;
  }
  if (file.sizeBytes > 1) await log.store.put(file.path, Buffer.concat(file.parts), { signal });
  return descriptors;
}

/**
 * The path of a vector's file in the store; undefined for a vector that is inline. Throws PATH_OUTSIDE_TABLE as `dataFilePath` does, by which
 * absolute paths (`p`) are found, and LOG_CORRUPT for a name that is none.
 */
export function deletionVectorPath(
  log: FilePlace,
  { storageType, pathOrInlineDv }: DeletionVector,
): string | undefined {
  if (storageType === "i") return undefined;
  if (storageType === "p") return dataFilePath(log, { path: pathOrInlineDv });
  const uuid = decodeZ85(pathOrInlineDv.slice(-uuidCharacters));
  if (pathOrInlineDv.length < uuidCharacters || uuid === undefined)
    throw brokenVector(`"${pathOrInlineDv}" in the log of ${log.path}`, "it does not name a file");
  const prefix = pathOrInlineDv.slice(0, -uuidCharacters);
  const name = `deletion_vector_${uuidText(uuid)}.bin`;
  return dataFilePath(log, { path: encodeLogPath(prefix === "" ? name : `${prefix}/${name}`) });
}

function inlineBytes({ pathOrInlineDv, sizeInBytes }: DeletionVector, place: string): Uint8Array {
  const bytes = decodeZ85(pathOrInlineDv);
  if (bytes === undefined || bytes.length < sizeInBytes)
    throw brokenVector(place, `its text is not Base85 of ${sizeInBytes} bytes`);
  return bytes.subarray(0, sizeInBytes);
}

async function storedBytes(
  { store }: Place,
  path: string,
  { offset = 0, sizeInBytes }: DeletionVector,
  place: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  if (!Number.isSafeInteger(offset) || offset < 0) throw brokenVector(place, "the log's offset is no place in a file");
  const range = { startByte: offset, endByteExclusive: offset + sizeBytes + sizeInBytes + checksumBytes };
  const stored = await store.getRange(path, range, { signal });
  if (stored === undefined) {
    throw new DyneError(
      "FILE_MISSING",
      `The deletion vector ${path} is named by the table's log but is gone. Restore the file.`,
      { details: { path } },
    );
  }
  if (stored.length < range.endByteExclusive - offset) throw brokenVector(place, "its file is too short");
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  const said = view.getUint32(0);
  if (said !== sizeInBytes) throw brokenVector(place, `its file says ${said} bytes, and the log ${sizeInBytes}`);
  const bytes = stored.subarray(sizeBytes, sizeBytes + sizeInBytes);
  if (crc32(bytes) !== view.getUint32(sizeBytes + sizeInBytes)) throw brokenVector(place, "its checksum is wrong");
  return bytes;
}

interface NewFile {
  readonly path: string;
  /** As descriptors name it. */
  readonly name: string;
  readonly parts: Uint8Array[];
  sizeBytes: number;
}

function newFile({ path, random }: Pick<DeltaLog, "path" | "random">): NewFile {
  const uuid = random.uuid();
  return {
    path: `${path}/deletion_vector_${uuid}.bin`,
    name: encodeZ85(Buffer.from(uuid.replaceAll("-", ""), "hex")),
    parts: [Uint8Array.of(formatVersion)],
    sizeBytes: 1,
  };
}

function uuidText(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function bigEndian(number: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, number);
  return new Uint8Array(view.buffer);
}

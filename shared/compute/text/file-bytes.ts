/** The bytes of a local file, unpacked where it is gzipped, without a byte order mark. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { DyneError } from "../../core/index.ts";

const chunkBytes = 1024 * 1024;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** Pieces of the file in order. Throws DATA_ERROR where a gzipped file is damaged or ends too early. */
export async function* fileBytes(localPath: string): AsyncGenerator<Buffer, void> {
  const gzipped = await isGzipped(localPath);
  let first = true;
  for await (const piece of gzipped ? unpacked(localPath) : raw(localPath)) {
    yield first && piece.subarray(0, 3).equals(byteOrderMark) ? piece.subarray(3) : piece;
    first = false;
  }
}

/** By its first bytes, which no text begins with; names of local copies say nothing. */
async function isGzipped(localPath: string): Promise<boolean> {
  const file = await open(localPath);
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}

async function* raw(localPath: string): AsyncGenerator<Buffer, void> {
  for await (const piece of createReadStream(localPath, { highWaterMark: chunkBytes })) yield piece as Buffer;
}

async function* unpacked(localPath: string): AsyncGenerator<Buffer, void> {
  const source = createReadStream(localPath, { highWaterMark: chunkBytes });
  const gunzip = createGunzip({ chunkSize: chunkBytes });
  source.once("error", (error) => gunzip.destroy(error));
  try {
    for await (const piece of source.pipe(gunzip)) yield piece as Buffer;
  } catch (error) {
    if (!String((error as NodeJS.ErrnoException).code).startsWith("Z_")) throw error;
    throw new DyneError("DATA_ERROR", "the gzipped file is damaged or ends too early", { cause: error });
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

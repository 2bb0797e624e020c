/** What is in a zip, read by another library than the one that writes it. */
import { createRequire } from "node:module";
import { buffer } from "node:stream/consumers";

export interface ZipEntry {
  readonly path: string;
  /** Type and permissions, as Unix has them. */
  readonly mode: number;
  readonly contents: Buffer;
}

interface RawEntry {
  readonly fileName: string;
  readonly externalFileAttributes: number;
}
interface Reader extends AsyncIterable<RawEntry> {
  openReadStreamPromise(entry: RawEntry): Promise<NodeJS.ReadableStream>;
  eachEntry(): AsyncIterable<RawEntry>;
}
/** The library comes without types. */
const require = createRequire(import.meta.url);
const yauzl = require("yauzl") as {
  openPromise(path: string, options: object): Promise<Reader>;
};

/** The entries of a zip in their order. Throws where the zip is broken. */
export async function entriesOf(path: string): Promise<readonly ZipEntry[]> {
  const zip = await yauzl.openPromise(path, { autoClose: false, strictFileNames: true });
  const entries: ZipEntry[] = [];
  for await (const entry of zip.eachEntry()) {
    const contents = await buffer(await zip.openReadStreamPromise(entry));
    entries.push({ path: entry.fileName, mode: entry.externalFileAttributes >>> 16, contents });
  }
  return entries;
}

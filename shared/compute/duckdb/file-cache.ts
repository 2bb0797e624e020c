/**
 * Data files on the local disk: what a job reads is downloaded once, what this instance wrote is there already. Files are immutable
 * and their names unique, so an entry never goes stale. Least recently used files go first when the bound is passed.
 */
import { rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { DyneError, type Random } from "../../core/index.ts";
import type { ObjectStore } from "../../storage/index.ts";
import type { FileShape } from "./file-type.ts";

interface Entry {
  readonly localPath: string;
  sizeBytes: number;
  /** Jobs that read the file now; it is not evicted while there are any. */
  pins: number;
  readonly ready: Promise<void>;
  /** What the file holds, once somebody has told. */
  shape: FileShape | undefined;
}

export class FileCache {
  readonly #directory: string;
  readonly #boundBytes: number;
  readonly #random: Random;
  /** In the order of last use: a Map keeps insertion order, and a used entry is inserted again. */
  readonly #entries = new Map<string, Entry>();
  readonly #storeIds = new WeakMap<ObjectStore, number>();
  #nextStoreId = 1;
  #usedBytes = 0;

  /** The folder must exist. */
  constructor(options: { directory: string; boundBytes: number; random: Random }) {
    this.#directory = options.directory;
    this.#boundBytes = options.boundBytes;
    this.#random = options.random;
  }

  /** Bytes on disk now. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /**
   * The local path of an object, downloaded where it is not there yet, pinned until `unpin`.
   * Throws FILE_MISSING where the object is gone.
   */
  async pin(store: ObjectStore, path: string): Promise<string> {
    const key = this.#key(store, path);
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.pins++;
      this.#entries.delete(key);
      this.#entries.set(key, known);
      await known.ready;
      return known.localPath;
    }
    const localPath = this.newPath();
    const entry: Entry = {
      localPath,
      sizeBytes: 0,
      pins: 1,
      shape: undefined,
      ready: this.#download(store, path, localPath),
    };
    this.#entries.set(key, entry);
    try {
      await entry.ready;
    } catch (error) {
      this.#entries.delete(key);
      await rm(localPath, { force: true });
      throw error;
    }
    await this.#account(entry);
    return localPath;
  }

  /** Gives back what `pin` took; the file may go at the next `trim`. */
  unpin(store: ObjectStore, path: string): void {
    const entry = this.#entries.get(this.#key(store, path));
    if (entry !== undefined) entry.pins--;
  }

  /** Takes over a local file that is the content of an object just written. */
  async adopt(store: ObjectStore, path: string, localFile: string, shape?: FileShape): Promise<void> {
    const localPath = this.newPath();
    await rename(localFile, localPath);
    const entry: Entry = { localPath, sizeBytes: 0, pins: 0, shape, ready: Promise.resolve() };
    this.#entries.set(this.#key(store, path), entry);
    await this.#account(entry);
  }

  /** What a file holds, where that is known of it; undefined for a file that is not here. */
  shapeOf(store: ObjectStore, path: string): FileShape | undefined {
    return this.#entries.get(this.#key(store, path))?.shape;
  }

  /** Remembers what a file holds for as long as it is here. */
  noteShape(store: ObjectStore, path: string, shape: FileShape): void {
    const entry = this.#entries.get(this.#key(store, path));
    if (entry !== undefined) entry.shape = shape;
  }

  /** A path for a new file in the cache's folder, in nobody's account until it is adopted. */
  newPath(): string {
    return join(this.#directory, `${this.#random.uuid()}.parquet`);
  }

  async #download(store: ObjectStore, path: string, localPath: string): Promise<void> {
    if (!(await store.downloadFile(path, localPath))) {
      throw new DyneError(
        "FILE_MISSING",
        `${path} is named by the table's log but is gone. Run fsck, or restore the file.`,
        {
          details: { path },
        },
      );
    }
  }

  async #account(entry: Entry): Promise<void> {
    entry.sizeBytes = (await stat(entry.localPath)).size;
    this.#usedBytes += entry.sizeBytes;
    await this.trim();
  }

  /** Deletes what nobody reads now until the bound is kept. Jobs do so when they have given back their files. */
  async trim(): Promise<void> {
    for (const [key, candidate] of this.#entries) {
      if (this.#usedBytes <= this.#boundBytes) return;
      if (candidate.pins > 0) continue;
      this.#entries.delete(key);
      this.#usedBytes -= candidate.sizeBytes;
      await rm(candidate.localPath, { force: true });
    }
  }

  #key(store: ObjectStore, path: string): string {
    let storeId = this.#storeIds.get(store);
    if (storeId === undefined) this.#storeIds.set(store, (storeId = this.#nextStoreId++));
    return `${storeId}:${path}`;
  }
}

/** A store that counts what is asked of it: what work costs, whatever the machine. */
import { stat } from "node:fs/promises";
import type { ListOptions, ObjectMeta, ObjectStore } from "../../shared/storage/index.ts";

/** What one listing request gives at most, as with Azure. */
const pageEntries = 5_000;

/** Bytes of an object that went one way. */
export interface Transfer {
  readonly path: string;
  readonly bytes: number;
}

/** Counts since the last `reset`. */
export class Meter {
  #calls: Record<string, number> = {};
  #read: Transfer[] = [];
  #written: Transfer[] = [];
  #listed = 0;

  /** Requests by the method's name; a listing counts once for each page. */
  get calls(): Readonly<Record<string, number>> {
    return this.#calls;
  }

  get totalCalls(): number {
    return Object.values(this.#calls).reduce((sum, count) => sum + count, 0);
  }

  get readBytes(): number {
    return total(this.#read);
  }

  get writtenBytes(): number {
    return total(this.#written);
  }

  get read(): readonly Transfer[] {
    return this.#read;
  }

  get written(): readonly Transfer[] {
    return this.#written;
  }

  /** Entries that listings gave. */
  get listed(): number {
    return this.#listed;
  }

  reset(): void {
    this.#calls = {};
    this.#read = [];
    this.#written = [];
    this.#listed = 0;
  }

  #count(name: string): void {
    this.#calls[name] = (this.#calls[name] ?? 0) + 1;
  }

  /** The store with this meter in front. */
  of(inner: ObjectStore): ObjectStore {
    const write = async <T>(name: string, path: string, bytes: number, work: () => Promise<T>): Promise<T> => {
      this.#count(name);
      this.#written.push({ path, bytes });
      return work();
    };
    return {
      get: async (path, options) => {
        this.#count("get");
        const object = await inner.get(path, options);
        this.#read.push({ path, bytes: object?.sizeBytes ?? 0 });
        return object;
      },
      getRange: async (path, range, options) => {
        this.#count("getRange");
        const bytes = await inner.getRange(path, range, options);
        this.#read.push({ path, bytes: bytes?.byteLength ?? 0 });
        return bytes;
      },
      downloadFile: async (path, file, options) => {
        this.#count("downloadFile");
        const found = await inner.downloadFile(path, file, options);
        if (found) this.#read.push({ path, bytes: (await stat(file)).size });
        return found;
      },
      head: (path, options) => {
        this.#count("head");
        return inner.head(path, options);
      },
      put: (path, bytes, options) => write("put", path, bytes.byteLength, () => inner.put(path, bytes, options)),
      putIfAbsent: (path, bytes, options) =>
        write("putIfAbsent", path, bytes.byteLength, () => inner.putIfAbsent(path, bytes, options)),
      putIfMatch: (path, bytes, etag, options) =>
        write("putIfMatch", path, bytes.byteLength, () => inner.putIfMatch(path, bytes, etag, options)),
      uploadFile: async (path, file, options) =>
        write("uploadFile", path, (await stat(file)).size, () => inner.uploadFile(path, file, options)),
      delete: (path, options) => write("delete", path, 0, () => inner.delete(path, options)),
      pathOf: (address, container) => inner.pathOf(address, container),
      acquireLease: (path, seconds) => write("acquireLease", path, 0, () => inner.acquireLease(path, seconds)),
      list: (prefix, options) => this.#list(inner, prefix, options),
    };
  }

  async *#list(inner: ObjectStore, prefix: string, options?: ListOptions): AsyncIterable<ObjectMeta> {
    let entries = 0;
    this.#count("list");
    for await (const meta of inner.list(prefix, options)) {
      if (entries > 0 && entries % pageEntries === 0) this.#count("list");
      entries++;
      this.#listed++;
      yield meta;
    }
  }
}

const total = (transfers: readonly Transfer[]): number => transfers.reduce((sum, { bytes }) => sum + bytes, 0);

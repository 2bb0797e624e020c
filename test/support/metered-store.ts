/** A store that writes down how many bytes went which way, for tests of what something costs. */
import { stat } from "node:fs/promises";
import type { ObjectStore } from "../../shared/storage/index.ts";

export interface Transfer {
  readonly path: string;
  readonly bytes: number;
}

/** What went through the stores that were given it. */
export class Meter {
  read: Transfer[] = [];
  written: Transfer[] = [];

  /** Forgets what was counted so far. */
  reset(): void {
    this.read = [];
    this.written = [];
  }

  get bytes(): number {
    return [...this.read, ...this.written].reduce((sum, { bytes }) => sum + bytes, 0);
  }
}

export function meteredStore(inner: ObjectStore, meter: Meter): ObjectStore {
  const own = <K extends keyof ObjectStore>(name: K): ObjectStore[K] => inner[name].bind(inner) as ObjectStore[K];
  const wrote = (path: string, bytes: number): void => void meter.written.push({ path, bytes });
  return {
    head: own("head"),
    list: own("list"),
    delete: own("delete"),
    acquireLease: own("acquireLease"),
    get: async (path, options) => {
      const object = await inner.get(path, options);
      if (object !== undefined) meter.read.push({ path, bytes: object.bytes.length });
      return object;
    },
    getRange: async (path, range, options) => {
      const bytes = await inner.getRange(path, range, options);
      meter.read.push({ path, bytes: bytes?.length ?? 0 });
      return bytes;
    },
    downloadFile: async (path, file, options) => {
      const isThere = await inner.downloadFile(path, file, options);
      if (isThere) meter.read.push({ path, bytes: (await stat(file)).size });
      return isThere;
    },
    put: (path, bytes, options) => {
      wrote(path, bytes.length);
      return inner.put(path, bytes, options);
    },
    putIfAbsent: (path, bytes, options) => {
      wrote(path, bytes.length);
      return inner.putIfAbsent(path, bytes, options);
    },
    putIfMatch: (path, bytes, etag, options) => {
      wrote(path, bytes.length);
      return inner.putIfMatch(path, bytes, etag, options);
    },
    uploadFile: async (path, file, options) => {
      wrote(path, (await stat(file)).size);
      return inner.uploadFile(path, file, options);
    },
  };
}

import type { Lease, ListOptions, ObjectMeta, ObjectStore, ReadOptions } from "../storage/index.ts";

/** A call of a store. `name` is the method's. */
export interface Operation {
  readonly name: string;
  readonly path: string;
  readonly writes: boolean;
}

/** Does something before, after or instead of each call of a store. */
export type Around = <T>(operation: Operation, work: () => Promise<T>) => Promise<T>;

/** A store whose every call, those of its leases included, goes through `around`. */
export function aroundStore(inner: ObjectStore, around: Around): ObjectStore {
  const read = <T>(name: string, path: string, work: () => Promise<T>): Promise<T> =>
    around({ name, path, writes: false }, work);
  const write = <T>(name: string, path: string, work: () => Promise<T>): Promise<T> =>
    around({ name, path, writes: true }, work);
  return {
    get: (path, options) => read("get", path, () => inner.get(path, options)),
    getRange: (path, range, options) => read("getRange", path, () => inner.getRange(path, range, options)),
    head: (path, options) => read("head", path, () => inner.head(path, options)),
    downloadFile: (path, file, options?: ReadOptions) =>
      read("downloadFile", path, () => inner.downloadFile(path, file, options)),
    put: (path, bytes, options) => write("put", path, () => inner.put(path, bytes, options)),
    putIfAbsent: (path, bytes, options) => write("putIfAbsent", path, () => inner.putIfAbsent(path, bytes, options)),
    putIfMatch: (path, bytes, etag, options) =>
      write("putIfMatch", path, () => inner.putIfMatch(path, bytes, etag, options)),
    uploadFile: (path, file, options) => write("uploadFile", path, () => inner.uploadFile(path, file, options)),
    delete: (path, options) => write("delete", path, () => inner.delete(path, options)),
    async *list(prefix: string, options?: ListOptions): AsyncIterable<ObjectMeta> {
      await read("list", prefix, async () => {});
      yield* inner.list(prefix, options);
    },
    pathOf: (address, container) => inner.pathOf(address, container),
    acquireLease: (path, seconds) =>
      write("acquireLease", path, async () => {
        const lease = await inner.acquireLease(path, seconds);
        return lease && aroundLease(lease, path, write);
      }),
  };
}

function aroundLease(
  lease: Lease,
  path: string,
  write: <T>(name: string, path: string, work: () => Promise<T>) => Promise<T>,
): Lease {
  return {
    renew: () => write("renew", path, () => lease.renew()),
    // A release never throws, by contract; what stops it leaves the lease to run out.
    release: () => write("release", path, () => lease.release()).catch(() => {}),
  };
}

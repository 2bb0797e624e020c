/**
 * The port to object storage: one account, addressed by paths `container/blob/name`.
 *
 * Promises of every adapter (test/contracts/object-store.contract.ts holds them to it):
 * - a read after a finished write sees it (strong consistency), and `list` too;
 * - `putIfAbsent` and `putIfMatch` have exactly one winner among concurrent callers;
 * - `list` is ordered by path, byte by byte;
 * - a lost race is a value; errors are DyneErrors: `STORAGE_UNAVAILABLE` (repeat; the write may or may not have
 *   happened) and `STORAGE_DENIED` (fix permissions or settings).
 */
export interface ObjectStore {
  /** The whole object, or undefined where there is none. With `ifMatch`, undefined also where the etag differs. */
  get(path: string, options?: ReadOptions): Promise<StoredObject | undefined>;
  /** Bytes [start, end) of an object; fewer where the object ends earlier; undefined where there is none. */
  getRange(path: string, range: ByteRange, options?: ReadOptions): Promise<Uint8Array | undefined>;
  /** Writes or replaces. Safe to repeat. */
  put(path: string, bytes: Uint8Array, options?: WriteOptions): Promise<{ readonly etag: string }>;
  /** Creates. After an unknown answer use `verifiedPutIfAbsent`, which reads back. */
  putIfAbsent(path: string, bytes: Uint8Array, options?: WriteOptions): Promise<PutIfAbsentResult>;
  /** Replaces the version with this etag. */
  putIfMatch(path: string, bytes: Uint8Array, etag: string, options?: WriteOptions): Promise<PutIfMatchResult>;
  /** Uploads a local file (of any size) under a new name. Safe to repeat: names of data files are unique. */
  uploadFile(path: string, localFile: string, options?: WriteOptions): Promise<{ readonly etag: string }>;
  /** Downloads an object into a local file. False where there is none, or its etag differs from `ifMatch`. */
  downloadFile(path: string, localFile: string, options?: ReadOptions): Promise<boolean>;
  /** Objects whose path starts with `prefix`, in order. `after` leaves out paths up to and including it. Never directories. */
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectMeta>;
  /** What is known of an object without reading it. */
  head(path: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<ObjectMeta | undefined>;
  /** Removes; true where there was something. Safe to repeat. */
  delete(path: string, options?: { readonly signal?: AbortSignal | undefined }): Promise<boolean>;
  /**
   * Takes a lease on the object at `path` (created empty where absent) for `seconds` (15 to 60); undefined while another holds it.
   * A lease keeps two instances from doing the same work twice; correctness never depends on it.
   */
  acquireLease(path: string, seconds: number): Promise<Lease | undefined>;
  /**
   * The path of what an absolute path or URI names, percent-encoded as in logs of Delta tables, where that is in this store; `container` is
   * that of a path without scheme, if the store's own addresses have containers. Undefined for all that is elsewhere, and for what is no
   * address. What comes out has no empty and no relative segments; whether there is such an object is another question. Never asks.
   */
  pathOf(address: string, container: string): string | undefined;
}

/** A half-open range of bytes. */
export interface ByteRange {
  readonly startByte: number;
  readonly endByteExclusive: number;
}

export interface ReadOptions {
  readonly ifMatch?: string | undefined;
  /** A whole object that is larger is refused with LIMIT_EXCEEDED before its bytes are read. Costs no request. Ranges have their own bound. */
  readonly bytesMax?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WriteOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface ListOptions {
  readonly after?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ObjectMeta {
  readonly path: string;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly lastModifiedMs: number;
}

export interface StoredObject extends ObjectMeta {
  readonly bytes: Uint8Array;
}

export type PutIfAbsentResult = { readonly kind: "created"; readonly etag: string } | { readonly kind: "exists" };
export type PutIfMatchResult = { readonly kind: "replaced"; readonly etag: string } | { readonly kind: "changed" };

export interface Lease {
  /** False once another holder may have taken over: stop before the next write. */
  renew(): Promise<boolean>;
  /** Gives the lease back. Never throws; a lease that cannot be released runs out. */
  release(): Promise<void>;
}

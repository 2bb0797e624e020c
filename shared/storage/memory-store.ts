import { readFile, writeFile } from "node:fs/promises";
import type { Clock, Random } from "../core/index.ts";
import { compareUtf8 } from "./byte-order.ts";
import { LeaseTable } from "./lease-table.ts";
import { memoryAddressPath } from "./object-address.ts";
import { parseListPrefix, parseObjectPath } from "./object-path.ts";
import { assertSize } from "./size-limit.ts";
import type {
  ByteRange,
  Lease,
  ListOptions,
  ObjectMeta,
  ObjectStore,
  PutIfAbsentResult,
  PutIfMatchResult,
  ReadOptions,
  StoredObject,
} from "./object-store.ts";

/**
 * Objects in this process's memory, for tests and simulations: exact semantics, no delays, no faults. Times and leases follow the
 * injected clock. Bytes are copied in and out, so that callers may reuse their buffers.
 */
export class MemoryStore implements ObjectStore {
  readonly #clock: Clock;
  readonly #leases: LeaseTable;
  readonly #objects = new Map<string, StoredObject>();
  /** Paths in the order of listings. */
  readonly #paths: string[] = [];
  #etags = 0;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#leases = new LeaseTable(clock, random);
  }

  async get(path: string, options: ReadOptions = {}): Promise<StoredObject | undefined> {
    const object = this.#read(path, options);
    return object && { ...object, bytes: object.bytes.slice() };
  }

  async getRange(path: string, range: ByteRange, options: ReadOptions = {}): Promise<Uint8Array | undefined> {
    const object = this.#read(path, { ...options, bytesMax: undefined });
    return object?.bytes.slice(range.startByte, Math.max(range.startByte, range.endByteExclusive));
  }

  async put(path: string, bytes: Uint8Array): Promise<{ readonly etag: string }> {
    return { etag: this.#write(path, bytes) };
  }

  async putIfAbsent(path: string, bytes: Uint8Array): Promise<PutIfAbsentResult> {
    return this.#objects.has(path) ? { kind: "exists" } : { kind: "created", etag: this.#write(path, bytes) };
  }

  async putIfMatch(path: string, bytes: Uint8Array, etag: string): Promise<PutIfMatchResult> {
    if (this.#objects.get(path)?.etag !== etag) return { kind: "changed" };
    return { kind: "replaced", etag: this.#write(path, bytes) };
  }

  async uploadFile(path: string, localFile: string): Promise<{ readonly etag: string }> {
    return { etag: this.#write(path, await readFile(localFile)) };
  }

  async downloadFile(path: string, localFile: string, options: ReadOptions = {}): Promise<boolean> {
    const object = this.#read(path, options);
    if (object === undefined) return false;
    await writeFile(localFile, object.bytes);
    return true;
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectMeta> {
    parseListPrefix(prefix);
    const from = options.after !== undefined && compareUtf8(options.after, prefix) > 0 ? options.after : prefix;
    const paths: string[] = [];
    for (let i = this.#indexOf(from); i < this.#paths.length; i++) {
      const path = this.#paths[i]!;
      if (!path.startsWith(prefix)) break;
      if (path !== options.after) paths.push(path);
    }
    for (const path of paths) {
      const object = this.#objects.get(path);
      if (object !== undefined) yield metaOf(object);
    }
  }

  async head(path: string): Promise<ObjectMeta | undefined> {
    const object = this.#read(path, {});
    return object && metaOf(object);
  }

  async delete(path: string): Promise<boolean> {
    if (!this.#objects.delete(path)) return false;
    this.#paths.splice(this.#indexOf(path), 1);
    return true;
  }

  async acquireLease(path: string, seconds: number): Promise<Lease | undefined> {
    if (!this.#objects.has(path)) this.#write(path, new Uint8Array());
    return this.#leases.acquire(path, seconds);
  }

  pathOf(address: string): string | undefined {
    return memoryAddressPath(address);
  }

  #read(path: string, { ifMatch, bytesMax }: ReadOptions): StoredObject | undefined {
    const object = this.#objects.get(path);
    if (object === undefined || (ifMatch !== undefined && object.etag !== ifMatch)) return undefined;
    assertSize(path, object.sizeBytes, bytesMax);
    return object;
  }

  #write(path: string, bytes: Uint8Array): string {
    parseObjectPath(path);
    const etag = `"${++this.#etags}"`;
    if (!this.#objects.has(path)) this.#paths.splice(this.#indexOf(path), 0, path);
    const copy = new Uint8Array(bytes);
    this.#objects.set(path, {
      path,
      bytes: copy,
      sizeBytes: copy.byteLength,
      etag,
      lastModifiedMs: this.#clock.nowMs(),
    });
    return etag;
  }

  /** The place of the first path that is not below `path`, by halving. */
  #indexOf(path: string): number {
    let low = 0;
    let high = this.#paths.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareUtf8(this.#paths[middle]!, path) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function metaOf({ path, sizeBytes, etag, lastModifiedMs }: ObjectMeta): ObjectMeta {
  return { path, sizeBytes, etag, lastModifiedMs };
}

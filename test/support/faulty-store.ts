/** An object store that loses requests and answers, reproducibly, for tests and simulations of lost answers and crashes. */
import { DyneError, type Random } from "../../shared/core/index.ts";
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
  WriteOptions,
} from "../../shared/storage/index.ts";

/** What is asked of a store. */
export interface StoreOperation {
  readonly name:
    | "get"
    | "getRange"
    | "put"
    | "putIfAbsent"
    | "putIfMatch"
    | "uploadFile"
    | "downloadFile"
    | "list"
    | "head"
    | "delete"
    | "acquireLease";
  readonly path: string;
}

/** How often each fault strikes, from 0 to 1; what is absent never does. Every fault is seen as STORAGE_UNAVAILABLE. */
export interface FaultRates {
  /** Nothing happened. Reads and writes. */
  readonly lostRequest?: number;
  /** The write happened. */
  readonly lostAnswer?: number;
  /** The write happens later, at some following operation: after a read that did not see it. Conditional creates only. */
  readonly lateWrite?: number;
}

export interface FaultyStoreOptions {
  readonly random: Random;
  readonly rates?: FaultRates;
  /** Which operations may fail; all where absent. */
  readonly only?: (operation: StoreOperation) => boolean;
  /** Awaited before each operation: an interleaving scheduler, a crash (by throwing), a counter. */
  readonly before?: (operation: StoreOperation) => Promise<void> | void;
}

/** Wraps a store. The faults end with `heal`. */
export class FaultyStore implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #options: FaultyStoreOptions;
  #rates: FaultRates;
  #late: (() => Promise<unknown>)[] = [];

  constructor(inner: ObjectStore, options: FaultyStoreOptions) {
    this.#inner = inner;
    this.#options = options;
    this.#rates = options.rates ?? {};
  }

  /** No more faults; writes that are still under way land now. */
  async heal(): Promise<void> {
    this.#rates = {};
    for (const write of this.#late.splice(0)) await write();
  }

  get(path: string, options?: ReadOptions): Promise<StoredObject | undefined> {
    return this.#read({ name: "get", path }, () => this.#inner.get(path, options));
  }

  getRange(path: string, range: ByteRange, options?: ReadOptions): Promise<Uint8Array | undefined> {
    return this.#read({ name: "getRange", path }, () => this.#inner.getRange(path, range, options));
  }

  put(path: string, bytes: Uint8Array, options?: WriteOptions): Promise<{ readonly etag: string }> {
    return this.#write({ name: "put", path }, () => this.#inner.put(path, bytes, options));
  }

  putIfAbsent(path: string, bytes: Uint8Array, options?: WriteOptions): Promise<PutIfAbsentResult> {
    const copy = bytes.slice();
    return this.#write({ name: "putIfAbsent", path }, () => this.#inner.putIfAbsent(path, copy, options), true);
  }

  putIfMatch(path: string, bytes: Uint8Array, etag: string, options?: WriteOptions): Promise<PutIfMatchResult> {
    return this.#write({ name: "putIfMatch", path }, () => this.#inner.putIfMatch(path, bytes, etag, options));
  }

  uploadFile(path: string, localFile: string, options?: WriteOptions): Promise<{ readonly etag: string }> {
    return this.#write({ name: "uploadFile", path }, () => this.#inner.uploadFile(path, localFile, options));
  }

  downloadFile(path: string, localFile: string, options?: ReadOptions): Promise<boolean> {
    return this.#read({ name: "downloadFile", path }, () => this.#inner.downloadFile(path, localFile, options));
  }

  async *list(prefix: string, options?: ListOptions): AsyncIterable<ObjectMeta> {
    await this.#read({ name: "list", path: prefix }, async () => {});
    yield* this.#inner.list(prefix, options);
  }

  head(path: string): Promise<ObjectMeta | undefined> {
    return this.#read({ name: "head", path }, () => this.#inner.head(path));
  }

  delete(path: string): Promise<boolean> {
    return this.#write({ name: "delete", path }, () => this.#inner.delete(path));
  }

  acquireLease(path: string, seconds: number): Promise<Lease | undefined> {
    return this.#read({ name: "acquireLease", path }, () => this.#inner.acquireLease(path, seconds));
  }

  pathOf(address: string, container: string): string | undefined {
    return this.#inner.pathOf(address, container);
  }

  async #read<T>(operation: StoreOperation, work: () => Promise<T>): Promise<T> {
    await this.#before(operation);
    if (this.#strikes(operation, this.#rates.lostRequest)) throw unavailable(operation, "request lost");
    return work();
  }

  async #write<T>(operation: StoreOperation, work: () => Promise<T>, mayBeLate = false): Promise<T> {
    await this.#before(operation);
    if (this.#strikes(operation, this.#rates.lostRequest)) throw unavailable(operation, "request lost");
    if (mayBeLate && this.#strikes(operation, this.#rates.lateWrite)) {
      this.#late.push(work);
      throw unavailable(operation, "answer lost, write under way");
    }
    const answer = await work();
    if (this.#strikes(operation, this.#rates.lostAnswer)) throw unavailable(operation, "answer lost");
    return answer;
  }

  async #before(operation: StoreOperation): Promise<void> {
    await this.#options.before?.(operation);
    if (this.#late.length > 0 && this.#options.random.next() < 0.5) await this.#late.shift()!();
  }

  #strikes(operation: StoreOperation, rate: number | undefined): boolean {
    if (rate === undefined || rate === 0) return false;
    return (this.#options.only?.(operation) ?? true) && this.#options.random.next() < rate;
  }
}

function unavailable({ name, path }: StoreOperation, fault: string): DyneError {
  return new DyneError("STORAGE_UNAVAILABLE", `${name} ${path}: ${fault}.`);
}

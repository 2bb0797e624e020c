import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { BlobClient, BlobDownloadResponseParsed, BlobServiceClient, BlockBlobClient } from "@azure/storage-blob";
import { compareUtf8 } from "./byte-order.ts";
import { blobError, isAbsent, isFullFolder, isLostRace, statusOf } from "./blob-errors.ts";
import { blobAddressPath } from "./object-address.ts";
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
  WriteOptions,
} from "./object-store.ts";

const listPageSize = 5_000;
const uploadBlockBytes = 8 * 1024 * 1024;
const uploadsAtOnce = 4;

/**
 * One storage account by the Blob API alone, which flat and hierarchical accounts and the emulator share. Containers are not created here
 * but by whoever provisions the account (`ensureContainers` for the emulator).
 *
 * On a hierarchical account folders are objects too and are left out everywhere; a listing over several folders follows the service's
 * order, which compares names folder by folder.
 */
export class AzureBlobStore implements ObjectStore {
  readonly #service: BlobServiceClient;
  #downloads = 0;
  /** Services before version 2026-02-06 of the API refuse to start a listing in the middle. */
  #canStartFrom = true;

  constructor(service: BlobServiceClient) {
    this.#service = service;
  }

  /** Creates the containers that are missing. Safe to repeat. */
  async ensureContainers(names: readonly string[]): Promise<void> {
    for (const name of names) {
      await this.#ask(name, () => this.#service.getContainerClient(name).createIfNotExists());
    }
  }

  async get(path: string, { ifMatch, bytesMax, signal }: ReadOptions = {}): Promise<StoredObject | undefined> {
    return this.#orAbsent(path, async () => {
      const answer = await this.#blob(path).download(0, undefined, readOptions(ifMatch, signal));
      assertBody(path, answer, bytesMax);
      const bytes = await collect(answer.readableStreamBody, answer.contentLength ?? 0);
      if (isFolder(answer.metadata)) return undefined;
      return {
        path,
        bytes,
        sizeBytes: bytes.byteLength,
        etag: answer.etag ?? "",
        lastModifiedMs: answer.lastModified?.getTime() ?? 0,
      };
    });
  }

  async getRange(
    path: string,
    range: ByteRange,
    { ifMatch, signal }: ReadOptions = {},
  ): Promise<Uint8Array | undefined> {
    const count = range.endByteExclusive - range.startByte;
    if (count <= 0) {
      const meta = await this.head(path, { signal });
      return meta === undefined || (ifMatch !== undefined && meta.etag !== ifMatch) ? undefined : new Uint8Array();
    }
    return this.#orAbsent(path, async () => {
      try {
        const answer = await this.#blob(path).download(range.startByte, count, readOptions(ifMatch, signal));
        return await collect(answer.readableStreamBody, answer.contentLength ?? count);
      } catch (error) {
        if (statusOf(error) !== 416) throw error;
        // Nothing there: the object is shorter, or it is a folder.
        return (await this.head(path, { signal })) && new Uint8Array();
      }
    });
  }

  async put(path: string, bytes: Uint8Array, { signal }: WriteOptions = {}): Promise<{ readonly etag: string }> {
    return this.#ask(path, () => this.#upload(path, bytes, {}, signal));
  }

  async putIfAbsent(path: string, bytes: Uint8Array, { signal }: WriteOptions = {}): Promise<PutIfAbsentResult> {
    return this.#ask(path, async () => {
      const put = await orLost(() => this.#upload(path, bytes, { ifNoneMatch: "*" }, signal));
      return put === undefined ? { kind: "exists" } : { kind: "created", ...put };
    });
  }

  async putIfMatch(
    path: string,
    bytes: Uint8Array,
    etag: string,
    { signal }: WriteOptions = {},
  ): Promise<PutIfMatchResult> {
    return this.#ask(path, async () => {
      const put = await orLost(() => this.#upload(path, bytes, { ifMatch: etag }, signal));
      return put === undefined ? { kind: "changed" } : { kind: "replaced", ...put };
    });
  }

  async uploadFile(path: string, localFile: string, { signal }: WriteOptions = {}): Promise<{ readonly etag: string }> {
    return this.#ask(path, async () => {
      const options = { blockSize: uploadBlockBytes, concurrency: uploadsAtOnce, abortSignal: signal };
      return { etag: (await this.#blob(path).uploadFile(localFile, withoutUndefined(options))).etag ?? "" };
    });
  }

  async downloadFile(
    path: string,
    localFile: string,
    { ifMatch, bytesMax, signal }: ReadOptions = {},
  ): Promise<boolean> {
    const partial = `${localFile}.${++this.#downloads}.partial`;
    try {
      const done = await this.#orAbsent(path, async () => {
        const answer = await this.#blob(path).download(0, undefined, readOptions(ifMatch, signal));
        assertBody(path, answer, bytesMax);
        await pipeline(answer.readableStreamBody ?? Readable.from([]), createWriteStream(partial));
        if (isFolder(answer.metadata)) return undefined;
        await rename(partial, localFile);
        return true;
      });
      return done ?? false;
    } finally {
      await rm(partial, { force: true });
    }
  }

  async *list(prefix: string, { after, signal }: ListOptions = {}): AsyncIterable<ObjectMeta> {
    const { container, name } = parseListPrefix(prefix);
    const startFrom =
      this.#canStartFrom && after !== undefined && after.startsWith(prefix)
        ? after.slice(container.length + 1)
        : undefined;
    let seen = false;
    try {
      for await (const meta of this.#pages(container, name, startFrom, signal)) {
        seen = true;
        if (after === undefined || compareUtf8(meta.path, after) > 0) yield meta;
      }
      return;
    } catch (error) {
      if (startFrom === undefined || seen || statusOf(error) !== 400) {
        if (isAbsent(error) || (await this.#isBelowObject(prefix, error))) return;
        throw blobError(prefix, error);
      }
      this.#canStartFrom = false;
    }
    yield* this.list(prefix, { after, signal });
  }

  /** Whether a listing was refused because a part of its prefix is an object, as a hierarchical account does: nothing is below it. */
  async #isBelowObject(prefix: string, error: unknown): Promise<boolean> {
    if (statusOf(error) !== 400 && statusOf(error) !== 409) return false;
    const parts = prefix.split("/");
    for (let count = 2; count < parts.length; count++)
      if ((await this.head(parts.slice(0, count).join("/"))) !== undefined) return true;
    return false;
  }

  async *#pages(
    container: string,
    prefix: string,
    startFrom: string | undefined,
    signal: AbortSignal | undefined,
  ): AsyncIterable<ObjectMeta> {
    const options = { prefix, includeMetadata: true, startFrom, abortSignal: signal };
    const pages = this.#service
      .getContainerClient(container)
      .listBlobsFlat(withoutUndefined(options))
      .byPage({ maxPageSize: listPageSize });
    for await (const page of pages) {
      for (const { name, properties, metadata } of page.segment.blobItems) {
        if (isFolder(metadata)) continue;
        yield {
          path: `${container}/${name}`,
          sizeBytes: properties.contentLength ?? 0,
          etag: quoted(properties.etag),
          lastModifiedMs: properties.lastModified.getTime(),
        };
      }
    }
  }

  async head(
    path: string,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<ObjectMeta | undefined> {
    return this.#orAbsent(path, async () => {
      const answer = await this.#blob(path).getProperties(signal ? { abortSignal: signal } : {});
      if (isFolder(answer.metadata)) return undefined;
      return {
        path,
        sizeBytes: answer.contentLength ?? 0,
        etag: answer.etag ?? "",
        lastModifiedMs: answer.lastModified?.getTime() ?? 0,
      };
    });
  }

  async delete(path: string, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<boolean> {
    const deleted = await this.#orAbsent(path, async () => {
      try {
        await this.#blob(path).delete(signal ? { abortSignal: signal } : {});
        return true;
      } catch (error) {
        if (isFullFolder(error)) return false;
        throw error;
      }
    });
    return deleted ?? false;
  }

  async acquireLease(path: string, seconds: number): Promise<Lease | undefined> {
    const blob = this.#blob(path);
    const acquired = await this.#ask(path, async () => {
      try {
        return await leaseOn(blob, seconds);
      } catch (error) {
        if (!isAbsent(error)) throw error;
        await orLost(() => this.#upload(path, new Uint8Array(), { ifNoneMatch: "*" }, undefined));
        return await leaseOn(blob, seconds);
      }
    });
    return acquired && { renew: () => this.#renew(path, acquired), release: () => releaseQuietly(acquired) };
  }

  pathOf(address: string, container: string): string | undefined {
    return blobAddressPath(this.#service.url, address, container);
  }

  /** Without an answer the lease counts as lost: stopping early is safe, going on is not. */
  async #renew(path: string, lease: ReturnType<BlobClient["getBlobLeaseClient"]>): Promise<boolean> {
    try {
      await lease.renewLease();
      return true;
    } catch (error) {
      const mapped = blobError(path, error);
      if (isLostRace(error) || isAbsent(error) || mapped.code === "STORAGE_UNAVAILABLE") return false;
      throw mapped;
    }
  }

  #blob(path: string): BlockBlobClient {
    const { container, name } = parseObjectPath(path);
    return this.#service.getContainerClient(container).getBlockBlobClient(name);
  }

  async #upload(
    path: string,
    bytes: Uint8Array,
    when: { ifNoneMatch?: string; ifMatch?: string },
    signal: AbortSignal | undefined,
  ): Promise<{ readonly etag: string }> {
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const answer = await this.#blob(path).upload(
      body,
      body.byteLength,
      withoutUndefined({ conditions: when, abortSignal: signal }),
    );
    return { etag: answer.etag ?? "" };
  }

  async #ask<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw blobError(path, error);
    }
  }

  /** For reads and deletes: undefined where the object is absent, or not the one that was asked for. */
  async #orAbsent<T>(path: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (isAbsent(error) || statusOf(error) === 412) return undefined;
      throw blobError(path, error);
    }
  }
}

type LeaseClient = ReturnType<BlobClient["getBlobLeaseClient"]>;

/** Undefined while another holds it. */
async function leaseOn(blob: BlobClient, seconds: number): Promise<LeaseClient | undefined> {
  const lease = blob.getBlobLeaseClient();
  return (await orLost(() => lease.acquireLease(seconds))) && lease;
}

async function releaseQuietly(lease: LeaseClient): Promise<void> {
  try {
    await lease.releaseLease();
  } catch {
    // It runs out by itself.
  }
}

/** Undefined where a condition was not met. */
async function orLost<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isLostRace(error)) return undefined;
    throw error;
  }
}

function readOptions(
  ifMatch: string | undefined,
  signal: AbortSignal | undefined,
): { conditions: { ifMatch?: string }; abortSignal?: AbortSignal } {
  return { conditions: ifMatch === undefined ? {} : { ifMatch }, ...(signal && { abortSignal: signal }) };
}

/** Folders of a hierarchical account are blobs with this mark. */
function isFolder(metadata: Readonly<Record<string, string>> | undefined): boolean {
  return (
    metadata !== undefined &&
    Object.entries(metadata).some(
      ([key, value]) => key.toLowerCase() === "hdi_isfolder" && value.toLowerCase() === "true",
    )
  );
}

/** Listings give the etag bare, every other answer in quotes. */
function quoted(etag: string): string {
  return etag.startsWith('"') ? etag : `"${etag}"`;
}

/** Throws LIMIT_EXCEEDED, and takes no more of the answer, where the object is too large for its reader. */
function assertBody(path: string, answer: BlobDownloadResponseParsed, bytesMax: number | undefined): void {
  try {
    assertSize(path, answer.contentLength ?? 0, bytesMax);
  } catch (error) {
    if (answer.readableStreamBody instanceof Readable) answer.readableStreamBody.destroy();
    throw error;
  }
}

async function collect(stream: NodeJS.ReadableStream | undefined, sizeBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream ?? []) chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
  const whole = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, Math.max(sizeBytes, sum(chunks)));
  return new Uint8Array(whole.buffer, whole.byteOffset, sum(chunks));
}

function sum(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((total, { byteLength }) => total + byteLength, 0);
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(options: T): Defined<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Defined<T>;
}

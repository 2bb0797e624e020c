import { createWriteStream, type Stats } from "node:fs";
import { copyFile, link, mkdir, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import platform, { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { DyneError, type Clock, type Random } from "../core/index.ts";
import { compareUtf8 } from "./byte-order.ts";
import { LeaseTable } from "./lease-table.ts";
import { fileAddressPath, isLocalName } from "./object-address.ts";
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

const temporaryPrefix = ".dyne-tmp-";

/** Files up to this go through memory in one piece. */
const copiedAtOnceBytes = 4 * 1024 * 1024;

/** Entries of a listing whose files are looked at together. */
const statsAtOnce = 16;

/**
 * A local folder as an object store: `container/name` is the file of that path below `root`. Writes appear whole (a temporary file,
 * then a link or a rename). `putIfAbsent` holds among processes; `putIfMatch` and leases only within one. Symbolic links to files are
 * followed, and listings pass over those to folders: what may be linked is for whoever owns the folder to decide.
 */
export class FileStore implements ObjectStore {
  readonly #root: string;
  readonly #random: Random;
  readonly #leases: LeaseTable;
  /** The last conditional write of each path, so that the next one waits for it. */
  readonly #writing = new Map<string, Promise<unknown>>();

  constructor(root: string, { clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#root = root;
    this.#random = random;
    this.#leases = new LeaseTable(clock, random);
  }

  async get(path: string, { ifMatch, bytesMax, signal }: ReadOptions = {}): Promise<StoredObject | undefined> {
    return this.#withFile(path, ifMatch, async (file, stats) => {
      assertSize(path, stats.size, bytesMax);
      const bytes = new Uint8Array(await file.readFile({ signal }));
      return { ...metaOf(path, stats), sizeBytes: bytes.byteLength, bytes };
    });
  }

  async getRange(path: string, range: ByteRange, { ifMatch }: ReadOptions = {}): Promise<Uint8Array | undefined> {
    return this.#withFile(path, ifMatch, async (file, stats) => {
      const length = Math.max(0, Math.min(range.endByteExclusive, stats.size) - range.startByte);
      const bytes = new Uint8Array(length);
      const { bytesRead } = length === 0 ? { bytesRead: 0 } : await file.read(bytes, 0, length, range.startByte);
      return bytes.subarray(0, bytesRead);
    });
  }

  async put(path: string, bytes: Uint8Array): Promise<{ readonly etag: string }> {
    return this.#oneAtATime(path, () => this.#replace(path, (temporary) => writeFile(temporary, bytes)));
  }

  async putIfAbsent(path: string, bytes: Uint8Array): Promise<PutIfAbsentResult> {
    const target = this.#file(path);
    return this.#withTemporary(target, async (temporary) => {
      await writeFile(temporary, bytes);
      const etag = etagOf(await stat(temporary, { bigint: false }));
      try {
        await link(temporary, target);
      } catch (error) {
        if (codeOf(error) === "EEXIST") return { kind: "exists" };
        throw error;
      }
      return { kind: "created", etag };
    });
  }

  async putIfMatch(path: string, bytes: Uint8Array, etag: string): Promise<PutIfMatchResult> {
    return this.#oneAtATime(path, async () => {
      const current = await this.head(path);
      if (current?.etag !== etag) return { kind: "changed" };
      return { kind: "replaced", ...(await this.#replace(path, (temporary) => writeFile(temporary, bytes))) };
    });
  }

  async uploadFile(path: string, localFile: string): Promise<{ readonly etag: string }> {
    return this.#oneAtATime(path, () => this.#replace(path, (temporary) => copyFile(localFile, temporary)));
  }

  async downloadFile(
    path: string,
    localFile: string,
    { ifMatch, bytesMax, signal }: ReadOptions = {},
  ): Promise<boolean> {
    const copied = await this.#withFile(path, ifMatch, async (file, stats) => {
      assertSize(path, stats.size, bytesMax);
      if (stats.size <= copiedAtOnceBytes) await writeFile(localFile, await file.readFile({ signal }));
      else
        await pipeline(file.createReadStream({ autoClose: false, start: 0 }), createWriteStream(localFile), { signal });
      return true;
    });
    return copied ?? false;
  }

  async *list(prefix: string, { after }: ListOptions = {}): AsyncIterable<ObjectMeta> {
    parseListPrefix(prefix);
    const folder = prefix.slice(0, prefix.lastIndexOf("/"));
    yield* this.#walk(folder, prefix, after);
  }

  async head(path: string): Promise<ObjectMeta | undefined> {
    const stats = await orAbsent(path, () => stat(this.#file(path)));
    return stats?.isFile() ? metaOf(path, stats) : undefined;
  }

  async delete(path: string): Promise<boolean> {
    const removed = await orAbsent(path, async () => {
      await rm(this.#file(path));
      return true;
    });
    return removed ?? false;
  }

  async acquireLease(path: string, seconds: number): Promise<Lease | undefined> {
    await this.putIfAbsent(path, new Uint8Array());
    return this.#leases.acquire(path, seconds);
  }

  pathOf(address: string): string | undefined {
    return fileAddressPath(this.#root, address, platform);
  }

  #file(path: string): string {
    parseObjectPath(path);
    if (isLocalName(path, platform)) return join(this.#root, path);
    throw new DyneError("INVALID_ARGUMENT", `"${path}" cannot be a file on this system. Use another name.`);
  }

  async #withFile<T>(
    path: string,
    ifMatch: string | undefined,
    use: (file: Awaited<ReturnType<typeof open>>, stats: Stats) => Promise<T>,
  ): Promise<T | undefined> {
    const opened = await orAbsent(path, () => open(this.#file(path), "r"));
    if (opened === undefined) return undefined;
    await using file = opened;
    try {
      const stats = await file.stat();
      if (!stats.isFile() || (ifMatch !== undefined && etagOf(stats) !== ifMatch)) return undefined;
      return await use(file, stats);
    } catch (error) {
      // What is missing from here on is the place that the bytes go to.
      throw storageError(path, error);
    }
  }

  /** Writes beside the target, then renames over it: readers see the old bytes or the new ones. */
  async #replace(path: string, write: (temporary: string) => Promise<void>): Promise<{ readonly etag: string }> {
    const target = this.#file(path);
    return this.#withTemporary(target, async (temporary) => {
      await write(temporary);
      const etag = etagOf(await stat(temporary));
      await rename(temporary, target);
      return { etag };
    });
  }

  async #withTemporary<T>(target: string, use: (temporary: string) => Promise<T>): Promise<T> {
    const temporary = join(dirname(target), `${temporaryPrefix}${this.#random.uuid()}`);
    try {
      await mkdir(dirname(target), { recursive: true });
      return await use(temporary);
    } catch (error) {
      throw storageError(target, error);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async #oneAtATime<T>(path: string, work: () => Promise<T>): Promise<T> {
    const before = this.#writing.get(path) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#writing.set(path, mine);
    try {
      return await mine;
    } finally {
      if (this.#writing.get(path) === mine) this.#writing.delete(path);
    }
  }

  /**
   * Files below a folder in the byte order of their paths: a folder sorts as its name with a slash. What is up to `after` is not looked at,
   * but for folders that it is below.
   */
  async *#walk(folder: string, prefix: string, after = ""): AsyncIterable<ObjectMeta> {
    const entries = await orAbsent(folder, () => readdir(join(this.#root, folder), { withFileTypes: true }));
    // By names, as far as it goes: a folder of ten thousand entries is mostly looked at to be passed over.
    const namePrefix = prefix.slice(folder.length + 1);
    const isInside = after.startsWith(`${folder}/`);
    if (!isInside && compareUtf8(`${folder}/`, after) <= 0) return;
    const afterName = isInside ? after.slice(folder.length + 1) : "";
    const paths: string[] = [];
    for (const entry of entries ?? []) {
      if (entry.name.startsWith(temporaryPrefix) || !entry.name.startsWith(namePrefix)) continue;
      const name = entry.isDirectory() ? `${entry.name}/` : entry.name;
      if (compareUtf8(name, afterName) > 0 || (entry.isDirectory() && afterName.startsWith(name)))
        paths.push(`${folder}/${name}`);
    }
    paths.sort(compareUtf8);
    for (let first = 0; first < paths.length; first += statsAtOnce) {
      const some = paths.slice(first, first + statsAtOnce);
      const metas = await Promise.all(some.map(async (path) => (path.endsWith("/") ? undefined : this.head(path))));
      for (const [index, path] of some.entries()) {
        if (path.endsWith("/")) yield* this.#walk(path.slice(0, -1), prefix, after);
        else if (metas[index] !== undefined) yield metas[index];
      }
    }
  }
}

/** A rename or a link gives a new inode, so that two versions written in the same millisecond differ. */
function etagOf(stats: Stats): string {
  return `"${stats.ino}-${stats.mtimeMs}-${stats.size}"`;
}

function metaOf(path: string, stats: Stats): ObjectMeta {
  return { path, sizeBytes: stats.size, etag: etagOf(stats), lastModifiedMs: Math.floor(stats.mtimeMs) };
}

async function orAbsent<T>(path: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR" || code === "ERR_FS_EISDIR") return undefined;
    throw storageError(path, error);
  }
}

function storageError(path: string, cause: unknown): unknown {
  const code = codeOf(cause);
  if (cause instanceof DyneError || code === undefined) return cause;
  const denied =
    code === "EACCES" ||
    code === "EPERM" ||
    code === "EROFS" ||
    code === "ENOTDIR" ||
    code === "EISDIR" ||
    code === "ENAMETOOLONG";
  return denied
    ? new DyneError("STORAGE_DENIED", `${path} cannot be accessed (${code}). Check the folder and its permissions.`, {
        cause,
      })
    : new DyneError("STORAGE_UNAVAILABLE", `${path} cannot be accessed now (${code}). Try again.`, { cause });
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/**
 * A storage account with hierarchical namespace, which the emulator is not: the part of the Blob API that the SDK's clients use for files, as an
 * HTTP service on the loopback. Contents are kept in an object store of the test; what is added is how such an account differs:
 *
 * - a file's folders come into being with it, and stay when it goes;
 * - folders are blobs without bytes, with `hdi_isfolder` in their metadata, and are listed among the files;
 * - a folder is deleted only when it is empty, and is not written over; nor can a file have anything below it;
 * - listings follow the names folder by folder, and one below a file is an error; "/" is the only delimiter.
 *
 * Source: learn.microsoft.com/azure/storage/blobs/storage-feature-support-in-storage-accounts and data-lake-storage-known-issues.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { AnonymousCredential, BlobServiceClient } from "@azure/storage-blob";
import { compareUtf8 } from "../../shared/storage/byte-order.ts";
import { AzureBlobStore, type Lease, type ObjectMeta, type ObjectStore } from "../../shared/storage/index.ts";

const folderTime = "Thu, 01 Jan 2026 00:00:00 GMT";
const pageSizeMax = 3;

/** An answer of the service. */
interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

const refused = (status: number, code: string): Answer => ({
  status,
  headers: { "x-ms-error-code": code, "content-type": "application/xml" },
  body: `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>refused</Message></Error>`,
});
const absent = refused(404, "BlobNotFound");

/** Compares names folder by folder: what is in "a/" comes before "a-b". */
export function compareByFolder(a: string, b: string): number {
  const [left, right] = [a.split("/"), b.split("/")];
  for (let k = 0; k < Math.min(left.length, right.length); k++) {
    const order = compareUtf8(left[k] ?? "", right[k] ?? "");
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** A store on such an account, which starts when the first thing is asked of it and ends with the process. */
export function hierarchicalStore(files: ObjectStore): ObjectStore {
  let started: Promise<AzureBlobStore> | undefined;
  const store = () =>
    (started ??= HierarchicalAccount.start(files).then((account) => new AzureBlobStore(account.blobService)));
  return {
    get: async (...args) => (await store()).get(...args),
    getRange: async (...args) => (await store()).getRange(...args),
    put: async (...args) => (await store()).put(...args),
    putIfAbsent: async (...args) => (await store()).putIfAbsent(...args),
    putIfMatch: async (...args) => (await store()).putIfMatch(...args),
    uploadFile: async (...args) => (await store()).uploadFile(...args),
    downloadFile: async (...args) => (await store()).downloadFile(...args),
    async *list(...args) {
      yield* (await store()).list(...args);
    },
    head: async (...args) => (await store()).head(...args),
    delete: async (...args) => (await store()).delete(...args),
    pathOf: (...args) => files.pathOf(...args),
    acquireLease: async (...args) => (await store()).acquireLease(...args),
  };
}

export class HierarchicalAccount implements AsyncDisposable {
  readonly #files: ObjectStore;
  /** `container/path` of every folder. */
  readonly #folders = new Set<string>();
  readonly #leases = new Map<string, Lease>();
  #url = "";
  #close: () => Promise<void> = async () => {};

  private constructor(files: ObjectStore) {
    this.#files = files;
  }

  /** Starts the service over a store that is empty and that nobody else writes to. */
  static async start(files: ObjectStore): Promise<HierarchicalAccount> {
    const account = new HierarchicalAccount(files);
    const server = createServer((request, response) => void account.#respond(request, response));
    await new Promise<void>((resolve) => server.unref().listen(0, "127.0.0.1", resolve));
    account.#url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/account`;
    account.#close = () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      });
    return account;
  }

  /** A client of the real SDK. */
  get blobService(): BlobServiceClient {
    return new BlobServiceClient(this.#url, new AnonymousCredential(), { retryOptions: { maxTries: 1 } });
  }

  /** The folders that there are, in order. */
  get folders(): readonly string[] {
    return [...this.#folders].toSorted(compareUtf8);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#answer(request).catch((error: unknown): Answer => ({
      status: 500,
      body: String(error),
    }));
    const { status, headers = {}, body = "" } = answer;
    response.writeHead(status, { "content-length": Buffer.byteLength(body), ...headers });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url ?? "", this.#url);
    const path = url.pathname.split("/").slice(2).map(decodeURIComponent).join("/");
    const comp = url.searchParams.get("comp");
    const headers = request.headers as Readonly<Record<string, string | undefined>>;
    if (comp === "list") return this.#list(path, url.searchParams);
    if (comp === "lease") return this.#lease(path, headers);
    if (comp !== null) return refused(400, "UnsupportedQueryParameter");
    if (request.method === "PUT") return this.#put(path, await buffer(request), headers);
    if (request.method === "DELETE") return this.#delete(path);
    return this.#read(path, headers, request.method === "HEAD");
  }

  async #put(path: string, bytes: Uint8Array, headers: Readonly<Record<string, string | undefined>>): Promise<Answer> {
    const above = foldersOf(path);
    const parents = await Promise.all(above.map((folder) => this.#files.head(folder)));
    if (parents.some((parent) => parent !== undefined)) return refused(409, "ResourceTypeMismatch");
    if (this.#folders.has(path))
      return refused(409, headers["if-none-match"] === "*" ? "BlobAlreadyExists" : "ResourceTypeMismatch");
    const etag = headers["if-match"];
    const put =
      headers["if-none-match"] === "*"
        ? await this.#files.putIfAbsent(path, bytes)
        : etag === undefined
          ? { kind: "put" as const, ...(await this.#files.put(path, bytes)) }
          : await this.#files.putIfMatch(path, bytes, etag);
    if (put.kind === "exists") return refused(409, "BlobAlreadyExists");
    if (put.kind === "changed") return refused(412, "ConditionNotMet");
    for (const folder of above) this.#folders.add(folder);
    return { status: 201, headers: { etag: put.etag, "last-modified": folderTime } };
  }

  async #read(path: string, headers: Readonly<Record<string, string | undefined>>, headOnly: boolean): Promise<Answer> {
    const [, start, end] = /^bytes=(\d+)-(\d*)$/.exec(headers["x-ms-range"] ?? headers["range"] ?? "") ?? [];
    const ifMatch = headers["if-match"];
    if (this.#folders.has(path)) {
      if (start !== undefined && !headOnly) return refused(416, "InvalidRange");
      const mark = { "x-ms-meta-hdi_isfolder": "true", etag: '"0xF"', "last-modified": folderTime };
      return ifMatch === undefined ? { status: 200, headers: mark } : refused(412, "ConditionNotMet");
    }
    const stored = await this.#files.get(path);
    if (stored === undefined) return absent;
    if (ifMatch !== undefined && ifMatch !== stored.etag) return refused(412, "ConditionNotMet");
    const known = { etag: stored.etag, "last-modified": new Date(stored.lastModifiedMs).toUTCString() };
    if (start === undefined || headOnly)
      return {
        status: 200,
        headers: { ...known, "content-length": String(stored.sizeBytes) },
        ...(headOnly ? {} : { body: stored.bytes }),
      };
    if (Number(start) >= stored.sizeBytes) return refused(416, "InvalidRange");
    const until = Math.min(stored.sizeBytes, end === "" ? Infinity : Number(end) + 1);
    return {
      status: 206,
      headers: { ...known, "content-range": `bytes ${start}-${until - 1}/${stored.sizeBytes}` },
      body: stored.bytes.slice(Number(start), until),
    };
  }

  async #delete(path: string): Promise<Answer> {
    if (!this.#folders.has(path)) return (await this.#files.delete(path)) ? { status: 202 } : absent;
    const below = `${path}/`;
    const holdsFolder = [...this.#folders].some((folder) => folder.startsWith(below));
    if (holdsFolder || (await Array.fromAsync(this.#files.list(below))).length > 0)
      return refused(409, "DirectoryIsNotEmpty");
    this.#folders.delete(path);
    return { status: 202 };
  }

  async #list(container: string, query: URLSearchParams): Promise<Answer> {
    const prefix = query.get("prefix") ?? "";
    if (!["/", null].includes(query.get("delimiter"))) return refused(400, "InvalidQueryParameterValue");
    for (const folder of foldersOf(`${container}/${prefix}`))
      if ((await this.#files.head(folder)) !== undefined) return refused(409, "ResourceTypeMismatch");
    const root = `${container}/`;
    const files = await Array.fromAsync(this.#files.list(root));
    const entries = [
      ...files.map((meta) => ({ name: meta.path.slice(root.length), meta })),
      ...this.folders
        .filter((folder) => folder.startsWith(root))
        .map((folder) => ({ name: folder.slice(root.length), meta: undefined })),
    ]
      .filter(({ name }) => name.startsWith(prefix))
      .toSorted((a, b) => compareByFolder(a.name, b.name));
    const from = query.get("marker") ?? query.get("startFrom") ?? "";
    const rest = entries.filter(({ name }) => from === "" || compareByFolder(name, from) >= 0);
    const size = Math.min(pageSizeMax, Number(query.get("maxresults") ?? pageSizeMax));
    const withMetadata = query.get("include")?.split(",").includes("metadata") === true;
    const page = rest.slice(0, size).map(({ name, meta }) => blobItem(name, meta, withMetadata));
    const marker = escaped(rest[size]?.name ?? "");
    return {
      status: 200,
      headers: { "content-type": "application/xml" },
      body: `<?xml version="1.0" encoding="utf-8"?><EnumerationResults ServiceEndpoint="x" ContainerName="${container}"><Blobs>${page.join("")}</Blobs><NextMarker>${marker}</NextMarker></EnumerationResults>`,
    };
  }

  async #lease(path: string, headers: Readonly<Record<string, string | undefined>>): Promise<Answer> {
    if (this.#folders.has(path)) return refused(409, "ResourceTypeMismatch");
    if ((await this.#files.head(path)) === undefined) return absent;
    const id = headers["x-ms-lease-id"] ?? headers["x-ms-proposed-lease-id"] ?? "";
    const answer = (status: number): Answer => ({
      status,
      headers: { "x-ms-lease-id": id, etag: '"0xE"', "last-modified": folderTime },
    });
    if (headers["x-ms-lease-action"] === "acquire") {
      const lease = await this.#files.acquireLease(path, Number(headers["x-ms-lease-duration"]));
      if (lease === undefined) return refused(409, "LeaseAlreadyPresent");
      this.#leases.set(id, lease);
      return answer(201);
    }
    const lease = this.#leases.get(id);
    if (lease === undefined) return refused(409, "LeaseIdMismatchWithLeaseOperation");
    if (headers["x-ms-lease-action"] === "renew")
      return (await lease.renew()) ? answer(200) : refused(409, "LeaseIdMismatchWithLeaseOperation");
    await lease.release();
    return answer(200);
  }
}

/** The folders above a path, the container left out: of "lake/a/b/c" they are "lake/a" and "lake/a/b". */
function foldersOf(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(2).map((_, index) => parts.slice(0, index + 2).join("/"));
}

function blobItem(name: string, meta: ObjectMeta | undefined, withMetadata: boolean): string {
  const time = meta === undefined ? folderTime : new Date(meta.lastModifiedMs).toUTCString();
  const etag = meta?.etag.replaceAll('"', "") ?? "0xF";
  const mark = withMetadata
    ? `<Metadata>${meta === undefined ? "<hdi_isfolder>true</hdi_isfolder>" : ""}</Metadata>`
    : "";
  return `<Blob><Name>${escaped(name)}</Name><Properties><Last-Modified>${time}</Last-Modified><Etag>${escaped(etag)}</Etag><Content-Length>${meta?.sizeBytes ?? 0}</Content-Length></Properties>${mark}</Blob>`;
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

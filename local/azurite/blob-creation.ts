import type { IncomingHttpHeaders, OutgoingHttpHeader } from "node:http";

/** A blob that came into being or was replaced, as seen at the emulator's HTTP server. */
export interface BlobCreation {
  readonly account: string;
  readonly container: string;
  /** The blob's full name, decoded. */
  readonly blob: string;
  readonly api: "CopyBlob" | "PutBlob" | "PutBlockList";
  readonly eTag: string;
  readonly requestId: string;
  /** What the client called its request; empty if it did not say. */
  readonly clientRequestId: string;
  readonly contentType: string;
  /** Absent where the request does not tell: the blocks of a block list, the source of a copy. */
  readonly contentLengthBytes?: number;
}

/** One finished exchange with the emulator: what decides whether a blob was created. */
export interface Exchange {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly requestHeaders: IncomingHttpHeaders;
  readonly responseHeader: (name: string) => OutgoingHttpHeader | undefined;
}

/**
 * The blob that an exchange created, or nothing. Recognised are the operations that raise `BlobCreated` on the Blob
 * API: Put Blob, Put Block List, and the two copies (Copy Blob, Put Blob From URL).
 * Source: learn.microsoft.com/azure/event-grid/event-schema-blob-storage.
 */
export function blobCreation(exchange: Exchange): BlobCreation | undefined {
  if (exchange.method !== "PUT" || (exchange.status !== 201 && exchange.status !== 202)) return undefined;
  const url = new URL(exchange.url, "http://127.0.0.1");
  const [account, container, ...rest] = url.pathname.split("/").slice(1).map(decodeURIComponent);
  const blob = rest.join("/");
  if (account === undefined || container === undefined || blob === "") return undefined;
  const comp = url.searchParams.get("comp");
  if (comp !== null && comp !== "blocklist") return undefined;

  const header = (name: string): string => text(exchange.requestHeaders[name]);
  const copied = header("x-ms-copy-source") !== "";
  const api = copied ? "CopyBlob" : comp === "blocklist" ? "PutBlockList" : "PutBlob";
  return {
    account,
    container,
    blob,
    api,
    eTag: text(exchange.responseHeader("etag")),
    requestId: text(exchange.responseHeader("x-ms-request-id")),
    clientRequestId: header("x-ms-client-request-id"),
    contentType:
      header("x-ms-blob-content-type") || (api === "PutBlob" && header("content-type")) || "application/octet-stream",
    ...(api === "PutBlob"
      ? { contentLengthBytes: Number(header("x-ms-blob-content-length") || header("content-length") || 0) }
      : {}),
  };
}

function text(header: OutgoingHttpHeader | undefined): string {
  return Array.isArray(header) ? header.join(",") : String(header ?? "");
}

/**
 * Storage events in the Event Grid schema, one per queue message.
 *
 *   {
 *     "topic": "/subscriptions/…/providers/Microsoft.Storage/storageAccounts/lake",
 *     "subject": "/blobServices/default/containers/lake/blobs/silver/events/_delta_log/00000000000000000007.json",
 *     "eventType": "Microsoft.Storage.BlobCreated",
 *     "eventTime": "2026-11-20T20:15:00.1230000Z",
 *     "id": "831e1650-001e-001b-66ab-eeb76e069631",
 *     "data": { "api": "PutBlob", "clientRequestId": "6d79dbfb-…", "requestId": "831e1650-…", "eTag": "0x8D4BCC2E4835CD0",
 *               "contentType": "application/json", "contentLength": 524288, "blobType": "BlockBlob",
 *               "url": "https://lake.blob.core.windows.net/lake/silver/…", "sequencer": "00000000000004420000000000028963",
 *               "storageDiagnostics": { "batchId": "b68529f3-…" } },
 *     "dataVersion": "", "metadataVersion": "1"
 *   }
 *
 * Source: learn.microsoft.com/azure/event-grid/event-schema-blob-storage.
 */
import type { BlobCreation } from "../azurite/index.ts";
import { blobSubject } from "./subscription.ts";

/** One event, as it is written into a queue message. */
export interface EventGridEvent {
  readonly topic: string;
  readonly subject: string;
  readonly eventType: "Microsoft.Storage.BlobCreated" | "Microsoft.Storage.BlobRenamed";
  readonly eventTime: string;
  readonly id: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly dataVersion: string;
  readonly metadataVersion: string;
}

/** What is particular to one announcement. */
export interface Announcement {
  readonly creation: BlobCreation;
  readonly contentLengthBytes: number;
  readonly atMs: number;
  /** Unique per event; a duplicate delivery carries the same. */
  readonly eventId: string;
  readonly batchId: string;
  /** Grows with every event of the account; compared as text for one blob. */
  readonly sequencer: string;
}

/** The event of a write through the Blob API. */
export function blobCreated(announcement: Announcement): EventGridEvent {
  const { creation } = announcement;
  return envelope(announcement, "Microsoft.Storage.BlobCreated", {
    api: creation.api,
    clientRequestId: creation.clientRequestId,
    requestId: creation.requestId,
    eTag: creation.eTag.replaceAll('"', ""),
    contentType: creation.contentType,
    contentLength: announcement.contentLengthBytes,
    blobType: "BlockBlob",
    url: url("blob", creation, creation.blob),
    sequencer: announcement.sequencer,
    storageDiagnostics: { batchId: announcement.batchId },
  });
}

/** The event of a file that was written elsewhere and renamed to its place: how Spark commits to a hierarchical account. */
export function blobRenamed(announcement: Announcement, clientRequestId: string): EventGridEvent {
  const { creation } = announcement;
  const at = creation.blob.lastIndexOf("/") + 1;
  const temporary = `${creation.blob.slice(0, at)}.${creation.blob.slice(at)}.${announcement.batchId}.tmp`;
  return envelope(announcement, "Microsoft.Storage.BlobRenamed", {
    api: "RenameFile",
    clientRequestId,
    requestId: creation.requestId,
    destinationUrl: url("dfs", creation, creation.blob),
    sourceUrl: url("dfs", creation, temporary),
    sequencer: announcement.sequencer,
    storageDiagnostics: { batchId: announcement.batchId },
  });
}

/** The event of an empty file that a writer of the DFS endpoint creates before it fills it. */
export function fileCreated(announcement: Announcement, clientRequestId: string): EventGridEvent {
  const { creation } = announcement;
  return envelope(announcement, "Microsoft.Storage.BlobCreated", {
    api: "CreateFile",
    clientRequestId,
    requestId: creation.requestId,
    eTag: creation.eTag.replaceAll('"', ""),
    contentType: creation.contentType,
    contentLength: 0,
    contentOffset: 0,
    blobType: "BlockBlob",
    url: url("dfs", creation, creation.blob),
    sequencer: announcement.sequencer,
    storageDiagnostics: { batchId: announcement.batchId },
  });
}

function envelope(
  { creation, eventId, atMs }: Announcement,
  eventType: EventGridEvent["eventType"],
  data: EventGridEvent["data"],
): EventGridEvent {
  return {
    topic: `/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local/providers/Microsoft.Storage/storageAccounts/${creation.account}`,
    subject: blobSubject(creation.container, creation.blob),
    eventType,
    eventTime: new Date(atMs).toISOString().replace("Z", "0000Z"),
    id: eventId,
    data,
    dataVersion: "",
    metadataVersion: "1",
  };
}

function url(endpoint: "blob" | "dfs", creation: BlobCreation, blob: string): string {
  const path = blob.split("/").map(encodeURIComponent).join("/");
  return `https://${creation.account}.${endpoint}.core.windows.net/${creation.container}/${path}`;
}

/** What a message of the queue `notices` means: a bell of dyne's own, or a blob that was created or renamed into place. */
import { z } from "zod";
import type { JobBell } from "../engine/index.ts";
import { flowBell, jobBell } from "./queue-doorbells.ts";

export type Notice =
  | { readonly kind: "ring"; readonly flow: string }
  /** A path in the lake account. */
  | { readonly kind: "blob"; readonly path: string }
  /** Something that concerns nobody here. */
  | { readonly kind: "other"; readonly reason: string };

const eventGridEvent = z.object({
  eventType: z.string(),
  /** Has the name as it is, not percent-encoded. For a rename it is the new one; `data.url` may be the old one and is never read. */
  subject: z.string(),
});

const creations = new Set(["Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobRenamed"]);

/** Understands a message, which may hold several events; never throws, because what cannot be understood must not poison the queue. */
export function readNotices(message: unknown): readonly Notice[] {
  const value = typeof message === "string" ? parse(message) : message;
  return Array.isArray(value) ? value.map(readNotice) : [readNotice(value)];
}

/** The job that a message of the queue `bulk` rings; undefined for anything else. Never throws. */
export function readJobBell(message: unknown): JobBell | undefined {
  const { data } = jobBell.safeParse(typeof message === "string" ? parse(message) : message);
  return data && { jobId: data.job, turn: data.turn };
}

function readNotice(value: unknown): Notice {
  const own = flowBell.safeParse(value);
  if (own.success) return { kind: "ring", flow: own.data.flow };
  const event = eventGridEvent.safeParse(value);
  if (!event.success) return { kind: "other", reason: "it is neither a bell nor an Event Grid event" };
  if (!creations.has(event.data.eventType)) return { kind: "other", reason: `its type is ${event.data.eventType}` };
  const match = /^\/blobServices\/default\/containers\/([^/]+)\/blobs\/(.+)$/s.exec(event.data.subject);
  if (match === null) return { kind: "other", reason: `its subject is ${event.data.subject}` };
  return { kind: "blob", path: `${match[1]}/${match[2]}` };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import type { DequeuedMessageItem } from "@azure/storage-queue";

import { dateTimeOffset, jsonData, type RpcMetadata, type RpcTypedData } from "./rpc-data.ts";

/**
 * The text of a queue message as the host decodes it, or nothing where the message is not what `messageEncoding` says:
 * such a message goes to the poison queue unseen by any function.
 */
export function decodeMessage(text: string, encoding: "base64" | "none"): Uint8Array | undefined {
  if (encoding === "none") return Buffer.from(text);
  const compact = text.trim();
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return undefined;
  return Buffer.from(compact, "base64");
}

/** The message's body: a string, which the worker parses if it is JSON, or bytes where the binding asks for them. */
export function queueData(body: Uint8Array, dataType: unknown): RpcTypedData {
  return dataType === "binary" ? { bytes: body } : { string: Buffer.from(body).toString() };
}

/** The binding data of a queue trigger. */
export function queueMetadata(message: DequeuedMessageItem, body: Uint8Array): RpcMetadata {
  return {
    QueueTrigger: { string: Buffer.from(body).toString() },
    DequeueCount: { int: message.dequeueCount },
    ExpirationTime: jsonData(dateTimeOffset(message.expiresOn)),
    Id: { string: message.messageId },
    InsertionTime: jsonData(dateTimeOffset(message.insertedOn)),
    NextVisibleTime: jsonData(dateTimeOffset(message.nextVisibleOn)),
    PopReceipt: { string: message.popReceipt },
  };
}

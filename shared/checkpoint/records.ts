import type { z } from "zod";
import { DyneError, limits, type Clock, type Random } from "../core/index.ts";
import { verifiedPutIfAbsent, type ObjectStore } from "../storage/index.ts";
import { checkpointFormat } from "./formats.ts";

/** What reading and writing records needs. */
export interface RecordContext {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A record as bytes: one line of JSON. Throws LIMIT_EXCEEDED where it is larger than a record may be. */
export function encodeRecord(value: unknown): Uint8Array {
  const bytes = encoder.encode(JSON.stringify(value) + "\n");
  if (bytes.length > limits.checkpointRecordBytes) {
    throw new DyneError("LIMIT_EXCEEDED", `A checkpoint record has ${bytes.length} bytes. Lower the batch's limits.`);
  }
  return bytes;
}

/** A record from bytes, validated. A newer format is FORMAT_TOO_NEW, anything else that does not fit CHECKPOINT_CORRUPT. */
export function decodeRecord<Schema extends z.ZodType>(
  schema: Schema,
  path: string,
  bytes: Uint8Array,
): z.infer<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw new DyneError("CHECKPOINT_CORRUPT", `${path} is not JSON. Restore it, or reset the flow.`, { cause });
  }
  const version = (value as { format?: unknown } | null)?.format;
  if (typeof version === "number" && version > checkpointFormat) {
    throw new DyneError(
      "FORMAT_TOO_NEW",
      `${path} has format ${version}; this build reads up to ${checkpointFormat}. Deploy the newer build.`,
    );
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    throw new DyneError(
      "CHECKPOINT_CORRUPT",
      `${path} does not have the form of its kind. Restore it, or reset the flow.`,
      {
        cause: parsed.error,
      },
    );
  }
  return parsed.data;
}

/** Reads and validates a record; undefined where there is none. */
export async function readRecord<Schema extends z.ZodType>(
  store: ObjectStore,
  schema: Schema,
  path: string,
): Promise<z.infer<Schema> | undefined> {
  const object = await store.get(path);
  return object === undefined ? undefined : decodeRecord(schema, path, object.bytes);
}

/**
 * Writes a record unless there is one, and returns the one that counts: the caller's own, or that of whoever came first.
 * A lost answer is resolved by reading back, so `mine` is the truth.
 */
export async function putRecordIfAbsent<Schema extends z.ZodType>(
  context: RecordContext,
  schema: Schema,
  path: string,
  record: z.infer<Schema>,
): Promise<{ readonly mine: boolean; readonly record: z.infer<Schema> }> {
  const bytes = encodeRecord(record);
  const result = await verifiedPutIfAbsent(context.store, path, bytes, context);
  if (result.kind === "created") return { mine: true, record };
  const existing = await readRecord(context.store, schema, path);
  if (existing === undefined) {
    throw new DyneError("STORAGE_UNAVAILABLE", `${path} was there and is gone. Run the batch again.`);
  }
  return { mine: false, record: existing };
}

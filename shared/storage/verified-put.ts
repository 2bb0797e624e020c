import { DyneError, isDyneError, type Clock, type Random, type RetryPolicy } from "../core/index.ts";
import type { ObjectStore } from "./object-store.ts";

/** Whose object is at the path now: the caller's (`created`), or another's, with its bytes (`exists`). */
export type VerifiedPutResult =
  | { readonly kind: "created"; readonly etag: string }
  | { readonly kind: "exists"; readonly etag: string; readonly bytes: Uint8Array; readonly lastModifiedMs: number };

export interface VerifiedPutContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal | undefined;
  readonly policy?: RetryPolicy | undefined;
}

const defaultPolicy: RetryPolicy = { maxAttempts: 8, firstDelayMs: 50, maxDelayMs: 2_000 };

/**
 * Creates an object and knows afterwards whose it is, even where answers are lost (SPEC.md 23).
 *
 * An `exists` may be the caller's own earlier put, because the SDK repeats silently and a put may land after its time-out; so the
 * object is read back, and equal bytes mean `created`. Bytes that must be told from another writer's carry a unique id. After an unknown
 * answer too it is read back, and where it is not there the same bytes are put to the same path again, until the object is the caller's or
 * another's.
 *
 * Throws STORAGE_UNAVAILABLE where that is still unknown after the last attempt: the object may appear later. Repeating the call with the
 * same bytes is safe; going on to another path without knowing is not.
 */
export async function verifiedPutIfAbsent(
  store: ObjectStore,
  path: string,
  bytes: Uint8Array,
  { clock, random, signal, policy = defaultPolicy }: VerifiedPutContext,
): Promise<VerifiedPutResult> {
  for (let attempt = 1; ; attempt++) {
    try {
      const before = attempt === 1 ? undefined : await readBack(store, path, bytes, signal);
      if (before !== undefined) return before;
      const put = await store.putIfAbsent(path, bytes, { signal });
      if (put.kind === "created") return { kind: "created", etag: put.etag };
      const after = await readBack(store, path, bytes, signal);
      if (after !== undefined) return after;
      if (attempt >= policy.maxAttempts) throw goneAgain(path);
    } catch (error) {
      const again = isDyneError(error, "STORAGE_UNAVAILABLE") && attempt < policy.maxAttempts && !signal?.aborted;
      if (!again) throw error;
    }
    const ceilingMs = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (attempt - 1));
    await clock.sleep(ceilingMs * random.next(), signal);
  }
}

/** Whose the object is; undefined where there is none (yet). */
async function readBack(
  store: ObjectStore,
  path: string,
  mine: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<VerifiedPutResult | undefined> {
  const stored = await store.get(path, { signal });
  if (stored === undefined) return undefined;
  const same = stored.sizeBytes === mine.byteLength && Buffer.compare(stored.bytes, mine) === 0;
  const { etag, bytes, lastModifiedMs } = stored;
  return same ? { kind: "created", etag } : { kind: "exists", etag, bytes, lastModifiedMs };
}

function goneAgain(path: string): DyneError {
  return new DyneError(
    "STORAGE_UNAVAILABLE",
    `${path} exists and cannot be read: it is being deleted, or is a folder. Try again later.`,
  );
}

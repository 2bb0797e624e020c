import type { Clock } from "./clock.ts";
import { isDyneError } from "./errors.ts";
import type { Random } from "./random.ts";

/** How often and how patiently something is repeated. */
export interface RetryPolicy {
  readonly maxAttempts: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

/**
 * Runs `work` until it succeeds, up to `maxAttempts` times, waiting with full jitter in between.
 * Only errors of kind `unavailable` are repeated; the last one is thrown as it is.
 */
export async function retry<T>(
  policy: RetryPolicy,
  { clock, random, signal }: { clock: Clock; random: Random; signal?: AbortSignal | undefined },
  work: (attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      const again =
        isDyneError(error) && error.kind === "unavailable" && attempt < policy.maxAttempts && !signal?.aborted;
      if (!again) throw error;
      const ceilingMs = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (attempt - 1));
      await clock.sleep(ceilingMs * random.next(), signal);
    }
  }
}

/** Waits on a condition with a limit: tests never sleep for a time that was hoped to be enough. */
import { setTimeout as sleep } from "node:timers/promises";

const limitMs = 40_000;
const betweenMs = 100;

/**
 * Looks until `isThere` holds of what is seen, and returns it. Throws what was seen last where that takes too long, or
 * `ended` resolves first.
 */
export async function eventually<Seen>(
  look: () => Promise<Seen>,
  isThere: (seen: Seen) => boolean,
  ended?: Promise<string>,
): Promise<Seen> {
  const startedMs = performance.now();
  let why: string | undefined;
  void ended?.then((name) => (why = name));
  for (;;) {
    const seen = await look();
    if (isThere(seen)) return seen;
    if (why !== undefined) throw new Error(`${why} ended by itself`);
    if (performance.now() - startedMs > limitMs) {
      throw new Error(`not seen within ${limitMs} ms; last seen: ${JSON.stringify(seen)?.slice(0, 2_000)}`);
    }
    await sleep(betweenMs);
  }
}

import { limits, type Clock, type Logger } from "../core/index.ts";
import type { Lease, ObjectStore } from "../storage/index.ts";

/**
 * A lease that renews itself while it is held. `signal` aborts when it is lost, or has run out because renewing fails, so that the
 * holder stops before its next write; correctness never depends on that.
 */
export class LeaseKeeper {
  readonly #lease: Lease;
  readonly #lost = new AbortController();
  readonly #released = new AbortController();
  readonly #renewing: Promise<void>;

  private constructor(lease: Lease, clock: Clock, logger: Logger, path: string) {
    this.#lease = lease;
    this.#renewing = this.#renew(clock, logger, path);
  }

  /** Takes the lease at `path`; undefined while another holds it. */
  static async acquire(
    store: ObjectStore,
    path: string,
    { clock, logger }: { clock: Clock; logger: Logger },
  ): Promise<LeaseKeeper | undefined> {
    const lease = await store.acquireLease(path, limits.leaseSeconds);
    return lease === undefined ? undefined : new LeaseKeeper(lease, clock, logger, path);
  }

  /** Aborts when the lease is no longer ours. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Gives the lease back. Safe to repeat. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#released.signal.aborted) return;
    this.#released.abort();
    await this.#renewing;
    if (!this.#lost.signal.aborted) await this.#lease.release();
  }

  async #renew(clock: Clock, logger: Logger, path: string): Promise<void> {
    const stop = this.#released.signal;
    let heldUntilMs = clock.nowMs() + limits.leaseSeconds * 1_000;
    while (!stop.aborted) {
      await clock.sleep(limits.leaseRenewMs, stop);
      if (stop.aborted) return;
      const askedMs = clock.nowMs();
      try {
        if (await this.#lease.renew()) {
          heldUntilMs = askedMs + limits.leaseSeconds * 1_000;
          continue;
        }
      } catch (error) {
        logger.warn("lease could not be renewed", { path, error: String(error) });
        if (clock.nowMs() < heldUntilMs) continue;
      }
      logger.warn("lease lost", { path });
      this.#lost.abort();
      return;
    }
  }
}

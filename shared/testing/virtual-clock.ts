import { limits, type Clock } from "../core/index.ts";

/**
 * The time of a test, which moves when it is told to. Short waits, between two tries of something, pass at once and move it on; one as
 * long as a lease's renewal lasts until the time is moved.
 */
export class VirtualClock implements Clock {
  #nowMs: number;
  #sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    if (ms < limits.leaseRenewMs) {
      this.#nowMs += Math.ceil(ms);
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const sleeper = { atMs: this.#nowMs + ms, wake: resolve };
    this.#sleepers.push(sleeper);
    const abort = () => {
      this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
      resolve();
    };
    signal?.addEventListener("abort", abort, { once: true });
    await promise;
    signal?.removeEventListener("abort", abort);
  }

  /** Moves the time on, and wakes whoever is due by then. */
  advance(ms: number): void {
    this.#nowMs += ms;
    const due = this.#sleepers.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#sleepers = this.#sleepers.filter(({ atMs }) => atMs > this.#nowMs);
    for (const { wake } of due) wake();
  }
}

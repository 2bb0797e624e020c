import type { Random } from "../../shared/core/index.ts";

/**
 * The waiting times of the real host's queue polling: at once while messages come, then from 100 ms on, doubling with
 * jitter, up to the polling interval of host.json.
 * Source: github.com/Azure/azure-webjobs-sdk, RandomizedExponentialBackoffStrategy.
 */
export class PollingBackoff {
  readonly #maxMs: number;
  readonly #random: Random;
  #exponent = 0;
  #lastMs = 0;

  constructor(maxMs: number, random: Random) {
    this.#maxMs = Math.max(maxMs, minimumMs);
    this.#random = random;
  }

  /** Forgets the silence so far. */
  reset(): void {
    this.#exponent = 0;
    this.#lastMs = 0;
  }

  /** How long to wait after a poll that found nothing. */
  nextMs(): number {
    const jitter = 0.8 + 0.4 * this.#random.next();
    const increment = this.#exponent === 0 ? 0 : minimumMs * jitter * 2 ** (this.#exponent - 1);
    this.#exponent++;
    this.#lastMs = Math.min(Math.max(this.#lastMs, minimumMs + increment), this.#maxMs);
    return this.#lastMs;
  }
}

const minimumMs = 100;

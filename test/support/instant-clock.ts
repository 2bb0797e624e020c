import type { Clock } from "../../shared/core/index.ts";

/** A clock for code that waits between tries: a sleep moves the time on and returns at once, so that no test waits for luck. */
export class InstantClock implements Clock {
  #nowMs: number;

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  async sleep(ms: number): Promise<void> {
    this.#nowMs += ms;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }
}

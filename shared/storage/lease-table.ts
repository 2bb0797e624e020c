import type { Clock, Random } from "../core/index.ts";
import type { Lease } from "./object-store.ts";

/** Leases of one process, by path, with the semantics of Azure's: an expired lease may be renewed until somebody else takes it. */
export class LeaseTable {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #held = new Map<string, { leaseId: string; untilMs: number }>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Undefined while another lease on the path has not run out. */
  acquire(path: string, seconds: number): Lease | undefined {
    const current = this.#held.get(path);
    if (current !== undefined && current.untilMs > this.#clock.nowMs()) return undefined;
    const leaseId = this.#random.uuid();
    this.#held.set(path, { leaseId, untilMs: this.#clock.nowMs() + seconds * 1_000 });
    return {
      renew: async () => {
        if (this.#held.get(path)?.leaseId !== leaseId) return false;
        this.#held.set(path, { leaseId, untilMs: this.#clock.nowMs() + seconds * 1_000 });
        return true;
      },
      release: async () => {
        if (this.#held.get(path)?.leaseId === leaseId) this.#held.delete(path);
      },
    };
  }
}

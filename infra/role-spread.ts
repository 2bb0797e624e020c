/**
 * A new role is refused for a while wherever it has not arrived yet. So whatever acts by a role waits, before it is made, until the roles made
 * in this run are old enough. Where a run makes none, nothing waits.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ResourceHook } from "@pulumi/pulumi";

/** Time, as the wait needs it. */
export interface Watch {
  now(): number;
  sleep(ms: number): Promise<unknown>;
}

/** How long a role takes to arrive, in nearly all cases. */
export const spreadMs = 120_000;

export class RoleSpread {
  readonly #watch: Watch;
  #lastRoleAtMs: number | undefined;
  /** For `afterCreate` of role assignments. */
  readonly begins: ResourceHook;
  /** For `beforeCreate` of what acts by them, beside `dependsOn`. */
  readonly isAwaited: ResourceHook;

  /** Registers both hooks with Pulumi, under names of which a program has one each. */
  constructor(watch: Watch = { now: Date.now, sleep }) {
    this.#watch = watch;
    this.begins = new ResourceHook("role-spread-begins", () => this.begin());
    this.isAwaited = new ResourceHook("role-spread-is-awaited", () => this.wait());
  }

  /** Notes that a role was made just now. */
  begin(): void {
    this.#lastRoleAtMs = this.#watch.now();
  }

  /** Resolves when the last role made is old enough. */
  async wait(): Promise<void> {
    if (this.#lastRoleAtMs === undefined) return;
    const leftMs = this.#lastRoleAtMs + spreadMs - this.#watch.now();
    if (leftMs > 0) await this.#watch.sleep(leftMs);
  }
}

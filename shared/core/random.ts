import { randomUUID } from "node:crypto";

/** Randomness is injected: only `runtime` uses the system's, so that a simulation replays from its seed. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A random UUID, for file names and attempt ids. */
  uuid(): string;
}

/** The machine's own randomness. */
export const systemRandom: Random = { next: () => Math.random(), uuid: () => randomUUID() };

/** A reproducible sequence (mulberry32) for tests, simulations and the demo's data. Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => Math.floor(next() * 16).toString(16)).join("");
  return { next, uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}` };
}

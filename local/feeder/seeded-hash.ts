/** Randomness that depends on a seed and a place alone: the same place of the same stream always draws the same. */

/** A well-mixed 32-bit number from two (murmur3's finaliser, twice). */
export function hash(seed: number, value: number): number {
  return mix(mix(seed ^ 0x9e3779b9) ^ value) >>> 0;
}

/** One of some kinds, each as often as its rate says, or none: rates are shares of all places and sum up to 1 at most. */
export function drawKind<Kind extends string>(
  rates: Readonly<Record<Kind, number>>,
  seed: number,
  place: number,
): Kind | undefined {
  let draw = hash(seed, place) / 2 ** 32;
  for (const kind of Object.keys(rates) as Kind[]) {
    draw -= rates[kind];
    if (draw < 0) return kind;
  }
  return undefined;
}

function mix(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Murmur3 of 32 bits as Spark has it: single bytes at the end are words with a sign. */
import type { Hashed, Step } from "./hashed-words.ts";
import { bits32, folded, once, over, places, word, wordsAt } from "./hashed-words.ts";

// Of 32 bits a product fits into 64.
const product = (value: string, factor: number, term = 0): string =>
  `((${value} * ${word(factor)} + ${word(term)}) & ${word(bits32)})`;
const rotated = (value: string, by: number): string =>
  `((${value} * ${word(2n ** 32n + 1n)} >> ${32 - by}) & ${word(bits32)})`;

const mixed = (value: string): string => product(rotated(product(value, 0xcc9e2d51), 15), 0x1b873593);
const taken = (hash: string, value: string): string => product(rotated(`xor(${hash}, ${value})`, 13), 5, 0xe6546b64);

const ended = (hash: string, length: string): string =>
  once(`xor(${hash}, ${length})`, `"__dyne_m"`, (value) =>
    folded(product(folded(product(folded(value, 16), 0x85ebca6b), 13), 0xc2b2ae35), 16),
  );

const half = (value: string, upper: boolean): string => (upper ? `(${value} >> 32)` : `(${value} & ${word(bits32)})`);

function ofBlob(blob: string, before: string): string {
  return once(blob, `"__dyne_b"`, (bytes) => {
    const length = `octet_length(${bytes})`;
    const whole = `${length} // 4 * 4`;
    const signed = (byte: string): string => `((xor(${byte}, ${word(0x80)}) + ${word(0xffff_ff80)}) & ${word(bits32)})`;
    const words = wordsAt(bytes, places("0", whole, 4), 4, mixed);
    const rest = wordsAt(bytes, places(whole, length, 1), 1, (byte) => mixed(signed(byte)));
    return ended(over(`list_concat(${words}, ${rest})`, before, taken), `CAST(${length} AS UBIGINT)`);
  });
}

/** The hash of a value that is not NULL. */
export function murmur3({ bytes, value }: Hashed): Step {
  if (bytes === "any") return (before) => ofBlob(value, before);
  if (bytes === 4) return (before) => ended(taken(before, mixed(value)), word(4));
  return (before) =>
    once(value, `"__dyne_k"`, (both) =>
      ended(taken(taken(before, mixed(half(both, false))), mixed(half(both, true))), word(8)),
    );
}

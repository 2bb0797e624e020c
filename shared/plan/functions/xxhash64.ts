/** XXH64, as Spark has it too. */
import type { Hashed, Step } from "./hashed-words.ts";
import { bits64, folded, once, over, places, product, rotated, sum, word, wordsAt } from "./hashed-words.ts";

const primes = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;
const [prime1, prime2, prime3, prime4, prime5] = primes;
const stripe = 32;

const mixed = (value: string): string => product(rotated(product(value, prime2), 31), prime1);
const taken8 = (hash: string, value: string): string => product(rotated(`xor(${hash}, ${value})`, 27), prime1, prime4);
const taken4 = (hash: string, value: string): string => product(rotated(`xor(${hash}, ${value})`, 23), prime2, prime3);
const taken1 = (hash: string, value: string): string => product(rotated(`xor(${hash}, ${value})`, 11), prime1);

const merged = (hash: string, lane: string): string => product(`xor(${hash}, ${lane})`, prime1, prime4);

const ended = (hash: string): string =>
  once(hash, `"__dyne_m"`, (value) => folded(product(folded(product(folded(value, 33), prime2), 29), prime3), 32));

/** Four lanes, each with every fourth word of 8 bytes. */
function ofStripes(bytes: string, end: string, seed: string): string {
  const starts = [(prime1 + prime2) & bits64, prime2, 0n, 2n ** 64n - prime1];
  const lanes = starts.map((start, lane) => {
    const words = wordsAt(bytes, places(`${8 * lane}`, end, stripe), 8, (value) => product(value, prime2));
    return over(words, sum(seed, word(start)), (hash, value) => product(rotated(sum(hash, value), 31), prime1));
  });
  return once(`[${lanes.join(", ")}]`, `"__dyne_s"`, (states) => {
    const rotations = [1, 7, 12, 18].map((by, lane) => rotated(`${states}[${lane + 1}]`, by));
    return over(`list_transform(${states}, lambda "__dyne_w": ${mixed(`"__dyne_w"`)})`, rotations.reduce(sum), merged);
  });
}

function ofBlob(blob: string, seed: string): string {
  return once(blob, `"__dyne_b"`, (bytes) => {
    const length = `octet_length(${bytes})`;
    const [stripes, words, halves] = [stripe, 8, 4].map((size) => `${length} // ${size} * ${size}`) as [
      string,
      string,
      string,
    ];
    const begun = `CASE WHEN ${length} < ${stripe} THEN ${sum(seed, word(prime5))} ELSE ${ofStripes(bytes, stripes, seed)} END`;
    const of8 = over(
      wordsAt(bytes, places(stripes, words, 8), 8, mixed),
      sum(begun, `CAST(${length} AS UBIGINT)`),
      taken8,
    );
    const of4 = over(
      wordsAt(bytes, places(words, halves, 4), 4, (value) => product(value, prime1)),
      of8,
      taken4,
    );
    return ended(
      over(
        wordsAt(bytes, places(halves, length, 1), 1, (value) => product(value, prime5)),
        of4,
        taken1,
      ),
    );
  });
}

/** The hash of a value that is not NULL. */
export function xxhash64({ bytes, value }: Hashed): Step {
  if (bytes === "any") return (seed) => ofBlob(value, seed);
  const begun = (seed: string): string => sum(seed, word((prime5 + BigInt(bytes)) & bits64));
  return bytes === 4
    ? (seed) => ended(taken4(begun(seed), product(value, prime1)))
    : (seed) => ended(taken8(begun(seed), mixed(value)));
}

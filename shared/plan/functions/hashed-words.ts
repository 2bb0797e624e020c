/**
 * What hashes are made of: words of 32 and 64 bits without a sign, as UBIGINT. DuckDB's arithmetic stops where it would lose bits, so that
 * products are computed in twice the width and cut off. Each value is used once where it can be, as what repeats one doubles the text.
 */
import type { DataType, DecimalType } from "../types.ts";
import { unscaled } from "./decimals.ts";

/** A hash as SQL, of the one before it. */
export type Step = (before: string) => string;

export const word = (value: bigint | number): string => `CAST(${value} AS UBIGINT)`;
const wide = (value: bigint): string => `CAST('${value}' AS UHUGEINT)`;
export const [bits32, bits64] = [2n ** 32n - 1n, 2n ** 64n - 1n];

/** A value that is computed once and used by name. */
export function once(value: string, name: string, body: Step): string {
  return `list_transform([${value}], lambda ${name}: ${body(name)})[1]`;
}

/** Exclusive or with itself, moved down. */
export const folded = (value: string, by: number): string => `xor(${value}, ${value} >> ${by})`;

/** (value * factor + term) mod 2^64. */
export const product = (value: string, factor: bigint, term = 0n): string =>
  `CAST((CAST(${value} AS UHUGEINT) * ${wide(factor)} + ${wide(term)}) & ${wide(bits64)} AS UBIGINT)`;
export const sum = (a: string, b: string): string =>
  `CAST((CAST(${a} AS UHUGEINT) + CAST(${b} AS UHUGEINT)) & ${wide(bits64)} AS UBIGINT)`;
/** 64 bits moved up, what leaves them coming in below: a word beside itself holds both parts. */
export const rotated = (value: string, by: number): string =>
  `CAST((CAST(${value} AS UHUGEINT) * ${wide(2n ** 64n + 1n)} >> ${64 - by}) & ${wide(bits64)} AS UBIGINT)`;

/** A value as Spark hashes it: a word of so many bytes, or bytes; undefined for types that have no hash here. */
export type Hashed =
  | { readonly bytes: 4 | 8; readonly value: string }
  | { readonly bytes: "any"; readonly value: string };

const longDigits = 18;
const low32 = (value: string): string => `CAST(CAST(${value} AS BIGINT) & ${bits32} AS UBIGINT)`;
const low64 = (value: string): string => `CAST(CAST(${value} AS HUGEINT) & ${bits64} AS UBIGINT)`;

/** The bits of a floating-point number, in which there is one zero and one NaN. */
function bitsOf(value: string, type: string, nan: bigint): string {
  return `CASE WHEN ${value} = 0 THEN ${word(0)} WHEN isnan(${value}) THEN ${word(nan)} ELSE CAST(CAST(CAST(${value} AS BIT) AS ${type}) AS UBIGINT) END`;
}

/** The fewest bytes that hold a number of 128 bits with its sign, the highest first. */
function shortestBytes(number: string): string {
  const all = wide(2n ** 128n - 1n);
  const size = `CASE WHEN "__dyne_h" < 0 THEN -("__dyne_h" + 1) ELSE "__dyne_h" END`;
  const more = Array.from({ length: 15 }, (_, index) => `CAST('${2n ** BigInt(8 * index + 7)}' AS HUGEINT)`);
  const count = `(1 + len(list_filter([${more.join(", ")}], lambda "__dyne_p": ${size} >= "__dyne_p")))`;
  const digits = `lpad(hex(CASE WHEN "__dyne_h" < 0 THEN ${all} - CAST(${size} AS UHUGEINT) ELSE CAST("__dyne_h" AS UHUGEINT) END), 32, '0')`;
  return once(number, `"__dyne_h"`, () => `unhex(right(${digits}, 2 * ${count}))`);
}

/** The value of a column of the type, which is not NULL. */
export function hashed(value: string, type: DataType): Hashed | undefined {
  switch (type.kind) {
    case "boolean":
    case "byte":
    case "short":
    case "integer":
      return { bytes: 4, value: low32(value) };
    case "date":
      return { bytes: 4, value: low32(`(${value} - DATE '1970-01-01')`) };
    case "float":
      return { bytes: 4, value: bitsOf(value, "UINTEGER", 0x7fc0_0000n) };
    case "long":
      return { bytes: 8, value: low64(value) };
    case "timestamp":
    case "timestamp_ntz":
      return { bytes: 8, value: low64(`epoch_us(${value})`) };
    case "double":
      return { bytes: 8, value: bitsOf(value, "UBIGINT", 0x7ff8_0000_0000_0000n) };
    case "decimal":
      return ofDecimal(value, type);
    case "string":
      return { bytes: "any", value: `encode(${value})` };
    case "binary":
      return { bytes: "any", value };
    default:
      return undefined;
  }
}

const ofDecimal = (value: string, { precision }: DecimalType): Hashed =>
  precision <= longDigits
    ? { bytes: 8, value: low64(unscaled(value)) }
    : { bytes: "any", value: shortestBytes(unscaled(value)) };

/** The places of bytes in a blob, each the first of so many: from one place on, up to another. */
export const places = (from: string, to: string, size: number): string => `range(${from}, ${to}, ${size})`;

/** Words of a blob at their places, the lowest byte first. */
export function wordsAt(blob: string, at: string, size: 1 | 4 | 8, of: Step): string {
  const bytes = `CAST(CAST(array_slice(${blob}, "__dyne_p" + 1, "__dyne_p" + ${size}) AS BIT) AS ${size === 8 ? "UBIGINT" : "UINTEGER"})`;
  const read = `list_transform(${at}, lambda "__dyne_p": CAST(${bytes} AS UBIGINT))`;
  const turned = Array.from({ length: size }, (_, index) => {
    const byte = `("__dyne_w" >> ${8 * index}) & 255`;
    return `((${byte}) << ${8 * (size - 1 - index)})`;
  });
  return `list_transform(${read}, lambda "__dyne_w": ${of(size === 1 ? `"__dyne_w"` : `(${turned.join(" | ")})`)})`;
}

/** A hash taken on over words. */
export function over(words: string, before: string, next: (hash: string, word: string) => string): string {
  return `list_reduce(${words}, lambda "__dyne_v", "__dyne_w": ${next(`"__dyne_v"`, `"__dyne_w"`)}, ${before})`;
}

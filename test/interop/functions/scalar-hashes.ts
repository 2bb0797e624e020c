/** Hashes of values of every type that has one, and of several values one after the other. */
import {
  binary,
  boolean,
  byte,
  date,
  decimal,
  double,
  float,
  hash,
  integer,
  long,
  short,
  string,
  timestamp,
  timestampNtz,
  xxhash64,
} from "../../../shared/plan/index.ts";
import type { AnyColumn, DataType } from "../../../shared/plan/index.ts";
import { also, probe } from "./probe.ts";

const types: readonly DataType[] = [
  boolean(),
  byte(),
  short(),
  integer(),
  long(),
  float(),
  double(),
  date(),
  timestamp(),
  timestampNtz(),
  decimal(5, 2),
  decimal(18, 18),
  decimal(38, 0),
];

/** Around the bounds of the bytes that hold a number. */
const bounds = [7, 15, 63, 64, 71, 119, 120].flatMap((power) => [2n ** BigInt(power) - 1n, 2n ** BigInt(power)]);
const wide = [...bounds, ...bounds.map((value) => -value), ...bounds.map((value) => -value - 1n)];
/** One of each length around what is read at once. */
const lengths = [1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 31, 32, 33, 36, 40, 47, 63, 64, 65, 71, 96, 127, 1_000];
const letters = (length: number): string =>
  Array.from({ length }, (_, index) => String.fromCodePoint(33 + ((index * 7) % 90))).join("");
const bytes = (length: number): string =>
  Buffer.from(Array.from({ length }, (_, index) => (index * 151 + 128) % 256)).toString("base64");

const both = (...values: readonly [AnyColumn, ...AnyColumn[]]): Readonly<Record<string, AnyColumn>> => ({
  hash: hash(...values),
  xxhash64: xxhash64(...values),
});

/** Hashes. */
export const hashProbes = [
  ...types.map((type) => probe(`hashes of ${type.kind}`, { a: type }, ({ a }) => both(a as AnyColumn))),
  probe("hashes of decimals of more than 64 bits", { a: also(decimal(38, 0), ...wide.map(String)) }, ({ a }) =>
    both(a),
  ),
  probe("hashes of decimals that just fit", { a: decimal(18, 3), b: decimal(19, 3) }, ({ a, b }) => ({
    ...both(a, b),
    shorter: xxhash64(a),
    longer: hash(b),
  })),
  probe("hashes of texts", { a: also(string(), ...lengths.map(letters), "é".repeat(29)) }, ({ a }) => both(a)),
  probe("hashes of bytes", { a: also(binary(), ...lengths.map(bytes)) }, ({ a }) => both(a)),
  probe(
    "hashes of several values",
    { a: integer(), b: string(), c: double(), d: binary(), e: timestamp() },
    ({ a, b, c, d, e }) => ({ ...both(a, b, c, d, e), twice: xxhash64(hash(a, b), b, xxhash64(c)) }),
  ),
];

/** Hashes of rows. The hash of each value begins with that of the values before it; a NULL leaves it as it is. */
import { typeName } from "../type-name.ts";
import type { DataType } from "../types.ts";
import { calling, integerType, longType, scalarEntry } from "./define.ts";
import type { ScalarFunction, Spelling, TypeRule } from "./function-definition.ts";
import { hashed, once, word } from "./hashed-words.ts";
import type { Hashed, Step } from "./hashed-words.ts";
import { murmur3 } from "./murmur3.ts";
import { anything } from "./type-rules.ts";
import { xxhash64 } from "./xxhash64.ts";

const seed = 42;
const argumentsMax = 1_000;
/** Values whose steps lie in one another: DuckDB takes a time for them that grows with the square of their number. */
const valuesNested = 8;

const hashType =
  (result: DataType): TypeRule =>
  (args) => {
    const nested = args.find((type) => hashed("", type) === undefined);
    return nested === undefined
      ? anything(1, argumentsMax, () => result)(args)
      : { mismatch: `cannot hash ${typeName(nested)}: hash what it is made of` };
  };

function spelled(step: (value: Hashed) => Step, finish: Step): Spelling {
  return (values, { args, bind }) =>
    finish(
      values.reduce((before, value, index) => {
        const next = step(hashed(value, args[index]!)!);
        const name = `"__dyne_a${index}"`;
        const hash = once(before, name, () => `CASE WHEN ${value} IS NULL THEN ${name} ELSE ${next(name)} END`);
        return (index + 1) % valuesNested === 0 ? bind(hash) : hash;
      }, word(seed)),
    );
}

/** A word without a sign as one with it: the highest bit counts below zero. */
const signed = (bits: number, type: string, within: string): Step => {
  const high = 2n ** BigInt(bits - 1);
  return (value) => `CAST(CAST(xor(${value}, ${word(high)}) AS ${within}) - ${high} AS ${type})`;
};

/** Hashes. */
export const hashFunctions = [
  scalarEntry({
    name: "hash",
    usage: "hash(...values): int",
    does: "The hash Murmur3 of values one after the other, which NULLs leave as it is; from 42 on. Not of arrays, maps, structs and variants.",
    type: hashType(integerType),
    duckdb: spelled(murmur3, signed(32, "INTEGER", "BIGINT")),
    spark: calling("hash"),
  }),
  scalarEntry({
    name: "xxhash64",
    usage: "xxhash64(...values): bigint",
    does: "The hash XXH64 of values one after the other, which NULLs leave as it is; from 42 on. Not of arrays, maps, structs and variants.",
    type: hashType(longType),
    duckdb: spelled(xxhash64, signed(64, "BIGINT", "HUGEINT")),
    spark: calling("xxhash64"),
  }),
] as const satisfies readonly ScalarFunction[];

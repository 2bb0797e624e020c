/** Types as Spark's SQL names them in casts. */
import { decimal } from "../data-type.ts";
import type { DataType } from "../types.ts";

const named: Readonly<Record<string, DataType>> = {
  boolean: { kind: "boolean" },
  tinyint: { kind: "byte" },
  byte: { kind: "byte" },
  smallint: { kind: "short" },
  short: { kind: "short" },
  int: { kind: "integer" },
  integer: { kind: "integer" },
  bigint: { kind: "long" },
  long: { kind: "long" },
  float: { kind: "float" },
  real: { kind: "float" },
  double: { kind: "double" },
  string: { kind: "string" },
  binary: { kind: "binary" },
  date: { kind: "date" },
  timestamp: { kind: "timestamp" },
  timestamp_ltz: { kind: "timestamp" },
  timestamp_ntz: { kind: "timestamp_ntz" },
};

const decimals: ReadonlySet<string> = new Set(["decimal", "dec", "numeric"]);

/** The type of a name, with the numbers that stand in parentheses after it; undefined where expressions have no such type. */
export function typeNamed(name: string, numbers: readonly number[]): DataType | undefined {
  const lower = name.toLowerCase();
  if (decimals.has(lower) && numbers.length <= 2) return decimal(numbers[0] ?? 10, numbers[1] ?? 0);
  return numbers.length === 0 && Object.hasOwn(named, lower) ? named[lower] : undefined;
}

import type { DataType } from "../plan/index.ts";

const boundedKinds: ReadonlySet<DataType["kind"]> = new Set([
  "byte",
  "short",
  "integer",
  "long",
  "float",
  "double",
  "decimal",
  "string",
  "date",
  "timestamp",
  "timestamp_ntz",
]);

/** Whether statistics have a least and a greatest value for columns of a type (PROTOCOL.md § Per-file Statistics). */
export function hasBounds({ kind }: DataType): boolean {
  return boundedKinds.has(kind);
}

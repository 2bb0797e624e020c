import type { DataType, Expression, Literal } from "../../plan/index.ts";

export const column = (name: string): Expression => ({ kind: "column", name });
export const literal = (value: Literal["value"], type: DataType): Expression => ({ kind: "literal", value, type });
export const call = (name: string, ...args: readonly Expression[]): Expression => ({ kind: "call", name, args });

/** A name that none of these has, in whatever case. */
export function freeName(wanted: string, taken: Iterable<string>): string {
  const names = new Set([...taken].map((name) => name.toLowerCase()));
  let name = wanted;
  while (names.has(name)) name = `_${name}`;
  return name;
}

/** A query that grows step by step, and what its columns are good for. */
import type { AnyColumn, ColumnTypes, DataFrame } from "../../shared/pipeline/index.ts";
import { analyze } from "../../shared/plan/index.ts";
import { isNested, pick, type Term } from "./terms.ts";

/** A query with its code, and the operators that it is made of. */
export interface Query {
  readonly frame: DataFrame<ColumnTypes>;
  readonly code: string;
  readonly operators: readonly string[];
  /** Joins and unions in it, with those below: what its size may grow with. */
  readonly growth: number;
}

export function extended(query: Query, frame: DataFrame<ColumnTypes>, code: string, ...operators: string[]): Query {
  return { ...query, frame, code: `${query.code}\n    ${code}`, operators: [...query.operators, ...operators] };
}

export const namesOf = ({ frame }: Query): string[] => Object.keys(frame.schema.fields);
export const columnOf = ({ frame }: Query, name: string): AnyColumn => frame.columns[name] as AnyColumn;
export const termOf = (query: Query, name: string): Term => ({ column: columnOf(query, name), code: name });
export const isExact = (frame: DataFrame<ColumnTypes>, name: string): boolean =>
  !analyze(frame.plan).inexact.includes(name);
export const hasInexact = ({ frame }: Query): boolean => analyze(frame.plan).inexact.length > 0;
export const quoted = (name: string): string => JSON.stringify(name);

/** Columns whose values are the same however the rows are added up. */
export function exactNames(query: Query): string[] {
  const inexact = new Set(analyze(query.frame.plan).inexact);
  return namesOf(query).filter((name) => !inexact.has(name));
}

/** Those that may be keys, too. */
export function orderedNames(query: Query): string[] {
  return exactNames(query).filter((name) => !isNested(columnOf(query, name).type));
}

/** Names at these places, each once. */
export function namesAt(names: readonly string[], places: readonly number[]): string[] {
  return [...new Set(places.map((place) => pick(names, place)).filter((name) => name !== undefined))];
}

export const freshName = (query: Query, prefix: string): string => unusedName(new Set(namesOf(query)), prefix);

export function unusedName(used: Set<string>, wanted: string): string {
  let name = wanted;
  for (let next = 2; used.has(name); next++) name = `${wanted}${next}`;
  used.add(name);
  return name;
}

/** Which files may hold a touched key, by the values of partition columns. A file is left out only where a value rules it out (SPEC.md 10). */
import { instantText } from "../../core/index.ts";
import type { Row } from "../../compute/index.ts";
import type { AddFile, Snapshot } from "../../delta/index.ts";
import type { DataType, LogicalPlan } from "../../plan/index.ts";
import { column } from "./expressions.ts";
import { keyColumn } from "./operators/accumulator.ts";
import type { KeyedView, RowView } from "./view-plan.ts";

/** Touched partitions that are looked up by value; beyond them every file is read. */
export const touchedPartitionsMax = 10_000;

/** Values in Delta's text form by the index of a key; a key without an entry may have any value. */
export type TouchedValues = ReadonlyMap<number, ReadonlySet<string | null>>;

/** The touched values of a partition column; undefined where they are not known. */
type TouchedIn = (column: string) => ReadonlySet<string | null> | undefined;

/** Types whose partition values have one text form only. */
export function isTold(type: DataType): boolean {
  return ["date", "string", "long", "integer"].includes(type.kind);
}

/** The keys by which files can be told apart, in the view or in its input. */
export function toldKeys(view: KeyedView, sinkBy: readonly string[], inputBy: readonly string[]): readonly number[] {
  return view.keys.flatMap(({ type, output, source }, index) =>
    isTold(type) && (sinkBy.includes(output) || (source !== undefined && inputBy.includes(source))) ? [index] : [],
  );
}

/** Files of the view, of its input, and of a hidden table that may hold a touched key. */
export const ofSink = (view: KeyedView, values: TouchedValues): TouchedIn => byKey(view, values, (key) => key.output);
export const ofInput = (view: KeyedView, values: TouchedValues): TouchedIn => byKey(view, values, (key) => key.source);
export const ofHidden = (view: KeyedView, values: TouchedValues): TouchedIn =>
  byKey(view, values, (_, index) => keyColumn(index));

function byKey(
  view: KeyedView,
  values: TouchedValues,
  nameOf: (key: KeyedView["keys"][number], index: number) => string | undefined,
): TouchedIn {
  return (name) => {
    const index = view.keys.findIndex((key, at) => nameOf(key, at) === name);
    return index < 0 ? undefined : values.get(index);
  };
}

export function filesTouched({ files, partitionBy }: Snapshot, touched: TouchedIn): AddFile[] {
  return [...files].filter((file) =>
    partitionBy.every((name) => touched(name)?.has(partitionValue(file, name)) ?? true),
  );
}

/** What the log alone says of a change: the keys that are partition columns of the input. */
export function valuesInLog(view: KeyedView, changed: readonly AddFile[], inputBy: readonly string[]): TouchedValues {
  const values = new Map<number, ReadonlySet<string | null>>();
  for (const [index, { type, source }] of view.keys.entries()) {
    if (source !== undefined && isTold(type) && inputBy.includes(source))
      values.set(index, new Set(changed.map((file) => partitionValue(file, source))));
  }
  return values;
}

/** Partitions of a view of single rows that are partitions of its input; undefined where there are none. */
export function sharedPartitions(
  view: RowView,
  sinkBy: readonly string[],
  input: Pick<Snapshot, "partitionBy" | "schema">,
): readonly { readonly output: string; readonly source: string }[] | undefined {
  const shared = sinkBy.flatMap((output) => {
    const source = view.sources[output];
    const type = source === undefined ? undefined : input.schema.fields[source]?.type;
    const isShared = source !== undefined && type !== undefined && input.partitionBy.includes(source) && isTold(type);
    return isShared ? [{ output, source }] : [];
  });
  return shared.length === 0 ? undefined : shared;
}

/** Delta has one value for NULL and for the empty text; so has whoever looks for a partition. */
export function partitionValue(file: Pick<AddFile, "partitionValues">, name: string): string | null {
  const value = file.partitionValues[name];
  return value === undefined || value === "" ? null : value;
}

/** The different values of a key in a relation, one more than can be looked up at most. */
export function differentValues(input: LogicalPlan, index: number): LogicalPlan {
  const key = keyColumn(index);
  const one: LogicalPlan = { kind: "project", input, columns: [{ name: key, expression: column(key) }] };
  return { kind: "limit", input: { kind: "distinct", input: one }, count: touchedPartitionsMax + 1 };
}

/** Collected values as Delta writes them in partition values; undefined where there are too many. */
export function touchedTexts(rows: readonly Row[], index: number, type: DataType): Set<string | null> | undefined {
  if (rows.length > touchedPartitionsMax) return undefined;
  return new Set(rows.map((row) => partitionText(row[keyColumn(index)] ?? null, type.kind)));
}

function partitionText(value: Row[string] | null, kind: string): string | null {
  if (value === null || value === "") return null;
  return kind === "date"
    ? instantText(BigInt(value as number) * 86_400_000_000n).slice(0, -"T00:00:00.000000Z".length)
    : String(value);
}

/** Rows of a table as text, one JSON object per row and without loss: what the command prints. */
import { placeColumn } from "../core/index.ts";
import { canPlaceRows, type Compute } from "../compute/index.ts";
import type { AddFile, Snapshot } from "../delta/index.ts";
import type { Expression } from "../plan/index.ts";
import type { DeltaTable } from "./delta-table.ts";
import { filesMatching } from "./file-condition.ts";
import { freeName, RowWindows } from "./row-windows.ts";
import type { TableSession } from "./table-session.ts";

export interface ReadOptions {
  readonly limit: number;
  readonly hidden?: boolean | undefined;
  /** These columns, in this order; all of them where absent. */
  readonly columns?: readonly string[] | undefined;
  /** True for the rows that are wanted, over the table's columns. Files that cannot have one are not read. */
  readonly where?: Expression | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Each row as a JSON text, file by file. Timestamps are ISO-8601 with microseconds and Z, decimals text, 64-bit integers numbers with all
 * digits, NaN and infinities text, binary base64, maps arrays of {"key","value"}. At most `limit` rows; the hidden column of a row's
 * place only with `hidden`. A few rows are in memory at once, however many there are.
 */
export async function* readRowTexts(
  compute: Compute,
  table: DeltaTable,
  snapshot: Snapshot,
  options: ReadOptions,
): AsyncGenerator<string, void> {
  const { hidden = false, where } = options;
  const names = options.columns ?? Object.keys(snapshot.schema.fields).filter((name) => hidden || name !== placeColumn);
  const mayHaveRows = where === undefined ? undefined : filesMatching(snapshot, where);
  let left = options.limit;
  for (const file of snapshot.files) {
    if (left <= 0) return;
    if (mayHaveRows?.(file) === false) continue;
    for await (const text of fileTexts({ compute, table }, snapshot, file, { ...options, left, names })) {
      left--;
      yield text;
    }
  }
}

/** The rows of one file, at most `left` of them. */
function fileTexts(
  { compute, table }: TableSession,
  snapshot: Snapshot,
  file: AddFile,
  {
    names,
    left,
    where,
    signal,
  }: Omit<ReadOptions, "limit"> & { readonly names: readonly string[]; readonly left: number },
): AsyncGenerator<string, void> {
  const { schema } = snapshot;
  const rowColumn = freeName(schema.fields, "_row");
  const position = {
    name: rowColumn,
    type: { kind: "long" },
    expression: { kind: "column", name: "_row_index" },
  } as const;
  const isPlaced = canPlaceRows(schema);
  const files = table.fileSet(snapshot, [file], isPlaced ? [position] : []);
  const name = `rows of ${table.path}`;
  const of = { name, files, schema, names, where, signal };
  return new RowWindows(compute, { ...of, rowColumn: isPlaced ? rowColumn : undefined }).texts(left);
}

/** Rows of a table as text, one JSON object per row and without loss: what the command prints. */
import { DyneError, placeColumn } from "../core/index.ts";
import type { Compute } from "../compute/index.ts";
import type { AddFile, Snapshot } from "../delta/index.ts";
import type { Expression, LogicalPlan } from "../plan/index.ts";
import type { DeltaTable } from "./delta-table.ts";
import { filesMatching } from "./file-condition.ts";

/** So many rows of one file are held in memory at once. */
const rowsPerFileMax = 20_000_000;

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
 * place only with `hidden`.
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
    for (const text of await fileRows(compute, table, snapshot, file, { ...options, limit: left, names })) {
      left--;
      yield text;
    }
  }
}

async function fileRows(
  compute: Compute,
  table: DeltaTable,
  snapshot: Snapshot,
  file: AddFile,
  { names, limit, where, signal }: ReadOptions & { readonly names: readonly string[] },
): Promise<string[]> {
  const scan: LogicalPlan = { kind: "scan", source: "file", schema: snapshot.schema, streaming: false };
  const all: LogicalPlan = {
    kind: "project",
    input: where === undefined ? scan : { kind: "filter", input: scan, condition: where },
    columns: [{ name: "row", expression: rowText(names) }],
  };
  const plan: LogicalPlan = Number.isFinite(limit) ? { kind: "limit", input: all, count: limit } : all;
  const result = await compute.run({
    name: `read ${table.path}`,
    inputs: { file: table.fileSet(snapshot, [file]) },
    steps: [],
    writes: [],
    collects: [{ name: "rows", plan, rowsMax: rowsPerFileMax }],
    parameters: {},
    signal,
  });
  if (result.kind === "pending")
    throw new DyneError("BATCH_ABANDONED", `Reading ${table.path} waits for its compute. Try again.`);
  return (result.collected["rows"] ?? []).map((collected) => String(collected["row"]));
}

/** A row of these columns as one JSON text, without loss. */
export function rowText(names: readonly string[]): Expression {
  const args = names.flatMap((name): Expression[] => [
    { kind: "literal", value: name, type: { kind: "string" } },
    { kind: "column", name },
  ]);
  return { kind: "call", name: "to_json", args: [{ kind: "call", name: "named_struct", args }] };
}

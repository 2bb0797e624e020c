/** The bottom of every random pipeline: a bronze table with a column of every kind, and rows that others append to it as they like. */
import fc from "fast-check";
import { encodeLogPath, type Action } from "../../shared/delta/index.ts";
import type { Row, RowSet, RowValue } from "../../shared/compute/index.ts";
import {
  array,
  boolean,
  date,
  decimal,
  double,
  files,
  integer,
  long,
  streamingTable,
  string,
  struct,
  tablePath,
  timestamp,
  type DeclaredTable,
} from "../../shared/pipeline/index.ts";
import type { Schema } from "../../shared/plan/index.ts";
import { startMs, type EngineWorld } from "../support/engine-harness.ts";

const columns = struct({
  id: long(),
  k: string(),
  g: integer(),
  big: long(),
  amount: decimal(12, 2),
  x: double(),
  day: date(),
  at: timestamp(),
  flag: boolean(),
  tags: array(string()),
});

/** The columns that queries see; those of provenance are left out. */
export const sourceColumns = Object.keys(columns.fields);
/** The event time. */
export const eventTime = "at";

/** A row's values in the form of `RowValue`, lists as DuckDB writes them. `at` is minutes after the start. */
export interface SourceRow {
  readonly id: number | null;
  readonly k: string | null;
  readonly g: number | null;
  readonly big: bigint | null;
  readonly amount: string | null;
  readonly x: number | null;
  readonly day: number | null;
  readonly at: number | null;
  readonly flag: boolean | null;
  readonly tags: string | null;
}

const someDay = 20_513;
/**
 * Few values, so that keys meet, and the awkward ones of each type. Doubles are quarters, positive roots and what is not finite: their sums
 * differ from order to order in the last places only, because nothing large cancels.
 */
export const sourceRow: fc.Arbitrary<SourceRow> = fc.record({
  id: fc.constantFrom(1, 2, 3, 4, 5, 6, null),
  k: fc.constantFrom("a", "b", "c", null, "", "ä/%41 b"),
  g: fc.constantFrom(0, 1, 2, -1, null, 2_147_483_647),
  big: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(0n, 1n, -7n, null, 9_007_199_254_740_993n) },
    { weight: 1, arbitrary: fc.constantFrom(2n ** 63n - 1n, -(2n ** 63n)) },
  ),
  amount: fc.constantFrom("0.00", "1.10", "-2.25", null, "9999999999.99", "0.01"),
  x: fc.constantFrom(0.25, 1.5, -0.75, null, 0, -0, 0.7320508075688772, 2.23606797749979, NaN, Infinity, -Infinity),
  day: fc.constantFrom(someDay, someDay + 1, null, someDay - 20_513, someDay + 40),
  at: fc.oneof({ weight: 9, arbitrary: fc.nat(40) }, { weight: 1, arbitrary: fc.constantFrom(null, 5_000, -5_000) }),
  flag: fc.constantFrom(true, false, null),
  tags: fc.constantFrom('["p"]', '["p","q"]', "[]", null, '["q",null,"p"]'),
});

export function sourceTable(name: string, isPartitioned: boolean): DeclaredTable {
  return streamingTable(name, {
    from: files(`landing/${name}/**.jsonl`, { format: "jsonl", schema: columns }),
    minInterval: "0 seconds",
    ...(isPartitioned ? { partitionBy: ["k" as const, "day" as const] } : {}),
  });
}

const microsOf = (minutes: number): bigint => BigInt(startMs + minutes * 60_000) * 1_000n;

/** Commits each list of rows to a source's table, all of which arrived so many minutes after the start. Without rows a commit has no file. */
export async function appendRows(
  world: EngineWorld,
  name: string,
  lists: readonly (readonly SourceRow[])[],
  arrivedMinutes: number,
): Promise<void> {
  const table = world.table(tablePath(name));
  const { schema, partitionBy } = await table.latest();
  const names = lists.map((_, index) => `rows${index}`);
  const inputs = lists.map((rows) => rowSetOf(schema, rows, arrivedMinutes));
  const result = await world.compute.run({
    name: "append",
    inputs: Object.fromEntries(names.map((each, index) => [each, inputs[index] as RowSet])),
    steps: [],
    writes: names.map((each) => ({
      name: each,
      plan: { kind: "scan", source: each, schema, streaming: false },
      target: { store: world.estate.lake, path: table.path, schema, partitionBy, sortBy: [] },
    })),
    collects: [],
    parameters: {},
  });
  if (result.kind === "pending") throw new Error("pending");
  for (const each of names) {
    const actions = (result.written[each] ?? []).map((file): Action => ({
      add: {
        path: encodeLogPath(file.path),
        partitionValues: file.partitionValues,
        size: file.sizeBytes,
        modificationTime: world.clock.nowMs(),
        dataChange: true,
        stats: file.stats,
      },
    }));
    await table.commit({ actions, isBlindAppend: true, operation: "WRITE" });
  }
}

/** Rows as the compute takes them, in the columns of a table. */
export function rowSetOf(schema: Schema, rows: readonly SourceRow[], arrivedMinutes: number): RowSet {
  return {
    kind: "rows",
    schema,
    rowCount: rows.length,
    columns: Object.fromEntries(
      Object.keys(schema.fields).map((column) => [column, rows.map((row) => valueOf(row, column, arrivedMinutes))]),
    ),
  };
}

/** Rows as a list of SQL's VALUES, in the order of the source's columns; `at` in minutes after the start. */
export function rowsText(rows: readonly SourceRow[]): string {
  if (rows.length === 0) return " (no rows)";
  const lines = rows.map((row) => `\n    (${sourceColumns.map((name) => valueText(row, name)).join(", ")})`);
  return ` (${sourceColumns.join(", ")}) VALUES${lines.join(",")}`;
}

function valueText(row: SourceRow, name: string): string {
  const value = (row as unknown as Row)[name] ?? null;
  if (value === null) return "NULL";
  if (name === "day") return `DATE '${new Date(Number(value) * 86_400_000).toISOString().slice(0, 10)}'`;
  if (name === "at") return `MINUTE ${Number(value)}`;
  if (name === "tags") return String(value).replaceAll('"', "'");
  if (name === "amount") return String(value);
  return Object.is(value, -0) ? "-0.0" : typeof value === "string" ? `'${value}'` : String(value);
}

function valueOf(row: SourceRow, column: string, arrivedMinutes: number): RowValue {
  if (column === "file_modification_time") return microsOf(arrivedMinutes);
  if (column === eventTime) return row.at === null ? null : microsOf(row.at);
  if (column === "id") return row.id === null ? null : BigInt(row.id);
  return (row as unknown as Row)[column] ?? null;
}

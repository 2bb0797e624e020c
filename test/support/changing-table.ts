/** A table whose rows are changed by the operations of users, beside a naive model of the same rows. */
import { ManualClock, seededRandom, silentLogger } from "../../shared/core/index.ts";
import type { Compute } from "../../shared/compute/index.ts";
import type { Expression, Schema } from "../../shared/plan/index.ts";
import { MemoryStore, type ObjectStore } from "../../shared/storage/index.ts";
import {
  DeltaTable,
  readRowTexts,
  sourceOfRows,
  type SourceRows,
  type TableSession,
} from "../../shared/table/index.ts";

/** A row of the model. */
export interface ModelRow {
  readonly id: number | null;
  readonly n: number | null;
  readonly text: string | null;
  readonly part: string | null;
}

export const modelSchema: Schema = {
  kind: "struct",
  fields: {
    id: { type: { kind: "long" }, nullable: true },
    n: { type: { kind: "integer" }, nullable: true },
    text: { type: { kind: "string" }, nullable: true },
    part: { type: { kind: "string" }, nullable: true },
  },
};

export const column = (name: string): Expression => ({ kind: "column", name });
export const call = (name: string, ...args: readonly Expression[]): Expression => ({ kind: "call", name, args });
export const whole = (value: number): Expression => ({ kind: "literal", value, type: { kind: "integer" } });
export const text = (value: string | null): Expression => ({ kind: "literal", value, type: { kind: "string" } });

/** Rows of the model as rows to write. */
export function sourceOf(rows: readonly ModelRow[]): SourceRows {
  return sourceOfRows({
    kind: "rows",
    schema: modelSchema,
    columns: {
      id: rows.map(({ id }) => (id === null ? null : BigInt(id))),
      n: rows.map(({ n }) => n),
      text: rows.map((row) => row.text),
      part: rows.map(({ part }) => part),
    },
    rowCount: rows.length,
  });
}

export interface ChangingTable extends TableSession {
  readonly store: MemoryStore;
  readonly scratch: ObjectStore;
  readonly clock: ManualClock;
}

let tables = 0;

/** An empty table of the model's rows. */
export async function changingTable(
  compute: Compute,
  {
    partitionBy = [],
    configuration = {},
    schema = modelSchema,
  }: {
    readonly partitionBy?: readonly string[];
    readonly configuration?: Readonly<Record<string, string>>;
    readonly schema?: Schema;
  } = {},
): Promise<ChangingTable> {
  const clock = new ManualClock(1_700_000_000_000);
  const random = seededRandom(++tables);
  const services = { clock, random };
  const store = new MemoryStore(services);
  const table = new DeltaTable({ ...services, store, path: `lake/changing/t${tables}`, logger: silentLogger });
  await table.createIfAbsent({ schema, partitionBy, configuration });
  return { compute, table, store, scratch: new MemoryStore(services), clock };
}

/** The rows of the newest version, as texts in an order of their own. */
export async function rowTexts(session: TableSession, version?: number): Promise<readonly string[]> {
  const { compute, table } = session;
  const snapshot = version === undefined ? await table.latest() : await table.at(version);
  const texts: string[] = [];
  for await (const row of readRowTexts(compute, table, snapshot, { limit: Number.POSITIVE_INFINITY })) texts.push(row);
  return texts.sort();
}

/** Rows of the model as `rowTexts` gives them. */
export function modelTexts(rows: readonly ModelRow[]): readonly string[] {
  return rows.map(({ id, n, text, part }) => JSON.stringify({ id, n, text, part })).sort();
}

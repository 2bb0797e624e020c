/** Rows to be written, as a plan over inputs of the compute: rows in memory, or those of another table. */
import type { ComputeInput, RowSet } from "../../compute/index.ts";
import type { Snapshot } from "../../delta/index.ts";
import type { LogicalPlan } from "../../plan/index.ts";
import type { DeltaTable } from "../delta-table.ts";

export interface SourceRows {
  /** By the name that the plan scans. */
  readonly inputs: Readonly<Record<string, ComputeInput>>;
  readonly plan: LogicalPlan;
}

/** Rows that are in memory. */
export function sourceOfRows(rows: RowSet): SourceRows {
  return {
    inputs: { rows },
    plan: { kind: "scan", source: "rows", schema: rows.schema, streaming: false },
  };
}

/** All rows of a table at one version. */
export function sourceOfTable(table: DeltaTable, snapshot: Snapshot): SourceRows {
  return {
    inputs: { table: table.fileSet(snapshot) },
    plan: { kind: "scan", source: "table", schema: snapshot.schema, streaming: false },
  };
}

import type { Compute } from "../compute/index.ts";
import type { DeltaTable } from "./delta-table.ts";

/** What an operation on a table works with: the table, and who computes for it. Nothing is opened, nothing to close. */
export interface TableSession {
  readonly compute: Compute;
  readonly table: DeltaTable;
}

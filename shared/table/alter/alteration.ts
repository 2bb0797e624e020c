/** Changes of what the log says of a table, beside its files: planned on the newest version, committed once. */
import { isDeepStrictEqual } from "node:util";
import { DyneError } from "../../core/index.ts";
import type { Action, CommitConflict, Metadata, Protocol, Snapshot } from "../../delta/index.ts";
import type { DeltaTable } from "../delta-table.ts";
import { unchanged } from "../unchanged.ts";

/** What became of an alteration. After a conflict nothing is changed: look at the table, and do it again. */
export type Alteration =
  | { readonly kind: "committed"; readonly version: number }
  /** The table was so already. */
  | { readonly kind: "unchanged"; readonly version: number }
  | Pick<CommitConflict, "kind" | "version" | "reason" | "operation">;

/** What a table is to become, and how its history calls that. */
export interface Altered {
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  readonly operation: string;
  readonly operationParameters: Readonly<Record<string, unknown>>;
  /** Rows that arrive meanwhile conflict: the change says something of all rows. */
  readonly conflictsWithAppends?: boolean;
}

/** Commits an alteration of a snapshot, if it is one. */
export async function commitAltered(table: DeltaTable, base: Snapshot, altered: Altered): Promise<Alteration> {
  const { protocol, metadata, operation, operationParameters, conflictsWithAppends } = altered;
  const actions: Action[] = [];
  if (!isDeepStrictEqual(protocol, base.protocol)) actions.push({ protocol });
  if (!isDeepStrictEqual(metadata, base.metadata)) actions.push({ metaData: metadata });
  if (actions.length === 0) return unchanged(table, base);
  const outcome = await table.commit({
    base,
    actions,
    isBlindAppend: false,
    conflictsWithAppends,
    operation,
    operationParameters,
  });
  if (outcome.kind === "committed") return { kind: "committed", version: outcome.version };
  if (outcome.kind !== "conflict")
    throw new DyneError("COMPUTE_FAILED", `${table.path} was altered without a fence and came out ${outcome.kind}.`);
  const { kind, version, reason, operation: other } = outcome;
  return { kind, version, reason, ...(other !== undefined && { operation: other }) };
}

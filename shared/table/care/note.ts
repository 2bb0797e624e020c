import { DyneError, limits } from "../../core/index.ts";
import type { DeltaTable } from "../delta-table.ts";

/**
 * Commits a version that changes nothing and says in the table's history what is done to its files. Throws STORAGE_UNAVAILABLE where others
 * keep changing the table's columns or properties.
 */
export async function commitNote(
  table: DeltaTable,
  operation: string,
  operationParameters: Readonly<Record<string, unknown>>,
  operationMetrics: Readonly<Record<string, number>>,
): Promise<number> {
  for (let attempt = 1; attempt <= limits.mergeAttemptsMax; attempt++) {
    const base = await table.latest();
    const result = await table.commit({
      base,
      actions: [],
      isBlindAppend: true,
      operation,
      operationParameters,
      operationMetrics,
    });
    if (result.kind === "committed") return result.version;
  }
  throw new DyneError(
    "STORAGE_UNAVAILABLE",
    `${table.path} has too many writers at once, so that ${operation} could not be noted in its log. Try again.`,
  );
}

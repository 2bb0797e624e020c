/** What could not go on: how many rows of each table are in quarantine, and why. */
import { DyneError, instantText } from "../core/index.ts";
import type { Compute } from "../compute/index.ts";
import { count, max, read } from "../plan/index.ts";
import { quarantineSchema, tablePath } from "../pipeline/index.ts";
import type { TableCatalog } from "../table/index.ts";

export interface QuarantinedRows {
  /** The table that the rows did not reach. */
  readonly table: string;
  /** `MALFORMED`, `LATE`, `EXPECTATION`, … */
  readonly reason: string;
  /** The expectation, or the rule of lateness; null where the reason says all. */
  readonly rule: string | null;
  readonly rows: number;
  /** When the last of them came, ISO-8601. */
  readonly lastTime: string;
  /** What is said of one of them. */
  readonly example: string | null;
}

/** More reasons and rules than these are no summary. */
const groupsMax = 10_000;

const quarantine = read({ name: "quarantine", schema: quarantineSchema });
const { plan } = quarantine.groupBy("reason", "rule").agg(({ ingestion_timestamp, message }) => ({
  rows: count(),
  last: max(ingestion_timestamp),
  example: max(message),
}));

/**
 * Sorted by reason and rule; nothing where a table has no quarantine. Reads the quarantine as a whole. Errors: COMPUTE_FAILED, OUT_OF_MEMORY,
 * STORAGE_UNAVAILABLE, those of reading Delta logs. Safe to repeat.
 */
export async function quarantinedRows(
  { compute, tables }: { readonly compute: Compute; readonly tables: TableCatalog },
  table: string,
): Promise<readonly QuarantinedRows[]> {
  const stored = tables.open("lake", tablePath(table, "quarantine"));
  const snapshot = await stored.find();
  if (snapshot === undefined || snapshot.files.size === 0) return [];
  const result = await compute.run({
    name: `quarantine of ${table}`,
    inputs: { quarantine: stored.fileSet(snapshot) },
    steps: [],
    writes: [],
    collects: [{ name: "reasons", plan, rowsMax: groupsMax }],
    parameters: {},
  });
  if (result.kind === "pending")
    throw new DyneError("COMPUTE_FAILED", `The quarantine of ${table} is counted elsewhere, which is not waited for.`);
  return (result.collected["reasons"] ?? [])
    .map(({ reason, rule, rows, last, example }) => ({
      table,
      reason: String(reason),
      rule: rule === null || rule === undefined ? null : String(rule),
      rows: Number(rows),
      lastTime: instantText(BigInt(last as bigint)),
      example: example === null || example === undefined ? null : String(example),
    }))
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

const keyOf = ({ reason, rule }: Pick<QuarantinedRows, "reason" | "rule">): string => JSON.stringify([reason, rule]);
